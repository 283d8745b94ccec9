"""./dev play: a day in the city, in minutes.

Inspectors report what a real district sees, the centre files and closes, departments work, ask and are sometimes
late, alarms ring by the city's faster clock. It starts on a working morning in the past and ends now.
"""

from __future__ import annotations

import argparse
import csv
import heapq
import itertools
import logging
import os
import random
import sys
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend.settings")
django.setup()

from django.conf import settings  # noqa: E402
from django.db import close_old_connections  # noqa: E402
from django.utils import timezone  # noqa: E402

from cases import alarm  # noqa: E402
from cases.loading.demo import PASSWORD  # noqa: E402
from deploy.tongue import told  # noqa: E402

from .people import Clerk, Dispatcher, Handler, Inspector, Leader, Person  # noqa: E402
from .phone import Phone  # noqa: E402
from .saying import bar, deed  # noqa: E402
from .tape import Tape, last_morning  # noqa: E402

POSTS: dict[str, tuple[type[Person], int]] = {  # who plays, and every how many minutes he looks at his desk
    "inspector": (Inspector, 25),
    "handler": (Handler, 20),
    "clerk": (Clerk, 6),
    "dispatcher": (Dispatcher, 8),
    "leader": (Leader, 120),
}
RING = timedelta(minutes=10)
Act = Callable[[datetime], None]


def main() -> int:
    said = arguments()
    logging.getLogger("httpx").setLevel(logging.WARNING)
    tape = Tape(last_morning(said.hours), said.minutes)
    counts: Counter[str] = Counter()
    problems: list[str] = []
    run = f"{said.seed}:{tape.starts:%Y%m%d%H%M}:{tape.ends:.0f}"
    people = cast(said, run, counts, problems)
    with tape:
        perform(tape, people, said, counts, problems)
    show(counts, problems)
    print(told("The day is over. Look at it at {url}/ with the logins that ./dev up told.", url=said.url))
    return 1 if counts["errors"] else 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev play", description=told("A day in the city, in minutes."))
    parser.add_argument(
        "--url", default=f"http://127.0.0.1:{os.environ.get('PORT', '8000')}", help=told("where the city runs")
    )
    parser.add_argument("--city", default="futian", help=told("the folder of the city below fixtures/cities"))
    parser.add_argument("--seed", default="1", help=told("the same seed plays the same day"))
    parser.add_argument("--reports", type=int, default=240, help=told("by inspectors; the hotline adds some"))
    parser.add_argument("--minutes", type=float, default=4, help=told("real minutes that the play takes"))
    parser.add_argument("--hours", type=float, default=20, help=told("city hours that it covers at least"))
    return parser.parse_args()


def cast(said: argparse.Namespace, run: str, counts: Counter[str], problems: list[str]) -> list[Person]:
    """The demo city's officers, each logged in on a phone of his own."""
    people: list[Person] = []
    with Path(settings.BASE_DIR, "fixtures", "cities", said.city, "officers.csv").open(encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    with bar(told("phones log in"), len(rows), unit="") as shown:
        for row in rows:
            shown.update()
            role = next((role for role in row["roles"].split("|") if role in POSTS), None)
            if role:
                kind, minutes = POSTS[role]
                phone = Phone(said.url, row["username"], PASSWORD, run, counts, problems)
                people.append(kind(phone, timedelta(minutes=minutes), said.seed))
    inspectors = [person for person in people if isinstance(person, Inspector)]
    district = inspectors[0].phone.city["cells"]["features"][0]["properties"]["code"][:6]
    known = inspectors[0].phone.city["departments"]
    departments = [row["id"] for row in known if row["code"].startswith(district)]
    for person in people:
        person.plans |= {"inspectors": inspectors, "departments": departments}
        if not isinstance(person, Handler):
            person.begins, person.ends = 7, 22
    return people


def perform(
    tape: Tape, people: list[Person], said: argparse.Namespace, counts: Counter[str], problems: list[str]
) -> None:
    """Play the day: each act when the city's clock shows its time, on the phone of whoever does it."""
    queue: list[tuple[datetime, int, Person | None, Act]] = []
    for at, person, act in acts(tape, people, said):
        heapq.heappush(queue, (at, len(queue), person, act))
    pool = ThreadPoolExecutor(8)
    running: dict[int, Future[None]] = {}
    order = itertools.count(len(queue))
    whole = (timezone.now() - tape.starts).total_seconds()
    shape = "{desc}{postfix} {bar:20} {percentage:3.0f}%"
    with bar(told("city time"), int(whole), bar_format=shape) as shown, pool:
        while queue and not tape.over:
            at, _n, person, act = heapq.heappop(queue)
            tape.wait(at)
            shown.update(min(int((at - tape.starts).total_seconds()), int(whole)) - shown.n)
            news: dict[str, object] = {"time": f"{timezone.localtime(at):%m-%d %H:%M}"}
            news |= {"reports": counts["report"], "closed": counts["close"]}
            shown.set_postfix_str(told("{time} {reports} reports, {closed} closed", **news))
            busy = running.get(id(person))
            if busy and not busy.done():
                heapq.heappush(queue, (at + timedelta(minutes=2), next(order), person, act))
                continue
            running[id(person)] = pool.submit(guarded, act, at, counts, problems)
            if not hasattr(act, "once"):
                every = person.every if person else RING
                heapq.heappush(queue, (at + every, next(order), person, act))


def acts(tape: Tape, people: list[Person], said: argparse.Namespace) -> list[tuple[datetime, Person | None, Act]]:
    """Everything that is certain when the day begins: who looks when, who sees what when."""
    dice = random.Random(said.seed)
    found: list[tuple[datetime, Person | None, Act]] = [(tape.starts, None, lambda at: ring())]
    found += [(tape.starts + person.every * dice.random(), person, looking(person)) for person in people]
    inspectors = [person for person in people if isinstance(person, Inspector)]
    clerks = [person for person in people if isinstance(person, Clerk)]
    for n in range(said.reports):
        who = inspectors[n % len(inspectors)]
        found.append((moment_of(tape, dice), who, once(lambda at, who=who, n=n: who.see(timezone.localtime(at), n))))
    for n in range(said.reports // 12):
        clerk = clerks[n % len(clerks)]
        found.append((moment_of(tape, dice), clerk, once(lambda at, c=clerk, n=n: c.take(timezone.localtime(at), n))))
    return found


def moment_of(tape: Tape, dice: random.Random) -> datetime:
    """Most is seen in the morning and in the afternoon, some in the evening."""
    hours = dice.choices(
        [dice.triangular(0.3, 4.5, 1.5), dice.triangular(6, 10.5, 7), dice.uniform(11, 13)], [6, 5, 1]
    )[0]
    return tape.starts + timedelta(hours=hours)


def looking(person: Person) -> Act:
    def look(at: datetime) -> None:
        local = timezone.localtime(at)
        if person.at_work(local):
            person.turn(local)

    return look


def once(act: Act) -> Act:
    act.once = True  # type: ignore[attr-defined]
    return act


def ring() -> None:
    """The worker's minute, at the city's pace."""
    alarm.ring()
    close_old_connections()


def guarded(act: Act, at: datetime, counts: Counter[str], problems: list[str]) -> None:
    try:
        act(at)
    except Exception as trouble:  # noqa: BLE001  the play goes on, and the mishap is counted
        counts["errors"] += 1
        problems.append(repr(trouble))


def show(counts: Counter[str], problems: list[str]) -> None:
    for what, n in counts.most_common():
        print(f"{n:6} {deed(what)}")
    for problem in problems[:20]:
        print(problem, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
