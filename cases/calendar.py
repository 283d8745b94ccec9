"""Working time as a value: when the city works, and what time that makes of a limit.

A `Calendar` knows the week, the hours of each season, the holidays and the make-up workdays. It answers three
questions: when is so much working time used up (`add`), how much lies between two moments (`between`), and why
(`explain`). `Continuous` answers the same three where every second counts.

What may be relied on:

- Moments go in aware and come out aware, in UTC. A naive moment is refused.
- Reckoning is exact. Microseconds of a start are kept, so no deadline falls before its start; lengths of time are
  whole seconds, rounded down.
- Time begins to count when work begins: from 12:00 sharp in 08–12 and 14–18 it counts from 14:00. Time that is
  used up at the end of a period is used up there, at 12:00, not at the next start.
- No seconds after a moment is that moment, at work or not.
- "Provisional" means that the walk came through a year whose holidays are not loaded. Such a year follows the plain
  week, and the result must be worked out again once the year is known.

Nothing here touches the database or asks for the present time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.db.models import TextChoices
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

REACH = 3653
"""Days, some ten years: nothing is due later. A calendar without work would otherwise be walked for ever."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TICK = timedelta(microseconds=1)
_SECOND = 1_000_000  # ticks


class Unusable(ValueError):
    """A timetable or a limit that cannot be meant. `code` is stable; `str()` is a sentence for people."""

    def __init__(self, code: str, sentence: str | Promise, **said: object) -> None:
        super().__init__(code, said)
        self.code, self.sentence, self.said = code, sentence, said

    def __str__(self) -> str:
        return str(self.sentence) % self.said


class OutOfReach(Unusable):
    """So much time is not to be had within `REACH` days."""

    def __init__(self, name: str | Promise, start: datetime, seconds: int) -> None:
        sentence = _("“%(name)s”自 %(start)s 起十年内没有 %(seconds)s 秒可计的时间")
        super().__init__("out_of_reach", sentence, name=name, start=start.isoformat(), seconds=seconds)


class Why(TextChoices):
    """Why a span counted, or did not."""

    WORK = "work", _("工作时间")
    MAKEUP = "makeup", _("调休上班")
    REST = "rest", _("休息日")
    HOLIDAY = "holiday", _("节假日")
    OFF_HOURS = "off_hours", _("非工作时间")
    CONTINUOUS = "continuous", _("昼夜连续计时")

    @property
    def counts(self) -> bool:
        return self not in (Why.REST, Why.HOLIDAY, Why.OFF_HOURS)


class Span(NamedTuple):
    """One line of an explanation. Where nothing counted, the line lasts to the end of its day."""

    day: date  # local
    since: datetime
    until: datetime
    seconds: int
    why: Why
    name: str = ""  # of the holiday, for a make-up workday too
    provisional: bool = False


class Plan(NamedTuple):
    """What a local day is. `known` is false in a year whose holidays are not loaded."""

    on: date
    why: Why
    name: str
    seconds: int
    known: bool


class SpecialDay(NamedTuple):
    """A day that does not follow the week: off, or a make-up workday (调休)."""

    off: bool
    name: str


@dataclass(frozen=True)
class Season:
    """Hours that hold from a month and day until the next season starts, year after year.

    Periods stand in order and do not overlap. None crosses midnight; an end of 00:00 is the midnight that closes
    the day. Raises `Unusable`.
    """

    start: tuple[int, int]
    periods: tuple[tuple[time, time], ...]

    def __post_init__(self) -> None:
        if not _exists(*self.start):
            month, day = self.start
            raise Unusable("season_start", _("作息不能从 %(month)s 月 %(day)s 日开始"), month=month, day=day)
        if not self.periods:
            raise Unusable("season_empty", _("作息至少要有一个时段"))
        closed = 0
        for opens, closes in self.periods:
            period = f"{opens}–{closes}"
            if any(at.tzinfo or at.microsecond for at in (opens, closes)):
                raise Unusable("period_precision", _("时段精确到秒，不带时区：%(period)s"), period=period)
            if _clock_s(opens) >= _closing_s(closes):
                raise Unusable("period_order", _("时段须先开始后结束，不能跨越午夜：%(period)s"), period=period)
            if _clock_s(opens) < closed:
                raise Unusable("period_overlap", _("时段须按先后排列，不能重叠：%(period)s"), period=period)
            closed = _closing_s(closes)


