"""The city as vector tiles (MVT), drawn by PostGIS: the ground and its load, open cases, things and roads.

A tile holds what its reader may see and nothing else: cases that are visible_to() him, on his ground. Each layer is
one statement. Near the ground every cell and every case is drawn; further up they are counted together, so that no
tile holds more than a screen can show. From afar cases are counted by their cells: an index answers that without
touching a case.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from django.conf import settings
from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import F, FloatField, Func, QuerySet
from django.db.models.functions import Length

from grid import levels
from grid.models import Area, Component, Officer, Road
from grid.tile import BUFFER, EXTENT, Tile

from . import ground, load
from .models import Case
from .models.case import CaseQuerySet

# From which zoom on something is more than a speck. From further up a cell counts in its community, then its street.
COMMUNITIES, CELLS, SINGLES, THINGS = 11, 13, 15, 16
POINTS_FROM = 14  # further up cases are counted where their cell is, or their community: those are smaller than a spot
CLUSTERS = 8  # along a tile's side
MOST = 10_000  # features of a layer: a browser stutters beyond
ROADS = {"motorway": 0, "trunk": 0, "primary": 9, "secondary": 11, "tertiary": 12}  # from which zoom on
LANES = 14  # all others

P = ParamSpec("P")
Found = TypeVar("Found", bound=QuerySet[Any, Any])
Sql = tuple[str, Sequence[Any]]

TILE = f"""
    SELECT ST_AsMVT(tile, %s, {EXTENT}, 'drawn', 'id') FROM (
        SELECT {{columns}}, ST_AsMVTGeom(
            ST_Transform({{shape}}, 3857), ST_TileEnvelope(%s, %s, %s), {EXTENT}, {BUFFER}
        ) AS drawn FROM {{rows}} LIMIT {MOST}
    ) AS tile WHERE drawn IS NOT NULL
"""  # noqa: S608  our own words
WORK = "coalesce(load, 0) AS load, coalesce(late, 0) AS late, coalesce(grade, '') AS grade"
# The grade of what was published last for subjects of this kind; none before anything was.
GRADED = """
    LEFT JOIN cases_result AS result ON result.subject = {subject}.id AND result.publication_id = (
        SELECT publication.id FROM cases_publication AS publication
        JOIN cases_scheme AS scheme ON scheme.id = publication.scheme_id WHERE scheme.kind = '{kind}'
        ORDER BY publication.until DESC, publication.since DESC, publication.revision DESC, publication.id DESC LIMIT 1
    )
"""
LOAD = """(
    SELECT cell_id, count(*) AS load, count(*) FILTER (WHERE due_at < %s) AS late
    FROM ({cases}) AS seen GROUP BY cell_id
)"""
CELLS_AND_LOAD = f"""
    grid_cell AS cell JOIN grid_area AS area ON area.id = cell.area_id
    LEFT JOIN {LOAD} AS work ON work.cell_id = cell.id {{graded}} WHERE cell.id IN ({{ground}})
"""
AREAS_AND_LOAD = f"""
    grid_area AS area LEFT JOIN (
        SELECT {{of}} AS id, sum(load)::int AS load, sum(late)::int AS late
        FROM {LOAD} AS counted JOIN grid_cell AS cell ON cell.id = counted.cell_id
        JOIN grid_area AS community ON community.id = cell.area_id GROUP BY 1
    ) AS work ON work.id = area.id {{graded}} WHERE area.id IN ({{ground}})
