"""Lead and assisting departments: one is called to help, has a case of its own, and the parent ends after it."""

from __future__ import annotations

from datetime import datetime, timedelta
from types import SimpleNamespace
from uuid import uuid4

import pytest
from django.db import connection

from cases import alarm, docket, outbox, photos
from cases.clock import Limit, Unit
from cases.flow import Stage, Verb
from cases.models import Case, Policy
from grid.models import Officer
from grid.roles import Role
from mobile_api.models import Message

from . import acts, log
from . import city as town
from .acts import codes, last, move, refused

HOUR = 3600


def local(*moment: int) -> datetime:
    return datetime(*moment, tzinfo=town.CHINA)  # type: ignore[arg-type]


@pytest.fixture
def parent(city: SimpleNamespace, clock) -> Case:
    """A rattling cover, which the roads department leads."""
    return town.report(city)


def assisted(case: Case, city: SimpleNamespace, department: object = None, **more: object) -> Case:
    """The child of a department that dora calls to help: the parks, unless said otherwise."""
    move(case, Verb.ASSIST, city.dora, department=(department or city.parks).pk, note="清理树根", **more)
    return case.children.latest("id")


def worked(case: Case, by: Officer, city: SimpleNamespace) -> Case:
    """Finished, and checked by whomever it fell on."""
    case = town.finish(case, by)
    return acts.passed(case, case.holder or city.ivan)


def ended(case: Case, by: Officer, city: SimpleNamespace) -> Case:
    return move(worked(case, by, city), Verb.CLOSE, city.carl)


def by_policy() -> None:
    Policy.objects.create(verb=Verb.CLOSE, automatic=True)


def heard(case: Case, verb: Verb) -> set[str]:
    while outbox.drain():
        pass
    return set(Message.objects.filter(event__case=case, event__verb=verb).values_list("officer__username", flat=True))


# Called


def test_a_department_is_called_to_help(parent: Case, city: SimpleNamespace, clock) -> None:
    clock.shift(timedelta(hours=1))
    child = assisted(parent, city)
    assert (child.parent, child.stage, child.department) == (parent, Stage.HANDLING, city.parks)
    for given in ("category", "condition", "cell", "point", "reporter", "source", "text"):
        assert getattr(child, given) == getattr(parent, given), given
    assert child.number != parent.number
    assert (child.entered_at, child.allowed_s) == (town.MONDAY + timedelta(hours=1), 16 * HOUR)
    assert (child.due_at, parent.due_at) == (local(2026, 3, 4, 10), local(2026, 3, 4, 9))
    assert child.promise_at and child.alarm_at
    first = child.events.get()
    assert (first.verb, first.left, first.by, first.facts["note"]) == (Verb.DISPATCH, "", city.dora, "清理树根")
    assert codes(first) == ["assists", "limit_condition"]
    called = last(parent)
    assert (called.verb, called.department, called.facts["department"]) == (Verb.ASSIST, city.roads, city.parks.pk)
    assert called.facts["why"] == [{"code": "child_opened", "number": child.number}]
    assert log.flaws() == []


def test_help_is_called_before_the_lead_is_known(city: SimpleNamespace, clock) -> None:
    Policy.objects.filter(verb=Verb.DISPATCH).update(automatic=False)
    parent = town.report(city)
    child = assisted(parent, city)
    parent.refresh_from_db()
    assert (parent.stage, parent.department, child.stage) == (Stage.DISPATCH, None, Stage.HANDLING)
    assert log.flaws() == []


def test_help_has_a_limit_of_its_own(parent: Case, city: SimpleNamespace, clock) -> None:
    child = assisted(parent, city, limit=Limit(3, Unit.URGENT_HOUR))
    assert (child.clock, child.allowed_s, child.due_at) == (Unit.URGENT_HOUR, 3 * HOUR, local(2026, 3, 2, 12))
    assert acts.seen(town.phone(city.hana), child)["deadline"]["why"][0]["code"] == "limit_given"
    clock.shift(timedelta(hours=1))
    move(child, Verb.DECLINE, city.dora, note="归街道")
    child = move(child, Verb.DISPATCH, city.dora, department=city.office.pk)
    assert (child.clock, child.due_at) == (Unit.URGENT_HOUR, local(2026, 3, 2, 13))
    urgent = assisted(parent, city, condition=city.missing.pk)
    assert (urgent.condition, urgent.allowed_s) == (city.missing, 2 * HOUR)
    parent.refresh_from_db()
    assert parent.condition == city.rattling


