"""The side paths of a case: asked and granted, put on the shelf, pressed, made void, opened again."""

from __future__ import annotations

from datetime import datetime, timedelta
from types import SimpleNamespace
from uuid import uuid4

import pytest

from cases import alarm, docket
from cases.clock import Limit, Unit
from cases.flow import Purpose, Refused, Source, Stage, Verb
from cases.models import Case, Terms

from . import acts
from . import city as town
from .acts import codes, last, move, refused

HOUR = 3600
DAY = Limit(1, Unit.WORK_DAY)


def local(*moment: int) -> datetime:
    return datetime(*moment, tzinfo=town.CHINA)  # type: ignore[arg-type]


@pytest.fixture
def case(city: SimpleNamespace, clock) -> Case:
    """A rattling cover, which the roads department has for two working days."""
    return town.report(city)


def grants(verb: Verb) -> dict[str, object]:
    """What a dispatcher says to grant a wish."""
    more = {Verb.EXTEND: {"limit": DAY}, Verb.SHELVE: {"until": local(2026, 3, 20, 9)}}
    return {"note": "同意", **more.get(verb, {})}


# Asked, granted, refused

WISHES = pytest.mark.parametrize("wish", [Verb.DECLINE, Verb.EXTEND, Verb.SHELVE])


@WISHES
def test_a_wish_is_granted_by_the_move_itself(wish: Verb, case: Case, city: SimpleNamespace) -> None:
    asked = move(case, Verb.ASK, city.hugo, asks=wish, note="缺材料")
    assert (asked.stage, asked.asks, asked.due_at) == (Stage.HANDLING, wish, case.due_at)
    dora = town.phone(city.dora)
    assert [line["asks"]["code"] for line in dora.get(acts.CASES).json()["items"]] == [wish]
    assert acts.can(dora, case) >= {wish, "refuse"}
    assert move(case, wish, city.dora, **grants(wish)).asks == ""


@WISHES
def test_a_wish_is_refused_with_a_reason(wish: Verb, case: Case, city: SimpleNamespace) -> None:
    move(case, Verb.ASK, city.hugo, asks=wish, note="缺材料")
    assert refused(case, Verb.REFUSE, city.dora).field == "note"
    left = move(case, Verb.REFUSE, city.dora, note="材料在库")
    assert (left.stage, left.asks, left.due_at) == (Stage.HANDLING, "", case.due_at)
    assert move(case, Verb.ASK, city.hugo, asks=wish, note="确无材料").asks == wish


def test_one_wish_at_a_time(case: Case, city: SimpleNamespace) -> None:
    move(case, Verb.ASK, city.hugo, asks=Verb.EXTEND, note="缺材料")
    refusal = refused(case, Verb.ASK, city.hugo, asks=Verb.SHELVE, note="缺材料")
    assert (refusal.code, refusal.detail) == ("already_asked", "已有“延期”申请待答复。")


def test_only_some_things_can_be_asked_for(case: Case, city: SimpleNamespace) -> None:
    refusal = refused(case, Verb.ASK, city.hugo, asks=Verb.CLOSE, note="不想办")
    assert (refusal.code, refusal.detail) == ("not_askable", "可以申请的有：回退、延期、挂账、协办、作废。")
    assert refused(case, Verb.ASK, city.hugo, asks=Verb.VOID, note="不想办").code == "not_your_post"
    assert refused(case, Verb.ASK, city.hugo, asks=Verb.EXTEND).field == "note"


def test_nothing_asked_is_nothing_to_refuse(case: Case, city: SimpleNamespace) -> None:
    assert refused(case, Verb.REFUSE, city.dora, note="不").code == "nothing_asked"
    assert acts.can(town.phone(city.dora), case) == {"ask", "assist", "decline", "extend", "hasten", "shelve"}


def test_an_unasked_extension_answers_no_other_wish(case: Case, city: SimpleNamespace) -> None:
    move(case, Verb.ASK, city.hugo, asks=Verb.DECLINE, note="不属市政")
    assert move(case, Verb.EXTEND, city.dora, note="先办", limit=DAY).asks == Verb.DECLINE


def test_a_department_does_not_grant_itself(case: Case, city: SimpleNamespace) -> None:
    move(case, Verb.ASK, city.hugo, asks=Verb.EXTEND, note="缺材料")
    assert refused(case, Verb.EXTEND, city.hugo, note="同意", limit=DAY).code == "not_your_post"


# Extended


