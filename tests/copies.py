"""Rows once more: many cases out of one, faster than people report them."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import Any
from uuid import uuid4

from django.db.models.base import ModelState

from cases.models import Case, CaseEvent
from grid.models import Officer

from . import log


def again(row: Any, **other: Any) -> Any:
    """The same row once more, but for this."""
    same = copy(row)
    same._state = ModelState()
    for name, value in {"pk": None, **other}.items():
        setattr(same, name, value)
    return same


def many(first: Case, count: int, reporters: Sequence[Officer] = ()) -> list[Case]:
    """So many cases like the first, each with its lines of the log; each by one of the reporters, if there are any."""
    by = [reporters[n % len(reporters)].pk if reporters else first.reporter_id for n in range(count)]
    made = Case.objects.count()
    cases = Case.objects.bulk_create(
        again(first, uuid=uuid4(), number=f"W{made + n}", reporter_id=pk) for n, pk in enumerate(by)
    )
    for event in log.lines(first):
        hands = by if event.by_id == first.reporter_id else [event.by_id] * count
        lines = zip(cases, hands, strict=True)
        CaseEvent.objects.bulk_create(again(event, case_id=case.pk, by_id=hand) for case, hand in lines)
    return cases
