"""./dev history: months of closed cases for the demo, so that boards, scores and forecasts have something to show.

Everything is written as it would have been at its time, by the same functions that write any case, but nobody is
sent a message. It is planted whole or not at all, and ends on the morning on which ./dev play begins.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend.settings")
django.setup()

from django.conf import settings  # noqa: E402
from django.db import connection, transaction  # noqa: E402
from django_q.brokers import Broker  # noqa: E402
from django_q.conf import Conf  # noqa: E402
from tqdm import tqdm  # noqa: E402

from cases import draw, forecast, outbox, tally  # noqa: E402
from cases.models import Case  # noqa: E402
from grid.moment import local_day  # noqa: E402

from .past import Past  # noqa: E402
from .tape import last_morning  # noqa: E402

Step = Callable[[datetime], object]


class Taken(Exception):
    """There are cases of that time already. Nothing was planted."""


class Silence(Broker):
    """A queue that forgets: no doorbell rings for what is long past."""

    def enqueue(self, task: str) -> str:
        return ""


def main() -> int:
    said = arguments()
    if not settings.DEMO:
        print("这里不是演示环境，不生成历史案卷。 This is not a demonstration: no history is planted.", file=sys.stderr)
        return 1
    until = last_morning(20)
    since = until - timedelta(days=round(said.months * 30.4))
    began = time.monotonic()
    try:
        with tqdm(total=(until - since).days, desc="days", unit="day", mininterval=1) as bar:
            counts = plant(said.seed, since, until, said.cases, lambda at: bar.update((at - since).days - bar.n))
    except Taken as refusal:
        print(refusal, file=sys.stderr)
        return 1
    for what, n in counts.most_common():
        print(f"{n:7} {what}")
    days = f"{local_day(since)} … {local_day(until)}"
    print(f"{counts['report']} cases, {days}, planted in {time.monotonic() - began:.0f} s")
    return 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev history", description=__doc__)
    parser.add_argument("--months", type=float, default=3)
    parser.add_argument("--cases", type=int, default=3000)
    parser.add_argument("--seed", default="1", help="the same seed, on the same day, plants the same past")
    return parser.parse_args()


def plant(seed: str, since: datetime, until: datetime, cases: int, step: Step = lambda at: None) -> Counter[str]:
    """Plant a past, in one transaction: the worker must not see it half grown. Counts what was done.

    Raises Taken where a case was reported before `until`.
    """
    if old := Case.objects.filter(reported_at__lt=until).order_by("reported_at").first():
        raise Taken(
            f"已有 {local_day(until)} 之前的案卷（{old.number}），不再生成历史。如需重来：./dev reset\n"
            f"There are cases from before {local_day(until)} already ({old.number}). To begin anew: ./dev reset"
        )
    with transaction.atomic(), _alone(seed):
        past = Past(seed, since, until, cases)
        past.run(step)
        tally.rebuild(local_day(since), local_day(until))
        forecast.recount()
        forecast.foresee_all()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return past.counts


@contextmanager
def _alone(seed: str) -> Iterator[None]:
    """Nobody is owed anything for what is long past, and lots fall as the seed has it."""
    kept, lot, broker = dict(outbox.CONSUMERS), draw.LOT, Conf.BROKER_CLASS
    outbox.CONSUMERS.clear()
    Conf.BROKER_CLASS = f"{Silence.__module__}.{Silence.__qualname__}"
    draw.LOT = random.Random(seed)  # type: ignore[assignment]  (as good, and told beforehand)
    try:
        yield
    finally:
        outbox.CONSUMERS.update(kept)
        draw.LOT, Conf.BROKER_CLASS = lot, broker


if __name__ == "__main__":
    sys.exit(main())
