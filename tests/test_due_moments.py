"""A due moment that passes with no rung to tell it: on any ladder, after any silence, for cases of before."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from importlib import import_module
from io import StringIO
from types import SimpleNamespace

from django.core.management import call_command
from django.db import connection

from cases import alarm, indicators, outbox, tally
from cases.flow import Verb
from cases.models import Case, CaseEvent, Rung
from grid.models import Department

from . import city as town
from .acts import last, move

DAYS = (date(2026, 3, 1), date(2026, 3, 31))


def day(number: int, hour: int = 9) -> datetime:
    return datetime(2026, 3, number, hour, tzinfo=town.CHINA)


def overdue(department: Department) -> dict[int, int]:
    told = indicators.series("department", *DAYS, subjects=[department.pk], tree=False, codes=["overdue"])
    return {on.day: counts["overdue"] for on, counts in sorted(told.get(department.pk, {}).items())}


def test_the_same_with_no_rung_at_all_and_after_a_long_silence(city: SimpleNamespace, clock) -> None:
    Rung.objects.all().delete()
    case = town.report(city)
    clock.move_to(day(9))
    assert (alarm.ring(), alarm.ring()) == (1, 0)
    outbox.drain()
    assert overdue(city.roads) == {4: 1}
    assert (last(case).at, last(case).due_at) == (day(9), day(4))
    town.finish(case, city.hugo)
    outbox.drain()
    assert overdue(city.roads) == {4: 1}, "once, whatever follows"


def test_a_rung_that_is_late_is_that_line(city: SimpleNamespace, clock) -> None:
    case = town.report(city)
    clock.move_to(day(4) + timedelta(milliseconds=200))
    alarm.ring()
    clock.move_to(day(30))
    alarm.ring()
    assert not case.events.filter(verb=Verb.EXPIRE).exists()


def test_cases_that_were_open_before_are_late_too(city: SimpleNamespace, clock) -> None:
    """As they stood where no rung was left: an old one, a later one, and one whose rung has said it already."""
    Rung.objects.all().delete()
    silent, told = town.report(city), town.report(city)
    clock.move_to(day(3))
    fresh = town.report(city)
    clock.move_to(day(4) + timedelta(seconds=1))
    move(told, Verb.ACCEPT, city.hugo)
    Case.objects.update(alarm_at=None, expired=False)
    clock.move_to(day(4, 15))
    with connection.cursor() as cursor:
        cursor.execute(import_module("cases.migrations.0040_expired").MARK)
    assert list(Case.objects.order_by("pk").values_list("expired", "alarm_at")) == [
        (False, day(4) + timedelta(seconds=1)),
        (True, None),
        (False, day(5) + timedelta(seconds=1)),
    ]
    clock.move_to(day(5, 10))
    assert alarm.ring() == 2
    outbox.drain()
    assert overdue(city.roads) == {4: 2, 5: 1}
    assert {event.case_id for event in CaseEvent.objects.filter(verb=Verb.EXPIRE)} == {silent.pk, fresh.pk}
    assert tally.rebuild(*DAYS) == 0


def test_the_check_warns_of_such_a_ladder_unasked(city: SimpleNamespace) -> None:
    def said() -> str:
        told = StringIO()
        call_command("check", stderr=told)
        return told.getvalue()

    assert "cases.W006" not in said()
    Rung.objects.filter(share__gte=1).delete()
    assert "cases.W006" in said()
