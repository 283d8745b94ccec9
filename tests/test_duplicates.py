"""One thing is reported twice: people are warned, a clerk links the two, and both end together."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from json import dumps
from threading import Lock
from types import SimpleNamespace
from uuid import uuid4

import httpx
import pytest
from django.db import connection

from cases import alarm, docket, indicators, outbox, similar, tally
from cases.flow import Facts, Refused, Source, Stage, Verb
from cases.models import Case, Likeness, Policy
from grid.models import Officer
from mobile_api.models import Message
from play.phone import Phone

from . import acts, log
from . import city as town
from .acts import codes, last, move, refused
from .test_races import overtaken, the, together

TEN_M = 10 / 111_195  # degrees of latitude
LAT = town.LAT + town.STEP / 2


@pytest.fixture
def first(city: SimpleNamespace, clock) -> Case:
    """A rattling cover, which the roads department has."""
    return town.report(city)


def again(city: SimpleNamespace, metres: float = 20, **more: object) -> Case:
    """Another report, so many metres to the north."""
    return town.report(city, **({"lat": LAT + metres / 10 * TEN_M} | more))


def asked(city: SimpleNamespace, by: str, **more: object) -> list[dict]:
    """What a phone hears before it reports."""
    spot = {"lon": town.LON + town.STEP / 2, "lat": LAT, "crs": "wgs84", "category": city.manhole.pk}
    answer = town.phone(getattr(city, by)).get(f"{acts.CASES}/similar", spot | more)
    assert answer.status_code == 200, answer.content
    return answer.json()


def link(case: Case, to: Case, by: object, **more: object) -> Case:
    return move(case, Verb.LINK, by, same_as=str(to.uuid), **more)


def closed(case: Case, city: SimpleNamespace) -> Case:
    return closed_by(case, city.hugo, city)


def closed_by(case: Case, by: object, city: SimpleNamespace) -> Case:
    acts.passed(town.finish(case, by), city.ivan)
    return move(case, Verb.CLOSE, city.carl)


# Warned


def test_the_nearest_similar_case_comes_first(first: Case, city: SimpleNamespace) -> None:
    second = again(city, 20)
    found = asked(city, "ann", lat=LAT + 2 * TEN_M)
    assert [(case["number"], case["metres"]) for case in found] == [(second.number, 0.0), (first.number, 20.0)]
    assert found[0]["stage"]["code"] == "handling"


@pytest.mark.parametrize(("metres", "found"), [(49.9, 1), (50.2, 0)])
def test_similar_is_near(metres: float, found: int, first: Case, city: SimpleNamespace) -> None:
    assert len(asked(city, "ann", lat=LAT + metres / 10 * TEN_M)) == found


def test_similar_is_near_to_the_east_as_to_the_north(first: Case, city: SimpleNamespace) -> None:
    east = 1 / 0.8387  # of a degree of longitude at 33° N
    assert len(asked(city, "ann", lon=town.LON + town.STEP / 2 + 4.9 * TEN_M * east)) == 1
    assert asked(city, "ann", lon=town.LON + town.STEP / 2 + 5.1 * TEN_M * east) == []


def test_similar_is_lately_reported_and_still_open(first: Case, city: SimpleNamespace, clock) -> None:
    clock.shift(timedelta(days=30))
    assert len(asked(city, "ann")) == 1
    clock.shift(timedelta(seconds=1))
    assert asked(city, "ann") == []
    closed(again(city), city)
    assert asked(city, "ann") == []


def test_rows_say_what_is_similar(first: Case, city: SimpleNamespace) -> None:
    assert asked(city, "ann", category=city.refuse.pk) == []
    Likeness.objects.create(category=city.manhole.parent, metres=5, days=30)
    assert asked(city, "ann", lat=LAT + TEN_M) == []
    Likeness.objects.create(category=city.manhole, metres=12, days=30)
    assert len(asked(city, "ann", lat=LAT + TEN_M)) == 1
    Likeness.objects.all().delete()
    assert asked(city, "ann") == []


def test_a_major_may_be_one_class(first: Case, city: SimpleNamespace) -> None:
    lid = city.manhole
    lid.pk, lid.sub = None, "02"
    lid.save()
    assert asked(city, "ann", category=lid.pk) == []
    Likeness.objects.update(by_major=True)
    assert [case["number"] for case in asked(city, "ann", category=lid.pk)] == [first.number]


def test_an_inspector_is_warned_of_what_he_may_not_see(city: SimpleNamespace, clock) -> None:
    case = town.report(city, photos=((town.photo(city.ann), "near"),))
    (seen,), (unseen,) = asked(city, "ivan"), asked(city, "ines")
    assert (seen["id"], seen["photo"]) == (str(case.uuid), town.SHA)
    assert unseen == seen | {"id": None, "photo": ""}


def test_an_unknown_category_or_place_is_refused(first: Case, city: SimpleNamespace) -> None:
    ann = town.phone(city.ann)
    assert ann.get(f"{acts.CASES}/similar", {"lon": 97, "lat": 33, "category": 1}).json()["field"] == "crs"
    answer = ann.get(f"{acts.CASES}/similar", {"lon": 97, "lat": 33, "crs": "wgs84", "category": 0})
    assert (answer.status_code, answer.json()["code"]) == (422, "category_unknown")


def test_the_answer_to_a_report_and_the_clerk_s_desk_show_it(first: Case, city: SimpleNamespace) -> None:
    body = {
        "id": str(uuid4()),
        "category": city.manhole.pk,
        "point": {"lon": town.LON + town.STEP / 2, "lat": LAT, "crs": "wgs84"},
    }
    told = town.phone(city.ann).post(acts.CASES, body, content_type="application/json").json()
    assert [case["number"] for case in told["similar"]] == [first.number]
    case = Case.objects.get(uuid=told["id"])
    assert [found["number"] for found in acts.seen(town.phone(city.carl), case)["similar"]] == [first.number]
    assert acts.seen(town.phone(city.ann), case)["similar"] == []


def test_a_desk_s_view_costs_so_many_statements(first: Case, city, django_assert_num_queries) -> None:
    second, carl = again(city), town.phone(city.carl)
    with django_assert_num_queries(11):  # one for duplicates and two for similar cases
        assert acts.seen(carl, second)["similar"]


def test_near_cases_are_found_by_their_index(first: Case, city: SimpleNamespace) -> None:
    box = [97, 33, 97.001, 33.001, 4326]
    with connection.cursor() as cursor:
        # In a table this small the planner takes whichever; without these it is this one, or none that serves.
        cursor.execute("DROP INDEX case_queue, case_on_beat, case_reported_in; SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN {similar.NEAR}", [*box, [city.manhole.pk], town.MONDAY])
        assert any("case_near" in line for (line,) in cursor.fetchall())


# Linked


def test_a_duplicate_ends_with_its_master(first: Case, city: SimpleNamespace, clock) -> None:
    second = again(city, by=city.ivan)
    clock.shift(timedelta(hours=1))
    second = link(second, first, city.carl)
    assert (second.stage, second.same_as, second.due_at, second.alarm_at) == (Stage.LINKED, first, None, None)
    assert codes(last(second)) == ["linked_to"]
    closed(first, city)
    second.refresh_from_db()
    assert (second.stage, last(second).by, codes(last(second))) == (Stage.CLOSED, None, ["with_master"])
    assert last(second).at == last(first).at
    assert log.flaws() == []


def test_who_reported_it_too_hears_of_the_link_and_of_the_end(first: Case, city: SimpleNamespace) -> None:
    second = again(city, by=city.ivan)
    link(second, first, city.carl)
    closed(first, city)
    while outbox.drain():
        pass
    heard = Message.objects.filter(officer=city.ivan, event__case=second)
    assert [message.event.verb for message in heard.order_by("number")] == [Verb.LINK, Verb.CLOSE]


def test_nobody_owes_a_linked_case(first: Case, city: SimpleNamespace, clock) -> None:
    second = link(again(city), first, city.carl)
    for officer in (city.carl, city.sina, city.dora, city.hugo, city.ann, city.lena):
        assert not Case.objects.owed_by(officer).filter(pk=second.pk).exists()
    clock.shift(timedelta(hours=1))
    assert alarm.ring() == 0
    assert acts.can(town.phone(city.carl), second) == {"unlink"}
    assert acts.can(town.phone(city.lena), second) == set()
    told = acts.seen(town.phone(city.carl), first)
    assert [case["number"] for case in told["duplicates"]] == [second.number]
    assert acts.seen(town.phone(city.ann), second)["same_as"]["number"] == first.number


def test_a_linked_case_is_nobody_s_finished_work(first: Case, city: SimpleNamespace) -> None:
    link(again(city), first, city.carl)
    closed(first, city)
    tally.rebuild(town.MONDAY.date(), town.MONDAY.date())
    codes = ("dispatched", "finished", "on_time", "closed")
    told = indicators.figures("department", town.MONDAY.date(), town.MONDAY.date(), codes=codes)[city.roads.pk]
    assert told == {"dispatched": 2, "finished": 1, "on_time": 1, "closed": 1}


def test_a_duplicate_is_linked_by_phone(first: Case, city: SimpleNamespace) -> None:
    second, carl, key = again(city), town.phone(city.carl), str(uuid4())
    assert acts.can(carl, second) >= {"link"}
    for _twice in range(2):
        answer = acts.say(carl, second, verb="link", same_as=str(first.uuid), key=key)
        assert (answer.status_code, answer.json()["same_as"]["number"]) == (200, first.number)
    assert second.events.filter(verb=Verb.LINK).count() == 1
    assert acts.say(town.phone(city.ann), again(city), verb="link", same_as=str(first.uuid)).status_code == 403


def test_who_links_to_a_duplicate_links_to_its_master(first: Case, city: SimpleNamespace) -> None:
    second, third = link(again(city), first, city.carl), again(city)
    assert link(third, second, city.carl).same_as == first


def test_what_is_not_to_be_linked_is_refused(first: Case, city: SimpleNamespace) -> None:
    second, third, other = again(city), again(city), town.report(city, category=city.refuse.pk, condition=None)
    done = closed(again(city), city)

    def no(case: Case, to: object) -> str:
        return refused(case, Verb.LINK, city.carl, same_as=str(getattr(to, "uuid", to))).code

    assert refused(second, Verb.LINK, city.carl).field == "same_as"
    assert no(second, uuid4()) == "same_as_unknown"
    assert no(second, second) == "same_as_itself"
    assert no(second, other) == "class_differs"
    assert no(second, done) == "master_done"
    link(second, first, city.carl)
    assert no(first, second) == "same_as_itself"
    assert no(first, third) == "has_duplicates"
    assert no(second, third) == "not_now"
    assert log.flaws() == []


def test_a_clerk_links_only_to_what_he_sees(first: Case, city: SimpleNamespace) -> None:
    second = again(city)
    elsewhere = type(city.street).objects.create(code="632701002", name="西杭街道", parent=city.street.parent)
    Case.objects.filter(pk=second.pk).update(reporter=city.carl)
    city.carl.area = elsewhere
    city.carl.save()
    with pytest.raises(Case.DoesNotExist):
        link(second, first, city.carl)


# Unlinked


@pytest.mark.parametrize("stage", [Stage.FILING, Stage.DISPATCH, Stage.HANDLING])
def test_an_unlinked_case_stands_where_it_stood(stage: Stage, first: Case, city: SimpleNamespace, clock) -> None:
    policies = {Stage.FILING: Verb.FILE, Stage.DISPATCH: Verb.DISPATCH}
    if stage in policies:
        Policy.objects.filter(verb=policies[stage]).update(automatic=False)
    second = again(city)
    assert second.stage == stage
    link(second, first, city.carl)
    Policy.objects.update(automatic=True)
    clock.shift(timedelta(hours=1))
    freed = move(second, Verb.UNLINK, city.sina)
    assert (freed.stage, freed.same_as, freed.department) == (stage, None, second.department)
    assert freed.due_at == second.due_at + timedelta(hours=1)  # it starts anew: meanwhile nobody could work on it
    assert log.flaws() == []
    assert refused(second, Verb.UNLINK, city.sina).code == "not_now"


def test_a_department_closed_meanwhile_gets_nothing_back(first: Case, city: SimpleNamespace) -> None:
    second = link(again(city), first, city.carl)
    city.roads.closed_on = "2026-03-01"
    city.roads.save()
    assert move(second, Verb.UNLINK, city.carl).stage == Stage.DISPATCH


def test_a_void_master_frees_its_duplicates(first: Case, city: SimpleNamespace) -> None:
    second = link(again(city), first, city.carl)
    move(first, Verb.VOID, city.sina, note="报错")
    second.refresh_from_db()
    assert (second.stage, second.same_as, second.department) == (Stage.FILING, None, None)
    assert (last(second).by, codes(last(second))) == (None, ["master_void", "limit_stage"])
    assert Case.objects.owed_by(city.carl).get(pk=second.pk).due_at
    assert log.flaws() == []


def test_a_reopened_master_leaves_its_duplicates_closed(first: Case, city: SimpleNamespace) -> None:
    second = link(again(city), first, city.carl)
    closed(first, city)
    refusal = refused(second, Verb.REOPEN, city.carl, note="又响了")
    assert (refusal.code, first.number in refusal.detail) == ("is_duplicate", True)
    move(first, Verb.REOPEN, city.carl, note="又响了")
    second.refresh_from_db()
    assert second.stage == Stage.CLOSED


def test_a_hotline_duplicate_never_dispatched_ends_too(first: Case, city: SimpleNamespace) -> None:
    call = town.report(city, by=city.carl, source=Source.HOTLINE)
    link(call, first, city.carl)
    closed(first, city)
    call.refresh_from_db()
    assert (call.stage, call.department) == (Stage.CLOSED, None)


def test_a_case_that_is_not_linked_takes_no_master(first: Case, city: SimpleNamespace) -> None:
    said = Facts(note="报错", same_as=str(first.uuid))
    with pytest.raises(Refused, match="主案"):
        docket.move(again(city).uuid, Verb.VOID, by=city.sina, facts=said)


def test_a_duplicate_with_children_behind_it_stays_linked(first: Case, city: SimpleNamespace, clock) -> None:
    move(first, Verb.ASSIST, city.dora, department=city.parks.pk, note="清理树根")
    child = closed_by(first.children.get(), city.hana, city)
    move(first, Verb.LINK, city.carl, same_as=str(town.report(city).uuid))
    assert refused(child, Verb.REOPEN, city.carl, note="根又长").code == "parent_done"


# At once

MANY_HANDS = pytest.mark.django_db(transaction=True)


@MANY_HANDS
def test_two_clerks_link_two_cases_to_each_other(city: SimpleNamespace) -> None:
    for _again in range(5):
        a, b = town.report(city), again(city)
        outcomes = together(lambda: link(a, b, city.carl), lambda: link(b, a, city.sina))  # noqa: B023  at once
        (refusal,) = the(Refused, outcomes)
        assert (len(the(Case, outcomes)), refusal.code) == (1, "same_as_itself"), outcomes
        assert sorted(Case.objects.filter(pk__in=(a.pk, b.pk)).values_list("stage", flat=True)) == [
            Stage.HANDLING,
            Stage.LINKED,
        ]
    assert log.flaws() == []


@MANY_HANDS
def test_three_clerks_link_three_cases_in_a_ring(city: SimpleNamespace) -> None:
    ring = [again(city, metres) for metres in (0, 10, 20)]
    pairs = [(ring[n], ring[(n + 1) % 3]) for n in range(3)]
    outcomes = together(*[lambda one=one, to=to: link(one, to, city.carl) for one, to in pairs])
    assert the(Case, outcomes) and len(the(Case, outcomes)) + len(the(Refused, outcomes)) == 3, outcomes
    assert not Case.objects.filter(same_as__same_as__isnull=False).exists()
    assert Case.objects.filter(stage=Stage.HANDLING).count() >= 1
    assert log.flaws() == []


@MANY_HANDS
@pytest.mark.parametrize("verb", [Verb.LINK, Verb.UNLINK])
def test_a_link_is_made_or_undone_while_the_master_closes(verb: Verb, city: SimpleNamespace) -> None:
    master, second = town.report(city), again(city)
    acts.passed(town.finish(master, city.hugo), city.ivan)
    if verb == Verb.UNLINK:
        link(second, master, city.carl)
    act = {Verb.LINK: lambda: link(second, master, city.carl), Verb.UNLINK: lambda: move(second, verb, city.carl)}[verb]
    closes = lambda: move(master, Verb.CLOSE, city.sina)  # noqa: E731
    done, refusal = overtaken(closes, act)
    assert (done.stage, refusal.code) == (Stage.CLOSED, "master_done" if verb == Verb.LINK else "not_now")
    second.refresh_from_db()
    assert second.stage == (Stage.HANDLING if verb == Verb.LINK else Stage.CLOSED)
    assert log.flaws() == []


@MANY_HANDS
def test_a_master_that_closes_waits_for_who_unlinks(city: SimpleNamespace) -> None:
    master, second = town.report(city), again(city)
    acts.passed(town.finish(master, city.hugo), city.ivan)
    link(second, master, city.carl)
    freed, done = overtaken(lambda: move(second, Verb.UNLINK, city.carl), lambda: move(master, Verb.CLOSE, city.sina))
    second.refresh_from_db()
    assert (done.stage, second.stage, freed.same_as) == (Stage.CLOSED, Stage.HANDLING, None)
    assert log.flaws() == []


def test_the_play_reopens_the_case_that_stays(first: Case, city: SimpleNamespace) -> None:
    """As clerks do it: who was called back about the other report says that nothing is better."""
    second = link(again(city), first, city.carl)
    closed(first, city)
    phone = phone_of_the_play(city.carl)
    for case in (second, first):
        told = acts.seen(town.phone(city.carl), case)
        assert phone.stays(told)["id"] == str(first.uuid)
    phone.move(phone.stays(acts.seen(town.phone(city.carl), second)), "reopen", note="又响了")
    assert (phone.problems, phone.counts["errors"], phone.counts["reopen"]) == ([], 0, 1)
    first.refresh_from_db()
    assert first.stage == Stage.HANDLING


def phone_of_the_play(officer: Officer) -> Phone:
    """Logged in, and without a network between."""
    client, phone = town.phone(officer), Phone.__new__(Phone)
    phone.username, phone.run, phone.counts, phone.problems = officer.username, "run", Counter(), []
    phone.lock = Lock()

    def request(method: str, path: str, *, json: object = None) -> httpx.Response:
        answer = client.generic(method, path, dumps(json) if json else "", content_type="application/json")
        return httpx.Response(answer.status_code, content=answer.content, headers=dict(answer.headers))

    phone.http = SimpleNamespace(request=request)
    return phone
