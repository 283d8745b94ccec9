"""All rows that decide, as one value.

Rules are read on every report and change a few times a year. Each process keeps them, and asks the database
only for their edition: triggers renew it in the transaction that changes a row, so that a rulebook is never
older than the last committed change. `rules` are functions of this value; another value is a "what if".
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection
from django.db.models import Model

from grid.models import Area, Department

from .calendar import Calendar, SpecialDay, Unset
from .clock import Limit
from .flow import Stage
from .models import (
    Case,
    Category,
    Condition,
    Duty,
    Ground,
    Hearing,
    Holiday,
    Likeness,
    Policy,
    Rung,
    Sampling,
    StageLimit,
    Terms,
    Timetable,
)

logger = logging.getLogger("cases")

M = TypeVar("M", bound=Model)
V = TypeVar("V")
Scope = tuple[int | None, bool, int | None]  # category, urgent, department: whose ladder
EVERYBODY: Scope = (None, False, None)


@dataclass(frozen=True)
class Rulebook:
    """One edition of the rules. Its rows are shared between threads: read them, never change them."""

    version: UUID | None  # None before the first rule is written
    categories: Mapping[int, Category]
    conditions: Mapping[int, Condition]
    duties: Mapping[tuple[int, str], Duty]  # (category, area code or "")
    policies: Mapping[tuple[str, str, str], Policy]  # (verb, source or "", area code or "")
    limits: Mapping[tuple[str, str, bool], Limit]  # (stage, source or "", of urgent categories alone)
    ladders: Mapping[Scope, tuple[Rung, ...]]  # the rungs of a scope, the lowest first
    departments: Mapping[int, Department]
    areas: Mapping[int, Area]  # each with those above it
    calendars: Mapping[int | None, Calendar]  # by department; None: the city's
    terms: Mapping[str, Terms]  # by verb
    grounds: Mapping[str, Mapping[str, Ground]]  # by verb and code
    likeness: Mapping[int | None, Likeness]  # by category; None: of all classes
    hearings: Mapping[str, tuple[Hearing, ...]]  # by verb or "", the most particular last
    samplings: Mapping[tuple[int | None, str, str], Sampling]  # (category or None, area code or "", source or "")
    conditions_of: Mapping[int, tuple[Condition, ...]] = field(default_factory=dict)
    _found: dict[int | None, Calendar] = field(default_factory=dict, init=False, repr=False, compare=False)

    def ladder(self, case: Case) -> tuple[Rung, ...]:
        """The rungs that a case climbs: those of the most particular ladder, as a whole.

        Its sub-class's before those of the classes above, that of urgent categories, that of the department that owes
        the handling or of the nearest above it, and last everybody's.
        """
        scopes: list[Scope] = [(category, False, None) for category in self.classes(case.category_id)]
        if self.categories[case.category_id].urgent:
            scopes.append((None, True, None))
        if case.stage == Stage.HANDLING:
            scopes += [(None, False, department) for department in self.upward(case.department_id)]
        return next((self.ladders[scope] for scope in scopes if scope in self.ladders and any(scope)), self.everybodys)

    @property
    def everybodys(self) -> tuple[Rung, ...]:
        """The ladder of the cases that have none of their own."""
        return self.ladders.get(EVERYBODY, ())

    def classes(self, category: int) -> list[int]:
        """A class and those that hold it, the nearest first: a sub-class, its middle if it has one, its major."""
        found, above = [category], self.categories[category].parent_id
        while above is not None:
            found.append(above)
            above = self.categories[above].parent_id
        return found

    def upward(self, department: int | None) -> list[int]:
        """A department and those above it, the nearest first: above a closed one stands its heir. A circle of
        departments is walked once."""
        found: list[int] = []
        while department is not None and department not in found:
            found.append(department)
            department = self.departments[department].above_id
        return found

    def heir(self, department: int | None) -> Department | None:
        """Who does the work of a department: itself while it is open, else its heir, or that one's; None for nobody."""
        passed: set[int] = set()
        row = self.departments.get(department or 0)
        while row and row.closed_on and row.pk not in passed:
            passed.add(row.pk)
            row = self.departments.get(row.heir_id or 0)
        return row if row and row.closed_on is None else None

    def calendar(self, department: int | None = None) -> Calendar:
        """The department's working time, or the nearest above it that has one, or the city's.

        Where the city has none, what needs working time raises Unusable (calendar_missing); clocks that run day and
        night need none.
        """
        if department not in self._found:
            known = (self.calendars[near] for near in (*self.upward(department), None) if near in self.calendars)
            self._found[department] = next(known, Unset(ZoneInfo(settings.TIME_ZONE)))
        return self._found[department]

    def alike(self, category: int) -> Likeness | None:
        """What counts as similar to a case of a category: its own row, that of a class above, or that of all."""
        return next((self.likeness[pk] for pk in (*self.classes(category), None) if pk in self.likeness), None)

    def same_class(self, category: int, row: Likeness) -> list[int]:
        """The categories that count as the same class by a row."""
        if not row.by_major:
            return [category]
        major = self.classes(category)[-1]
        return [other.pk for other in self.categories.values() if other.sub and self.classes(other.pk)[-1] == major]

    def in_force(self, category: int, on: date, region_class: str = "") -> tuple[Condition, ...]:
        """The conditions of a category on a day, one a number: the region's own before the general, then the newest."""
        rows = [row for row in self.conditions_of.get(category, ()) if _applies(row, on, region_class)]
        best = {row.no: row for row in sorted(rows, key=_particular)}
        return tuple(best[no] for no in sorted(best))


