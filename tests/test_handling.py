"""A department does the work, and what comes back is done again."""

from __future__ import annotations

from datetime import datetime, timedelta
from types import SimpleNamespace
from uuid import uuid4

import pytest

from cases import docket
from cases.clock import Limit, Unit
from cases.docket import Conflict
from cases.flow import Facts, Purpose, Refused, Stage, Verb
from cases.models import Case
from grid.models import Officer
from grid.roles import Role

from . import acts, log
from . import city as town
from .acts import last, move, refused
from .desk import desk

HOUR = 3600


@pytest.fixture
def case(city: SimpleNamespace, clock) -> Case:
    """A rattling cover, which the roads department has for two working days."""
    return town.report(city)


def mate(city: SimpleNamespace) -> Officer:
    """Hugo's colleague."""
    return Officer.objects.create(username="hans", name="Hans", roles=[Role.HANDLER], department=city.roads)


# Accepting


def test_one_hand_accepts(case: Case, city: SimpleNamespace) -> None:
    before = case.due_at
    moved = move(case, Verb.ACCEPT, city.hugo)
    assert (moved.stage, moved.holder, moved.due_at) == (Stage.HANDLING, city.hugo, before)
    refusal = refused(case, Verb.ACCEPT, mate(city))
    assert (refusal.code, refusal.detail) == ("already_accepted", "该案卷已由Hugo签收。")
    assert refused(case, Verb.ACCEPT, city.hugo).code == "already_accepted"


def test_a_colleague_may_finish_what_another_accepted(case: Case, city: SimpleNamespace) -> None:
    move(case, Verb.ACCEPT, city.hugo)
    town.finish(case, mate(city))
    finish = case.events.get(verb=Verb.FINISH)
    assert (finish.by.username, finish.holder) == ("hans", city.hugo)


def test_another_department_does_not_see_it(case: Case, city: SimpleNamespace) -> None:
    with pytest.raises(Case.DoesNotExist):
        move(case, Verb.ACCEPT, city.hana)


def test_who_keeps_a_beat_and_works_elsewhere_only_looks(case: Case, city: SimpleNamespace) -> None:
    """Hana of the parks department keeps ann's beat, too: there she sees what is not hers to handle."""
    city.hana.roles = [Role.HANDLER, Role.INSPECTOR]
    city.hana.save()
    city.cells[0].beats.get().officers.set([city.ann, city.hana])  # ann reported: the check falls on hana
    hana = town.phone(city.hana)
    assert acts.can(hana, case) == set()
    assert refused(case, Verb.ACCEPT, city.hana).code == "not_your_post"
    assert acts.say(hana, case, verb="ask", asks="decline", note="不属园林").status_code == 403
    town.finish(case, city.hugo)
    assert acts.can(hana, case) == {"pass", "rework"}


# Finishing


def test_finishing_needs_a_photo_of_the_work_done(case: Case, city: SimpleNamespace) -> None:
    for photos in ((), ((town.photo(city.hugo), Purpose.NEAR),)):
        refusal = refused(case, Verb.FINISH, city.hugo, photos=photos)
        assert (refusal.code, refusal.field) == ("facts_missing", "after")
    assert "处置后照片" in refusal.detail


def test_the_photo_must_have_arrived(case: Case, city: SimpleNamespace) -> None:
    hugo, lost = town.phone(city.hugo), "ab" * 32
    said = {"verb": "finish", "photos": [{"sha256": lost, "purpose": "after"}]}
    problem = acts.say(hugo, case, **said).json()
    assert (problem["status"], problem["code"], problem["field"]) == (422, "photos_missing", "photos")
    assert lost in problem["detail"]
    assert log.verbs(case) == "report file dispatch"
    town.photo(city.hugo, lost)
    told = acts.say(hugo, case, **said).json()
    assert (told["stage"]["code"], told["missing"]) == ("check", [])


