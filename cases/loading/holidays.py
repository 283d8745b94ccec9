"""The State Council's days off and make-up workdays (调休), a year a file, in the form of NateScarlet/holiday-cn."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from grid.loading.outcome import Counts, Refused

from ..models import Holiday
from .reading import Refusals, day, document, fit
from .writing import sync


class Loaded(NamedTuple):
    counts: Counts
    since: date | None  # the earliest day that changed


@transaction.atomic
def load(paths: Sequence[Path]) -> Loaded:
    """Make the days of each file's year those of the file: what its notice named before and names no more is withdrawn.

    What the notices of the years beside it named stays, and so does a day that the city set for itself. The years of
    the files are known from here on. Raises `NotLoaded`; nothing is written then.
    """
    refusals = Refusals()
    files = [_read(path, refusals) for path in paths]
    refusals.settle()
    wanted = {row.day: row for rows in files for row in rows}
    standing = {row.day: row for row in Holiday.objects.filter(_reach(files))}
    kept = {on for on, row in standing.items() if not row.statutory}
    before = {(row.day, row.off) for row in standing.values() if row.statutory}
    counts, gone = sync(
        [row for row in standing.values() if row.statutory],
        [row for row in wanted.values() if row.day not in kept],
        key=lambda row: row.day,
        columns=("off", "name", "year"),
    )
    counts.retired = len(gone)
    Holiday.objects.filter(pk__in=[row.pk for row in gone]).delete()
    after = {(row.day, row.off) for row in wanted.values() if row.day not in kept}
    return Loaded(counts, min((on for on, _off in before ^ after), default=None))


def _reach(files: Sequence[Sequence[Holiday]]) -> Q:
    """The days that the files decide about: those that they name, and those of their years' notices. A row of before
    years were kept is of the notice in whose midst it lies."""
    reach = Q(day__in=[row.day for rows in files for row in rows]) | Q(year__in={rows[0].year for rows in files})
    for rows in files:
        reach |= Q(statutory=True, year=None, day__range=(rows[0].day, rows[-1].day))
    return reach


def _read(path: Path, refusals: Refusals) -> list[Holiday]:
    """The days of a file in their order; a file of which anything is refused gives none."""
    rows: dict[date, Holiday] = {}
    with refusals.at(path.name):
        year, days = _year(document(path))
        for number, entry in enumerate(days, 1):
            with refusals.at(path.name, number):
                row = _holiday(entry, year)
                if row.day in rows:
                    raise Refused("duplicate", _("%(day)s 写了两次") % {"day": row.day})
                rows[row.day] = row
    return [rows[on] for on in sorted(rows)]


def _year(said: Any) -> tuple[int, Sequence[Any]]:
    match said:
        case {"year": int(year), "days": [_, *_] as days}:
            return year, days
        case {"days": []}:
            raise Refused("year_empty", _("还没有公布这一年的放假安排"))
        case _:
            raise Refused("not_holidays", _("须有 year（年份）和 days（日期列表）"))


def _holiday(entry: Any, year: int) -> Holiday:
    match entry:
        case {"date": str(said), "isOffDay": bool(off), "name": str(name)}:
            row = Holiday(day=day(said), off=off, name=name, year=year)
        case _:
            raise Refused("not_a_holiday", _("每一天须有 date、isOffDay（true 或 false）和 name"))
    if abs(row.day.year - year) > 1:
        raise Refused("year_other", _("%(day)s 不在 %(year)s 年前后") % {"day": row.day, "year": year})
    fit(row)
    return row
