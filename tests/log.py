"""What must be true of every case's log, whoever did what at the same time and whatever was killed meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from cases import flow
from cases.flow import Refused, Verb
from cases.models import Case, CaseEvent


def verbs(case: Case) -> str:
    return " ".join(event.verb for event in lines(case))


def lines(case: Case) -> list[CaseEvent]:
    return list(CaseEvent.objects.filter(case=case).order_by("id"))


def flaws() -> list[str]:
    """Where a case and its log contradict each other, over all cases; empty when every one is whole."""
    return [f"{case.number}: {flaw}" for case in Case.objects.order_by("id") for flaw in _flaws(case, lines(case))]


def _flaws(case: Case, log: list[CaseEvent]) -> Iterator[str]:
    if not log:
        yield "no log"
        return
    if (log[0].verb, log[0].left) != (Verb.DISPATCH if case.parent_id else Verb.REPORT, ""):
        yield f"begins with {log[0].verb}"
    for before, after in pairwise(log):
        yield from _step(before, after)
    yield from _departments(case, log)
    entered = [event for event in log if event.left != event.entered or event.verb == Verb.RESUME][-1]
    if case.stage != log[-1].entered:
        yield f"stands at {case.stage}, its log at {log[-1].entered}"
    if case.entered_at != entered.at:
        yield f"entered {case.stage} at {case.entered_at}, by its log at {entered.at}"


def _step(before: CaseEvent, after: CaseEvent) -> Iterator[str]:
    """What was frozen in a line is what the line before it left behind."""
    said = f"{after.verb} after {before.verb}"
    if after.left != before.entered:
        yield f"{said}: left {after.left}, but stood at {before.entered}"
    try:
        to = flow.move(after.left, after.verb).to or after.left
    except Refused as refusal:
        yield f"{said}: {refusal}"
    else:
        if after.entered != to:
            yield f"{said}: entered {after.entered}"
    if before.left != before.entered and (after.since, after.level) != (before.at, 0):
        yield f"{said}: since {after.since} on rung {after.level}, but entered at {before.at}"
    if before.verb == Verb.ESCALATE and after.level != before.level + 1:
        yield f"{said}: on rung {after.level} after rung {before.level}"
    if before.verb == Verb.EXTEND and after.due_at == before.due_at:
        yield f"{said}: without the extension"


def _departments(case: Case, log: list[CaseEvent]) -> Iterator[str]:
    """From its dispatch until it is declined, unlinked or handed over, each line names the department that has it."""
    department = None
    for event in log:
        if event.verb == Verb.DISPATCH:
            department = event.department_id
        if event.department_id != department:
            yield f"{event.verb}: with department {event.department_id}, but {department} had it"
        if event.verb in (Verb.DECLINE, Verb.UNLINK):
            department = None
        if event.verb == Verb.HAND_OVER:
            department = event.facts.get("department", department)
    if case.department_id != department:
        yield f"lies with department {case.department_id}, by its log with {department}"
