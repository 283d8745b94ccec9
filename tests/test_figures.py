"""Closures count: a month done by hand, and the product's figures beside it."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from cases import docket, evaluation, indicators, outbox, tally
from cases.flow import Purpose, Verb
from cases.indicators import series
from cases.loading import evaluation as loading
from cases.models import Basis, Scheme, Tally, Total
from grid.models import Department
from mobile_api.api import api

from . import acts
from . import city as town
from .month import METRICS, PARKS, ROADS, live, moment

STATS = "/api/mobile/v1/stats/departments"
MARCH = {"from": "2026-03-01", "to": "2026-03-31"}


def counted(department: Department) -> dict[int, tuple[int, ...]]:
    """What the product counted in March, as the tables above say it."""
    days = series(
        "department", date(2026, 3, 1), date(2026, 3, 31), subjects=[department.pk], tree=False, codes=METRICS
    )
    return {day.day: tuple(row[code] for code in METRICS) for day, row in sorted(days.get(department.pk, {}).items())}


def figures(phone: Client, **days: str) -> dict[str, dict[str, Any]]:
    """The endpoint's figures by the name of the department."""
    answer = phone.get(STATS, days)
    assert answer.status_code == 200, answer.content
    return {item.pop("department")["name"]: item for item in answer.json()["items"]}


# The month


@pytest.mark.parametrize("drain_each", [True, False], ids=["as it goes", "all at the end"])
def test_the_month_equals_the_table(drain_each: bool, city: SimpleNamespace, clock) -> None:
    live(city, clock, drain_each=drain_each)
    assert counted(city.roads) == ROADS
    assert counted(city.parks) == PARKS
    assert set(Tally.objects.values_list("department", flat=True)) == {0, city.roads.pk, city.parks.pk}


def test_the_endpoint_adds_the_month_up(city: SimpleNamespace, clock) -> None:
    live(city, clock)
    filed, finished, on_time, overdue, rework, closed = (sum(column) for column in zip(*ROADS.values(), strict=True))
    assert (filed, finished, on_time, overdue, rework, closed) == (14, 14, 10, 6, 2, 8)
    told = figures(town.phone(city.lena), **MARCH)
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


def test_the_whole_month_by_hand(city: SimpleNamespace, clock) -> None:
    """10 % × 100 + 30 % × 8/13 + 30 % × 10/16 + 30 % × (1 − 2/14) = 72.93: a C. What callers say: 10 % × 1/2 + 45 % ×
    2/3 + 45 % × 1/3 = 50: a D."""
    loading.load(Path(settings.BASE_DIR) / "fixtures/evaluation")
    live(city, clock)
    days = (date(2026, 3, 1), date(2026, 3, 31))
    whole = indicators.figures("city", *days)[0]
    roads = indicators.figures("department", *days)[city.roads.pk]
    assert {code: (whole[code], roads[code]) for code in WHOLE} == WHOLE
    points = 10 + 30 * Fraction(8, 13) + 30 * Fraction(10, 16) + 30 * (1 - Fraction(2, 14))
    assert judged("department", city.roads, days) == (points, "C")
    assert judged("callers", city.roads, days) == (50, "D")
    assert judged("callers", city.parks, days) == (None, None)  # nobody called about what is theirs
    rates = {code: rate.of(roads) for code, rate in evaluation.rates().items()}
    thirds = {"solve_rate": Fraction(2, 3), "satisfy_rate": Fraction(1, 3), "call_rate": 1}
    halves = {"contact_on_time": Fraction(1, 2), "recheck_holds": Fraction(1, 2)}
    assert rates == rates | thirds | halves
    checker = indicators.figures("officer", *days)[city.ivan.pk]
    assert (checker["rechecked"], checker["recheck_failed"]) == (2, 1)


def judged(scheme: str, department: Department, days: tuple[date, date]) -> tuple[Fraction | None, str | None]:
    """A department's points and grade."""
    rows = evaluation.standings(Scheme.objects.get(code=scheme), *days)
    score = next(row.score for row in rows if row.subject.pk == department.pk)
    return score.points, score.grade and score.grade.letter


def test_a_stint_counts_once_whatever_befalls_it(city: SimpleNamespace, clock) -> None:
    """`mercy` was extended and `limbo` shelved after they were overdue: each is overdue once, and never in time."""
    live(city, clock)
    told = figures(town.phone(city.lena), **{"from": "2026-03-25", "to": "2026-03-27"})["市政所"]
    assert (told["overdue"], told["on_time"], told["due"]) == (2, 2, 4)  # in time: `shelf`, `mute`


def test_some_days_of_it(city: SimpleNamespace, clock) -> None:
    live(city, clock)
    lena = town.phone(city.lena)
    assert figures(lena, **{"from": "2026-03-12", "to": "2026-03-12"})["市政所"]["finished"] == 1
    assert figures(lena, **{"from": "2026-03-07", "to": "2026-03-08"}) == {}
    this_month = lena.get(STATS).json()
    assert (this_month["since"], this_month["until"]) == ("2026-03-01", "2026-03-31")


