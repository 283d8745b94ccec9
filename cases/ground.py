"""On which ground an officer works: what of the city a map shows him. What lies on it `visible_to` decides."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from grid.models import Area, Cell, Officer
from grid.roles import CENTRE, DEPARTMENT, Role

from .models import Case


def cells(officer: Officer) -> QuerySet[Cell]:
    """The current cells of his area; of an inspector, his beats; else those where his department's open cases lie.

    A post of the centre without an area works in the whole city. Who has no post on the ground has no ground.
    """
    current = Cell.objects.current()
    if officer.holds(*CENTRE) and officer.area is None:
        return current
    works = Q(pk__in=[])
    if officer.holds(*CENTRE, *DEPARTMENT) and officer.area:
        works |= Q(area__code__startswith=officer.area.code)
    elif officer.holds(*DEPARTMENT):
        works |= Q(pk__in=Case.objects.visible_to(officer).open().values("cell"))
    if officer.holds(Role.INSPECTOR):
        works |= Q(pk__in=Cell.objects.filter(beats__officers=officer).values("pk"))
    return current.filter(works)


def areas(officer: Officer) -> QuerySet[Area]:
    """The areas that he works in, the smallest and those they lie in, as far as his ground reaches.

    Of a street in which only some cells are his, the street is told, and nothing of what else lies in it.
    """
    current = Area.objects.filter(closed_on=None)
    if officer.holds(*CENTRE) and officer.area is None:
        return current
    if officer.holds(*CENTRE, *DEPARTMENT) and officer.area and not officer.holds(Role.INSPECTOR):
        return current.filter(code__startswith=officer.area.code)
    mine = cells(officer)
    return current.filter(Q(pk__in=mine.values("area")) | Q(pk__in=mine.values("area__parent")))


def territory(officer: Officer) -> str | None:
    """The code of the area all of whose cases he sees, and no others; "" the whole city; None: he sees single cases."""
    if not officer.roles or not set(officer.roles) <= {*CENTRE, Role.ADMINISTRATOR} or not officer.holds(*CENTRE):
        return None
    return officer.area.code if officer.area else ""
