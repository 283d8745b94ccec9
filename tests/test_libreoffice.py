"""A workbook that we export, opened by the program that offices have beside Excel: it shows what was written."""

from __future__ import annotations

import csv
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from cases import exports
from cases.models import Export

from . import city as town

NUMBERS = ("440304001001001", "007", "1/2", "-5℃路面结冰", "+86")
WORDS = ("=1+1", "@某人", "#N/A", "TRUE", "一行\n两行", '"引",号')
TEXTS = (*NUMBERS, *WORDS)  # what a spreadsheet takes for something else
AS_CSV = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false"
"""By commas and quotes, in UTF-8, from the first line on, in no language's own way: cells as they are shown."""


def exported(city: SimpleNamespace, form: str) -> Path:
    export = exports.ask(city.lena, "cases", form, {})
    while Export.objects.filter(pk=export.pk, status__in=exports.UNDER_WAY).exists():
        exports.write(export.pk)
    export.refresh_from_db()
    return exports.fetch(export)


def table(file: Path) -> list[list[str]]:
    with file.open(encoding="utf-8-sig", newline="") as lines:
        return list(csv.reader(lines))


def opened(book: Path, folder: Path) -> list[list[str]]:
    """What LibreOffice shows of a workbook, in a profile of its own."""
    command = ["soffice", f"-env:UserInstallation=file://{folder}/profile", "--headless"]
    done = subprocess.run(
        [*command, "--convert-to", AS_CSV, "--outdir", str(folder), str(book)],
        check=True,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert (folder / f"{book.stem}.csv").is_file(), done.stderr
    return table(folder / f"{book.stem}.csv")


def test_an_office_sees_what_was_exported(city: SimpleNamespace, clock: Any, tmp_path: Path) -> None:
    for text in TEXTS:
        town.report(city, text=text)
    heads, *rows = opened(exported(city, "xlsx"), tmp_path)
    assert [row[heads.index("问题描述")] for row in rows] == [*reversed(TEXTS)]
    unmarked = [[cell.removeprefix("'") for cell in row] for row in table(exported(city, "csv"))]
    assert [heads, *rows] == unmarked, "all cells, but for the marks that only a CSV needs"