def test_buck_passing_has_a_name_of_its_own_and_keeps_the_older_for_a_release(city: SimpleNamespace, clock) -> None:
    """`passed` beside a passed check was read as the check."""
    case = town.report(city)
    acts.move(case, Verb.ASK, city.hugo, asks=Verb.DECLINE, note="不属本单位职责")
    acts.move(case, Verb.REFUSE, city.dora, note="理由不足")
    outbox.drain()
    told = figures(town.phone(city.lena))["市政所"]
    assert (told["buck_passing"], told["passed"]) == (1, 1)
    fields = api.get_openapi_schema()["components"]["schemas"]["DepartmentFigures"]["properties"]
    assert fields["passed"]["deprecated"] and "deprecated" not in fields["buck_passing"]


def test_nothing_due_is_not_nought_percent(city: SimpleNamespace, clock) -> None:
    live(city, clock)
    told = figures(town.phone(city.lena), **{"from": "2026-03-31", "to": "2026-03-31"})["市政所"]
    assert (told["filed"], told["due"], told["on_time_rate"], told["rework_rate"]) == (1, 0, None, None)


def test_a_day_ends_at_midnight_in_the_city(city: SimpleNamespace, clock) -> None:
    for hour in ("23:59:59.999999", "00:00:00"):
        clock.move_to(datetime.fromisoformat(f"2026-03-0{2 + (hour < '1')}T{hour}+08:00"))
        town.report(city)
        outbox.drain()
    assert counted(city.roads) == {2: (1, 0, 0, 0, 0, 0), 3: (1, 0, 0, 0, 0, 0)}


def test_what_no_department_did_is_no_department_s(city: SimpleNamespace, clock) -> None:
    photos = town.shown(city.ann, Purpose.BEFORE, Purpose.AFTER).photos
    case = town.report(city, handled=True, photos=photos)
    docket.move(case.uuid, Verb.CLOSE, by=city.carl)
    outbox.drain()
    assert set(Tally.objects.values_list("department", flat=True)) == {0}
    assert sum(Tally.objects.filter(basis=Basis.FLOW, closed=1).values_list("closed", flat=True)) == 1
    assert figures(town.phone(city.lena), **MARCH) == {}


# Counted again


def everything() -> list[tuple[Any, ...]]:
    return sorted([*Tally.objects.values_list(), *Total.objects.values_list()], key=str)


def test_counting_again_changes_nothing(city: SimpleNamespace, clock) -> None:
    cases = live(city, clock)
    before = everything()
    for case in cases.values():
        tally.recount([event for event in case.events.all() if tally.touches(event)])
    assert everything() == before
    assert tally.rebuild(date(2026, 3, 1), date(2026, 3, 31)) == 0


def test_what_was_never_counted_is_found(city: SimpleNamespace, clock) -> None:
    live(city, clock)
    before = everything()
    Tally.objects.all().delete()
    assert tally.rebuild(date(2026, 3, 1), date(2026, 3, 31)) > 0
    assert everything() == before


@pytest.mark.parametrize("wrong", [-1, 1, 9])
def test_a_wrong_figure_is_repaired_and_reported(wrong: int, city: SimpleNamespace, clock) -> None:
    live(city, clock)
    before = everything()
    row = {"cell": city.cells[0].pk, "basis": Basis.FLOW, "category": city.manhole.pk, "source": "inspector"}
    finished = Tally.objects.filter(day=date(2026, 3, 9), department=city.roads.pk, finished=1)
    assert finished.update(finished=1 + wrong) == 1
    Tally.objects.create(day=date(2026, 3, 8), department=city.parks.pk, closed=4, **row)  # nothing happened
    days = (date(2026, 3, 1), date(2026, 3, 31))
    assert (tally.rebuild(*days), tally.rebuild(*days)) == (2, 0)
    assert everything() == before


# Who may ask, and what


@pytest.mark.parametrize("who", ["carl", "sina", "dora", "lena", "aude", "hugo", "hedi"])
def test_the_centre_and_the_departments_may_ask(who: str, city: SimpleNamespace, clock) -> None:
    assert town.phone(getattr(city, who)).get(STATS).status_code == 200


@pytest.mark.parametrize("who", ["ann", "adam"])
def test_others_may_not(who: str, city: SimpleNamespace, clock) -> None:
    answer = town.phone(getattr(city, who)).get(STATS)
    assert (answer.status_code, answer.json()["code"]) == (403, "not_your_post")


@pytest.mark.parametrize(
    ("days", "code"),
    [
        ({"from": "2026-03-02", "to": "2026-03-01"}, "bad_period"),
        ({"from": "2025-03-01", "to": "2026-03-02"}, "bad_period"),
        ({"from": "2026-04-01"}, "bad_period"),
        ({"from": "March"}, "invalid"),
    ],
)
def test_a_period_that_is_none_is_refused(days: dict[str, str], code: str, city: SimpleNamespace, clock) -> None:
    answer = town.phone(city.lena).get(STATS, days)
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (422, code, "from")


def test_figures_cost_the_same_for_a_day_and_a_year(city: SimpleNamespace, clock, django_assert_num_queries) -> None:
    live(city, clock)
    lena = town.phone(city.lena)
    for since in ("2026-03-31", "2025-04-01"):
        with django_assert_num_queries(4):  # session, officer, sums, names
            figures(lena, **{"from": since, "to": "2026-03-31"})
    assert town.MONDAY + timedelta(days=29, hours=7) == moment("31", "16:00")
