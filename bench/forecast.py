"""How good the forecast is, and what it costs, on a history made up for it: seeded, so that it can be made again.

The history is written into the demo city in one transaction that is rolled back. It is synthetic: departments have
paces of their own, which drift; some classes are harder; what comes in the afternoon or evening takes longer; each
department has good and bad weeks; people hurry before a deadline; some cases are forgotten. None of this is known to
the forecast but through the log.
"""

from __future__ import annotations

import argparse
import os
import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from math import exp
from typing import TypeVar
from uuid import UUID

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend.settings")
django.setup()

from django.db import connection, transaction  # noqa: E402 (needs the settings)
from django.utils.translation import override  # noqa: E402

from cases import backtest, clock, forecast, rulebook  # noqa: E402
from cases.flow import Source, Stage, Verb  # noqa: E402
from cases.management.commands.forecast_score import report  # noqa: E402
from cases.models import Case, CaseEvent, Condition  # noqa: E402
from cases.rulebook import Rulebook  # noqa: E402
from grid.models import Cell  # noqa: E402
from grid.moment import local_day, now  # noqa: E402

Found = TypeVar("Found")
DAYS = 180
SCORED = 60
MEDIAN = 0.35  # of the limit
ARRIVALS = [1, 1, 1, 1, 1, 1, 2, 4, 9, 10, 9, 7, 5, 6, 8, 8, 7, 6, 4, 4, 3, 2, 2, 1]  # by the hour


@dataclass(frozen=True)
class Work:
    """A stint of handling as it came about."""

    condition: Condition
    department: int
    since: datetime
    allowed_s: int
    share: float


class World:
    """How fast this city really works."""

    def __init__(self, book: Rulebook, seed: int):
        self.book, self.dice = book, random.Random(seed)
        day = local_day(now())
        answer = defaultdict[int, set[int]](set)
        for duty in book.duties.values():
            answer[duty.category_id].add(duty.department_id)
        self.work = [
            (row, department)
            for category in sorted(book.categories)
            for department in sorted(answer[category] | answer[book.categories[category].parent_id or 0])
            for row in book.in_force(category, day)
        ]
        self.often = [self.dice.paretovariate(1.1) for _row in self.work]
        self.habit = defaultdict[int, float](lambda: self.dice.gauss(0, 0.4))
        self.drift = defaultdict[int, float](lambda: self.dice.gauss(0, 0.25))
        self.hard = defaultdict[int, float](lambda: self.dice.gauss(0, 0.35))
        self.forgets = defaultdict[int, float](lambda: self.dice.uniform(0.01, 0.06))
        self.weeks = defaultdict[tuple[int, int], float](lambda: self.dice.gauss(0, 0.25))

    def history(self, stints: int, until: datetime) -> Iterator[Work]:
        for _n in range(stints):
            day = until - timedelta(days=self.dice.randrange(DAYS) + 1)
            hour = self.dice.choices(range(24), ARRIVALS)[0]
            since = forecast.midnight(local_day(day)) + timedelta(hours=hour, seconds=self.dice.randrange(3600))
            condition, department = self.dice.choices(self.work, self.often)[0]
            limit = clock.Limit(condition.limit_value, clock.Unit(condition.limit_unit))
            age = (until - since).days / DAYS
            share = self._share(condition.category_id, department, hour, age, since)
            yield Work(condition, department, since, limit.seconds(self.book.calendar(department)), share)

    def _share(self, category: int, department: int, hour: int, age: float, since: datetime) -> float:
        if self.dice.random() < self.forgets[department]:
            return self.dice.uniform(1, 4)
        effect = self.habit[department] + self.drift[department] * (0.5 - age) + self.hard[category]
        effect += self.weeks[department, since.toordinal() // 7] + (0.3 if hour >= 17 else 0.15 if hour >= 13 else 0)
        share = MEDIAN * exp(effect + self.dice.gauss(0, 0.55))
        if 0.95 < share < 1.4 and self.dice.random() < 0.55:
            return self.dice.uniform(0.8, 1)  # somebody looked at the clock
        return share


def write(book: Rulebook, works: list[Work], at: datetime) -> None:
    """Cases and lines of the log: as much of them as the forecast reads."""
    cell = Cell.objects.select_related("area").first()
    assert cell
    pairs = [_written(book, work, cell, number, at) for number, work in enumerate(works)]
    Case.objects.bulk_create([case for case, _event in pairs], batch_size=1000)
    CaseEvent.objects.bulk_create([event for _case, event in pairs if event], batch_size=1000)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE cases_case, cases_caseevent")


def _written(book: Rulebook, work: Work, cell: Cell, number: int, at: datetime) -> tuple[Case, CaseEvent | None]:
    calendar, unit = book.calendar(work.department), work.condition.limit_unit
    due_at = clock.deadline(work.since, work.allowed_s, unit, calendar).due_at
    ended = clock.deadline(work.since, int(work.share * work.allowed_s), unit, calendar).due_at
    assert due_at and ended
    owed = {"cell": cell, "since": work.since, "clock": unit, "allowed_s": work.allowed_s, "due_at": due_at}
    case = Case(
        uuid=UUID(int=number),
        number=f"BENCH{number}",
        digest=sha256(b"").digest(),
        source=Source.INSPECTOR,
        category_id=work.condition.category_id,
        condition=work.condition,
        cell=cell,
        point=cell.shape.centroid,
        reported_at=work.since,
        entered_at=work.since,
        department_id=work.department,
        stage=Stage.CLOSED,
    )
    if ended >= at:
        case.stage, case.clock, case.allowed_s, case.due_at = Stage.HANDLING, unit, work.allowed_s, due_at
        late = {"at": due_at + timedelta(seconds=60), "verb": Verb.ESCALATE, "entered": Stage.HANDLING}
        if due_at + timedelta(seconds=60) >= at:
            return case, None
        return case, CaseEvent(case=case, left=Stage.HANDLING, department_id=work.department, **late, **owed)
    done = {"at": ended, "verb": Verb.FINISH, "left": Stage.HANDLING, "entered": Stage.FEEDBACK}
    return case, CaseEvent(case=case, department_id=work.department, **done, **owed)


def timed(name: str, act: Callable[[], Found]) -> Found:
    began = time.perf_counter()
    found = act()
    print(f"{1000 * (time.perf_counter() - began):6.0f} ms  {name}", flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.forecast", description=__doc__)
    parser.add_argument("--stints", type=int, default=40_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with transaction.atomic(), override("en"):
        book, at = rulebook.current(), now()
        write(book, list(World(book, given.seed).history(given.stints, at)), at)
        kept = timed("recount every pace", forecast.recount)
        reckoned = timed("reckon from when each open case is at risk", forecast.foresee_all)
        handling = Case.objects.filter(stage=Stage.HANDLING)
        print(f"{kept} paces; {handling.count()} cases are handled, {reckoned} with a moment of risk")
        found = handling.matching({"at_risk": True}, at).order_by("due_at", "id")
        timed("the keys of a page of cases at risk", lambda: list(found.values_list("pk", "due_at")[:21]))
        until = local_day(at) - timedelta(days=15)
        since = until - timedelta(days=SCORED - 1)
        score = timed(f"forecast again, {since} to {until}", lambda: backtest.score(since, until))
        print("\n".join(report(score)))
        transaction.set_rollback(True)


if __name__ == "__main__":
    main()
