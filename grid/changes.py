"""Settings changed by people, each with what it was before and is after (变更记录). Nothing else writes settings
from a page: what a row decides about other people must be known, by whom, and since when.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models, transaction

from .models import Change, Officer
from .moment import now

SECRET = ("password",)  # said to have changed, never what to
IGNORED = ("last_login",)


@transaction.atomic
def keep(row: models.Model, *, by: Officer | None, many: Mapping[str, Iterable[Any]] | None = None) -> Change | None:
    """Validate and save a row, new or changed, with the rows it is tied to, and write down what changed.

    `many` names many-to-many fields and what they shall hold. None where nothing changed: nothing is written then.
    Raises ValidationError; IntegrityError where the database refuses.
    """
    new = row.pk is None
    # Without its key: whoever writes a line of a case in this officer's name does not wait for us, nor we for him.
    stored = None if new else type(row)._default_manager.select_for_update(no_key=True).filter(pk=row.pk).first()
    before = snapshot(stored) if stored else {}
    row.full_clean()
    row.save()
    for name, held in (many or {}).items():
        getattr(row, name).set(held)
    after = snapshot(row)
    changed = [name for name in after if before.get(name) != after[name]]
    if not changed:
        return None
    return _write(row, by, None if new else {name: before.get(name) for name in changed}, _of(after, changed))


@transaction.atomic
def follow(row: models.Model, old: models.Model | None, *, by: Officer | None) -> Change:
    """Validate and save a new row that takes the place of another from some day on, and write down in what they differ;
    the other one stays as it is. Without one it is new. Raises ValidationError."""
    row.full_clean()
    row.save(force_insert=True)
    before, after = snapshot(old) if old else None, snapshot(row)
    changed = [name for name in after if before is None or before.get(name) != after[name]]
    return _write(row, by, before and _of(before, changed), _of(after, changed))


@transaction.atomic
def remove(row: models.Model, *, by: Officer | None) -> Change:
    """Delete a row, and write down what it was. Raises ProtectedError where others need it."""
    before, pk = snapshot(row), row.pk
    change = _write(row, by, before, None)
    type(row)._default_manager.filter(pk=pk).delete()
    return change


def note(pairs: Iterable[tuple[models.Model | None, models.Model | None]], *, by: Officer | None) -> None:
    """Write down what rows were before and are after, which a file has changed already; None where there is no row.

    One statement, and those that name what the rows point at.
    """
    told = []
    for before, after in pairs:
        old, new = snapshot(before) if before else None, snapshot(after) if after else None
        if old and new:
            changed = [name for name in new if old.get(name) != new[name]]
            old, new = _of(old, changed), _of(new, changed)
        if row := after or before:
            told.append(_change(row, by, old, new))
    Change.objects.bulk_create(told)


def edition(row: models.Model) -> str:
    """A word for the state of a row: who changes it says which state he saw."""
    return hashlib.sha256(json.dumps(snapshot(row), sort_keys=True).encode()).hexdigest()[:16]


def snapshot(row: models.Model) -> dict[str, Any]:
    """The fields of a row, ready for JSON; a row it points at by key and name, a secret as a mark of itself."""
    said = {field.name: _said(row, field) for field in row._meta.concrete_fields if field.name not in IGNORED}
    if row.pk is not None:
        for field in row._meta.many_to_many:
            if field.name not in ("groups", "user_permissions"):
                said[field.name] = sorted(map(str, getattr(row, field.name).all()))
    plain: dict[str, Any] = json.loads(json.dumps(said, cls=DjangoJSONEncoder, default=str))
    return plain


def _said(row: models.Model, field: Any) -> Any:
    value = getattr(row, field.attname)
    if field.name in SECRET:
        return hashlib.sha256(str(value).encode()).hexdigest()[:8]
    if field.is_relation and value is not None:
        return f"{value} {getattr(row, field.name)}"
    if hasattr(value, "wkt"):
        return value.wkt
    return value if isinstance(value, list | dict | bool | int | float | None) else field.value_to_string(row)


def _of(said: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: said[name] for name in names}


def _write(row: models.Model, by: Officer | None, before: Any, after: Any) -> Change:
    change = _change(row, by, before, after)
    change.save(force_insert=True)
    return change


def _change(row: models.Model, by: Officer | None, before: Any, after: Any) -> Change:
    return Change(
        at=now(), by=by, what=row._meta.label_lower, row=str(row.pk), name=str(row)[:200], before=before, after=after
    )
