"""Who is blamed for what: appeals, broken promises, and departments that wait for those who assist."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from types import SimpleNamespace

import pytest

from cases import alarm, indicators, outbox, tally
from cases.clock import Limit, Unit
from cases.flow import Stage, Verb
from cases.models import Case
from grid.models import Department, Officer

from . import city as town
from .acts import last, move, passed

DAYS = (date(2026, 3, 1), date(2026, 4, 30))
PROMISE = town.MONDAY + timedelta(hours=2, minutes=15 + 30 + 60)  # two hours; then order the check, check, close


def day(number: int, hour: int = 9) -> datetime:
    return datetime(2026, 3, number, hour, tzinfo=town.CHINA)


def counted(department: Department, *codes: str) -> tuple[int, ...]:
    """What is counted for a department, on whatever day; the same when it is counted from the log again."""
    outbox.drain()
    tally.night()
    assert tally.rebuild(*DAYS) == 0
    told = indicators.figures("department", *DAYS, tree=False).get(department.pk, indicators.Figures())
    return tuple(told[code] for code in codes)


def ended(case: Case, city: SimpleNamespace, by: Officer) -> Case:
    """Finished, passed and closed now."""
    town.finish(case, by)
    case = Case.objects.get(pk=case.pk)
    return move(passed(case, case.holder or city.ivan), Verb.CLOSE, city.carl)


# Appeals


def test_an_appeal_exempts_who_appealed_and_nothing_later(city: SimpleNamespace, clock) -> None:
    """Two working days each: the roads are late on the 4th and give it back, the parks late on the 6th. These appeal;
    reopened, they are late again."""
    case = town.report(city)
    clock.move_to(day(4, 10))
    move(case, Verb.DECLINE, city.dora, note="不属市政")
    move(case, Verb.DISPATCH, city.dora, department=city.parks.pk)
    clock.move_to(day(9))
    ended(case, city, city.hana)
    move(case, Verb.ASK, city.hana, asks=Verb.EXEMPT, note="断路")
    move(case, Verb.EXEMPT, city.sina, note="属实")
    codes = ("overdue", "exempt")
    assert [counted(row, *codes) for row in (city.roads, city.parks)] == [(1, 0), (1, 1)]
    move(case, Verb.REOPEN, city.carl, note="又响")
    clock.move_to(day(16))
    ended(case, city, city.hana)
    assert [counted(row, *codes) for row in (city.roads, city.parks)] == [(1, 0), (2, 1)]


# The overall promise


@pytest.fixture
def broken(city: SimpleNamespace, clock) -> Case:
    """A missing cover: promised within two hours and what the centre needs, and nothing done until the afternoon."""
    case = town.report(city, condition=city.missing.pk)
    assert case.promise_at == PROMISE
    clock.move_to(PROMISE + timedelta(hours=1))
    return case


def test_no_shelf_mends_a_broken_promise(broken: Case, city: SimpleNamespace, clock) -> None:
    shelved = move(broken, Verb.SHELVE, city.dora, note="待料", until=day(5))
    assert (shelved.stage, shelved.promise_at) == (Stage.SHELVED, PROMISE)
    clock.move_to(day(4))
    assert counted(city.roads, "unclosed") == (1,), "also while it lies there"
    clock.move_to(day(5))
    alarm.ring()
    closed = ended(broken, city, city.hugo)
    assert (closed.promise_at, last(closed).facts["promise_kept"]) == (PROMISE, False)
    assert counted(city.roads, "closed", "closed_on_time", "overdue", "on_time") == (1, 0, 1, 0)


def test_who_gives_it_back_has_broken_it(broken: Case, city: SimpleNamespace, clock) -> None:
    move(broken, Verb.DECLINE, city.dora, note="不属市政")
    assert move(broken, Verb.DISPATCH, city.dora, department=city.parks.pk).promise_at == PROMISE
    clock.move_to(day(4))
    assert [counted(row, "unclosed") for row in (city.roads, city.parks)] == [(1,), (0,)]
    closed = ended(broken, city, city.hana)
    assert last(closed).facts["promise_kept"] is False


def test_no_late_extension_mends_it(broken: Case, city: SimpleNamespace, clock) -> None:
    moved = move(broken, Verb.EXTEND, city.dora, note="缺料", limit=Limit(2, Unit.URGENT_HOUR))
    assert moved.promise_at == PROMISE


def test_extended_when_late_and_late_again_is_overdue_once(city: SimpleNamespace, clock) -> None:
    """Due on the 4th, extended on the 5th by a day to what was the 5th, finished on the 10th."""
    case = town.report(city)
    clock.move_to(day(5))
    alarm.ring()
    move(case, Verb.EXTEND, city.dora, note="缺料", limit=Limit(2, Unit.WORK_DAY))
    clock.move_to(day(10))
    alarm.ring()
    town.finish(case, city.hugo)
    assert counted(city.roads, "overdue", "on_time", "finished", "extensions") == (1, 0, 1, 1)


# Lead and assisting departments


def test_who_waits_for_help_is_not_to_blame(city: SimpleNamespace, clock) -> None:
    """The roads are done in an hour; the parks come six days later than promised."""
    case = town.report(city, condition=city.missing.pk)
    move(case, Verb.ASSIST, city.dora, department=city.parks.pk, note="修剪")
    child = Case.objects.get(parent=case)
    clock.shift(timedelta(hours=1))
    town.finish(case, city.hugo)
    case.refresh_from_db()
    assert passed(case, case.holder or city.ivan).stage == Stage.CLOSING
    clock.move_to(day(4))
    assert [counted(row, "unclosed") for row in (city.roads, city.parks)] == [(0,), (1,)]
    clock.move_to(day(8))
    ended(child, city, city.hana)
    case.refresh_from_db()
    assert case.stage == Stage.CLOSING
    assert last(move(case, Verb.CLOSE, city.carl)).facts["promise_kept"]
    assert counted(city.roads, "closed", "closed_on_time", "unclosed", "on_time", "overdue") == (1, 1, 0, 1, 0)
    assert counted(city.parks, "closed", "unclosed", "on_time", "overdue") == (0, 0, 0, 1)


def test_a_lead_that_was_late_before_it_waited_stays_so(city: SimpleNamespace, clock) -> None:
    case = town.report(city, condition=city.missing.pk)
    move(case, Verb.ASSIST, city.dora, department=city.parks.pk, note="修剪")
    child = Case.objects.get(parent=case)
    clock.move_to(PROMISE + timedelta(hours=1))
    town.finish(case, city.hugo)
    case.refresh_from_db()
    passed(case, case.holder or city.ivan)
    clock.move_to(day(4))
    ended(child, city, city.hana)
    case.refresh_from_db()
    assert last(move(case, Verb.CLOSE, city.carl)).facts["promise_kept"] is False
