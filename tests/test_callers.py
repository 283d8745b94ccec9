"""Those who called: the department contacts them in time, and after the closing the centre asks them how it was."""

from __future__ import annotations

import re
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings

from cases import callers, outbox, queues
from cases.clock import Unit
from cases.flow import CALLERS, Outcome, Source, Stage, Verb
from cases.models import Case, Terms
from grid.models import Officer
from grid.roles import Role
from mobile_api.models import Message

from . import acts, log
from . import city as town
from .acts import last, move, refused
from .desk import desk

SOLVED = {"outcome": Outcome.SOLVED, "rating": 5}
CASES = "/api/mobile/v1/cases"
DAY = timedelta(days=1)


@pytest.fixture
def rules(city: SimpleNamespace, clock) -> SimpleNamespace:
    """Contact within a working day of the dispatch, call back within fifteen days of the closing."""
    Terms.objects.create(verb=Verb.CONTACT, within_value=1, within_unit=Unit.WORK_DAY)
    Terms.objects.create(verb=Verb.CALL_BACK, within_value=15, within_unit=Unit.URGENT_DAY)
    return city


def phoned(city: SimpleNamespace, source: Source = Source.HOTLINE) -> Case:
    """What somebody called about, filed and dispatched to the roads department."""
    case = town.report(city, by=city.carl, source=source)
    if case.stage == Stage.VERIFY:
        near = town.shown(city.ann, "near").photos
        case = move(case, Verb.VERIFY, case.holder or city.ann, photos=near, verdict="true")
    return move(case, Verb.FILE, city.carl)


def ended(case: Case, city: SimpleNamespace) -> Case:
    """Finished, checked and closed."""
    checking = town.finish(case, city.hugo)
    assert checking.holder
    acts.passed(case, checking.holder)
    return move(case, Verb.CLOSE, city.sina)


def asked(case: Case, by: Officer, **said: Any) -> Case:
    return move(case, Verb.CALL_BACK, by, **(SOLVED | said))


def waiting(city: SimpleNamespace) -> list[str]:
    queue = next(queue for queue in queues.QUEUES if queue.name == "call-back")
    return [case.number for case in queues.within(queue, city.carl)]


# The call-back


@pytest.mark.parametrize("source", CALLERS)
def test_a_clerk_asks_whoever_called(source: Source, rules: SimpleNamespace) -> None:
    case = ended(phoned(rules, source), rules)
    told = asked(case, rules.carl, rating=4, note="很快")
    assert (told.stage, told.call_by, told.due_at) == (Stage.CLOSED, None, None)
    line = last(case)
    assert (line.left, line.entered, line.department) == (Stage.CLOSED, Stage.CLOSED, rules.roads)
    assert line.facts == {"note": "很快", "outcome": "solved", "rating": 4, "satisfied": True}
    assert log.flaws() == []


@pytest.mark.parametrize(("rating", "least", "satisfied"), [(3, 3, True), (2, 3, False), (3, 4, False), (4, 4, True)])
def test_the_city_says_which_rating_satisfies(
    rating: int, least: int, satisfied: bool, rules: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "SATISFIED_FROM", least)
    case = ended(phoned(rules), rules)
    asked(case, rules.carl, rating=rating, note="还行")
    monkeypatch.setattr(settings, "SATISFIED_FROM", 5)  # what was written stays
    assert last(case).facts.get("satisfied", False) is satisfied


def test_nobody_is_called_back_about_what_no_citizen_reported(rules: SimpleNamespace) -> None:
    case = ended(town.report(rules), rules)
    assert case.call_by is None
    answer = acts.say(town.phone(rules.carl), case, verb="call_back", **SOLVED)
    assert (answer.status_code, answer.json()["code"]) == (409, "no_caller")
    assert "热线举报、公众上报" in answer.json()["detail"]
    assert "call_back" not in acts.can(town.phone(rules.carl), case)


def test_a_call_back_comes_after_the_end(rules: SimpleNamespace) -> None:
    case = phoned(rules)
    assert refused(case, Verb.CALL_BACK, rules.carl, **SOLVED).code == "not_now"
    voided = move(phoned(rules), Verb.VOID, rules.sina, note="重复")
    assert refused(voided, Verb.CALL_BACK, rules.carl, **SOLVED).code == "not_now"


