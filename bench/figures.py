"""./dev bench figures: what boards, drill-downs and recounts cost in a city with ten million cases behind it.

Ten years of 2,700 cases a day in a made-up city: 3,334 of its cells have cases. `Total` is written straight into the
table for all those days in both bases, `Tally` for the last 35 days, and each board is asked through the very functions
that pages and the API ask, nine times; the median of the last eight counts. Then a log grows tenfold, and the same
units are recounted before and after: the cost must not follow the log. `--keep` asks what is there already.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import django
from tqdm import tqdm

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend.settings")
os.environ.setdefault("LOG_LEVEL", "WARNING")
django.setup()

from django.conf import settings  # noqa: E402
from django.db import connection, transaction  # noqa: E402

from bench import _town  # noqa: E402
from cases import evaluation, indicators, tally  # noqa: E402
from cases.loading import evaluation as loading  # noqa: E402
from cases.metrics import CODES  # noqa: E402
from cases.models import Case, CaseEvent, Category, Scheme, Tally, Total  # noqa: E402
from grid.models import Area, Cell, Department  # noqa: E402
from grid.moment import today  # noqa: E402

DAILY = 2700
EACH = 12  # of so many cells one has cases
OFFICERS = 500
DETAILED = 35  # days of tallies
COUNTED = ("reports", "valid", "filed", "filed_in_time", "dispatched", "dispatched_in_time", "finished", "on_time")
COUNTED += ("overdue", "rework", "closed", "closed_on_time", "unclosed", "check_in_time", "tips")

TOTALS = """
    INSERT INTO cases_total (kind, subject, basis, day, {columns})
    SELECT %(kind)s, subject, basis, day, {counts}
    FROM generate_series(%(since)s::date, %(until)s::date, '1 day') AS day,
         unnest(%(subjects)s::bigint[]) AS subject, unnest(ARRAY['flow', 'cohort']) AS basis
    WHERE random() < %(share)s
""".format(  # noqa: S608  our own words
    columns=", ".join(COUNTED),
    counts=", ".join(f"nullif(floor(random() * 2 * %(n)s / {1 + n % 5}), 0)" for n, _code in enumerate(COUNTED)),
)
TALLIES = """
    INSERT INTO cases_tally (cell, day, basis, department, officer, category, source, {columns})
    SELECT (%(cells)s::bigint[])[1 + n %% cardinality(%(cells)s::bigint[])], day, basis,
           %(department)s + floor(random() * {departments})::int, floor(random() * {officers})::int,
           (%(categories)s::bigint[])[1 + floor(random() * cardinality(%(categories)s::bigint[]))], 'inspector',
           {counts}
    FROM generate_series(%(since)s::date, %(until)s::date, '1 day') AS day, generate_series(1, {rows}) AS n,
         unnest(ARRAY['flow', 'cohort']) AS basis
    ON CONFLICT DO NOTHING
""".format(  # noqa: S608  our own words
    columns=", ".join(COUNTED),
    counts=", ".join("CASE WHEN random() < 0.15 THEN 1 END" for _code in COUNTED),
    departments=_town.DEPARTMENTS,
    officers=OFFICERS,
    rows=DAILY * 7,
)
# A case's life in six lines: reported, filed, dispatched, finished, checked, closed.
CASES = """
    INSERT INTO cases_case (uuid, number, digest, source, category_id, cell_id, off_cell_m, point, place, text,
        reported_at, entered_at, stage, department_id, asks, clock, level, provisional)
    SELECT gen_random_uuid(), 'BOARD' || n, '', 'inspector', %(category)s,
           (%(cells)s::bigint[])[1 + n %% cardinality(%(cells)s::bigint[])], 0,
           ST_SetSRID(ST_MakePoint(114, 30.5), 4326), '', '', at, at + interval '1 day', 'closed',
           %(department)s + n %% %(departments)s, '', '', 0, false
    FROM (SELECT n, now() - random() * interval '10 years' AS at FROM generate_series(%(first)s, %(last)s) AS n) thrown
"""
LINES = """
    INSERT INTO cases_caseevent (case_id, cell_id, at, verb, "left", entered, department_id, since, clock, due_at,
        late_s, level, facts)
    SELECT id, cell_id, reported_at + step * interval '3 hours', verb, "left", entered, department_id,
           reported_at, '', reported_at + interval '8 hours', 0, 0, '{}'
    FROM cases_case, (VALUES (0, 'report', '', 'filing'), (0, 'file', 'filing', 'dispatch'),
        (0, 'dispatch', 'dispatch', 'handling'), (2, 'finish', 'handling', 'feedback'), (3, 'pass', 'check', 'closing'),
        (4, 'close', 'closing', 'closed')) AS life (step, verb, "left", entered)
    WHERE number LIKE %(ours)s AND NOT EXISTS (SELECT FROM cases_caseevent e WHERE e.case_id = cases_case.id)
    ORDER BY id
