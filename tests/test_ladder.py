"""Which ladder a case climbs, and who is woken on each rung: up the reporting line, never to nobody."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.db import IntegrityError, connection, transaction

from cases import alarm
from cases.checks import the_rules_have_no_holes
from cases.flow import Verb
from cases.models import Case, CaseEvent, Rung
from grid.models import Area, Leave, Officer
from grid.roles import Role

from . import acts, log
from . import city as town
from .acts import codes, last, move

MINUTE = timedelta(minutes=1)


def ladder(*rungs: tuple[float, Role], **scope: object) -> None:
    for level, (share, role) in enumerate(rungs, start=1):
        Rung.objects.create(level=level, share=share, role=role, **scope)


QUICK = ((0.5, Role.HEAD), (1, Role.LEADER))


def minutes(case: Case) -> float:
    """Of a case of two hours: after how many the first alarm rings."""
    return (case.alarm_at - case.entered_at) / MINUTE


# Which ladder


@pytest.mark.parametrize("scope", ["category", "major", "department", "above", "urgent"])
def test_a_case_climbs_the_ladder_that_is_its_own(scope: str, city: SimpleNamespace, clock) -> None:
    scopes = {
        "category": {"category": city.manhole},
        "major": {"category": city.manhole.parent},
        "department": {"department": city.roads},
        "above": {"department": city.works},
        "urgent": {"urgent": True},
    }
    before = town.report(city, condition=city.missing.pk)
    ladder(*QUICK, **scopes[scope])
    if scope == "urgent":
        type(city.manhole).objects.filter(pk=city.manhole.pk).update(urgent=True)
    assert (minutes(before), minutes(town.report(city, condition=city.missing.pk))) == (96, 60)
    other = town.report(city, category=city.refuse.pk, condition=city.heap.pk)
    assert (other.alarm_at - other.entered_at) / MINUTE != 60


def test_the_most_particular_ladder_wins_as_a_whole(city: SimpleNamespace, clock) -> None:
    """Its own last rung is the last: nothing is borrowed from the wider ladder."""
    ladder((0.3, Role.HEAD), (1, Role.LEADER), department=city.roads)
    ladder((0.6, Role.HEAD), (1, Role.LEADER), category=city.manhole.parent)
    ladder((0.4, Role.HEAD), (1, Role.LEADER), category=city.manhole)
    case = town.report(city, condition=city.missing.pk)
    assert minutes(case) == 48
    clock.shift(timedelta(days=30))
    assert alarm.ring() == 2


def test_the_clocks_of_the_centre_do_not_ask_the_department(city: SimpleNamespace, clock) -> None:
    ladder(*QUICK, department=city.roads)
    checking = town.finish(town.report(city), city.hugo)
    assert minutes(checking) == 24  # 80 % of half an hour


def test_a_rung_belongs_to_one_scope(city: SimpleNamespace) -> None:
    for scope in ({"category": city.manhole, "urgent": True}, {"category": city.manhole, "department": city.roads}):
        with pytest.raises(IntegrityError), transaction.atomic():
            ladder((1, Role.HEAD), **scope)


def test_a_ladder_without_the_deadline_or_that_descends_is_found(city: SimpleNamespace) -> None:
    def found() -> set[str]:
        return {message.id for message in the_rules_have_no_holes(None, databases=["default"])} & {
            "cases.W006",
            "cases.W008",
        }

    assert not found()
    ladder((0.5, Role.HEAD), (2, Role.LEADER), urgent=True)
    assert found() == {"cases.W006"}
    Rung.objects.filter(urgent=True).delete()
    ladder((1, Role.HEAD), (0.5, Role.LEADER), department=city.roads)
    assert found() == {"cases.W008"}


# Who is woken


@pytest.fixture
def case(city: SimpleNamespace, clock) -> Case:
    """A missing cover: two hours, day and night."""
    return town.report(city, condition=city.missing.pk)


def climb(case: Case, clock, *, to: float) -> CaseEvent:
    """The last rung up to this share of two hours."""
    clock.move_to(town.MONDAY + 120 * MINUTE * to)
    alarm.ring()
    return last(case)


def names(event: CaseEvent) -> set[str]:
    return set(Officer.objects.filter(pk__in=event.facts["woken"]).values_list("username", flat=True))


def away(officer: Officer, stand_in: Officer | None = None, days: int = 5) -> Leave:
    since = town.MONDAY - timedelta(days=1)
    return Leave.objects.create(
        officer=officer, stand_in=stand_in, since=since, until=town.MONDAY + timedelta(days=days)
    )


def leaves(officer: Officer) -> None:
    officer.is_active = False
    officer.save()


def test_each_rung_wakes_its_post_and_whoever_owes(case: Case, clock) -> None:
    for share, post in ((0.8, "hedi"), (1, "dora"), (2, "lena")):
        event = climb(case, clock, to=share)
        assert names(event) == {"hugo", post}
        assert event.facts.get("skipped", []) == []
        assert codes(event) == ["rung"]


def test_the_nearest_head_is_woken(case: Case, city: SimpleNamespace, clock) -> None:
    near = Officer.objects.create(username="hadi", roles=[Role.HEAD], department=city.roads)
    assert names(climb(case, clock, to=0.8)) == {"hugo", "hadi"}
    leaves(near)
    assert hearers_of(town.report(city, condition=city.missing.pk), clock) == {"hugo", "hedi"}


def hearers_of(case: Case, clock) -> set[str]:
    clock.move_to(case.alarm_at)
    alarm.ring()
    return names(last(case))


def test_a_missing_post_is_skipped_upward_and_the_log_says_so(case: Case, city: SimpleNamespace, clock) -> None:
    leaves(city.hedi)
    away(city.dora)
    event = climb(case, clock, to=0.8)
    assert names(event) == {"hugo", "lena"}
    assert event.facts["skipped"] == [Role.HEAD, Role.DISPATCHER]
    assert codes(event) == ["post_skipped", "post_skipped", "rung"]
    seen = acts.seen(town.phone(city.carl), case)["log"][-1]
    assert [why["says"] for why in seen["why"]] == [
        "部门负责人无人在岗，由上一级代为知会。",
        "派遣员无人在岗，由上一级代为知会。",
        "时限已用 80%，知会督办领导。",
    ]


def test_a_post_of_another_territory_does_not_count(case: Case, city: SimpleNamespace, clock) -> None:
    elsewhere = Area.objects.create(code="440304", name="福田区")
    Officer.objects.filter(pk=city.dora.pk).update(area=elsewhere)
    assert names(climb(case, clock, to=1)) == {"hugo", "lena"}
    Officer.objects.filter(pk=city.lena.pk).update(area=elsewhere)
    assert names(climb(case, clock, to=2)) == {"hugo", "lena"}  # at the very top, any leader


def test_without_any_leader_an_administrator_is_woken(case: Case, city: SimpleNamespace, clock) -> None:
    leaves(city.lena)
    event = climb(case, clock, to=2)
    assert (names(event), event.facts["skipped"]) == ({"hugo", "adam"}, [Role.LEADER])


def test_with_nobody_at_all_it_still_climbs_and_says_so(case: Case, city: SimpleNamespace, clock) -> None:
    Officer.objects.update(is_active=False)
    event = climb(case, clock, to=2)
    assert "woken" not in event.facts
    assert codes(event)[-1] == "rung_nobody"
    case.refresh_from_db()
    assert case.level == 3


def test_a_late_check_is_the_shift_leader_s_not_the_department_s(city: SimpleNamespace, clock) -> None:
    checking = town.finish(town.report(city), city.hugo)
    assert hearers_of(checking, clock) == {"ivan", "sina"}  # on ivan the check fell


def test_whoever_holds_the_work_is_woken_alone(case: Case, city: SimpleNamespace, clock) -> None:
    Officer.objects.create(username="hans", roles=[Role.HANDLER], department=city.roads)
    assert names(climb(case, clock, to=0.8)) == {"hugo", "hans", "hedi"}
    move(case, Verb.ACCEPT, city.hugo)
    assert names(climb(case, clock, to=1)) == {"hugo", "dora"}


def test_a_wave_asks_few_things_of_the_database(city: SimpleNamespace, clock, django_assert_max_num_queries) -> None:
    for _n in range(20):
        town.report(city, condition=city.missing.pk)
    clock.shift(96 * MINUTE)
    with django_assert_max_num_queries(30):
        assert alarm.ring() == 20
    assert log.flaws() == []


# What resets nothing


@pytest.mark.parametrize("verb", [Verb.ACCEPT, Verb.ASK, Verb.REFUSE, Verb.SUPERVISE, Verb.REPLY])
def test_words_reset_nothing(verb: Verb, case: Case, city: SimpleNamespace, clock) -> None:
    climb(case, clock, to=0.8)
    if verb == Verb.REFUSE:
        move(case, Verb.ASK, city.hugo, asks=Verb.EXTEND, note="缺材料")
    if verb == Verb.REPLY:
        move(case, Verb.SUPERVISE, city.lena, note="请说明")
    by = {Verb.REFUSE: city.dora, Verb.SUPERVISE: city.lena}.get(verb, city.hugo)
    facts = {} if verb == Verb.ACCEPT else {"note": "说明"}
    if verb == Verb.ASK:
        facts["asks"] = Verb.EXTEND
    before = Case.objects.get(pk=case.pk)
    after = move(case, verb, by, **facts)
    for field in ("level", "alarm_at", "due_at", "entered_at", "allowed_s"):
        assert getattr(after, field) == getattr(before, field), field
    assert climb(case, clock, to=1).level == 1


# When clocks jump


def test_a_clock_set_back_escalates_nobody_twice(case: Case, clock) -> None:
    climb(case, clock, to=0.8)
    clock.shift(-5 * MINUTE)
    assert alarm.ring() == 0
    clock.shift(5 * MINUTE)
    assert alarm.ring() == 0
    assert climb(case, clock, to=1).level == 1


def test_a_clock_set_back_below_the_beginning_writes_no_line_before_it(city: SimpleNamespace, clock) -> None:
    Rung.objects.filter(level=1).update(share="0.01")  # after 72 seconds
    case = town.report(city, condition=city.missing.pk)
    clock.shift(-5 * MINUTE)
    assert alarm.ring() == 0
    Case.objects.filter(pk=case.pk).update(alarm_at=town.MONDAY - 10 * MINUTE)
    assert alarm.ring() == 1
    assert last(case).at == case.entered_at
    assert log.flaws() == []


def test_a_worker_that_was_down_for_an_hour_makes_up_for_it_once(case: Case, city: SimpleNamespace, clock) -> None:
    clock.shift(96 * MINUTE + timedelta(hours=1))  # past 80 and 100 %
    assert (alarm.ring(), alarm.ring()) == (2, 0)
    events = list(case.events.filter(verb=Verb.ESCALATE).order_by("id"))
    assert [(event.level, event.facts.get("skipped", [])) for event in events] == [
        (0, []),
        (1, []),
    ]
    assert {event.due_at for event in events} == {case.due_at}


# What cannot ring


def test_alarms_that_cannot_ring_are_put_off_one_by_one_and_say_so(
    case: Case, city: SimpleNamespace, clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = town.report(city, condition=city.missing.pk)
    clock.move_to(town.MONDAY + 96 * MINUTE)
    with monkeypatch.context() as broken:
        broken.setattr(alarm.Line, "wake", lambda line, case: 1 / 0)
        assert alarm.ring(batch=1) == 0
    for silent in (case, other):
        event = last(silent)
        assert (event.verb, codes(event), event.level) == (Verb.RETIME, ["alarm_put_off"], 0)
        silent.refresh_from_db()
        assert (silent.level, silent.alarm_at) == (0, town.MONDAY + 156 * MINUTE)
    assert alarm.ring() == 0
    clock.shift(timedelta(hours=1))
    assert alarm.ring() == 4  # 80 and 100 % of both
    assert log.flaws() == []


# Two at once


@pytest.mark.django_db(transaction=True)
def test_two_workers_escalate_each_case_once(city: SimpleNamespace, clock) -> None:
    for _n in range(30):
        town.report(city, condition=city.missing.pk)
    clock.shift(96 * MINUTE)

    def ring(_worker: int) -> int:
        try:
            return alarm.ring(batch=4)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        assert sum(pool.map(ring, range(2))) == 30
    climbed = CaseEvent.objects.filter(verb=Verb.ESCALATE)
    assert (climbed.count(), climbed.values("case").distinct().count(), log.flaws()) == (30, 30, [])
