"""Who wants to sleep is not rung, but for emergencies; his inbox has it at once."""

from __future__ import annotations

import json
from datetime import datetime, time, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import time_machine
from django.test import Client

from cases import alarm, audience, outbox, rulebook
from cases.flow import Verb
from cases.models import CaseEvent, Category, Outbox, Rung
from mobile_api import quiet
from mobile_api.models import Device, Message, Preference

from . import acts
from . import city as town
from .test_push import fcm  # noqa: F401  the fixture

PREFERENCES = "/api/mobile/v1/me/preferences"
NIGHT = datetime(2026, 3, 2, 23, 30, tzinfo=town.CHINA)
MORNING = datetime(2026, 3, 3, 7, 0, tzinfo=town.CHINA)
FRIDAY = datetime(2026, 3, 6, 17, 59, 59, tzinfo=town.CHINA)


def say(phone: Client, **body: Any) -> Any:
    return phone.put(PREFERENCES, json.dumps(body), content_type="application/json")


def sleeps(officer: Any, **more: Any) -> None:
    Preference.objects.create(officer=officer, **{"quiet_from": time(22), "quiet_to": time(7)} | more)


def phone(officer: Any) -> None:
    Device.objects.create(officer=officer, token=officer.username, platform="android", seen_at=town.MONDAY)


@pytest.fixture
def night(city: SimpleNamespace) -> Any:
    with time_machine.travel(NIGHT, tick=False) as clock:
        yield clock


def test_who_sleeps_is_rung_in_the_morning(city: SimpleNamespace, night: Any, fcm: Any) -> None:  # noqa: F811
    phone(city.hugo), sleeps(city.hugo)
    town.report(city)
    outbox.drain()
    assert fcm.titles("hugo") == []
    assert Message.objects.filter(officer=city.hugo).count() == 1
    assert outbox.oldest() is None, "a debt that is put off is not late"
    night.move_to(MORNING - timedelta(seconds=1))
    outbox.drain()
    assert fcm.titles("hugo") == []
    night.move_to(MORNING)
    outbox.drain()
    assert fcm.titles("hugo") == ["新任务"]
    assert not Outbox.objects.exists()


def test_who_is_awake_is_rung_once(city: SimpleNamespace, night: Any, fcm: Any) -> None:  # noqa: F811
    city.hana.department = city.roads
    city.hana.save()
    phone(city.hugo), phone(city.hana), sleeps(city.hugo)
    town.report(city)
    outbox.drain()
    assert (fcm.titles("hana"), fcm.titles("hugo")) == (["新任务"], [])
    night.move_to(MORNING)
    outbox.drain()
    assert (fcm.titles("hana"), fcm.titles("hugo")) == (["新任务"], ["新任务"])


def test_an_emergency_wakes_him(city: SimpleNamespace, night: Any, fcm: Any) -> None:  # noqa: F811
    Category.objects.filter(pk=city.manhole.pk).update(urgent=True)
    phone(city.hugo), sleeps(city.hugo)
    town.report(city)
    outbox.drain()
    assert fcm.titles("hugo") == ["新任务"]


@pytest.mark.parametrize(("clock", "wakes"), [("urgent_hour", True), ("work_hour", False), ("", False)])
def test_an_escalation_wakes_him_where_the_clock_runs_at_night(
    clock: str, wakes: bool, city: SimpleNamespace, night: Any
) -> None:
    case = town.report(city)
    assert audience.urgent(rulebook.current(), CaseEvent(case=case, verb="escalate", clock=clock)) is wakes
    assert not audience.urgent(rulebook.current(), CaseEvent(case=case, verb="supervise", clock=clock))


def climb(city: SimpleNamespace, night: Any, condition: Any, at_night: bool | None) -> CaseEvent:
    """The first rung of a case, reported now."""
    Rung.objects.filter(level=1).update(at_night=at_night)
    case = town.report(city, condition=condition.pk)
    night.move_to(case.alarm_at)
    alarm.ring()
    return case.events.get(verb="escalate")


@pytest.mark.parametrize(("at_night", "wakes"), [(None, True), (True, True), (False, False)])
def test_a_rung_itself_says_whether_it_rings_at_night(
    at_night: bool | None,
    wakes: bool,
    city: SimpleNamespace,
    night: Any,
    fcm: Any,  # noqa: F811
) -> None:
    phone(city.hedi), sleeps(city.hedi)
    event = climb(city, night, city.missing, at_night)
    outbox.drain()
    assert bool(fcm.titles("hedi")) is wakes
    assert Message.objects.filter(officer=city.hedi).count() == 1
    Rung.objects.update(at_night=not wakes)
    assert audience.urgent(rulebook.current(), event) is wakes, "as the rung was when it rang"


