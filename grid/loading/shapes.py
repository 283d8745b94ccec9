"""From the shapes that files hold to shapes in WGS84, two-dimensional and sound. Nothing here touches the database."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import cos, radians
from typing import Any

from django.contrib.gis.gdal import CoordTransform, GDALException, OGRGeometry, SpatialReference
from django.contrib.gis.geos import (
    GEOSException,
    GEOSGeometry,
    LineString,
    MultiPolygon,
    Point,
    Polygon,
)
from django.contrib.gis.geos.collections import GeometryCollection
from django.utils.translation import gettext as _

from ..crs import Crs, Position, to_wgs84
from ..models import SRID
from .outcome import Refused
from .whereabouts import exchanged

DEGREE_M = 111_320.0  # of latitude; good to 0.6 % anywhere, enough for tolerances
NUMBER = re.compile(r"(EPSG|ESRI):[0-9]{4,6}", re.IGNORECASE)  # of a coordinate system, by who gives them
Placing = Callable[[OGRGeometry], GEOSGeometry]


def placing(said: str, of_file: SpatialReference | None) -> Placing:
    """How a file's shapes come to WGS84: `said` is city.json's word for its system, `of_file` what the file declares.

    GCJ-02 and BD-09 shift positions in degrees: a file in metres is turned into degrees first. Any other system that
    GDAL knows ("EPSG:4547") is believed before the file's own. Raises Refused where neither names a system.
    """
    known = said.lower() in Crs.values
    base = _system(said) if said and not known else of_file or (SpatialReference(SRID) if known else None)
    if base is None:
        raise Refused("crs_unknown", _("文件没有声明坐标系：请补上 .prj，或在 city.json 里写明 crs"))
    if not (base.geographic or base.projected):
        message = _("坐标系“%(name)s”不在地面上：请写地理坐标系或投影坐标系的编号，例如 EPSG:4490")
        raise Refused("crs_unknown", message % {"name": base.name or said})
    try:
        road = CoordTransform(base, SpatialReference(SRID))
    except GDALException:
        raise Refused("crs_unknown", _("GDAL 不会把坐标系“%(name)s”换算到 WGS84") % {"name": base.name}) from None
    shifted = said.lower() if said.lower() in (Crs.GCJ02, Crs.BD09) else ""
    return lambda shape: _placed(shape, road, shifted)


def sound(shape: GEOSGeometry | None, *types: type[GEOSGeometry]) -> GEOSGeometry:
    """The shape, one of `types` if any, wrapped or unwrapped where it has one part. Raises Refused."""
    if shape is None or shape.empty:
        raise Refused("shape_missing", _("没有几何图形"))
    shape = _fitting(shape, types) if types else shape
    west, south, east, north = shape.extent
    if exchanged(west, south):
        message = _("坐标 %(x).6g, %(y).6g 的经度和纬度写反了：应先写经度，再写纬度")
        raise Refused("axes_exchanged", message % {"x": west, "y": south})
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise Refused(
            "position_invalid",
            _("坐标 %(x).6g, %(y).6g 不是经纬度：请在 city.json 里写明文件的坐标系（crs）") % {"x": west, "y": south},
        )
    if not shape.valid:
        raise Refused("shape_invalid", _("几何图形无效：%(reason)s。请改正后再导入") % {"reason": shape.valid_reason})
    return shape


def outside_m2(shape: GEOSGeometry, other: GEOSGeometry) -> float:
    """How many square metres of `shape` lie outside `other`, on a plane at its own latitude: good for a tolerance."""
    return float(shape.difference(other).area) * DEGREE_M**2 * cos(radians(shape.centroid.y))


def off_m(shape: GEOSGeometry, other: GEOSGeometry) -> float:
    """The distance between two shapes in metres, never less than the true one by more than 0.6 %; 0 where they meet."""
    return float(shape.distance(other)) * DEGREE_M


def shared(one: GEOSGeometry, other: GEOSGeometry) -> float:
    """The part of the larger of two polygons that they have in common, 0 to 1."""
    return float(one.intersection(other).area / max(one.area, other.area))


@contextmanager
def listening() -> Iterator[list[str]]:
    """What GEOS and GDAL complain of, as a list instead of lines in the log: we report it with its row."""
    ear, log = _Ear(), logging.getLogger("django.contrib.gis")
    spread, log.propagate = log.propagate, False
    log.addHandler(ear)
    try:
        yield ear.heard
    finally:
        log.removeHandler(ear)
        log.propagate = spread


class _Ear(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.heard: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.heard.append(record.getMessage().strip())


def _system(said: str) -> SpatialReference:
    """By its number: any other word may lead to a file or a host."""
    with listening():
        try:
            if NUMBER.fullmatch(said):
                return SpatialReference(said)
        except GDALException:
            pass
        raise Refused(
            "crs_unknown",
            _("不认识的坐标系“%(crs)s”：可写 %(ours)s，或 EPSG:4547 这样的编号")
            % {"crs": said[:80], "ours": _("、").join(Crs.values)},
        )


def _placed(shape: OGRGeometry, road: CoordTransform, shifted: str) -> GEOSGeometry:
    """Raises Refused for what GEOS cannot hold (an open ring) and for positions out of the system's reach."""
    with listening() as heard:
        try:
            flat = OGRGeometry(shape.wkb)
            flat.set_3d(False)
            flat.set_measured(False)
            flat.transform(road)
            placed = flat.geos
            placed.srid = SRID
            return _moved(placed, lambda at: to_wgs84(*at, shifted)) if shifted else placed
        except (GDALException, GEOSException, ValueError) as error:
            reason = heard[-1] if heard else str(error)
            raise Refused("shape_unreadable", _("几何图形读不出来：%(reason)s") % {"reason": reason}) from None


def _moved(shape: Any, move: Callable[[Position], Position]) -> GEOSGeometry:
    if isinstance(shape, GeometryCollection):
        return type(shape)([_moved(part, move) for part in shape], srid=SRID)
    if isinstance(shape, Polygon):
        return Polygon(*[[move((x, y)) for x, y in ring] for ring in shape.coords], srid=SRID)
    moved = [move((x, y)) for x, y in (shape.coords if isinstance(shape, LineString) else [shape.coords])]
    return LineString(moved, srid=SRID) if isinstance(shape, LineString) else Point(moved[0], srid=SRID)


def _fitting(shape: GEOSGeometry, types: tuple[type[GEOSGeometry], ...]) -> GEOSGeometry:
    if types == (MultiPolygon,) and isinstance(shape, Polygon):
        return MultiPolygon(shape, srid=SRID)
    if isinstance(shape, GeometryCollection) and len(shape) == 1 and isinstance(shape[0], types):
        part = shape[0]
        part.srid = SRID
        return part
    if type(shape) in types:
        return shape
    wanted = _("、").join(kind.__name__ for kind in types)
    raise Refused(
        "shape_type", _("几何类型应为 %(wanted)s，这里是 %(type)s") % {"wanted": wanted, "type": shape.geom_type}
    )
