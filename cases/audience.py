"""Who should hear of an event: the hand that owes the next step, and those whom the ladder wakes."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from django.db.models import Q, QuerySet

from grid import leave
from grid.models import Officer
from grid.moment import now
from grid.roles import DEPARTMENT, Role

from . import flow, rulebook
from .flow import OWED_BY, Stage, Verb
from .models import Case, CaseEvent


def of(event: CaseEvent) -> set[int]:
    """Primary keys of the active officers who should hear of an event; never its own author.

    Who is on leave is replaced by his stand-in.

    Needs event.case. Whoever owes the stage that a step led to hears of it, if the case still stands there: a case
    that moved on at once is nobody's news. A wish and its answer, a call by a leader, a rung of the ladder and the
    end of a case each have their own hearers.
    """
    hearers = HEARERS.get(Verb(event.verb))
    found = set(hearers(event)) if hearers else set()
    if event.left != event.entered == event.case.stage:
        found |= set(owing(event))
    return leave.away(now()).replaced(found) - {event.by_id}


def heard(event: CaseEvent) -> bool:
    """Whether anybody can have to hear of an event. Needs event.case as the move's last step has left it."""
    return event.verb in HEARERS or event.left != event.entered == event.case.stage


def owing(event: CaseEvent) -> Iterable[int]:
    """Who owes the work of the stage that an event led to, or found the case at.

    Its holder if it has one who still works here, else those on whose desk it lies.
    """
    stage, case = Stage(event.entered), event.case
    if not (roles := OWED_BY.get(stage, ())):
        return ()
    if holder := _person(_holder(event)):
        return holder
    people = _active(*roles)
    if stage == Stage.HANDLING:
        people = people.filter(department=event.department_id)
    elif roles == (Role.INSPECTOR,):
        people = people.filter(beats__cells=case.cell_id)
    else:
        people = _in_charge_here(people, case)
    return people.values_list("pk", flat=True)


def _holder(event: CaseEvent) -> int | None:
    """Whom a step named for the stage it led to; where the case stayed, who had it already."""
    return event.holder_id if event.left == event.entered else event.facts.get("holder")


def _active(*roles: Role) -> QuerySet[Officer]:
    return Officer.objects.filter(is_active=True, roles__overlap=[str(role) for role in roles])


def _person(pk: int | None) -> list[int]:
    """An officer, unless he has left."""
    return list(Officer.objects.filter(is_active=True, pk=pk).values_list("pk", flat=True)) if pk else []


def _in_charge_here(people: QuerySet[Officer], case: Case) -> QuerySet[Officer]:
    """Those of the centre whose territory holds the case."""
    code = case.cell.area.code
    lineage = [code[:digits] for digits in (6, 9, 12)]
    return people.filter(Q(area=None) | Q(area__code__in=lineage))


def _reporter(event: CaseEvent) -> Iterable[int]:
    return _person(event.case.reporter_id)


def _department(event: CaseEvent) -> Iterable[int]:
    if event.department_id is None:
        return ()
    return _active(*DEPARTMENT).filter(department=event.department_id).values_list("pk", flat=True)


def _all_concerned(event: CaseEvent) -> Iterable[int]:
    return {*_reporter(event), *_department(event)}


def _answered(event: CaseEvent) -> Iterable[int]:
    """The department, and whoever asked: a clerk may have."""
    asked = CaseEvent.objects.filter(case=event.case_id, verb=Verb.ASK, pk__lt=event.pk).latest("pk")
    return {*_department(event), *_person(asked.by_id)}


def _granting(event: CaseEvent) -> Iterable[int]:
    """Those who may grant what was asked for, by making the move."""
    granting = flow.move(event.entered, event.facts["asks"])
    return {officer for role in granting.by for officer in _of_role(event, role)}


def _rung(event: CaseEvent) -> Iterable[int]:
    """Whom it woke when it rang: the rung's own post, or the next above it, and whoever owes."""
    woken: list[int] = event.facts.get("woken", [])
    return woken


def _of_role(event: CaseEvent, role: Role) -> Iterable[int]:
    people = _active(role)
    if role in DEPARTMENT:
        return people.filter(department__in=_upwards(event.department_id)).values_list("pk", flat=True)
    return _in_charge_here(people, event.case).values_list("pk", flat=True)


def _upwards(department: int | None) -> list[int]:
    """A department and those above it."""
    return rulebook.current().upward(department)


HEARERS: dict[Verb, Callable[[CaseEvent], Iterable[int]]] = {
    Verb.ASK: _granting,
    Verb.REFUSE: _answered,
    Verb.EXTEND: _department,
    Verb.SHELVE: _department,
    Verb.DECLINE: _department,
    Verb.VOID: _all_concerned,
    Verb.CLOSE: _reporter,
    Verb.LINK: _all_concerned,
    Verb.SUPERVISE: owing,
    Verb.HASTEN: owing,
    Verb.EXEMPT: _department,
    Verb.REPLY: lambda event: _of_role(event, Role.LEADER),
    Verb.ESCALATE: _rung,
}
