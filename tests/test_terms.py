"""The side paths on their terms: how often, how soon, how far, on which ground."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from cases import docket, indicators, outbox
from cases.clock import Limit, Unit
from cases.flow import Facts, Purpose, Refused, Stage, Verb
from cases.models import Case, Ground, Terms
from grid.models import Officer
from grid.moment import now, today

from . import city as town

DAY = Limit(1, Unit.WORK_DAY)


@pytest.fixture
def rules(city: SimpleNamespace, clock: Any) -> SimpleNamespace:
    """The city with the demo's terms."""
    Terms.objects.create(verb=Verb.DECLINE, at_most=2, within_value=1, within_unit=Unit.WORK_DAY, when_late=False)
    Terms.objects.create(verb=Verb.EXTEND, at_most=2, when_late=False)
    Terms.objects.create(verb=Verb.SHELVE, at_most=1, longest_days=365)
    Terms.objects.create(verb=Verb.REOPEN, within_value=30, within_unit=Unit.URGENT_DAY)
    Terms.objects.create(verb=Verb.EXEMPT, at_most=1, within_value=5, within_unit=Unit.WORK_DAY)
    for verb, code in ((Verb.DECLINE, "duty"), (Verb.SHELVE, "season")):
        Ground.objects.create(verb=verb, code=code, name=code, name_en=code)
    return city


def ask(case: Case, by: Officer, asks: Verb, **facts: Any) -> Case:
    return docket.move(case.uuid, Verb.ASK, by=by, facts=Facts(**{"asks": asks, "note": "n"} | facts))


def do(case: Case, verb: Verb, by: Officer, **facts: Any) -> Case:
    return docket.move(case.uuid, verb, by=by, facts=Facts(**{"note": "n"} | facts))


def refused(code: str) -> Any:
    return pytest.raises(Refused, check=lambda refusal: refusal.code == code)


def declined(case: Case, city: SimpleNamespace, to: Any) -> Case:
    handlers = {city.roads: city.hugo, city.parks: city.hana, city.office: city.otto}
    ask(case, handlers[case.department], Verb.DECLINE, ground="duty")
    do(case, Verb.DECLINE, city.dora)
    return docket.move(case.uuid, Verb.DISPATCH, by=city.dora, facts=Facts(department=to.pk))


def test_not_ours_is_said_on_a_ground_from_the_list(rules: SimpleNamespace) -> None:
    case = town.report(rules)
    with refused("facts_missing"):
        ask(case, rules.hugo, Verb.DECLINE)
    with refused("ground_unknown"):
        ask(case, rules.hugo, Verb.DECLINE, ground="lazy")
    case = ask(case, rules.hugo, Verb.DECLINE, ground="duty")
    assert case.events.latest("id").facts["ground"] == "duty"
    case = do(case, Verb.DECLINE, rules.dora)  # the grant needs no ground: it was said
    assert case.stage == Stage.DISPATCH


def test_not_ours_is_said_inside_the_window(rules: SimpleNamespace, clock: Any) -> None:
    case = town.report(rules)  # Monday 9:00, two working days; the window is one
    clock.move_to(town.MONDAY + timedelta(days=1, minutes=1))
    with refused("window_closed"):
        ask(case, rules.hugo, Verb.DECLINE, ground="duty")


def test_a_short_limit_has_a_short_window(rules: SimpleNamespace, clock: Any) -> None:
    case = town.report(rules, condition=rules.missing.pk)  # two urgent hours
    clock.shift(timedelta(hours=2, minutes=1))
    with refused("already_late"):
        ask(case, rules.hugo, Verb.DECLINE, ground="duty")


def test_what_was_asked_in_time_may_be_granted_later(rules: SimpleNamespace, clock: Any) -> None:
    case = ask(town.report(rules), rules.hugo, Verb.DECLINE, ground="duty")
    clock.move_to(town.MONDAY + timedelta(days=2))
    assert do(case, Verb.DECLINE, rules.dora).stage == Stage.DISPATCH


def test_the_third_assignment_is_final_and_a_leader_decides(rules: SimpleNamespace) -> None:
    case = declined(town.report(rules), rules, to=rules.parks)
    case = declined(case, rules, to=rules.office)
    case = ask(case, rules.otto, Verb.DECLINE, ground="duty")
    with refused("leader_decides"):
        do(case, Verb.DECLINE, rules.dora)
    assert do(case, Verb.DECLINE, rules.lena).stage == Stage.DISPATCH


def test_an_extension_is_at_most_the_limit_again_and_at_most_twice(rules: SimpleNamespace) -> None:
    case = town.report(rules)
    with refused("limit_too_long"):
        ask(case, rules.hugo, Verb.EXTEND, limit=Limit(3, Unit.WORK_DAY))
    for _time in range(2):
        ask(case, rules.hugo, Verb.EXTEND)
        do(case, Verb.EXTEND, rules.dora, limit=DAY)
    with refused("taken_enough"):
        ask(case, rules.hugo, Verb.EXTEND)
    with refused("taken_enough"):
        do(case, Verb.EXTEND, rules.dora, limit=DAY)


def test_refusals_do_not_count_as_extensions(rules: SimpleNamespace) -> None:
    case = town.report(rules)
    for _time in range(3):
        ask(case, rules.hugo, Verb.EXTEND)
        do(case, Verb.REFUSE, rules.dora)
    assert ask(case, rules.hugo, Verb.EXTEND).asks == Verb.EXTEND


def test_what_is_late_is_not_extended(rules: SimpleNamespace, clock: Any) -> None:
    case = town.report(rules)
    clock.move_to(town.MONDAY + timedelta(days=3))
    with refused("already_late"):
        ask(case, rules.hugo, Verb.EXTEND)
    with refused("already_late"):
        do(case, Verb.EXTEND, rules.dora, limit=DAY)


