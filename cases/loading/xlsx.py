"""The cells of a workbook that came from anywhere, as words. Nothing here touches the database.

What a file may cost is bounded before it is opened, see `parts`, and while it is read: sheets, rows and merged cells.
Cells that hold no word (an error, a date, a formula without its result) are no trouble until somebody asks for them.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, time, timedelta
from itertools import product
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import iterparse
from zipfile import ZipFile

from django.utils.translation import gettext as _
from openpyxl import load_workbook
from openpyxl.cell.read_only import EMPTY_CELL
from openpyxl.utils.cell import coordinate_to_tuple

from grid.loading.outcome import Refused

from . import parts

COLUMNS = 60
MERGED = 200_000
"""Cells that may lie in merged ranges of one sheet."""

Place = tuple[int, int]  # row and column, from 1


@dataclass(frozen=True)
class Sheet:
    """The filled rows of a sheet, by number. A merged range has its value in its first cell alone."""

    title: str
    rows: Mapping[int, Mapping[int, str | Refused]]
    merged: Mapping[Place, Place]  # each cell of a merged range → its first

    def word(self, row: int, column: int) -> str:
        """What stands in a cell, or holds for it because it is merged; blank for an empty cell. Raises `Refused`."""
        row, column = self.merged.get((row, column), (row, column))
        said = self.rows.get(row, {}).get(column, "")
        if isinstance(said, Refused):
            raise said
        return said

    def wide(self, row: int, column: int) -> bool:
        """Whether a cell is merged with its neighbour in the same row."""
        return self.merged.get((row, column + 1)) == self.merged.get((row, column), (0, 0))


def read(path: Path, wanted: Callable[[str], bool], *, rows: int, most: int) -> list[Sheet]:
    """The sheets whose title is wanted, at most so many: of more, none is read. Raises `Refused` for what is no
    workbook, or is larger than any we need.
    """
    last = parts.weigh(path)
    try:
        with warnings.catch_warnings(action="ignore"):  # of extensions that openpyxl does not keep
            return [
                Sheet(title, _filled(values, formulas, _last(values, last), rows), _merged(path, values))
                for title, values, formulas in _sheets(path, wanted, most)
            ]
    except Refused:
        raise
    except Exception as error:  # a broken workbook raises whatever the part of openpyxl that met it raises
        raise Refused("not_xlsx", _("工作簿读不出来：%(error)s") % {"error": error}) from error


def _sheets(path: Path, wanted: Callable[[str], bool], most: int) -> Iterator[tuple[str, Any, Any]]:
    """Each sheet twice: with the results of its formulas, and with the formulas."""
    results = load_workbook(path, read_only=True, data_only=True, keep_links=False)
    formulas = load_workbook(path, read_only=True, data_only=False, keep_links=False)
    try:
        found = [sheet for sheet in results.worksheets if wanted(sheet.title)]
        for sheet in found if len(found) <= most else ():
            yield sheet.title, sheet, formulas[sheet.title]
    finally:
        results.close()
        formulas.close()


def _filled(results: Any, formulas: Any, last: int, most: int) -> dict[int, dict[int, str | Refused]]:
    found: dict[int, dict[int, str | Refused]] = {}
    for number, (row, source) in enumerate(zip(_rows(results, last), _rows(formulas, last), strict=True), 1):
        if all(cell is EMPTY_CELL for cell in row):  # a row far below has a million of these above it
            continue
        cells = {column: _said(*pair) for column, pair in enumerate(zip(row, source, strict=True), 1)}
        if filled := {column: said for column, said in cells.items() if said != ""}:
            found[number] = filled
        if len(found) > most:
            said = {"title": results.title, "most": most}
            raise Refused("sheet_long", _("“%(title)s”有内容的行超过 %(most)s 行") % said)
    return found


def _rows(sheet: Any, last: int) -> Iterator[tuple[Any, ...]]:
    """The bounds are ours: those that a file declares of itself may be anything."""
    rows: Iterator[tuple[Any, ...]] = sheet.iter_rows(min_row=1, max_row=last, min_col=1, max_col=COLUMNS)
    return rows if last else iter(())


def _last(sheet: Any, rows: Mapping[str, int]) -> int:
    """The last row in which something is written, as it was counted."""
    return rows.get(str(sheet._worksheet_path).lstrip("/"), 0)  # noqa: SLF001 (nowhere else is it told)


def _said(cell: Any, source: Any) -> str | Refused:
    match cell.value:
        case None if source.data_type == "f":
            return Refused("formula", _("公式没有存下结果，请改成它的值"))
        case None:
            return ""
        case bool():
            return Refused("cell_yes_no", _("单元格是逻辑值，须为文字或数字"))
        case date() | time() | timedelta():
            return Refused("cell_date", _("单元格被当成了日期，须为文字或数字"))
        case str() as said if cell.data_type == "e":
            return Refused("cell_error", _("单元格的公式出错：%(said)s") % {"said": said})
        case float() as said if said.is_integer():
            return str(int(said))
        case said:
            return str(said).replace("_x000D_", "").strip()


def _merged(path: Path, sheet: Any) -> dict[Place, Place]:
    """openpyxl does not tell the merged ranges of a sheet that it reads row by row."""
    found: dict[Place, Place] = {}
    with ZipFile(path) as whole, whole.open(sheet._worksheet_path) as part:  # noqa: SLF001 (nowhere else is it told)
        for _event, element in iterparse(part):  # noqa: S314 (expat bounds entities; the part's size is bounded)
            if element.tag.endswith("}mergeCell"):
                (top, left), (bottom, right) = map(coordinate_to_tuple, element.get("ref", "").split(":"))
                if (bottom - top + 1) * (right - left + 1) > MERGED - len(found):
                    raise Refused("merged_large", _("“%(title)s”合并的单元格太多") % {"title": sheet.title})
                cells = product(range(top, bottom + 1), range(left, right + 1))
                found.update(dict.fromkeys(cells, (top, left)))
            element.clear()
    return found
