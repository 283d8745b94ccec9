"""Late work climbs by itself."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from types import SimpleNamespace

import pytest
from django.db import connection, transaction

from cases import alarm, docket, outbox
from cases.clock import Limit, Unit
from cases.flow import OWED, Source, Stage, Verb
from cases.models import Case, CaseEvent, Condition, Holiday, Outbox, Policy, StageLimit
from cases.outbox import Consumer
from mobile_api.models import Message

from . import acts, log
from . import city as town
from .acts import last, move

MINUTE = timedelta(minutes=1)
RUNGS = (96 * MINUTE, 120 * MINUTE, 240 * MINUTE)  # 80, 100 and 200 % of two hours


@pytest.fixture
def case(city: SimpleNamespace, clock) -> Case:
    """A missing cover: two hours, day and night."""
    return town.report(city, condition=city.missing.pk)


def rungs(case: Case) -> list[CaseEvent]:
    return list(case.events.filter(verb=Verb.ESCALATE).order_by("id"))


# Rung by rung


def test_each_rung_rings_once_at_its_moment(case: Case, clock) -> None:
    for level, rung in enumerate(RUNGS):
        clock.move_to(town.MONDAY + rung - timedelta(seconds=1))
        assert alarm.ring() == 0
        clock.move_to(town.MONDAY + rung)
        assert (alarm.ring(), alarm.ring()) == (1, 0)
        case.refresh_from_db()
        assert case.level == level + 1
        if rung == RUNGS[1]:  # at that very moment it was not late yet: a second later a line says it
            clock.shift(timedelta(seconds=1))
            assert (alarm.ring(), last(case).verb) == (1, Verb.EXPIRE)
    clock.shift(timedelta(days=300))
    assert alarm.ring() == 0
    assert [(event.at - town.MONDAY, event.level, event.by) for event in rungs(case)] == [
        (rung, level, None) for level, rung in enumerate(RUNGS)
    ]


def test_a_rung_counts_working_time(city: SimpleNamespace, clock) -> None:
    case = town.report(city)  # sixteen working hours
    moments = [case.alarm_at]
    for _rung in range(2):
        clock.move_to(moments[-1])
        assert alarm.ring() == 1
        clock.shift(timedelta(seconds=1))
        alarm.ring()
        case.refresh_from_db()
        moments.append(case.alarm_at)
    expected = ((3, 15, 48), (4, 9, 0), (6, 9, 0))  # Tuesday, Wednesday, Friday
    assert moments == [datetime(2026, 3, *moment, tzinfo=town.CHINA) for moment in expected]


def test_after_a_long_silence_it_climbs_the_missed_rungs(case: Case, city: SimpleNamespace, clock) -> None:
    clock.move_to(town.MONDAY + timedelta(hours=5))
    assert alarm.ring() == 3
    case.refresh_from_db()
    assert (case.level, case.alarm_at) == (3, None)
    assert [event.level for event in rungs(case)] == [0, 1, 2]
    assert {event.at for event in rungs(case)} == {town.MONDAY + timedelta(hours=5)}  # when it rang
    assert {event.due_at for event in rungs(case)} == {town.MONDAY + timedelta(hours=2)}  # when it was due
    assert {event.late_s for event in rungs(case)} == {3 * 3600}


def test_ringing_moves_nothing_else(case: Case, clock) -> None:
    clock.move_to(town.MONDAY + RUNGS[0])
    alarm.ring()
    after = Case.objects.get(pk=case.pk)
    for field in ("stage", "department", "holder", "due_at", "entered_at", "allowed_s", "asks", "supervised_at"):
        assert getattr(after, field) == getattr(case, field), field


def test_to_accept_or_to_ask_resets_nothing(case: Case, city: SimpleNamespace, clock) -> None:
    clock.move_to(town.MONDAY + RUNGS[0])
    alarm.ring()
    move(case, Verb.ACCEPT, city.hugo)
    asked = move(case, Verb.ASK, city.hugo, asks=Verb.EXTEND, note="缺材料")
    assert (asked.level, asked.alarm_at) == (1, town.MONDAY + RUNGS[1])


# A new promise


def test_a_new_stage_begins_at_the_foot_of_the_ladder(case: Case, city: SimpleNamespace, clock) -> None:
    clock.move_to(town.MONDAY + RUNGS[1])
    alarm.ring()
    finished = town.finish(case, city.hugo)
    assert (finished.stage, finished.level, finished.alarm_at) == (Stage.CHECK, 0, town.MONDAY + RUNGS[1] + 24 * MINUTE)
    assert case.events.get(verb=Verb.FINISH).level == 2


def test_an_extension_counts_the_rungs_again(case: Case, city: SimpleNamespace, clock) -> None:
    clock.move_to(town.MONDAY + RUNGS[0])
    alarm.ring()
    extended = move(case, Verb.EXTEND, city.dora, note="缺材料", limit=Limit(2, Unit.URGENT_HOUR))
    assert (extended.level, extended.alarm_at) == (0, town.MONDAY + 192 * MINUTE)
    assert last(case).level == 1
    clock.move_to(town.MONDAY + 192 * MINUTE)
    assert alarm.ring() == 1


def test_a_small_extension_takes_no_rung_back(case: Case, city: SimpleNamespace, clock) -> None:
    clock.move_to(town.MONDAY + 119 * MINUTE)
    alarm.ring()
    extended = move(case, Verb.EXTEND, city.dora, note="缺材料", limit=Limit(5, Unit.URGENT_MINUTE))
    assert (extended.level, extended.alarm_at) == (1, town.MONDAY + 125 * MINUTE)


def test_an_extension_passes_over_no_rung_that_has_not_rung(case: Case, city: SimpleNamespace, clock) -> None:
    clock.move_to(town.MONDAY + 97 * MINUTE)  # a minute after the rung, and the worker has not come yet
    move(case, Verb.EXTEND, city.dora, note="缺材料", limit=Limit(1, Unit.URGENT_MINUTE))
    assert (alarm.ring(), len(rungs(case))) == (1, 1)


# Wherever it stands


def at(stage: Stage, city: SimpleNamespace) -> Case:
    if stage == Stage.FEEDBACK:
        Policy.objects.filter(verb=Verb.ORDER_CHECK).update(automatic=False)
    match stage:
        case Stage.FILING:
            return town.report(city, condition=None)
        case Stage.VERIFY:
            return town.report(city, by=city.carl, source=Source.PUBLIC)
        case Stage.DISPATCH:
            return town.report(city, category=city.orphan.pk, condition=city.smoke.pk)
        case Stage.HANDLING:
            return town.report(city, condition=city.missing.pk)
        case Stage.FEEDBACK | Stage.CHECK:
            return town.finish(town.report(city), city.hugo)
    return acts.passed(town.finish(town.report(city), city.hugo), city.ivan)


TIMED = {  # in minutes, day and night
    Stage.FILING: 15,
    Stage.VERIFY: 30,
    Stage.DISPATCH: 15,
    Stage.HANDLING: 120,
    Stage.FEEDBACK: 15,
    Stage.CHECK: 30,
    Stage.CLOSING: 60,
}


@pytest.mark.parametrize("stage", [stage for stage in OWED if stage != Stage.SHELVED])
def test_it_climbs_at_every_stage(stage: Stage, city: SimpleNamespace, clock) -> None:
    case = at(stage, city)
    assert (case.stage, case.due_at) == (stage, town.MONDAY + TIMED[stage] * MINUTE)
    clock.move_to(town.MONDAY + TIMED[stage] * MINUTE * 0.8)
    assert alarm.ring() == 1
    event = last(case)
    assert (event.verb, event.left, event.entered, event.late_s) == (Verb.ESCALATE, stage, stage, 0)


def test_a_stage_without_a_limit_is_never_late(city: SimpleNamespace, clock) -> None:
    StageLimit.objects.filter(stage=Stage.CHECK).delete()
    case = at(Stage.CHECK, city)
    assert (case.due_at, case.alarm_at, acts.codes(last(case))) == (None, None, ["policy_yes", "drawn", "limit_none"])
    clock.shift(timedelta(days=300))
    assert alarm.ring() == 0


@pytest.mark.parametrize("end", [Verb.CLOSE, Verb.VOID])
def test_what_is_done_never_rings(end: Verb, city: SimpleNamespace, clock) -> None:
    case = at(Stage.CLOSING if end == Verb.CLOSE else Stage.HANDLING, city)
    move(case, end, city.sina, note="完")
    clock.shift(timedelta(days=300))
    assert alarm.ring() == 0


# Whatever is broken


def test_it_climbs_while_nothing_is_delivered(case: Case, city: SimpleNamespace, clock, monkeypatch) -> None:
    def down(events: object) -> None:
        raise ConnectionError("the network is down")

    for name in list(outbox.CONSUMERS):
        monkeypatch.setitem(outbox.CONSUMERS, name, Consumer(pay=down, wants=lambda event: True))
    clock.move_to(town.MONDAY + RUNGS[1])
    assert (alarm.ring(), outbox.drain()) == (2, 0)
    assert (Message.objects.count(), Outbox.objects.exists()) == (0, True)
    lena = town.phone(city.lena)  # a board reads the case itself
    assert [(line["number"], line["level"]) for line in lena.get(acts.CASES).json()["items"]] == [(case.number, 2)]


def test_one_case_that_cannot_ring_does_not_silence_the_others(case: Case, city: SimpleNamespace, clock) -> None:
    """200 % of nine years lies beyond what a calendar reaches."""
    Condition.objects.filter(pk=city.smoke.pk).update(limit_value=3300, limit_unit=Unit.URGENT_DAY)
    spoilt = move(at(Stage.DISPATCH, city), Verb.DISPATCH, city.dora, department=city.parks.pk)
    clock.move_to(spoilt.due_at)
    assert alarm.ring(batch=2) == 3 + 1  # all of the one, the first rung of the other
    spoilt.refresh_from_db()
    assert (spoilt.level, log.flaws()) == (1, [])


@pytest.mark.django_db(transaction=True)
def test_a_case_in_somebody_s_hands_is_met_the_next_time(case: Case, clock) -> None:
    def ring() -> int:
        try:
            return alarm.ring()
        finally:
            connection.close()

    clock.move_to(town.MONDAY + RUNGS[0])
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            Case.objects.select_for_update().get(pk=case.pk)
            assert pool.submit(ring).result(timeout=20) == 0
        assert pool.submit(ring).result(timeout=20) == 1


# The calendar changes


def test_a_new_holiday_puts_off_what_it_touches(city: SimpleNamespace, clock) -> None:
    slow, quick = town.report(city), town.report(city, condition=city.missing.pk)
    Holiday.objects.create(day=date(2026, 3, 3), off=True, name="赛马节", statutory=False)
    assert docket.retime(date(2026, 3, 3)) == 1
    before, slow, quick = slow.due_at, Case.objects.get(pk=slow.pk), Case.objects.get(pk=quick.pk)
    assert slow.due_at == before + timedelta(days=1)
    assert acts.codes(last(slow)) == ["retimed"]
    assert (last(slow).verb, last(slow).by, last(slow).due_at) == (Verb.RETIME, None, before)
    assert last(quick).verb == Verb.DISPATCH
    assert docket.retime(date(2026, 3, 3)) == 0


def test_a_holiday_after_the_due_day_puts_off_the_next_rung(city: SimpleNamespace, clock) -> None:
    case = town.report(city)
    clock.move_to(case.due_at + timedelta(seconds=1))
    assert alarm.ring() == 2
    Holiday.objects.create(day=date(2026, 3, 5), off=True, name="赛马节", statutory=False)
    assert docket.retime(date(2026, 3, 5)) == 0  # it was due the day before
    case.refresh_from_db()
    assert case.alarm_at == datetime(2026, 3, 9, 9, 0, tzinfo=town.CHINA)
