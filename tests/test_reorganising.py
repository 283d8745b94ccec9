"""People move or leave, units and cells are closed: open work goes to whoever has it now, and the log says why."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.gis.geos import Polygon

from cases import alarm, audience, docket, handover, looking, outbox, rechecks, rulebook, tally
from cases.flow import Stage, Verb
from cases.models import Case, CaseEvent, Duty, Policy, Recheck
from grid import leave, reorganising
from grid.models import Beat, Cell, Department, Officer
from grid.moment import now, today
from grid.roles import Role

from . import city as town
from . import log
from .acts import codes, doubt, last, move, passed, refused

SETTLED_ONCE = "a second time there is nothing to do"


@pytest.fixture
def colleague(city: SimpleNamespace) -> Officer:
    return Officer.objects.create(username="hilda", name="Hilda", roles=[Role.HANDLER], department=city.roads)


@pytest.fixture
def accepted(city: SimpleNamespace, clock: Any, colleague: Officer) -> Case:
    """A case that hugo of the roads department has accepted; hilda is his colleague."""
    return move(town.report(city), Verb.ACCEPT, city.hugo)


def change(row: Any, **said: object) -> None:
    for name, value in said.items():
        setattr(row, name, value)
    row.save()


def close(department: Department, heir: Department | None = None) -> None:
    change(department, closed_on=today(), heir=heir)


def settled(**said: bool) -> dict[str, list[str]]:
    found = {kind: names for kind, names in handover.settle(**said).found.items() if names}
    assert not handover.settle(**said), SETTLED_ONCE
    assert log.flaws() == []
    return found


def fresh(case: Case) -> Case:
    return Case.objects.select_related("holder", "department", "cell").get(pk=case.pk)


# People


@pytest.mark.parametrize("said", [{"department": "parks"}, {"roles": [Role.CLERK]}, {"is_active": False}])
def test_who_moves_holds_nothing(
    said: dict[str, Any], accepted: Case, city: SimpleNamespace, colleague: Officer
) -> None:
    due_at = accepted.due_at
    change(city.hugo, **{name: getattr(city, value) if name == "department" else value for name, value in said.items()})
    assert settled() == {"released": [accepted.number]}
    event = last(accepted)
    assert (event.verb, event.by, event.holder, codes(event)) == (Verb.HAND_OVER, None, city.hugo, ["holder_gone"])
    assert (fresh(accepted).holder, fresh(accepted).due_at) == (None, due_at)
    assert audience.of(event) == {colleague.pk, city.hedi.pk}
    assert move(accepted, Verb.ACCEPT, colleague).holder == colleague


def test_whoever_stays_keeps_his_work(accepted: Case, city: SimpleNamespace) -> None:
    change(city.hugo, name="胡果", phone="13900000009")
    assert settled() == {}
    assert fresh(accepted).holder == city.hugo


def test_a_head_may_hold_what_is_handled_below_him(accepted: Case, city: SimpleNamespace) -> None:
    change(city.hugo, roles=[Role.HEAD], department=city.works)
    assert settled() == {}


def test_before_anybody_settles_it_a_colleague_hears_and_may_accept(
    accepted: Case, city: SimpleNamespace, colleague: Officer
) -> None:
    assert refused(accepted, Verb.ACCEPT, colleague).code == "already_accepted"
    Officer.objects.filter(pk=city.hugo.pk).update(is_active=False)
    move(accepted, Verb.HASTEN, city.carl, note="快")
    assert audience.of(last(accepted)) == {colleague.pk}
    assert move(accepted, Verb.ACCEPT, colleague).holder == colleague


def test_a_check_goes_to_another_by_lot(city: SimpleNamespace, clock: Any) -> None:
    case = town.finish(town.report(city), city.hugo)
    held = Officer.objects.get(pk=case.holder_id)
    other = city.ivan if held == city.ann else city.ann
    change(held, roles=[Role.CLERK])
    assert settled() == {"recalled": [case.number]}
    recall, order = log.lines(case)[-2:]
    assert (recall.verb, recall.by, codes(recall)) == (Verb.RECALL, None, ["holder_gone", "limit_stage"])
    assert (order.verb, fresh(case).holder) == (Verb.ORDER_CHECK, other)
    assert audience.of(order) == {other.pk}


def test_where_nobody_can_be_drawn_the_clerk_hears(city: SimpleNamespace, clock: Any) -> None:
    case = town.finish(town.report(city), city.hugo)
    Officer.objects.filter(roles__contains=[Role.INSPECTOR]).update(is_active=False)
    assert settled() == {"recalled": [case.number]}
    assert (fresh(case).stage, codes(last(case), "waits")) == (Stage.FEEDBACK, ["drawn_none"])
    assert audience.of(last(fresh(case))) == {city.carl.pk}


def test_a_verification_goes_back_to_the_clerk(city: SimpleNamespace, clock: Any) -> None:
    Policy.objects.filter(verb=Verb.ORDER_VERIFY).delete()
    case = town.report(city, by=city.carl, source="public")
    move(case, Verb.ORDER_VERIFY, city.carl, holder=city.ivan.pk)
    change(city.ivan, is_active=False)
    assert settled() == {"recalled": [case.number]}
    assert fresh(case).stage == Stage.FILING
    assert city.carl.pk in audience.of(last(fresh(case)))


def test_a_stand_in_who_moves_stands_in_for_nobody(accepted: Case, city: SimpleNamespace, colleague: Officer) -> None:
    span = {"since": now(), "until": now() + timedelta(days=3)}
    leave.set_leave(city.hugo, by=city.adam, stand_in=colleague, **span)
    change(colleague, department=city.parks)
    assert settled() == {"stand_ins": ["Hugo"]}
    move(accepted, Verb.HASTEN, city.carl, note="快")
    assert audience.of(last(accepted)) == {city.hugo.pk}


def test_a_blind_recheck_is_drawn_anew(city: SimpleNamespace, clock: Any) -> None:
    recheck = doubt(city)
    Recheck.objects.filter(pk=recheck.pk).update(done_at=None, verdict="", note="")
    change(recheck.inspector, roles=[Role.CLERK])
    assert list(settled()) == ["rechecks"]
    assert Recheck.objects.get(pk=recheck.pk).inspector != recheck.inspector
    assert rechecks.replace_gone() == []


# Units


def test_an_heir_has_all_that_was_open(accepted: Case, city: SimpleNamespace, colleague: Officer) -> None:
    move(accepted, Verb.SUPERVISE, city.lena, note="办")
    waiting = town.report(city)
    close(city.roads, city.parks)
    found = settled()
    assert found == {
        "inherited": sorted([accepted.number, waiting.number]),
        "duties": [str(Duty.objects.get(category=city.manhole.parent))],
        "people": ["Hugo", "Hilda"],
    }
    case = fresh(accepted)
    assert (case.department, case.holder, case.supervised_at is None) == (city.parks, city.hugo, False)
    event = last(waiting)
    assert (event.department, codes(event), event.facts["department"]) == (city.roads, ["heir"], city.parks.pk)
    assert audience.of(event) == {city.hugo.pk, colleague.pk, city.hana.pk, city.hedi.pk}
    assert Case.objects.owed_by(city.hana).filter(pk__in=[accepted.pk, waiting.pk]).count() == 2
    assert town.report(city).department == city.parks
    town.finish(waiting, city.hana)


def test_components_go_to_the_heir(city: SimpleNamespace, clock: Any) -> None:
    close(city.parks, city.roads)
    assert settled()["components"] == [city.component.code]
    city.component.refresh_from_db()
    assert city.component.owner == city.roads


def test_the_past_stays_under_its_name_and_the_heir_s_head_sees_it(city: SimpleNamespace, clock: Any) -> None:
    past = move(passed(town.finish(town.report(city), city.hugo), city.ivan), Verb.CLOSE, city.carl)
    change(city.hedi, department=city.parks)
    assert not Case.objects.visible_to(city.hedi).filter(pk=past.pk).exists()
    assert looking.seen(city.hedi, "department") == {city.parks.pk}
    close(city.roads, city.parks)
    settled()
    assert fresh(past).department == city.roads
    assert Case.objects.visible_to(city.hedi).filter(pk=past.pk).exists()
    assert not Case.objects.visible_to(city.hana).filter(pk=past.pk).exists()
    assert looking.seen(city.hedi, "department") == {city.parks.pk, city.roads.pk}


@pytest.mark.parametrize("back", [Verb.REOPEN, Verb.REWORK, Verb.RESUME])
def test_what_comes_back_comes_back_to_the_heir(back: Verb, city: SimpleNamespace, clock: Any) -> None:
    case = town.report(city)
    if back == Verb.RESUME:
        move(case, Verb.SHELVE, city.dora, note="待料", until=now() + timedelta(days=3))
    else:
        town.finish(case, city.hugo)
    if back == Verb.REOPEN:
        move(passed(case, city.ivan), Verb.CLOSE, city.carl)
    by = {Verb.REOPEN: city.carl, Verb.REWORK: fresh(case).holder, Verb.RESUME: city.dora}[back]
    close(city.roads, city.parks)
    if back != Verb.REOPEN:
        settled()
    case = move(case, back, by, note="又来") if back != Verb.RESUME else move(case, back, by)
    assert (case.stage, case.department) == (Stage.HANDLING, city.parks)
    assert settled().get("inherited") is None
    assert city.hana.pk in audience.of(last(case))


def test_without_an_heir_it_is_dispatched_anew(city: SimpleNamespace, clock: Any) -> None:
    case = move(passed(town.finish(town.report(city), city.hugo), city.ivan), Verb.CLOSE, city.carl)
    waiting = town.report(city)
    close(city.roads)
    assert settled() == {"orphaned": [waiting.number]}
    assert move(case, Verb.REOPEN, city.carl, note="又来").stage == Stage.DISPATCH
    for each in (case, waiting):
        assert (last(each).verb, codes(last(each))) == (Verb.DECLINE, ["no_heir", "limit_stage"])
        assert city.dora.pk in audience.of(last(fresh(each)))


def test_what_the_clock_resumes_comes_back_at_once(city: SimpleNamespace, clock: Any) -> None:
    case = move(town.report(city), Verb.SHELVE, city.dora, note="待料", until=now() + timedelta(days=3))
    close(city.roads)
    assert settled() == {}
    clock.shift(timedelta(days=3, minutes=1))
    alarm.ring()
    assert [event.verb for event in log.lines(case)[-2:]] == [Verb.RESUME, Verb.DECLINE]
    assert fresh(case).stage == Stage.DISPATCH


def test_an_unlinked_case_goes_to_the_heir(city: SimpleNamespace, clock: Any) -> None:
    first, second = town.report(city), town.report(city)
    move(second, Verb.LINK, city.carl, same_as=str(first.uuid))
    close(city.roads, city.parks)
    settled()
    assert move(second, Verb.UNLINK, city.carl).department == city.parks


def test_heirs_have_heirs_and_a_circle_ends(city: SimpleNamespace, clock: Any) -> None:
    close(city.roads, city.parks)
    close(city.parks, city.office)
    book = rulebook.current()
    assert book.heir(city.roads.pk) == city.office
    assert book.upward(city.roads.pk) == [city.roads.pk, city.parks.pk, city.office.pk]
    close(city.office, city.roads)
    assert rulebook.current().heir(city.roads.pk) is None
    assert set(handover.owed([city.office.pk])) == {city.office.pk}


def test_figures_stay_whole(accepted: Case, city: SimpleNamespace, clock: Any) -> None:
    clock.shift(timedelta(days=5))
    close(city.roads, city.parks)
    split(city, accepted)
    settled(ground=True)
    town.finish(accepted, city.hana)
    while outbox.drain():
        pass
    tally.night()
    assert tally.rebuild(town.MONDAY.date(), today()) == 0
    late = CaseEvent.objects.get(case=accepted, verb=Verb.HAND_OVER)
    assert (late.late, late.department) == (True, city.roads), "what was late before is the forerunner's"


# Ground


def split(city: SimpleNamespace, case: Case) -> Cell:
    """Cell 0 is closed; its western half, in which the case lies, is another inspector's beat."""
    old = city.cells[0]
    halves = [
        Cell.objects.create(
            code=f"63270100100190{n}",
            area=city.community,
            shape=Polygon.from_bbox((town.LON + west, town.LAT, town.LON + west + 0.0005, town.LAT + town.STEP)),
            area_m2=5_000,
        )
        for n, west in enumerate((0, 0.0005))
    ]
    Beat.objects.get(code="B2").cells.add(*halves)
    old.closed_on = today()
    old.save()
    old.beats.clear()
    return halves[0]


