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

from cases import alarm, docket, evaluation, indicators, outbox, tally
from cases.clock import Limit, Unit
from cases.flow import Facts, Purpose, Verb
from cases.indicators import series
from cases.loading import evaluation as loading
from cases.models import Basis, Case, Scheme, Tally, Total
from grid.models import Department

from . import city as town

STATS = "/api/mobile/v1/stats/departments"
MARCH = {"from": "2026-03-01", "to": "2026-03-31"}

# Cases of the roads department with two working days (16 hours of 08–12 and 14–18), but for `night`: two hours.
MONTH = """
    02 09:00 prompt   report
    02 10:00 tardy    report
    03 09:00 left     report             # never finished: overdue on the 5th
    03 16:00 prompt   finish             # due on the 4th, 09:00
    03 17:00 prompt   pass
    03 17:30 prompt   close
    06 11:00 tardy    finish             # due on the 4th, 10:00
    06 14:00 tardy    pass
    06 15:00 tardy    close
    09 09:00 twice    report
    09 11:00 twice    finish
    09 15:00 twice    rework             # 14 hours left: due on the 11th, 11:00
    10 10:00 twice    finish
    10 11:00 twice    rework             # 9 hours left: due on the 11th, 12:00
    12 09:00 twice    finish
    12 10:00 twice    pass
    12 11:00 twice    close
    13 22:30 night    report             # due on the 14th, 00:30
    14 00:10 night    finish             # in Greenwich this is still the 13th
    16 09:00 again    report
    16 11:00 again    finish
    16 14:00 again    pass
    16 15:00 again    close
    17 09:00 shelf    report
    17 17:00 shelf    shelve 26 09:00    # 10 hours left
    18 09:00 other    report
    18 09:30 vain     report
    18 10:00 vain     void
    20 09:00 again    reopen             # due on the 24th, 09:00
    20 10:00 other    decline            # due on the 20th, 09:00
    20 10:30 other    dispatch
    23 09:00 again    finish
    23 09:10 again    pass
    23 09:20 again    close
    23 09:30 mercy    report
    23 09:40 limbo    report
    23 10:00 other    finish             # the parks department's
    25 11:00 mercy    extend             # due on the 25th, 09:30; now on the 27th
    25 15:00 limbo    shelve 27 09:00    # due on the 25th, 09:40; nothing left
    26 09:00 mercy    finish
    27 10:00 shelf    finish             # due on the 27th, 11:00: the alarm took it off the shelf
    27 15:00 limbo    finish
    31 16:00 april    report             # due in April
"""

METRICS = ("dispatched", "finished", "on_time", "overdue", "rework", "closed")
ROADS = {
    2: (2, 0, 0, 0, 0, 0),
    3: (1, 1, 1, 0, 0, 1),
    4: (0, 0, 0, 1, 0, 0),
    5: (0, 0, 0, 1, 0, 0),
    6: (0, 1, 0, 0, 0, 1),
    9: (1, 1, 1, 0, 1, 0),
    10: (0, 1, 1, 0, 1, 0),
    11: (0, 0, 0, 1, 0, 0),
    12: (0, 1, 0, 0, 0, 1),
    13: (1, 0, 0, 0, 0, 0),
    14: (0, 1, 1, 0, 0, 0),
    16: (1, 1, 1, 0, 0, 1),
    17: (1, 0, 0, 0, 0, 0),
    18: (2, 0, 0, 0, 0, 0),
    20: (0, 0, 0, 1, 0, 0),
    23: (2, 1, 1, 0, 0, 1),
    25: (0, 0, 0, 2, 0, 0),
    26: (0, 1, 0, 0, 0, 0),
    27: (0, 2, 1, 0, 0, 0),
    31: (1, 0, 0, 0, 0, 0),
}
PARKS = {20: (1, 0, 0, 0, 0, 0), 23: (0, 1, 1, 0, 0, 0)}


def moment(day: str, clock: str) -> datetime:
    return datetime.fromisoformat(f"2026-03-{day}T{clock}+08:00")


def act(city: SimpleNamespace, case: Case | None, name: str, verb: str, more: list[str]) -> Case:
    if verb == "report":
        return town.report(city, condition=(city.missing if name == "night" else city.rattling).pk)
    assert case
    handler = city.hugo if case.department == city.roads else city.hana
    by, facts = {
        "finish": (handler, town.shown(handler)),
        "pass": (city.ivan, town.shown(city.ivan, Purpose.NEAR)),
        "rework": (city.ivan, Facts(note="仍响动")),
        "close": (city.carl, Facts()),
        "reopen": (city.carl, Facts(note="又响了")),
        "void": (city.sina, Facts(note="重复")),
        "decline": (city.dora, Facts(note="不属市政")),
        "dispatch": (city.dora, Facts(department=city.parks.pk)),
        "extend": (city.dora, Facts(note="缺材料", limit=Limit(2, Unit.WORK_DAY))),
        "shelve": (city.dora, Facts(note="待料", until=moment(*more) if more else None)),
    }[verb]
    return docket.move(case.uuid, verb, by=by, facts=facts)


