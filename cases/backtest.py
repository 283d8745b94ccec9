"""How good the forecast was: made again for stints of the past, from nothing but what was known then.

Each stint is met once, when half of its limit was used, if it was still open then. The forecast is told from the paces
as the night before had recounted them; whether the stint was missed is known today. Beside it stand two forecasts
that know less: the base rate (the part of all stints of the window that were missed) and one pace for the whole city.

A stint that was extended is met with the limit it had in the end: the log keeps no other.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import NamedTuple

from django.conf import settings

from grid.moment import local_day, now

from . import clock, forecast, pace, rulebook
from .forecast import Stint, midnight
from .pace import Curve, Key
from .rulebook import Rulebook

HALF = 0.5
ALL: Key = (0, None, None)
"""The pace of everything, which is asked only here."""


class Met(NamedTuple):
    """A stint met half-way: what was forecast (None: too few facts), what would have been without it, what came."""

    chance: float | None
    base: float
    city: float
    missed: bool


class Past:
    """What was known on each day, by key."""

    def __init__(self, book: Rulebook, facts: Iterable[Stint]):
        self._moments: defaultdict[Key, list[datetime]] = defaultdict(list)
        self._shares: defaultdict[Key, list[float | None]] = defaultdict(list)
        self._curves: dict[tuple[Key, date], Curve] = {}
        for fact in sorted(facts, key=lambda fact: fact.known_at):
            for key in (*forecast.keys(book, fact.category, fact.department, fact.since), ALL):
                self._moments[key].append(fact.known_at)
                self._shares[key].append(fact.share)

    def curve(self, key: Key, day: date) -> Curve:
        """The pace that the night before that day had counted, from the FORECAST_DAYS before it."""
        if (key, day) not in self._curves:
            self._curves[key, day] = self._count(key, day)
        return self._curves[key, day]

    def _count(self, key: Key, day: date) -> Curve:
        moments = self._moments[key]
        since = bisect_left(moments, midnight(day - timedelta(days=settings.FORECAST_DAYS)))
        known = self._shares[key][since : bisect_left(moments, midnight(day))]
        timely = sorted(min(share, 1) for share in known if share is not None)
        return Curve(len(known) - len(timely), len(timely), pace.quantiles(timely))


@dataclass(frozen=True)
class Score:
    """How the forecasts of some stints came true."""

    met: Sequence[Met]

    @cached_property
    def told(self) -> list[tuple[float, bool]]:
        """Chance and outcome, where there was a forecast."""
        return [(met.chance, met.missed) for met in self.met if met.chance is not None]

    @property
    def brier(self) -> float:
        """Mean squared distance of chance and outcome (Brier 1950): 0 is knowing, less is better."""
        return brier(self.told)

    def brier_of(self, said: Callable[[Met], float]) -> float:
        """The same of another forecast, for the same stints."""
        return brier([(said(met), met.missed) for met in self.met if met.chance is not None])

    @property
    def warned(self) -> list[bool]:
        """What became of those that were at risk."""
        return [missed for chance, missed in self.told if chance >= settings.FORECAST_RISK]

    def tenths(self) -> Iterator[tuple[float, int, float, float]]:
        """For each tenth that was said: where it begins, how many stints, the mean chance, the part that was missed."""
        for tenth in range(10):
            of = [said for said in self.told if min(int(said[0] * 10), 9) == tenth]
            if of:
                mean, missed = sum(chance for chance, _missed in of), sum(missed for _chance, missed in of)
                yield tenth / 10, len(of), mean / len(of), missed / len(of)


def brier(told: Sequence[tuple[float, bool]]) -> float:
    return sum((chance - missed) ** 2 for chance, missed in told) / len(told) if told else 0


def score(since: date, until: date) -> Score:
    """Forecast again every stint that was half-way on one of these local days, both included. Writes nothing."""
    book = rulebook.current()
    first = midnight(since - timedelta(days=settings.FORECAST_DAYS))
    facts = list(forecast.stints(book, first, now()))
    past = Past(book, facts)
    return Score([_meet(book, past, fact, day) for fact, day in _half_way(book, facts) if since <= day <= until])


def _half_way(book: Rulebook, facts: Iterable[Stint]) -> Iterator[tuple[Stint, date]]:
    """The stints that were still open when half of their limit was used, and on which day that was."""
    for fact in facts:
        if fact.share is None or fact.share > HALF:
            calendar = book.calendar(fact.department)
            half = clock.deadline(fact.since, int(HALF * fact.allowed_s), fact.clock, calendar).due_at
            assert half
            yield fact, local_day(half)


def _meet(book: Rulebook, past: Past, fact: Stint, day: date) -> Met:
    city = past.curve(ALL, day)
    own = ((key, past.curve(key, day)) for key in forecast.keys(book, fact.category, fact.department, fact.since))
    least = settings.FORECAST_LEAST
    found = next((curve for key, curve in own if pace.enough(key, curve.missed + curve.timely, least)), None)
    return Met(
        chance=found.chance(HALF) if found else None,
        base=city.chance(0),
        city=city.chance(HALF),
        missed=fact.share is None,
    )
