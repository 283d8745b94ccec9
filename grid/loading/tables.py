"""The rows of a CSV file as spreadsheets leave it: rows of blanks above, between and below are none."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.utils.translation import gettext as _

from . import bounds
from .outcome import Refused


class Table:
    """The lines of a CSV file: the first that is not blank names the columns. Raises csv.Error where it is none."""

    def __init__(self, lines: Iterable[str]):
        self.reader = csv.DictReader(lines, strict=True)
        self.reader.fieldnames = next(filter(any_word, self.reader.reader), ())
        if len(self.columns) > bounds.COLUMNS:
            raise Refused("columns_many", _("列太多：最多 %(most)d 列") % {"most": bounds.COLUMNS})

    @property
    def columns(self) -> list[str]:
        return [name.strip() for name in self.reader.fieldnames or ()]

    @property
    def line(self) -> int:
        """Of the row that was read last."""
        return self.reader.line_num

    def rows(self) -> Iterator[Mapping[str | None, Any]]:
        """Cells beyond the last column stand under None; a cell that is lacking is None."""
        for said in self.reader:
            if any_word(cell for value in said.values() for cell in (value if isinstance(value, list) else [value])):
                yield said


def any_word(cells: Iterable[str | None]) -> bool:
    """Whether anything is written in them."""
    return any(cell and cell.strip() for cell in cells)
