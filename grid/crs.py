"""Coordinate systems met in China: to WGS84 and back. Nothing here touches the database.

WGS84 and CGCS2000 are one here: their ellipsoids differ by 0.1 mm, their frames by decimetres, a phone's fix by metres.
GCJ-02 (AMap, Tencent) shifts WGS84 by 100 to 700 m, BD-09 (Baidu) shifts GCJ-02 again. The forward formulae are the
public ones (semi-major axis 6378245 m, as most libraries have it); their inverse is found by fixed-point iteration,
exact to less than a micrometre where the usual single step errs by up to two metres.

Outside China nothing is shifted. "China" is the libraries' crude box, 72.004–137.8347° E and 0.8293–55.8271° N in
WGS84. It covers parts of the neighbours too, and a shifted position within some 1.5 km of its edge may come from
either side: the inside is taken then. No part of China lies so near the edge.

Positions are (longitude, latitude) in degrees, always in this order.
"""

from __future__ import annotations

from collections.abc import Callable
from math import asin, atan2, cos, hypot, isfinite, pi, radians, sin, sqrt

from django.db.models import TextChoices
from django.utils.translation import gettext as _

Position = tuple[float, float]


class Crs(TextChoices):
    """In which system a position is said. CGCS2000 is WGS84 to what a phone can measure."""

    WGS84 = "wgs84", "WGS84"
    CGCS2000 = "cgcs2000", "CGCS2000"
    GCJ02 = "gcj02", "GCJ-02"
    BD09 = "bd09", "BD-09"


class UnknownCrs(ValueError):
    code = "crs_unknown"


class InvalidPosition(ValueError):
    code = "position_invalid"


def to_wgs84(lon: float, lat: float, crs: str) -> Position:
    """The WGS84 position of one measured in `crs`. Raises UnknownCrs or InvalidPosition."""
    shifted, position = _SHIFTED.get(_known(crs)), _valid(lon, lat)
    if shifted is None or not in_china(position, margin=0.1):
        return position
    origin = _inverse(shifted, position)
    return origin if in_china(origin, margin=1e-9) else position


def from_wgs84(lon: float, lat: float, crs: str) -> Position:
    """The position in `crs` of one measured in WGS84. Raises UnknownCrs or InvalidPosition."""
    shifted, position = _SHIFTED.get(_known(crs)), _valid(lon, lat)
    return shifted(position) if shifted and in_china(position) else position


def metres(a: Position, b: Position) -> float:
    """Distance by the haversine formula on the mean sphere (radius 6371008.8 m), both positions in one system.

    It differs from the geodesic on the ellipsoid by less than 0.6 %: good for flags, not for surveys.
    """
    north_a, north_b = radians(a[1]), radians(b[1])
    half_chord = sin((north_b - north_a) / 2) ** 2 + cos(north_a) * cos(north_b) * sin(radians(b[0] - a[0]) / 2) ** 2
    return 2 * 6371008.8 * asin(min(1.0, sqrt(half_chord)))


def _known(crs: str) -> Crs:
    try:
        return Crs(crs)
    except ValueError:
        said = _("不认识的坐标系“%(crs)s”，可用：%(known)s") % {"crs": crs, "known": ", ".join(Crs.values)}
        raise UnknownCrs(said) from None


def _valid(lon: float, lat: float) -> Position:
    if isfinite(lon) and isfinite(lat) and abs(lon) <= 180 and abs(lat) <= 90:
        return float(lon), float(lat)
    raise InvalidPosition(_("经度应在 ±180 之间，纬度应在 ±90 之间，收到 %(lon)s, %(lat)s") % {"lon": lon, "lat": lat})


def in_china(position: Position, *, margin: float = 0.0) -> bool:
    """Whether a position lies in the crude box of the libraries, or within a margin of degrees around it."""
    lon, lat = position
    return 72.004 - margin <= lon <= 137.8347 + margin and 0.8293 - margin <= lat <= 55.8271 + margin


def _gcj02(position: Position) -> Position:
    """A polynomial and waves in metres, turned into degrees on the ellipsoid."""
    lon, lat = position
    x, y = lon - 105, lat - 35
    ripple, root = _waves(x, (20, 1 / 6), (20, 1 / 2)), sqrt(abs(x))
    east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root
    east += ripple + _waves(x, (20, 1), (40, 3), (150, 12), (300, 30))
    north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root
    north += ripple + _waves(y, (20, 1), (40, 3), (160, 12), (320, 30))
    axis, eccentricity2 = 6378245.0, 0.00669342162296594323
    curvature = 1 - eccentricity2 * sin(radians(lat)) ** 2
    prime_vertical = axis / sqrt(curvature)
    meridional = axis * (1 - eccentricity2) / curvature**1.5
    return lon + east / radians(prime_vertical * cos(radians(lat))), lat + north / radians(meridional)


def _waves(along: float, *waves: tuple[float, float]) -> float:
    """Two thirds of a sum of sines, each given by its height in metres and half its length in degrees."""
    return sum(height * sin(pi * along / length) for height, length in waves) * 2 / 3


def _bd09(position: Position) -> Position:
    lon, lat = _gcj02(position)
    radius = hypot(lon, lat) + 0.00002 * sin(radians(lat) * 3000)
    angle = atan2(lat, lon) + 0.000003 * cos(radians(lon) * 3000)
    return radius * cos(angle) + 0.0065, radius * sin(angle) + 0.006


def _inverse(shifted: Callable[[Position], Position], position: Position) -> Position:
    """Where `shifted` came from. Each round leaves some two hundredths of the error: seven reach 1e-13 degrees."""
    lon, lat = position
    for _round in range(20):
        there = shifted((lon, lat))
        east, north = position[0] - there[0], position[1] - there[1]
        lon, lat = lon + east, lat + north
        if abs(east) + abs(north) < 1e-12:
            break
    return lon, lat


_SHIFTED: dict[Crs, Callable[[Position], Position]] = {Crs.GCJ02: _gcj02, Crs.BD09: _bd09}