def test_the_lead_asks_for_help(parent: Case, city: SimpleNamespace) -> None:
    hugo, dora = town.phone(city.hugo), town.phone(city.dora)
    wish = next(button for button in acts.seen(hugo, parent)["can"] if button["verb"] == "ask")
    assert "assist" in [asked["code"] for asked in wish["asks"]]
    limit = {"value": 3, "unit": "urgent_hour"}
    asked = acts.say(hugo, parent, verb="ask", asks="assist", note="有树根", department=city.parks.pk, limit=limit)
    assert asked.status_code == 200, asked.content
    assert [line["number"] for line in dora.get(acts.CASES).json()["items"]] == [parent.number]
    answer = acts.say(dora, parent, verb="assist", note="请园林协助", department=city.parks.pk, limit=limit)
    assert (answer.status_code, answer.json()["asks"]) == (200, None)
    assert heard(parent, Verb.ASSIST) == {"hugo"}
    assert heard(parent.children.get(), Verb.DISPATCH) == {"hana"}


def test_the_same_call_again_opens_nothing(parent: Case, city: SimpleNamespace) -> None:
    said = {"department": city.parks.pk, "note": "清理树根", "key": uuid4()}
    move(parent, Verb.ASSIST, city.dora, **said)
    move(parent, Verb.ASSIST, city.dora, **said)
    assert parent.children.count() == 1


def test_not_everybody_is_called_by_everybody(parent: Case, city: SimpleNamespace) -> None:
    def no(by: Officer, department: object, case: Case = parent, **more: object) -> str:
        said = {"note": "协助", "department": department.pk} | more
        return refused(case, Verb.ASSIST, by, **said).code

    assert no(city.hugo, city.parks) == "not_your_post"
    assert no(city.carl, city.parks) == "not_your_post"
    assert no(city.dora, city.roads) == "assists_itself"
    assert no(city.dora, city.parks, note="") == "facts_missing"
    assert no(city.dora, city.parks, condition=city.heap.pk) == "condition_unfit"
    assert no(city.dora, city.parks, until=local(2026, 3, 9)) == "fact_unfit"
    child = assisted(parent, city)
    refusal = refused(parent, Verb.ASSIST, city.dora, note="协助", department=city.parks.pk)
    assert (refusal.code, child.number in refusal.detail) == ("already_assists", True)
    assert no(city.dora, city.office, child) == "is_child"
    assert refused(child, Verb.ASK, city.hana, asks=Verb.ASSIST, note="帮忙").code == "not_askable"
    assert move(parent, Verb.ASSIST, city.lena, note="街道也协助", department=city.office.pk).children.count() == 2
    town.finish(parent, city.hugo)
    assert no(city.dora, city.works) == "not_now"


# Seen


def test_each_sees_no_more_than_he_needs(parent: Case, city: SimpleNamespace) -> None:
    child, stranger = assisted(parent, city), town.report(city)

    def sees(officer: Officer) -> set[str]:
        return set(Case.objects.visible_to(officer).values_list("number", flat=True))

    assert sees(city.hana) == {child.number}
    assert sees(city.hugo) == {parent.number, child.number, stranger.number}
    assert sees(city.otto) == sees(city.ines) == set()
    assert sees(city.ann) == sees(city.dora) == {parent.number, child.number, stranger.number}
    assert set(Case.objects.reported_by(city.ann)) == {parent, stranger}
    assert set(Case.objects.owed_by(city.hana)) == {child}
    assert child not in Case.objects.owed_by(city.hugo)


