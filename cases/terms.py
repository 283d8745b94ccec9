"""On which terms a side path may be taken: how often, how soon, how far, on which ground. Rows decide.

A department asks, somebody else grants. The terms are looked at when it asks; a grant of what was asked in time is
not too late for having taken its time.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from grid.models import Officer
from grid.roles import Role
from grid.words import named

from . import clock, flow, stint
from .calendar import Unusable
from .flow import DONE, Facts, Move, Refused, Stage, Verb
from .models import Case, CaseEvent, Terms
from .rulebook import Rulebook

Refusal = tuple[str, str] | None

FINAL = (Verb.DECLINE,)  # past their number these are not refused, but a leader decides


def standing(book: Rulebook, case: Case, step: Move, by: Officer, log: Collection[CaseEvent], at: datetime) -> Refusal:
    """Why the terms do not let this officer take a side path now, whatever he says; None if they do."""
    row = book.terms.get(step.verb)
    if row is None:
        return None
    if step.verb in FINAL and _spent(row, log):
        return None if by.holds(Role.LEADER) else ("leader_decides", _("该案已退回多次，再次退回须由督办领导决定。"))
    if case.asks != step.verb:
        return _often(row, log) or _soon(book, row, case, at)
    return None if step.verb == Verb.EXEMPT else _often(row, log)


def asking(book: Rulebook, case: Case, verb: Verb, by: Officer, log: Collection[CaseEvent], at: datetime) -> None:
    """Raise Refused if this officer may not ask for a verb now."""
    code, detail = _asking(book, case, verb, by, log, at) or ("", "")
    if code:
        raise Refused(code, detail, field="asks", allowed=flow.at(case.stage))


def _asking(book: Rulebook, case: Case, verb: Verb, by: Officer, log: Collection[CaseEvent], at: datetime) -> Refusal:
    if not by.holds(*flow.ASKERS[verb]):
        return "not_your_post", _("您的岗位不能申请“%(verb)s”。") % {"verb": verb.label}
    if verb == Verb.EXEMPT and not any(overran(event, case) for event in log):
        return "nothing_to_exempt", _("该案没有本单位超期的记录，无需申诉。")
    row = book.terms.get(verb)
    if row is None:
        return None
    return (None if verb in FINAL else _often(row, log)) or _soon(book, row, case, at)


def overran(event: CaseEvent, case: Case) -> bool:
    """Whether an event shows that the department was late with the case."""
    return bool(event.late and event.left == Stage.HANDLING and event.department_id == case.department_id)


def _spent(row: Terms, log: Collection[CaseEvent]) -> bool:
    return row.at_most is not None and sum(_took(event, row.verb) for event in log) >= row.at_most


def _took(event: CaseEvent, verb: str) -> bool:
    """An appeal is used up by asking, granted or not; any other path by taking it."""
    return event.facts.get("asks") == verb if verb == Verb.EXEMPT else event.verb == verb


def _often(row: Terms, log: Collection[CaseEvent]) -> Refusal:
    if not _spent(row, log):
        return None
    said = {"verb": Verb(row.verb).label, "count": row.at_most}
    return "taken_enough", _("每案最多“%(verb)s” %(count)s 次，已经用完。") % said


def _soon(book: Rulebook, row: Terms, case: Case, at: datetime) -> Refusal:
    verb = Verb(row.verb).label
    if not row.when_late and case.due_at and at > case.due_at:
        return "already_late", _("已经超期，不能再“%(verb)s”。") % {"verb": verb}
    closes = window(book, row, case)
    if closes and at > closes:
        said = {"verb": verb, "closes": f"{localtime(closes):%Y-%m-%d %H:%M}"}
        return "window_closed", _("“%(verb)s”须在 %(closes)s 之前提出。") % said
    return None


def window(book: Rulebook, row: Terms, case: Case) -> datetime | None:
    """Until when a side path may be asked for: its own limit since the stage was entered, or the stage's if shorter."""
    if row.within is None or row.verb in Terms.DUE:
        return None
    calendar = stint.calendar(book, case)
    try:
        closes = clock.deadline(case.entered_at, row.within.seconds(calendar), row.within.unit, calendar).due_at
    except Unusable:  # the city has said no hours: nobody shall be kept from the case by that
        return case.due_at
    return min(closes, case.due_at) if closes and case.due_at else closes


def facts(book: Rulebook, case: Case, step: Move, said: Facts, at: datetime) -> None:
    """Raise Refused if the ground is missing or unknown, or the wish goes too far."""
    verb = Verb(said.asks) if said.asks else step.verb
    _ground(book, case, step, verb, said)
    row = book.terms.get(verb)
    if row and row.longest_days and said.until and said.until > at + timedelta(days=row.longest_days):
        raise Refused("until_unfit", _("挂账最长 %(days)s 天。") % {"days": row.longest_days}, field="until")
    if row and verb == Verb.EXTEND and said.limit and case.condition_id:
        own = book.conditions[case.condition_id]
        whole = clock.Limit(own.limit_value, clock.Unit(own.limit_unit)).seconds(stint.calendar(book, case))
        if said.limit.seconds(stint.calendar(book, case)) > whole:
            raise Refused("limit_too_long", _("每次延期不得超过原时限。"), field="limit")


def _ground(book: Rulebook, case: Case, step: Move, verb: Verb, said: Facts) -> None:
    known = book.grounds.get(verb, {})
    granted = case.asks == step.verb  # its ground was said with the wish
    if known and not said.ground and not granted and case.stage not in DONE:
        names = _("、").join(f"{code} {named(row)}" for code, row in known.items())
        raise Refused("facts_missing", _("请从列表中选择理由：%(names)s。") % {"names": names}, field="ground")
    if said.ground and said.ground not in known:
        raise Refused("ground_unknown", _("没有这一理由。"), field="ground")
