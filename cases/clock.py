"""Limits on their clocks, and the deadlines that follow: when work is due, and when the next alarm rings.

A limit runs on one of four clocks, modelled on GB/T 30428: 紧急工作时 and 紧急工作日 run day and night, 工作时 and
工作日 only while the city works. Minutes, for the stages in the centre itself, run day and night too.

Whatever is measured about a limit (time used, time left, time late) is measured on its own clock. So a case that is
shelved over a weekend loses nothing: what is left when the clock stops is `left()`, and that is what the clock is
started with again.

Nothing here touches the database or asks for the present time. Moments are aware; those returned are in UTC.
`unit` is a `Unit` or its stored value.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import TextChoices
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from cases.calendar import Calendar, Continuous, Span, Unusable


class Unit(TextChoices):
    """What a limit is counted in. The urgent ones run day and night, the others in working time."""

    URGENT_MINUTE = "urgent_minute", _("分钟")
    URGENT_HOUR = "urgent_hour", _("紧急工作时")
    URGENT_DAY = "urgent_day", _("紧急工作日")
    WORK_HOUR = "work_hour", _("工作时")
    WORK_DAY = "work_day", _("工作日")

    @property
    def continuous(self) -> bool:
        """Runs day and night, holidays too."""
        return self in (Unit.URGENT_MINUTE, Unit.URGENT_HOUR, Unit.URGENT_DAY)


# A work day is worth what its calendar says.
_SECONDS = {Unit.URGENT_MINUTE: 60, Unit.URGENT_HOUR: 3600, Unit.URGENT_DAY: 86400, Unit.WORK_HOUR: 3600}


@dataclass(frozen=True)
class Limit:
    """How long work may take, on a clock. Raises `Unusable` unless the value is above zero.

    Limits have no order among themselves: whether 8 work hours are longer than 1 urgent day depends on the start.
    """

    value: Decimal | int
    unit: Unit

    def __post_init__(self) -> None:
        value = Decimal(self.value)
        if not value.is_finite() or value <= 0:
            raise Unusable("limit_not_positive", _("时限须大于零：%(value)s"), value=self.value)
        object.__setattr__(self, "value", value)
        object.__setattr__(self, "unit", Unit(self.unit))

    @property
    def continuous(self) -> bool:
        return self.unit.continuous

    def seconds(self, calendar: Calendar) -> int:
        """The length in seconds of the limit's own clock, to the nearest second."""
        return round(Decimal(self.value) * (_SECONDS.get(self.unit) or calendar.day_s))


class Unread(Unusable):
    """The words of a limit that are not understood: a stable `code`, and the `text` as it stood."""

    def __init__(self, code: str, sentence: str | Promise, text: str) -> None:
        super().__init__(code, sentence, text=text)
        self.text = text


# Cities write 天 and 小时 and mean working time: what runs day and night they call 紧急.
_WORDS = {
    "分钟": Unit.URGENT_MINUTE,
    "紧急工作时": Unit.URGENT_HOUR,
    "紧急工作日": Unit.URGENT_DAY,
    "小时": Unit.WORK_HOUR,
    "工作时": Unit.WORK_HOUR,
    "工作小时": Unit.WORK_HOUR,
    "天": Unit.WORK_DAY,
    "工作日": Unit.WORK_DAY,
}
_LIMIT = re.compile(rf"([0-9]+(?:\.[0-9]+)?)\s*个?\s*({'|'.join(_WORDS)})")
# Full-width forms alone: a wider folding would read "2²天" as 22 days.
_NARROW = {0xFEE0 + code: code for code in range(0x21, 0x7F)} | {0x3000: 0x20}


def parse(text: str) -> Limit:
    """Reads a limit as cities write it: "4小时", "2紧急工作时", "15天", "3个工作日".

    Raises `Unread` with `limit_empty`, `limit_unread` or `limit_not_positive` rather than guess. Keep the text beside
    what was read: it is the city's word, the rest is ours.
    """
    words = text.translate(_NARROW).strip()
    if not words:
        raise Unread("limit_empty", _("没有填写时限"), text)
    found = _LIMIT.fullmatch(words)
    if not found:
        raise Unread("limit_unread", _("看不懂时限“%(text)s”，请写成“4小时”“2紧急工作时”“3个工作日”这样"), text)
    value = Decimal(found[1])
    if not value:
        raise Unread("limit_not_positive", _("时限须大于零：%(text)s"), text)
    return Limit(value, _WORDS[found[2]])


def elapsed(since: datetime, until: datetime, unit: str, calendar: Calendar) -> int:
    """Seconds used on the unit's clock, rounded down; 0 where `until` is not after `since`."""
    return _clock(unit, calendar).between(since, until)


def left(since: datetime, allowed_s: int, at: datetime, unit: str, calendar: Calendar) -> int:
    """Seconds of the limit not yet used at a moment, on its own clock; 0 once it is used up."""
    return max(0, allowed_s - elapsed(since, at, unit, calendar))


def late(due_at: datetime, at: datetime, unit: str, calendar: Calendar) -> int:
    """By how many seconds a moment is past due, on the limit's own clock; 0 if in time.

    Also 0 in the off hours right after a deadline: due on Friday at 18:00 and done on Saturday, no working time
    has passed. *Whether* a deadline is past is `at > due_at`, which the database can ask too.
    """
    return elapsed(due_at, at, unit, calendar)


@dataclass(frozen=True)
class Deadline:
    """When work is due and when the next alarm rings. Provisional: to be worked out again once a year is known."""

    due_at: datetime | None = None
    alarm_at: datetime | None = None
    provisional: bool = False


SILENT = Deadline()


def deadline(
    since: datetime,
    allowed_s: int,
    unit: str,
    calendar: Calendar,
    *,
    rungs: Sequence[Decimal | float] = (),
    level: int = 0,
) -> Deadline:
    """When `allowed_s` seconds of the unit's clock have passed since then, and when the next alarm rings.

    The alarm of a level rings when that share of the limit is used up, rounded down to the second: 0.8 is before
    the deadline, 2 is as long again after it. Past the last rung no alarm is left. Shares ascend. The deadline is
    provisional if either moment is. Raises `OutOfReach`, or `ValueError` for a naive start or negative numbers.
    """
    if level < 0:
        raise ValueError(f"no rung {level}")
    clock = _clock(unit, calendar)
    due_at, provisional = clock.add(since, allowed_s)
    if level >= len(rungs):
        return Deadline(due_at, None, provisional)
    # By way of str, 0.8 is eight tenths and not the binary number beside it.
    alarm_at, unsure = clock.add(since, int(allowed_s * Decimal(str(rungs[level]))))
    return Deadline(due_at, alarm_at, provisional or unsure)


def explain(since: datetime, allowed_s: int, unit: str, calendar: Calendar) -> list[Span]:
    """How a deadline came about, line by line; the seconds of the lines add up to `allowed_s`."""
    return _clock(unit, calendar).explain(since, allowed_s)


def _clock(unit: str, calendar: Calendar) -> Calendar | Continuous:
    return Continuous(calendar.zone) if Unit(unit).continuous else calendar
