"""周期: the spans over which figures are told, in the city's local days. Nothing here touches the database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import TextChoices
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from grid.moment import reckonable, today

from .flow import Refused

LONGEST_DAYS = 366  # that anybody may ask for at once


def fits(since: date, until: date) -> bool:
    """Whether local days, both included, stand in order and are not more than may be asked for."""
    return 0 <= (until - since).days < LONGEST_DAYS


def fitting(since: date, until: date, *, field: str = "from") -> tuple[date, date]:
    """The same days. Raises Refused (bad_period) for the field."""
    if not fits(since, until):
        raise Refused("bad_period", gettext("起始日期不能晚于截止日期，跨度不超过一年。"), field=field)
    return since, until


class Span(TextChoices):
    """How long a period is (周期). Weeks begin on Monday."""

    DAY = "day", _("日")
    WEEK = "week", _("周")
    MONTH = "month", _("月")
    QUARTER = "quarter", _("季")
    HALF = "half", _("半年")
    YEAR = "year", _("年")


MONTHS = {Span.MONTH: 1, Span.QUARTER: 3, Span.HALF: 6, Span.YEAR: 12}


@dataclass(frozen=True)
class Period:
    """From one local day to another, both included."""

    span: Span
    since: date
    until: date

    @property
    def before(self) -> Period:
        """环比: the period before this one."""
        return of(self.span, self.since - timedelta(days=1))

    @property
    def next(self) -> Period:
        """The period after this one."""
        return of(self.span, self.until + timedelta(days=1))

    @property
    def last_year(self) -> Period:
        """同比: the same a year ago; of a week, the week of the same number (or the last that year had)."""
        if self.span == Span.WEEK:
            year, week, _weekday = self.since.isocalendar()
            last = date(year - 1, 12, 28).isocalendar().week
            return of(self.span, date.fromisocalendar(year - 1, min(week, last), 1))
        leap = (self.since.month, self.since.day) == (2, 29)
        return of(self.span, self.since.replace(year=self.since.year - 1, day=28 if leap else self.since.day))

    def past(self, count: int) -> list[Period]:
        """So many periods, the oldest first, this one last."""
        found = [self]
        while len(found) < count:
            found.append(found[-1].before)
        return found[::-1]


def of(span: str, day: date) -> Period:
    """The period of that kind which holds a day. Weeks begin on Monday."""
    kind = Span(span)
    if kind == Span.DAY:
        return Period(kind, day, day)
    if kind == Span.WEEK:
        monday = day - timedelta(days=day.weekday())
        return Period(kind, monday, monday + timedelta(days=6))
    months = MONTHS[kind]
    first = date(day.year, (day.month - 1) // months * months + 1, 1)
    return Period(kind, first, _later(first, months) - timedelta(days=1))


def asked(span: str, day: date | None) -> Period:
    """The same of a day that somebody names, today where he names none. Raises Refused (bad_period)."""
    if day and not reckonable(day):
        raise Refused("bad_period", gettext("没有这一天的数据。"), field="day")
    return of(span, day or today())


def _later(first: date, months: int) -> date:
    total = first.year * 12 + first.month - 1 + months
    return date(total // 12, total % 12 + 1, 1)
