"""What a folder says, checked against itself and against what the database has: the good rows, and the findings.

A draft is filled kind by kind, from those that others refer to downwards. It reads the database and writes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.contrib.gis.geos import GEOSGeometry
from django.contrib.gis.geos.prepared import PreparedGeometry
from django.core.exceptions import ValidationError
from django.db.models import BooleanField, Model
from django.utils.translation import gettext as _

from .city import NAME as CITY_FILE
from .city import City, Source
from .files import Row, read
from .outcome import Finding, Refused
from .spoilt import legible


@dataclass
class Line:
    """A good row: what its columns say of the model's fields, and the codes of what it refers to."""

    row: Row
    code: str
    values: dict[str, Any]
    refers: dict[str, str] = field(default_factory=dict)  # foreign key → code, "" for none
    lists: dict[str, list[str]] = field(default_factory=dict)  # what it holds several of → codes


@dataclass(frozen=True)
class Kind:
    """How one kind of thing is read: its model, key and columns, and what is asked of a row.

    `refers` and `lists` say which kind the codes in a column belong to; None is the kind itself. A column that a file
    does not have leaves what the database has.
    """

    name: str
    model: type[Model]
    needs: tuple[str, ...]
    check: Callable[[Draft, Line], None]
    key: str = "code"
    columns: tuple[str, ...] = ()
    refers: Mapping[str, Kind | None] = field(default_factory=dict)
    lists: Mapping[str, Kind] = field(default_factory=dict)
    derived: tuple[str, ...] = ()  # of `refers`, what the check finds out where the column is blank
    order: Callable[[list[Row]], list[Row]] = list
    holders: tuple[tuple[type[Model], str], ...] = ()  # (model, foreign key) of what must be closed before it

    @property
    def title(self) -> str:
        return str(self.model._meta.verbose_name)

    @property
    def model_name(self) -> str:
        return str(self.model._meta.model_name)


