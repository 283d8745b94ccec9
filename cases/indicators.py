"""Figures: the counts of a subject over some local days, and the rates over them. Modelled on GB/T 30428.4.

For pages and doors:

figures()  subject → Figures, over days from one to another, both included
series()   subject → Figures for each day, week, month …, for trends
sliced()   the tallies that match some filters, by department, officer, class, source, cell or day

`within` an area's code counts what happened there alone: of a department or a person that works elsewhere too, by the
tallies of that ground.

What they read are sums of `Total`, or of `Tally`, never cases. A rate without cases is not applicable (None), never
0 %. Subjects are primary keys; the city's is 0.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date
from typing import Any

from django.db.models import Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from grid import levels
from grid.models import Area, Beat, Cell, Department

from .metrics import CODES, METRIC
from .models import Basis, Tally, Total

CITY = 0
AREAS = ("district", "street", "community")  # see grid/levels.py
OWN = (Total.Kind.CELL, Total.Kind.DEPARTMENT, Total.Kind.OFFICER, Total.Kind.CATEGORY)
KINDS = ("city", *AREAS, "beat", *map(str, OWN))
SLICES = ("department", "officer", "category", "source", "cell", "day")


class Figures(dict[str, int]):
    """Counts by the code of the metric; what did not happen is 0."""

    def __missing__(self, code: str) -> int:
        if code not in METRIC:
            raise KeyError(code)
        return 0

    def add(self, counts: Mapping[str, int]) -> None:
        for code, n in counts.items():
            self[code] += n

    @property
    def due(self) -> int:
        """应处置数: stints finished by their due moment, and stints whose due moment passed before that.

        Those exempted on appeal are left out; the raw count stays in `overdue`.
        """
        return self["on_time"] + self["overdue"] - self["exempt"]

    @property
    def on_time_rate(self) -> float | None:
        """按期处置率: on_time / due."""
        return rate(self["on_time"], self.due)

    @property
    def rework_rate(self) -> float | None:
        """返工率: rework / finished."""
        return rate(self["rework"], self["finished"])


def rate(numerator: int, denominator: int) -> float | None:
    """None without cases: there is nothing to rate."""
    return numerator / denominator if denominator else None


def figures(
    kind: str,
    since: date,
    until: date,
    *,
    subjects: Collection[int] | None = None,
    basis: str = Basis.FLOW,
    codes: Iterable[str] = CODES,
    tree: bool = True,
    within: str = "",
) -> dict[int, Figures]:
    """The figures of the subjects of a kind (all of them where none are named) that have any.

    `kind` is one of KINDS. A department's are its own and, in the tree, those of all below it, as they stand now; a
    beat's those of its cells, as it is drawn now. Department 0 and officer 0 stand for what nobody of them did.
    """
    rows = _rows(kind, basis, since, until, within)
    found = _summed(_parts(kind, subjects, tree), rows, tuple(codes), by_day=False)
    return {subject: counts for (subject, _day), counts in found.items()}


def series(
    kind: str,
    since: date,
    until: date,
    *,
    subjects: Collection[int] | None = None,
    basis: str = Basis.FLOW,
    codes: Iterable[str] = CODES,
    tree: bool = True,
    within: str = "",
) -> dict[int, dict[date, Figures]]:
    """The same for each day that has any."""
    found: dict[int, dict[date, Figures]] = {}
    rows = _rows(kind, basis, since, until, within)
    for (subject, day), counts in _summed(_parts(kind, subjects, tree), rows, tuple(codes), by_day=True).items():
        assert day
        found.setdefault(subject, {})[day] = counts
    return found


def sliced(
    by: str, since: date, until: date, *, basis: str = Basis.FLOW, codes: Iterable[str] = CODES, **where: Any
) -> dict[Any, Figures]:
    """The tallies of these days by one of SLICES, narrowed by any of them (`department=3`, `cell__in=[…]`)."""
    rows = Tally.objects.filter(basis=basis, day__range=(since, until), **where).values_list(by)
    found = rows.annotate(**{f"n_{code}": Sum(code) for code in codes})
    return {key: _counts(codes, sums) for key, *sums in found}


def _counts(codes: Iterable[str], sums: Iterable[int | None]) -> Figures:
    return Figures({code: n for code, n in zip(codes, sums, strict=True) if n})


Key = tuple[int, date | None]
Parts = tuple[str, Mapping[int, Collection[int]] | None]  # a stored kind, and which of its subjects belong to whom


def _rows(kind: str, basis: str, since: date, until: date, within: str) -> QuerySet[Any, Any]:
    """What is to be summed: totals; of what is not of the ground itself, where it is narrowed, tallies."""
    if not within:
        return Total.objects.filter(basis=basis, day__range=(since, until))
    if kind in (Total.Kind.DEPARTMENT, Total.Kind.OFFICER, Total.Kind.CATEGORY):
        return Tally.objects.filter(basis=basis, day__range=(since, until), cell__in=cells(within))
    below = Q(kind=Total.Kind.CELL, subject__in=cells(within))
    areas = Area.objects.filter(code__startswith=within).values("pk")
    return Total.objects.filter(
        below | Q(kind=Total.Kind.AREA, subject__in=areas), basis=basis, day__range=(since, until)
    )


def cells(within: str) -> QuerySet[Any, Any]:
    """The keys of an area's cells, those closed too."""
    return Cell.objects.filter(area__code__startswith=within).values("pk")


