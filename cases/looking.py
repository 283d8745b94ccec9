"""Whose figures an officer may look at, on which ground, and who publishes. The doors, and the files that people order,
ask here alike.

Figures follow the ground: a post of the centre with an area sees those of that area and of what lies in it, and of
departments and people what they did there; one without sees the city's. A department sees itself, its head those
below it too; an inspector his beats and cells; everybody himself. What is published is meant to be seen: the places
and points of regions and departments are for all. So each figure is as long as the list of cases behind it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import Q
from django.utils.translation import gettext as _

from grid import levels
from grid.models import Area, Beat, Cell, Officer
from grid.roles import CENTRE, DEPARTMENT, Role
from grid.words import named

from . import indicators
from .flow import Refused
from .indicators import AREAS
from .models import Scheme

LOOKERS = (*CENTRE, *DEPARTMENT, Role.INSPECTOR)
PUBLISHERS = (Role.SHIFT_LEADER, Role.LEADER)


@dataclass(frozen=True)
class Sight:
    """What somebody sees of a ranking: where `lines` stand, and of what the points of his `own` are made. None: all."""

    lines: Collection[int] | None
    own: Collection[int] | None

    def line(self, subject: int) -> bool:
        """Whether he sees where a subject stands."""
        return self.lines is None or subject in self.lines

    def details(self, subject: int) -> bool:
        """Whether he also sees of what its points are made."""
        return self.own is None or subject in self.own


def ground(by: Officer) -> str:
    """The code of the area to which all figures that he looks at are narrowed; "": they are not.

    An area that is the whole city narrows nothing. At most one statement.
    """
    if not by.holds(*CENTRE) or by.area is None:
        return ""
    elsewhere = Area.objects.filter(parent=None).exclude(code__startswith=by.area.code)
    return by.area.code if elsewhere.exists() else ""


def alone(by: Officer) -> bool:
    """Whether he looks at what is a department's own, without those below it: a handler sees none of their cases."""
    return not by.holds(*CENTRE, Role.HEAD)


def everywhere(by: Officer) -> bool:
    """Whether he looks at the figures of the whole city."""
    return by.holds(*CENTRE) and not ground(by)


def publishing(by: Officer) -> None:
    """Raises Refused (not_your_ground): what is published is the whole city's."""
    if ground(by):
        raise Refused("not_your_ground", _("您的辖区是%(area)s；全市的排名和月报由负责全市的岗位发布。") % _own(by))


def looked_at(by: Officer, kind: str, subject: int | None = None) -> set[int] | None:
    """The subjects of a kind whose live figures an officer may look at, or the one he asks for; None: all.

    Of all of them he sees what lies on his `ground`. Raises Refused (not_your_figures, not_your_ground).
    """
    own = seen(by, kind)
    if own is None:
        return None if subject is None else {subject}
    if (subject is not None and subject not in own) or not own:
        if by.holds(*CENTRE):
            raise Refused(
                "not_your_ground",
                _("您的辖区是%(area)s，只能查看辖区之内的数据；其他区域由该区域的岗位和负责全市的岗位查看。")
                % _own(by),
                field="subject",
            )
        raise Refused("not_your_figures", _("您只能查看本单位、本人和本责任网格的数据。"), field="subject")
    return own if subject is None else {subject}


def _own(by: Officer) -> dict[str, str]:
    return {"area": named(by.area) if by.area else ""}


def seen(by: Officer, kind: str) -> set[int] | None:
    """The subjects of a kind whose live figures are for an officer to see; None: all of them, on his ground."""
    if by.holds(*CENTRE):
        within = ground(by)
        return _inside(within, kind) if within else None
    if kind == "officer" or kind in Scheme.POSTS:
        return {by.pk}
    if kind == "department" and by.holds(*DEPARTMENT) and by.department_id:
        return set(indicators.branch(by.department_id)) if by.holds(Role.HEAD) else {by.department_id}
    if kind in ("beat", "cell") and by.holds(Role.INSPECTOR):
        column = "pk" if kind == "beat" else "cells"
        return set(Beat.objects.filter(officers=by).exclude(cells=None).values_list(column, flat=True))
    return set()


def _inside(within: str, kind: str) -> set[int] | None:
    """What lies in an area. Departments, people and classes lie nowhere: their figures are narrowed, not they."""
    if kind == "city":
        return set()
    if kind in AREAS:
        areas = Area.objects.filter(code__startswith=within, code__regex=rf"^.{{{levels.width(kind)}}}$")
        return set(areas.values_list("pk", flat=True))
    if kind == "cell":
        return set(Cell.objects.filter(area__code__startswith=within).values_list("pk", flat=True))
    if kind == "beat":
        return set(Beat.objects.filter(cells__area__code__startswith=within).values_list("pk", flat=True))
    return None


def sight(by: Officer, kind: str, *, published: bool) -> Sight:
    """What somebody sees of a ranking: live of his own subjects alone, published as all are meant to see it."""
    own = seen(by, kind)
    if not published:
        return Sight(own, own)
    person = kind in Scheme.POSTS
    if not by.holds(*CENTRE):
        return Sight(own if person else None, own)
    within = ground(by)
    if not within or own is not None:
        return Sight(None, own)
    return Sight(_working(within) if person else None, ())  # they were judged by all they did, here and elsewhere


def _working(within: str) -> set[int]:
    """The people of an area: their own, and those whose beats lie there."""
    here = Q(area__code__startswith=within) | Q(beats__cells__area__code__startswith=within)
    return set(Officer.objects.filter(here).values_list("pk", flat=True))
