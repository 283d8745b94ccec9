"""Where something is seen, and what: the cells that somebody keeps, and how often each class turns up."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass

from django.conf import settings
from django.contrib.gis.geos import Point

from cases.models import Category, Kind
from cases.rulebook import Rulebook
from fixtures.making.mix import MIX, REST
from grid.models import Beat, Cell, Component, Officer
from grid.roles import Role


@dataclass(frozen=True)
class Spot:
    """Something at a place: lon and lat are WGS84 degrees, `cell` is a primary key, `component` a code or nothing."""

    lon: float
    lat: float
    cell: int
    area: str
    region_class: str
    category: int
    name: str
    component: str = ""


class Ground:
    """The cells that lie in an inspector's beat, some of them far busier than others."""

    def __init__(self, book: Rulebook, dice: random.Random):
        self.keepers = _keepers()
        self.cells = list(Cell.objects.filter(pk__in=self.keepers).select_related("area").order_by("code"))
        self.busy = [dice.paretovariate(1.4) for _cell in self.cells]
        current = settings.CATEGORY_SCHEME
        rows = [row for row in book.categories.values() if row.sub and row.scheme == current and not row.closed_on]
        self.classes = sorted(rows, key=lambda row: (row.kind, row.major, row.sub))
        self.often = [MIX.get(row.name, REST) for row in self.classes]
        self.components = self._components()

    def _components(self) -> dict[tuple[str, str], list[Component]]:
        found = defaultdict(list)
        rows = Component.objects.filter(scheme=settings.CATEGORY_SCHEME, closed_on=None, cell__in=self.keepers)
        for row in rows.select_related("cell__area").order_by("code"):
            found[row.major, row.sub].append(row)
        return found

    def spot(self, dice: random.Random) -> Spot:
        """One thing at one place."""
        category = dice.choices(self.classes, self.often)[0]
        registered = self.components.get((category.major, category.sub)) if category.kind == Kind.COMPONENT else None
        if registered:
            thing = dice.choice(registered)
            return _spot(category, thing.cell, thing.shape.point_on_surface, thing.code)
        cell = dice.choices(self.cells, self.busy)[0]
        return _spot(category, cell, _inside(cell, dice))


def _keepers() -> dict[int, list[Officer]]:
    """The inspectors of each cell that has any, by its primary key."""
    found: dict[int, list[Officer]] = defaultdict(list)
    for beat in Beat.objects.prefetch_related("cells", "officers").order_by("code"):
        people = [one for one in beat.officers.order_by("username") if one.is_active and one.holds(Role.INSPECTOR)]
        for cell in beat.cells.all():
            found[cell.pk] += [one for one in people if one not in found[cell.pk]]
    return {cell: people for cell, people in found.items() if people}


def _spot(category: Category, cell: Cell, point: Point, component: str = "") -> Spot:
    where = {"lon": point.x, "lat": point.y, "cell": cell.pk}
    words = {"area": cell.area.code, "region_class": cell.region_class}
    return Spot(category=category.pk, name=category.name, component=component, **where, **words)


def _inside(cell: Cell, dice: random.Random) -> Point:
    west, south, east, north = cell.shape.extent
    for _try in range(20):
        point = Point(dice.uniform(west, east), dice.uniform(south, north), srid=cell.shape.srid)
        if cell.shape.contains(point):
            return point
    return cell.shape.point_on_surface
