"""How late work was: the same on the case's page, in the list behind a figure, in the bulletin and by the API."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from types import SimpleNamespace

import pytest
import time_machine
from django.db import transaction
from django.utils import translation

from cases import alarm, bulletin, lateness, outbox
from cases.behind import Figure
from cases.bulletin import article, overdue
from cases.clock import Limit, Unit
from cases.flow import Verb
from cases.lateness import Lateness

from . import city as town
from .acts import move
from .desk import desk
from .histories import whole

DAYS = (date(2026, 3, 1), date(2026, 3, 31))
MINUTE, HOUR = 60, 3600


def day(number: int, hour: int = 9, minute: int = 0) -> datetime:
    return datetime(2026, 3, number, hour, minute, tzinfo=town.CHINA)


# Two working days each, of 08–12 and 14–18: due on Wednesday the 4th, 09:00.
#
#   done      finished on the 4th at 18:30, after 7 of that day's hours; by the wall 9:30
#   open      nobody touches it: at the end, on Monday the 9th at 10:00, 7 + 8 + 8 + 2 hours
#   shelved   after 2 hours, at 11:00, with nothing left, to the 6th; finished there 3 hours later
#   extended  at 11:00 by two days, finished on the 5th at 09:00 and yet late since the 4th: 7 hours and 1
LATE = {
    "done": Lateness(7 * HOUR, 9 * HOUR + 30 * MINUTE, False),
    "open": Lateness(25 * HOUR, 121 * HOUR, True),
    "shelved": Lateness(5 * HOUR, 5 * HOUR, False),
    "extended": Lateness(8 * HOUR, 24 * HOUR, False),
}


@pytest.fixture(scope="module")
def lived(for_all_here: None) -> Iterator[SimpleNamespace]:
    with time_machine.travel(town.MONDAY, tick=False) as clock, transaction.atomic():
        city = town.build()
        city.cases = {name: town.report(city) for name in LATE}
        clock.move_to(day(4) + timedelta(seconds=1))  # every rung up to 100 % rings, a moment late
        alarm.ring()
        clock.move_to(day(4, 11))
        move(city.cases["shelved"], Verb.SHELVE, city.dora, note="待料", until=day(6))
        move(city.cases["extended"], Verb.EXTEND, city.dora, note="缺料", limit=Limit(2, Unit.WORK_DAY))
        clock.move_to(day(4, 18, 30))
        town.finish(city.cases["done"], city.hugo)
        clock.move_to(day(5))
        town.finish(city.cases["extended"], city.hugo)
        clock.move_to(day(6))
        alarm.ring()
        clock.move_to(day(6, 12))
        town.finish(city.cases["shelved"], city.hugo)
        clock.move_to(day(9, 10))
        alarm.ring()
        outbox.drain()
        yield city
        transaction.set_rollback(True)


@pytest.fixture
def past(lived: SimpleNamespace, db: None) -> SimpleNamespace:
    return lived


def test_it_is_how_late_the_work_was_in_the_end(past: SimpleNamespace) -> None:
    numbers = {case.number: name for name, case in past.cases.items()}
    listed = whole(Figure(("overdue",), "city", 0, *DAYS), past.lena)
    assert {numbers[row.event.case.number]: row.late for row in listed} == LATE


def test_every_door_says_the_same(past: SimpleNamespace) -> None:
    with translation.override("zh-hans"):
        words = {name: lateness.say(late) for name, late in LATE.items()}
    assert words["done"] == "7 小时（自然时间 9 小时 30 分钟）"
    assert words["open"] == "25 小时（自然时间 5 天 1 小时），尚未完成"
    assert words["shelved"] == "5 小时"
    browser = desk(past.lena, **{"Accept-Language": "zh-hans"})
    days = {"kind": "city", "subject": 0, "codes": "overdue", "from": "2026-03-01", "to": "2026-03-31"}
    listed = browser.get("/scores/cases/", days).content.decode()
    printed = article.html(bulletin.read("2026-03"), past.lena)
    told = town.phone(past.lena).get("/api/mobile/v1/stats/cases", API).json()["items"]
    phones = {row["number"]: (row["late_s"], row["late_wall_s"], row["late_still"]) for row in told}
    for name, case in past.cases.items():
        page = browser.get(f"/case/{case.number}/").content.decode()
        assert f"超时 {words[name]}</span>" in page, name
        assert words[name] in listed, name
        assert words[name] in printed, name
        late = LATE[name]
        assert phones[case.number] == (late.own_s, late.wall_s, late.lasting), name


API = {"metric": "overdue", "kind": "city", "from": "2026-03-01", "to": "2026-03-31"}


def test_the_worst_stand_first_in_the_bulletin(past: SimpleNamespace) -> None:
    numbers = {case.number: name for name, case in past.cases.items()}
    rows = [numbers[row.event.case.number] for row in overdue.listed(bulletin.period_of("2026-03"), None, past.lena)]
    assert rows == ["open", "extended", "done", "shelved"]
