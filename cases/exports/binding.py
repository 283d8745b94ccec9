"""Rows, a JSON array a line, bound into a file that people open: CSV or XLSX. Nothing here touches the database."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font

FORMULA = ("=", "+", "-", "@", "\t", "\r")


def bind(part: Path, file: Path, form: str, heads: Sequence[str]) -> None:
    """Write the file with a head line. It appears whole or not at all."""
    making = file.with_suffix(".making")
    (_xlsx if form == "xlsx" else _csv)(part, making, heads)
    making.replace(file)


def _rows(part: Path) -> Iterator[list[Any]]:
    with part.open(encoding="utf8") as lines:
        for line in lines:
            yield [harmless(value) for value in json.loads(line)]


def harmless(value: Any) -> Any:
    """A text that a spreadsheet would take for a formula is marked as text: somebody else wrote it."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def _csv(part: Path, file: Path, heads: Sequence[str]) -> None:
    with file.open("w", encoding="utf-8-sig", newline="") as out:  # the mark tells spreadsheets that it is UTF-8
        writer = csv.writer(out)
        writer.writerow(heads)
        writer.writerows(_rows(part))


def _xlsx(part: Path, file: Path, heads: Sequence[str]) -> None:
    book = Workbook(write_only=True)
    sheet = book.create_sheet("1")
    sheet.freeze_panes = "A2"
    cells = []
    for head in heads:
        cell = WriteOnlyCell(sheet, value=head)
        cell.font = Font(bold=True)
        cells.append(cell)
    sheet.append(cells)
    for row in _rows(part):
        sheet.append(row)
    book.save(file)
