"""Every figure opens the cases behind it, and whatever happens, the figures hold together."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.db import connection, transaction
from django.db.models import Sum

from cases import docket, indicators, nightly, outbox, tally
from cases.behind import Figure
from cases.flow import Facts, Verb
from cases.metrics import METRIC
from cases.models import Basis, Case, Tally

from . import city as town
from .histories import days, whole


def test_an_exempted_case_does_not_vanish(city: SimpleNamespace, clock) -> None:
    case = town.report(city)
    clock.move_to(town.MONDAY + timedelta(days=3))
    town.finish(case, city.hugo)
    case.refresh_from_db()
    docket.move(case.uuid, Verb.PASS, by=case.holder or city.ivan, facts=town.shown(city.ivan, "near"))
    docket.move(case.uuid, Verb.CLOSE, by=city.carl)
    outbox.drain()
    since, until = days()
    due = Figure(("on_time", "overdue"), "department", city.roads.pk, since, until)
    assert [(each.metric, each.exempt, str(each.day)) for each in whole(due, city.lena)] == [
        ("overdue", False, "2026-03-04")
    ]
    docket.move(case.uuid, Verb.ASK, by=city.hugo, facts=Facts(asks=Verb.EXEMPT, note="断路"))
    docket.move(case.uuid, Verb.EXEMPT, by=city.sina, facts=Facts(note="属实"))
    outbox.drain()
    figures = indicators.figures("department", since, until)[city.roads.pk]
    assert (figures["overdue"], figures["exempt"], figures.due) == (1, 1, 0)
    assert [(each.metric, each.exempt) for each in whole(due, city.lena)] == [("overdue", True)]


def test_nobody_is_shown_what_he_may_not_see(city: SimpleNamespace, clock) -> None:
    town.report(city)
    town.report(city, lon=town.LON + 3.5 * town.STEP, by=city.ines)
    outbox.drain()
    figure = Figure(("reports",), "city", 0, *days())
    assert len(whole(figure, city.lena)) == 2
    assert [each.event.case.reporter for each in whole(figure, city.ivan)] == [city.ann]
    assert whole(figure, city.hana) == []


def test_a_promise_broken_counts_from_the_next_day_until_it_is_closed(city: SimpleNamespace, clock) -> None:
    case = town.report(city)
    outbox.drain()
    promised = Case.objects.get(pk=case.pk).promise_at
    assert promised

    def unclosed() -> dict[str, int]:
        rows = Tally.objects.filter(basis=Basis.FLOW, unclosed__gt=0).values_list("day", "unclosed")
        return {str(day): n for day, n in rows}

    clock.move_to(promised + timedelta(hours=1))
    assert (tally.night(), unclosed()) == (0, {})
    clock.move_to(promised + timedelta(days=1))
    assert tally.night() == 2  # flow and cohort
    assert unclosed() == {"2026-03-04": 1}
    assert tally.night() == 0
    town.finish(case, city.hugo)
    docket.move(case.uuid, Verb.PASS, by=city.ivan, facts=town.shown(city.ivan, "near"))
    docket.move(case.uuid, Verb.CLOSE, by=city.carl)
    outbox.drain()
    assert unclosed() == {}
    city_wide = indicators.figures("city", *days())[0]
    assert (city_wide["closed"], city_wide["closed_on_time"], city_wide["unclosed"]) == (1, 0, 0)


def test_flow_and_cohort_differ_by_the_day(city: SimpleNamespace, clock) -> None:
    case = town.report(city)
    clock.move_to(town.MONDAY + timedelta(days=1))
    town.finish(case, city.hugo)
    outbox.drain()
    done = {
        basis: {str(day): n for day, n in Tally.objects.filter(basis=basis, finished=1).values_list("day", "finished")}
        for basis in Basis.values
    }
    assert done == {"flow": {"2026-03-03": 1}, "cohort": {"2026-03-02": 1}}


def test_a_voided_case_was_not_filed_rightly(city: SimpleNamespace, clock) -> None:
    case = town.report(city)
    outbox.drain()
    clock.move_to(town.MONDAY + timedelta(days=2))
    docket.move(case.uuid, Verb.VOID, by=city.sina, facts=Facts(note="重复"))
    outbox.drain()
    filed = indicators.figures("city", town.MONDAY.date(), town.MONDAY.date())[0]
    assert (filed["filed"], filed["filed_rightly"], filed["void"]) == (1, 0, 0)


def test_who_is_sent_to_another_department_was_not_dispatched_rightly(city: SimpleNamespace, clock) -> None:
    case = town.report(city)
    outbox.drain()
    clock.shift(timedelta(hours=1))
    docket.move(case.uuid, Verb.DECLINE, by=city.dora, facts=Facts(note="不属"))
    outbox.drain()
    assert indicators.figures("city", *days())[0]["dispatched_rightly"] == 1  # it may come back to the same
    docket.move(case.uuid, Verb.DISPATCH, by=city.dora, facts=Facts(department=city.parks.pk))
    outbox.drain()
    counts = indicators.figures("department", *days(), tree=False)
    rightly = [(counts[row.pk]["dispatched"], counts[row.pk]["dispatched_rightly"]) for row in (city.roads, city.parks)]
    assert rightly == [(1, 0), (1, 1)]


def test_help_is_its_department_s_work_and_no_case_more(city: SimpleNamespace, clock) -> None:
    case = town.report(city)
    docket.move(case.uuid, Verb.ASSIST, by=city.dora, facts=Facts(department=city.parks.pk, note="修剪"))
    child = Case.objects.get(parent=case)
    for one, by in ((child, city.hana), (case, city.hugo)):
        clock.shift(timedelta(minutes=10))
        town.finish(one, by)
        one.refresh_from_db()
        checker = one.holder or city.ivan
        docket.move(one.uuid, Verb.PASS, by=checker, facts=town.shown(checker, "near"))
        docket.move(one.uuid, Verb.CLOSE, by=city.carl)
    outbox.drain()
    whole = indicators.figures("city", *days())[0]
    assert (whole["reports"], whole["filed"], whole["closed"], whole["closed_on_time"]) == (1, 1, 1, 1)
    assert (whole["dispatched"], whole["finished"], whole["on_time"]) == (2, 2, 2)
    assert indicators.figures("department", *days(), tree=False)[city.parks.pk]["on_time"] == 1
    assert tally.rebuild(*days()) == 0


def test_a_check_taken_back_was_not_made(city: SimpleNamespace, clock) -> None:
    case = town.report(city)
    town.finish(case, city.hugo)
    docket.move(case.uuid, Verb.RECALL, by=city.carl, facts=Facts(note="换人"))
    docket.move(case.uuid, Verb.ORDER_CHECK, by=city.carl, facts=Facts())
    outbox.drain()
    counts = indicators.figures("city", *days())[0]
    assert (counts["check_orders"], counts["check_in_time"], counts["check_late"]) == (2, 0, 0)


def test_a_count_costs_what_its_unit_holds(city: SimpleNamespace, clock, django_assert_num_queries) -> None:
    town.report(city)
    outbox.drain()
    first = Case.objects.get()
    unit = (first.cell_id, town.MONDAY.date(), Basis.FLOW)
    with django_assert_num_queries(5):  # the lock, what is unclosed, the recount; and the transaction
        assert counted(unit) == 0
    Tally.objects.filter(reports=1, basis=Basis.FLOW).update(reports=2)
    with django_assert_num_queries(14):  # four kinds of totals, the parents of cells and areas, and three levels
        assert counted(unit) == 1


def test_a_count_finds_its_lines_by_index(city: SimpleNamespace, clock) -> None:
    unit = (city.cells[0].pk, town.MONDAY.date(), Basis.FLOW)
    with connection.cursor() as cursor:
        # In tables this small the planner takes whichever; without the others it is these, or none that serves.
        cursor.execute("DROP INDEX event_bucket, event_overdue; SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN {tally.RECOUNT}", tally.said([unit]))
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "using event_in_cell" in plan and "using event_late_in_cell" in plan


def test_the_night_repairs_and_alarms(city: SimpleNamespace, clock, caplog: pytest.LogCaptureFixture) -> None:
    town.report(city)
    outbox.drain()
    clock.move_to(town.MONDAY + timedelta(days=1))
    nightly.run()
    assert "were wrong" not in caplog.text
    Tally.objects.filter(reports=1).update(reports=3)
    nightly.run()
    assert "the figures of 2026-03-02 were wrong in 2 units" in caplog.text
    assert indicators.figures("city", *days())[0]["reports"] == 1


@transaction.atomic
def counted(unit: tally.Unit) -> int:
    return tally.count({unit})


def test_every_metric_has_both_names() -> None:
    assert all(metric.name and metric.name_en for metric in METRIC.values())
    assert len({metric.name for metric in METRIC.values()}) == len(METRIC)
    assert Tally.objects.none().aggregate(n=Sum("reports")) == {"n": None}