def test_the_parent_shows_its_children_and_they_it(parent: Case, city: SimpleNamespace) -> None:
    child = assisted(parent, city)
    told = acts.seen(town.phone(city.hugo), parent)
    assert (told["parent"], told["assists"]) == (None, False)
    assert told["children"] == [
        {
            "id": str(child.uuid),
            "number": child.number,
            "department": {"id": city.parks.pk, "code": "parks", "name": "园林所"},
            "stage": {"code": "handling", "label": "待处置"},
            "due_at": "2026-03-04T01:00:00Z",
            "late": False,
        }
    ]
    told = acts.seen(town.phone(city.hana), child)
    assert (told["assists"], told["children"]) == (True, [])
    assert (told["parent"]["id"], told["parent"]["number"]) == (None, parent.number)
    assert told["parent"]["department"]["code"] == "roads"
    assert acts.seen(town.phone(city.hugo), child)["parent"]["id"] == str(parent.uuid)
    assert [line["assists"] for line in town.phone(city.hana).get(acts.CASES).json()["items"]] == [True]


def test_who_assists_sees_what_was_reported(city: SimpleNamespace, clock) -> None:
    parent = town.report(city, photos=((town.photo(city.ann), "near"),))
    child, done = assisted(parent, city), town.shown(city.hugo)
    docket.move(parent.uuid, Verb.FINISH, by=city.hugo, facts=done)
    hana = town.phone(city.hana)
    assert [photo["sha256"] for photo in acts.seen(hana, child)["photos"]] == [town.SHA]
    assert photos.may_see(city.hana, town.SHA)
    assert not photos.may_see(city.hana, done.photos[0][0])
    assert not photos.may_see(city.otto, town.SHA)


def test_the_lead_looks_on_and_does_not_meddle(parent: Case, city: SimpleNamespace) -> None:
    child = assisted(parent, city)
    hugo = town.phone(city.hugo)
    assert acts.can(hugo, child) == set()
    answer = acts.say(hugo, child, verb="accept")
    assert (answer.status_code, answer.json()["code"]) == (403, "not_your_post")
    assert answer.json()["detail"] == "“签收”由园林所的处置员、部门负责人办理。"
    assert acts.can(town.phone(city.hana), child) == {"accept", "ask", "finish"}
    city.hugo.roles = [Role.HANDLER, Role.DISPATCHER]
    city.hugo.save()
    assert "accept" not in acts.can(hugo, child)
    assert "extend" in acts.can(hugo, child)
    assert "accept" in acts.can(town.phone(city.hedi), child)  # head of what is above both


def test_a_child_is_no_similar_case(parent: Case, city: SimpleNamespace) -> None:
    assisted(parent, city)
    spot = {"lon": town.LON + town.STEP / 2, "lat": town.LAT + town.STEP / 2, "crs": "wgs84"}
    found = town.phone(city.ann).get(f"{acts.CASES}/similar", spot | {"category": city.manhole.pk}).json()
    assert [case["number"] for case in found] == [parent.number]


def test_children_are_found_by_their_index(parent: Case, city: SimpleNamespace) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("EXPLAIN SELECT id FROM cases_case WHERE parent_id = %s", [parent.pk])
        assert any("case_child" in line for (line,) in cursor.fetchall())


# Climbing


def test_a_child_climbs_by_itself(parent: Case, city: SimpleNamespace, clock) -> None:
    child = assisted(parent, city, limit=Limit(1, Unit.URGENT_HOUR))
    clock.shift(timedelta(hours=1))
    assert alarm.ring() == 2  # at 80 and at 100 %
    parent.refresh_from_db()
    child.refresh_from_db()
    assert (parent.level, child.level) == (0, 2)
    assert child.events.filter(verb=Verb.ESCALATE).first().facts["woken"] == [city.hana.pk, city.hedi.pk]


# The end


