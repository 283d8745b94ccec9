"""What PostGIS measures of new cells before they are loaded: geodesic areas, overlaps and gaps.

The cells stand in a table that only this connection sees, so that measuring touches no row of the city.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import StringIO
from typing import Any

from django.contrib.gis.geos import GEOSGeometry
from django.db import connection

from .shapes import DEGREE_M

STAGE = """
    CREATE TEMP TABLE staged_cell (code text PRIMARY KEY, area text, shape geometry(Geometry, 4326));
    CREATE TEMP TABLE staged_area (code text PRIMARY KEY, shape geometry(MultiPolygon, 4326));
"""
READY = "CREATE INDEX ON staged_cell USING gist (shape); CREATE INDEX ON staged_cell (area); ANALYZE staged_cell"
CLEAR = "DROP TABLE IF EXISTS pg_temp.staged_cell, pg_temp.staged_area"

AREAS = "SELECT code, ST_Area(shape::geography) FROM staged_cell"
# On a plane at its own latitude, true to 1 %: of a sliver, the geodesic area is off by more than the sliver is large.
PLANE_M2 = f"ST_Area({{0}}) * {DEGREE_M**2} * cos(radians(ST_Y(ST_Centroid({{0}}))))"
OVERLAPS = f"""
    SELECT one, other, {PLANE_M2.format("shared")} FROM (
        SELECT a.code AS one, b.code AS other, ST_CollectionExtract(ST_Intersection(a.shape, b.shape), 3) AS shared
        FROM staged_cell a JOIN staged_cell b ON a.shape && b.shape AND a.code < b.code
        WHERE ST_Intersects(a.shape, b.shape) AND NOT ST_Touches(a.shape, b.shape)
    ) pairs WHERE {PLANE_M2.format("shared")} > %s ORDER BY 1, 2
"""  # noqa: S608 (our own constants)
GAPS = f"""
    SELECT code, {PLANE_M2.format("gap")}, ST_X(ST_PointOnSurface(gap)), ST_Y(ST_PointOnSurface(gap)) FROM (
        SELECT area.code, (ST_Dump(ST_CollectionExtract(ST_Difference(area.shape, (
            SELECT ST_Union(cell.shape) FROM staged_cell cell WHERE cell.area = area.code)), 3))).geom AS gap
        FROM staged_area area
    ) gaps WHERE {PLANE_M2.format("gap")} > %s ORDER BY 1, 2 DESC
"""  # noqa: S608 (our own constants)


@contextmanager
def staged(cells: Mapping[str, tuple[str, GEOSGeometry]], areas: Mapping[str, GEOSGeometry]) -> Iterator[None]:
    """Cells by code, each with its community's, and the shapes of these, ready to be measured."""
    with connection.cursor() as cursor:
        cursor.execute(CLEAR)
        cursor.execute(STAGE)
        _copy(cursor, "staged_cell", ((code, area, shape.hexewkb.decode()) for code, (area, shape) in cells.items()))
        _copy(cursor, "staged_area", ((code, shape.hexewkb.decode()) for code, shape in areas.items()))
        cursor.execute(READY)
        yield
        cursor.execute(CLEAR)


def areas_m2() -> dict[str, float]:
    """Geodesic square metres on the WGS84 ellipsoid, of each staged cell."""
    return {code: round(m2, 2) for code, m2 in _rows(AREAS)}


def overlaps(tolerance_m2: float) -> list[tuple[str, str, float]]:
    """Pairs of cells that share more ground than the tolerance, and how many square metres."""
    return _rows(OVERLAPS, tolerance_m2)


def gaps(tolerance_m2: float) -> list[tuple[str, float, float, float]]:
    """Ground of a community that no cell covers: its code, square metres, and a position (lon, lat) in the gap."""
    return _rows(GAPS, tolerance_m2)


def _rows(query: str, *parameters: float) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return list(cursor.fetchall())


def _copy(cursor: Any, table: str, rows: Iterator[tuple[str, ...]]) -> None:
    cursor.copy_expert(f"COPY {table} FROM STDIN", StringIO("".join("\t".join(row) + "\n" for row in rows)))
