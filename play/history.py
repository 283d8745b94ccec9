"""./dev history: months of closed cases for the demo, so that boards, scores and forecasts have something to show.

Everything is written as it would have been at its time, by the same functions that write any case, but nobody is
sent a message. It is planted whole or not at all: before the cases that there are, or up to the morning on which
./dev play begins.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from multiprocessing.connection import wait

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend.settings")
django.setup()

from django.conf import settings  # noqa: E402
from django.db import connection, connections, transaction  # noqa: E402

from cases import forecast, tally  # noqa: E402
from cases.models import Case  # noqa: E402
from cases.planting.hush import hush  # noqa: E402
from deploy.tongue import told  # noqa: E402
from grid.moment import local_day  # noqa: E402

from .past import Past  # noqa: E402
from .saying import bar, deed  # noqa: E402
from .tape import last_morning  # noqa: E402

Step = Callable[[datetime], object]


class Taken(Exception):
    """There are cases of that time already. Nothing was planted."""


def main() -> int:
    said = arguments()
    if not settings.DEMO:
        print(told("This is not a demonstration: no history is planted."), file=sys.stderr)
        return 1
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # with all hands
    ends = last_morning(20)
    first = Case.objects.order_by("reported_at").values_list("reported_at", flat=True).first()
    until = min(ends, tally.midnight(local_day(first))) if first else ends
    since = until - timedelta(days=round(said.months * 30.4))
    began = time.monotonic()
    try:
        with bar(told("days of the past"), (ends - since).days, unit="d") as shown:
            plot = Plot(said.seed, since, until, said.cases, ends)
            hands = min(os.cpu_count() or 1, 4)
            counts = plant(plot, hands=hands, step=lambda at: shown.update((at - since).days - shown.n))
    except Taken as refusal:
        print(refusal, file=sys.stderr)
        return 1
    for what, n in counts.most_common():
        print(f"{n:7} {deed(what)}")
    print(
        told(
            "{cases} cases, {since} to {until}, planted in {seconds} s",
            cases=counts["report"],
            since=local_day(since),
            until=local_day(until),
            seconds=round(time.monotonic() - began),
        )
    )
    return 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev history", description=__doc__)
    parser.add_argument("--months", type=float, default=4)
    parser.add_argument("--cases", type=int, default=3000)
    parser.add_argument("--seed", default="1", help="the same seed, on the same day, plants the same past")
    return parser.parse_args()


@dataclass(frozen=True)
class Plot:
    """Which past is planted. What was reported until its end is lived on to `ends`, where that is later."""

    seed: str
    since: datetime
    until: datetime
    cases: int
    ends: datetime | None = None


def plant(plot: Plot, *, hands: int = 1, step: Step = lambda at: None) -> Counter[str]:
    """Plant a past: all of it or nothing, for the worker must not see it half grown. Counts what was done.

    Raises Taken where a case was reported before its end.
    """
    if old := Case.objects.filter(reported_at__lt=plot.until).order_by("reported_at").first():
        day = local_day(plot.until)
        said = {"day": day, "number": old.number}
        raise Taken(told("There are cases from before {day} already ({number}). To begin anew: ./dev reset", **said))
    counts = _grow(plot, step=step) if hands == 1 else _together(plot, hands, step)
    step(plot.ends or plot.until)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")  # or the recount would be planned for tables that were empty
    with transaction.atomic():
        tally.rebuild(local_day(plot.since), local_day(plot.ends or plot.until))
        forecast.recount()
        forecast.foresee_all()
    return counts


def _grow(
    plot: Plot, hand: int = 0, hands: int = 1, *, step: Step, ready: Callable[[], object] = lambda: None
) -> Counter[str]:
    """Live one hand's share, in one transaction. `ready` returns when all may commit, or raises."""
    with transaction.atomic(), hush(plot.seed):
        past = Past(plot.seed, plot.since, plot.until, plot.cases, plot.ends, hand=hand, hands=hands)
        past.run(step)
        ready()
    return past.counts


def _together(plot: Plot, hands: int, step: Step) -> Counter[str]:
    """A process for each hand. They commit when all have come to the end, and none if one fails."""
    here = multiprocessing.get_context("fork")
    barrier, lines, counts = here.Barrier(hands), [here.Pipe(duplex=False) for _hand in range(hands)], Counter[str]()
    connections.close_all()

    def live(hand: int) -> None:
        try:
            lines[hand][1].send(_grow(plot, hand, hands, step=_daily(lines[hand][1].send), ready=barrier.wait))
        except BaseException:
            barrier.abort()
            raise

    processes = [here.Process(target=live, args=(hand,), daemon=True) for hand in range(hands)]
    for process in processes:
        process.start()
    left, far = list(processes), [plot.since] * hands
    while left:
        wait([*(process.sentinel for process in left), *(listening for listening, _speaking in lines)])
        left = [process for process in left if process.exitcode is None]
        if any(process.exitcode for process in processes):
            barrier.abort()  # also where one was killed and could not say so
        for hand, (listening, _speaking) in enumerate(lines):
            while listening.poll():
                said = listening.recv()
                if isinstance(said, datetime):
                    far[hand] = said
                else:
                    counts.update(said)
        step(min(far))
    if any(process.exitcode for process in processes):
        raise SystemExit(told("Nothing was planted."))
    return counts


def _daily(tell: Step) -> Step:
    """Tells once a day how far a hand is."""
    days: set[date] = set()

    def step(at: datetime) -> None:
        if at.date() not in days:
            days.add(at.date())
            tell(at)

    return step


if __name__ == "__main__":
    sys.exit(main())
