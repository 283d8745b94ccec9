"""./dev bench dense: what each step of the worker takes in a dense city, and whether twice as dense is twice as long.

Reports of one day lie in the cells of the demo cities, dispatched, by many inspectors. All figures are there already,
as on any day; nothing is emptied. A batch of events is counted anew, as the worker does it, in several sizes; then each
consumer has as many debts of that day as given, alarms ring, and the night's steps are taken. With --wide the same in a
city of 40,000 cells as well.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from uuid import uuid4

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend.settings")
os.environ.setdefault("LOG_LEVEL", "WARNING")
django.setup()

from django.db import connection  # noqa: E402
from tqdm import tqdm  # noqa: E402

from bench import _town, escalations  # noqa: E402
from cases import alarm, forecast, outbox, tally  # noqa: E402
from cases.models import Case, CaseEvent, Outbox  # noqa: E402
from grid.models import Cell, Officer  # noqa: E402
from grid.moment import now, today  # noqa: E402
from grid.roles import Role  # noqa: E402
from tests.copies import again  # noqa: E402

SEEDS = 300
SOME = 1000
INSPECTORS = 400
BATCHES = (10, 50, 200)


def main() -> int:
    parser = argparse.ArgumentParser(prog="./dev bench dense", description=__doc__)
    parser.add_argument("--reports", type=int, default=14_231, help="of one day")
    parser.add_argument("--cells", type=int, default=991)
    parser.add_argument("--times", type=int, default=2, help="how often as many come once more")
    parser.add_argument("--debts", type=int, default=2000)
    parser.add_argument("--wide", action="store_true", help="in a city of 40,000 cells, too")
    said = parser.parse_args()
    for n in range(1, said.times + 1):
        plant(said.reports, list(Cell.objects.current().order_by("pk").values_list("pk", flat=True)[: said.cells]))
        measure(f"{n * said.reports} reports of one day in {said.cells} cells", said.debts)
    if said.wide:
        _town.ground()
        wide = list(Cell.objects.filter(code__startswith=_town.DISTRICT).values_list("pk", flat=True))
        plant(said.reports, wide)
        measure(f"and {said.reports} more in {len(wide)} cells", said.debts)
    return 0


def plant(count: int, cells: Sequence[int]) -> None:
    """So many reports of today, in these cells."""
    escalations.report(SEEDS)
    firsts = list(Case.objects.order_by("-pk")[:SEEDS])
    lines = {case.pk: list(CaseEvent.objects.filter(case=case).order_by("pk")) for case in firsts}
    people, dice, made = inspectors(), random.Random(1), Case.objects.count()
    for n in tqdm(range(0, count, SOME)):
        some = [(dice.choice(firsts), dice.choice(people), dice.choice(cells)) for _ in range(min(SOME, count - n))]
        cases = Case.objects.bulk_create(
            again(first, uuid=uuid4(), number=f"D{made + n + i}", reporter_id=by, cell_id=cell)
            for i, (first, by, cell) in enumerate(some)
        )
        CaseEvent.objects.bulk_create(
            again(event, case_id=case.pk, cell_id=cell, by_id=by if event.by_id == first.reporter_id else event.by_id)
            for case, (first, by, cell) in zip(cases, some, strict=True)
            for event in lines[first.pk]
        )
    Outbox.objects.all().delete()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def inspectors() -> list[int]:
    made = [Officer(username=f"dense{n:03d}", roles=[Role.INSPECTOR]) for n in range(INSPECTORS)]
    Officer.objects.bulk_create(made, ignore_conflicts=True)
    return list(Officer.objects.filter(username__startswith="dense").values_list("pk", flat=True))


def measure(title: str, debts: int) -> None:
    print(f"\n{title}; load average {os.getloadavg()[0]:.1f}")
    for name, act in steps(debts):
        began = time.perf_counter()
        act()
        print(f"  {name:40} {time.perf_counter() - began:8.2f} s", flush=True)


def steps(debts: int) -> Iterator[tuple[str, Callable[[], object]]]:
    yield "the whole day, first or again", lambda: tally.rebuild(today(), today())
    for size in BATCHES:
        events = list(CaseEvent.objects.order_by("?")[:size])
        yield f"a batch of {size} events", lambda events=events: tally.recount(events)  # type: ignore[misc]
    outbox.post(list(CaseEvent.objects.order_by("?")[:debts]), now())
    for name in outbox.CONSUMERS:
        owed = Outbox.objects.filter(consumer=name).count()
        yield f"{owed} debts to {name}", lambda name=name: settle(name)  # type: ignore[misc]
    Case.objects.filter(pk__in=Case.objects.order_by("?").values("pk")[:debts]).update(alarm_at=now())
    yield f"{debts} alarms", alarm.ring
    yield "the night: promises broken", tally.night
    yield "the night: paces", forecast.recount
    yield "the night: forecasts", forecast.foresee_all


def settle(name: str) -> None:
    while outbox.settle(name) is not None:
        pass


if __name__ == "__main__":
    sys.exit(main())
