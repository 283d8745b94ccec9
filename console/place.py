"""Where a case is, drawn as lines: the cell, the registered component and the point. Needs no map and prints.

Positions are WGS84. At the size of a cell the earth is flat: degrees become metres by the cosine of the latitude.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from math import cos, radians
from typing import Any

from django.contrib.gis.geos import GEOSGeometry, MultiPolygon

from cases.models import Case

WIDTH, HEIGHT, MARGIN = 320, 220, 18
DEGREE_M = 111_320
BARS = (10, 20, 50, 100, 200, 500, 1000, 2000)


@dataclass(frozen=True)
class Drawing:
    """What the template draws, in pixels; and the same as GeoJSON, for a map that can be moved."""

    cells: list[str]  # the corners of each of its parts
    component: tuple[float, float] | None
    point: tuple[float, float]
    bar_m: int
    bar_px: float
    geojson: str
    width: int = WIDTH
    height: int = HEIGHT
    foot: int = HEIGHT - 10


def draw(case: Case) -> Drawing:
    """The cell with all that is of this case in it. Needs docket.RELATED loaded; makes no statement."""
    shape = case.cell.shape
    parts = shape.coords if isinstance(shape, MultiPolygon) else [shape.coords]
    rings = [[(lon, lat) for lon, lat, *_z in part[0]] for part in parts]
    point = (case.point.x, case.point.y)
    centre = case.component.shape.centroid if case.component else None
    component = (centre.x, centre.y) if centre else None
    every = [*(corner for ring in rings for corner in ring), point, *([component] if component else [])]
    west, south = min(x for x, _y in every), min(y for _x, y in every)
    east, north = max(x for x, _y in every), max(y for _x, y in every)
    squeeze = cos(radians(south))
    across, up = max((east - west) * squeeze, 1e-6), max(north - south, 1e-6)
    scale = min((WIDTH - 2 * MARGIN) / across, (HEIGHT - 2 * MARGIN) / up)

    def at(lon: float, lat: float) -> tuple[float, float]:
        x = WIDTH / 2 + (lon - (west + east) / 2) * squeeze * scale
        return round(x, 1), round(HEIGHT / 2 - (lat - (south + north) / 2) * scale, 1)

    metre = scale / DEGREE_M
    bar = max((m for m in BARS if m * metre <= WIDTH / 3), default=BARS[0])
    return Drawing(
        cells=[" ".join(f"{x},{y}" for x, y in (at(*corner) for corner in ring)) for ring in rings],
        component=at(*component) if component else None,
        point=at(*point),
        bar_m=bar,
        bar_px=round(bar * metre, 1),
        geojson=_geojson(case),
    )


def _geojson(case: Case) -> str:
    features = [_feature("cell", case.cell.shape), _feature("point", case.point)]
    if case.component:
        features.insert(1, _feature("component", case.component.shape))
    return json.dumps({"type": "FeatureCollection", "features": features}, separators=(",", ":"))


def _feature(kind: str, shape: GEOSGeometry) -> dict[str, Any]:
    return {"type": "Feature", "properties": {"kind": kind}, "geometry": json.loads(shape.geojson)}
