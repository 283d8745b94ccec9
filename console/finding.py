"""Places of the map by what somebody types: each kind by its own names, only of the ground of whoever asks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import reduce
from operator import or_
from typing import Any

from django.contrib.gis.db.models import Extent
from django.db.models import Q

from cases import ground
from cases.models import Case
from grid.models import Area, Beat, Officer, Road
from grid.moment import now
from grid.search_text import compact, spellings
from grid.words import named

FOUND = 6  # of each kind
Hit = dict[str, Any]


def places(officer: Officer, said: str) -> Iterator[Hit]:
    """Open cases, cells, areas, officers by their beats, and roads, at most FOUND of each."""
    yield from _cases(officer, said)
    yield from _cells(officer, said)
    yield from _areas(officer, said)
    yield from _officers(officer, said)
    yield from _roads(said)


def _hit(title: str, more: str, point: Sequence[float], **key: str) -> Hit:
    return {"title": title, "more": more, "lon": point[0], "lat": point[1], **key}


def _on(shape: Any) -> Sequence[float]:
    """A point of a place: the middle of islands may lie in the sea."""
    point: Sequence[float] = shape.point_on_surface.coords
    return point


def _called(said: str, *names: str) -> Q:
    """Whose name holds all the words, each in one of its spellings."""
    found = Q()
    for word in said.split():
        found &= reduce(or_, (Q(**{f"{name}__icontains": one}) for name in names for one in spellings(word)))
    return found


def _cases(officer: Officer, said: str) -> Iterable[Hit]:
    found = Case.objects.visible_to(officer).open().matching({"q": said}, now()).select_related("category")
    return (_hit(case.number, named(case.category), case.point.coords, number=case.number) for case in found[:FOUND])


def _cells(officer: Officer, said: str) -> Iterable[Hit]:
    found = ground.cells(officer).filter(code__startswith=compact(said)).select_related("area").order_by("code")
    return (
        _hit(cell.code, named(cell.area), cell.shape.point_on_surface.coords, code=cell.code) for cell in found[:FOUND]
    )


def _areas(officer: Officer, said: str) -> Iterator[Hit]:
    """Where an area has no outline, its cells say where it lies."""
    for area in ground.areas(officer).filter(_called(said, "name", "name_en")).order_by("code")[:FOUND]:
        if point := _on(area.shape) if area.shape else _middle_of(officer, area):
            yield _hit(named(area), area.code, point, code=area.code)


def _middle_of(officer: Officer, area: Area) -> Sequence[float] | None:
    within = ground.cells(officer).filter(area__code__startswith=area.code).aggregate(extent=Extent("shape"))
    if not (extent := within["extent"]):
        return None
    west, south, east, north = extent
    return (west + east) / 2, (south + north) / 2


def _officers(officer: Officer, said: str) -> Iterator[Hit]:
    """Whose beat lies where; where somebody is just now, the map tells whom it may tell."""
    people = Officer.objects.filter(_called(said, "name", "username"), is_active=True)
    mine = ground.cells(officer)
    for beat in Beat.objects.filter(officers__in=people, cells__in=mine).distinct().order_by("code")[:FOUND]:
        cell = mine.filter(beats=beat).order_by("code")[0]
        for one in people.filter(beats=beat)[:FOUND]:
            yield _hit(str(one), beat.name, _on(cell.shape), code=cell.code)


def _roads(said: str) -> Iterator[Hit]:
    """A road is many lines: one of each name, in the middle of its longest."""
    named_so = Road.objects.exclude(name="").filter(_called(said, "name"))
    for name in named_so.order_by("name").values_list("name", flat=True).distinct()[:FOUND]:
        longest = max(named_so.filter(name=name), key=lambda road: road.shape.length)
        yield _hit(name, "", longest.shape.interpolate_normalized(0.5).coords)
