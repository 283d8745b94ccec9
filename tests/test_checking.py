"""The hand that did the work neither checks nor closes it."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest

from cases.flow import Purpose, Stage, Verb
from cases.models import Case, Policy
from grid.models import Leave, Officer
from grid.roles import Role

from . import acts, log
from . import city as town
from .acts import move, refused


@pytest.fixture
def case(city: SimpleNamespace, clock) -> Case:
    """Finished by hugo, waiting for a check."""
    return town.finish(town.report(city), city.hugo)


def jack(city: SimpleNamespace, *roles: Role) -> Officer:
    """Jack of all trades: he works in the roads department and holds other posts besides, on ann's beat."""
    officer = Officer.objects.create(
        username="jack", name="Jack", roles=[Role.HANDLER, *roles], department=city.roads, password=city.ann.password
    )
    city.cells[0].beats.get().officers.add(officer)
    return officer


def near(by: Officer) -> tuple[tuple[str, str], ...]:
    return town.shown(by, Purpose.NEAR).photos


# Never the same hand


@pytest.mark.parametrize("verb", [Verb.PASS, Verb.REWORK])
def test_who_finished_does_not_check(verb: Verb, city: SimpleNamespace, clock) -> None:
    officer = jack(city, Role.INSPECTOR)
    case = town.finish(town.report(city), officer)
    refusal = refused(case, verb, officer, photos=near(officer), note="好")
    assert (refusal.code, refusal.detail) == ("same_hand", f"您已办理“处置”，“{verb.label}”须由他人办理。")
    assert acts.can(town.phone(officer), case) == set()
    assert acts.can(town.phone(city.ivan), case) == {"pass", "rework"}


def test_who_finished_once_does_not_check_a_colleague_s_second_work(city: SimpleNamespace, clock) -> None:
    officer = jack(city, Role.INSPECTOR)
    case = town.finish(town.report(city), officer)
    move(case, Verb.REWORK, city.ivan, note="仍响动")
    town.finish(case, city.hugo)
    assert refused(case, Verb.PASS, officer, photos=near(officer)).code == "same_hand"


def test_who_finished_does_not_close(city: SimpleNamespace, clock) -> None:
    officer = jack(city, Role.CLERK)
    case = acts.passed(town.finish(town.report(city), officer), city.ivan)
    assert refused(case, Verb.CLOSE, officer).code == "same_hand"
    assert move(case, Verb.CLOSE, city.carl).stage == Stage.CLOSED


def test_who_passed_it_does_not_close(city: SimpleNamespace, clock) -> None:
    officer = jack(city, Role.INSPECTOR, Role.CLERK)
    Policy.objects.filter(verb=Verb.ORDER_CHECK).update(automatic=False)
    case = town.finish(town.report(city), city.hugo)
    move(case, Verb.ORDER_CHECK, city.carl, holder=officer.pk)
    assert "close" not in acts.can(town.phone(officer), acts.passed(case, officer))
    assert refused(case, Verb.CLOSE, officer).code == "same_hand"
    assert move(case, Verb.CLOSE, city.carl).stage == Stage.CLOSED


def test_who_put_it_right_on_the_spot_does_not_close(city: SimpleNamespace, clock) -> None:
    officer = jack(city, Role.INSPECTOR, Role.CLERK)
    photos = town.shown(officer, Purpose.BEFORE, Purpose.AFTER).photos
    case = town.report(city, by=officer, handled=True, photos=photos)
    assert case.stage == Stage.CLOSING
    assert refused(case, Verb.CLOSE, officer).code == "same_hand"
    assert move(case, Verb.CLOSE, city.sina).stage == Stage.CLOSED


def test_to_accept_is_not_to_do(city: SimpleNamespace, clock) -> None:
    officer = jack(city, Role.INSPECTOR)
    city.cells[0].beats.get().officers.remove(city.ivan)
    case = town.report(city)
    move(case, Verb.ACCEPT, officer)
    town.finish(case, city.hugo)
    assert acts.passed(case, officer).stage == Stage.CLOSING


# Whose errand it is


