"""What follows for open work from a changed rule, whoever changed it: a page, a file, or the log of changes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from django.db.models import Model
from django_q.tasks import async_task

from grid.moment import today

from .models import Holiday, Rung, Timetable

EVER = date(2000, 1, 1)  # before any deadline


def after_change(rows: Iterable[Model]) -> None:
    """Have the worker compute again, in the transaction of the change, what is due or rings by rows that were added,
    changed or removed: hours count from today on, a holiday from its day on, a ladder for all that is open."""
    days = [day for row in rows if (day := _since(row))]
    if days:
        async_task("cases.docket.retime", min(days))


def _since(row: Model) -> date | None:
    match row:
        case Timetable():
            return today()
        case Holiday():
            return row.day
        case Rung():
            return EVER
        case _:
            return None