def test_a_case_follows_its_point(accepted: Case, city: SimpleNamespace) -> None:
    half = split(city, accepted)
    assert settled(ground=True) == {"relocated": [accepted.number]}
    case = fresh(accepted)
    assert (case.cell.code, case.holder) == (half.code, city.hugo)
    event = last(accepted)
    assert (event.cell, codes(event)) == (city.cells[0], ["cell_moved"])
    case = town.finish(accepted, city.hugo)
    assert (case.stage, case.holder) == (Stage.CHECK, city.ines)
    passed(case, city.ines)


def test_a_check_held_from_another_beat_stays_his(city: SimpleNamespace, clock: Any) -> None:
    case = town.finish(town.report(city), city.hugo)
    holder = fresh(case).holder
    split(city, case)
    assert settled(ground=True) == {"relocated": [case.number]}
    assert fresh(case).holder == holder
    passed(case, holder)


def test_a_cell_redrawn_gives_away_what_it_no_longer_holds(accepted: Case, city: SimpleNamespace) -> None:
    first, second = city.cells[:2]
    change(first, shape=Polygon.from_bbox((town.LON, town.LAT, town.LON + 0.0003, town.LAT + town.STEP)))
    change(second, shape=Polygon.from_bbox((town.LON + 0.0003, town.LAT, town.LON + 0.002, town.LAT + town.STEP)))
    assert settled() == {}
    assert settled(ground=True) == {"relocated": [accepted.number]}
    assert fresh(accepted).cell == second


