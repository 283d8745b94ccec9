"""Rows, a JSON array a line, bound into a file that people open: CSV or XLSX. Nothing here touches the database.

Whatever stands in a row, the file is whole and can be opened: texts are cleaned once more, for what was kept before
the doors cleaned them. Moments are the city's own, and dates of the spreadsheet.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ERROR_CODES
from openpyxl.styles import Font

from grid.typed_text import cleaned

FORMULA = ("=", "+", "-", "@", "\t", "\r")
CODE = re.compile(r"\d{12,}|0\d+", re.ASCII)  # what a spreadsheet that takes it for a number spoils
MOMENT, TEXT = "yyyy-mm-dd hh:mm:ss", "@"
WIDE = 20  # characters of a column: a code, or a moment
LONGEST = 32_767  # characters that a cell of XLSX holds
Row = list[Any]


def bind(part: Path, file: Path, form: str, heads: Sequence[str], *, codes_as_text: bool = False) -> None:
    """Write the file with a head line. It appears whole or not at all.

    `codes_as_text`: in CSV, codes are written so that a spreadsheet keeps all their digits (="440304001001001").
    """
    making = file.with_suffix(".making")
    write = _xlsx if form == "xlsx" else partial(_csv, codes_as_text=codes_as_text)
    write(part, making, list(map(cleaned, heads)))
    making.replace(file)


def kept(value: Any) -> Any:
    """How a row keeps in JSON what JSON has no word for."""
    return {"at": value.isoformat()} if isinstance(value, datetime) else str(value)


def _rows(part: Path) -> Iterator[Row]:
    with part.open(encoding="utf8") as lines:
        for line in lines:
            yield [_read(value) for value in json.loads(line)]


def _read(value: Any) -> Any:
    if isinstance(value, dict):
        return datetime.fromisoformat(value["at"])
    return cleaned(value) if isinstance(value, str) else value


# CSV


def _csv(part: Path, file: Path, heads: Sequence[str], *, codes_as_text: bool) -> None:
    told = _code_as_text if codes_as_text else harmless
    with file.open("w", encoding="utf-8-sig", newline="") as out:  # the mark tells spreadsheets that it is UTF-8
        writer = csv.writer(out)
        writer.writerow(heads)
        writer.writerows([_plain(value, told) for value in row] for row in _rows(part))


def _plain(value: Any, told: Callable[[str], str]) -> Any:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    return told(value) if isinstance(value, str) else value


def harmless(text: str) -> str:
    """A text that a spreadsheet would take for a formula is marked as text: somebody else wrote it."""
    return f"'{text}" if text.startswith(FORMULA) else text


def _code_as_text(text: str) -> str:
    return f'="{text}"' if CODE.fullmatch(text) else harmless(text)


# XLSX


def _xlsx(part: Path, file: Path, heads: Sequence[str]) -> None:
    book = Workbook(write_only=True)
    sheet = book.create_sheet("1")
    sheet.freeze_panes = "A2"
    sheet.sheet_format.defaultColWidth = WIDE
    sheet.append([_head(sheet, head) for head in heads])
    for row in _rows(part):
        sheet.append([_cell(sheet, value) for value in row])
    book.save(file)


def _head(sheet: Any, head: str) -> Any:
    cell = WriteOnlyCell(sheet, value=head)
    cell.font = Font(bold=True)
    return cell


def _cell(sheet: Any, value: Any) -> Any:
    """A value as it stands in a cell; what would be taken for something else with its type said."""
    if isinstance(value, datetime):
        cell = WriteOnlyCell(sheet, value=value)
        cell.number_format = MOMENT
        return cell
    if isinstance(value, str) and (value.startswith(FORMULA) or value in ERROR_CODES or CODE.fullmatch(value)):
        return _as_text(sheet, value)
    return (value[:LONGEST] or None) if isinstance(value, str) else value


def _as_text(sheet: Any, text: str) -> Any:
    """A text, also for who edits the cell; no mark before it is to be seen."""
    cell = WriteOnlyCell(sheet, value=text[:LONGEST])
    cell.data_type, cell.number_format = "s", TEXT
    return cell
