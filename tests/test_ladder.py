"""Which ladder a case climbs, and who is woken on each rung: up the reporting line, never to nobody."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.db import IntegrityError, transaction

from cases import alarm
from cases.checks import the_rules_have_no_holes
from cases.models import Case, Rung
from grid.roles import Role

from . import city as town

MINUTE = timedelta(minutes=1)


def ladder(*rungs: tuple[float, Role], **scope: object) -> None:
    for level, (share, role) in enumerate(rungs, start=1):
        Rung.objects.create(level=level, share=share, role=role, **scope)


QUICK = ((0.5, Role.HEAD), (1, Role.LEADER))


def minutes(case: Case) -> float:
    """Of a case of two hours: after how many the first alarm rings."""
    return (case.alarm_at - case.entered_at) / MINUTE


# Which ladder


@pytest.mark.parametrize("scope", ["category", "major", "department", "above", "urgent"])
def test_a_case_climbs_the_ladder_that_is_its_own(scope: str, city: SimpleNamespace, clock) -> None:
    scopes = {
        "category": {"category": city.manhole},
        "major": {"category": city.manhole.parent},
        "department": {"department": city.roads},
        "above": {"department": city.works},
        "urgent": {"urgent": True},
    }
    before = town.report(city, condition=city.missing.pk)
    ladder(*QUICK, **scopes[scope])
    if scope == "urgent":
        type(city.manhole).objects.filter(pk=city.manhole.pk).update(urgent=True)
    assert (minutes(before), minutes(town.report(city, condition=city.missing.pk))) == (96, 60)
    other = town.report(city, category=city.refuse.pk, condition=city.heap.pk)
    assert (other.alarm_at - other.entered_at) / MINUTE != 60


def test_the_most_particular_ladder_wins_as_a_whole(city: SimpleNamespace, clock) -> None:
    """Its own last rung is the last: nothing is borrowed from the wider ladder."""
    ladder((0.3, Role.HEAD), (1, Role.LEADER), department=city.roads)
    ladder((0.6, Role.HEAD), (1, Role.LEADER), category=city.manhole.parent)
    ladder((0.4, Role.HEAD), (1, Role.LEADER), category=city.manhole)
    case = town.report(city, condition=city.missing.pk)
    assert minutes(case) == 48
    clock.shift(timedelta(days=30))
    assert alarm.ring() == 2


def test_the_clocks_of_the_centre_do_not_ask_the_department(city: SimpleNamespace, clock) -> None:
    ladder(*QUICK, department=city.roads)
    checking = town.finish(town.report(city), city.hugo)
    assert minutes(checking) == 24  # 80 % of half an hour


def test_a_rung_belongs_to_one_scope(city: SimpleNamespace) -> None:
    for scope in ({"category": city.manhole, "urgent": True}, {"category": city.manhole, "department": city.roads}):
        with pytest.raises(IntegrityError), transaction.atomic():
            ladder((1, Role.HEAD), **scope)


def test_a_ladder_without_the_deadline_or_that_descends_is_found(city: SimpleNamespace) -> None:
    def found() -> set[str]:
        return {message.id for message in the_rules_have_no_holes(None, databases=["default"])} & {
            "cases.W006",
            "cases.W008",
        }

    assert not found()
    ladder((0.5, Role.HEAD), (2, Role.LEADER), urgent=True)
    assert found() == {"cases.W006"}
    Rung.objects.filter(urgent=True).delete()
    ladder((1, Role.HEAD), (0.5, Role.LEADER), department=city.roads)
    assert found() == {"cases.W008"}
