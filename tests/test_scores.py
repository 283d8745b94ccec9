"""What figures are worth: weights, bands, grades, and what is published."""

from __future__ import annotations

import json
from datetime import date
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings
from django.db import IntegrityError, transaction
from hypothesis import given
from hypothesis import strategies as st

from cases import evaluation, outbox, periods
from cases.flow import Refused
from cases.indicators import Figures
from cases.loading import evaluation as loading
from cases.loading.reading import NotLoaded
from cases.models import Publication, Result, Scheme
from cases.scores import Band, Item, Plan, Rate, Sum, Unfit, plan, ranks, shown

from . import city as town

FOLDER = Path(settings.BASE_DIR) / "fixtures/evaluation"
SCHEMES = {said["code"]: said for said in json.loads((FOLDER / "schemes.json").read_text(encoding="utf-8"))}
GRADES = [["A", 90, "green"], ["B", 75, "blue"], ["C", 60, "yellow"], ["D", 40, "red"], ["E", 0, "black"]]


def rates() -> dict[str, Rate]:
    return {row.code: row.rate for row in loading.dictionary(FOLDER)}


def sample(code: str) -> Plan:
    return plan(SCHEMES[code], rates())


def points(code: str, figures: dict[str, int], region_class: str = "") -> Fraction | None:
    return sample(code).score(Figures(figures), region_class).points


def single(*bands: Any) -> Plan:
    return plan({"items": [{"indicator": "filed_count", "weight": 100, "bands": bands}], "grades": GRADES}, rates())


# Formulas


def test_higher_is_better_is_not_turned_round() -> None:
    """Closing everything on time is the best, not the worst (a system we read had 100 − rate)."""
    quiet = {"filed": 2, "closed": 10, "closed_on_time": 10}
    assert points("street", quiet) == 100
    assert points("street", quiet | {"closed_on_time": 0}) == 60


@pytest.mark.parametrize("code", SCHEMES)
def test_the_weights_of_each_scheme_are_a_whole(code: str) -> None:
    """Those of the regions were 70 % together there."""
    assert sum(item.weight for item in sample(code).items) == 100


def test_missing_less_is_better() -> None:
    """40 % × 1 + 20 % × (1 − 1/4) + 20 % × 1/2 + 20 % × 1 = 85: the missed rate is not added there."""
    seen = {"reports": 3, "valid": 3, "missed": 1, "verify_in_time": 1, "verify_late": 1, "check_in_time": 5}
    assert points("inspector", seen) == 85


def test_a_clerk_s_checks_and_verifications_are_two_things() -> None:
    """25 % × 40 + 40 % × 100 + 35 % × 0 = 50: verification was used twice there."""
    clerk = {"accepted": 150, "verify_orders": 4, "verify_orders_in_time": 4, "check_orders": 3}
    assert points("clerk", clerk) == 50


def test_a_shift_leader_files_and_closes() -> None:
    """25 % × 1/2 + 40 % × 3/4 + 35 % × 1 = 77.5: the closing rate stood for the filing rate there."""
    leader = {"filed": 4, "filed_in_time": 2, "filed_rightly": 3, "closed": 5, "closing_in_time": 5}
    assert points("shift_leader", leader) == Fraction("77.5")


def test_a_count_is_worth_its_band_not_itself() -> None:
    """20 % × 60 + 40 % + 40 % = 92 for 400 dispatched: 400 × 0.2 was added there."""
    busy = {"dispatched": 400, "dispatched_in_time": 400, "dispatched_rightly": 400}
    assert points("dispatcher", busy) == 92


DEPARTMENT = ((0, 100), (50, 100), (51, 90), (100, 90), (101, 75), (200, 75), (201, 60), (500, 60), (501, 40))
POST = (
    (100, 0),
    (101, 40),
    (300, 40),
    (301, 60),
    (500, 60),
    (501, 75),
    (1200, 75),
    (1201, 90),
    (2000, 90),
    (2001, 100),
)
ONE = ((0, 100), (1, 90), (2, 90), (3, 75), (4, 75), (5, 60), (6, 60), (7, 40), (8, 40), (9, 0), (99, 0))
TWO = ((0, 100), (1, 90), (3, 90), (4, 75), (5, 75), (6, 60), (7, 60), (8, 40), (9, 40), (10, 0), (99, 0))


