"""A made-up city as large as a real one, to measure maps and boards in: seeded, so that it can be made again.

Its cells of about a hundred metres lie in a square; four hundred make a community, ten communities a street. Their
borders are crooked, as real ones are: straight squares would be cheaper to draw. Cases lie where people are, thick in
the middle and thin at the edge; the closed ones come first, so that a table is as old as it would be.
"""

from __future__ import annotations

import argparse
import os
import random
import re
from collections.abc import Iterator
from contextlib import closing
from hashlib import sha256
from io import StringIO

import psycopg2
from django.db import connection
from django.db.models import Model

from cases.models import Case, CaseEvent, Category
from grid.models import Area, Department, Officer
from grid.moment import now
from grid.roles import Role

DISTRICT = "999901"
WEST, SOUTH = 113.9, 30.4
LON, LAT = 0.00104, 0.0009  # of a cell, in degrees: some hundred metres
SIDE = 200  # cells
BLOCK = 20  # cells of a community's side
ACROSS = SIDE // BLOCK
STREET = 5  # communities side by side of a street, which is two high
DEPARTMENTS = 40

AREA_SHAPES = """
    UPDATE grid_area SET shape = merged.shape FROM (
        SELECT area_id, ST_Multi(ST_Union(shape)) AS shape FROM grid_cell GROUP BY area_id
    ) merged WHERE merged.area_id = grid_area.id AND code LIKE '999901%';
    UPDATE grid_area SET shape = merged.shape FROM (
        SELECT parent_id, ST_Multi(ST_Union(shape)) AS shape FROM grid_area WHERE length(code) = 12 GROUP BY parent_id
    ) merged WHERE merged.parent_id = grid_area.id AND code LIKE '999901%';
"""
# Two dice make the middle thick. What is open is of the last fortnight, what is closed of the last year.
CASES = """
    INSERT INTO cases_case (uuid, number, digest, source, category_id, cell_id, off_cell_m, point, place, text,
        reported_at, entered_at, stage, department_id, due_at, level{columns})
    SELECT gen_random_uuid(), %(stage)s || n, %(digest)s, 'inspector', %(category)s, cell.id, 0,
           ST_SetSRID(ST_MakePoint(ST_XMin(shape) + random() * %(lon)s, ST_YMin(shape) + random() * %(lat)s), 4326),
           '', '', at, at + (%(now)s - at) / 2, stage, %(departments)s + n %% %(count)s,
           CASE WHEN %(open)s THEN %(now)s + (random() - 0.15) * interval '5 days' END,
           CASE WHEN %(open)s THEN floor(random() * random() * 4) ELSE 0 END{defaults}
    FROM (
        SELECT n, {place} AS i, {place} AS j,
               %(now)s - (%(cases)s - n)::float / %(cases)s * %(age)s * interval '1 day' AS at,
               (%(stages)s)[1 + n %% cardinality(%(stages)s)] AS stage
        FROM generate_series(1, %(cases)s) AS n
    ) thrown JOIN grid_cell cell ON cell.id = %(cells)s + i * %(side)s + j
    ORDER BY n
"""
PLACE = "floor((random() + random()) / 2 * %(side)s)::int"
CLOSES = """
    INSERT INTO cases_caseevent (case_id, cell_id, at, verb, "left", entered, department_id, facts{columns})
    SELECT id, cell_id, entered_at, 'close', 'closing', 'closed', department_id, '{{}}'{defaults} FROM cases_case
    WHERE stage = 'closed' ORDER BY id
"""
# Three lines of the log for each of the cases closed last: finished, and two hours later checked by one drawn of four.
CHECKS = """
    INSERT INTO cases_caseevent (case_id, cell_id, at, verb, "left", entered, department_id, by_id, facts{columns})
    SELECT id, cell_id, entered_at - step * interval '1 hour', verb, "left", entered, department_id,
           CASE WHEN verb = 'pass' THEN (%(people)s)[1 + id %% cardinality(%(people)s)] END,
           CASE WHEN verb = 'order_check' THEN jsonb_build_object('why', jsonb_build_array(jsonb_build_object(
               'code', 'drawn', 'candidates', (%(people)s)[1 + id %% 9:4 + id %% 9]))) ELSE '{{}}' END{defaults}
    FROM (
        SELECT id, cell_id, entered_at, department_id FROM cases_case WHERE stage = 'closed'
        ORDER BY entered_at DESC LIMIT %(count)s
    ) AS done, (VALUES (3, 'finish', 'handling', 'feedback'), (2, 'order_check', 'feedback', 'check'),
        (1, 'pass', 'check', 'closing')) AS life (step, verb, "left", entered)
    ORDER BY id, step DESC
"""
# Day by day, as the worker writes them. What is closed counts on its own day, nine of ten in time; one of six was found
# by the public.
TALLIES = """
    INSERT INTO cases_tally (cell, day, basis, department, officer, category, source, reports, filed, tips,
        closed, closed_on_time, on_time)
    SELECT cell_id, (at AT TIME ZONE 'Asia/Shanghai')::date, 'flow', coalesce(department_id, 0), 0, category_id, source,
           nullif(sum(opened), 0), nullif(sum(opened), 0), nullif(count(*) FILTER (WHERE opened = 1 AND id % 6 = 0), 0),
           nullif(sum(closed), 0), nullif(count(*) FILTER (WHERE closed = 1 AND id % 10 > 0), 0), nullif(sum(closed), 0)
    FROM (
        SELECT id, cell_id, reported_at AS at, department_id, category_id, source, 1 AS opened, 0 AS closed
        FROM cases_case
        UNION ALL SELECT id, cell_id, entered_at, department_id, category_id, source, 0, 1 FROM cases_case
        WHERE stage = 'closed'
    ) AS facts GROUP BY 1, 2, 4, 6, 7 ORDER BY 2
"""
TOTALS = """
    INSERT INTO cases_total (kind, subject, basis, day, reports, filed, tips, closed, closed_on_time, on_time)
    SELECT '{kind}', {subject}, basis, day, sum(reports), sum(filed), sum(tips), sum(closed), sum(closed_on_time),
           sum(on_time)
    FROM cases_tally JOIN grid_cell AS cell ON cell.id = cases_tally.cell
    JOIN grid_area AS community ON community.id = cell.area_id
    JOIN grid_area AS street ON street.id = community.parent_id GROUP BY 2, 3, 4 ORDER BY day
"""
SUBJECTS = {
    "cases_tally.cell": "cell",
    "cases_tally.department": "department",
    "community.id": "area",
    "street.id": "area",
    "street.parent_id": "area",
}
OPEN = ["handling", "handling", "handling", "handling", "filing", "dispatch", "check", "closing"]


