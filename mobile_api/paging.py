"""Pages by key: each costs the same, the thousandth as the first."""

from __future__ import annotations

import base64
import binascii
import json
from datetime import datetime

from django.db.models import Q
from django.utils.translation import gettext as _

from cases.flow import Refused
from cases.models import Case, CaseQuerySet

from .schemas import Filters


def page(found: CaseQuerySet, filters: Filters) -> tuple[list[Case], str | None]:
    """The page after the cursor, and the cursor of the next one or None. Raises Refused (bad_cursor)."""
    if filters.sort == "new":
        found = found.order_by("-id")
        if filters.cursor:
            found = found.filter(pk__lt=_read(filters.cursor, "new")[0])
    else:
        found = found.order_by("due_at", "id")  # without a deadline: last
        if filters.cursor:
            found = found.filter(_after(*_read(filters.cursor, "due")))
    rows = list(found[: filters.limit + 1])
    if len(rows) <= filters.limit:
        return rows, None
    rows.pop()
    return rows, _write(filters.sort, rows[-1])


def _after(pk: int, due: str | None) -> Q:
    if due is None:
        return Q(due_at=None, pk__gt=pk)
    due_at = datetime.fromisoformat(due)
    return Q(due_at__gt=due_at) | Q(due_at=due_at, pk__gt=pk) | Q(due_at=None)


def _write(sort: str, last: Case) -> str:
    due = last.due_at.isoformat() if last.due_at else None
    return base64.urlsafe_b64encode(json.dumps([sort, last.pk, due]).encode()).decode()


def _read(cursor: str, sort: str) -> tuple[int, str | None]:
    try:
        of, pk, due = json.loads(base64.urlsafe_b64decode(cursor))
        if of != sort or (due and not datetime.fromisoformat(due).tzinfo):
            raise ValueError(of)
        return int(pk), due
    except (ValueError, TypeError, binascii.Error):
        raise Refused("bad_cursor", _("翻页标记无效，请从第一页重新开始。"), field="cursor") from None
