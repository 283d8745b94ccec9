"""How the forecast of a case is told, with what it is told from."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings

from cases import forecast, pace
from cases.models import Case, Pace
from cases.rulebook import Rulebook
from grid.words import named

from .schemas import ForecastBasis, ForecastOut, Named


def told(book: Rulebook, case: Case, at: datetime) -> ForecastOut | None:
    """The forecast of a case at a moment; None where it is not handled, or without a limit. At most one statement."""
    if not forecast.foretells(case):
        return None
    found = forecast.of(book, case, at)
    if found is None:
        return ForecastOut(chance=None, at_risk=False, basis=None, says=forecast.few())
    return ForecastOut(
        chance=found.chance, at_risk=found.at_risk, basis=_basis(book, found.pace), says=found.says(book)
    )


def _basis(book: Rulebook, found: Pace) -> ForecastBasis:
    category = book.categories[found.category_id]
    department = book.departments[found.department_id] if found.department_id else None
    return ForecastBasis(
        category=Named(id=category.pk, code=category.code, name=named(category)),
        department=Named(id=department.pk, code=department.code, name=named(department)) if department else None,
        hours=None if found.hour is None else [found.hour, pace.ends(found.hour)],
        days=settings.FORECAST_DAYS,
        count=found.count,
        missed=found.missed,
    )
