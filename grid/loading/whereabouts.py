"""Whether shapes lie where their city does: a system named wrongly, or longitude and latitude exchanged, moves it away.

Where city.json says the city's `centre` (lon, lat), that decides. Without one a city is expected in China only where
the exchange of its axes would bring it there: then the axes are exchanged. Nothing here touches the database.
"""

from __future__ import annotations

from django.contrib.gis.geos import GEOSGeometry
from django.utils.translation import gettext as _

from ..crs import Position, in_china, metres
from .outcome import Refused

REACH_M = 600_000  # the farthest ends of the widest prefecture lie so far from its middle


def at_home(shape: GEOSGeometry, centre: Position | None) -> None:
    """Raises Refused for a WGS84 shape that lies elsewhere, with the hint that fits."""
    west, south, east, north = shape.extent
    at = ((west + east) / 2, (south + north) / 2)
    if centre is None:
        if not in_china(at) and in_china(at[::-1]):
            raise _exchanged(at)
    elif metres(at, centre) > REACH_M:
        if abs(at[0]) <= 90 and metres(at[::-1], centre) <= REACH_M:
            raise _exchanged(at)
        names = {"lon": at[0], "lat": at[1], "km": metres(at, centre) / 1000}
        message = _("位置 %(lon).4f, %(lat).4f 离 city.json 的 centre %(km).0f 千米：请核对坐标、crs 或 centre")
        raise Refused("far_from_centre", message % names)


def exchanged(x: float, y: float) -> bool:
    """Whether a position is none, and would be one with its axes exchanged."""
    return abs(x) <= 90 < abs(y) <= 180


def _exchanged(at: Position) -> Refused:
    names = {"lon": at[0], "lat": at[1]}
    message = _("位置 %(lon).4f, %(lat).4f 的经度和纬度写反了：应先写经度，再写纬度（或核对 city.json 的 centre）")
    return Refused("axes_exchanged", message % names)
