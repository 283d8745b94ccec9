"""What is found by what somebody types: each kind by its own names, only of the ground of whoever asks.

The map goes to where it lies; a list is narrowed to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import reduce
from operator import or_
from typing import Any

from django.contrib.gis.db.models import Extent
from django.db.models import Exists, OuterRef, Q, QuerySet

from cases import ground
from cases.models import Case
from grid.models import Area, Beat, Officer, Road
from grid.moment import now
from grid.search_text import compact, sought, spellings
from grid.words import named

FOUND = 6  # of each kind
LONGEST = 60
Hit = dict[str, Any]


def words(typed: str) -> str:
    """What somebody looks for: nothing for a single character."""
    said = sought(typed[:LONGEST])
    return said if len(said) > 1 else ""


def find(officer: Officer, said: str, *kinds: str) -> list[Hit]:
    """Of each kind at most FOUND: a title and more to tell it by, where it lies, what to open there, and by which
    terms a list is narrowed to it.
    """
    return [hit for kind in kinds for hit in KINDS[kind](officer, said)] if said else []


def people(officer: Officer) -> QuerySet[Officer]:
    """Who may be found by name: whose beat lies on his ground, and who holds an open case that he sees."""
    seen = Case.objects.visible_to(officer).open()
    on_ground = Beat.officers.through.objects.filter(beat__cells__in=ground.cells(officer)).values("officer")
    may = Q(pk__in=on_ground) | Q(Exists(seen.filter(holder=OuterRef("pk"))))
    return Officer.objects.filter(may, is_active=True).order_by("username")


def _hit(title: str, more: str, point: Sequence[float], *, terms: Mapping[str, Any] | None = None, **key: str) -> Hit:
    return {"title": title, "more": more, "lon": point[0], "lat": point[1], "terms": terms or {}, **key}


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


def _cases(officer: Officer, said: str) -> Iterator[Hit]:
    found = Case.objects.visible_to(officer).open().matching({"q": said}, now()).select_related("category")
    for case in found[:FOUND]:
        yield _hit(case.number, named(case.category), case.point.coords, number=case.number)


def _cells(officer: Officer, said: str) -> Iterator[Hit]:
    found = ground.cells(officer).filter(code__startswith=compact(said)).select_related("area").order_by("code")
    for cell in found[:FOUND]:
        yield _hit(cell.code, named(cell.area), _on(cell.shape), code=cell.code, terms={"cell": cell.code})


def _areas(officer: Officer, said: str) -> Iterator[Hit]:
    """Where an area has no outline, its cells say where it lies."""
    for area in ground.areas(officer).filter(_called(said, "name", "name_en")).order_by("code")[:FOUND]:
        if point := _on(area.shape) if area.shape else _middle_of(officer, area):
            yield _hit(named(area), area.code, point, code=area.code, terms={"area": area.code})


def _middle_of(officer: Officer, area: Area) -> Sequence[float] | None:
    within = ground.cells(officer).filter(area__code__startswith=area.code).aggregate(extent=Extent("shape"))
    if not (extent := within["extent"]):
        return None
    west, south, east, north = extent
    return (west + east) / 2, (south + north) / 2


def _officers(officer: Officer, said: str) -> Iterator[Hit]:
    """By their beat, or else by what they work on; where somebody is just now, the map tells whom it may tell."""
    mine, seen = ground.cells(officer), Case.objects.visible_to(officer).open()
    for one in people(officer).filter(_called(said, "name", "username")).select_related("department")[:FOUND]:
        terms = {"officer": one.pk}
        if beat := Beat.objects.filter(officers=one, cells__in=mine).order_by("code").first():
            cell = mine.filter(beats=beat).order_by("code")[0]
            yield _hit(str(one), beat.name, _on(cell.shape), code=cell.code, terms=terms)
        elif case := seen.filter(holder=one).order_by("due_at", "id").first():
            department = named(one.department) if one.department else ""
            yield _hit(str(one), department, case.point.coords, number=case.number, terms=terms)


def _roads(_officer: Officer, said: str) -> Iterator[Hit]:
    """A road is many lines: one of each name, in the middle of its longest."""
    named_so = Road.objects.exclude(name="").filter(_called(said, "name"))
    for name in named_so.order_by("name").values_list("name", flat=True).distinct()[:FOUND]:
        longest = max(named_so.filter(name=name), key=lambda road: road.shape.length)
        yield _hit(name, "", longest.shape.interpolate_normalized(0.5).coords)


KINDS: Mapping[str, Callable[[Officer, str], Iterator[Hit]]] = {
    "case": _cases,
    "cell": _cells,
    "area": _areas,
    "officer": _officers,
    "road": _roads,
}
