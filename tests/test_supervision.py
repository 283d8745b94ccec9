"""A leader presses, says until when he waits, and the alarm rings when no reply has come."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from uuid import uuid4

import pytest

from cases import alarm, outbox
from cases.clock import Unit
from cases.flow import Stage, Verb
from cases.models import Case, StageLimit, Terms
from mobile_api.models import Message

from . import acts, log
from . import city as town
from .acts import codes, last, move, refused

HOUR = timedelta(hours=1)


def local(*moment: int) -> datetime:
    return datetime(*moment, tzinfo=town.CHINA)  # type: ignore[arg-type]


@pytest.fixture
def case(city: SimpleNamespace, clock) -> Case:
    """A rattling cover, due on Wednesday at nine; a reply is due within four working hours, unless said otherwise."""
    Terms.objects.create(verb=Verb.SUPERVISE, within_value=Decimal(4), within_unit=Unit.WORK_HOUR)
    return town.report(city)


def pressed(case: Case, city: SimpleNamespace, **more: object) -> Case:
    return move(case, Verb.SUPERVISE, city.lena, note="市长关注", **more)


def verbs(case: Case) -> str:
    return log.verbs(case).removeprefix("report file dispatch ")


def test_a_row_says_within_what_time_to_reply(case: Case, city: SimpleNamespace, clock) -> None:
    clock.move_to(local(2026, 3, 2, 11))
    told = pressed(case, city)
    assert (told.supervised_at, told.reply_due_at) == (local(2026, 3, 2, 11), local(2026, 3, 2, 17))
    assert last(case).facts["why"] == [{"code": "reply_due", "moment": "2026-03-02T09:00:00+00:00"}]
    seen = acts.seen(town.phone(city.hugo), case)
    assert (seen["supervised"], seen["reply_due_at"], seen["reply_late"]) == (True, "2026-03-02T09:00:00Z", False)
    assert seen["log"][-1]["why"][0]["says"] == "须在 2026-03-02 17:00 前回复。"


def test_the_leader_says_it_himself(case: Case, city: SimpleNamespace, clock) -> None:
    lena, said = town.phone(city.lena), {"verb": "supervise", "note": "市长关注", "key": str(uuid4())}
    past = acts.say(lena, case, **said, until="2026-03-02T08:00:00+08:00")
    assert (past.status_code, past.json()["code"], past.json()["field"]) == (422, "until_unfit", "until")
    for _twice in range(2):
        answer = acts.say(lena, case, **said, until="2026-03-02T10:00:00+08:00")
        assert answer.status_code == 200
        assert datetime.fromisoformat(answer.json()["reply_due_at"]) == local(2026, 3, 2, 10)
    assert verbs(case) == "supervise"


def test_without_a_row_nothing_is_due(case: Case, city: SimpleNamespace, clock) -> None:
    Terms.objects.all().delete()
    told = pressed(case, city)
    assert (told.reply_due_at, told.alarm_at) == (None, case.alarm_at)


def test_a_missing_reply_rings_once(case: Case, city: SimpleNamespace, clock) -> None:
    pressed(case, city, until=local(2026, 3, 2, 10))
    case.refresh_from_db()
    assert case.alarm_at == local(2026, 3, 2, 10)
    clock.move_to(local(2026, 3, 2, 9, 59))
    assert alarm.ring() == 0
    clock.move_to(local(2026, 3, 2, 10, 5))
    assert [alarm.ring(), alarm.ring()] == [1, 0]
    before, case = case, Case.objects.get(pk=case.pk)
    assert (case.reply_late, case.level, case.due_at) == (True, 0, before.due_at)
    assert case.alarm_at == local(2026, 3, 3, 15, 48)  # the ladder's own 80 %
    rang = last(case)
    assert (rang.verb, rang.by, rang.at, codes(rang)) == (
        Verb.REMIND,
        None,
        local(2026, 3, 2, 10, 5),
        ["reply_missing"],
    )
    while outbox.drain():
        pass
    heard = Message.objects.filter(event=rang).values_list("officer__username", flat=True)
    assert set(heard) == {"hugo", "lena"}
    move(case, Verb.REPLY, city.hugo, note="今日修好")
    assert codes(last(case)) == ["reply_late"]
    case.refresh_from_db()
    assert (case.supervised_at, case.reply_due_at, case.reply_late) == (None, None, False)
    assert log.flaws() == []


def test_a_reply_in_time_silences_it(case: Case, city: SimpleNamespace, clock) -> None:
    pressed(case, city, until=local(2026, 3, 2, 10))
    replied = move(case, Verb.REPLY, city.hugo, note="今日修好")
    assert (replied.alarm_at, codes(last(case))) == (case.alarm_at, [])
    clock.move_to(local(2026, 3, 2, 12))
    assert alarm.ring() == 0


def test_a_reply_and_a_rung_at_one_moment_both_ring(case: Case, city: SimpleNamespace, clock) -> None:
    rung = case.alarm_at
    pressed(case, city, until=rung)
    clock.move_to(rung)
    assert alarm.ring() == 2
    assert verbs(case) == "supervise remind escalate"


def test_the_ladder_goes_on_beside_it(case: Case, city: SimpleNamespace, clock) -> None:
    pressed(case, city, until=local(2026, 3, 4, 8, 30))
    clock.move_to(local(2026, 3, 4, 9))
    assert alarm.ring() == 3  # 80 %, the reply, the whole limit
    assert verbs(case) == "supervise escalate remind escalate"
    assert log.flaws() == []


def test_who_takes_it_over_owes_the_reply(case: Case, city: SimpleNamespace, clock) -> None:
    pressed(case, city)  # four working hours from nine, with the noon between
    checked = town.finish(case, city.hugo)
    assert (checked.stage, checked.reply_due_at, checked.supervised_at) == (
        Stage.CHECK,
        local(2026, 3, 2, 15),
        town.MONDAY,
    )
    clock.move_to(local(2026, 3, 2, 15))
    alarm.ring()
    assert verbs(case).endswith("remind")
    assert move(case, Verb.REPLY, city.ivan, note="正在核查").supervised_at is None


def test_on_the_shelf_it_rings_too_and_stays_there(case: Case, city: SimpleNamespace, clock) -> None:
    pressed(case, city, until=local(2026, 3, 2, 10))
    move(case, Verb.SHELVE, city.dora, note="待拆迁", until=local(2026, 3, 9))
    clock.move_to(local(2026, 3, 2, 10))
    assert alarm.ring() == 1
    case.refresh_from_db()
    assert (case.stage, case.alarm_at) == (Stage.SHELVED, local(2026, 3, 9))
    clock.move_to(local(2026, 3, 9))
    alarm.ring()
    assert verbs(case).startswith("supervise shelve remind resume")


def test_it_is_renewed_in_so_many_words(case: Case, city: SimpleNamespace, clock) -> None:
    pressed(case, city, until=local(2026, 3, 2, 10))
    refusal = refused(case, Verb.SUPERVISE, city.lena, note="再催")
    assert (refusal.code, refusal.field) == ("already_supervised", "until")
    clock.move_to(local(2026, 3, 2, 10))
    alarm.ring()
    renewed = pressed(case, city, until=local(2026, 3, 2, 11))
    assert (renewed.reply_late, renewed.supervised_at) == (False, local(2026, 3, 2, 10))
    clock.move_to(local(2026, 3, 2, 11))
    assert alarm.ring() == 1
    assert verbs(case) == "supervise remind supervise remind"


def test_the_end_of_a_case_ends_it(case: Case, city: SimpleNamespace, clock) -> None:
    pressed(case, city)
    ended = move(case, Verb.VOID, city.sina, note="报错")
    assert (ended.supervised_at, ended.reply_due_at, ended.alarm_at) == (None, None, None)
    assert acts.can(town.phone(city.lena), case) == set()


def test_so_often_as_the_row_says(case: Case, city: SimpleNamespace, clock) -> None:
    Terms.objects.update(at_most=1)
    pressed(case, city)
    move(case, Verb.REPLY, city.hugo, note="今日修好")
    assert refused(case, Verb.SUPERVISE, city.lena, note="再催").code == "taken_enough"


def test_late_work_is_supervised_too(case: Case, city: SimpleNamespace, clock) -> None:
    clock.move_to(local(2026, 3, 10, 9))
    assert pressed(case, city).reply_due_at == local(2026, 3, 10, 15)


def test_where_no_limit_runs_the_reply_still_rings(city: SimpleNamespace, clock) -> None:
    StageLimit.objects.all().delete()
    case = town.finish(town.report(city), city.hugo)
    assert (case.stage, case.alarm_at) == (Stage.CHECK, None)
    pressed(case, city, until=town.MONDAY + HOUR)
    clock.shift(HOUR)
    assert alarm.ring() == 1
    case.refresh_from_db()
    assert (last(case).verb, case.alarm_at) == (Verb.REMIND, None)
