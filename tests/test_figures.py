"""Closures count: a month done by hand, and the product's figures beside it."""

from __future__ import annotations

from datetime import datetime
from types import SimpleNamespace

import pytest

from cases import docket, outbox
from cases.flow import Purpose, Verb
from cases.models import Basis, Tally
from mobile_api.api import api

from . import acts
from . import city as town
from .month import PARKS, ROADS, STATS, counted, figures, live

MARCH = {"from": "2026-03-01", "to": "2026-03-31"}


# The month


@pytest.mark.parametrize("drain_each", [True, False], ids=["as it goes", "all at the end"])
def test_the_month_equals_the_table(drain_each: bool, city: SimpleNamespace, clock) -> None:
    live(city, clock, drain_each=drain_each)
    assert counted(city.roads) == ROADS
    assert counted(city.parks) == PARKS
    assert set(Tally.objects.values_list("department", flat=True)) == {0, city.roads.pk, city.parks.pk}


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