def test_those_of_the_beat_check_what_nobody_is_sent_to(city: SimpleNamespace, clock) -> None:
    case = ordered(city, None)
    for officer in (city.ann, city.ivan):
        phone = town.phone(officer)
        assert [line["number"] for line in phone.get(acts.CASES).json()["items"]] == [case.number]
        assert acts.can(phone, case) == {"pass", "rework"}
    ines = town.phone(city.ines)
    assert ines.get(acts.CASES).json()["items"] == []
    assert acts.say(ines, case, verb="rework", note="仍响动").status_code == 404


def ordered(city: SimpleNamespace, holder: Officer | None) -> Case:
    """A check that carl gave to one inspector, or to the beat."""
    Policy.objects.filter(verb=Verb.ORDER_CHECK).update(automatic=False)
    case = town.finish(town.report(city), city.hugo)
    assert (case.stage, log.verbs(case)) == (Stage.FEEDBACK, "report file dispatch finish")
    return move(case, Verb.ORDER_CHECK, city.carl, holder=holder and holder.pk)


def test_an_errand_given_to_one_is_nobody_else_s(city: SimpleNamespace, clock) -> None:
    case = ordered(city, city.ines)  # of another beat
    ann, ines = town.phone(city.ann), town.phone(city.ines)
    assert ann.get(acts.CASES).json()["items"] == []
    assert acts.can(ann, case) == set()
    refusal = refused(case, Verb.PASS, city.ann, photos=near(city.ann))
    assert (refusal.code, refusal.detail) == ("held_by_another", "该案卷已指定由Ines办理。")
    assert [line["number"] for line in ines.get(acts.CASES).json()["items"]] == [case.number]
    assert acts.passed(case, city.ines).holder is None


def test_nobody_holds_an_errand_who_has_left(city: SimpleNamespace, clock) -> None:
    case = ordered(city, city.ines)
    Officer.objects.filter(pk=city.ines.pk).update(is_active=False)
    assert acts.passed(case, city.ann).stage == Stage.CLOSING


@pytest.mark.parametrize("who", ["hugo", "left", "worker"])
def test_the_errand_is_given_to_one_who_may_do_it(who: str, city: SimpleNamespace, clock) -> None:
    Policy.objects.filter(verb=Verb.ORDER_CHECK).update(automatic=False)
    worker = jack(city, Role.INSPECTOR)
    case = town.finish(town.report(city), worker)
    Officer.objects.filter(pk=city.ines.pk).update(is_active=False)
    holder = {"hugo": city.hugo, "left": city.ines, "worker": worker}[who]
    refusal = refused(case, Verb.ORDER_CHECK, city.carl, holder=holder.pk)
    assert refusal.field == "holder"
    assert refusal.code == ("holder_unfit" if who == "worker" else "holder_unknown")


# By lot


def drawn(case: Case) -> dict[str, object]:
    """What the log says of the lot."""
    order = case.events.get(verb=Verb.ORDER_CHECK)
    return next(reason for reason in order.facts["why"] if reason["code"].startswith("drawn"))


def test_a_check_falls_on_one_of_the_beat_but_not_on_the_reporter(case: Case, city: SimpleNamespace) -> None:
    assert Case.objects.get(pk=case.pk).holder == city.ivan
    assert drawn(case) == {"code": "drawn", "candidates": [city.ivan.pk], "count": 1, "nth": 1}
    assert refused(case, Verb.PASS, city.ann, photos=near(city.ann)).code == "held_by_another"
    assert town.phone(city.ann).get(acts.CASES).json()["items"] == []


def test_the_lot_falls_on_either_and_the_log_shows_it(city: SimpleNamespace, clock) -> None:
    ivy = Officer.objects.create(username="ivy", roles=[Role.INSPECTOR])
    city.cells[0].beats.get().officers.add(ivy)
    fallen = set()
    for _case in range(40):  # to draw one alone happens twice in a million million runs
        case = town.finish(town.report(city), city.hugo)
        lot = drawn(case)
        assert lot["candidates"] == [city.ivan.pk, ivy.pk]
        assert lot["candidates"][lot["nth"] - 1] == Case.objects.get(pk=case.pk).holder_id
        fallen.add(lot["nth"])
    assert fallen == {1, 2}


def test_the_reporter_checks_where_there_is_nobody_else(city: SimpleNamespace, clock) -> None:
    leave = {"since": town.MONDAY - timedelta(days=1), "until": town.MONDAY + timedelta(days=1)}
    Leave.objects.create(officer=city.ivan, **leave)
    assert town.finish(town.report(city), city.hugo).holder == city.ann