def _applies(row: Condition, on: date, region_class: str) -> bool:
    in_time = row.valid_from <= on and (row.closed_on is None or on < row.closed_on)
    return in_time and row.region_class in ("", region_class)


def _particular(row: Condition) -> tuple[bool, date]:
    return bool(row.region_class), row.valid_from


_kept: Rulebook | None = None


def current() -> Rulebook:
    """The rulebook in force. One statement when nothing has changed."""
    global _kept  # noqa: PLW0603  one value for the process, replaced as a whole
    kept, version = _kept, _version()
    while kept is None or kept.version != version:
        kept = _kept = _read(version)
        version = _version()  # a change that came while we read
    return kept


def at_hand() -> Rulebook:
    """The rulebook as this process last read it: no statement where it has. For what follows upon current()."""
    return _kept or current()


def _version() -> UUID | None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT version FROM cases_edition")
        found = cursor.fetchone()
        return found[0] if found else None


def _read(version: UUID | None) -> Rulebook:
    categories = _categories()
    conditions = {row.pk: row for row in Condition.objects.order_by("category_id", "no", "valid_from")}
    of: dict[int, list[Condition]] = {}
    for row in conditions.values():
        row.category = categories[row.category_id]
        of.setdefault(row.category_id, []).append(row)
    duties = Duty.objects.select_related("area", "department")
    policies = Policy.objects.select_related("area")
    return Rulebook(
        version=version,
        categories=categories,
        conditions=conditions,
        duties={(row.category_id, row.area.code if row.area else ""): row for row in duties},
        policies={(row.verb, row.source, row.area.code if row.area else ""): row for row in policies},
        limits={
            (row.stage, row.source, row.urgent): limit
            for row, limit in _usable(StageLimit.objects.all(), StageLimit.limit)
        },
        ladders=_ladders(),
        departments={row.pk: row for row in Department.objects.all()},
        areas=_areas(),
        calendars=_calendars(),
        terms={row.verb: row for row in Terms.objects.all()},
        grounds=_grounds(),
        likeness={row.category_id: row for row in Likeness.objects.all()},
        hearings=_hearings(),
        samplings=_samplings(),
        conditions_of={category: tuple(rows) for category, rows in of.items()},
    )


def _categories() -> dict[int, Category]:
    categories = {row.pk: row for row in Category.objects.all()}
    for row in categories.values():
        row.parent = categories[row.parent_id] if row.parent_id else None
    return categories


def _areas() -> dict[int, Area]:
    areas = {row.pk: row for row in Area.objects.defer("shape")}
    for row in areas.values():
        row.parent = areas[row.parent_id] if row.parent_id else None
    return areas


def _samplings() -> dict[tuple[int | None, str, str], Sampling]:
    rows = Sampling.objects.select_related("area")
    return {(row.category_id, row.area.code if row.area else "", row.source): row for row in rows}


def _ladders() -> dict[Scope, tuple[Rung, ...]]:
    found: dict[Scope, list[Rung]] = {}
    for row in Rung.objects.order_by("level"):
        found.setdefault((row.category_id, row.urgent, row.department_id), []).append(row)
    return {scope: tuple(rungs) for scope, rungs in found.items()}


def _grounds() -> dict[str, dict[str, Ground]]:
    found: dict[str, dict[str, Ground]] = {}
    for row in Ground.objects.order_by("verb", "code"):
        found.setdefault(row.verb, {})[row.code] = row
    return found


def _hearings() -> dict[str, tuple[Hearing, ...]]:
    found: dict[str, list[Hearing]] = {}
    for row in Hearing.objects.order_by("urgent", "entered"):  # a stage's own comes after the blank
        found.setdefault(row.verb, []).append(row)
    return {verb: tuple(rows) for verb, rows in found.items()}


def _calendars() -> dict[int | None, Calendar]:
    special = {row.day: SpecialDay(row.off, row.name) for row in Holiday.objects.all()}
    years = frozenset(Holiday.objects.known_years())
    rows = _usable(Timetable.objects.all(), lambda row: row.calendar(special, years))
    return {row.department_id: calendar for row, calendar in rows}


def _usable(rows: Iterable[M], read: Callable[[M], V]) -> Iterator[tuple[M, V]]:
    """What each row comes to. One that makes no sense is passed over: it shall not stop all others. Checks name it."""
    for row in rows:
        try:
            yield row, read(row)
        except ValueError as error:
            logger.error("the rules do without %s %s: %s", row._meta.model_name, row.pk, error)