def test_being_late_is_measured_in_working_time(case: Case, city: SimpleNamespace, clock) -> None:
    clock.move_to(datetime(2026, 3, 9, 8, 30, tzinfo=town.CHINA))  # due on Wednesday at nine; now it is Monday
    town.finish(case, city.hugo)
    finish = case.events.get(verb=Verb.FINISH)
    assert (finish.late, finish.late_s) == (True, 7 * HOUR + 2 * 8 * HOUR + HOUR // 2)


def test_the_time_of_a_check_is_not_the_department_s(case: Case, city: SimpleNamespace, clock) -> None:
    clock.shift(timedelta(hours=1))
    town.finish(case, city.hugo)
    clock.shift(timedelta(days=7))
    checked = last(move(case, Verb.REWORK, city.ivan, note="仍响动"))
    assert (checked.left, checked.late, checked.allowed_s) == (Stage.CHECK, True, 30 * 60)
    assert case.events.get(verb=Verb.FINISH).late_s == 0


@pytest.mark.parametrize(
    "stray",
    [{"condition": "missing"}, {"department": "parks"}, {"holder": "ann"}, {"verdict": "true"}, {"asks": "extend"}],
    ids=str,
)
def test_a_fact_that_is_not_of_the_move_is_refused(stray: dict, case: Case, city: SimpleNamespace) -> None:
    """Whoever accepts a case does not choose a longer limit with it, nor the inspector who is to check it."""
    said = {name: getattr(getattr(city, fact, fact), "pk", fact) for name, fact in stray.items()}
    refusal = refused(case, Verb.ACCEPT, city.hugo, **said)
    assert (refusal.code, refusal.field) == ("fact_unfit", *stray)
    assert refused(case, Verb.FINISH, city.hugo, photos=town.shown(city.hugo).photos, **said).code == "fact_unfit"


@pytest.mark.parametrize("typed", ["缺\0材料", "缺\ufffe材\ud800料", "\u202e缺材料\x1b"], ids=ascii)
def test_nothing_is_refused_for_a_character(case: Case, city: SimpleNamespace, typed: str) -> None:
    told = acts.say(town.phone(city.hugo), case, verb="ask", asks="extend", note=typed).json()
    assert told["log"][-1]["note"] == "缺材料"


@pytest.mark.parametrize("typed", ["", " \n", "\u200b\u200d\u2060", "\u3164", "\u202e\u2069"], ids=ascii)
def test_a_note_that_shows_nothing_is_none(case: Case, city: SimpleNamespace, typed: str) -> None:
    problem = acts.say(town.phone(city.hugo), case, verb="ask", asks="extend", note=typed).json()
    assert (problem["status"], problem["code"], problem["field"]) == (422, "facts_missing", "note")
    answer = desk(city.hugo).post(f"/case/{case.number}/ask/", {"asks": "extend", "note": typed, "key": str(uuid4())})
    assert (answer.status_code, "note" in answer.context["form"].errors) == (422, True)


# Done again


def reworked(case: Case, city: SimpleNamespace, clock, after: timedelta) -> Case:
    clock.move_to(town.MONDAY + after)
    town.finish(case, city.hugo)
    clock.shift(timedelta(days=1))
    return move(case, Verb.REWORK, city.ivan, note="仍响动")


def test_rework_gets_what_was_left(case: Case, city: SimpleNamespace, clock) -> None:
    case = reworked(case, city, clock, timedelta(hours=2))
    assert (case.stage, case.department, case.allowed_s, case.level) == (Stage.HANDLING, city.roads, 14 * HOUR, 0)
    assert case.entered_at == town.MONDAY + timedelta(hours=26)
    assert last(case).facts["why"][-1] == {"code": "limit_rework", "left": 14 * HOUR, "share": "0.5"}


@pytest.mark.parametrize("used", [timedelta(hours=30), timedelta(hours=50), timedelta(days=6)])
def test_rework_gets_at_least_its_share(used: timedelta, case: Case, city: SimpleNamespace, clock) -> None:
    assert reworked(case, city, clock, used).allowed_s == 8 * HOUR


def test_a_share_is_granted_so_often(case: Case, city: SimpleNamespace, clock, settings) -> None:
    settings.REWORK_GRANTS = 1
    case = reworked(case, city, clock, timedelta(hours=50))
    assert case.allowed_s == 8 * HOUR
    clock.shift(timedelta(days=1))  # all eight are used, and more
    town.finish(case, city.hugo)
    case = move(case, Verb.REWORK, city.ivan, note="还是响")
    assert (case.allowed_s, case.due_at) == (0, case.entered_at)
    assert last(case).facts["why"][-1] == {"code": "limit_rework_spent", "left": 0, "count": 2}


def test_what_is_left_is_never_taken(case: Case, city: SimpleNamespace, clock, settings) -> None:
    settings.REWORK_GRANTS = 0
    assert reworked(case, city, clock, timedelta(hours=2)).allowed_s == 14 * HOUR


def test_to_decline_gains_no_time(case: Case, city: SimpleNamespace, clock) -> None:
    clock.shift(timedelta(hours=2))
    move(case, Verb.ASK, city.hugo, asks="decline", note="不是我们的")
    move(case, Verb.DECLINE, city.dora, note="再派")
    clock.shift(timedelta(days=1))
    case = move(case, Verb.DISPATCH, city.dora, department=city.roads.pk)
    assert (case.allowed_s, case.entered_at) == (14 * HOUR, town.MONDAY + timedelta(hours=26))
    assert last(case).facts["why"][-1] == {"code": "limit_declined", "left": 14 * HOUR}


def test_another_department_gets_all_the_time(case: Case, city: SimpleNamespace, clock) -> None:
    clock.shift(timedelta(hours=2))
    move(case, Verb.ASK, city.hugo, asks="decline", note="不是我们的")
    move(case, Verb.DECLINE, city.dora, note="再派")
    assert move(case, Verb.DISPATCH, city.dora, department=city.parks.pk).allowed_s == 16 * HOUR


def test_a_share_is_exact_to_the_second(city: SimpleNamespace, clock, settings) -> None:
    """7 % of two hours are 504 s; in binary a little more, which rounded up would be 505."""
    settings.REWORK_SHARE = 0.07
    case = town.report(city, condition=city.missing.pk)
    assert reworked(case, city, clock, timedelta(hours=3)).allowed_s == 504


def test_what_was_left_counts_an_extension(case: Case, city: SimpleNamespace, clock) -> None:
    move(case, Verb.EXTEND, city.dora, note="缺材料", limit=Limit(1, Unit.WORK_DAY))
    assert reworked(case, city, clock, timedelta(hours=2)).allowed_s == 22 * HOUR


def test_a_second_rework_counts_from_the_second_finish(case: Case, city: SimpleNamespace, clock) -> None:
    case = reworked(case, city, clock, timedelta(hours=2))  # 14 hours from Tuesday 11:00
    clock.shift(timedelta(hours=4))
    town.finish(case, city.hugo)
    case = move(case, Verb.REWORK, city.ivan, note="还是响")
    assert case.allowed_s == 12 * HOUR


def test_earlier_material_is_kept(case: Case, city: SimpleNamespace, clock) -> None:
    first, second = town.photo(city.hugo, "1a" * 32), town.photo(city.hugo, "2b" * 32)
    move(case, Verb.FINISH, city.hugo, photos=((first, "after"),), note="已垫胶圈")
    move(case, Verb.REWORK, city.ivan, note="仍响动")
    move(case, Verb.FINISH, city.hugo, photos=((second, "after"),), note="已更换")
    told = acts.seen(town.phone(city.ivan), case)
    assert [photo["sha256"] for photo in told["photos"]] == [first, second]
    assert [line["note"] for line in told["log"] if line["note"]] == ["已垫胶圈", "仍响动", "已更换"]


# The same move again


def test_the_same_key_is_the_same_move(case: Case, city: SimpleNamespace) -> None:
    hugo, said = town.phone(city.hugo), {"verb": "ask", "asks": "extend", "note": "缺材料", "key": str(uuid4())}
    first, again = acts.say(hugo, case, **said), acts.say(hugo, case, **said)
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json()["log"] == again.json()["log"]
    assert case.events.filter(verb=Verb.ASK).count() == 1


def test_the_same_key_answers_also_when_the_case_has_moved_on(case: Case, city: SimpleNamespace) -> None:
    key, facts = uuid4(), town.shown(city.hugo)
    docket.move(case.uuid, Verb.FINISH, by=city.hugo, facts=facts, key=key)
    move(case, Verb.REWORK, city.ivan, note="仍响动")
    again = docket.move(case.uuid, Verb.FINISH, by=city.hugo, facts=facts, key=key)
    assert (again.stage, case.events.filter(verb=Verb.FINISH).count()) == (Stage.HANDLING, 1)


def test_the_same_key_shows_nothing_that_is_hidden_now(case: Case, city: SimpleNamespace) -> None:
    move(case, Verb.FINISH, city.hugo, photos=town.shown(city.hugo).photos)
    ines = city.ines  # whose beat it is not: the case is hers as long as it is given to her
    key, said = uuid4(), town.shown(ines, Purpose.NEAR)
    Case.objects.filter(pk=case.pk).update(holder=ines)
    docket.move(case.uuid, Verb.PASS, by=ines, facts=said, key=key)
    with pytest.raises(Refused) as caught:
        docket.move(case.uuid, Verb.PASS, by=ines, facts=said, key=key)
    assert caught.value.code == "made_unseen"
    with pytest.raises(docket.Conflict):
        docket.move(case.uuid, Verb.REWORK, by=ines, facts=Facts(note="否"), key=key)
    assert case.events.filter(key=key).count() == 1


def test_the_same_move_in_other_words_is_the_same_move(case: Case, city: SimpleNamespace) -> None:
    photos = town.shown(city.hugo, "after", "near").photos
    said = {"verb": "finish", "key": str(uuid4()), "note": "已换"}
    shown = [{"sha256": sha, "purpose": purpose} for sha, purpose in photos]
    for order in (shown, shown[::-1]):
        answer = acts.say(town.phone(city.hugo), case, **said, photos=order)
        assert answer.status_code == 200, answer.json()
    assert case.events.filter(verb=Verb.FINISH).count() == 1


def test_a_key_is_not_used_twice(case: Case, city: SimpleNamespace) -> None:
    key, said = uuid4(), {"note": "缺材料", "asks": Verb.EXTEND}
    move(case, Verb.ASK, city.hugo, key=key, **said)
    for verb, by, whose, facts in (
        (Verb.ACCEPT, city.hugo, case, {}),
        (Verb.ASK, mate(city), case, said),
        (Verb.ASK, city.hugo, town.report(city), said),
        (Verb.ASK, city.hugo, case, said | {"note": "缺人手"}),
    ):
        with pytest.raises(Conflict):
            move(whose, verb, by, key=key, **facts)
    answer = acts.say(town.phone(city.hugo), case, verb="accept", key=str(key))
    assert (answer.status_code, answer.json()["code"]) == (409, "uuid_used")


def test_a_refused_move_leaves_its_key_free(case: Case, city: SimpleNamespace) -> None:
    key = uuid4()
    refused(case, Verb.FINISH, city.hugo)
    docket.move(case.uuid, Verb.FINISH, by=city.hugo, facts=town.shown(city.hugo), key=key)
    assert last(case).verb == Verb.ORDER_CHECK


def test_a_clock_set_back_takes_no_time_from_anybody(case: Case, city: SimpleNamespace, clock) -> None:
    clock.move_to(town.MONDAY - timedelta(minutes=5))
    town.finish(case, city.hugo)
    finish = case.events.get(verb=Verb.FINISH)
    assert (finish.at, finish.late_s) == (town.MONDAY, 0)
