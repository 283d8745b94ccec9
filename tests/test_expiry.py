"""Work is late when its due moment has passed, whatever the ladder: untouched, shelved, extended, declined."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from types import SimpleNamespace

import pytest
import time_machine
from django.db import transaction

from cases import alarm, indicators, outbox, tally
from cases.behind import Figure
from cases.clock import Limit, Unit
from cases.flow import Verb
from cases.models import Case, Rung
from grid.models import Department
from grid.roles import Role

from . import city as town
from .acts import last, move
from .histories import everything, whole

DAYS = (date(2026, 3, 1), date(2026, 3, 31))


def day(number: int, hour: int = 9, minute: int = 0) -> datetime:
    return datetime(2026, 3, number, hour, minute, tzinfo=town.CHINA)


# Two working days each, of 08–12 and 14–18, with a ladder that ends at 80 %:
#
#   left       never touched: due on the 4th, 09:00
#   done       finished on the 3rd; nobody comes to check it within half an hour
#   extended   by a working day on the 3rd: due on the 5th, 09:00
#   shelved    from the 3rd, with eight hours left, to the 5th: due on the 6th, 09:00
#   declined   on the 2nd at 11:00, and given to the parks department at once: due on the 4th, 11:00


@pytest.fixture(scope="module")
def lived(for_all_here: None) -> Iterator[SimpleNamespace]:
    with time_machine.travel(town.MONDAY, tick=False) as clock, transaction.atomic():
        city = town.build()
        Rung.objects.filter(share__gte=1).delete()
        names = ("left", "done", "extended", "shelved", "declined")
        city.cases = SimpleNamespace(**{name: town.report(city) for name in names})
        clock.move_to(day(2, 11))
        move(city.cases.declined, Verb.DECLINE, city.dora, note="不属市政")
        move(city.cases.declined, Verb.DISPATCH, city.dora, department=city.parks.pk)
        clock.move_to(day(3))
        town.finish(city.cases.done, city.hugo)
        move(city.cases.extended, Verb.EXTEND, city.dora, note="缺料", limit=Limit(1, Unit.WORK_DAY))
        move(city.cases.shelved, Verb.SHELVE, city.dora, note="待料", until=day(5))
        for hours in range(0, 24 * 5, 12):
            clock.move_to(day(3) + timedelta(hours=hours, seconds=5))
            alarm.ring()
        outbox.drain()
        yield city
        transaction.set_rollback(True)


@pytest.fixture
def past(lived: SimpleNamespace, db: None) -> SimpleNamespace:
    return lived


def overdue(department: Department) -> dict[int, int]:
    told = indicators.series("department", *DAYS, subjects=[department.pk], tree=False, codes=["overdue"])
    return {on.day: counts["overdue"] for on, counts in sorted(told.get(department.pk, {}).items())}


def test_what_nobody_touched_is_overdue_on_the_day_it_fell_due(past: SimpleNamespace) -> None:
    assert overdue(past.roads) == {4: 1, 5: 1, 6: 1}
    assert overdue(past.parks) == {4: 1}
    roads = indicators.figures("department", *DAYS, tree=False)[past.roads.pk]
    assert (roads["on_time"], roads.due, roads.on_time_rate, roads["check_late"]) == (1, 4, 1 / 4, 1)


def test_the_cases_behind_it_are_listed_by_that_line(past: SimpleNamespace) -> None:
    listed = whole(Figure(("overdue",), "city", 0, *DAYS), past.lena)
    assert {row.event.case.number for row in listed} == {
        getattr(past.cases, name).number for name in ("left", "extended", "shelved", "declined")
    }
    assert {row.event.verb for row in listed} == {Verb.EXPIRE}


def test_it_says_so_once_and_climbs_nothing(past: SimpleNamespace) -> None:
    told = [event.verb for event in past.cases.left.events.order_by("id")]
    assert told == [Verb.REPORT, Verb.FILE, Verb.DISPATCH, Verb.ESCALATE, Verb.EXPIRE]
    assert (last(past.cases.left).by, Case.objects.get(pk=past.cases.left.pk).level) == (None, 1)
    assert alarm.ring() == 0


def test_rungs_that_come_later_and_a_recount_change_nothing(past: SimpleNamespace) -> None:
    before = everything()
    Rung.objects.create(level=2, share=1, role=Role.DISPATCHER)
    assert alarm.ring() == 0
    assert tally.rebuild(*DAYS) == 0
    assert everything() == before