@pytest.mark.parametrize(
    ("code", "region_class", "bounds"),
    [
        ("department", "", (*DEPARTMENT, (1000, 40), (1001, 0))),
        ("clerk", "", POST),
        ("dispatcher", "", POST),
        ("cell", "", ONE),
        ("cell", "1", ONE),
        ("cell", "2", TWO),
    ],
)
def test_each_bound_belongs_to_one_band(code: str, region_class: str, bounds: tuple[tuple[int, int], ...]) -> None:
    """Bounds were in two bands there."""
    item = next(item for item in sample(code).items if item.bands)
    ((_sign, metric),) = item.rate.numerator.parts
    assert [(n, item.points(Figures({metric: n}), region_class)) for n, _points in bounds] == list(bounds)


@given(st.integers(0, 5000))
def test_every_count_has_one_band(count: int) -> None:
    for code in SCHEMES:
        for item in sample(code).items:
            for bands in item.bands.values():
                fitting = [b for b in bands if b.low <= count and (b.high is None or count <= b.high)]
                assert len(fitting) == 1


def test_a_difference_below_nought_is_none() -> None:
    """Buck-passing counts on the day of the refusal, the decline on its own: the difference of a month may be -1."""
    difference = Sum("declines - passed")
    count = Rate("kept", difference, None, higher=False)
    assert Item(count, Fraction(100), {"": (Band(0, None, Fraction(80)),)}).points(Figures(passed=1)) == 80
    assert Rate("share", difference, Sum("dispatched"), higher=False).of(Figures(passed=1, dispatched=2)) == 0
    assert Rate("share", Sum("dispatched"), difference, higher=True).of(Figures(passed=1, dispatched=2)) is None


# What cannot be rated


def test_nothing_to_rate_is_not_nought_percent() -> None:
    """Nothing was sent back and nothing was due: half of the weight is left, and shared."""
    score = sample("department").score(Figures({"dispatched": 60, "closed": 1, "unclosed": 1}))
    assert [(line.points, line.weight) for line in score.lines] == [(90, 25), (50, 75), (None, 0), (None, 0)]
    assert score.points == Fraction(90 * 25 + 50 * 75, 100) == 60
    assert score.grade and score.grade.letter == "C"


def test_where_nothing_happened_there_is_no_score() -> None:
    score = sample("department").score(Figures())
    assert (score.points, score.grade) == (None, None)


def test_a_count_alone_is_no_score_where_rates_are_asked_too() -> None:
    score = sample("department").score(Figures({"dispatched": 1}))
    assert (score.points, score.grade, {line.weight for line in score.lines}) == (None, None, {0})
    assert single([0, None, 80]).score(Figures({"filed": 1})).points == 80


def test_a_rate_of_other_periods_stays_between_0_and_100() -> None:
    assert points("department", {"dispatched": 1, "finished": 1, "rework": 3, "closed": 1, "on_time": 1}) == 70


# Grades


@pytest.mark.parametrize(
    ("figures", "letter"),
    [((90, 100), "A"), ((899, 1000), "B"), ((75, 100), "B"), ((749, 1000), "C"), ((60, 100), "C"), ((40, 100), "D")],
)
def test_a_bound_is_compared_unrounded(figures: tuple[int, int], letter: str) -> None:
    part, whole = figures
    said = {"items": [{"indicator": "close_rate", "weight": 100}], "grades": GRADES}
    score = plan(said, rates()).score(Figures({"closed": part, "unclosed": whole - part}))
    assert score.grade and score.grade.letter == letter