@pytest.mark.parametrize("at_night", [None, True])
def test_a_rung_of_working_time_may_ring_through_quiet_hours(
    at_night: bool | None, city: SimpleNamespace, night: Any
) -> None:
    assert audience.urgent(rulebook.current(), climb(city, night, city.rattling, at_night)) is bool(at_night)


def test_an_urgent_class_rings_whatever_its_rung_says(city: SimpleNamespace, night: Any) -> None:
    Category.objects.filter(pk=city.manhole.pk).update(urgent=True)
    assert audience.urgent(rulebook.current(), climb(city, night, city.missing, False))


@pytest.mark.parametrize(
    ("wish", "at", "rung"),
    [
        ({}, NIGHT, NIGHT),
        ({"quiet_from": time(22), "quiet_to": time(7)}, NIGHT, MORNING),
        ({"quiet_from": time(22), "quiet_to": time(7)}, MORNING - timedelta(hours=3), MORNING),
        ({"quiet_from": time(22), "quiet_to": time(7)}, MORNING, MORNING),
        ({"quiet_from": time(12), "quiet_to": time(14)}, town.MONDAY, town.MONDAY),
        ({"quiet_from": time(8), "quiet_to": time(10)}, town.MONDAY, town.MONDAY + timedelta(hours=1)),
        ({"working_time": True}, NIGHT, MORNING + timedelta(hours=1)),
        ({"working_time": True}, FRIDAY, FRIDAY),
        ({"working_time": True}, FRIDAY + timedelta(seconds=1), FRIDAY + timedelta(days=2, hours=14, seconds=1)),
        ({"working_time": True, "quiet_from": time(7), "quiet_to": time(9)}, NIGHT, MORNING + timedelta(hours=2)),
    ],
)
def test_when_he_may_be_rung(wish: dict, at: datetime, rung: datetime, city: SimpleNamespace) -> None:
    assert quiet.free(Preference(officer=city.hugo, **wish), city.hugo, at) == rung


def test_without_a_moment_to_ring_he_is_rung_all_the_same(city: SimpleNamespace) -> None:
    wish = Preference(officer=city.hugo, working_time=True, quiet_from=time(7), quiet_to=time(19))
    assert quiet.free(wish, city.hugo, NIGHT) > NIGHT


def test_he_says_it_and_is_told(city: SimpleNamespace, clock: Any) -> None:
    hugo = town.phone(city.hugo)
    default = {"quiet_from": None, "quiet_to": None, "working_time": False, "mail": True, "digest": True}
    assert hugo.get(PREFERENCES).json() == default
    assert say(hugo, quiet_from="22:00", quiet_to="07:00", mail=False).status_code == 200
    said = {"quiet_from": "22:00:00", "quiet_to": "07:00:00", "working_time": False, "mail": False, "digest": True}
    assert hugo.get(PREFERENCES).json() == said
    assert town.phone(city.hana).get(PREFERENCES).json() == default
    assert say(hugo).json() == default


@pytest.mark.parametrize(
    "said",
    [
        {"quiet_from": "22:00"},
        {"quiet_to": "07:00"},
        {"quiet_from": "7:00", "quiet_to": "7:00"},
        {"quiet_from": "07:00", "quiet_to": "07:00"},
        {"quiet_from": "25:00", "quiet_to": "07:00"},
    ],
)
def test_quiet_hours_that_are_none(said: dict, city: SimpleNamespace, clock: Any) -> None:
    assert say(town.phone(city.hugo), **said).status_code == 422


def test_what_may_wake_him_is_not_hidden_by_what_may_not(
    city: SimpleNamespace,
    clock: Any,
    fcm: Any,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    phone(city.hugo)
    case = town.report(city)
    acts.move(case, Verb.SUPERVISE, city.lena, note="请加快")

    def asleep(pairs: Any) -> dict[tuple[int, int], Any]:
        return {(event.pk, officer.pk): MORNING for event, officer in pairs if event.verb == Verb.SUPERVISE}

    monkeypatch.setattr(quiet, "waiting", asleep)
    outbox.drain()
    assert fcm.titles("hugo") == ["新任务"]
    assert Outbox.objects.get().event == acts.last(case)
