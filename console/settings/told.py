"""How a change of a setting reads: each field by its label, what it was and what it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.urls import reverse
from django.utils.translation import gettext as _

from grid.changes import SECRET
from grid.models import Change

from ..plans import lines_told
from .forms import LABELS
from .nouns import BY_MODEL

DOCUMENT = ("cases.scheme", "said")


@dataclass(frozen=True)
class Line:
    """One field of a change."""

    label: str
    before: str
    after: str


@dataclass(frozen=True)
class Told:
    """A change, in words. `kind`: added, changed or removed."""

    change: Change
    noun: str
    kind: str
    lines: list[Line]
    back: str  # where a form waits that says again what was before; "" where there is none


def tell(change: Change) -> Told:
    """One change as people read it."""
    noun = BY_MODEL.get(change.what)
    kind = _("新增") if change.before is None else _("删除") if change.after is None else _("修改")
    back = reverse("console:change_back", args=[change.pk]) if noun and noun.edited and before(change) else ""
    return Told(change, str(noun.label if noun else change.what), kind, list(_lines(change)), back)


def before(change: Change) -> dict[str, Any]:
    """What the form of a row is to say so that it is again as before a change. What stands in other tables (cells of
    a beat, officers) and secrets are left as they are."""
    fields = {field.name: field for field in apps.get_model(change.what)._meta.concrete_fields if field.name != "id"}
    said = {name: value for name, value in (change.before or {}).items() if name in fields and name not in SECRET}
    return {name: _key(value) if fields[name].is_relation else value for name, value in said.items()}


def _key(said: str | None) -> str | None:
    """The key of "7 name"."""
    return said.partition(" ")[0] if said else None


def _lines(change: Change) -> Iterator[Line]:
    before, after = change.before or {}, change.after or {}
    for name in {**before, **after}:
        if name == "id" or (
            (change.before is None or change.after is None) and not (before.get(name) or after.get(name))
        ):
            continue
        if (change.what, name) == DOCUMENT:
            yield from _document(before.get(name) or {}, after.get(name) or {})
        elif name in SECRET:
            yield Line(_label(change.what, name), "", _("已更换"))
        else:
            yield Line(_label(change.what, name), _word(change.what, name, before), _word(change.what, name, after))


def _document(before: dict[str, Any], after: dict[str, Any]) -> Iterator[Line]:
    """What differs between two documents of a scheme, item by item."""
    was, is_ = dict(lines_told(before)), dict(lines_told(after))
    for label in {**was, **is_}:
        if was.get(label) != is_.get(label):
            yield Line(label, was.get(label, "–"), is_.get(label, "–"))


def _label(what: str, name: str) -> str:
    if name in LABELS:
        return str(LABELS[name])
    try:
        return str(apps.get_model(what)._meta.get_field(name).verbose_name)
    except (LookupError, FieldDoesNotExist):
        return name


def _word(what: str, name: str, said: dict[str, Any]) -> str:
    value = said.get(name)
    match value:
        case None | "" | []:
            return "–"
        case True | False:
            return _("是") if value else _("否")
        case list():
            return _("、").join(map(str, value)) if len(value) <= 30 else _("%(n)d 个") % {"n": len(value)}
    field = apps.get_model(what)._meta.get_field(name)
    if field.is_relation:
        return str(value).partition(" ")[2]
    return str(dict(field.flatchoices).get(value, value))