def test_shelving_is_once_and_for_a_year_at_most(rules: SimpleNamespace) -> None:
    case = town.report(rules)
    with refused("until_unfit"):
        ask(case, rules.hugo, Verb.SHELVE, ground="season", until=now() + timedelta(days=366))
    ask(case, rules.hugo, Verb.SHELVE, ground="season")
    do(case, Verb.SHELVE, rules.dora, until=now() + timedelta(days=3))
    do(case, Verb.RESUME, rules.dora, note="")
    with refused("taken_enough"):
        ask(case, rules.hugo, Verb.SHELVE, ground="season")


def test_once_filed_a_case_is_voided_with_approval(rules: SimpleNamespace) -> None:
    case = town.report(rules)
    with refused("not_your_post"):
        do(case, Verb.VOID, rules.carl)
    case = ask(case, rules.carl, Verb.VOID)
    with refused("not_your_turn"):
        do(case, Verb.REFUSE, rules.dora)  # not hers to answer
    assert do(case, Verb.VOID, rules.sina).stage == Stage.VOID


def closed_late(city: SimpleNamespace, clock: Any) -> Case:
    case = town.report(city)
    clock.move_to(town.MONDAY + timedelta(days=3))
    case = town.finish(case, city.hugo)
    case = docket.move(case.uuid, Verb.PASS, by=city.ivan, facts=town.shown(city.ivan, Purpose.NEAR))
    return docket.move(case.uuid, Verb.CLOSE, by=city.carl)


def figures(city: SimpleNamespace) -> indicators.Figures:
    outbox.drain()
    return indicators.figures("department", town.MONDAY.date(), today(), tree=False)[city.roads.pk]


def test_an_appeal_granted_exempts_and_the_raw_fact_stays(rules: SimpleNamespace, clock: Any) -> None:
    case = closed_late(rules, clock)
    assert (figures(rules)["overdue"], figures(rules).due, figures(rules).on_time_rate) == (1, 1, 0.0)
    case = ask(case, rules.hugo, Verb.EXEMPT)
    assert Case.objects.visible_to(rules.sina).owed_by(rules.sina).filter(pk=case.pk).exists()
    do(case, Verb.EXEMPT, rules.sina)
    assert (figures(rules)["overdue"], figures(rules)["exempt"], figures(rules).due) == (1, 1, 0)
    assert figures(rules).on_time_rate is None


def test_an_appeal_is_once_in_time_and_only_against_overdue(rules: SimpleNamespace, clock: Any) -> None:
    case = closed_late(rules, clock)
    with refused("not_askable"):
        ask(case, rules.dora, Verb.EXEMPT)
    ask(case, rules.hugo, Verb.EXEMPT)
    do(case, Verb.REFUSE, rules.sina)
    with refused("taken_enough"):
        ask(case, rules.hugo, Verb.EXEMPT)


def test_an_appeal_comes_within_its_window(rules: SimpleNamespace, clock: Any) -> None:
    case = closed_late(rules, clock)  # Thursday
    clock.shift(timedelta(days=8))
    with refused("window_closed"):
        ask(case, rules.hugo, Verb.EXEMPT)


def test_in_time_there_is_nothing_to_appeal(rules: SimpleNamespace, clock: Any) -> None:
    case = town.finish(town.report(rules), rules.hugo)
    docket.move(case.uuid, Verb.PASS, by=rules.ivan, facts=town.shown(rules.ivan, Purpose.NEAR))
    case = docket.move(case.uuid, Verb.CLOSE, by=rules.carl)
    with refused("nothing_to_exempt"):
        ask(case, rules.hugo, Verb.EXEMPT)


def test_a_closed_case_is_reopened_within_its_window(rules: SimpleNamespace, clock: Any) -> None:
    case = closed_late(rules, clock)
    clock.shift(timedelta(days=31))
    with refused("window_closed"):
        do(case, Verb.REOPEN, rules.carl)


def test_passing_the_buck_is_counted(rules: SimpleNamespace) -> None:
    case = town.report(rules)
    ask(case, rules.hugo, Verb.DECLINE, ground="duty")
    do(case, Verb.REFUSE, rules.dora)  # a refused decline
    assert figures(rules)["passed"] == 1
    case = declined(case, rules, to=rules.parks)  # the first granted is no offence
    assert figures(rules)["passed"] == 1
    ask(case, rules.hana, Verb.DECLINE, ground="duty")
    do(case, Verb.DECLINE, rules.dora)  # the second is
    outbox.drain()
    assert indicators.figures("department", today(), today())[rules.parks.pk]["passed"] == 1


def test_to_hasten_changes_nothing_and_is_heard(rules: SimpleNamespace) -> None:
    from mobile_api.models import Message

    case = town.report(rules)
    outbox.drain()
    before = (case.due_at, case.alarm_at, case.level)
    case = do(case, Verb.HASTEN, rules.dora)
    outbox.drain()
    assert (case.due_at, case.alarm_at, case.level) == before
    assert Message.objects.filter(officer=rules.hugo, event__verb=Verb.HASTEN).count() == 1


def test_a_phone_is_told_what_may_be_asked_for(rules: SimpleNamespace) -> None:
    case = town.report(rules)
    phone = town.phone(rules.hugo)
    told = phone.get(f"/api/mobile/v1/cases/{case.uuid}").json()
    wish = next(button for button in told["can"] if button["verb"] == "ask")
    assert [one["code"] for one in wish["asks"]] == ["decline", "extend", "shelve", "assist"]
    assert {"verb": "decline", "code": "duty", "name": "duty"} in phone.get("/api/mobile/v1/city").json()["grounds"]