def test_others_do_not_call_back(rules: SimpleNamespace) -> None:
    case = ended(phoned(rules), rules)
    for officer in (rules.hugo, rules.dora, rules.lena, rules.aude, rules.ivan):
        assert refused(case, Verb.CALL_BACK, officer, **SOLVED).code == "not_your_post"


@pytest.mark.parametrize("verb", [Verb.FINISH, Verb.PASS])
def test_the_hand_that_finished_or_checked_does_not_call_back(verb: Verb, rules: SimpleNamespace) -> None:
    case = ended(phoned(rules), rules)
    officer = case.events.get(verb=verb).by
    Officer.objects.filter(pk=officer.pk).update(roles=[*officer.roles, Role.CLERK])
    officer.refresh_from_db()
    assert refused(case, Verb.CALL_BACK, officer, **SOLVED).code == "same_hand"


@pytest.mark.parametrize(
    ("said", "code", "field"),
    [
        ({"outcome": "", "rating": 3}, "facts_missing", "outcome"),
        ({"outcome": "perhaps", "rating": 3}, "outcome_unknown", "outcome"),
        ({"outcome": "solved", "rating": None}, "rating_unfit", "rating"),
        ({"outcome": "solved", "rating": 6}, "rating_unfit", "rating"),
        ({"outcome": "unreached", "rating": 3}, "rating_unfit", "rating"),
        ({"outcome": "unsolved", "rating": 5}, "facts_missing", "note"),
        ({"outcome": "solved", "rating": 1}, "facts_missing", "note"),
        ({"outcome": "solved", "rating": 5, "verdict": "true"}, "fact_unfit", "verdict"),
    ],
)
def test_an_answer_that_makes_no_sense_is_refused(
    said: dict[str, Any], code: str, field: str, rules: SimpleNamespace
) -> None:
    refusal = refused(ended(phoned(rules), rules), Verb.CALL_BACK, rules.carl, **said)
    assert (refusal.code, refusal.field) == (code, field)


def test_a_phone_says_it_by_name_and_the_same_key_is_the_same_call(rules: SimpleNamespace) -> None:
    case, carl = ended(phoned(rules), rules), town.phone(rules.carl)
    (button,) = [one for one in acts.seen(carl, case)["can"] if one["verb"] == "call_back"]
    assert (button["label"], button["needs"], button["takes"]) == ("回访", ["outcome"], ["rating"])
    said = {"verb": "call_back", "outcome": "unsolved", "rating": 1, "note": "还在响", "key": str(uuid4())}
    for _twice in range(2):
        assert acts.say(carl, case, **said).status_code == 200
    assert acts.say(carl, case, **said | {"rating": 2}).json()["code"] == "uuid_used"
    assert log.verbs(case).count("call_back") == 1
    assert acts.say(carl, case, verb="call_back", outcome="solved", rating=7).json()["code"] == "invalid"


def test_who_is_not_satisfied_may_see_his_case_reopened(rules: SimpleNamespace) -> None:
    case = ended(phoned(rules), rules)
    asked(case, rules.carl, outcome="unsolved", rating=2, note="还在响")
    assert acts.codes(last(case)) == ["unsatisfied"]
    seen = acts.seen(town.phone(rules.carl), case)
    assert "可以重启案卷" in seen["log"][-1]["why"][0]["says"]
    assert "reopen" in {button["verb"] for button in seen["can"]}
    assert move(case, Verb.REOPEN, rules.carl, note="来电人说还在响").stage == Stage.HANDLING


def test_a_caller_is_tried_again_and_a_slip_corrected(rules: SimpleNamespace) -> None:
    case = ended(phoned(rules), rules)
    for _attempt in range(2):
        told = move(case, Verb.CALL_BACK, rules.carl, outcome=Outcome.UNREACHED)
        assert told.call_by == case.call_by is not None
    asked(case, rules.carl, rating=1, note="记错了")
    asked(case, rules.sina, rating=5)
    assert log.verbs(case).split()[-4:] == ["call_back"] * 4
    assert Case.objects.get(pk=case.pk).call_by is None


def test_the_department_hears_what_the_caller_said(rules: SimpleNamespace) -> None:
    case = ended(phoned(rules), rules)
    move(case, Verb.CALL_BACK, rules.carl, outcome=Outcome.UNREACHED)
    outbox.drain()
    heard = Message.objects.filter(event__verb=Verb.CALL_BACK).values_list("officer", flat=True)
    assert not heard.exists()
    asked(case, rules.carl, rating=1, note="没修好")
    outbox.drain()
    assert list(heard) == [rules.hugo.pk]


