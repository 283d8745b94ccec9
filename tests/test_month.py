"""What the product says of a month that was done by hand; the month is lived once for all tests here."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import time_machine
from django.conf import settings

from cases import evaluation, indicators, tally
from cases.loading import evaluation as loading
from cases.models import Basis, Scheme, Tally, Total
from grid.models import Department

from . import city as town
from .month import ROADS, STATS, figures, live, moment

MARCH = {"from": "2026-03-01", "to": "2026-03-31"}


@pytest.fixture(scope="module")
def lived(for_all_here: None) -> Iterator[SimpleNamespace]:
    with time_machine.travel(town.MONDAY, tick=False) as clock:
        city = town.build()
        city.cases = live(city, clock)
        yield city


@pytest.fixture
def march(lived: SimpleNamespace, db: None) -> SimpleNamespace:
    return lived


def test_the_endpoint_adds_the_month_up(march: SimpleNamespace) -> None:
    filed, finished, on_time, overdue, rework, closed = (sum(column) for column in zip(*ROADS.values(), strict=True))
    assert (filed, finished, on_time, overdue, rework, closed) == (14, 14, 10, 6, 2, 8)
    told = figures(town.phone(march.lena), **MARCH)
    assert list(told) == ["园林所", "市政所"]  # by code
    assert (
        told["市政所"]
        | {
            "filed": 14,
            "finished": 14,
            "on_time": 10,
            "overdue": 6,
            "due": 16,
            "on_time_rate": 10 / 16,
            "rework": 2,
            "rework_rate": 2 / 14,
            "closed": 8,
        }
        == told["市政所"]
    )


# All of the city's, and of these the roads department's. Promised is the due moment and 1:45 for check and closing.
WHOLE = {
    "reports": (14, 0),
    "valid": (14, 0),
    "filed": (14, 0),
    "filed_in_time": (14, 0),
    "filed_rightly": (13, 0),  # `vain` was voided
    "tips": (2, 0),
    "void": (1, 1),
    "dispatched": (15, 14),  # `other` twice
    "dispatched_in_time": (14, 14),  # `other` waited for half an hour after it was declined
    "dispatched_rightly": (14, 13),
    "finished": (15, 14),
    "on_time": (11, 10),
    "overdue": (6, 6),
    "rework": (2, 2),
    "declines": (1, 1),
    "extensions": (1, 1),
    "shelved": (2, 2),
    "reopened": (3, 3),  # `again`, `ring`, `mute`
    "check_in_time": (1, 1),  # within half an hour: `again`, the second time
    "check_late": (14, 13),  # all others that were finished
    "closed": (8, 8),
    "closed_on_time": (6, 6),  # `prompt`, `mute`, and `again` and `ring` twice
    "unclosed": (6, 5),  # `left`, `night`, `shelf`, `mercy`, `limbo`; and `other`, of the parks
    "contacts_due": (2, 2),
    "contacted": (1, 1),  # `ring`
    "to_call": (3, 3),  # `ring` twice, `mute`
    "called_back": (3, 3),
    "solved": (2, 2),  # `mute`, and `ring` the second time
    "satisfied": (1, 1),  # `ring` the second time, once the slip was mended
    "rechecked": (2, 2),
    "recheck_failed": (1, 1),  # `mute`
}


def test_the_whole_month_by_hand(march: SimpleNamespace) -> None:
    """10 % × 100 + 30 % × 8/13 + 30 % × 10/16 + 30 % × (1 − 2/14) = 72.93: a C. What callers say: 10 % × 1/2 + 45 % ×
    2/3 + 45 % × 1/3 = 50: a D."""
    loading.load(Path(settings.BASE_DIR) / "fixtures/evaluation")
    days = (date(2026, 3, 1), date(2026, 3, 31))
    whole = indicators.figures("city", *days)[0]
    roads = indicators.figures("department", *days)[march.roads.pk]
    assert {code: (whole[code], roads[code]) for code in WHOLE} == WHOLE
    points = 10 + 30 * Fraction(8, 13) + 30 * Fraction(10, 16) + 30 * (1 - Fraction(2, 14))
    assert judged("department", march.roads, days) == (points, "C")
    assert judged("callers", march.roads, days) == (50, "D")
    assert judged("callers", march.parks, days) == (None, None)  # nobody called about what is theirs
    rates = {code: rate.of(roads) for code, rate in evaluation.rates().items()}
    thirds = {"solve_rate": Fraction(2, 3), "satisfy_rate": Fraction(1, 3), "call_rate": 1}
    halves = {"contact_on_time": Fraction(1, 2), "recheck_holds": Fraction(1, 2)}
    assert rates == rates | thirds | halves
    checker = indicators.figures("officer", *days)[march.ivan.pk]
    assert (checker["rechecked"], checker["recheck_failed"]) == (2, 1)


def judged(scheme: str, department: Department, days: tuple[date, date]) -> tuple[Fraction | None, str | None]:
    """A department's points and grade."""
    rows = evaluation.standings(Scheme.objects.get(code=scheme), *days)
    score = next(row.score for row in rows if row.subject.pk == department.pk)
    return score.points, score.grade and score.grade.letter


