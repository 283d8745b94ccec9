"""A past is planted for the demo: whole, the same by the same seed, and as if it had been lived."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import transaction
from django.utils.translation import override
from django_q.models import OrmQ

from cases import flow, tally
from cases.flow import Stage, Verb
from cases.models import Case, CaseEvent, Outbox, Photo, Tally
from grid.moment import local_day, now, standing
from play.history import Plot, Taken, plant
from play.people import Dispatcher

from . import acts
from . import city as town

UNTIL = town.MONDAY
SINCE = UNTIL - timedelta(days=20)
FEW = 25


def lived() -> list[Any]:
    lines = CaseEvent.objects.order_by("case__uuid", "id")
    return list(lines.values_list("case__uuid", "verb", "at", "by__username", "entered", "due_at"))


def test_cases_are_lived_and_counted_as_any(city: SimpleNamespace) -> None:
    past = plant(Plot("1", SINCE, UNTIL, FEW))
    assert past[Verb.REPORT] == Case.objects.count() >= FEW
    assert Case.objects.filter(stage=Stage.CLOSED).count() > FEW / 2
    assert not CaseEvent.objects.exclude(at__range=(SINCE, UNTIL)).exists()
    possible = {(stage, move.verb) for move in flow.MOVES for stage in move.at} | {("", Verb.REPORT)}
    assert {(event.left, event.verb) for event in CaseEvent.objects.all()} <= possible
    assert not Case.objects.filter(alarm_at__lt=UNTIL - timedelta(minutes=2)).exists()
    assert Tally.objects.filter(closed__gt=0).exists()
    assert tally.rebuild(local_day(SINCE), local_day(UNTIL)) == 0
    assert Photo.objects.exists()
    assert not Photo.objects.exclude(received_at__range=(SINCE, UNTIL)).exists()


def test_what_people_wrote_does_not_depend_on_who_plants(city: SimpleNamespace) -> None:
    with override("en"):
        plant(Plot("1", SINCE, UNTIL, FEW))
    told = Case.objects.exclude(source=flow.Source.INSPECTOR).values_list("text", "category__name")
    assert told and all(text == name for text, name in told)


def test_nobody_is_told_of_what_is_long_past(city: SimpleNamespace) -> None:
    plant(Plot("1", SINCE, UNTIL, 3))
    assert Case.objects.exists()
    assert not Outbox.objects.exists()
    assert not OrmQ.objects.exists()
    town.report(city)
    assert Outbox.objects.exists()


def test_the_same_seed_plants_the_same_past(city: SimpleNamespace) -> None:
    with transaction.atomic():
        plant(Plot("1", SINCE, UNTIL, FEW))
        first = lived()
        transaction.set_rollback(True)
    plant(Plot("1", SINCE, UNTIL, FEW))
    assert lived() == first != []


def test_the_played_dispatcher_does_nearly_always_as_is_suggested(city: SimpleNamespace) -> None:
    """And sends it to somebody else once that department has given it back."""
    case = town.report(city)
    dora = Dispatcher(SimpleNamespace(username="dora"), timedelta(minutes=8), "1")  # type: ignore[arg-type]
    dora.plans["departments"] = [city.roads.pk, city.parks.pk, city.office.pk]
    sent = [dora.whose({"id": str(case.uuid)}, random.Random(n)) for n in range(60)]
    assert sent.count(city.roads.pk) >= 55
    acts.move(case, Verb.DECLINE, city.dora, note="不属市政")
    assert city.roads.pk not in {dora.whose({"id": str(case.uuid)}, random.Random(n)) for n in range(60)}


def test_where_there_are_cases_nothing_is_planted(city: SimpleNamespace) -> None:
    with standing(SINCE):
        town.report(city)
    with pytest.raises(Taken):
        plant(Plot("1", SINCE, UNTIL, FEW))
    assert Case.objects.count() == 1


def test_cases_that_came_later_are_no_hindrance(city: SimpleNamespace) -> None:
    late = town.report(city)
    plant(Plot("1", SINCE, UNTIL, 3))
    assert Case.objects.count() > 3
    assert [line.verb for line in late.events.order_by("id")] == [Verb.REPORT, Verb.FILE, Verb.DISPATCH]


def test_time_stands_only_while_it_is_said(city: SimpleNamespace) -> None:
    before = now()
    with standing(SINCE):
        assert now() == SINCE
    assert now() >= before


@pytest.mark.django_db(transaction=True)
def test_two_hands_plant_what_one_would(city: SimpleNamespace) -> None:
    with transaction.atomic():
        plant(Plot("1", SINCE, UNTIL, FEW))
        alone = lived()
        transaction.set_rollback(True)
    heard: list[datetime] = []
    plant(Plot("1", SINCE, UNTIL, FEW), hands=2, step=heard.append)
    assert lived() == alone
    assert heard == sorted(heard) and heard[-1] == UNTIL, "the bar goes to its end"
    assert len({at.date() for at in heard}) > 2, "and moves on its way"


def test_more_is_planted_before_what_there_is_and_comes_to_its_end(city: SimpleNamespace) -> None:
    """What was reported in the older months is not left lying for the months that there are already."""
    first = UNTIL - timedelta(days=10)
    with standing(first + timedelta(hours=3)):
        town.report(city)
    plant(Plot("1", SINCE, first, FEW, UNTIL))
    older = Case.objects.filter(reported_at__lt=first)
    assert older.count() >= FEW
    assert Case.objects.count() == older.count() + 1
    assert CaseEvent.objects.filter(case__in=older, at__gte=first).exists()
    assert not Case.objects.filter(alarm_at__lt=UNTIL - timedelta(minutes=2)).exists()
    assert tally.rebuild(local_day(SINCE), local_day(UNTIL)) == 0
