"""The whole case is promised by one moment: what moves it, and what does not."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from types import SimpleNamespace
from uuid import uuid4

import pytest

from cases import alarm, docket
from cases.clock import Limit, Unit
from cases.flow import Stage, Verb
from cases.models import Case, Holiday, StageLimit

from . import acts
from . import city as town
from .acts import last, move

HOUR = timedelta(hours=1)
AFTER = timedelta(minutes=15 + 30 + 60)  # to order the check, to check, to close
PROMISE = town.MONDAY + 2 * HOUR + AFTER


@pytest.fixture
def case(city: SimpleNamespace, clock) -> Case:
    """A missing cover: two hours, day and night."""
    return town.report(city, condition=city.missing.pk)


def extended(case: Case, city: SimpleNamespace) -> Case:
    return move(case, Verb.EXTEND, city.dora, note="缺材料", limit=Limit(2, Unit.URGENT_HOUR))


def test_it_is_promised_at_the_dispatch(case: Case, city: SimpleNamespace) -> None:
    assert case.promise_at == PROMISE
    waiting = town.report(city, category=city.orphan.pk, condition=city.smoke.pk)
    assert (waiting.stage, waiting.promise_at) == (Stage.DISPATCH, None)
    assert move(waiting, Verb.DISPATCH, city.dora, department=city.parks.pk).promise_at == PROMISE


def test_a_stage_without_a_limit_adds_nothing(city: SimpleNamespace, clock) -> None:
    StageLimit.objects.filter(stage=Stage.CLOSING).delete()
    assert town.report(city, condition=city.missing.pk).promise_at == PROMISE - HOUR


def test_the_phone_is_told(case: Case, city: SimpleNamespace, clock) -> None:
    seen = acts.seen(town.phone(city.carl), case)
    assert (seen["promise_at"], seen["late_overall"]) == ("2026-03-02T04:45:00Z", False)
    clock.move_to(PROMISE + HOUR)
    assert acts.seen(town.phone(city.carl), case)["late_overall"]


def test_an_extension_moves_it_by_as_much(case: Case, city: SimpleNamespace) -> None:
    assert extended(case, city).promise_at == PROMISE + 2 * HOUR


def test_a_shelf_stops_it_and_it_goes_on_with_what_was_left(case: Case, city: SimpleNamespace, clock) -> None:
    clock.shift(HOUR)
    until = town.MONDAY + timedelta(days=10)
    shelved = move(case, Verb.SHELVE, city.dora, note="待物业", until=until)
    assert shelved.promise_at is None
    clock.move_to(until)
    assert alarm.ring() == 1
    case.refresh_from_db()
    assert case.promise_at == until + HOUR + AFTER


def test_rework_moves_nothing(case: Case, city: SimpleNamespace, clock) -> None:
    clock.shift(HOUR)
    town.finish(case, city.hugo)
    again = move(case, Verb.REWORK, city.ivan, note="没修好")
    assert (again.stage, again.promise_at) == (Stage.HANDLING, PROMISE)
    assert extended(again, city).promise_at == PROMISE + 2 * HOUR


@pytest.mark.parametrize("verb", [Verb.ACCEPT, Verb.ASK, Verb.SUPERVISE, Verb.ESCALATE])
def test_words_and_alarms_move_nothing(verb: Verb, case: Case, city: SimpleNamespace, clock) -> None:
    clock.shift(96 * HOUR / 60)
    match verb:
        case Verb.ESCALATE:
            assert alarm.ring() == 1
        case Verb.SUPERVISE:
            move(case, verb, city.lena, note="请说明")
        case Verb.ACCEPT:
            move(case, verb, city.hugo)
        case _:
            move(case, verb, city.hugo, asks=Verb.EXTEND, note="缺材料")
    case.refresh_from_db()
    assert case.promise_at == PROMISE


def test_a_new_holiday_moves_it(city: SimpleNamespace, clock) -> None:
    case = town.report(city)
    Holiday.objects.create(day=date(2026, 3, 3), off=True, name="赛马节", statutory=False)
    assert docket.retime(date(2026, 3, 3)) == 1
    assert Case.objects.get(pk=case.pk).promise_at == case.promise_at + timedelta(days=1)


@pytest.mark.parametrize("late", [False, True])
def test_the_closing_freezes_whether_it_was_kept(late: bool, case: Case, city: SimpleNamespace, clock) -> None:
    acts.passed(town.finish(case, city.hugo), city.ivan)
    clock.move_to(PROMISE + timedelta(seconds=late))
    closed = move(case, Verb.CLOSE, city.carl)
    facts = last(closed).facts
    assert (datetime.fromisoformat(facts["promise_at"]), facts["promise_kept"]) == (PROMISE, not late)
    clock.shift(HOUR)
    assert acts.seen(town.phone(city.carl), case)["late_overall"] is late


def test_the_same_closing_again_is_the_same(case: Case, city: SimpleNamespace, clock) -> None:
    key = uuid4()
    acts.passed(town.finish(case, city.hugo), city.ivan)
    move(case, Verb.CLOSE, city.carl, key=key)
    assert move(case, Verb.CLOSE, city.carl, key=key).stage == Stage.CLOSED


def test_reopened_it_is_promised_anew(case: Case, city: SimpleNamespace, clock) -> None:
    acts.passed(town.finish(case, city.hugo), city.ivan)
    move(case, Verb.CLOSE, city.carl)
    clock.shift(HOUR)
    assert move(case, Verb.REOPEN, city.sina, note="又响了").promise_at == PROMISE + HOUR
