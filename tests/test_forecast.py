"""Which open cases are likely to miss their limit, and what that is told from."""

from __future__ import annotations

from datetime import datetime, timedelta
from io import StringIO
from itertools import pairwise
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.utils.translation import override
from hypothesis import given
from hypothesis import strategies as st

from cases import backtest, forecast, nightly, outbox, pace, rulebook
from cases.clock import Limit, Unit
from cases.flow import Source, Stage, Verb
from cases.models import Case, CaseEvent, Outlook, Pace
from cases.pace import Curve
from grid.models import Officer

from . import acts
from . import city as town
from .acts import move

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
TWO_HOURS = 7200
QUICK, SLOW = 0.25, 0.75


@pytest.fixture(autouse=True)
def few(settings) -> None:
    """Four stints make a pace, and more than an even chance to be late is a risk."""
    settings.FORECAST_LEAST, settings.FORECAST_RISK = 4, 0.6


def past(
    city: SimpleNamespace, *shares: float, by: Officer | None = None, ago: timedelta = DAY, **said: object
) -> None:
    """Missing covers (two hours, day and night) that the department of `by` had, as the log tells of them.

    Each used so much of its limit; all were dispatched `ago` before the Monday of the tests.
    """
    by = by or city.hugo
    since = town.MONDAY - ago
    due_at = since + 2 * HOUR
    fields = {"clock": Unit.URGENT_HOUR, "allowed_s": TWO_HOURS, "department": by.department, "due_at": due_at} | said
    for share in shares:
        case = Case.objects.create(
            uuid=uuid4(),
            number=uuid4().hex[:20],
            digest=b"",
            source=Source.INSPECTOR,
            category=city.manhole,
            cell=city.cells[0],
            point=city.cells[0].shape.centroid,
            reported_at=since,
            stage=Stage.CHECK,
            entered_at=since,
        )
        done = {"verb": Verb.FINISH, "left": Stage.HANDLING, "entered": Stage.FEEDBACK, "since": since}
        CaseEvent.objects.create(case=case, cell=case.cell, at=since + share * 2 * HOUR, **done | fields)


def cover(city: SimpleNamespace) -> Case:
    """A missing cover reported now: the roads department has two hours."""
    return town.report(city, condition=city.missing.pk)


def foretold(case: Case, at: datetime) -> forecast.Forecast | None:
    return forecast.of(rulebook.current(), case, at)


def chance(case: Case, at: datetime = town.MONDAY) -> float | None:
    found = foretold(case, at)
    return found.chance if found else None


# The curve


@pytest.mark.parametrize(
    ("missed", "shares", "share", "expected"),
    [
        (0, [0.5] * 9, 0, 0.5 / 10),
        (3, [0.5] * 6, 0, 3.5 / 10),
        (3, [0.5] * 6, 0.49, 3.5 / 10),
        (3, [0.5] * 6, 0.5, 3.5 / 4),
        (0, [0.5] * 9, 0.6, 0.5),
        (2, [], 0.3, 2.5 / 3),
        (1, [0, 1], 0.5, 1.5 / 3),
        (0, [0.1] * 99, 1, 1),
        (5, [0.1] * 99, 1.7, 1),
    ],
)
def test_the_chance_is_missed_over_still_open(missed: int, shares: list[float], share: float, expected: float) -> None:
    assert Curve(missed, len(shares), pace.quantiles(shares)).chance(share) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("shares", "expected"),
    [([], []), ([0.3], [0.3] * 21), ([0, 1], [n / 20 for n in range(21)]), ([0.1 * n for n in range(21)], None)],
)
def test_quantiles_are_linear_between_two_facts(shares: list[float], expected: list[float] | None) -> None:
    assert pace.quantiles(shares) == pytest.approx(shares if expected is None else expected)


CURVES = st.builds(
    lambda missed, shares: Curve(missed, len(shares), pace.quantiles(sorted(shares))),
    st.integers(0, 50),
    st.lists(st.floats(0, 1), max_size=60),
)


@given(CURVES, st.lists(st.floats(0, 2), min_size=2, max_size=20))
def test_the_chance_never_falls_while_time_passes(curve: Curve, shares: list[float]) -> None:
    chances = [curve.chance(share) for share in sorted(shares)]
    assert all(before <= after + 1e-12 for before, after in pairwise(chances))
    assert all(0 < chance <= 1 for chance in chances)


@given(CURVES, st.floats(0.05, 1))
def test_risk_begins_where_the_chance_reaches_it(curve: Curve, risk: float) -> None:
    share = curve.risky_from(risk)
    if share is None:
        assert curve.chance(0.999999) < risk or pace.quantiles([1])[0] in curve.shares
        return
    assert curve.chance(share + 1e-9) >= risk - 1e-6
    assert share == 0 or curve.chance(share * (1 - 1e-6) - 1e-9) <= risk + 1e-6