def live(city: SimpleNamespace, clock: Any, *, drain_each: bool = True) -> dict[str, Case]:
    """Let the month pass, with a worker that comes before each act."""
    cases: dict[str, Case] = {}
    for line in MONTH.strip().splitlines():
        day, hour, name, verb, *more = line.partition("#")[0].split()
        clock.move_to(moment(day, hour))
        alarm.ring()
        cases[name] = act(city, cases.get(name), name, verb, more)
        if drain_each:
            outbox.drain()
    outbox.drain()
    tally.night()
    return cases


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
    assert (filed, finished, on_time, overdue, rework, closed) == (12, 11, 7, 6, 2, 5)
    told = figures(town.phone(city.lena), **MARCH)
    assert list(told) == ["园林所", "市政所"]  # by code
    assert (
        told["市政所"]
        | {
            "filed": 12,
            "finished": 11,
            "on_time": 7,
            "overdue": 6,
            "due": 13,
            "on_time_rate": 7 / 13,
            "rework": 2,
            "rework_rate": 2 / 11,
            "closed": 5,
        }
        == told["市政所"]
    )


# All of the city's, and of these the roads department's. Promised is the due moment and 1:45 for check and closing.
WHOLE = {
    "reports": (12, 0),
    "valid": (12, 0),
    "filed": (12, 0),
    "filed_in_time": (12, 0),
    "filed_rightly": (11, 0),  # `vain` was voided
    "void": (1, 1),
    "dispatched": (13, 12),  # `other` twice
    "dispatched_in_time": (12, 12),  # `other` waited for half an hour after it was declined
    "dispatched_rightly": (12, 11),
    "finished": (12, 11),
    "on_time": (8, 7),
    "overdue": (6, 6),
    "rework": (2, 2),
    "declines": (1, 1),
    "extensions": (1, 1),
    "shelved": (2, 2),
    "reopened": (1, 1),
    "check_in_time": (1, 1),  # within half an hour: `again`, the second time
    "check_late": (11, 10),  # all others that were finished
    "closed": (5, 5),
    "closed_on_time": (3, 3),  # `prompt`, and `again` twice
    "unclosed": (6, 5),  # `left`, `night`, `shelf`, `mercy`, `limbo`; and `other`, of the parks
}


def test_the_whole_month_by_hand(city: SimpleNamespace, clock) -> None:
    """10 % × 100 + 30 % × 5/10 + 30 % × 7/13 + 30 % × (1 − 2/11) = 65.70: a C."""
    loading.load(Path(settings.BASE_DIR) / "fixtures/evaluation")
    live(city, clock)
    days = (date(2026, 3, 1), date(2026, 3, 31))
    whole = indicators.figures("city", *days)[0]
    roads = indicators.figures("department", *days)[city.roads.pk]
    assert {code: (whole[code], roads[code]) for code in WHOLE} == WHOLE
    scheme = Scheme.objects.get(code="department")
    row = next(row for row in evaluation.standings(scheme, *days) if row.subject.pk == city.roads.pk)
    points = 10 + 30 * Fraction(5, 10) + 30 * Fraction(7, 13) + 30 * (1 - Fraction(2, 11))
    assert (row.score.points, row.score.grade and row.score.grade.letter) == (points, "C")


def test_a_stint_counts_once_whatever_befalls_it(city: SimpleNamespace, clock) -> None:
    """`mercy` was extended and `limbo` shelved after they were overdue: each is overdue once, and never in time."""
    live(city, clock)
    told = figures(town.phone(city.lena), **{"from": "2026-03-25", "to": "2026-03-27"})["市政所"]
    assert (told["overdue"], told["on_time"], told["due"]) == (2, 1, 3)  # in time: `shelf`


def test_some_days_of_it(city: SimpleNamespace, clock) -> None:
    live(city, clock)
    lena = town.phone(city.lena)
    assert figures(lena, **{"from": "2026-03-12", "to": "2026-03-12"})["市政所"]["finished"] == 1
    assert figures(lena, **{"from": "2026-03-07", "to": "2026-03-08"}) == {}
    this_month = lena.get(STATS).json()
    assert (this_month["since"], this_month["until"]) == ("2026-03-01", "2026-03-31")


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
