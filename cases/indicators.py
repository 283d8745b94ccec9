"""Indicators: each a numerator over a denominator, both sums over Tally. Modelled on GB/T 30428.4.

A rate without cases is not applicable (None), never 0 %.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date

from django.db.models import Sum

from grid.models import Department

from .models import Tally


@dataclass(frozen=True)
class Figures:
    """The counts of one department over some days, as tally.py defines them, and the rates they give."""

    filed: int = 0
    finished: int = 0
    on_time: int = 0
    overdue: int = 0
    exempt: int = 0
    rework: int = 0
    passed: int = 0
    closed: int = 0

    @property
    def due(self) -> int:
        """应处置数: stints finished by their due moment, and stints whose due moment passed before that.

        Those exempted on appeal are left out; the raw count stays in `overdue`.
        """
        return self.on_time + self.overdue - self.exempt

    @property
    def on_time_rate(self) -> float | None:
        """按期处置率: on_time / due."""
        return _rate(self.on_time, self.due)

    @property
    def rework_rate(self) -> float | None:
        """返工率: rework / finished."""
        return _rate(self.rework, self.finished)


def _rate(numerator: int, denominator: int) -> float | None:
    return numerator / denominator if denominator else None


def by_department(since: date, until: date) -> list[tuple[Department, Figures]]:
    """The figures of each department that had any, over local days from `since` to `until`, both included."""
    sums: dict[int, dict[str, int]] = {}
    rows = Tally.objects.filter(day__range=(since, until), department__isnull=False).values_list("department", "metric")
    for department, metric, n in rows.annotate(total=Sum("n")):
        sums.setdefault(department, {})[metric] = n
    names = {field.name for field in fields(Figures)}
    counted = {
        department: Figures(**{metric: n for metric, n in counts.items() if metric in names})
        for department, counts in sums.items()
        if any(counts.values())
    }
    return [(row, counted[row.pk]) for row in Department.objects.filter(pk__in=counted).order_by("code")]