def test_a_stint_counts_once_whatever_befalls_it(march: SimpleNamespace) -> None:
    """`mercy` was extended and `limbo` shelved after they were overdue: each is overdue once, and never in time."""
    told = figures(town.phone(march.lena), **{"from": "2026-03-25", "to": "2026-03-27"})["市政所"]
    assert (told["overdue"], told["on_time"], told["due"]) == (2, 2, 4)  # in time: `shelf`, `mute`


def test_some_days_of_it(march: SimpleNamespace) -> None:
    lena = town.phone(march.lena)
    assert figures(lena, **{"from": "2026-03-12", "to": "2026-03-12"})["市政所"]["finished"] == 1
    assert figures(lena, **{"from": "2026-03-07", "to": "2026-03-08"}) == {}
    this_month = lena.get(STATS).json()
    assert (this_month["since"], this_month["until"]) == ("2026-03-01", "2026-03-31")


def test_nothing_due_is_not_nought_percent(march: SimpleNamespace) -> None:
    told = figures(town.phone(march.lena), **{"from": "2026-03-31", "to": "2026-03-31"})["市政所"]
    assert (told["filed"], told["due"], told["on_time_rate"], told["rework_rate"]) == (1, 0, None, None)


# Counted again


def everything() -> list[tuple[Any, ...]]:
    return sorted([*Tally.objects.values_list(), *Total.objects.values_list()], key=str)


def test_counting_again_changes_nothing(march: SimpleNamespace) -> None:
    cases = march.cases
    before = everything()
    for case in cases.values():
        tally.recount([event for event in case.events.all() if tally.touches(event)])
    assert everything() == before
    assert tally.rebuild(date(2026, 3, 1), date(2026, 3, 31)) == 0


def test_what_was_never_counted_is_found(march: SimpleNamespace) -> None:
    before = everything()
    Tally.objects.all().delete()
    assert tally.rebuild(date(2026, 3, 1), date(2026, 3, 31)) > 0
    assert everything() == before


@pytest.mark.parametrize("wrong", [-1, 1, 9])
def test_a_wrong_figure_is_repaired_and_reported(wrong: int, march: SimpleNamespace) -> None:
    before = everything()
    row = {"cell": march.cells[0].pk, "basis": Basis.FLOW, "category": march.manhole.pk, "source": "inspector"}
    finished = Tally.objects.filter(day=date(2026, 3, 9), department=march.roads.pk, finished=1)
    assert finished.update(finished=1 + wrong) == 1
    Tally.objects.create(day=date(2026, 3, 8), department=march.parks.pk, closed=4, **row)  # nothing happened
    days = (date(2026, 3, 1), date(2026, 3, 31))
    assert (tally.rebuild(*days), tally.rebuild(*days)) == (2, 0)
    assert everything() == before


def test_figures_cost_the_same_for_a_day_and_a_year(march: SimpleNamespace, django_assert_num_queries) -> None:
    lena = town.phone(march.lena)
    for since in ("2026-03-31", "2025-04-01"):
        with django_assert_num_queries(4):  # session, officer, sums, names
            figures(lena, **{"from": since, "to": "2026-03-31"})
    assert town.MONDAY + timedelta(days=29, hours=7) == moment("31", "16:00")
