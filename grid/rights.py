"""What the application's database role may do with each table: the one by which web server and worker come in.

It may read everything. What more, each app says in its module `rights`, and no more than its code needs: what is
evidence, a line of a log or a published figure is only ever added. Where rows are changed but not in every respect, the
columns are named. A table that nobody names is only read. `grant_app` gives these rights; docs/rights.md is drawn from
them. Nothing here touches the database.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from django.apps import apps
from django.db.models import Model
from django.utils.module_loading import autodiscover_modules

ALL: Final = ("*",)


@dataclass(frozen=True)
class Rights:
    """Beside reading. `change` names columns, or is ALL; a row that is locked counts as changed."""

    add: bool = False
    change: tuple[str, ...] = ()
    remove: bool = False

    @property
    def freely(self) -> bool:
        return self.change == ALL


NONE = Rights()
KEPT = Rights(add=True)
"""What is never changed, nor removed."""
EDITED = Rights(add=True, change=ALL)
FREE = Rights(add=True, change=ALL, remove=True)

GIVEN: dict[str, Rights] = {}
"""By table; filled by `give`."""


def give(rights: Mapping[type[Model] | str, Rights]) -> None:
    """Say what is needed of tables, each a model or a table's name. An app's module `rights` calls it once."""
    for table, each in rights.items():
        GIVEN[table if isinstance(table, str) else table._meta.db_table] = each


def columns(model: type[Model], names: Iterable[str]) -> tuple[str, ...]:
    """The columns of a model's fields."""
    known = {field.name: field.column for field in model._meta.concrete_fields}
    return tuple(str(known[name]) for name in names)


def all_rights() -> dict[str, Rights]:
    """By table, in alphabetical order: all that the apps know, and the cache's."""
    autodiscover_modules("rights")
    models = (model for model in apps.get_models(include_auto_created=True) if model._meta.managed)
    return {table: GIVEN.get(table, NONE) for table in sorted({*GIVEN, *(model._meta.db_table for model in models)})}


SERVES = "wangge_app"
HEADER = """# Rights in the database

Two [roles](operations.md#who-is-who-in-the-database). `{owns}`, who migrates and loads a city, owns the tables and may
do everything. `{serves}`, by whom web server and worker come in, may read every table, and beside that what stands
here: drawn from the modules `rights` of the apps by `./dev docs`, given by `manage.py grant_app`, and tried by
`tests/test_rights.py`. Where only some columns may be changed, they are named. It empties no table, makes none and
changes none; a table that is made later it may not touch before it is granted.

| table | add | change | remove |
|---|---|---|---|
"""


def page(owns: str = "wangge", serves: str = SERVES) -> str:
    """docs/rights.md."""
    lines = [
        f"| `{table}` | {_mark(each.add)} | {_columns(each)} | {_mark(each.remove)} |"
        for table, each in all_rights().items()
    ]
    return HEADER.format(owns=owns, serves=serves) + "\n".join(lines) + "\n"


def _mark(may: bool) -> str:
    return "yes" if may else "–"


def _columns(rights: Rights) -> str:
    if rights.freely:
        return "yes"
    return ", ".join(f"`{column}`" for column in rights.change) or "–"


# Who comes in, and where officers are
give(
    {
        "django_cache": FREE,
        "django_session": FREE,
        "usersessions_usersession": FREE,
        "mfa_authenticator": FREE,
        "grid_officer": EDITED,
        "grid_department": EDITED,
        "grid_component": Rights(change=("owner_id", "maintainer_id", "supervisor_id")),
        "grid_beat": FREE,
        "grid_beat_cells": FREE,
        "grid_beat_officers": FREE,
        "grid_leave": FREE,
        "grid_shift": Rights(add=True, change=("until", "forgotten", "point", "seen_at")),
        "grid_track": Rights(add=True, remove=True),
        "grid_change": KEPT,
        "grid_spending": FREE,
    }
)
