"""Those who called (来电人): the department contacts them, and after the closing the centre asks them how it was.

They are the citizens behind reports from the hotline and the public. Rows of the terms say within what time after its
dispatch a department contacts them, and for how long after the closing they are called back; without a row neither is
owed. Assisting departments leave it to the lead. What these functions say or change is in memory; docket.py writes.

A call-back is valid when somebody answered. Of each closing the latest valid one counts; the log keeps all.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from . import clock, logbook
from .calendar import Calendar, Unusable
from .flow import CALLERS, Facts, Move, Outcome, Rating, Refused, Verb
from .models import Case, CaseEvent
from .rulebook import Rulebook
from .rules import Why

FROZEN = ("contact_due_at", "contact_kept", "call_by", "satisfied")
"""What the lines freeze: of a dispatch until when to contact; of the first contact after it whether it was in time; of
a closing until when to call back; of a call-back whether its rating is one that satisfies."""


ENDS = (Verb.CONTACT, Verb.DECLINE, Verb.VOID, Verb.LINK, Verb.CLOSE)
"""After these a department no longer owes the contact that its dispatch asked for."""


def called(case: Case) -> bool:
    """Whether there is somebody to contact and to call back."""
    return case.source in CALLERS and case.parent_id is None


def keep(book: Rulebook, case: Case, step: Move, facts: Facts, at: datetime) -> Why:
    """What a step means for the call-back: the case already stands at its new stage."""
    if step.verb == Verb.CALL_BACK and facts.outcome != Outcome.UNREACHED:
        case.call_by = None
        return () if facts.outcome == Outcome.SOLVED and satisfied(facts) else ({"code": "unsatisfied"},)
    if step.to:
        closes = step.verb == Verb.CLOSE and called(case)
        case.call_by = _within(book, Verb.CALL_BACK, at, book.calendar()) if closes else None
    return ()


def frozen(book: Rulebook, case: Case, verb: str, facts: Facts, at: datetime) -> dict[str, Any]:
    """What the line of a step says beside its author's words. A contact makes a statement, nothing else does."""
    if verb == Verb.DISPATCH and called(case):
        due_at = _within(book, Verb.CONTACT, at, book.calendar(case.department_id))
        return {"contact_due_at": due_at.isoformat()} if due_at else {}
    if verb == Verb.CONTACT and (due_at := owed(logbook.whole(case))):
        return {"contact_kept": at <= due_at}
    if verb == Verb.CLOSE and case.call_by:
        return {"call_by": case.call_by.isoformat()}
    return {"satisfied": True} if verb == Verb.CALL_BACK and satisfied(facts) else {}


def _within(book: Rulebook, verb: Verb, at: datetime, calendar: Calendar) -> datetime | None:
    row = book.terms.get(verb)
    if row is None or row.within is None:
        return None
    try:
        return clock.deadline(at, row.within.seconds(calendar), row.within.unit, calendar).due_at
    except Unusable:  # the city has said no hours: nobody shall be kept from the case by that
        return None


def owed(log: Iterable[CaseEvent]) -> datetime | None:
    """Until when the department that has a case was to contact its caller; None once it has, or the case left it."""
    due_at = None
    for event in log:
        if event.verb == Verb.DISPATCH:
            due_at = event.facts.get("contact_due_at")
        elif event.verb in ENDS:
            due_at = None
    return datetime.fromisoformat(due_at) if due_at else None


def satisfied(facts: Facts) -> bool:
    """Whether the caller is satisfied, by the least rating that the city calls so."""
    return facts.rating is not None and facts.rating >= settings.SATISFIED_FROM


def fit(said: Facts) -> None:
    """Raise Refused for a call-back that contradicts itself, or blames without a word of why."""
    if said.outcome not in Outcome.values:
        words = _("、").join(str(outcome.label) for outcome in Outcome)
        raise Refused("outcome_unknown", _("回访结果只能是：%(words)s。") % {"words": words}, field="outcome")
    if said.outcome == Outcome.UNREACHED:
        if said.rating:
            raise Refused("rating_unfit", _("没有联系上来电人，就没有满意度。"), field="rating")
        return
    if said.rating not in Rating.values:
        words = _("、").join(f"{rating.value} {rating.label}" for rating in Rating)
        raise Refused("rating_unfit", _("请记下来电人的满意度：%(words)s。") % {"words": words}, field="rating")
    if not said.note and not (said.outcome == Outcome.SOLVED and satisfied(said)):
        raise Refused("facts_missing", _("来电人认为没有解决或不满意的，请写明原因。"), field="note")
