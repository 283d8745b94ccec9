"""How departments work in a past that is planted: some are punctual, some ask, some forget."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from functools import partial
from math import exp
from typing import TYPE_CHECKING

from cases import callers, clock
from cases.flow import Purpose, Verb
from cases.models import Case
from grid.roles import Role

from .shots import shoot

if TYPE_CHECKING:
    from .past import Past

MEDIAN = 0.4  # of the limit that work takes
WISHES = {Verb.DECLINE: 3, Verb.EXTEND: 4, Verb.SHELVE: 2}  # in a hundred cases
WORDS = {
    Verb.DECLINE: "不属本单位职责。",
    Verb.EXTEND: "工程量较大，需要更多时间。",
    Verb.SHELVE: "须待条件具备后处置。",
}


def handling(past: Past, case: Case, dice: random.Random) -> None:
    """Plan the work on a case that has come to a department."""
    part = share(past, case, dice)
    if callers.owed(case.events.order_by("id")) and dice.random() < 0.93:
        past.later(case, past.soon(past.now(), dice, 150), partial(contact, past))
    if dice.random() < 0.35:
        past.later(case, after(past, case, part * dice.uniform(0.05, 0.4)), partial(accept, past))
    if dice.random() < sum(WISHES.values()) / 100:
        past.later(case, after(past, case, dice.uniform(0.02, 0.15)), partial(ask, past))
    if part > 1.1 and dice.random() < 0.3:
        past.later(case, after(past, case, 1.05), partial(press, past))
    past.later(case, after(past, case, part), partial(finish, past))


def share(past: Past, case: Case, dice: random.Random) -> float:
    """How much of its limit the work takes: as its department works, which changes over the months."""
    pk = case.department_id or 0
    if dice.random() < past.forgets.get(pk, 0):
        return dice.uniform(1.1, 4)
    age = (past.until - case.entered_at) / (past.until - past.since)
    found = MEDIAN * exp(past.habit.get(pk, 0) + past.drift.get(pk, 0) * (0.5 - age) + dice.gauss(0, 0.55))
    if 0.95 < found < 1.4 and dice.random() < 0.55:
        return dice.uniform(0.8, 1)  # somebody looked at the clock
    return found


def after(past: Past, case: Case, part: float) -> datetime:
    """When a part of the case's limit is used up, on its own clock."""
    if not case.clock or not case.allowed_s:
        return case.entered_at + timedelta(days=part)
    calendar = past.book.calendar(case.department_id)
    due_at = clock.deadline(case.entered_at, int(part * case.allowed_s), case.clock, calendar).due_at
    assert due_at
    return due_at


def accept(past: Past, case: Case, dice: random.Random) -> None:
    if not case.holder_id:
        past.move(case, Verb.ACCEPT, past.hand(case, dice))


def contact(past: Past, case: Case, dice: random.Random) -> None:
    past.move(case, Verb.CONTACT, past.hand(case, dice), note="已与来电人联系，约定处置时间。")


def finish(past: Past, case: Case, dice: random.Random) -> None:
    by = past.hand(case, dice)
    if by is None:
        past.counts["nobody"] += 1
        return
    shown = case.evidence.order_by("id").values_list("photo", flat=True).first()
    again = shown is not None and dice.random() < 0.004  # the picture of "before", as if it were "after"
    past.move(case, Verb.FINISH, by, photos=(((shown if again else shoot(dice, by)), Purpose.AFTER),))


def ask(past: Past, case: Case, dice: random.Random) -> None:
    """Ask the dispatcher, who answers some hours later."""
    wish = dice.choices(list(WISHES), list(WISHES.values()))[0]
    grounds = list(past.book.grounds.get(wish, ()))
    ground = {"ground": dice.choice(grounds)} if grounds else {}
    past.move(case, Verb.ASK, past.hand(case, dice), asks=wish, note=WORDS[wish], **ground)
    past.later(case, past.soon(past.now(), dice, 50), partial(answer, past))


def answer(past: Past, case: Case, dice: random.Random) -> None:
    wish, by = case.asks, past.centre(case, dice, Role.DISPATCHER)
    if wish not in WISHES:
        return
    if dice.random() < 0.35:
        past.move(case, Verb.REFUSE, by, note="理由不足，请按期处置。")
    elif wish == Verb.DECLINE:
        past.move(case, Verb.DECLINE, by, note="同意，另行派遣。")
    elif wish == Verb.SHELVE:
        past.move(case, Verb.SHELVE, by, until=past.now() + timedelta(days=dice.randint(2, 40)), note="同意挂账。")
    elif case.clock:
        limit = clock.Limit(dice.choice((1, 2, 4)), _unit(case))
        past.move(case, Verb.EXTEND, by, limit=limit, note="同意延期。")


def _unit(case: Case) -> clock.Unit:
    return clock.Unit.URGENT_HOUR if clock.Unit(case.clock).continuous else clock.Unit.WORK_HOUR


def press(past: Past, case: Case, dice: random.Random) -> None:
    """The leader presses, and whoever owes it replies."""
    if dice.random() < 0.5:
        past.move(case, Verb.HASTEN, past.centre(case, dice, Role.DISPATCHER), note="请尽快处置。")
        return
    past.move(case, Verb.SUPERVISE, past.centre(case, dice, Role.LEADER), note="请抓紧办理并说明原因。")
    past.later(case, past.soon(past.now(), dice, 60), partial(reply, past))


def reply(past: Past, case: Case, dice: random.Random) -> None:
    if case.supervised_at:
        past.move(case, Verb.REPLY, past.hand(case, dice), note="已安排人员处置。")