"""  # noqa: S608
# Counted together by the squares of a net over the tile, each told where its cases are on average. What is counted
# first is held fast: planned as one, the guess of how few points lie inside a tile leads to a loop in a loop.
NET = """(
    WITH points AS MATERIALIZED ({points})
    SELECT sum(n)::int AS n, sum(late)::int AS late, max(level) AS level, min(one) AS one,
           ST_SetSRID(ST_MakePoint(sum(x * n) / sum(n), sum(y * n) / sum(n)), 4326) AS point
    FROM points WHERE x >= %s AND x < %s AND y >= %s AND y < %s
    GROUP BY floor((x - %s) / %s)::int, floor((y - %s) / %s)::int
) AS spot"""
SPOT = "n, late, level, CASE WHEN n = 1 THEN one END AS id"
POINTS = "SELECT id AS one, x, y, level, 1 AS n, (due_at < %s)::int AS late FROM ({cases}) AS seen"
OF_CELLS = """
    WITH counted AS MATERIALIZED (
        SELECT cell_id, count(*) AS n, count(*) FILTER (WHERE due_at < %s) AS late, max(level) AS level, min(id) AS one
        FROM ({cases}) AS seen GROUP BY cell_id
    )
    SELECT n, late, level, one, area_id,
           (ST_XMin(box) + ST_XMax(box)) / 2 AS x, (ST_YMin(box) + ST_YMax(box)) / 2 AS y
    FROM (
        SELECT counted.*, area_id, shape::box3d AS box
        FROM counted JOIN grid_cell AS cell ON cell.id = counted.cell_id OFFSET 0
    ) AS placed
"""  # OFFSET 0: each box is made once, not four times
OF_AREAS = """
    SELECT sum(n) AS n, sum(late) AS late, max(level) AS level, min(one) AS one, sum(x * n) / sum(n) AS x,
           sum(y * n) / sum(n) AS y
    FROM ({cells}) AS cells GROUP BY area_id
"""


def or_empty(layer: Callable[P, bytes]) -> Callable[P, bytes]:
    """Django refuses to write a statement that can find nothing: that is an empty layer."""

    @wraps(layer)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> bytes:
        try:
            return layer(*args, **kwargs)
        except EmptyResultSet:
            return b""

    return drawn


@or_empty
def cells(tile: Tile, officer: Officer, at: datetime) -> bytes:
    """His ground with the open cases on it (load), those late at `at`, and its grade: cells, from afar areas.

    An area is told with all of its cases in each tile that it reaches into.
    """
    seen = Case.objects.visible_to(officer).open()
    kind = "cell" if tile.z >= CELLS else "community" if tile.z >= COMMUNITIES else "street"
    if kind == "cell":
        seen = seen.filter(cell__shape__bboverlaps=tile.drawn)
        mine = sql(ground.cells(officer).filter(shape__bboverlaps=tile.drawn).values("pk"))
        row, rows = "cell", CELLS_AND_LOAD
    else:
        mine = sql(_areas(officer, tile, _width(kind)).values("pk"))
        row, rows = "area", AREAS_AND_LOAD.replace("{of}", load.AREA[kind])
    columns, graded = f"{row}.id, {row}.code, area.name, area.name_en, {WORK}", GRADED.format(subject=row, kind=kind)
    cases = sql(seen.values("cell_id", "due_at"))
    said = [at, *cases[1], *mine[1]]
    drawn = rows.format(cases=cases[0], ground=mine[0], graded=graded)
    return written("cells", tile, columns, f"{row}.shape", (drawn, said))


@or_empty
def areas(tile: Tile, officer: Officer) -> bytes:
    """The outlines of streets, near the ground of communities too; and their names, each where its area is widest."""
    kinds = ("street", "community") if tile.z >= COMMUNITIES else ("street",)
    found = sql(_areas(officer, tile, *map(_width, kinds)).values("pk"))
    rows = f"grid_area AS area WHERE id IN ({found[0]})", found[1]
    columns = f"id, code, name, name_en, (length(code) = {levels.between()})::int AS wide"
    fine = f"ST_Simplify(shape, {_step(tile)}, true)"
    names = written("names", tile, columns, "ST_PointOnSurface(shape)", rows)
    return written("areas", tile, columns, fine, rows) + names


@or_empty
def cases(tile: Tile, officer: Officer, at: datetime) -> bytes:
    """Open cases: each with its number, stage and level near the ground; from afar how many, how many of them late."""
    seen = Case.objects.visible_to(officer).open()
    if tile.z >= SINGLES:
        found = sql(near(tile, seen).order_by("due_at").values("pk"))
        columns = "id, number, stage, level, 1 AS n, coalesce((due_at < %s)::int, 0) AS late"
        rows = f"cases_case AS seen WHERE id IN ({found[0]})", found[1]
        return written("cases", tile, columns, "point", rows, at)
    return written("cases", tile, SPOT, "point", _net(tile, seen, at))


@or_empty
def components(tile: Tile, officer: Officer) -> bytes:
    """The things in the street, where they are far enough apart to be told from each other."""
    if tile.z < THINGS:
        return b""
    mine = ground.cells(officer).filter(shape__bboverlaps=tile.drawn).values("pk")
    found = sql(Component.objects.filter(closed_on=None, cell__in=mine, shape__bboverlaps=tile.drawn).values("pk"))
    rows = f"grid_component AS thing WHERE id IN ({found[0]})", found[1]
    return written("components", tile, "id, code, name, state", "shape", rows)


def roads(tile: Tile) -> bytes:
    """The lines under everything: as many kinds of them as the zoom bears. They are everybody's."""
    drawn = Road.objects.filter(shape__bboverlaps=tile.drawn)
    if tile.z < LANES:
        drawn = drawn.filter(kind__in=[kind for kind, zoom in ROADS.items() if tile.z >= zoom])
    found = sql(drawn.values("pk"))
    rows = f"grid_road AS road WHERE id IN ({found[0]})", found[1]
    return written("roads", tile, "id, kind, name", f"ST_Simplify(shape, {_step(tile)}, true)", rows)


