"""Where is this point? The only spatial question the case flow asks."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.contrib.gis.db.models.functions import Distance
from django.contrib.gis.geos import Point
from django.db.models.expressions import RawSQL
from django.utils.translation import gettext as _

from .models import SRID, Cell

COVERING = """
    SELECT id, code, area_id, region_class FROM grid_cell
    WHERE closed_on IS NULL AND ST_Covers(shape, ST_SetSRID(ST_MakePoint(%s, %s), %s)) ORDER BY code LIMIT 1
"""
NEIGHBOURS = 8  # degrees are not metres: the nearest in metres is among so many nearest in degrees


class OutsideTheCity(Exception):
    """No cell covers the point, and none lies near enough."""

    code = "outside_the_city"

    def __init__(self, lon: float, lat: float):
        super().__init__(
            _("该位置（%(lon).6f, %(lat).6f）不在任何单元网格内。请检查定位和坐标系。") % {"lon": lon, "lat": lat}
        )


@dataclass(frozen=True)
class Located:
    """A cell, and how many metres the point lies outside it: 0 where it covers the point."""

    cell: Cell
    off_m: float = 0.0


def cell_at(lon: float, lat: float) -> Located:
    """The current cell that covers a WGS84 point; on a border the one with the smallest code.

    Outside all cells, the nearest within settings.CELL_NEAR_M metres (geodesic). Raises OutsideTheCity.
    """
    for cell in Cell.objects.raw(COVERING, [lon, lat, SRID]):
        return Located(cell)
    point = Point(lon, lat, srid=SRID)
    cells = Cell.objects.current().defer("shape")
    near = cells.order_by(RawSQL("grid_cell.shape <-> %s::geometry", [point.hexewkb.decode()]))[:NEIGHBOURS]
    measured = Cell.objects.filter(pk__in=[cell.pk for cell in near]).annotate(off=Distance("shape", point))
    metres = {pk: off.m for pk, off in measured.values_list("pk", "off")}
    found = min(near, key=lambda cell: (metres[cell.pk], cell.code), default=None)
    if found is None or metres[found.pk] > settings.CELL_NEAR_M:
        raise OutsideTheCity(lon, lat)
    return Located(found, round(metres[found.pk], 1))