class Draft:
    """The good lines of each kind by code, all codes that the files name, and what the database has."""

    def __init__(self, city: City, today: date):
        self.city = city
        self.today = today
        self.lines: dict[str, dict[str, Line]] = {}
        self.listed: dict[str, set[str]] = {}  # a kind that is not here was not given: it stays as it is
        self.present: dict[str, dict[str, Any]] = {}
        self.spoilt: set[str] = set()  # kinds of which a row was refused
        self.heirs: dict[str, str] = {}  # of departments: whoever has one is closed
        self.waiting: set[str] = set()  # of the kind being checked, the codes whose row is yet to come
        self._prepared: dict[str, PreparedGeometry] = {}
        self.refusals: list[Finding] = []
        self.warnings: list[Finding] = []

    def fill(self, kind: Kind, present: Iterable[Any]) -> None:
        """Read and check one kind's file, if the city has one."""
        self.present[kind.name] = {getattr(row, kind.key): row for row in present}
        source = self.city.sources.get(kind.name)
        if rows := source and self.rows(source, kind.needs):
            self._check(kind, rows)

    def rows(self, source: Source, needs: Iterable[str]) -> list[Row]:
        try:
            return read(source, needs, warn=lambda code, message: self.warn(source.path.name, 0, code, message))
        except Refused as refusal:
            self.refuse(source.path.name, 0, refusal)
            return []

    def refuse(self, file: str, row: int, refusal: Refused) -> None:
        self.refusals.append(Finding(file, row, refusal.code, str(refusal)))

    def warn(self, file: str, row: int, code: str, message: str) -> None:
        self.warnings.append(Finding(file, row, code, message))

    def warn_file(self, kind: Kind, code: str, message: str) -> None:
        source = self.city.sources.get(kind.name)
        self.warn(source.path.name if source else CITY_FILE, 0, code, message)

    def known(self, kind: Kind, code: str, *, own: bool = False) -> str:
        """The code, when something of that kind bears it, or will once the draft is loaded. Raises Refused.

        A row that was refused leaves what the database has, and may be referred to there, but not as a parent (`own`):
        trees are only built of good rows, so that they cannot close to a ring.
        """
        if code in self.lines.get(kind.name, {}):
            return code
        names = {"kind": kind.title, "code": code}
        if own and code in self.waiting:
            raise Refused("parent_cycle", _("上级“%(code)s”又在它自己之下：请改正上级") % names)
        if code in self.listed.get(kind.name, ()) and (own or not self._stays(kind, code)):
            raise Refused(f"{kind.model_name}_refused", _("%(kind)s“%(code)s”本身没有通过检查：先改正那一行") % names)
        if code not in self.listed.get(kind.name, {code}) or not self._stays(kind, code):
            raise Refused(
                f"{kind.model_name}_unknown", _("没有代码为“%(code)s”的%(kind)s：请核对代码，或先把它列入文件") % names
            )
        return code

    def shape_of(self, kind: Kind, code: str) -> Any:
        """The shape that something known will have once the draft is loaded; None where it has none."""
        line = self.lines.get(kind.name, {}).get(code)
        if line and "shape" in line.values:
            return line.values["shape"]
        return getattr(self.present[kind.name].get(code), "shape", None)

    def prepared(self, code: str, shape: GEOSGeometry) -> PreparedGeometry:
        """A shape by its code, ready to be asked many times."""
        if code not in self._prepared:
            self._prepared[code] = shape.prepared
        return self._prepared[code]

    def _stays(self, kind: Kind, code: str) -> bool:
        row = self.present[kind.name].get(code)
        return row is not None and getattr(row, "closed_on", None) is None

    def _check(self, kind: Kind, rows: list[Row]) -> None:
        lines = self.lines[kind.name] = {}
        self.listed[kind.name] = {row.fields[kind.key] for row in rows}
        self.waiting = set(self.listed[kind.name])
        spelt = {code.casefold(): code for code in self.present[kind.name]}
        first: dict[str, int] = {}
        for row in kind.order(rows):
            try:
                line = self._line(kind, row)
                folded = line.code.casefold()
                if first.setdefault(folded, row.number) != row.number:
                    raise twice(line.code, first[folded])
                if (known := spelt.get(folded, line.code)) != line.code:
                    raise _misspelt(line.code, known)
                kind.check(self, line)
            except Refused as refusal:
                self.refuse(row.file, row.number, refusal)
                self.spoilt.add(kind.name)
            else:
                lines[line.code] = line
            self.waiting.discard(row.fields[kind.key])

    def _line(self, kind: Kind, row: Row) -> Line:
        line = Line(row, cleaned(kind.model, row, kind.key), {})
        if row.fault:
            raise row.fault
        legible(row.fields)
        line.values = {name: cleaned(kind.model, row, name) for name in kind.columns if name in row.fields}
        for name, other in kind.refers.items():
            if name in row.fields and (row.fields[name] or name not in kind.derived):
                line.refers[name] = self._referred(kind, name, other, row.fields[name])
        for name, other in kind.lists.items():
            if name in row.fields:
                line.lists[name] = [self.known(other, code) for code in row.list(name)]
        return line

    def _referred(self, kind: Kind, name: str, other: Kind | None, code: str) -> str:
        if code:
            return self.known(other or kind, code, own=other is None)
        if kind.model._meta.get_field(name).null:
            return ""
        raise Refused("value_missing", _column(name, _("不能为空")))


def _column(column: str, reason: str) -> str:
    return _("%(column)s 列：%(reason)s") % {"column": column, "reason": reason}


def cleaned(model: type[Model], row: Row, column: str) -> Any:
    """A column's value as the model's field has it, by the field's own rules; blank is the default. Raises Refused."""
    field: Any = model._meta.get_field(column)
    said = row.fields[column]
    if not said and field.has_default():
        return field.get_default()
    if isinstance(field, BooleanField):
        said = said.capitalize()
    try:
        return field.clean(None if field.null and not said else said, None)
    except ValidationError as error:
        raise Refused("value_invalid" if said else "value_missing", _column(column, " ".join(error.messages))) from None


def _misspelt(code: str, known: str) -> Refused:
    message = _("“%(code)s”已登记为“%(known)s”，只差大小写：请照登记的写")
    return Refused("code_misspelt", message % {"code": code, "known": known})


def twice(code: str, row: int) -> Refused:
    """The refusal of a code that an earlier row of the same file bears."""
    return Refused("code_duplicate", _("“%(code)s”在第 %(row)d 行已经出现过") % {"code": code, "row": row})