def test_a_parent_is_not_closed_before_its_children(parent: Case, city: SimpleNamespace, clock) -> None:
    one, two = assisted(parent, city), assisted(parent, city, city.office)
    worked(parent, city.hugo, city)
    carl = town.phone(city.carl)
    assert "close" not in acts.can(carl, parent)
    answer = acts.say(carl, parent, verb="close")
    assert (answer.status_code, answer.json()["code"]) == (409, "children_open")
    for said in (one.number, two.number, "园林所", "结古街道办", "2026-03-04 09:00"):
        assert said in answer.json()["detail"], said
    ended(one, city.hana, city)
    assert one.number not in refused(parent, Verb.CLOSE, city.carl).detail
    worked(two, city.otto, city)
    assert "受理员" in refused(parent, Verb.CLOSE, city.carl).detail  # now it is his own to close
    move(two, Verb.CLOSE, city.carl)
    assert move(parent, Verb.CLOSE, city.carl).stage == Stage.CLOSED
    assert log.flaws() == []


def test_the_system_waits_for_the_last_child(parent: Case, city: SimpleNamespace, clock) -> None:
    by_policy()
    one, two = assisted(parent, city), assisted(parent, city, city.office)
    waiting = worked(parent, city.hugo, city)
    assert (waiting.stage, codes(last(parent), "waits")) == (Stage.CLOSING, ["children_open"])
    told = acts.seen(town.phone(city.carl), parent)["log"][-1]["waits"]
    assert one.number in told[0]["says"] and two.number in told[0]["says"]
    assert worked(one, city.hana, city).stage == Stage.CLOSED
    parent.refresh_from_db()
    assert parent.stage == Stage.CLOSING
    clock.shift(timedelta(minutes=5))
    worked(two, city.otto, city)
    parent.refresh_from_db()
    end = last(parent)
    assert (parent.stage, end.verb, end.by) == (Stage.CLOSED, Verb.CLOSE, None)
    assert codes(end) == ["children_over", "policy_yes"]
    assert end.facts["promise_kept"]
    assert log.flaws() == []


def test_a_doubt_keeps_the_parent_for_a_clerk(city: SimpleNamespace, clock) -> None:
    by_policy()
    parent = town.report(city, origin={"mock": True})
    child = assisted(parent, city)
    worked(parent, city.hugo, city)
    assert codes(last(parent), "waits") == ["flags_open", "children_open"]
    move(parent, Verb.ANSWER, city.carl, flag=parent.flags.get().pk, note="测试机", accepted=True)
    assert worked(child, city.hana, city).stage == Stage.CLOSED
    parent.refresh_from_db()
    assert parent.stage == Stage.CLOSING
    assert move(parent, Verb.CLOSE, city.carl).stage == Stage.CLOSED


def test_who_closes_has_his_time_after_the_last_child(parent: Case, city: SimpleNamespace, clock) -> None:
    child = assisted(parent, city)
    waiting = worked(parent, city.hugo, city)
    assert (waiting.stage, waiting.due_at, waiting.alarm_at) == (Stage.CLOSING, None, None)
    assert acts.seen(town.phone(city.carl), parent)["deadline"]["why"][0]["code"] == "limit_waits"
    clock.shift(timedelta(hours=5))
    ended(child, city.hana, city)
    parent.refresh_from_db()
    assert (last(parent).verb, codes(last(parent))) == (Verb.RESUME, ["children_over", "limit_stage"])
    assert parent.due_at == town.MONDAY + timedelta(hours=6)
    assert heard(parent, Verb.RESUME) == {"carl", "sina"}
    clock.shift(timedelta(hours=1))
    alarm.ring()
    assert move(parent, Verb.CLOSE, city.carl).stage == Stage.CLOSED
    assert (last(parent).late_s, last(parent).since) == (0, town.MONDAY + timedelta(hours=5))
    assert log.flaws() == []


def test_a_void_child_counts_as_over(parent: Case, city: SimpleNamespace, clock) -> None:
    by_policy()
    child = assisted(parent, city)
    worked(parent, city.hugo, city)
    move(child, Verb.VOID, city.sina, note="不需协助")
    parent.refresh_from_db()
    assert parent.stage == Stage.CLOSED