def _width(kind: str) -> int:
    """Of the codes of communities, or of what stands for streets: whatever is right above them."""
    return levels.between() if kind == "street" else levels.width(kind)


def _areas(officer: Officer, tile: Tile, *digits: int) -> QuerySet[Area]:
    found = ground.areas(officer).filter(shape__bboverlaps=tile.drawn)
    return found.annotate(digits=Length("code")).filter(digits__in=digits)


def _net(tile: Tile, seen: CaseQuerySet, at: datetime) -> Sql:
    """Cases counted together in CLUSTERS squares along the tile's side. The net stops where the next tile's begins."""
    points, columns = OF_AREAS.replace("{cells}", OF_CELLS), ["id", "cell_id", "level", "due_at"]
    if tile.z >= POINTS_FROM:
        points, columns = POINTS, ["id", "x", "y", "level", "due_at"]
        seen = near(tile, seen).annotate(x=coordinate("ST_X"), y=coordinate("ST_Y"))
    elif tile.z >= CELLS:
        points = OF_CELLS
        seen = seen.filter(cell__shape__bboverlaps=tile.drawn)
    found = sql(seen.values(*columns))
    return NET.format(points=points.format(cases=found[0])), [at, *found[1], *squares(tile, CLUSTERS)]


def near(tile: Tile, found: Found, case: str = "") -> Found:
    """Those in the tile. That their cells are near says nothing new, but keeps a street from being read as a whole.

    `case` is the way to the case, as "case__".
    """
    around = {f"{case}point__bboverlaps": tile.drawn, "cell__shape__bboverlaps": tile.around(settings.CELL_NEAR_M)}
    return found.filter(**around)


def squares(tile: Tile, many: int) -> list[float]:
    """The parameters of a net: where it begins and ends, and how large its squares are."""
    west, south, east, north = tile.box
    return [west, east, south, north, west, (east - west) / many, south, (north - south) / many]


def coordinate(function: str, case: str = "") -> Func:
    """ST_X or ST_Y of where a case is."""
    return Func(F(f"{case}point"), function=function, output_field=FloatField())


def _step(tile: Tile) -> float:
    """The smallest thing that shows, in degrees: a pixel of a tile that is drawn 512 wide."""
    west, _south, east, _north = tile.box
    return (east - west) / 512


def sql(rows: QuerySet[Any, Any]) -> Sql:
    """Its statement with its parameters. Raises EmptyResultSet."""
    return rows.query.sql_with_params()


def written(layer: str, tile: Tile, columns: str, shape: str, rows: Sql, *said: Any) -> bytes:
    """One layer of a tile; `said` are the parameters of its columns."""
    statement = TILE.format(columns=columns, shape=shape, rows=rows[0])
    with connection.cursor() as cursor:
        cursor.execute(statement, [layer, *said, tile.z, tile.x, tile.y, *rows[1]])
        return bytes(cursor.fetchone()[0])
