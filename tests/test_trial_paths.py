"""Cases that do not run straight, lived under one limit and tried under others: the figures by hand, and as they come
out where the same acts are lived under the other limit.

A case is reported on Monday at nine; seven hours are worked until that evening, eight on each day after it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import time_machine
from django.db import transaction

from cases import alarm, docket, indicators, replay, rulebook, tally, whatif
from cases.clock import Limit, Unit
from cases.flow import Purpose, Verb
from cases.models import Case, CaseEvent, Scheme
from cases.periods import of
from cases.planting.hush import hush
from grid.models import Officer
from grid.moment import now

from . import city as town
from .acts import move
from .lives import limit_to

MARCH = of("month", town.MONDAY.date())
MON, TUE, WED, THU = (town.MONDAY.replace(hour=0) + timedelta(days=n) for n in range(4))
DAY = Limit(1, Unit.WORK_DAY)
HOURS = {name: Limit(int(name.split()[0]), Unit.WORK_HOUR) for name in ("4 h", "6 h", "8 h", "16 h")}

Told = dict[str, dict[str, int]]


class Past:
    """A city whose time somebody moves, with an alarm that rings in time."""

    def __init__(self, city: SimpleNamespace, clock: time_machine.Traveller):
        self.city, self.clock = city, clock

    def at(self, day: datetime, hour: float) -> None:
        self.clock.move_to(day + timedelta(hours=hour))
        alarm.ring()

    def report(self) -> Case:
        self.at(MON, 9)
        return town.report(self.city)

    def checker(self, case: Case) -> Officer:
        return self.city.ines if case.holder_id == self.city.ines.pk else self.city.ivan

    def passed(self, case: Case) -> None:
        """Checked, and closed."""
        by = self.checker(case)
        docket.move(case.uuid, Verb.PASS, by=by, facts=town.shown(by, Purpose.NEAR))
        move(case, Verb.CLOSE, self.city.carl)


@pytest.fixture(scope="module")
def place(for_all_here: None) -> Iterator[SimpleNamespace]:
    with time_machine.travel(town.MONDAY, tick=False), transaction.atomic():
        city = town.build()
        city.schemes = [
            Scheme.objects.create(
                code=kind,
                version=1,
                name=kind,
                kind=kind,
                basis="flow",
                valid_from="2020-01-01",
                said={"items": [], "grades": []},
            )
            for kind in ("department", "street")
        ]
        yield city
        transaction.set_rollback(True)


@pytest.fixture
def past(place: SimpleNamespace, db: None, clock: time_machine.Traveller) -> Iterator[Past]:
    with hush("paths"):
        yield Past(place, clock)


# What people do


def shelved(past: Past) -> None:
    """Put on the shelf after seven hours, taken up a day later, and finished two hours after that."""
    case, city = past.report(), past.city
    past.at(TUE, 8)
    move(case, Verb.SHELVE, city.dora, note="待料", until=THU)
    past.at(WED, 8)
    move(case, Verb.RESUME, city.dora)
    past.at(WED, 10)
    town.finish(case, city.hugo)


def extended(past: Past) -> None:
    """A day more is granted after eight hours, and it is finished after twelve and a half."""
    case, city = past.report(), past.city
    past.at(TUE, 9.5)
    move(case, Verb.EXTEND, city.dora, note="缺料", limit=DAY)
    past.at(TUE, 15)
    town.finish(case, city.hugo)


def reworked(past: Past) -> None:
    """Finished after seven hours, sent back at once, and finished again after three and a half more."""
    case, city = past.report(), past.city
    past.at(TUE, 8)
    case = town.finish(case, city.hugo)
    move(case, Verb.REWORK, past.checker(case), note="没好")
    past.at(TUE, 11.5)
    town.finish(case, city.hugo)


def sent_back(past: Past) -> None:
    """Declined after three hours, by another department after one, and sent back to the first, which takes two more."""
    case, city = past.report(), past.city
    past.at(MON, 12)
    move(case, Verb.DECLINE, city.dora, note="改派")
    past.at(MON, 14)
    move(case, Verb.DISPATCH, city.dora, department=city.parks.pk)
    past.at(MON, 15)
    move(case, Verb.DECLINE, city.dora, note="改派")
    move(case, Verb.DISPATCH, city.dora, department=city.roads.pk)
    past.at(MON, 17)
    town.finish(case, city.hugo)


def helped(past: Past) -> None:
    """Two help: the parks with a limit of seven hours of their own, the office with that of the case. All take six."""
    case, city = past.report(), past.city
    move(case, Verb.ASSIST, city.dora, department=city.parks.pk, note="协助", limit=Limit(7, Unit.WORK_HOUR))
    move(case, Verb.ASSIST, city.dora, department=city.office.pk, note="协助")
    past.at(MON, 17.5)
    own, general = case.children.order_by("pk")
    for each, by in ((own, city.hana), (general, city.otto), (case, city.hugo)):
        town.finish(each, by)


def helped_again(past: Past) -> None:
    """Who helps declines after two hours and gets it back: what its own seven hours leave it is five."""
    case, city = past.report(), past.city
    move(case, Verb.ASSIST, city.dora, department=city.parks.pk, note="协助", limit=Limit(7, Unit.WORK_HOUR))
    child = case.children.get()
    past.at(MON, 11)
    move(child, Verb.DECLINE, city.dora, note="改派")
    move(child, Verb.DISPATCH, city.dora, department=city.parks.pk)
    past.at(MON, 17.5)
    town.finish(child, city.hana)
    town.finish(case, city.hugo)


def opened_again(past: Past) -> None:
    """Finished after two hours, closed, opened again an hour later, and finished after five more."""
    case, city = past.report(), past.city
    past.at(MON, 11)
    case = town.finish(case, city.hugo)
    past.passed(case)
    past.at(MON, 12)
    move(case, Verb.REOPEN, city.carl, note="又来")
    past.at(TUE, 9)
    town.finish(case, city.hugo)


def appealed(past: Past) -> None:
    """Finished after five hours, closed, and exempted on appeal."""
    case, city = past.report(), past.city
    past.at(MON, 16)
    case = town.finish(case, city.hugo)
    past.passed(case)
    past.at(TUE, 9)
    move(case, Verb.ASK, city.hugo, asks=Verb.EXEMPT, note="停电")
    move(case, Verb.EXEMPT, city.sina, note="属实")


def under_way(past: Past) -> None:
    """Nobody does anything."""
    past.report()


def roads(on_time: int, overdue: int, **more: int) -> Told:
    return {"roads": {"dispatched": 1, "finished": on_time + overdue, "on_time": on_time, "overdue": overdue} | more}


def sent(on_time: int, overdue: int) -> Told:
    """The parks have it for an hour and are in time, whatever the limit."""
    return roads(on_time, overdue, dispatched=2) | {"parks": {"dispatched": 1}}


def all_help(on_time: int, overdue: int) -> Told:
    one = roads(on_time, overdue)["roads"]
    return {"roads": one, "office": one, "parks": roads(1, 0)["roads"]}


Path = Callable[[Past], None]
BY_HAND: list[tuple[Path, dict[str, Told]]] = [
    # At four hours it was late when it was shelved, and once is enough; at eight it has one hour left on Wednesday.
    (shelved, {"4 h": roads(0, 1), "8 h": roads(0, 1), "16 h": roads(1, 0)}),
    # At six hours it was late when a day more was granted, at eight by half an hour: that is not undone.
    (extended, {"6 h": roads(0, 1), "8 h": roads(0, 1), "16 h": roads(1, 0)}),
    # Its share of half the limit: three hours of six are too short, four of eight are not.
    (reworked, {"6 h": roads(0, 2), "8 h": roads(2, 0), "16 h": roads(2, 0)}),
    # What the three hours left of it the first time: one hour of four is too short for two, three of six are not.
    (sent_back, {"4 h": sent(0, 1), "6 h": sent(1, 0), "16 h": sent(1, 0)}),
    (helped, {"4 h": all_help(0, 1), "16 h": all_help(1, 0)}),
    (
        helped_again,
        {
            "4 h": roads(0, 1) | {"parks": {"dispatched": 2, "finished": 1, "overdue": 0, "on_time": 1}},
            "16 h": roads(1, 0) | {"parks": {"dispatched": 2, "finished": 1, "overdue": 0, "on_time": 1}},
        },
    ),
    (opened_again, {"4 h": roads(1, 1), "6 h": roads(2, 0), "16 h": roads(2, 0)}),
    (under_way, {"4 h": roads(0, 1, finished=0), "16 h": roads(0, 1, finished=0)}),
]


def figures(city: SimpleNamespace, found: Counter[tuple[int, str]] | None = None) -> Told:
    """What the tallies say of each department, with what is different."""
    names = {row.pk: row.code for row in (city.roads, city.parks, city.office)}
    counted = indicators.figures("department", MARCH.since, MARCH.until, tree=False)
    told: Told = {}
    for pk, name in names.items():
        whole = {code: counted[pk][code] if pk in counted else 0 for code in whatif.MOVED}
        moved = {code: whole[code] + (found or Counter())[pk, code] for code in whatif.MOVED}
        if kept := {code: n for code, n in moved.items() if n}:
            told[name] = kept
    return told


def live(past: Past, path: Path, limit: Limit) -> Told:
    """Live it under a limit, until the end of March, and say what the figures are."""
    limit_to(past.city.rattling.pk, limit)
    path(past)
    past.at(town.MONDAY.replace(day=31), 9)
    tally.count(tally.units(list(CaseEvent.objects.all())))
    return figures(past.city)


def tried(past: Past, **said: Any) -> Told:
    """What a trial says."""
    found: Counter[tuple[int, str]] = Counter()
    for scheme in past.city.schemes:
        trial = whatif.begin(scheme, MARCH, said, past.city.lena)
        whatif.reckon(trial.pk)
        trial.refresh_from_db()
        assert trial.finished_at and not trial.failed
        if scheme.kind == "department":
            found.update({(int(pk), code): n for pk, counts in trial.found.items() for code, n in counts.items()})
    return figures(past.city, found)


def hours(past: Past, limit: Limit) -> list[dict[str, Any]]:
    return [{"condition": past.city.rattling.pk, "value": str(limit.value), "unit": str(limit.unit)}]


def nonzero(told: Told) -> Told:
    return {name: {code: n for code, n in counts.items() if n} for name, counts in told.items()}


@pytest.mark.parametrize(("path", "by_hand"), BY_HAND, ids=[path.__name__ for path, _told in BY_HAND])
def test_a_trial_says_what_the_same_acts_count_under_the_other_limit(
    path: Path, by_hand: dict[str, Told], past: Past
) -> None:
    for was in by_hand:
        with transaction.atomic():
            assert live(past, path, HOURS[was]) == nonzero(by_hand[was]), f"lived under {was}"
            limit_to(past.city.rattling.pk, Limit(1, Unit.URGENT_HOUR))  # what holds today is another matter
            for other, told in by_hand.items():
                assert tried(past, limits=hours(past, HOURS[other])) == nonzero(told), f"{was}, tried {other}"
            transaction.set_rollback(True)


def test_an_appeal_exempts_only_what_would_have_been_late(past: Past) -> None:
    """A past in which it was in time knows no appeal: so it is lived under the short limit alone."""
    assert live(past, appealed, HOURS["4 h"]) == nonzero(roads(0, 1, exempt=1))
    assert tried(past, limits=hours(past, HOURS["4 h"])) == nonzero(roads(0, 1, exempt=1))
    assert tried(past, limits=hours(past, HOURS["6 h"])) == nonzero(roads(1, 0))


def test_what_was_is_not_read_from_the_rules_of_today(past: Past) -> None:
    """Counted at sixteen hours: two in time, one late. Then the limit is edited, to eight."""
    cases = [past.report() for _three in range(3)]
    for case, (day, hour) in zip(cases, ((MON, 12), (TUE, 15), (THU, 9)), strict=True):
        past.at(day, hour)
        town.finish(case, past.city.hugo)
    told = live(past, lambda past: None, Limit(8, Unit.WORK_HOUR))
    assert (told["roads"]["on_time"], told["roads"]["overdue"]) == (2, 1)
    assert tried(past, limits=hours(past, HOURS["16 h"])) == told
    short = tried(past, limits=hours(past, HOURS["8 h"]))
    assert (short["roads"]["on_time"], short["roads"]["overdue"]) == (1, 2)


def test_a_day_more_is_a_day_more_on_the_other_clock_too(past: Past) -> None:
    """In life nobody is granted working hours on a clock that runs day and night: a trial keeps the word.

    A day and a night are over on Tuesday at nine, before it was extended: it was late. Twenty-five hours are over at
    ten, and on Wednesday with the day more.
    """
    live(past, extended, HOURS["16 h"])
    limits = Limit(1, Unit.URGENT_DAY), Limit(25, Unit.URGENT_HOUR)
    assert [tried(past, limits=hours(past, limit)) for limit in limits] == [nonzero(roads(0, 1)), nonzero(roads(1, 0))]


def test_who_is_sent_back_a_case_by_duty_is_so_in_a_trial(past: Past) -> None:
    """The parks would have had it first and last, and the roads what was sent to them by hand: nothing."""
    live(past, sent_back, HOURS["16 h"])
    duty = {"category": past.city.manhole.parent_id, "area": "", "department": past.city.office.pk}
    assert tried(past, duties=[duty]) == {
        "office": {"dispatched": 2, "finished": 1, "on_time": 1},
        "parks": {"dispatched": 1},
    }


def test_a_case_that_was_linked_goes_back_to_whom_it_would_have_come_from(past: Past) -> None:
    """The office would have had it twice, as the roads had, and the master once."""

    def linked(past: Past) -> None:
        master, case, city = past.report(), past.report(), past.city
        past.at(MON, 10)
        move(case, Verb.LINK, city.carl, same_as=str(master.uuid))
        past.at(MON, 11)
        move(case, Verb.UNLINK, city.carl)
        past.at(MON, 12)
        town.finish(case, city.hugo)
        town.finish(master, city.hugo)

    whole = {"dispatched": 3, "finished": 2, "on_time": 2}
    assert live(past, linked, HOURS["16 h"]) == {"roads": whole}
    duty = {"category": past.city.manhole.parent_id, "area": "", "department": past.city.office.pk}
    assert tried(past, duties=[duty]) == {"office": whole}


def test_a_line_that_does_not_say_its_limit_has_that_of_today(past: Past) -> None:
    """None is that old where the log was always written by this program."""
    case = past.report()
    past.at(MON, 16)
    town.finish(case, past.city.hugo)
    lines = list(case.events.order_by("id"))
    for line in lines:
        line.facts = {name: said for name, said in line.facts.items() if name != "why"}
    for limit, late in ((HOURS["4 h"], True), (HOURS["6 h"], False)):
        change = whatif._change(rulebook.current(), {"limits": hours(past, limit)})
        counted = [code for code, _whose, _day in replay.counted(replay.relive(change, case, lines, now()))]
        assert ("overdue" in counted) == late
    same = whatif._change(rulebook.current(), {"limits": hours(past, Limit(2, Unit.WORK_DAY))})
    assert replay.relive(same, case, lines, now()) is lines
