"""The acts of a past as they are kept: what people saw and did, without a date; and when that is in a past that ends
on a given day. Nothing here touches the database. How the file is made: fixtures/making/acts.py."""

from __future__ import annotations

import gzip
import json
from bisect import bisect
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from ..calendar import Calendar
from ..flow import Source, Stage, Verb

Hours = tuple[float, float]
CENTRE = (7, 22)  # the hours in which the centre and the inspectors work
OFFICE = (8.5, 18)
RESTING = 0.55  # how much is seen on a day off, against one on which the city works
GROWTH = 0.2  # how much more is seen at the end of the past than at its beginning


class Act(NamedTuple):
    """What somebody does about a case while it stands at a stage. When: "4m", "+4m" after the act before, "40%"."""

    stage: Stage
    verb: Verb
    when: str
    said: Mapping[str, Any]


@dataclass(frozen=True)
class Story:
    """One case. `share`: how much of all that happens lies before it. `hour`: of its day, local.

    place: the code of its cell. sort: kind, major and sub of its class. no: the condition that was chosen.
    hand: who of several does it. called: how long after it a citizen calls about the same.
    """

    share: float
    hour: float
    sort: tuple[str, str, str]
    place: str
    lon: float
    lat: float
    source: Source
    hand: int
    acts: tuple[Act, ...]
    component: str = ""
    no: int | None = None
    handled: bool = False
    mock: bool = False
    called: str = ""


@dataclass(frozen=True)
class Acts:
    """All stories, the oldest first, and the habits of departments, by code: factors of the time that their work
    takes, when the past begins and when it ends. `friends`: inspectors by username, and the department by code whose
    work each of them passes without going there."""

    stories: Sequence[Story]
    habits: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    friends: Collection[tuple[str, str]] = ()

    def some(self, count: int) -> Acts:
        """So many of the stories, spread over all of them."""
        every = max(1.0, len(self.stories) / max(count, 1))
        return replace(self, stories=[self.stories[int(n * every)] for n in range(min(count, len(self.stories)))])


def read(path: Path) -> Acts:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        head, *lines = map(json.loads, file)
    habits = {code: tuple(habit) for code, habit in head["habits"].items()}
    return Acts([_story(line) for line in lines], habits, {(who, code) for who, code in head["friends"]})


def act(stage: str, verb: str, when: str, said: Mapping[str, Any] | None = None) -> Act:
    return Act(Stage(stage), Verb(verb), when, said or {})


def _story(said: dict[str, Any]) -> Story:
    kind, major, sub = said.pop("class").split("-")
    acts = tuple(act(*each) for each in said.pop("acts"))
    share, place, source = said.pop("at"), said.pop("cell"), Source(said.pop("source"))
    return Story(share=share, sort=(kind, major, sub), place=place, source=source, acts=acts, **said)


class Days:
    """The days of a past, the last one excluded, and how much of it lies in each: more where the city works."""

    def __init__(self, since: date, until: date, calendar: Calendar) -> None:
        self.zone, self.first, self.count = calendar.zone, since, (until - since).days
        days = [since + timedelta(days=n) for n in range(self.count)]
        weights = [
            (1 if calendar.plan(day).seconds else RESTING) * (1 + GROWTH * n / self.count) for n, day in enumerate(days)
        ]
        self.upto = [done / sum(weights) for done in accumulate(weights)]

    def moment(self, story: Story) -> datetime:
        """When it was seen."""
        day = self.first + timedelta(days=min(bisect(self.upto, story.share), self.count - 1))
        return at_hour(day, story.hour, self.zone)

    def age(self, at: datetime) -> float:
        """How much of the past, from 0 to 1, lies before a moment."""
        return min(max((at.astimezone(self.zone).date() - self.first).days / self.count, 0), 1)


def at_hour(day: date, hour: float, zone: ZoneInfo) -> datetime:
    """A moment of a local day, in UTC."""
    return (datetime(day.year, day.month, day.day, tzinfo=zone) + timedelta(seconds=round(hour * 3600))).astimezone(UTC)


def soon(at: datetime, minutes: int, zone: ZoneInfo, hours: Hours = CENTRE) -> datetime:
    """So many minutes later, or early in the next morning where nobody works then."""
    then = (at + timedelta(minutes=minutes)).astimezone(zone)
    opens, closes = hours
    hour = then.hour + then.minute / 60
    if opens <= hour < closes:
        return then.astimezone(UTC)
    day = then.date() + timedelta(days=hour >= closes)
    return at_hour(day, opens + (1 + minutes % 40) / 60, zone)
