"""Pages of cases by key: each costs the same, the thousandth as the first."""

from __future__ import annotations

import base64
import json
from datetime import datetime

from django.db.models import Q
from django.utils.translation import gettext as _

from .flow import Refused
from .models import Case, CaseQuerySet

Key = tuple[int, datetime | None]  # a case and when it is due


def page(
    found: CaseQuerySet, *, sort: str, limit: int, cursor: str | None = None, due: str = "due_at"
) -> tuple[list[Case], str | None]:
    """The page after the cursor, and the cursor of the next one or None. Raises Refused (bad_cursor).

    `sort`: "due" for what is due first, without a deadline last; "new" for the newest first. `due`: which of a case's
    moments that is.
    Two statements: the keys of the page first, and then only its rows with all that `found` joins to them.
    """
    ordered = found.order_by("-id") if sort == "new" else found.order_by(due, "id")  # no deadline: last
    if cursor:
        ordered = ordered.filter(_after(sort, due, *_read(cursor, sort)))
    keys: list[Key] = list(ordered.select_related(None).values_list("pk", due)[: limit + 1])
    shown = keys[:limit]
    rows = found.in_bulk([pk for pk, _due in shown])
    return [rows[pk] for pk, _due in shown if pk in rows], _write(sort, *shown[-1]) if keys > shown else None


def _after(sort: str, due: str, pk: int, at: datetime | None) -> Q:
    if sort == "new":
        return Q(pk__lt=pk)
    if at is None:
        return Q((due, None), pk__gt=pk)
    return Q((f"{due}__gt", at)) | Q((due, at), pk__gt=pk) | Q((due, None))


def _write(sort: str, pk: int, due_at: datetime | None) -> str:
    said = [sort, pk, due_at and due_at.isoformat()]
    return base64.urlsafe_b64encode(json.dumps(said).encode()).decode()


def _read(cursor: str, sort: str) -> Key:
    """What was written, and nothing else: a cursor comes back from outside."""
    try:
        of, pk, due = json.loads(base64.urlsafe_b64decode(cursor))
        due_at = None if due is None else datetime.fromisoformat(due)
        if (of, type(pk)) != (sort, int) or (due_at and not due_at.tzinfo):
            raise ValueError(cursor)
    except (ValueError, TypeError):
        raise Refused("bad_cursor", _("翻页标记无效，请从第一页重新开始。"), field="cursor") from None
    return pk, due_at