def test_its_end_is_told_to_whom_it_helped(parent: Case, city: SimpleNamespace) -> None:
    child = assisted(parent, city)
    ended(child, city.hana, city)
    assert heard(child, Verb.CLOSE) == {"hugo"}
    ended(parent, city.hugo, city)
    assert heard(parent, Verb.CLOSE) == {"ann"}  # who reported it hears once


# What becomes of children


def test_a_void_parent_voids_what_is_still_to_be_done(parent: Case, city: SimpleNamespace, clock) -> None:
    children = [assisted(parent, city, department) for department in (city.parks, city.office, city.works)]
    doing, shelved, done = children
    move(shelved, Verb.SHELVE, city.dora, note="待拆迁", until=local(2026, 3, 9))
    town.finish(done, city.hedi)
    move(parent, Verb.VOID, city.sina, note="报错")
    assert [Case.objects.get(pk=child.pk).stage for child in children] == [Stage.VOID, Stage.VOID, Stage.CHECK]
    assert (codes(last(doing)), last(doing).by) == (["with_parent"], None)
    assert log.verbs(shelved) == "dispatch shelve resume void"
    done.refresh_from_db()
    assert move(acts.passed(done, done.holder), Verb.CLOSE, city.carl).stage == Stage.CLOSED
    assert heard(doing, Verb.VOID) == {"hana", "hugo"}
    assert log.flaws() == []


def test_whoever_leads_the_children_go_on(parent: Case, city: SimpleNamespace, clock) -> None:
    child = assisted(parent, city)
    before = child.due_at
    move(parent, Verb.DECLINE, city.dora, note="不属市政")
    assert not Case.objects.visible_to(city.hugo).filter(pk=child.pk).exists()
    move(parent, Verb.DISPATCH, city.dora, department=city.office.pk)
    assert Case.objects.visible_to(city.otto).filter(pk=child.pk).exists()
    move(parent, Verb.SHELVE, city.dora, note="待拆迁", until=local(2026, 3, 9))
    child.refresh_from_db()
    assert (child.stage, child.due_at) == (Stage.HANDLING, before)


def test_a_child_is_reopened_only_before_its_parent_ends(parent: Case, city: SimpleNamespace, clock) -> None:
    child = ended(assisted(parent, city), city.hana, city)
    move(child, Verb.REOPEN, city.carl, note="根又长")
    worked(parent, city.hugo, city)
    assert refused(parent, Verb.CLOSE, city.carl).code == "children_open"
    ended(child, city.hana, city)
    move(parent, Verb.CLOSE, city.carl)
    refusal = refused(child, Verb.REOPEN, city.carl, note="根又长")
    assert (refusal.code, parent.number in refusal.detail) == ("parent_done", True)
    move(parent, Verb.REOPEN, city.carl, note="又响")
    child.refresh_from_db()
    assert child.stage == Stage.CLOSED
    assert move(child, Verb.REOPEN, city.carl, note="根又长").stage == Stage.HANDLING
    assert log.flaws() == []


def test_links_and_children(parent: Case, city: SimpleNamespace, clock) -> None:
    child, master = assisted(parent, city), town.report(city)

    def link(case: Case, to: Case) -> dict[str, object]:
        return {"case": case, "verb": Verb.LINK, "by": city.carl, "same_as": str(to.uuid)}

    refusal = refused(**link(parent, master))
    assert (refusal.code, child.number in refusal.detail) == ("children_open", True)
    assert refused(**link(child, master)).code == "is_child"
    assert refused(**link(parent, child)).code == "same_as_itself"
    assert move(**link(master, child)).same_as == parent  # who names a child names its parent
    move(child, Verb.VOID, city.sina, note="不需协助")
    ended(parent, city.hugo, city)
    master.refresh_from_db()
    assert master.stage == Stage.CLOSED
    assert log.flaws() == []


def test_an_uuid_of_a_child_is_nobody_s_to_report_under(parent: Case, city: SimpleNamespace) -> None:
    child = assisted(parent, city)
    with pytest.raises(docket.Conflict):
        town.report(city, uuid=child.uuid)