def test_an_extension_adds_to_the_limit(case: Case, city: SimpleNamespace, clock) -> None:
    clock.shift(timedelta(hours=5))
    case = move(case, Verb.EXTEND, city.dora, note="缺材料", limit=DAY)
    assert (case.entered_at, case.allowed_s) == (town.MONDAY, 24 * HOUR)
    assert case.due_at == local(2026, 3, 5, 9)
    deadline = acts.seen(town.phone(city.hugo), case)["deadline"]
    assert [why["code"] for why in deadline["why"]] == ["limit_condition", "limit_extended"]
    assert sum(span["seconds"] for span in deadline["trace"]) == 24 * HOUR


@pytest.mark.parametrize("verb", [Verb.EXTEND, Verb.ASK])
def test_an_extension_runs_on_the_clock_of_the_limit(verb: Verb, case: Case, city: SimpleNamespace) -> None:
    by, more = (city.dora, {}) if verb == Verb.EXTEND else (city.hugo, {"asks": Verb.EXTEND})
    for unit in (Unit.URGENT_HOUR, Unit.URGENT_DAY, Unit.URGENT_MINUTE):
        refusal = refused(case, verb, by, note="缺材料", limit=Limit(2, unit), **more)
        assert (refusal.code, refusal.field) == ("limit_clock", "limit")
    move(case, verb, by, note="缺材料", limit=Limit(4, Unit.WORK_HOUR), **more)


def test_an_emergency_is_extended_day_and_night(city: SimpleNamespace, clock) -> None:
    case = town.report(city, condition=city.missing.pk)
    assert refused(case, Verb.EXTEND, city.dora, note="缺材料", limit=DAY).code == "limit_clock"
    case = move(case, Verb.EXTEND, city.dora, note="缺材料", limit=Limit(1, Unit.URGENT_DAY))
    assert case.due_at == town.MONDAY + timedelta(hours=26)


def test_nobody_extends_beyond_the_calendar(case: Case, city: SimpleNamespace) -> None:
    answer = acts.say(
        town.phone(city.dora), case, verb="extend", note="缺材料", limit={"value": 9999, "unit": "work_day"}
    )
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (422, "out_of_reach", "limit")
    case.refresh_from_db()
    assert case.allowed_s == 16 * HOUR


# Shelved


def test_a_weekend_on_the_shelf_takes_no_working_time(city: SimpleNamespace, clock) -> None:
    clock.move_to(local(2026, 3, 6, 15))  # Friday
    case = town.report(city)
    clock.move_to(local(2026, 3, 6, 17))  # two hours of sixteen are used
    case = move(case, Verb.SHELVE, city.dora, note="待物业", until=local(2026, 3, 8, 12))
    assert (case.stage, case.due_at, case.clock) == (Stage.SHELVED, local(2026, 3, 8, 12), "")
    clock.move_to(local(2026, 3, 8, 12))  # Sunday
    assert alarm.ring() == 1
    case.refresh_from_db()
    assert (case.stage, case.allowed_s, case.clock) == (Stage.HANDLING, 14 * HOUR, Unit.WORK_DAY)
    assert case.due_at == local(2026, 3, 10, 16)
    assert last(case).facts["why"] == [{"code": "limit_resumed", "left": 14 * HOUR}]


def test_an_emergency_on_the_shelf_is_measured_day_and_night(city: SimpleNamespace, clock) -> None:
    clock.move_to(local(2026, 3, 6, 17))
    case = town.report(city, condition=city.missing.pk)
    clock.move_to(local(2026, 3, 6, 17, 30))
    move(case, Verb.SHELVE, city.dora, note="待停水", until=local(2026, 3, 9, 9))
    clock.move_to(local(2026, 3, 7, 10))
    case = move(case, Verb.RESUME, city.dora)  # early, on a Saturday
    assert (case.allowed_s, case.due_at) == (90 * 60, local(2026, 3, 7, 11, 30))


def test_the_second_time_counts_from_the_first(case: Case, city: SimpleNamespace, clock) -> None:
    for used in (1, 2):
        clock.shift(timedelta(hours=1))
        move(case, Verb.SHELVE, city.dora, note="待料", until=local(2026, 3, 20, 9))
        case = move(case, Verb.RESUME, city.dora)
        assert case.allowed_s == (16 - used) * HOUR