def test_the_particular_goes_before_the_general() -> None:
    assert list(pace.keys([5, 1], 7, 8)) == [
        *((5, 7, 8), (5, 7, None), (1, 7, 8), (1, 7, None)),
        *((5, None, 8), (5, None, None), (1, None, 8), (1, None, None)),
    ]


@pytest.mark.parametrize(("at", "part"), [(0, 0), (7, 0), (8, 8), (11, 8), (12, 12), (17, 12), (18, 18), (23, 18)])
def test_the_day_has_four_parts(at: int, part: int) -> None:
    assert pace.hour(town.MONDAY.replace(hour=at, minute=59)) == part


# The recount


def test_a_pace_is_counted_from_the_log(city: SimpleNamespace, clock) -> None:
    past(city, 0.2, 0.4, 0.6, 0.8, 1.5)
    assert forecast.recount() == 4  # the sub-class and its major, of the department and of all
    row = Pace.objects.get(category=city.manhole, department=city.roads)
    assert (row.missed, row.timely, row.hour) == (1, 4, None)
    assert (row.shares[0], row.shares[10], row.shares[-1]) == pytest.approx((0.2, 0.5, 0.8))


def test_a_part_of_the_day_needs_more_facts(city: SimpleNamespace, clock) -> None:
    past(city, *[QUICK] * 11)
    assert (forecast.recount(), set(Pace.objects.values_list("hour", flat=True))) == (4, {None})
    past(city, QUICK, ago=DAY - timedelta(minutes=179))  # shortly before noon
    assert (forecast.recount(), set(Pace.objects.values_list("hour", flat=True))) == (8, {None, 8})


def test_work_time_is_measured_on_its_own_clock(city: SimpleNamespace, clock) -> None:
    """From a Friday at nine until Monday at nine: one of two working days."""
    friday = town.MONDAY - 10 * DAY
    said = {"clock": Unit.WORK_DAY, "allowed_s": 2 * 8 * 3600, "due_at": friday + 4 * DAY}
    past(city, 36, ago=10 * DAY, **said)
    (fact,) = forecast.stints(rulebook.current(), town.MONDAY - 30 * DAY, town.MONDAY)
    assert (fact.known_at, fact.share) == (friday + 3 * DAY, 0.5)


def test_to_recount_twice_is_the_same(city: SimpleNamespace, clock) -> None:
    def rows() -> list[tuple[Any, ...]]:
        names = ("category", "department", "hour", "missed", "timely", "shares")
        return sorted(Pace.objects.values_list(*names), key=str)

    past(city, 0.2, 0.4, 0.6, 0.8, 1.5)
    case = cover(city)
    nightly.run()
    before, outlooks = rows(), list(Outlook.objects.values_list("case", "risk_at"))
    assert before and outlooks[0][0] == case.pk
    nightly.run()
    assert (rows(), list(Outlook.objects.values_list("case", "risk_at"))) == (before, outlooks)


def test_what_is_long_past_and_what_is_today_does_not_count(city: SimpleNamespace, clock, settings) -> None:
    past(city, *[0.5] * 5, ago=(settings.FORECAST_DAYS + 1) * DAY)
    past(city, *[0.5] * 5, ago=HOUR)
    assert forecast.recount() == 0


def test_late_work_counts_before_it_is_done(city: SimpleNamespace, clock) -> None:
    """It was escalated after its due moment, and is still open: it was missed all the same, and once."""
    for verb in (Verb.ESCALATE, Verb.FINISH):
        past(city, *[2.0] * 4, verb=verb, entered=Stage.HANDLING)
    for event in CaseEvent.objects.filter(verb=Verb.ESCALATE):
        event.pk, event.key, event.at = None, None, event.at + HOUR
        event.save(force_insert=True)
    forecast.recount()
    assert Pace.objects.get(category=city.manhole, department=city.roads, hour=None).missed == 8


def test_what_was_shelved_or_declined_in_time_tells_nothing(city: SimpleNamespace, clock) -> None:
    past(city, *[0.5] * 5, verb=Verb.SHELVE, entered=Stage.SHELVED)
    past(city, *[0.5] * 5, verb=Verb.DECLINE, entered=Stage.DISPATCH)
    assert forecast.recount() == 0


# The forecast of a case