def test_the_hand_that_did_the_work_is_not_drawn(city: SimpleNamespace, clock) -> None:
    worker = jack(city, Role.INSPECTOR)
    case = town.finish(town.report(city), worker)
    move(case, Verb.REWORK, city.ivan, note="仍响动")
    town.finish(case, city.hugo)  # jack once had his hand in it
    orders = case.events.filter(verb=Verb.ORDER_CHECK)
    assert [order.facts["why"][1]["candidates"] for order in orders] == [[city.ivan.pk]] * 2


def test_where_nobody_can_be_drawn_the_log_says_so(city: SimpleNamespace, clock) -> None:
    city.cells[0].beats.get().officers.clear()
    case = town.finish(town.report(city), city.hugo)
    assert (case.stage, acts.codes(acts.last(case), "waits")) == (Stage.FEEDBACK, ["drawn_none"])
    assert case.number in {line["number"] for line in town.phone(city.carl).get(acts.CASES).json()["items"]}
    case = move(case, Verb.ORDER_CHECK, city.carl, holder=city.ines.pk)
    assert acts.passed(case, city.ines).stage == Stage.CLOSING


def test_a_clerk_takes_an_errand_back_and_sends_another(case: Case, city: SimpleNamespace) -> None:
    assert refused(case, Verb.RECALL, city.carl).field == "note"
    assert refused(case, Verb.RECALL, city.ivan, note="忙").code == "not_your_post"
    case = move(case, Verb.RECALL, city.carl, note="监督员车辆故障")
    assert (case.stage, case.holder, acts.last(case).holder) == (Stage.FEEDBACK, None, city.ivan)
    assert refused(case, Verb.PASS, city.ivan, photos=near(city.ivan)).code == "not_now"
    case = move(case, Verb.ORDER_CHECK, city.carl, holder=city.ines.pk)
    assert (case.stage, case.holder) == (Stage.CHECK, city.ines)


def test_a_verification_is_taken_back_too(city: SimpleNamespace, clock) -> None:
    case = town.report(city, by=city.carl, source="public")
    assert case.stage == Stage.VERIFY
    case = move(case, Verb.RECALL, city.carl, note="责任网格无人")
    assert case.stage == Stage.FILING
    assert move(case, Verb.ORDER_VERIFY, city.carl, holder=city.ines.pk).holder == city.ines


def test_when_the_chosen_one_has_not_come_in_time_his_beat_may(case: Case, city: SimpleNamespace, clock) -> None:
    clock.shift(timedelta(minutes=31))
    ann = town.phone(city.ann)
    assert [line["number"] for line in ann.get(acts.CASES).json()["items"]] == [case.number]
    assert acts.passed(case, city.ann).stage == Stage.CLOSING


# What comes of it


def test_a_pass_needs_a_photo_and_a_rework_a_word(case: Case, city: SimpleNamespace) -> None:
    assert refused(case, Verb.PASS, city.ivan).field == "photos"
    assert refused(case, Verb.REWORK, city.ivan).field == "note"


def test_a_passed_case_is_closed_by_policy_alone(case: Case, city: SimpleNamespace) -> None:
    Policy.objects.create(verb=Verb.CLOSE, automatic=True)
    case = acts.passed(case, city.ivan)
    assert (case.stage, acts.last(case).by) == (Stage.CLOSED, None)
    assert acts.codes(acts.last(case)) == ["policy_yes"]


def test_a_check_has_half_an_hour_of_its_own(case: Case, city: SimpleNamespace, clock) -> None:
    assert case.due_at == town.MONDAY + timedelta(minutes=30)
    clock.shift(timedelta(minutes=31))
    acts.passed(case, city.ivan)
    checked = case.events.get(verb=Verb.PASS)
    assert (checked.late, checked.late_s, checked.department) == (True, 60, city.roads)


def test_a_checked_case_waits_for_a_clerk(case: Case, city: SimpleNamespace) -> None:
    case = acts.passed(case, city.ivan)
    assert acts.codes(acts.last(case), "waits") == ["policy_none"]
    assert acts.can(town.phone(city.sina), case) == {"close", "hasten"}
    assert refused(case, Verb.CLOSE, city.dora).code == "not_your_post"
