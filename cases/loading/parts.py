"""What a workbook would cost to read, counted in its parts before anything is built of them.

A few kilobytes of a workbook may unpack to millions of empty cells, thousands of sheets or styles: each takes a
reader hundreds of bytes and microseconds. Here the parts are only streamed. Nothing here touches the database.
"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any
from xml.parsers import expat
from zipfile import BadZipFile, ZipFile

from django.utils.translation import gettext as _

from grid.loading.outcome import Refused

BYTES = 8 * 2**20
UNPACKED = 32 * 2**20
"""Hundreds of conditions take less than one of these."""

PARTS = 500
SHEETS = 64
LAST_ROW = 100_000
"""In which something may be written: readers make up every row above."""

CELLS = 300_000
"""Elements of all sheets and shared strings: two or three a cell."""

OTHERS = 20_000
"""Elements of all other parts, most of which are styles; each costs a reader ten times what a cell does."""

DEPTH = 40
NEAR = {"worksheet", "sst"}  # the roots of parts that hold cells or their texts
FILLS = {"v", "f", "is"}  # in a cell: its value, its formula, its text
PIECE = 2**16


def weigh(path: Path) -> dict[str, int]:
    """By the names of its parts, the last row of each in which something is written.

    Raises `Refused` for what is no workbook, or would cost more than any we need.
    """
    try:
        with ZipFile(path) as parts:
            listed = parts.infolist()
            if path.stat().st_size > BYTES or sum(part.file_size for part in listed) > UNPACKED:
                raise Refused("file_large", _("工作簿太大：展开后最多 %(most)s MB") % {"most": UNPACKED // 2**20})
            if len(listed) > PARTS:
                raise _costly(_("部分"), PARTS)
            spent: Counter[str] = Counter()
            return {part.filename: _Count(spent).read(parts.open(part)) for part in listed}
    except FileNotFoundError:
        raise Refused("file_missing", _("没有这个文件：%(path)s") % {"path": path}) from None
    except (BadZipFile, OSError, NotImplementedError, RuntimeError, EOFError, ValueError):
        raise Refused("not_xlsx", _("不是 xlsx 工作簿，请另存为“Excel 工作簿（*.xlsx）”")) from None


class _Count:
    """Counts the elements of one part into `spent`, and ends where a bound is passed."""

    def __init__(self, spent: Counter[str]):
        self.spent, self.depth, self.kind = spent, 0, ""
        self.row = self.last = 0
        self.parser = expat.ParserCreate(namespace_separator="}")
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.StartDoctypeDeclHandler = self._doctype

    def read(self, part: Any) -> int:
        """The last row in which something is written.

        A part that is no XML, a picture for instance, ends at its first byte: readers end there too.
        """
        with part, suppress(expat.ExpatError):
            while piece := part.read(PIECE):
                self.parser.Parse(piece)
        return self.last

    def _start(self, name: str, said: dict[str, str]) -> None:
        plain = name.rpartition("}")[2]
        if plain == "row":
            self.row = int(said.get("r", self.row + 1))
        elif plain in FILLS:
            self.last = max(self.last, self.row)
        self.depth += 1
        self.kind = self.kind or ("cells" if plain in NEAR else "others")
        self.spent[self.kind] += 1
        self.spent["sheets"] += plain == "sheet"
        if self.spent["sheets"] > SHEETS:
            raise _costly(_("工作表"), SHEETS)
        if self.last > LAST_ROW:
            raise _costly(_("行"), LAST_ROW)
        if self.spent["cells"] > CELLS:
            raise _costly(_("单元格"), CELLS // 3)
        if self.spent["others"] > OTHERS or self.depth > DEPTH:
            raise _costly(_("样式或其他设置"), OTHERS)

    def _end(self, _name: str) -> None:
        self.depth -= 1

    def _doctype(self, *_said: Any) -> None:
        raise Refused("not_xlsx", _("工作簿里有文档类型声明，不予读取"))


def _costly(what: str, most: int) -> Refused:
    said = {"what": what, "most": most}
    message = _("工作簿里的%(what)s太多，最多约 %(most)d 个：请把要载入的表另存为一个新的工作簿")
    return Refused("file_costly", message % said)