# Who is still to be called


def test_whose_caller_was_not_asked_waits_for_a_clerk(rules: SimpleNamespace, clock) -> None:
    case, other = ended(phoned(rules), rules), ended(phoned(rules), rules)
    ended(town.report(rules), rules)
    assert case.call_by == case.entered_at + 15 * DAY
    assert sorted(waiting(rules)) == [case.number, other.number]
    move(case, Verb.CALL_BACK, rules.carl, outcome=Outcome.UNREACHED)
    assert case.number in waiting(rules)
    asked(case, rules.carl)
    assert waiting(rules) == [other.number]
    clock.shift(15 * DAY + timedelta(seconds=1))
    assert waiting(rules) == []
    assert refused(other, Verb.CALL_BACK, rules.carl, **SOLVED).code == "window_closed"


def test_a_case_closed_again_wants_another_call(rules: SimpleNamespace, clock) -> None:
    case = ended(phoned(rules), rules)
    asked(case, rules.carl, rating=1, note="没修好")
    assert move(case, Verb.REOPEN, rules.carl, note="返修").call_by is None
    clock.shift(DAY)
    assert waiting(rules) == []
    again = ended(case, rules)
    assert waiting(rules) == [case.number]
    assert again.call_by == again.entered_at + 15 * DAY


def test_a_duplicate_has_a_caller_of_its_own(rules: SimpleNamespace) -> None:
    master = town.report(rules)
    case = move(phoned(rules), Verb.LINK, rules.carl, same_as=str(master.uuid))
    ended(master, rules)
    assert waiting(rules) == [case.number]
    assert asked(case, rules.carl).call_by is None


def test_without_a_row_nobody_waits_and_anybody_may_be_called(city: SimpleNamespace, clock) -> None:
    case = ended(phoned(city), city)
    assert (case.call_by, waiting(city)) == (None, [])
    clock.shift(400 * DAY)
    assert asked(case, city.carl).stage == Stage.CLOSED


def test_phone_and_desk_list_who_is_to_be_called(rules: SimpleNamespace, clock) -> None:
    cases = [ended(phoned(rules), rules) for _n in range(3)]
    for case, days in zip(cases, (3, 1, 2), strict=True):
        Case.objects.filter(pk=case.pk).update(call_by=case.entered_at + days * DAY)
    ordered = [cases[n].number for n in (1, 2, 0)]
    carl, told, cursor = town.phone(rules.carl), [], None
    while len(told) < 3:
        page = carl.get(CASES, {"view": "call_back", "limit": 1} | ({"cursor": cursor} if cursor else {})).json()
        told += [item["number"] for item in page["items"]]
        cursor = page["next"]
    assert (told, cursor) == (ordered, None)
    page = desk(rules.carl).get("/queue/call-back/").content.decode()
    assert re.findall(r'href="/case/(\w+)/"', page) == ordered


def test_a_clerk_calls_back_at_the_desk(rules: SimpleNamespace) -> None:
    case, carl = ended(phoned(rules), rules), desk(rules.carl)
    assert "待回访" in carl.get(f"/case/{case.number}/").content.decode()
    form = {"key": str(uuid4()), "seen": str(last(case).pk), "outcome": "unsolved", "rating": "1", "note": ""}
    refusal = carl.post(f"/case/{case.number}/call_back/", form)
    assert refusal.status_code == 422 and "请写明原因" in refusal.content.decode()
    missed = form | {"key": str(uuid4()), "outcome": "unreached"}  # the button of the rating cannot be lifted again
    assert carl.post(f"/case/{case.number}/call_back/", missed).status_code == 302
    assert last(case).facts == {"outcome": "unreached"}
    form["seen"] = str(last(case).pk)
    assert carl.post(f"/case/{case.number}/call_back/", form | {"note": "还在响"}).status_code == 302
    page = carl.get(f"/case/{case.number}/").content.decode()
    assert "未解决" in page and "非常不满意" in page and f"/case/{case.number}/reopen/" in page


# The contact


