"""评分: what a subject's figures are worth under a scheme. Nothing here touches the database.

A plan is a scheme as a value: items with their weights, bands and grades. Another value is a "what if". Scores are
exact fractions until they are shown, so that 89.9 is not taken for 90, nor for 89.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate, pairwise
from typing import Any

from django.utils.translation import gettext as _

from .metrics import METRIC

WHOLE = 100
DECIMAL = re.compile(r"-?\d{1,9}(\.\d{1,9})?")


class Unfit(Exception):
    """A scheme or an indicator that cannot be used: a stable code, and a sentence."""

    def __init__(self, code: str, detail: str):
        super().__init__(detail)
        self.code, self.detail = code, detail


@dataclass(frozen=True)
class Sum:
    """Counts added and taken away, as written: "on_time + overdue - exempt". Raises Unfit."""

    text: str

    def __post_init__(self) -> None:
        signs, codes = self._words()
        if not codes or set(signs) - {"+", "-"} or len(signs) != len(codes):
            raise Unfit("sum_unread", _("看不懂算式“%(text)s”，请写成“a + b - c”。") % {"text": self.text})
        if unknown := set(codes) - METRIC.keys():
            raise Unfit("metric_unknown", _("没有统计项：%(codes)s") % {"codes": _("、").join(sorted(unknown))})

    def _words(self) -> tuple[list[str], list[str]]:
        words = ["+", *self.text.split()]
        return words[::2], words[1::2]

    @property
    def parts(self) -> tuple[tuple[int, str], ...]:
        """Each sign, 1 or -1, with its metric."""
        signs, codes = self._words()
        return tuple((1 if sign == "+" else -1, code) for sign, code in zip(signs, codes, strict=True))

    def of(self, figures: Mapping[str, int]) -> int:
        return sum(sign * figures[code] for sign, code in self.parts)


@dataclass(frozen=True)
class Rate:
    """An indicator: a numerator over a denominator, or a count where it has none. Better is higher or lower."""

    code: str
    numerator: Sum
    denominator: Sum | None
    higher: bool

    def of(self, figures: Mapping[str, int]) -> Fraction | None:
        """The exact rate, or count; None where there is nothing to rate.

        A difference may fall below nought, where what is taken away counts on another day: then it is none.
        """
        above = max(self.numerator.of(figures), 0)
        if self.denominator is None:
            return Fraction(above)
        below = self.denominator.of(figures)
        return Fraction(above, below) if below > 0 else None

    @property
    def codes(self) -> frozenset[str]:
        sums = (self.numerator, self.denominator) if self.denominator else (self.numerator,)
        return frozenset(code for each in sums for _sign, code in each.parts)


@dataclass(frozen=True)
class Band:
    """From `low` to `high` cases, both included, are worth `points`; without `high`, from `low` upward."""

    low: int
    high: int | None
    points: Fraction


@dataclass(frozen=True)
class Item:
    """An indicator with its weight in percent. A count is worth what its bands say, by region class ("": any)."""

    rate: Rate
    weight: Fraction
    bands: Mapping[str, tuple[Band, ...]]

    def __post_init__(self) -> None:
        if self.weight <= 0:
            raise Unfit("weight_unfit", _("权重须大于零：%(code)s") % {"code": self.rate.code})
        if bool(self.bands) != (self.rate.denominator is None):
            raise Unfit("bands_unfit", _("计数须分档计分，比率不分档：%(code)s") % {"code": self.rate.code})
        if self.bands and "" not in self.bands:
            raise Unfit("bands_unfit", _("分档须有一张不限区域类别的表：%(code)s") % {"code": self.rate.code})
        for bands in self.bands.values():
            _whole(self.rate.code, bands)

    def points(self, figures: Mapping[str, int], region_class: str = "") -> Fraction | None:
        """From 0 to 100; None where there is nothing to rate."""
        value = self.rate.of(figures)
        if value is None:
            return None
        if self.bands:
            return next(
                band.points
                for band in self.bands.get(region_class, self.bands[""])
                if band.low <= value and (band.high is None or value <= band.high)
            )
        share = value if self.rate.higher else 1 - value
        return min(max(share, Fraction(0)), Fraction(1)) * WHOLE


def _whole(code: str, bands: Sequence[Band]) -> None:
    """Refuse bands that overlap, leave a gap, begin above nought or end."""
    if not bands or bands[0].low != 0 or bands[-1].high is not None:
        raise Unfit("bands_open", _("分档须从 0 起，最后一档不设上限：%(code)s") % {"code": code})
    for band, following in pairwise(bands):
        if band.high is None or band.high < band.low or following.low != band.high + 1:
            raise Unfit("bands_gap", _("分档之间不能重叠，也不能留空：%(code)s") % {"code": code})
    if any(not 0 <= band.points <= WHOLE for band in bands):
        raise Unfit("bands_unfit", _("每档得分须在 0 到 100 之间：%(code)s") % {"code": code})


@dataclass(frozen=True)
class Grade:
    """等级: from so many points upward."""

    letter: str
    low: Fraction
    colour: str


@dataclass(frozen=True)
class Line:
    """What one item gave: its figures' value, the points for it, and the weight it had in the end."""

    item: Item
    value: Fraction | None
    points: Fraction | None
    weight: Fraction