def test_with_few_facts_there_is_none_and_it_says_so(city: SimpleNamespace, clock) -> None:
    past(city, 1.5, 1.5, 1.5)
    case = cover(city)
    nightly.run()
    told = acts.seen(town.phone(city.hugo), case)["forecast"]
    assert told == {"chance": None, "at_risk": False, "basis": None, "says": "近 90 天同类案卷不足 4 件，不作预测。"}
    clock.shift(2 * HOUR - timedelta(seconds=1))
    assert listed(city.hugo, at_risk=True) == []


def test_a_department_s_own_pace_goes_before_the_city_s(city: SimpleNamespace, clock) -> None:
    past(city, *[QUICK] * 4)
    past(city, *[1.5] * 40, by=city.hana)
    forecast.recount()
    found = foretold(cover(city), town.MONDAY)
    assert found and found.chance == pytest.approx(0.5 / 5)
    assert (found.pace.department, found.pace.count) == (city.roads, 4)


def test_without_facts_of_its_own_it_is_told_from_all_departments(city: SimpleNamespace, clock) -> None:
    past(city, *[1.5] * 3, QUICK, by=city.hana, ago=DAY - 5 * HOUR)  # begun at two in the afternoon
    case = cover(city)
    nightly.run()
    told = acts.seen(town.phone(city.hugo), case)["forecast"]
    assert told["chance"] == pytest.approx(3.5 / 5)
    assert (told["basis"]["department"], told["basis"]["hours"], told["basis"]["count"]) == (None, None, 4)
    assert told["says"] == (
        "近 90 天，各责任单位不论何时接办的“上水井盖”案卷共 4 件；其中用时不少于本案目前用时的约 4 件，有 3 件超期。"
    )


def test_the_part_of_the_day_is_said(city: SimpleNamespace, clock) -> None:
    past(city, *[QUICK] * 10, 1.5, 1.5)
    case = cover(city)
    nightly.run()
    clock.shift(HOUR)
    told = acts.seen(town.phone(city.hugo, **{"Accept-Language": "en"}), case)["forecast"]
    assert told["chance"] == pytest.approx(2.5 / 3)
    assert (told["basis"]["hours"], told["basis"]["missed"], told["at_risk"]) == ([8, 12], 2, True)
    assert told["says"] == (
        "12 cases of “上水井盖” were given to roads between 8 and 12 o'clock in the last 90 days. "
        "About 2 of them took as long as this one has so far, and 2 missed their limit."
    )


def test_the_chance_of_a_case_never_falls_while_it_waits(city: SimpleNamespace, clock) -> None:
    past(city, *[n / 20 for n in range(20)], 1.5, 2, 3)
    forecast.recount()
    case = cover(city)
    chances = [chance(case, town.MONDAY + n * timedelta(minutes=7)) for n in range(25)]
    assert chances == sorted(chances)
    assert (chances[0], chances[-1]) == (pytest.approx(3.5 / 24), 1)


def test_only_what_is_handled_has_a_forecast(city: SimpleNamespace, clock) -> None:
    past(city, *[QUICK] * 4)
    case = cover(city)
    nightly.run()
    assert acts.seen(town.phone(city.hugo), case)["forecast"]["chance"]
    town.finish(case, city.hugo)
    assert acts.seen(town.phone(city.dora), case)["forecast"] is None


# At risk


def listed(officer: Officer, **terms: object) -> list[str]:
    said = {name: str(value).lower() for name, value in terms.items()} | {"view": "all"}
    answer = town.phone(officer).get(acts.CASES, said)
    assert answer.status_code == 200, answer.content
    return [line["number"] for line in answer.json()["items"]]


@pytest.fixture
def case(city: SimpleNamespace, clock) -> Case:
    """Of ten covers the slow half was done after three quarters of the limit, and three were late."""
    past(city, *[QUICK] * 5, *[SLOW] * 2, *[1.5] * 3)
    nightly.run()
    found = cover(city)
    outbox.drain()
    return found


def test_a_case_comes_to_be_at_risk_and_then_is_late(city: SimpleNamespace, case: Case, clock) -> None:
    risk_at = Outlook.objects.get(case=case).risk_at
    assert town.MONDAY < risk_at < town.MONDAY + 2 * HOUR
    for moment, at_risk in ((risk_at - timedelta(seconds=1), []), (risk_at, [case.number])):
        clock.move_to(moment)
        assert listed(city.hugo, at_risk=True) == at_risk
        assert acts.seen(town.phone(city.hugo), case)["forecast"]["at_risk"] is bool(at_risk)
    assert chance(case, risk_at) >= 0.6
    clock.move_to(case.due_at)
    assert (listed(city.hugo, at_risk=True), listed(city.hugo, late=True)) == ([case.number], [])
    clock.shift(timedelta(seconds=1))
    assert (listed(city.hugo, at_risk=True), listed(city.hugo, late=True)) == ([], [case.number])
    assert listed(city.hugo, at_risk=False) == [case.number]
    told = acts.seen(town.phone(city.hugo), case)["forecast"]
    assert (told["chance"], told["at_risk"]) == (1, False)