def test_a_beat_without_inspectors_gives_back_its_errands(city: SimpleNamespace, clock: Any) -> None:
    Policy.objects.filter(verb=Verb.ORDER_CHECK).delete()
    case = move(town.finish(town.report(city), city.hugo), Verb.ORDER_CHECK, city.carl)
    assert settled() == {}
    Beat.objects.get(code="B1").officers.clear()
    assert settled() == {"recalled": [case.number]}
    assert (fresh(case).stage, codes(last(case))) == (Stage.FEEDBACK, ["nobody_patrols", "limit_stage"])


def test_a_reopened_case_lies_where_its_point_does_now(city: SimpleNamespace, clock: Any) -> None:
    case = move(passed(town.finish(town.report(city), city.hugo), city.ivan), Verb.CLOSE, city.carl)
    half = split(city, case)
    assert settled(ground=True) == {}
    move(case, Verb.REOPEN, city.carl, note="又来")
    assert fresh(case).cell == half


def test_what_was_found_is_told_with_numbers(accepted: Case, city: SimpleNamespace) -> None:
    change(city.hugo, is_active=False)
    told = reorganising.settle(ground=False)
    assert told == [("released", f"1 件已签收的案卷解除承办，由责任单位重新签收：{accepted.number}")]
    assert handover.tend() == 0
    assert docket.retime() == 0
