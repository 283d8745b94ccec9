"""The overall clock of a case (整案时限): until when the city promises that it is over.

From the dispatch a case is promised by the due moment of its handling and, after it, the limits of what the centre
still has to do: order the check, check, close. Only what moves the handling's due moment by right moves the promise:
a new dispatch, an extension, a new calendar, the time on the shelf, the wait for assisting departments. Rework is the
department's own: it moves nothing. A promise that is broken stays so until the case is closed.
These functions change a case in memory; docket.py writes.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from . import clock, rules
from .flow import DONE, Stage, Verb
from .models import Case
from .rulebook import Rulebook

AFTER = (Stage.FEEDBACK, Stage.CHECK, Stage.CLOSING)
ANEW = (Verb.DISPATCH, Verb.RESUME, Verb.REOPEN)
SHIFTS = (Verb.EXTEND, Verb.RETIME, Verb.HAND_OVER)
MENDING = (Verb.REOPEN, Verb.RETIME)


def keep(
    book: Rulebook, case: Case, verb: str, at: datetime, due_at: datetime | None, waited_since: datetime | None
) -> None:
    """Set the promise after a step whose stint is wound already.

    `due_at` is when the stage was due before it; `waited_since`: since when the case has waited for its children, where
    the step ends the wait.
    """
    if waited_since and case.promise_at and case.promise_at >= waited_since:
        case.promise_at += at - waited_since
    elif case.stage == Stage.LINKED:
        case.promise_at = None  # it is the master's
    elif verb not in MENDING and case.promise_at and case.promise_at < at:
        return
    elif case.stage == Stage.SHELVED:
        case.promise_at = None  # the clock stands
    elif case.stage != Stage.HANDLING:
        return
    elif verb in ANEW:
        case.promise_at = _promise(book, case)
    elif verb in SHIFTS and case.promise_at and case.due_at and due_at:
        case.promise_at += case.due_at - due_at


def _promise(book: Rulebook, case: Case) -> datetime | None:
    """The handling's due moment and the limits after it, one after the other; none without a limit to handle."""
    at, calendar = case.due_at, book.calendar()
    for stage in AFTER:
        limit, _reason = rules.stage_limit(book, case, stage)
        if at and limit:
            at = clock.deadline(at, limit.seconds(calendar), limit.unit, calendar).due_at
    return at


def late(case: Case, at: datetime) -> bool:
    """Whether a case was over, or is not yet, after the moment it was promised by."""
    over = case.entered_at if case.stage in DONE else at
    return case.promise_at is not None and over > case.promise_at


def kept(case: Case, verb: str, at: datetime) -> dict[str, Any]:
    """What the line of the closing freezes: the promise, and whether it was kept."""
    if verb != Verb.CLOSE or case.promise_at is None:
        return {}
    return {"promise_at": case.promise_at.isoformat(), "promise_kept": at <= case.promise_at}