def _summed(parts: Parts, rows: QuerySet[Any, Any], codes: tuple[str, ...], *, by_day: bool) -> dict[Key, Figures]:
    stored, made_of = parts
    column = "subject" if rows.model is Total else str(stored)
    if rows.model is Total:
        rows = rows.filter(kind=stored)
    if made_of is not None:
        rows = rows.filter(**{f"{column}__in": list(made_of)})
    days = ("day",) if by_day else ()
    found: dict[Key, Figures] = {}
    for part, *more in rows.values_list(column, *days).annotate(**{f"n_{code}": Sum(code) for code in codes}):
        day = more.pop(0) if by_day else None
        counts = _counts(codes, more)
        for subject in (part,) if made_of is None else made_of[part]:
            found.setdefault((subject, day), Figures()).add(counts)
    return {key: counts for key, counts in found.items() if counts}


def _parts(kind: str, subjects: Collection[int] | None, tree: bool) -> Parts:
    """The stored kind, and which of its subjects belong to whom of those asked for; None: each to itself, all."""
    if kind == "city":
        roots = Area.objects.filter(parent=None).values_list("pk", flat=True)
        return Total.Kind.AREA, dict.fromkeys(roots, (CITY,))
    if kind == "beat":
        beats = Beat.objects.all() if subjects is None else Beat.objects.filter(pk__in=subjects)
        return Total.Kind.CELL, _gathered(beats.exclude(cells=None).values_list("cells", "pk"))
    if kind == Total.Kind.DEPARTMENT and tree:
        return kind, _departments(subjects)
    if kind in AREAS:
        return Total.Kind.AREA, {pk: (pk,) for pk in (_areas(kind) if subjects is None else subjects)}
    return kind, None if subjects is None else {pk: (pk,) for pk in subjects}


def _areas(kind: str) -> Collection[int]:
    return list(Area.objects.filter(code__regex=rf"^.{{{levels.width(kind)}}}$").values_list("pk", flat=True))


def _departments(subjects: Collection[int] | None) -> Mapping[int, Collection[int]]:
    """Each department and those above it; 0 for what no department did."""
    parents = above()
    asked = {*parents, 0} if subjects is None else set(subjects)
    found = [(pk, above) for pk in (*parents, 0) for above in upward(pk, parents) if above in asked]
    return _gathered(found)


def above() -> dict[int, int | None]:
    """What stands above each department: its heir, once it is closed for one, else its parent."""
    return dict(Department.objects.values_list("pk", Coalesce("heir", "parent")))


def branch(department: int) -> list[int]:
    """A department and all below it, with those that it is the heir of."""
    parents = above()
    return [pk for pk in {*parents, department} if department in upward(pk, parents)]


def upward(pk: int | None, parents: Mapping[int, int | None]) -> list[int]:
    """A department and those above it, the nearest first."""
    found: list[int] = []
    while pk is not None and pk not in found:  # a circle of departments is walked once
        found.append(pk)
        pk = parents.get(pk)
    return found


def _gathered(pairs: Iterable[tuple[int, int]]) -> Mapping[int, Collection[int]]:
    found: dict[int, list[int]] = {}
    for part, whole in pairs:
        found.setdefault(part, []).append(whole)
    return found
