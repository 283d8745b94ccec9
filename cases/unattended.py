"""Open cases that nobody present can move: listed by `manage.py check` and to administrators, counted by /healthz.

Whoever owes one has left, is away without a stand-in, or never was: a department without people, a beat without
inspectors, a territory without a clerk. `handover` leaves none of them with somebody who cannot act; what is left here
only an appointment helps.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.core.cache import cache

from grid.moment import now

from . import rulebook
from .line import Line
from .models import Case

FRESH_S = 300  # so old may be the count that is asked for all the time


def numbers() -> list[str]:
    """The numbers of all such cases, in their order. Reads every open case."""
    return sorted(_numbers())


def _numbers() -> Iterator[str]:
    known: dict[tuple[object, ...], bool] = {}
    cases = list(Case.objects.open().select_related("cell__area", "holder").defer("cell__shape", "cell__area__shape"))
    line = Line(rulebook.current(), cases, now())
    for case in cases:
        key = case.stage, case.department_id, case.cell_id, case.holder_id
        if key not in known:
            known[key] = line.attended(case)
        if not known[key]:
            yield case.number


def count() -> int:
    """How many there are, or were some minutes ago."""
    return cache.get_or_set("unattended", lambda: len(numbers()), FRESH_S) or 0
