"""合计: the tallies of a subject added up for a day, so that boards never read tallies, and never cases.

Totals are added up anew from what lies below them, for the subjects and days that a recount changed and no others:
a cell, a department, an officer and a class from its tallies; an area from its cells, or from the areas below it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any, NamedTuple

from django.db import connection

from grid.models import Area, Cell

from .metrics import CODES
from .models import Tally, Total

Kind = Total.Kind
Touched = set[tuple[int, str, date]]  # subject, basis, day


class Changed(NamedTuple):
    """The key of a tally that a recount wrote or removed."""

    cell: int
    day: date
    basis: str
    department: int
    officer: int
    category: int
    source: str


def rewriting(model: type[Tally] | type[Total], fresh: str, scope: str) -> str:
    """The end of a WITH that makes a table's rows `t` within a scope those of a select, writes only what differs,
    and answers with the keys of the rows it wrote or removed.

    Old and fresh rows are laid together by a grouping, never by a join: how many are fresh is a guess to the planner,
    and one of a few rows for what are thousands compared each with each. What is removed is found by its place in the
    table, which nobody else writes meanwhile.
    """
    table, key, keys = model._meta.db_table, ", ".join(model.KEY), ", ".join(f"t.{name}" for name in model.KEY)
    columns, news = ", ".join(CODES), ", ".join(f"EXCLUDED.{code}" for code in CODES)
    return f"""
        fresh AS MATERIALIZED ({fresh}),
        old AS MATERIALIZED (SELECT t.ctid AS place, {keys} FROM {table} t, {scope}),
        stale AS (
            SELECT max(place) AS place FROM (
                SELECT {key}, place FROM old UNION ALL SELECT {key}, NULL::tid FROM fresh
            ) AS each GROUP BY {key} HAVING count(*) = count(place)
        ),
        gone AS (
            DELETE FROM {table} t WHERE t.ctid = ANY (ARRAY(SELECT place FROM stale))
            RETURNING {keys}
        ),
        put AS (
            INSERT INTO {table} AS t ({key}, {columns}) SELECT {key}, {columns} FROM fresh
            ON CONFLICT ({key}) DO UPDATE SET ({columns}) = ROW({news})
            WHERE ({", ".join(f"t.{code}" for code in CODES)}) IS DISTINCT FROM ({news})
            RETURNING {keys}
        )
        SELECT {key} FROM gone UNION ALL SELECT {key} FROM put
    """  # noqa: S608 (our own names alone)


SUMS = ", ".join(f"sum(b.{code})::int AS {code}" for code in CODES)
TOUCHED = """
    touched (subject, basis, day) AS (SELECT * FROM unnest(%(subjects)s::bigint[], %(bases)s::text[], %(days)s::date[]))
"""
SCOPE = "touched s WHERE t.kind = %(kind)s AND t.subject = s.subject AND t.basis = s.basis AND t.day = s.day"
BELOW = """
    child (subject, kind, pk) AS (
        SELECT DISTINCT s.subject, 'cell', c.id FROM touched s JOIN grid_cell c ON c.area_id = s.subject
        UNION ALL SELECT DISTINCT s.subject, 'area', a.id FROM touched s JOIN grid_area a ON a.parent_id = s.subject
    )
"""


def _from(below: str) -> str:
    return f"""SELECT %(kind)s::text AS kind, s.subject, s.basis, s.day, {SUMS} FROM touched s {below}
        AND b.basis = s.basis AND b.day = s.day GROUP BY s.subject, s.basis, s.day"""  # noqa: S608 (our own names alone)


def _of_tallies(column: str) -> str:
    fresh = _from(f"JOIN cases_tally b ON b.{column} = s.subject")
    return f"WITH {TOUCHED}, {rewriting(Total, fresh, SCOPE)}"


OF_AREAS = f"""WITH {TOUCHED}, {BELOW}, {
    rewriting(
        Total,
        _from(
            "JOIN child ON child.subject = s.subject JOIN cases_total b ON b.kind = child.kind AND b.subject = child.pk"
        ),
        SCOPE,
    )
}"""


def add_up(changed: Iterable[Changed]) -> None:
    """Add up the totals that these tallies belong to. In the recount's transaction, under its lock."""
    rows = list(changed)
    if not rows:
        return
    for kind in (Kind.DEPARTMENT, Kind.OFFICER, Kind.CATEGORY, Kind.CELL):
        _add(kind, _of_tallies(kind), {(getattr(row, kind), row.basis, row.day) for row in rows})
    above = dict(Cell.objects.filter(pk__in={row.cell for row in rows}).values_list("pk", "area"))
    touched = {(above[row.cell], row.basis, row.day) for row in rows}
    parents = dict(Area.objects.values_list("pk", "parent"))
    while touched:
        _add(Kind.AREA, OF_AREAS, touched)
        touched = {(parent, basis, day) for area, basis, day in touched if (parent := parents[area])}


def _add(kind: str, sql: str, touched: Touched) -> None:
    rows = sorted(touched)
    said: dict[str, Any] = {
        "kind": str(kind),
        "subjects": [subject for subject, _basis, _day in rows],
        "bases": [basis for _subject, basis, _day in rows],
        "days": [day for _subject, _basis, day in rows],
    }
    with connection.cursor() as cursor:
        cursor.execute(sql, said)