def parser(name: str, about: str | None) -> argparse.ArgumentParser:
    """The words of a bench in this city: how many of its cases are open, and how many closed."""
    words = argparse.ArgumentParser(prog=f"./dev bench {name}", description=about)
    words.add_argument("--open", type=int, default=100_000)
    words.add_argument("--closed", type=int, default=900_000)
    return words


def fill(*, open: int, closed: int, checked: int = 0) -> None:
    """The city with so many cases, and all that is counted of them; of what is closed, so many were checked."""
    if not Area.objects.filter(code=DISTRICT).exists():
        ground()
    _as_owner("TRUNCATE cases_case, cases_tally, cases_total, cases_publication CASCADE")
    cases(open=open, closed=closed)
    figures()
    if checked:
        checks(checked)


def ground() -> None:
    """Areas, cells and departments, into an empty district."""
    with connection.cursor() as cursor:
        cells = StringIO("".join(_cells(_areas())))
        cursor.copy_expert("COPY grid_cell (code, area_id, shape, area_m2, region_class, land_use) FROM STDIN", cells)
        cursor.execute(AREA_SHAPES)
    Department.objects.bulk_create(Department(code=f"bench{n:02d}", name=f"试算{n:02d}所") for n in range(DEPARTMENTS))


def cases(*, open: int, closed: int) -> None:
    """So many cases, those closed with the line of the log that says so."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT setseed(0.5)")
        for stages, count, age in ((["closed"], closed, 365), (OPEN, open, 14)):
            said = _said(stages, count, age)
            cursor.execute(CASES.format(place=PLACE, **_rest(Case, CASES, said)), said)
        said = {}
        cursor.execute(CLOSES.format(**_rest(CaseEvent, CLOSES, said)), said)
    _tidy("cases_case, cases_caseevent, grid_cell, grid_area")


def checks(count: int, people: int = 300) -> None:
    """The checks of the cases closed last, by so many inspectors of whom each meets all departments."""
    made = [Officer(username=f"bench{n:03d}", roles=[Role.INSPECTOR]) for n in range(people)]
    Officer.objects.bulk_create(made, ignore_conflicts=True)
    pks = Officer.objects.filter(username__in=[one.username for one in made]).values_list("pk", flat=True)
    said: dict[str, object] = {"people": list(pks), "count": count}
    with connection.cursor() as cursor:
        cursor.execute(CHECKS.format(**_rest(CaseEvent, CHECKS, said)), said)
    _tidy("cases_caseevent")


def figures() -> None:
    """What the worker would have counted of these cases, as far as a board reads it."""
    with connection.cursor() as cursor:
        cursor.execute(TALLIES)
        for subject, kind in SUBJECTS.items():
            cursor.execute(TOTALS.format(subject=subject, kind=kind))
    _tidy("cases_tally, cases_total")


def _tidy(tables: str) -> None:
    """As the server does by itself in the night."""
    _as_owner(f"VACUUM ANALYZE {tables}")


def _as_owner(statement: str) -> None:
    """For nobody else may."""
    owner = psycopg2.connect(
        os.environ.get("DATABASE_OWNER_URL", os.environ["DATABASE_URL"]).replace("postgis:", "postgres:")
    )
    owner.autocommit = True
    with closing(owner), owner.cursor() as cursor:
        cursor.execute(statement)


def _rest(model: type[Model], statement: str, said: dict[str, object]) -> dict[str, str]:
    """The columns that a statement leaves out and that must be filled, with what the model fills them with."""
    rest = [
        field
        for field in model._meta.concrete_fields
        if not (field.null or field.primary_key or field.generated) and not re.search(rf"\b{field.column}\b", statement)
    ]
    said |= {f"_{field.column}": field.get_db_prep_save(field.get_default(), connection) for field in rest}
    columns = "".join(f", {field.column}" for field in rest)
    return {"columns": columns, "defaults": "".join(f", %(_{field.column})s" for field in rest)}


def _said(stages: list[str], count: int, age: int) -> dict[str, object]:
    first = Area.objects.filter(code__startswith=DISTRICT, cells__isnull=False).values_list("cells__pk")
    return {
        "stage": stages[0],
        "stages": stages,
        "open": stages == OPEN,
        "cases": count,
        "age": age,
        "now": now(),
        "digest": sha256(b"").digest(),
        "category": Category.objects.exclude(sub="").values_list("pk", flat=True)[0],
        "departments": Department.objects.filter(code="bench00").values_list("pk", flat=True)[0],
        "count": DEPARTMENTS,
        "cells": min(pk for (pk,) in first),
        "side": SIDE,
        "lon": LON,
        "lat": LAT,
    }


def _areas() -> list[Area]:
    """The communities, row by row."""
    district = Area.objects.create(code=DISTRICT, name="试算区")
    streets = [
        Area(code=f"{DISTRICT}{n + 1:03d}", name=f"试算{n + 1}街道", parent=district)
        for n in range(ACROSS // STREET * ACROSS // 2)
    ]
    Area.objects.bulk_create(streets)
    counts = [0] * len(streets)
    communities = []
    for row in range(ACROSS):
        for column in range(ACROSS):
            n = row // 2 * (ACROSS // STREET) + column // STREET
            counts[n] += 1
            code = f"{streets[n].code}{counts[n]:03d}"
            communities.append(Area(code=code, name=f"{n + 1}-{counts[n]}社区", parent=streets[n]))
    return Area.objects.bulk_create(communities)


def _cells(areas: list[Area]) -> Iterator[str]:
    """Lines for COPY: neighbours share their crooked borders."""
    dice = random.Random(1)
    corners = {
        (i, j): (WEST + (i / 2 + dice.uniform(-0.1, 0.1)) * LON, SOUTH + (j / 2 + dice.uniform(-0.1, 0.1)) * LAT)
        for i in range(2 * SIDE + 1)
        for j in range(2 * SIDE + 1)
    }
    around = ((0, 0), (1, 0), (2, 0), (2, 1), (2, 2), (1, 2), (0, 2), (0, 1), (0, 0))
    counts: dict[int, int] = {}
    for i in range(SIDE):
        for j in range(SIDE):
            area = areas[j // BLOCK * ACROSS + i // BLOCK]
            counts[area.pk] = counts.get(area.pk, 0) + 1
            ring = ", ".join("{:.7f} {:.7f}".format(*corners[2 * i + x, 2 * j + y]) for x, y in around)
            yield f"{area.code}{counts[area.pk]:03d}\t{area.pk}\tSRID=4326;POLYGON(({ring}))\t10000\t\t\n"