def test_what_was_late_comes_back_late(case: Case, city: SimpleNamespace, clock) -> None:
    clock.move_to(local(2026, 3, 4, 10))  # due at nine
    assert last(move(case, Verb.SHELVE, city.dora, note="待料", until=local(2026, 3, 20, 9))).late_s == HOUR
    case = move(case, Verb.RESUME, city.dora)
    assert (case.allowed_s, case.due_at) == (0, case.entered_at)


@pytest.mark.parametrize("until", [town.MONDAY, town.MONDAY - timedelta(days=1), town.MONDAY + timedelta(days=367)])
def test_a_shelf_has_an_end_within_a_year(until: datetime, case: Case, city: SimpleNamespace) -> None:
    Terms.objects.create(verb=Verb.SHELVE, longest_days=366)
    refusal = refused(case, Verb.SHELVE, city.dora, note="待料", until=until)
    assert (refusal.code, refusal.field) == ("until_unfit", "until")


def test_it_resumes_by_itself_on_its_date_and_not_before(case: Case, city: SimpleNamespace, clock) -> None:
    until = local(2026, 3, 5, 9)
    move(case, Verb.SHELVE, city.dora, note="待料", until=until)
    clock.move_to(until - timedelta(seconds=1))
    assert alarm.ring() == 0
    clock.move_to(until)
    assert (alarm.ring(), alarm.ring()) == (1, 0)
    resumed = last(case)
    assert (resumed.verb, resumed.by, resumed.left, resumed.due_at) == (Verb.RESUME, None, Stage.SHELVED, until)


def test_nothing_is_done_on_the_shelf(case: Case, city: SimpleNamespace) -> None:
    move(case, Verb.ASK, city.hugo, asks=Verb.SHELVE, note="待料", until=local(2026, 3, 20, 9))
    shelved = move(case, Verb.SHELVE, city.dora, note="同意", until=local(2026, 3, 20, 9))
    assert (shelved.asks, shelved.holder, shelved.department) == ("", None, city.roads)
    assert refused(case, Verb.FINISH, city.hugo, photos=town.shown(city.hugo).photos).code == "not_now"
    assert refused(case, Verb.RESUME, city.hugo).code == "not_your_post"
    assert acts.can(town.phone(city.hugo), case) == set()


# Supervised


def test_a_leader_presses_and_who_owes_replies(case: Case, city: SimpleNamespace) -> None:
    pressed = move(case, Verb.SUPERVISE, city.lena, note="市长关注")
    assert (pressed.stage, pressed.supervised_at, pressed.due_at) == (Stage.HANDLING, town.MONDAY, case.due_at)
    assert acts.seen(town.phone(city.hugo), case)["supervised"]
    assert refused(case, Verb.REPLY, city.dora, note="已催").code == "not_your_turn"
    assert move(case, Verb.REPLY, city.hugo, note="今日修好").supervised_at is None
    assert refused(case, Verb.REPLY, city.hugo, note="又及").code == "not_supervised"


def test_a_call_stands_until_it_is_answered(case: Case, city: SimpleNamespace) -> None:
    move(case, Verb.SUPERVISE, city.lena, note="市长关注")
    finished = town.finish(case, city.hugo)
    assert finished.supervised_at == town.MONDAY
    assert refused(case, Verb.REPLY, city.carl, note="已修").code == "not_your_turn"
    assert move(case, Verb.REPLY, city.ivan, note="正在核查").supervised_at is None


def test_the_end_of_a_case_ends_the_call(case: Case, city: SimpleNamespace) -> None:
    move(case, Verb.SUPERVISE, city.lena, note="市长关注")
    assert move(case, Verb.VOID, city.sina, note="重复").supervised_at is None


# Made void, opened again


@pytest.mark.parametrize("stage", [Stage.FILING, Stage.DISPATCH, Stage.HANDLING])
def test_a_shift_leader_makes_it_void_with_a_reason(stage: Stage, city: SimpleNamespace, clock) -> None:
    said = {
        Stage.FILING: {"condition": None},
        Stage.DISPATCH: {"category": city.orphan.pk, "condition": city.smoke.pk},
        Stage.HANDLING: {},
    }
    case = town.report(city, **said[stage])
    assert case.stage == stage
    assert refused(case, Verb.VOID, city.sina).field == "note"
    case = move(case, Verb.VOID, city.sina, note="重复上报")
    assert (case.stage, case.due_at, case.alarm_at, case.clock) == (Stage.VOID, None, None, "")
    assert acts.can(town.phone(city.sina), case) == set()


