"""A clerk files, a dispatcher finds who answers."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from types import SimpleNamespace

import pytest

from cases.flow import Source, Stage, Verb
from cases.models import Case, Policy, Timetable

from . import acts
from . import city as town
from .acts import codes, last, move, refused


def called_in(city: SimpleNamespace, **said: object) -> Case:
    """A call to the hotline, which carl registers."""
    return town.report(city, by=city.carl, source=Source.HOTLINE, **said)


def unanswered(city: SimpleNamespace) -> Case:
    """Smoke, for which no duty names anybody."""
    return town.report(city, category=city.orphan.pk, condition=city.smoke.pk)


# Filing


def test_a_clerk_files_and_the_duty_dispatches(city: SimpleNamespace, clock) -> None:
    case = called_in(city, condition=None)
    assert case.stage == Stage.FILING
    case = move(case, Verb.FILE, city.carl, condition=city.missing.pk)
    assert (case.stage, case.department, case.condition) == (Stage.HANDLING, city.roads, city.missing)
    assert (case.clock, case.allowed_s) == ("urgent_hour", 7200)
    filed, dispatched = case.events.order_by("id")[1:]
    assert (filed.verb, filed.by, dispatched.verb, dispatched.by) == (Verb.FILE, city.carl, Verb.DISPATCH, None)


def test_filing_without_a_condition_says_what_is_missing(city: SimpleNamespace, clock) -> None:
    refusal = refused(called_in(city, condition=None), Verb.FILE, city.carl)
    assert (refusal.code, refusal.field) == ("facts_missing", "condition")
    assert refusal.detail == "“立案”还需要：立案条件。"
    assert {move.verb for move in refusal.allowed} >= {Verb.FILE, Verb.ORDER_VERIFY, Verb.VOID}


def test_what_the_caller_said_need_not_be_said_again(city: SimpleNamespace, clock) -> None:
    case = move(called_in(city), Verb.FILE, city.sina)
    assert (case.stage, case.condition) == (Stage.HANDLING, city.rattling)


@pytest.mark.parametrize("wrong", ["other class", "expired", "not yet", "unknown"])
def test_a_condition_that_does_not_hold_is_refused(wrong: str, city: SimpleNamespace, clock) -> None:
    case, said = called_in(city, condition=None), city.rattling
    if wrong == "other class":
        said = city.heap
    if wrong == "expired":
        said.closed_on = date(2026, 3, 2)  # the last day was yesterday
    if wrong == "not yet":
        said.valid_from = date(2026, 3, 3)
    said.save()
    refusal = refused(case, Verb.FILE, city.carl, condition=0x7FFFFFFF if wrong == "unknown" else said.pk)
    assert (refusal.code, refusal.field) == ("condition_unfit", "condition")


def test_a_condition_of_another_region_is_refused(city: SimpleNamespace, clock) -> None:
    city.rattling.region_class = "A"
    city.rattling.save()
    case = called_in(city, condition=None)
    assert refused(case, Verb.FILE, city.carl, condition=city.rattling.pk).code == "condition_unfit"
    city.cells[0].region_class = "A"
    city.cells[0].save()
    assert move(case, Verb.FILE, city.carl, condition=city.rattling.pk).condition == city.rattling


def test_the_centre_has_minutes_day_and_night(city: SimpleNamespace, clock) -> None:
    clock.move_to(datetime(2026, 3, 7, 23, 50, tzinfo=town.CHINA))  # a Saturday, before midnight
    case = called_in(city)
    assert case.due_at == datetime(2026, 3, 8, 0, 5, tzinfo=town.CHINA)
    assert codes(last(case)) == ["limit_stage"]


def test_only_the_clerk_and_the_shift_leader_file(city: SimpleNamespace, clock) -> None:
    case = called_in(city)
    assert refused(case, Verb.FILE, city.dora).code == "not_your_post"
    assert "受理员、值班长" in refused(case, Verb.FILE, city.ann).detail


def test_who_voids_what_another_has_filed_meanwhile_hears_that_somebody_was_faster(
    city: SimpleNamespace, clock
) -> None:
    case = called_in(city)
    phone = town.phone(city.carl)
    move(case, Verb.FILE, city.sina)
    answer = acts.say(phone, case, verb="void", note="不符合立案条件")
    assert (answer.status_code, answer.json()["code"]) == (409, "overtaken")
    told = answer.json()["detail"]
    assert "Sina已先办理“立案”" in told and "“作废”由值班长办理。" in told
    assert "order_verify" not in {step["verb"] for step in answer.json()["allowed"]}
    english = phone.post(
        f"{acts.CASES}/{case.uuid}/moves",
        {"verb": "void", "note": "no"},
        content_type="application/json",
        headers={"accept-language": "en"},
    )
    assert english.json()["detail"].startswith("Somebody was faster: Sina did “File”")


def test_who_took_it_further_himself_or_never_might_is_told_whose_post_it_is(city: SimpleNamespace, clock) -> None:
    his = move(called_in(city), Verb.FILE, city.carl)
    assert refused(his, Verb.VOID, city.carl, note="不符合").code == "not_your_post"
    assert refused(his, Verb.VOID, city.dora, note="不符合").code == "not_your_post"
    own = town.report(city)  # filed by the system in the moment in which it came: nobody saw it before
    assert refused(own, Verb.VOID, city.carl, note="不符合").code == "not_your_post"


# Dispatching


def test_the_limit_starts_at_dispatch(city: SimpleNamespace, clock) -> None:
    case = unanswered(city)
    clock.shift(timedelta(minutes=40))
    case = move(case, Verb.DISPATCH, city.dora, department=city.parks.pk)
    assert (case.stage, case.department) == (Stage.HANDLING, city.parks)
    assert case.entered_at == town.MONDAY + timedelta(minutes=40)
    assert case.due_at == town.MONDAY + timedelta(minutes=160)
    assert (last(case).late, last(case).late_s) == (True, 25 * 60)  # the dispatcher had a quarter of an hour


@pytest.mark.parametrize(
    ("department", "code"),
    [(None, "facts_missing"), (0x7FFFFFFF, "department_unknown"), ("closed", "department_unknown")],
)
def test_nobody_is_no_department(department, code: str, city: SimpleNamespace, clock) -> None:
    city.office.closed_on = date(2026, 1, 1)
    city.office.save()
    said = city.office.pk if department == "closed" else department
    refusal = refused(unanswered(city), Verb.DISPATCH, city.dora, department=said)
    assert (refusal.code, refusal.field) == (code, "department")


def test_the_phone_shows_what_waits_and_what_it_needs(city: SimpleNamespace, clock) -> None:
    case, dora = unanswered(city), town.phone(city.dora)
    assert [line["number"] for line in dora.get(acts.CASES).json()["items"]] == [case.number]
    button = next(button for button in acts.seen(dora, case)["can"] if button["verb"] == "dispatch")
    assert button == {"verb": "dispatch", "label": "派遣", "needs": ["department"], "takes": ["condition"], "asks": []}
    answer = acts.say(dora, case, verb="dispatch", department=city.roads.pk)
    assert (answer.status_code, answer.json()["department"]["name"]) == (200, "市政所")
    assert dora.get(acts.CASES).json()["items"] == []


def test_a_clerk_does_not_dispatch_and_a_handler_does_not_see(city: SimpleNamespace, clock) -> None:
    case = unanswered(city)
    answer = acts.say(town.phone(city.carl), case, verb="dispatch", department=city.roads.pk)
    assert (answer.status_code, answer.json()["code"]) == (403, "not_your_post")
    answer = acts.say(town.phone(city.hugo), case, verb="dispatch", department=city.roads.pk)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_a_department_works_by_its_own_hours(city: SimpleNamespace, clock) -> None:
    Timetable.objects.create(
        name="园林作息",
        department=city.parks,
        workdays=[1, 2, 3, 4, 5, 6, 7],
        day_s=6 * 3600,
        seasons=[{"start": "01-01", "periods": [["06:00", "12:00"]]}],
    )
    Policy.objects.filter(verb=Verb.DISPATCH).update(automatic=False)
    case = move(town.report(city), Verb.DISPATCH, city.dora, department=city.parks.pk)
    assert case.allowed_s == 2 * 6 * 3600  # two of its own working days
    assert case.due_at == datetime(2026, 3, 4, 9, 0, tzinfo=town.CHINA)


# Sent back


def test_a_declined_case_waits_for_a_human(city: SimpleNamespace, clock) -> None:
    case = move(town.report(city), Verb.DECLINE, city.dora, note="不属市政")
    assert (case.stage, case.department, case.holder) == (Stage.DISPATCH, None, None)
    declined = last(case)
    assert (declined.verb, declined.department) == (Verb.DECLINE, city.roads)
    assert codes(declined, "waits") == ["by_hand"]  # the duty would name the same department again
    assert case.due_at == town.MONDAY + timedelta(minutes=15)


def test_the_next_department_gets_the_whole_limit(city: SimpleNamespace, clock) -> None:
    case = town.report(city)
    clock.shift(timedelta(hours=5))  # at 14:00: three hours of sixteen are used
    move(case, Verb.DECLINE, city.dora, note="不属市政")
    case = move(case, Verb.DISPATCH, city.dora, department=city.parks.pk)
    assert (case.allowed_s, case.level) == (57_600, 0)
    assert case.due_at == datetime(2026, 3, 4, 12, 0, tzinfo=town.CHINA)
    assert codes(last(case)) == ["limit_condition"]


def test_the_log_keeps_who_sent_it_back_and_how_late(city: SimpleNamespace, clock) -> None:
    case = town.report(city)
    clock.move_to(datetime(2026, 3, 4, 11, 0, tzinfo=town.CHINA))  # due at nine
    declined = last(move(case, Verb.DECLINE, city.dora, note="不属市政"))
    assert (declined.left, declined.since, declined.late_s) == (Stage.HANDLING, town.MONDAY, 7200)
    assert declined.facts["note"] == "不属市政"