class _Day(NamedTuple):
    """One local day as the calendar reads it. Moments are ticks since the epoch, lengths are ticks."""

    on: date
    opens: int  # local midnight
    closes: int  # the next one
    periods: tuple[tuple[int, int], ...]
    length: int  # of work
    known: bool
    why: Why
    name: str

    def before(self, moment: int) -> int:
        """Work of this day that lies before the moment."""
        return sum(min(closes, moment) - opens for opens, closes in self.periods if opens < moment)

    def spent(self, length: int) -> int:
        """The first moment when so much of this day's work is over; 0 < length ≤ the day's."""
        for opens, closes in self.periods:
            if length <= closes - opens:
                return opens + length
            length -= closes - opens
        raise AssertionError("more than the day has")


@dataclass(frozen=True)
class Calendar:
    """The working time of a city or a department.

    `workdays` are ISO weekdays, Monday 1 to Sunday 7. `day_s` is what one 工作日 of a limit is worth, in seconds of
    work, whatever the season's hours. `exceptions` go before the week. `years` are those whose holidays are loaded.

    A calendar does not change: what it has worked out about a day it keeps. Raises `Unusable`.
    """

    zone: ZoneInfo
    workdays: frozenset[int]
    day_s: int
    seasons: tuple[Season, ...]
    exceptions: Mapping[date, SpecialDay]
    years: frozenset[int]
    name: str
    _days: dict[int, _Day] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.workdays <= frozenset(range(1, 8)):
            raise Unusable("calendar_workdays", _("“%(name)s”的工作日须为 1（周一）至 7（周日）"), name=self.name)
        if self.day_s <= 0:
            raise Unusable("calendar_day", _("“%(name)s”的一个工作日须折合大于零的秒数"), name=self.name)
        starts = {season.start for season in self.seasons}
        if not starts or len(starts) < len(self.seasons):
            raise Unusable("calendar_seasons", _("“%(name)s”须有作息，且起始日期各不相同"), name=self.name)
        object.__setattr__(self, "seasons", tuple(sorted(self.seasons, key=lambda season: season.start)))
        object.__setattr__(self, "exceptions", dict(self.exceptions))  # nobody changes it behind the kept days

    def add(self, start: datetime, seconds: int) -> tuple[datetime, bool]:
        """The moment (UTC) when so many seconds of work have passed since the start, and whether it is provisional.

        Raises `OutOfReach` when ten years do not hold as much, `ValueError` for a naive start or negative seconds.
        """
        begin, length = _ticks(start), _length(seconds)
        if not length:
            return start.astimezone(UTC), False
        first, provisional = self._ordinal(start), False
        length += self._day(first).before(begin)
        for ordinal in range(first, first + REACH):
            day = self._day(ordinal)
            provisional = provisional or not day.known
            if length <= day.length:
                return _moment(day.spent(length)), provisional
            length -= day.length
        raise OutOfReach(self.name, start, seconds)

    def between(self, start: datetime, end: datetime) -> int:
        """Seconds of work from start to end, rounded down; 0 where the end is not after the start.

        `between(start, add(start, seconds)) == seconds`. Raises `ValueError` for a naive moment.
        """
        begin, stop = _ticks(start), _ticks(end)
        if stop <= begin:
            return 0
        first, last = self._ordinal(start), self._ordinal(end)
        whole = sum(self._day(ordinal).length for ordinal in range(first, last))
        return (whole - self._day(first).before(begin) + self._day(last).before(stop)) // _SECOND

    def explain(self, start: datetime, seconds: int) -> list[Span]:
        """How `add` comes to its moment: a line for each stretch that counts and each day that does not.

        The seconds of the lines add up to the seconds asked for. Raises what `add` raises.
        """
        begin, end = _ticks(start), _ticks(self.add(start, seconds)[0])
        if not seconds:
            return []
        spans: list[Span] = []
        counted = 0
        for ordinal in range(self._ordinal(start), self._ordinal(_moment(end - 1)) + 1):
            day = self._day(ordinal)
            for since, until, why in _stretches(day, begin, end):
                length = until - since if why.counts else 0
                whole = (counted + length) // _SECOND - counted // _SECOND
                spans.append(Span(day.on, _moment(since), _moment(until), whole, why, day.name, not day.known))
                counted += length
        return spans

    def plan(self, on: date) -> Plan:
        """What a local day is, and for how long work is done on it."""
        day = self._day(on.toordinal())
        return Plan(on, day.why, day.name, day.length // _SECOND, day.known)

    def _ordinal(self, moment: datetime) -> int:
        return moment.astimezone(self.zone).toordinal()

    def _day(self, ordinal: int) -> _Day:
        return self._days.get(ordinal) or self._days.setdefault(ordinal, self._read(date.fromordinal(ordinal)))

    def _read(self, on: date) -> _Day:
        special = self.exceptions.get(on)
        if special:
            off, why = special.off, Why.HOLIDAY if special.off else Why.MAKEUP
        else:
            off = on.isoweekday() not in self.workdays
            why = Why.REST if off else Why.WORK
        hours = () if off else self._season(on).periods
        periods = tuple((self._at(on, opens), self._at(on, closes, closing=True)) for opens, closes in hours)
        return _Day(
            on=on,
            opens=self._at(on, time()),
            closes=self._at(on, time(), closing=True),
            periods=periods,
            length=sum(closes - opens for opens, closes in periods),
            known=on.year in self.years,
            why=why,
            name=special.name if special else "",
        )

    def _season(self, on: date) -> Season:
        here = (on.month, on.day)
        return next((season for season in reversed(self.seasons) if season.start <= here), self.seasons[-1])

    def _at(self, on: date, clock: time, *, closing: bool = False) -> int:
        """Real time, so that a zone that moves its clocks keeps its true hours."""
        if closing and clock == time():
            on += timedelta(days=1)
        return _ticks(datetime.combine(on, clock, self.zone))


class Unset(Calendar):
    """Of a city that has said no hours yet. What runs day and night needs none; all else it refuses to reckon.

    Whatever asks for working time, or for the worth of a working day, raises `Unusable` (calendar_missing).
    """

    def __init__(self, zone: ZoneInfo) -> None:
        object.__setattr__(self, "zone", zone)

    def __repr__(self) -> str:
        return "Unset()"

    @property
    def day_s(self) -> int:
        raise self._missing()

    def _day(self, ordinal: int) -> _Day:
        raise self._missing()

    def _missing(self) -> Unusable:
        return Unusable("calendar_missing", _("全市还没有作息，无法计算工作时限，请系统管理员先设置。"))


@dataclass(frozen=True)
class Continuous:
    """The clock of an emergency: day and night, holidays too. `zone` only names the day in an explanation."""

    zone: ZoneInfo

    def add(self, start: datetime, seconds: int) -> tuple[datetime, bool]:
        """As `Calendar.add`; never provisional."""
        begin, length = _ticks(start), _length(seconds)
        if seconds > REACH * 86400:
            raise OutOfReach(Why.CONTINUOUS.label, start, seconds)
        return _moment(begin + length), False

    def between(self, start: datetime, end: datetime) -> int:
        """As `Calendar.between`."""
        return max(0, _ticks(end) - _ticks(start)) // _SECOND

    def explain(self, start: datetime, seconds: int) -> list[Span]:
        """As `Calendar.explain`, in one line."""
        end, _provisional = self.add(start, seconds)
        line = Span(start.astimezone(self.zone).date(), start.astimezone(UTC), end, seconds, Why.CONTINUOUS)
        return [line] if seconds else []


def _stretches(day: _Day, begin: int, end: int) -> list[tuple[int, int, Why]]:
    """What of the day lies between begin and end: its working stretches, or the one reason why there are none."""
    work = [
        (max(opens, begin), min(closes, end), day.why)
        for opens, closes in day.periods
        if opens < end and closes > begin
    ]
    idle = (max(day.opens, begin), day.closes, Why.OFF_HOURS if day.periods else day.why)
    return work or [idle]


def _ticks(moment: datetime) -> int:
    if moment.utcoffset() is None:
        raise ValueError(f"a moment needs its time zone: {moment}")
    return (moment - _EPOCH) // _TICK


def _moment(ticks: int) -> datetime:
    return _EPOCH + timedelta(microseconds=ticks)


def _length(seconds: int) -> int:
    if seconds < 0:
        raise ValueError(f"time does not run backwards: {seconds} seconds")
    return seconds * _SECOND


def _clock_s(clock: time) -> int:
    return clock.hour * 3600 + clock.minute * 60 + clock.second


def _closing_s(clock: time) -> int:
    return _clock_s(clock) or 86400


def _exists(month: int, day: int) -> bool:
    """Whether some year has the day; 29 February counts."""
    try:
        return bool(date(2000, month, day))
    except ValueError:
        return False
