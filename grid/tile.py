"""A piece of the web's map: which ground it shows. Nothing here touches the database."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import atan, cos, degrees, pi, radians, sinh

from django.contrib.gis.geos import Polygon

from .models import SRID

EXTENT = 4096  # steps of its side, as vector tiles count
BUFFER = 64  # steps drawn beyond its edge, so that lines meet
DEGREE_M = 110_500  # no degree of latitude is shorter
FURTHEST, NEAREST = 6, 20  # zooms: further up, a city is a dot

Box = tuple[float, float, float, float]


class NoSuchTile(ValueError):
    """There is no piece of that number."""


@dataclass(frozen=True)
class Tile:
    """Zoom, column from the west, row from the north, in web mercator. Raises NoSuchTile."""

    z: int
    x: int
    y: int

    def __post_init__(self) -> None:
        if not FURTHEST <= self.z <= NEAREST or not (0 <= self.x < 2**self.z and 0 <= self.y < 2**self.z):
            raise NoSuchTile(f"{self.z}/{self.x}/{self.y}")

    @cached_property
    def box(self) -> Box:
        """West, south, east and north, WGS84 degrees."""
        return self._box(0)

    @cached_property
    def drawn(self) -> Polygon:
        """The ground that is drawn: the box and its buffer."""
        ground = Polygon.from_bbox(self._box(BUFFER / EXTENT))
        ground.srid = SRID
        return ground

    def around(self, metres: float) -> Polygon:
        """The ground that is drawn, and so many metres more on each side."""
        west, south, east, north = self.drawn.extent
        up = metres / DEGREE_M
        across = up / cos(radians(max(abs(south), abs(north))))
        ground = Polygon.from_bbox((west - across, south - up, east + across, north + up))
        ground.srid = SRID
        return ground

    def _box(self, more: float) -> Box:
        west, east = ((self.x + part) / 2**self.z * 360 - 180 for part in (-more, 1 + more))
        south, north = (self._latitude(self.y + part) for part in (1 + more, -more))
        return west, south, east, north

    def _latitude(self, row: float) -> float:
        return degrees(atan(sinh(pi * (1 - 2 * row / 2**self.z))))