def test_what_is_being_checked_is_not_void(case: Case, city: SimpleNamespace) -> None:
    town.finish(case, city.hugo)
    assert refused(case, Verb.VOID, city.carl, note="重复").code == "not_now"


def test_a_closed_case_is_opened_again_with_its_whole_limit(case: Case, city: SimpleNamespace, clock) -> None:
    town.finish(case, city.hugo)
    acts.passed(case, city.ivan)
    move(case, Verb.CLOSE, city.carl)
    assert refused(case, Verb.REOPEN, city.carl).field == "note"
    clock.shift(timedelta(days=1))
    case = move(case, Verb.REOPEN, city.sina, note="又响了")
    assert (case.stage, case.department, case.allowed_s) == (Stage.HANDLING, city.roads, 16 * HOUR)
    assert case.due_at == local(2026, 3, 5, 9)
    assert (last(case).left, last(case).since) == (Stage.CLOSED, town.MONDAY)


# Verified first


@pytest.fixture
def call(city: SimpleNamespace, clock) -> Case:
    """A report by the public: an inspector looks first."""
    return town.report(city, by=city.carl, source=Source.PUBLIC)


@pytest.mark.parametrize("verdict", ["true", "false"])
def test_an_inspector_verifies_and_a_clerk_decides(verdict: str, call: Case, city: SimpleNamespace) -> None:
    assert call.stage == Stage.VERIFY
    assert refused(call, Verb.VERIFY, city.ann, verdict=verdict).field == "photos"
    facts = town.shown(city.ann, Purpose.NEAR)
    assert refused(call, Verb.VERIFY, city.ann, photos=facts.photos).field == "verdict"
    assert refused(call, Verb.VERIFY, city.ann, photos=facts.photos, verdict="maybe").code == "verdict_unknown"
    case = move(call, Verb.VERIFY, city.ann, photos=facts.photos, verdict=verdict)
    assert (case.stage, last(case).facts["verdict"]) == (Stage.FILING, verdict)
    assert codes(last(case), "waits") == ["by_hand"]
    end, facts = (Verb.FILE, {}) if verdict == "true" else (Verb.VOID, {"note": "核实不属实"})
    assert move(case, end, city.carl, **facts).stage == (Stage.HANDLING if verdict == "true" else Stage.VOID)


def test_a_clerk_sends_one_inspector(city: SimpleNamespace, clock) -> None:
    case = town.report(city, by=city.carl, source=Source.HOTLINE)
    for holder in (city.hugo.pk, 0x7FFFFFFF):
        assert refused(case, Verb.ORDER_VERIFY, city.carl, holder=holder).code == "holder_unknown"
    case = move(case, Verb.ORDER_VERIFY, city.carl, holder=city.ines.pk)  # not of her beat
    assert (case.stage, case.holder) == (Stage.VERIFY, city.ines)
    shown = town.shown(city.ann, Purpose.NEAR).photos
    assert refused(case, Verb.VERIFY, city.ann, photos=shown, verdict="true").code == "held_by_another"
    assert move(case, Verb.VERIFY, city.ines, photos=shown, verdict="true").holder is None


# Put right on the spot


def test_the_reporter_puts_it_right_himself(city: SimpleNamespace, clock) -> None:
    case = town.report(city, condition=None)
    both = town.shown(city.ann, Purpose.BEFORE, Purpose.AFTER).photos
    assert refused(case, Verb.SELF_HANDLE, city.ivan, photos=both).code == "not_reporter"
    assert refused(case, Verb.SELF_HANDLE, city.ann, photos=both[:1]).field == "after"
    assert refused(case, Verb.SELF_HANDLE, city.ann, photos=both[1:]).field == "before"
    case = move(case, Verb.SELF_HANDLE, city.ann, photos=both)
    assert (case.stage, case.department) == (Stage.CLOSING, None)
    assert codes(last(case), "waits") == ["by_hand"]


def test_a_clerk_puts_nothing_right_from_the_desk(city: SimpleNamespace, clock) -> None:
    both = (("a" * 64, Purpose.BEFORE), ("b" * 64, Purpose.AFTER))
    for by, source in ((city.carl, Source.HOTLINE), (None, Source.SENSOR)):
        with pytest.raises(Refused) as refusal:
            docket.report(uuid4(), town.seen(city, source=source, handled=True, photos=both), by=by)
        assert refusal.value.code == "not_reporter"
    assert not Case.objects.exists()