def test_89_999_is_not_an_a() -> None:
    said = {"items": [{"indicator": "close_rate", "weight": 100}], "grades": GRADES}
    score = plan(said, rates()).score(Figures({"closed": 89_999, "unclosed": 10_001}))
    assert (shown(score.points or Fraction(0)), score.grade and score.grade.letter) == (90.0, "B")


def test_who_has_the_same_shares_the_place() -> None:
    assert ranks({1: Fraction(90), 2: Fraction(80), 3: Fraction(90), 4: None, 5: Fraction(70)}) == {
        1: 1,
        3: 1,
        2: 3,
        5: 4,
    }


# What is refused


@pytest.mark.parametrize(
    ("bands", "code"),
    [
        ([[0, 5, 100], [5, None, 0]], "bands_gap"),
        ([[0, 5, 100], [7, None, 0]], "bands_gap"),
        ([[1, 5, 100], [6, None, 0]], "bands_open"),
        ([[0, 5, 100], [6, 9, 0]], "bands_open"),
        ([[0, None, 101]], "bands_unfit"),
        ([], "bands_unfit"),
        ([[0.5, None, 0]], "scheme_unread"),
        ([[0, float("inf"), 0]], "scheme_unread"),
    ],
)
def test_bands_with_holes_are_refused(bands: list[Any], code: str) -> None:
    with pytest.raises(Unfit) as unfit:
        single(*bands)
    assert unfit.value.code == code


@pytest.mark.parametrize(
    ("items", "code"),
    [
        ([("close_rate", 70)], "weights_unfit"),
        ([("close_rate", 60), ("close_on_time", 41)], "weights_unfit"),
        ([("close_rate", 0), ("close_on_time", 100)], "weight_unfit"),
        ([("filed_count", 100)], "bands_unfit"),
        ([("nothing", 100)], "indicator_unknown"),
    ],
)
def test_weights_that_make_no_whole_are_refused(items: list[tuple[str, int]], code: str) -> None:
    with pytest.raises(Unfit) as unfit:
        plan({"items": [{"indicator": name, "weight": n} for name, n in items], "grades": GRADES}, rates())
    assert unfit.value.code == code


def test_thirds_of_a_hundred_are_a_whole() -> None:
    items = [("close_rate", 33.3), ("close_on_time", 33.3), ("rework_rate", 33.4)]
    assert plan({"items": [{"indicator": name, "weight": n} for name, n in items], "grades": GRADES}, rates())


@pytest.mark.parametrize("grades", [[], GRADES[:-1], GRADES[::-1], [*GRADES, ["F", 0, "black"]]])
def test_grades_that_leave_a_hole_are_refused(grades: list[Any]) -> None:
    with pytest.raises(Unfit, match="等级"):
        plan({"items": [{"indicator": "close_rate", "weight": 100}], "grades": grades}, rates())


@pytest.mark.parametrize(
    ("text", "code"), [("a +", "sum_unread"), ("closed * 2", "sum_unread"), ("x", "metric_unknown")]
)
def test_a_formula_that_is_none_is_refused(text: str, code: str) -> None:
    with pytest.raises(Unfit) as unfit:
        Sum(text)
    assert unfit.value.code == code


# Periods


@pytest.mark.parametrize(
    ("span", "day", "since", "until", "before", "last_year"),
    [
        ("day", "2028-02-29", "2028-02-29", "2028-02-29", "2028-02-28", "2027-02-28"),
        ("week", "2026-03-04", "2026-03-02", "2026-03-08", "2026-02-23", "2025-03-03"),
        ("week", "2026-12-31", "2026-12-28", "2027-01-03", "2026-12-21", "2025-12-22"),
        ("month", "2026-03-31", "2026-03-01", "2026-03-31", "2026-02-01", "2025-03-01"),
        ("quarter", "2026-02-10", "2026-01-01", "2026-03-31", "2025-10-01", "2025-01-01"),
        ("half", "2026-08-01", "2026-07-01", "2026-12-31", "2026-01-01", "2025-07-01"),
        ("year", "2026-08-01", "2026-01-01", "2026-12-31", "2025-01-01", "2025-01-01"),
    ],
)
def test_periods(span: str, day: str, since: str, until: str, before: str, last_year: str) -> None:
    period = periods.of(span, date.fromisoformat(day))
    assert (str(period.since), str(period.until)) == (since, until)
    assert (str(period.before.since), str(period.last_year.since)) == (before, last_year)


