"""热力图: where cases were reported, or closed, on some local days, by small squares of a tile.

It counts as the figures do: a case that helps with another is none by itself, and a duplicate closes with its master.
Who sees a whole territory is drawn from afar what the figures count of each community; nearer, what an index counts in
each cell. Near the ground, and for who sees single cases, each is where it is.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.db.models import QuerySet, TextChoices
from django.utils.translation import gettext_lazy

from grid import levels
from grid.models import SRID, Officer
from grid.tile import Tile

from . import ground
from .atlas import COMMUNITIES, POINTS_FROM, Sql, coordinate, near, or_empty, sql, squares, written
from .flow import Verb
from .forecast import midnight
from .models import Case, CaseEvent, CaseQuerySet

DAY = timedelta(days=1)
SPOTS = 64  # squares along a tile's side

COUNTED = "n, NULL::bigint AS id"
SPOT = """(
    WITH points AS MATERIALIZED ({points})
    SELECT sum(n)::int AS n, ST_SetSRID(ST_MakePoint(sum(x * n) / sum(n), sum(y * n) / sum(n)), 4326) AS point
    FROM points WHERE x >= %s AND x < %s AND y >= %s AND y < %s
    GROUP BY floor((x - %s) / %s)::int, floor((y - %s) / %s)::int
) AS spot"""
OF_CASES = "SELECT x, y, 1 AS n FROM ({cases}) AS seen"
# Facts are thrown into the squares of their cells at once: to count them by cell before costs twice as much. What lies
# outside the net is left out at last: before, the guess of what is left sinks so low that each cell is looked up.
# OFFSET 0: each box is made once, not four times.
OF_CELLS = f"""(
    WITH cell AS MATERIALIZED (
        SELECT id, x, y, floor((x - %s) / %s)::int AS i, floor((y - %s) / %s)::int AS j
        FROM (
            SELECT id, (ST_XMin(box) + ST_XMax(box)) / 2 AS x, (ST_YMin(box) + ST_YMax(box)) / 2 AS y
            FROM (
                SELECT cell.id, cell.shape::box3d AS box
                FROM grid_cell AS cell JOIN grid_area AS area ON area.id = cell.area_id
                WHERE cell.shape && ST_MakeEnvelope(%s, %s, %s, %s, {SRID}) AND area.code LIKE %s OFFSET 0
            ) AS near
        ) AS middle
    ), spot AS MATERIALIZED (
        SELECT i, j, count(*)::int AS n, avg(x) AS x, avg(y) AS y
        FROM cell JOIN ({{facts}}) AS fact ON fact.cell_id = cell.id GROUP BY i, j
    )
    SELECT n, ST_SetSRID(ST_MakePoint(x, y), {SRID}) AS point FROM spot
    WHERE i >= 0 AND i < {SPOTS} AND j >= 0 AND j < {SPOTS}
) AS spot"""  # noqa: S608  our own words
# An area that no file drew lies where its cells lie.
OF_AREAS = """
    SELECT (ST_XMin(box) + ST_XMax(box)) / 2 AS x, (ST_YMin(box) + ST_YMax(box)) / 2 AS y, n
    FROM (
        SELECT coalesce(area.shape, (SELECT ST_Extent(cell.shape)::geometry FROM grid_cell AS cell
            WHERE cell.area_id = area.id)) AS box, counted.n
        FROM grid_area AS area JOIN LATERAL (
            SELECT sum({metric}) AS n FROM cases_total
            WHERE kind = 'area' AND subject = area.id AND basis = 'flow' AND day BETWEEN %s AND %s
        ) AS counted ON counted.n > 0
        WHERE length(area.code) = {digits} AND area.code LIKE %s
    ) AS community
"""


class Counted(TextChoices):
    """By which moment a case belongs to the period."""

    REPORTED = "reported", gettext_lazy("上报")
    CLOSED = "closed", gettext_lazy("结案")


METRIC = {Counted.REPORTED: "reports", Counted.CLOSED: "closed"}


@or_empty
def heat(tile: Tile, officer: Officer, since: date, until: date, counted: Counted) -> bytes:
    """How many of his cases were reported, or closed, on local days, both included."""
    whole = ground.territory(officer)
    if whole is None or tile.z >= POINTS_FROM:
        rows = _of_cases(tile, officer, since, until, counted)
    elif tile.z >= COMMUNITIES:
        rows = _of_cells(tile, whole, since, until, counted)
    else:
        points = OF_AREAS.format(metric=METRIC[counted], digits=levels.width("community"))
        rows = SPOT.format(points=points), [since, until, f"{whole}%", *squares(tile, SPOTS)]
    return written("heat", tile, COUNTED, "point", rows)


def _of_cases(tile: Tile, officer: Officer, since: date, until: date, counted: Counted) -> Sql:
    seen = Case.objects.visible_to(officer)
    if counted == Counted.REPORTED:
        found, case = _reported(seen, since, until), ""
    else:
        found, case = _closed(since, until).filter(case__in=seen), "case__"
    if tile.z >= POINTS_FROM:
        found = near(tile, found, case)
    points = found.annotate(x=coordinate("ST_X", case), y=coordinate("ST_Y", case))
    cases, said = sql(points.values("x", "y"))
    return SPOT.format(points=OF_CASES.format(cases=cases)), [*said, *squares(tile, SPOTS)]


def _of_cells(tile: Tile, whole: str, since: date, until: date, counted: Counted) -> Sql:
    reported = counted == Counted.REPORTED
    found = _reported(Case.objects.all(), since, until) if reported else _closed(since, until)
    facts, said = sql(found.values("cell_id"))
    *_box, west, width, south, height = squares(tile, SPOTS)
    return OF_CELLS.format(facts=facts), [west, width, south, height, *tile.drawn.extent, f"{whole}%", *said]


def _reported(seen: CaseQuerySet, since: date, until: date) -> QuerySet[Any, Any]:
    return seen.filter(parent=None, reported_at__gte=midnight(since), reported_at__lt=midnight(until + DAY))


def _closed(since: date, until: date) -> QuerySet[Any, Any]:
    """The closings of these days. Small indexes tell what is left out, so that one index answers without the log."""
    others = Case.objects.filter(parent__isnull=False).union(Case.objects.filter(same_as__isnull=False), all=True)
    closings = CaseEvent.objects.filter(verb=Verb.CLOSE, at__gte=midnight(since), at__lt=midnight(until + DAY))
    return closings.exclude(case__in=others.values("pk"))
