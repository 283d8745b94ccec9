"""Rows by COPY: many at once, as the columns of their models have them. Triggers and constraints hold as ever."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from io import StringIO
from typing import Any

from django.contrib.gis.db.models import GeometryField
from django.db import connection
from django.db.models import (
    BinaryField,
    BooleanField,
    CharField,
    DateTimeField,
    Field,
    FloatField,
    ForeignKey,
    GeneratedField,
    IntegerField,
    JSONField,
    Model,
    TextField,
    UUIDField,
)

JSON = json.JSONEncoder(ensure_ascii=False)
NULL = r"\N"
SIGNS = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})


@lru_cache
def fields(model: type[Model]) -> tuple[Field[Any, Any], ...]:
    """The columns that are written: all but those that the database makes."""
    return tuple(field for field in model._meta.concrete_fields if not isinstance(field, GeneratedField))


@lru_cache
def _columns(model: type[Model]) -> tuple[tuple[str, Callable[[Any], str]], ...]:
    return tuple((field.attname, _writing(field)) for field in fields(model))


def row(each: Model, **given: object) -> str:
    """A row as COPY reads it; what is given stands in place of what the object has. Ends with a line break."""
    return row_of(type(each), vars(each) | given)


def row_of(model: type[Model], said: Mapping[str, object]) -> str:
    """The same of its columns by name; those that are not there are NULL."""
    get = said.get
    return "\t".join([NULL if (value := get(name)) is None else write(value) for name, write in _columns(model)]) + "\n"


def _writing(field: Field[Any, Any]) -> Callable[[Any], str]:
    """How a field's values are written in the text form of COPY."""
    while isinstance(field, ForeignKey):
        field = field.target_field
    return next((write for kind, write in WRITING.items() if isinstance(field, kind)), _unknown)


def _said(value: str) -> str:
    return value.translate(SIGNS)


def _unknown(value: object) -> str:
    raise TypeError(f"a row with {value!r} is not written by COPY")


WRITING: dict[type, Callable[[Any], str]] = {
    JSONField: lambda value: JSON.encode(value).translate(SIGNS),
    DateTimeField: datetime.isoformat,
    CharField: _said,
    TextField: _said,
    BooleanField: lambda value: "t" if value else "f",
    BinaryField: lambda value: rf"\\x{value.hex()}",
    GeometryField: lambda value: value.hexewkb.decode(),
    IntegerField: str,
    FloatField: str,
    UUIDField: str,
}


def copy(model: type[Model], rows: Iterable[str]) -> None:
    """Write rows that `row` made."""
    columns = ", ".join(f'"{field.column}"' for field in fields(model))
    with connection.cursor() as cursor:
        cursor.copy_expert(f'COPY "{model._meta.db_table}" ({columns}) FROM STDIN', StringIO("".join(rows)))


def reserve(model: type[Model], count: int) -> int:
    """Take so many primary keys from a model's sequence at once; gives the first."""
    name = f"pg_get_serial_sequence('{model._meta.db_table}', 'id')"
    return reserve_of(name, count)


def reserve_of(sequence: str, count: int) -> int:
    """The same of a sequence that is told by an expression."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT nextval({sequence})")
        (first,) = cursor.fetchone()
        cursor.execute(f"SELECT setval({sequence}, %s)", [first + max(count, 1) - 1])
    return int(first)


def move_on(model: type[Model], past: int) -> None:
    """Let a model's sequence go on after a number."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT setval(pg_get_serial_sequence('{model._meta.db_table}', 'id'), %s)", [past])
