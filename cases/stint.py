"""The clock of the stage a case is in: winding it, stopping it, winding it again.

A stint is the time a case spends in one stage: `allowed_s` seconds of `clock` since `entered_at`, ending at `due_at`.
These functions change a case in memory and say why; docket.py writes. Times that are measured (left, late, used)
are measured in the stint's own clock.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from math import ceil

from django.conf import settings
from django.utils.translation import gettext as _

from . import clock, logbook, promise, rules
from .calendar import Calendar, Span, Unusable
from .clock import Limit, Unit
from .flow import OWED, Facts, Move, Refused, Stage, Verb
from .models import Case, CaseEvent
from .reasons import Reason
from .rulebook import Rulebook
from .rules import Why

EXPIRES = timedelta(seconds=1)
"""So long after its due moment a stint is late, and a line says so where no rung has rung by then."""

# What a step may change of a case, here and in the modules that docket.py asks.
CHANGING = (
    "condition",
    "stage",
    "department",
    "holder",
    "cell",
    "off_cell_m",
    "asks",
    "supervised_at",
    "reply_due_at",
    "reply_late",
    "same_as",
    "entered_at",
    "clock",
    "allowed_s",
    "due_at",
    "alarm_at",
    "level",
    "expired",
    "provisional",
    "promise_at",
    "call_by",
)


def keep(book: Rulebook, case: Case, step: Move, facts: Facts, at: datetime) -> Why:
    """Set the clocks after a step: the case already stands at its new stage. Returns the reasons of a new limit."""
    due_at, entered_at = case.due_at, case.entered_at
    why = _keep(book, case, step, facts, at)
    waited_since = entered_at if any(reason["code"] == "children_over" for reason in facts.why) else None
    promise.keep(book, case, step.verb, at, due_at, waited_since)
    if case.reply_due_at and not case.reply_late:
        case.alarm_at = min(case.alarm_at or case.reply_due_at, case.reply_due_at)
    return why


def _keep(book: Rulebook, case: Case, step: Move, facts: Facts, at: datetime) -> Why:
    match step.verb:
        case Verb.ESCALATE:
            case.level += 1
            _wind(book, case)
        case Verb.EXTEND if facts.limit:
            case.allowed_s = (case.allowed_s or 0) + facts.limit.seconds(calendar(book, case))
            case.level = min(case.level, _level(book, case, at))  # a rung that never rang is not passed over
            _wind(book, case)
            return ({"code": "limit_extended", "limit": rules.said(facts.limit)},)
        case Verb.RETIME | Verb.SUPERVISE | Verb.REMIND | Verb.REPLY | Verb.EXPIRE:
            _wind(book, case)
        case Verb.HAND_OVER if facts.department and case.stage == Stage.HANDLING:
            _wind(book, case)  # so much time as before, on the working hours of its new department
        case _ if step.to:
            return _enter(book, case, step, facts, at)
    return ()


def _enter(book: Rulebook, case: Case, step: Move, facts: Facts, at: datetime) -> Why:
    case.entered_at, case.level, case.expired, case.provisional = at, 0, False, False
    case.clock, case.allowed_s, case.due_at, case.alarm_at = "", None, None, None
    if case.stage not in OWED:
        return ()
    if case.stage == Stage.SHELVED:
        case.due_at = case.alarm_at = facts.until
        return ({"code": "until"},)
    if case.stage == Stage.CLOSING and step.verb != Verb.RESUME and case.pk and case.children.open().exists():
        return ({"code": "limit_waits"},)  # who closes is not to blame for those who assist
    start = STARTS.get(step.verb, _afresh) if case.stage == Stage.HANDLING else _afresh
    why = start(book, case, facts)
    _wind(book, case)
    return why


def _afresh(book: Rulebook, case: Case, facts: Facts) -> Why:
    """With all the time that the stage has."""
    limit, reason = _given(case, facts) or rules.stage_limit(book, case, Stage(case.stage))
    if limit:
        case.clock, case.allowed_s = limit.unit, limit.seconds(calendar(book, case))
    return (reason,)


def _given(case: Case, facts: Facts) -> tuple[Limit, Reason] | None:
    """The limit that an assisting department was given with its task, in place of the condition's."""
    if case.parent_id is None or case.stage != Stage.HANDLING:
        return None
    begun = logbook.first(case)
    given = begun.facts.get("limit") if begun else facts.limit and rules.said(facts.limit)
    if not given:
        return None
    return Limit(Decimal(given["value"]), Unit(given["unit"])), {"code": "limit_given", "limit": given}


def _resumed(book: Rulebook, case: Case, facts: Facts) -> Why:
    """With what was left when it was shelved, on the clock that was stopped then."""
    case.clock, left = _left(book, case, logbook.last(case, verb=Verb.SHELVE))
    case.allowed_s = left if case.clock else None
    return ({"code": "limit_resumed", "left": left},)