def test_other_departments_do_not_see_it_at_risk(city: SimpleNamespace, case: Case, clock) -> None:
    clock.shift(2 * HOUR - timedelta(seconds=1))
    assert (listed(city.hana, at_risk=True), listed(city.dora, at_risk=True)) == ([], [case.number])


def test_more_time_puts_the_risk_off(city: SimpleNamespace, case: Case, clock) -> None:
    before = Outlook.objects.get(case=case).risk_at
    clock.shift(HOUR)
    move(case, Verb.EXTEND, city.dora, note="缺配件", limit=Limit(2, Unit.URGENT_HOUR))
    outbox.drain()
    assert Outlook.objects.get(case=case).risk_at - town.MONDAY == 2 * (before - town.MONDAY)


def test_an_older_reckoning_does_not_count_for_a_new_stint(city: SimpleNamespace, case: Case, clock) -> None:
    """The worker has not yet come to it: better no warning than that of the stint before."""
    clock.shift(2 * HOUR - timedelta(seconds=1))
    assert listed(city.hugo, at_risk=True) == [case.number]
    town.finish(case, city.hugo)
    assert listed(city.dora, at_risk=True) == []
    move(case, Verb.REWORK, city.ivan, note="仍缺")
    assert listed(city.hugo, at_risk=True) == []
    outbox.drain()
    assert Outlook.objects.get(case=case).risk_at > Case.objects.get(pk=case.pk).entered_at


def test_what_is_no_longer_handled_is_forgotten_at_night(city: SimpleNamespace, case: Case, clock) -> None:
    town.finish(case, city.hugo)
    forecast.foresee_all()
    assert not Outlook.objects.exists()


def test_without_facts_nothing_is_kept(city: SimpleNamespace, case: Case, clock) -> None:
    clock.shift(365 * DAY)
    nightly.run()
    assert not Pace.objects.exists() and not Outlook.objects.exists()


def test_a_page_of_cases_at_risk_costs_no_more_statements(
    city: SimpleNamespace, case: Case, clock, django_assert_num_queries
) -> None:
    clock.shift(2 * HOUR - timedelta(seconds=1))
    phone = town.phone(city.dora)
    for terms in ({}, {"at_risk": "true"}):
        with django_assert_num_queries(4):  # session, officer, keys, rows
            assert phone.get(acts.CASES, {"view": "all", "stage": "handling", **terms}).json()["items"]


# How good it was


def test_the_score_knows_only_what_was_known_then(city: SimpleNamespace, clock) -> None:
    """Ten days ago all were in time, half of them slow; those of yesterday were late, which nobody knew half-way."""
    past(city, QUICK, QUICK, SLOW, SLOW, ago=10 * DAY)
    past(city, *[1.5] * 9, QUICK)
    day = (town.MONDAY - DAY).date()
    found = backtest.score(day, day)
    assert [met.missed for met in found.met] == [True] * 9
    assert {met.chance for met in found.met} == {0.5 / 3}
    assert {met.base for met in found.met} == {0.5 / 5}
    assert found.brier == pytest.approx((2.5 / 3) ** 2)
    assert (found.warned, [row[:2] for row in found.tenths()]) == ([], [(0.1, 9)])


def test_the_score_says_where_there_was_no_forecast(city: SimpleNamespace, clock) -> None:
    past(city, 1.5, 0.9)
    day = (town.MONDAY - DAY).date()
    assert [(met.chance, met.missed) for met in backtest.score(day, day).met] == [(None, False), (None, True)]
    assert "没有可评的预测" in scored()


def test_the_score_is_a_page(city: SimpleNamespace, clock, settings) -> None:
    settings.FORECAST_RISK = 0.5
    past(city, *[QUICK] * 3, *[1.5] * 3, ago=10 * DAY)
    past(city, *[1.5] * 3, 0.9)
    page = scored()
    assert "有预测 4 件，其中超期 3 件" in page
    assert "预警 4 件（概率不低于 50%），命中 3 (75%) 件；超期案卷中事先预警的占 100%" in page
    assert "| 80%–90% | 4 | 87.5% | 75.0% |" in page


def scored() -> str:
    said = StringIO()
    with override("zh-hans"):
        call_command("forecast_score", since=(town.MONDAY - DAY).date(), stdout=said)
    return said.getvalue()