"""


def run(sql: str, **said: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, said)


def fill(years: int) -> None:
    """Everything that a board reads."""
    until = today() - timedelta(days=1)
    since = until - timedelta(days=365 * years - 1)
    cells, departments, categories = _cells(), _departments(), _categories()
    streets = [list(Area.objects.filter(code__regex=f"^.{{{n}}}$").values_list("pk", flat=True)) for n in (6, 9, 12)]
    parts: list[tuple[str, list[int], float, float]] = [
        ("department", departments, DAILY / len(departments), 1),
        ("category", categories, DAILY / len(categories), 1),
        ("officer", list(range(1, OFFICERS + 1)), DAILY / OFFICERS, 0.8),
        *(("area", pks, DAILY / len(pks), 1.0) for pks in streets),
        ("cell", cells, 1.5, 0.55),
    ]
    run("ALTER TABLE cases_total DROP CONSTRAINT cases_total_pkey")
    for year in tqdm(range(years), desc="totals, by year"):
        first = since + timedelta(days=365 * year)
        for kind, subjects, n, share in parts:
            span = {"since": first, "until": first + timedelta(days=364)}
            run(TOTALS, kind=kind, subjects=subjects, n=n, share=share, **span)
    run("ALTER TABLE cases_total ADD PRIMARY KEY (kind, subject, basis, day)")
    run("VACUUM ANALYZE cases_total")
    for n in tqdm(range(DETAILED), desc="tallies, by day"):
        day = until - timedelta(days=n)
        said = {"cells": cells, "categories": categories, "department": departments[0]}
        run(TALLIES, since=day, until=day, **said)
    run("VACUUM ANALYZE cases_tally")


def _cells() -> list[int]:
    return list(Cell.objects.filter(code__startswith=_town.DISTRICT).order_by("pk").values_list("pk", flat=True))[
        ::EACH
    ]


def _departments() -> list[int]:
    return list(Department.objects.filter(code__startswith="bench").order_by("pk").values_list("pk", flat=True))


def _categories() -> list[int]:
    return list(Category.objects.exclude(sub="").order_by("pk").values_list("pk", flat=True)[:80])


def timed(act: Callable[[], Any], times: int = 9) -> tuple[float, float]:
    """Median and worst of all but the first, in milliseconds."""
    spent = []
    for _ in range(times):
        began = time.perf_counter()
        act()
        spent.append((time.perf_counter() - began) * 1000)
    return statistics.median(spent[1:]), max(spent[1:])


def boards() -> None:
    """Each board, through the functions of the pages."""
    until = today() - timedelta(days=1)
    month, year = until - timedelta(days=29), until - timedelta(days=364)
    scheme = Scheme.objects.get(code="department")
    one = _departments()[0]
    asked: dict[str, Callable[[], Any]] = {
        "departments, 30 days, all metrics": lambda: indicators.figures("department", month, until),
        "streets, 30 days, all metrics": lambda: indicators.figures("street", month, until),
        "communities, 30 days, all metrics": lambda: indicators.figures("community", month, until),
        "the city day by day, 30 days": lambda: indicators.series("city", month, until),
        "departments, a year": lambda: indicators.figures("department", year, until),
        "officers, 30 days": lambda: indicators.figures("officer", month, until, subjects=range(1, OFFICERS + 1)),
        "a map of all cells, 30 days, 3 metrics": lambda: indicators.figures(
            "cell", month, until, codes=("filed", "closed", "unclosed")
        ),
        "ranking of departments, a month": lambda: evaluation.standings(scheme, month, until),
        "drill-down: a department's classes, 30 days": lambda: indicators.sliced(
            "category", month, until, department=one, codes=("finished", "overdue")
        ),
        "drill-down: a class's departments, 30 days": lambda: indicators.sliced(
            "department", month, until, category=_categories()[0], codes=("finished", "overdue")
        ),
    }
    for name, act in asked.items():
        middle, worst = timed(act)
        print(f"| {name} | {middle:.0f} ms | {worst:.0f} ms |", flush=True)


def grow(cases: int) -> None:
    """Write cases with their lines into the log until there are so many."""
    cells, first = _cells(), Case.objects.filter(number__startswith="BOARD").count() + 1
    said = {"category": _categories()[0], "cells": cells, "department": _departments()[0]}
    run(CASES, first=first, last=cases, departments=_town.DEPARTMENTS, **said)  # none where there are so many
    run(LINES, ours="BOARD%")
    run("VACUUM ANALYZE cases_case, cases_caseevent")


def recounts() -> None:
    """One unit, and the units of a batch of fifty."""
    lines = CaseEvent.objects.count()
    one = [(event.cell_id, event.at.date(), basis) for event in _some(1) for basis in ("flow", "cohort")]
    many = [(event.cell_id, event.at.date(), basis) for event in _some(50) for basis in ("flow", "cohort")]
    for name, units in (("one event", one), ("fifty events", many)):
        middle, worst = timed(lambda units=units: _count(units))
        print(f"| recount of {name}, {lines:,} lines in the log | {middle:.1f} ms | {worst:.1f} ms |", flush=True)


@transaction.atomic
def _count(units: list[tuple[int, date, str]]) -> int:
    return tally.count(units)


def _some(count: int) -> list[CaseEvent]:
    return list(CaseEvent.objects.filter(case__number__startswith="BOARD").order_by("id")[:count])


def main() -> int:
    parser = argparse.ArgumentParser(prog="./dev bench figures", description=__doc__)
    parser.add_argument("--years", type=int, default=10)
    parser.add_argument("--lines", type=int, default=1_200_000)
    parser.add_argument("--keep", action="store_true")
    said = parser.parse_args()
    if not said.keep:
        loading.load(settings.BASE_DIR / "fixtures" / "evaluation")
        _town.ground()
        fill(said.years)
    print(f"{Total.objects.count():,} totals, {Tally.objects.count():,} tallies, {len(CODES)} metrics")
    print("| asked | median | worst |\n|---|---|---|")
    boards()
    for share in (10, 1):
        grow(said.lines // 6 // share)
        recounts()
    return 0


if __name__ == "__main__":
    sys.exit(main())