# Schemes as rows, and what is published


@pytest.fixture
def loaded(city: SimpleNamespace) -> SimpleNamespace:
    loading.load(FOLDER)
    return city


def test_a_version_is_never_changed(loaded: SimpleNamespace, tmp_path: Path) -> None:
    (tmp_path / "indicators.csv").write_bytes((FOLDER / "indicators.csv").read_bytes())
    said = SCHEMES["street"] | {"valid_from": "2026-01-01"}
    (tmp_path / "schemes.json").write_text(json.dumps([said]), encoding="utf-8")
    with pytest.raises(NotLoaded, match="版本"):
        loading.load(tmp_path)
    (tmp_path / "schemes.json").write_text(json.dumps([said | {"version": 2}]), encoding="utf-8")
    assert loading.load(tmp_path)["schemes.json"].added == 1
    assert [evaluation.in_force("street", date(year, 6, 1)).version for year in (2025, 2026)] == [1, 2]
    with pytest.raises(IntegrityError), transaction.atomic():
        Scheme.objects.filter(code="street", version=1).update(valid_from="2020-01-01")


def test_who_is_gone_stands_where_he_worked(loaded: SimpleNamespace, clock) -> None:
    """A department closed in April is judged by its March, and by no April."""
    town.report(loaded)
    outbox.drain()
    loaded.roads.closed_on = date(2026, 4, 1)
    loaded.roads.save(update_fields=["closed_on"])
    scheme = Scheme.objects.get(code="department")
    for month, judged in ((3, True), (4, False)):
        period = periods.of("month", date(2026, month, 1))
        rows = evaluation.standings(scheme, period.since, period.until)
        assert ("roads" in {row.subject.code for row in rows}) is judged
        assert "works" in {row.subject.code for row in rows}


def test_what_is_published_stays(loaded: SimpleNamespace, clock) -> None:
    case = town.report(loaded)
    outbox.drain()
    scheme, march = Scheme.objects.get(code="department"), periods.of("month", town.MONDAY.date())
    with pytest.raises(Refused, match="尚未结束"):
        evaluation.publish(scheme, march, loaded.lena)
    clock.move_to(town.MONDAY.replace(month=4))
    first = evaluation.publish(scheme, march, loaded.lena)
    roads = first.results.get(subject=loaded.roads.pk)
    assert (first.revision, roads.figures, roads.grade) == (0, {"dispatched": 1}, "")
    assert evaluation.drift(first) == []
    town.finish(case, loaded.hugo)
    outbox.drain()
    assert {each.result.code for each in evaluation.drift(first)} == {"roads", "works"}
    with pytest.raises(Refused, match="已经发布"):
        evaluation.publish(scheme, march, loaded.lena)
    second = evaluation.publish(scheme, march, loaded.lena, reason="补计超期")
    assert (second.revision, second.reason) == (1, "补计超期")
    assert second.results.get(subject=loaded.roads.pk).figures == {"dispatched": 1, "overdue": 1, "unclosed": 1}
    assert first.results.get(subject=loaded.roads.pk).figures == {"dispatched": 1}


@pytest.mark.parametrize("rows", [Publication, Result])
def test_the_database_refuses_to_change_it(rows: Any, loaded: SimpleNamespace, clock) -> None:
    clock.move_to(town.MONDAY.replace(month=4))
    made = evaluation.publish(Scheme.objects.get(code="street"), periods.of("month", town.MONDAY.date()), loaded.lena)
    assert made.results.count() == 1
    field = {"reason": "…"} if rows is Publication else {"grade": "A"}
    for act in (lambda: rows.objects.update(**field), lambda: rows.objects.all()._raw_delete("default")):
        with pytest.raises(IntegrityError, match="published"), transaction.atomic():
            act()
