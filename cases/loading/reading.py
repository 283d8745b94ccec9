"""Reading files that people keep, and telling all that is wrong with them. Nothing here touches the database."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Model
from django.utils.translation import gettext as _

from grid.loading import bounds
from grid.loading.outcome import Finding, Refused
from grid.loading.spoilt import legible
from grid.loading.tables import Table, any_word
from grid.typed_text import cleaned, is_blank

from ..calendar import Unusable
from ..clock import Limit, Unit

CELL_CHARS = 4000
"""No cell of a table that people keep is longer."""


class NotLoaded(Exception):
    """Nothing was written; `refusals` says why, `str()` in one line each."""

    def __init__(self, refusals: Iterable[Finding]) -> None:
        self.refusals = tuple(refusals)
        super().__init__("\n".join(map(str, self.refusals)))


class Refusals(list[Finding]):
    """All that was refused so far."""

    @contextmanager
    def at(self, place: str, row: int = 0) -> Iterator[None]:
        """What goes wrong inside is wrong with this row; the reading goes on after the block."""
        try:
            yield
        except (Refused, Unusable) as refused:
            self.append(Finding(place, row, refused.code, str(refused)))
        except ValidationError as error:
            self.append(Finding(place, row, "unfit", _("；").join(_sentences(error))))

    def settle(self) -> None:
        """Raises `NotLoaded` if anything was refused."""
        if self:
            raise NotLoaded(self)


def _sentences(error: ValidationError) -> Iterator[str]:
    for name, sentences in error.message_dict.items():
        yield _("“%(name)s”%(sentences)s") % {"name": name, "sentences": " ".join(sentences)}


Row = Mapping[str, str]


def table(path: Path, needs: Iterable[str], refusals: Refusals) -> list[tuple[int, Row]]:
    """The rows of a CSV file in UTF-8 with their line numbers, cells stripped. Rows of blanks are passed over.

    A file that cannot be read, or lacks a column, gives no rows and one refusal.
    """
    found: list[tuple[int, Row]] = []
    with refusals.at(path.name), _opened(path), path.open(encoding="utf-8-sig", newline="") as file:
        lines = Table(file)
        if lacking := set(needs) - set(lines.columns):
            raise Refused("column_missing", _("缺少列：%(columns)s") % {"columns": _("、").join(sorted(lacking))})
        for cells in lines.rows():
            with refusals.at(path.name, lines.line):
                found.append((lines.line, _stripped(cells)))
    return found


def document(path: Path) -> Any:
    """What a JSON file holds. Raises `Refused`."""
    with _opened(path):
        return bounds.parsed(path.read_text(encoding="utf-8-sig"))


@contextmanager
def _opened(path: Path) -> Iterator[None]:
    try:
        bounds.weighed(path)
        yield
    except UnicodeDecodeError:
        raise Refused("not_utf8", _("不是 UTF-8 编码，请另存为 UTF-8")) from None
    except csv.Error as error:
        raise Refused("not_csv", _("不是规范的 CSV：%(error)s") % {"error": error}) from None


def _stripped(cells: Mapping[str | None, Any]) -> Row:
    if any_word(cells.get(None, ())) or None in cells.values():
        raise Refused("cell_count", _("单元格数与表头不符"))
    row = {name.strip(): _typed(str(cell)) for name, cell in cells.items() if name and name.strip()}
    if any(len(cell) > CELL_CHARS for cell in row.values()):
        raise Refused("cell_long", _("单元格超过 %(most)s 字") % {"most": CELL_CHARS})
    legible(row)
    return row


def _typed(cell: str) -> str:
    """A cell as it is kept; one in which nothing would be seen is blank."""
    return "" if is_blank(cell) else cleaned(cell).strip()


def word(row: Row, column: str) -> str:
    """A cell that may not be blank. Raises `Refused`."""
    if said := row.get(column, ""):
        return said
    raise Refused("cell_blank", _("“%(column)s”没有填写") % {"column": column})


def yes(row: Row, column: str) -> bool:
    """A cell that says yes or no; blank is no. Raises `Refused`."""
    match row.get(column, "").lower():
        case "1" | "true" | "yes" | "是":
            return True
        case "" | "0" | "false" | "no" | "否":
            return False
        case said:
            raise Refused("not_yes_or_no", _("“%(column)s”须为 1 或 0：%(said)s") % {"column": column, "said": said})


def number(row: Row, column: str) -> Decimal:
    """Raises `Refused`."""
    said = word(row, column)
    try:
        return Decimal(said)
    except InvalidOperation:
        raise Refused("not_a_number", _("“%(column)s”须为数字：%(said)s") % {"column": column, "said": said}) from None


def whole(row: Row, column: str) -> int:
    """Raises `Refused`."""
    said = number(row, column)
    if said == int(said):
        return int(said)
    raise Refused("not_whole", _("“%(column)s”须为整数：%(said)s") % {"column": column, "said": said})


def limit(row: Row, value: str, unit: str) -> Limit:
    """A limit from two columns. Raises `Refused`, or `Unusable` for one that is not above zero."""
    said = word(row, unit)
    if said not in Unit.values:
        raise Refused("unit_unknown", _("没有时限单位“%(said)s”") % {"said": said})
    return Limit(number(row, value), Unit(said))


def day(said: Any) -> date:
    """A date as 2026-10-01. Raises `Refused`."""
    try:
        return date.fromisoformat(said)
    except (TypeError, ValueError):
        raise Refused("not_a_day", _("日期须写成 2026-10-01：%(said)s") % {"said": said}) from None


def fit(row: Model, *, apart_from: Iterable[str] = ()) -> None:
    """Raises `ValidationError` where a value does not fit its column, or the values each other.

    References are not looked up.
    """
    references = {field.name for field in row._meta.concrete_fields if field.is_relation or field.primary_key}
    row.clean_fields(exclude=references | set(apart_from))
    row.clean()