def test_a_department_contacts_its_caller_in_time(rules: SimpleNamespace, clock) -> None:
    case = phoned(rules)  # Monday 9:00
    tuesday = town.MONDAY + DAY
    assert callers.owed(case.events.order_by("id")) == tuesday
    hugo = town.phone(rules.hugo)
    assert acts.seen(hugo, case)["contact_due_at"] == "2026-03-03T01:00:00Z"
    assert "待联系来电人" in desk(rules.hugo).get(f"/case/{case.number}/").content.decode()
    clock.move_to(tuesday)
    assert acts.say(hugo, case, verb="contact", note="已约定上门时间").status_code == 200
    assert last(case).facts == {"note": "已约定上门时间", "contact_kept": True}
    assert acts.seen(hugo, case)["contact_due_at"] is None
    assert "待联系来电人" not in desk(rules.hugo).get(f"/case/{case.number}/").content.decode()
    move(case, Verb.CONTACT, rules.hugo, note="再联系")
    assert "contact_kept" not in last(case).facts
    assert log.flaws() == []


def test_a_case_that_is_taken_back_or_closed_owes_no_contact(rules: SimpleNamespace) -> None:
    declined, over = phoned(rules), ended(phoned(rules), rules)
    move(declined, Verb.DECLINE, rules.dora, note="改派")
    for case in (declined, over):
        assert callers.owed(case.events.order_by("id")) is None
    move(over, Verb.REOPEN, rules.carl, note="返修")
    move(over, Verb.CONTACT, rules.hugo, note="联系")
    assert "contact_kept" not in last(over).facts


def test_a_late_contact_says_so(rules: SimpleNamespace, clock) -> None:
    case = phoned(rules)
    clock.shift(DAY + timedelta(seconds=1))
    move(case, Verb.CONTACT, rules.hugo, note="联系")
    assert last(case).facts["contact_kept"] is False


def test_each_department_contacts_anew(rules: SimpleNamespace, clock) -> None:
    case = phoned(rules)
    move(case, Verb.CONTACT, rules.hugo, note="不属我管")
    move(case, Verb.DECLINE, rules.dora, note="改派")
    assert acts.seen(town.phone(rules.dora), case)["contact_due_at"] is None
    clock.shift(timedelta(hours=1))
    move(case, Verb.DISPATCH, rules.dora, department=rules.parks.pk)
    with pytest.raises(Case.DoesNotExist):
        move(case, Verb.CONTACT, rules.hugo, note="晚了")
    assert callers.owed(case.events.order_by("id")) == town.MONDAY + DAY + timedelta(hours=1)
    move(case, Verb.CONTACT, rules.hana, note="联系")
    assert last(case).facts["contact_kept"] is True


def test_work_done_at_once_is_told_afterwards(rules: SimpleNamespace) -> None:
    case = town.finish(phoned(rules), rules.hugo)
    assert move(case, Verb.CONTACT, rules.hugo, note="已修好").stage == Stage.CHECK
    case = move(phoned(rules), Verb.SHELVE, rules.dora, note="待料", until=town.MONDAY + 3 * DAY)
    assert move(case, Verb.CONTACT, rules.hugo, note="等料").stage == Stage.SHELVED


def test_there_is_nobody_to_contact_behind_an_inspector_s_report(rules: SimpleNamespace) -> None:
    case = town.report(rules)
    assert "contact_due_at" not in case.events.get(verb=Verb.DISPATCH).facts
    assert refused(case, Verb.CONTACT, rules.hugo, note="n").code == "no_caller"


def test_who_assists_leaves_the_caller_to_the_lead(rules: SimpleNamespace) -> None:
    case = phoned(rules)
    move(case, Verb.ASSIST, rules.dora, department=rules.parks.pk, note="协助")
    child = Case.objects.get(parent=case)
    assert "contact_due_at" not in child.events.get(verb=Verb.DISPATCH).facts
    assert refused(child, Verb.CONTACT, rules.hana, note="n").code == "is_child"
    child = town.finish(child, rules.hana)
    acts.passed(child, child.holder)
    assert move(child, Verb.CLOSE, rules.carl).call_by is None
    assert refused(child, Verb.CALL_BACK, rules.sina, **SOLVED).code == "is_child"


def test_without_a_row_no_contact_is_owed(city: SimpleNamespace, clock) -> None:
    case = phoned(city)
    assert "contact_due_at" not in case.events.get(verb=Verb.DISPATCH).facts
    move(case, Verb.CONTACT, city.hugo, note="联系")
    assert last(case).facts == {"note": "联系"}


def test_hours_that_nobody_knows_keep_nobody_from_the_case(rules: SimpleNamespace) -> None:
    Terms.objects.update(within_value=9999, within_unit=Unit.WORK_DAY)
    case = ended(phoned(rules), rules)
    assert case.call_by is None
