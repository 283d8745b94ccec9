"""How long a class of work takes, as a share of its limit, and what that says of work not yet done.

A *share* is the time used over the time allowed, both in the limit's own clock: half a day of two is 0.25 on whatever
clock it runs. Of the stints that made a pace, `missed` were not done by their due moment; the others were in time,
and `shares`, quantiles at equal steps from the quickest to the slowest of them, tell how soon.

Nothing here touches the database or asks for the present time.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

STEPS = 20
"""Between the quantiles that are kept: one every twentieth."""

HOURS = (0, 8, 12, 18)
"""When the parts of a day begin, by the city's clock: night, morning, afternoon, evening."""

HOURLY = 3
"""Times as many facts for the pace of a part of the day: the day makes less of a difference than chance does."""

Key = tuple[int, int | None, int | None]
"""A category of any level, a department or all (None), a part of the day or any (None)."""


def hour(since: datetime) -> int:
    """The part of the city's day in which a stint began, named by the hour at which that part begins."""
    return HOURS[bisect_right(HOURS, timezone.localtime(since).hour) - 1]


def ends(part: int) -> int:
    """The hour at which a part of the day ends."""
    return (*HOURS, 24)[HOURS.index(part) + 1]


def keys(classes: Sequence[int], department: int | None, part: int) -> Iterator[Key]:
    """Every pace that a stint belongs to, the most particular first; `classes` with the nearest first.

    A department's own pace goes before the city's, the sub-class before those above it, the part of the day before any.
    """
    for who in dict.fromkeys((department, None)):
        for what in classes:
            yield what, who, part
            yield what, who, None


def enough(key: Key, facts: int, least: int) -> bool:
    """Whether so many facts make a pace, where any needs at least so many."""
    return facts >= least * (1 if key[2] is None else HOURLY)


def quantiles(shares: Sequence[float]) -> list[float]:
    """STEPS + 1 quantiles of ascending shares, linear between two facts (as percentile_cont); none of none."""
    if not shares:
        return []
    last = len(shares) - 1
    return [_between(shares, last * step / STEPS) for step in range(STEPS + 1)]


def _between(values: Sequence[float], place: float) -> float:
    below = min(int(place), len(values) - 1)
    above = min(below + 1, len(values) - 1)
    return values[below] + (place - below) * (values[above] - values[below])


@dataclass(frozen=True)
class Curve:
    """The pace of some stints: how many were missed, how many were in time, and the quantiles of the latter."""

    missed: int
    timely: int
    shares: Sequence[float]

    def done(self, share: float) -> float:
        """Which part of the stints in time had been done at that share of their limit; never falls."""
        if not self.shares or share < self.shares[0]:
            return 0
        step = bisect_right(self.shares, share) - 1
        if step >= STEPS:
            return 1
        low, high = self.shares[step], self.shares[step + 1]
        return (step + (share - low) / (high - low)) / STEPS

    def still(self, share: float) -> float:
        """How many of all the stints were not yet done at that share, in time or not."""
        return self.missed + self.timely * (1 - self.done(share))

    def chance(self, share: float) -> float:
        """The chance that work not done at that share of its limit misses it: 0 to 1, never falling with the share.

        P(used ≥ 1 | used > share), that is the missed stints over those still open at that share; (missed + ½) /
        (still + 1) for what few facts cannot know (Jeffreys' rule). Where all were done sooner it is ½: nobody knows.
        """
        return 1 if share >= 1 else (self.missed + 0.5) / (self.still(share) + 1)

    def risky_from(self, risk: float) -> float | None:
        """The first share of the limit at which the chance is at least `risk`; None where only its end is."""
        spare = (self.missed + 0.5) / risk - 1 - self.missed  # so many in time may still be open
        if spare < 0:
            return None
        if spare >= self.timely:
            return 0
        share = _between(self.shares, (1 - spare / self.timely) * STEPS)
        return share if share < 1 else None
