"""Making a table say what a file says, in the fewest changes: a row that stays keeps its identity."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import astuple
from typing import TypeVar

from django.db.models import Model

from grid.loading.outcome import Counts

M = TypeVar("M", bound=Model)


def sync(
    standing: Iterable[M], wanted: Sequence[M], *, key: Callable[[M], Hashable], columns: Sequence[str]
) -> tuple[Counts, list[M]]:
    """Add the rows that are missing and change those that differ in `columns`.

    Gives what was done, and the standing rows that nobody wants any more: whether they are closed or deleted is
    the caller's. `wanted` are unsaved rows, no two of one key; afterwards they carry their primary keys.
    """
    left = {key(row): row for row in standing}
    new: list[M] = []
    changed: list[M] = []
    for row in wanted:
        old = left.pop(key(row), None)
        if old is None:
            new.append(row)
            continue
        row.pk = old.pk
        if _said(row, columns) != _said(old, columns):
            changed.append(row)
    if new:
        type(new[0])._default_manager.bulk_create(new)
    if changed:
        type(changed[0])._default_manager.bulk_update(changed, columns)
    counts = Counts(added=len(new), changed=len(changed), unchanged=len(wanted) - len(new) - len(changed))
    return counts, list(left.values())


def _said(row: Model, columns: Sequence[str]) -> list[object]:
    return [field.value_from_object(row) for field in row._meta.concrete_fields if field.name in columns]


def total(*counts: Counts) -> Counts:
    return Counts(*map(sum, zip(*map(astuple, counts), strict=True)))
