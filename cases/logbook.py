"""What the log of a case holds, asked while a step is taken.

A life that is reckoned whole before anything is written (`cases.planting`), or again from its log (`cases.replay`),
carries its lines with it, in `Case.lived`; of every other case they are read.
"""

from __future__ import annotations

from collections.abc import Iterable

from .models import Case, CaseEvent


def whole(case: Case) -> Iterable[CaseEvent]:
    """All lines, the oldest first."""
    return case.events.order_by("id") if case.lived is None else case.lived


def first(case: Case) -> CaseEvent | None:
    """The line with which it begins; None for a case that is just opened."""
    if case.lived is not None:
        return next(iter(case.lived), None)
    return case.events.earliest("id") if case.pk else None


def last(case: Case, **said: object) -> CaseEvent | None:
    """The last line of which all that is said is true; None also for a case that is just opened."""
    if case.lived is not None:
        return next((event for event in reversed(case.lived) if _fits(event, said)), None)
    return case.events.filter(**said).order_by("id").last() if case.pk else None


def count(case: Case, **said: object) -> int:
    """How many lines there are of which all that is said is true."""
    if case.lived is not None:
        return sum(_fits(event, said) for event in case.lived)
    return case.events.filter(**said).count()


def _fits(event: CaseEvent, said: dict[str, object]) -> bool:
    return all(getattr(event, name) == value for name, value in said.items())
