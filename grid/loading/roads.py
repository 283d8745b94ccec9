"""The lines under the map, from the file that city.json names as `base_map`: whatever the city had before makes room.

They bear no code by which they could be compared. A feature of several pieces becomes as many lines.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.contrib.gis.geos import LineString, MultiLineString

from ..models import Road
from . import files
from .city import City
from .files import Row
from .outcome import Finding, Refused
from .shapes import sound

KIND = "highway"  # OpenStreetMap's word for the kind of a road
Lines = list[Road]


def read(city: City) -> tuple[Lines, list[Finding]]:
    """The lines of the city's base map, and its rows that are none."""
    if city.base_map is None:
        return [], []
    try:
        rows = files.read(city.base_map, [KIND], warn=lambda _code, _message: None)
    except Refused as refusal:
        return [], [Finding(city.base_map.path.name, 0, refusal.code, str(refusal))]
    lines: Lines = []
    faults = []
    for row in rows:
        try:
            lines += _lines(row, city)
        except Refused as refusal:
            faults.append(Finding(row.file, row.number, refusal.code, str(refusal)))
    return lines, faults


def write(city: City, lines: Lines) -> None:
    """Instead of those that the city had; a city without a base map keeps what it has."""
    if city.base_map is None:
        return
    Road.objects.filter(district=city.districts[0]).delete()
    Road.objects.bulk_create(lines)


def _lines(row: Row, city: City) -> Iterator[Road]:
    """Raises Refused for a row whose shape is no line."""
    if row.fault:
        raise row.fault
    shape = sound(row.shape, LineString, MultiLineString)
    for corners in shape.coords if isinstance(shape, MultiLineString) else [shape.coords]:  # type: ignore[attr-defined]
        yield Road(
            district=city.districts[0],
            kind=row.fields[KIND][:24],
            name=row.fields.get("name", "")[:80],
            shape=LineString(corners, srid=shape.srid),
            attribution=city.attribution,
        )
