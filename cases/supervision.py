"""Supervision (督办): a leader presses, and whoever owes the stage replies by a moment of its own.

The reply outlives the stage: who takes the case over owes it then. If it has not come by its moment, the case's alarm
rings for it, once. These functions change a case in memory and say why; docket.py writes.
"""

from __future__ import annotations

from datetime import datetime

from . import clock, stint
from .flow import OWED, Facts, Move, Verb
from .models import Case
from .rulebook import Rulebook
from .rules import Why


def keep(book: Rulebook, case: Case, step: Move, facts: Facts, at: datetime) -> Why:
    """What a step means for a supervision: the case already stands at its new stage."""
    due_at = case.reply_due_at
    match step.verb:
        case Verb.SUPERVISE:
            case.supervised_at, case.reply_due_at, case.reply_late = at, facts.until or _due(book, case, at), False
            return _why("reply_due", case.reply_due_at)
        case Verb.REMIND:
            case.reply_late = True
            return _why("reply_missing", due_at)
        case Verb.REPLY:
            _end(case)
            return _why("reply_late", due_at) if due_at and at > due_at else ()
        case _ if step.to and step.to not in OWED:
            _end(case)
    return ()


def _end(case: Case) -> None:
    case.supervised_at, case.reply_due_at, case.reply_late = None, None, False


def _due(book: Rulebook, case: Case, at: datetime) -> datetime | None:
    """By when a reply is due where the leader does not say it: the row's limit, on the clock of who owes it."""
    row = book.terms.get(Verb.SUPERVISE)
    if row is None or row.within is None:
        return None
    calendar = stint.calendar(book, case)
    return clock.deadline(at, row.within.seconds(calendar), row.within.unit, calendar).due_at


def _why(code: str, moment: datetime | None) -> Why:
    return ({"code": code, "moment": moment.isoformat()},) if moment else ()


def rings(case: Case) -> bool:
    """Whether it is for a missing reply that the alarm of a case rings next, rather than for a rung or a date."""
    if case.alarm_at is None or case.reply_due_at is None:
        return False
    return not case.reply_late and case.reply_due_at <= case.alarm_at
