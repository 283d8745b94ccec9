"""Whose figures an officer may look at, and who publishes. The doors and the files that people order ask here alike."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from grid.models import Beat, Officer
from grid.roles import CENTRE, DEPARTMENT, Role

from . import indicators
from .flow import Refused
from .models import Scheme

LOOKERS = (*CENTRE, *DEPARTMENT, Role.INSPECTOR)
PUBLISHERS = (Role.SHIFT_LEADER, Role.LEADER)


def looked_at(by: Officer, kind: str, subject: int | None = None) -> set[int] | None:
    """The subjects of a kind whose figures an officer may look at, or the one he asks for; None: all.

    The centre looks at all; a department at its own, its head at those below too; an inspector at his beats and their
    cells; everybody at himself. Raises Refused (not_your_figures).
    """
    own = seen(by, kind)
    if own is None:
        return None if subject is None else {subject}
    if (subject is not None and subject not in own) or not own:
        raise Refused("not_your_figures", _("您只能查看本单位、本人和本责任网格的数据。"), field="subject")
    return own if subject is None else {subject}


def seen(by: Officer, kind: str) -> set[int] | None:
    """The subjects of a kind that are an officer's own; None: all of them."""
    if by.holds(*CENTRE):
        return None
    if kind == "officer" or kind in Scheme.POSTS:
        return {by.pk}
    if kind == "department" and by.holds(*DEPARTMENT) and by.department_id:
        return set(indicators.branch(by.department_id)) if by.holds(Role.HEAD) else {by.department_id}
    if kind in ("beat", "cell") and by.holds(Role.INSPECTOR):
        column = "pk" if kind == "beat" else "cells"
        return set(Beat.objects.filter(officers=by).exclude(cells=None).values_list(column, flat=True))
    return set()


@dataclass(frozen=True)
class Sight:
    """What an officer sees of a ranking. Departments and regions are ranked for all to see, with details for those
    whose they are; people of a post see their own line; the centre sees all."""

    own: set[int] | None
    personal: bool

    def line(self, subject: int) -> bool:
        """Whether he sees where a subject stands."""
        return not self.personal or self.details(subject)

    def details(self, subject: int) -> bool:
        """Whether he also sees of what its points are made."""
        return self.own is None or subject in self.own


def sight(by: Officer, kind: str) -> Sight:
    """What an officer sees of a ranking of a kind."""
    return Sight(seen(by, kind), kind in Scheme.POSTS)