def _reworked(book: Rulebook, case: Case, facts: Facts) -> Why:
    """With what was left when it was finished; the first few times of a department at least a share of the limit."""
    why = _afresh(book, case, facts)
    if case.allowed_s is None:
        return why
    _clock, left = _left(book, case, logbook.last(case, verb=Verb.FINISH))
    again = logbook.count(case, verb=Verb.REWORK, department_id=case.department_id)
    if again >= settings.REWORK_GRANTS:
        case.allowed_s = left
        return (*why, {"code": "limit_rework_spent", "left": left, "count": again + 1})
    share = Decimal(str(settings.REWORK_SHARE))
    case.allowed_s = max(left, ceil(case.allowed_s * share))
    return (*why, {"code": "limit_rework", "left": left, "share": str(share)})


def _dispatched(book: Rulebook, case: Case, facts: Facts) -> Why:
    """Afresh, but to a department that declined it before with what it had left then: to decline gains no time."""
    why = _afresh(book, case, facts)
    declined = logbook.last(case, verb=Verb.DECLINE, department_id=case.department_id)
    if not declined or case.allowed_s is None or not declined.clock:
        return why
    case.clock, case.allowed_s = _left(book, case, declined)
    return (*why, {"code": "limit_declined", "left": case.allowed_s})


STARTS: dict[Verb, Callable[[Rulebook, Case, Facts], Why]] = {
    Verb.DISPATCH: _dispatched,
    Verb.RESUME: _resumed,
    Verb.REWORK: _reworked,
}


def _left(book: Rulebook, case: Case, stopped: CaseEvent | None) -> tuple[str, int]:
    """The clock of the handling that an event stopped, and what was left on it; "" and 0 without one."""
    assert stopped
    if not stopped.clock:
        return "", 0
    assert stopped.since and stopped.allowed_s is not None
    left = clock.left(stopped.since, stopped.allowed_s, stopped.at, stopped.clock, calendar(book, case))
    return stopped.clock, left


def _wind(book: Rulebook, case: Case) -> None:
    if not case.clock or case.allowed_s is None:
        case.alarm_at = case.due_at  # when a shelved case is resumed
        return
    shares = [rung.share for rung in book.ladder(case)]
    promise = clock.deadline(
        case.entered_at, case.allowed_s, case.clock, calendar(book, case), rungs=shares, level=case.level
    )
    case.due_at, case.alarm_at, case.provisional = promise.due_at, promise.alarm_at, promise.provisional
    if case.due_at and not case.expired:
        case.alarm_at = min(case.alarm_at or case.due_at + EXPIRES, case.due_at + EXPIRES)


def expires(book: Rulebook, case: Case) -> bool:
    """Whether the alarm of a case rings next because its due moment has passed: no line of this stint is late yet, and
    no rung will be the first."""
    if case.alarm_at is None or case.due_at is None or not case.clock or case.expired:
        return False
    climbed = all(rung.share > 1 for rung in book.ladder(case)[case.level :])
    return climbed and case.due_at + EXPIRES <= case.alarm_at


def _level(book: Rulebook, case: Case, at: datetime) -> int:
    """How many rungs of the ladder lie behind a moment."""
    used = clock.elapsed(case.entered_at, at, case.clock, calendar(book, case))
    return sum(used >= int(rung.share * Decimal(case.allowed_s or 0)) for rung in book.ladder(case))


def calendar(book: Rulebook, case: Case | CaseEvent) -> Calendar:
    """Handling runs on the department's working time, every other stage on the city's."""
    stage = case.stage if isinstance(case, Case) else case.left
    return book.calendar(case.department_id if stage == Stage.HANDLING else None)


def late(owed: Case | CaseEvent, at: datetime) -> bool:
    """Whether the due moment of a case, or of the stint that a line found, is past: `late` of a line written then."""
    return owed.due_at is not None and at > owed.due_at


def late_s(book: Rulebook, case: Case, at: datetime) -> int:
    """Seconds past due at a moment, in the stint's own clock; 0 in time."""
    if case.due_at is None or not late(case, at):
        return 0
    if not case.clock:
        return int((at - case.due_at).total_seconds())
    return clock.late(case.due_at, at, case.clock, calendar(book, case))


def explain(book: Rulebook, case: Case) -> list[Span]:
    """How the due moment came about: the stretches that counted and those that did not.

    None where the hours that it was reckoned by are no longer known.
    """
    if not case.clock or case.allowed_s is None:
        return []
    try:
        return clock.explain(case.entered_at, case.allowed_s, case.clock, calendar(book, case))
    except Unusable:
        return []


def same_clock(case: Case, limit: Limit) -> None:
    """Refuse to mix clocks: an extension runs as the limit runs. Raises Refused (limit_clock)."""
    if not case.clock or limit.continuous != clock.Unit(case.clock).continuous:
        label = clock.Unit(case.clock).label if case.clock else "—"
        raise Refused(
            "limit_clock", _("原时限按“%(unit)s”计时，延期须用同一种计时方式。") % {"unit": label}, field="limit"
        )