@dataclass(frozen=True)
class Score:
    """`points` and `grade` are None where nothing could be rated."""

    points: Fraction | None
    grade: Grade | None
    lines: tuple[Line, ...]

    @property
    def letter(self) -> str:
        """Its grade's; empty without one."""
        return self.grade.letter if self.grade else ""

    def value(self, indicator: str) -> Fraction | None:
        """What an indicator gave; None where there was nothing to rate."""
        return next((line.value for line in self.lines if line.item.rate.code == indicator), None)


def weighed(weights: Sequence[Fraction]) -> None:
    """Refuse weights that are not 100 % together."""
    if (whole := sum(weights)) != WHOLE:
        raise Unfit("weights_unfit", _("各项权重之和须为 100%%，现为 %(sum)s%%。") % {"sum": shown(Fraction(whole))})


def graded(lows: Sequence[Fraction]) -> None:
    """Refuse grades that do not descend to 0."""
    if not lows or lows[-1] != 0 or any(low <= lower for low, lower in pairwise(lows)):
        raise Unfit("grades_unfit", _("等级须从高到低，最低一级从 0 分起。"))


@dataclass(frozen=True)
class Plan:
    """A scheme as a value. Raises Unfit: its weights are 100 % together, its bands whole, its grades descend to 0."""

    items: tuple[Item, ...]
    grades: tuple[Grade, ...]

    def __post_init__(self) -> None:
        weighed([item.weight for item in self.items])
        graded([grade.low for grade in self.grades])

    @property
    def codes(self) -> frozenset[str]:
        """The metrics that it asks for."""
        return frozenset(code for item in self.items for code in item.rate.codes)

    def score(self, figures: Mapping[str, int], region_class: str = "") -> Score:
        """What figures are worth. The weight of what is not applicable is shared among the others.

        Where nothing at all was counted there is no score; nor where counts stand alone beside rates of nothing: who
        was given one case and has done nothing yet is not the best.
        """
        points = [item.points(figures, region_class) for item in self.items]
        rated = [each is not None for item, each in zip(self.items, points, strict=True) if not item.bands]
        if not any(figures[code] for code in self.codes) or (rated and not any(rated)):
            points = [None] * len(points)
        applied = sum(item.weight for item, each in zip(self.items, points, strict=True) if each is not None)
        lines = tuple(
            Line(item, item.rate.of(figures), each, item.weight * WHOLE / applied if each is not None else Fraction(0))
            for item, each in zip(self.items, points, strict=True)
        )
        if not applied:
            return Score(None, None, lines)
        total = sum((line.points * line.weight / WHOLE for line in lines if line.points is not None), Fraction(0))
        return Score(total, self.grade(total), lines)

    def grade(self, points: Fraction) -> Grade:
        """The highest grade whose bound, included, is reached by the unrounded points."""
        return next(grade for grade in self.grades if points >= grade.low)


def plan(said: Mapping[str, Any], rates: Mapping[str, Rate]) -> Plan:
    """A plan as a scheme's document says it: {"items": [{"indicator", "weight", "bands"}], "grades": [[…]]}.

    Bands are [low, high or null, points], or such lists by region class. Numbers are read as decimals, so that 33.3
    is 333 tenths. Raises Unfit.
    """
    try:
        items = tuple(item(each, rates) for each in said["items"])
        grades = tuple(Grade(str(letter), _exact(low), str(colour)) for letter, low, colour in said["grades"])
    except (KeyError, TypeError, ValueError) as error:
        raise Unfit("scheme_unread", _("评分方案写得不对：%(error)s") % {"error": repr(error)}) from None
    return Plan(items, grades)


def item(said: Mapping[str, Any], rates: Mapping[str, Rate]) -> Item:
    """One item as a scheme's document says it. Raises Unfit."""
    if said["indicator"] not in rates:
        raise Unfit("indicator_unknown", _("没有指标“%(code)s”。") % {"code": said["indicator"]})
    bands = said.get("bands") or {}
    tables = bands if isinstance(bands, Mapping) else {"": bands}
    read = {str(region): tuple(_band(*band) for band in table) for region, table in tables.items()}
    return Item(rates[said["indicator"]], _exact(said["weight"]), read)


def _band(low: Any, high: Any, points: Any) -> Band:
    return Band(_count(low), None if high is None else _count(high), _exact(points))


def _count(number: Any) -> int:
    if (exact := _exact(number)).denominator != 1:
        raise ValueError(number)
    return int(exact)


def _exact(number: Any) -> Fraction:
    """A decimal of a size that people mean: 1e999999 would take for ever."""
    if not DECIMAL.fullmatch(str(number)):
        raise ValueError(number)
    return Fraction(str(number))


def shown(number: Fraction, digits: int = 2) -> float:
    """A number to show: rounded half up, as people do."""
    scale = 10**digits
    return float(
        Fraction(int(number * scale + Fraction(1, 2)) if number >= 0 else -int(-number * scale + Fraction(1, 2)), scale)
    )


def ranks(points: Mapping[int, Fraction | None]) -> dict[int, int]:
    """The place of each subject that has a score, the best first; who has the same shares the place."""
    many = Counter(score for score in points.values() if score is not None)
    best = sorted(many, reverse=True)
    place = dict(zip(best, accumulate((many[score] for score in best), initial=1), strict=False))
    return {subject: place[score] for subject, score in points.items() if score is not None}
