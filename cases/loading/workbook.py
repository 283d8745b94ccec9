"""A city's workbook of filing conditions, as cities keep it: one sheet for 部件, one for 事件, a condition a row.

The workbook is read as it is meant and never guessed at. Codes come as numbers (1) or as text ("01"). A blank major
or sub-class continues the one above; a merged cell holds for every row that it covers. Rows that only hold a note or
a heading are passed over. Whatever else is not understood is refused by sheet and row.

The supervising and the responsible body and the legal basis are recognised and not kept: who answers for a class is
loaded from a list of duties. Nothing here touches the database.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from django.utils.translation import gettext as _

from grid.loading.outcome import Refused

from ..calendar import Unusable
from ..clock import Limit, parse
from ..models import Kind
from . import xlsx
from .reading import Refusals
from .xlsx import Sheet

SHEETS = {"部件": Kind.COMPONENT, "事件": Kind.EVENT}
"""A sheet is known by one of these words in its title."""

HEADINGS: Mapping[str, Sequence[str]] = {
    "major": ("大类代码", "大类编码", "大类编号", "大类码"),
    "major_name": ("大类名称", "大类"),
    "sub": ("小类代码", "小类编码", "小类编号", "小类码"),
    "sub_name": ("小类名称", "小类"),
    "region_class": ("区域分类", "区域类别", "区域等级"),
    "text": ("立案条件", "立案标准", "立案情形"),
    "limit": ("处置时限", "处理时限", "办理时限", "处置时间", "时限"),
    "closing": ("结案条件", "结案标准", "结案要求"),
    "guidance": ("采集要求", "上报要求", "采集标准", "采集说明"),
    "supervising": ("监管主体", "监管单位", "监管部门", "主管部门"),
    "responsible": ("责任主体", "责任单位", "责任部门", "处置主体", "处置单位"),
    "law": ("法律依据", "法律法规依据", "法规依据", "执法依据", "依据"),
}
"""The headings that cities write, for each column. White space in a heading does not matter."""

CLASS = ("major", "major_name", "sub", "sub_name")
UNKEPT = ("supervising", "responsible", "law")
NEEDED = ("major", "sub", "text", "limit")
HEADING_ROWS = 10
"""The headings stand in one of the first rows, or in two under one another: 大类 over 代码 and 名称."""

ROWS = 5000
"""Filled rows of a sheet; the largest list known has some six hundred."""

Code = tuple[str, int, int]  # kind, major, sub: 1, "01" and "001" are one


class Class(NamedTuple):
    """The sub-class in which a row stands. Names are blank where the sheet gives none."""

    kind: Kind
    major: int
    sub: int
    major_name: str
    sub_name: str

    @property
    def code(self) -> Code:
        return self.kind, self.major, self.sub


class Line(NamedTuple):
    """One condition as a sheet says it, and where."""

    sheet: str
    row: int
    stands: Class
    limit: Limit
    says: Mapping[str, str]  # columns of `Condition`, those that the sheet has


@dataclass
class Book:
    """What a workbook says. `spoilt` are the sub-classes of which something was refused."""

    lines: list[Line] = field(default_factory=list)
    spoilt: set[Code] = field(default_factory=set)


def read(path: Path, refusals: Refusals, *, rows: int = ROWS) -> Book:
    """The conditions of a workbook. A sheet of more than `rows` filled rows is refused."""
    book = Book()
    with refusals.at(path.name):
        sheets = xlsx.read(path, lambda title: bool(_kinds(title)), rows=rows, most=len(SHEETS))
        found = {kind: sheet for sheet in sheets for kind in _kinds(sheet.title)}
        if not found or len(found) < len(sheets):
            raise Refused("sheets", _("工作簿须有名称含“部件”或“事件”的工作表，各不超过一个"))
        for kind, sheet in found.items():
            with refusals.at(sheet.title):
                _read(sheet, kind, book, refusals)
    return book


def _kinds(title: str) -> list[Kind]:
    """One, or none: a sheet of both kinds is neither's."""
    found = [kind for said, kind in SHEETS.items() if said in title]
    return found if len(found) == 1 else []


def _read(sheet: Sheet, kind: Kind, book: Book, refusals: Refusals) -> None:
    first, columns = _heading(sheet)
    above: Class | None = None
    for row in filter(lambda row: row >= first, sheet.rows):
        before, above = above, None
        if _passed_over(sheet, row, columns):
            continue
        with refusals.at(sheet.title, row):
            above = _class(sheet, row, columns, kind, before)
            try:
                book.lines.append(_line(sheet, row, columns, above))
            except (Refused, Unusable):
                book.spoilt.add(above.code)
                raise


def _heading(sheet: Sheet) -> tuple[int, dict[str, int]]:
    """The row below the headings, and the column of each. Raises `Refused`."""
    nearest: set[str] = set()
    for row in range(1, HEADING_ROWS + 1):
        for last in (row, row + 1):
            columns = _columns([_label(sheet, row, last, column) for column in range(1, xlsx.COLUMNS + 1)])
            if not set(NEEDED) - columns.keys():
                return last + 1, {name: _only(name, found) for name, found in columns.items() if name not in UNKEPT}
            nearest = max(nearest, set(NEEDED) & columns.keys(), key=len)
    lacking = _("、").join(HEADINGS[name][0] for name in NEEDED if name not in nearest)
    raise Refused("headings", _("表头缺少：%(lacking)s") % {"lacking": lacking})


def _label(sheet: Sheet, row: int, last: int, column: int) -> str:
    """A heading without its white space; of two rows the upper before the lower, and once if they are merged."""
    words = dict.fromkeys(_quiet(sheet, line, column) for line in (row, last))
    return _bare("".join(words))


def _bare(said: str) -> str:
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", said))


def _quiet(sheet: Sheet, row: int, column: int) -> str:
    try:
        return sheet.word(row, column)
    except Refused:
        return ""


def _columns(labels: Sequence[str]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for column, label in enumerate(labels, 1):
        for name, names in HEADINGS.items():
            if label in names:
                found.setdefault(name, []).append(column)
    return found


def _only(name: str, columns: Sequence[int]) -> int:
    if len(columns) == 1:
        return columns[0]
    raise Refused("heading_twice", _("“%(heading)s”有不止一列") % {"heading": HEADINGS[name][0]})


def _passed_over(sheet: Sheet, row: int, columns: Mapping[str, int]) -> bool:
    """Whether a row is the heading once more, or holds a single note: one that is merged across, or starts the row."""
    if _bare(_quiet(sheet, row, columns["text"])) in HEADINGS["text"]:
        return True
    (column, said), *more = sheet.rows[row].items()
    if more or not isinstance(said, str) or said.isdigit():
        return False
    return sheet.wide(row, column) or column < columns["sub"]


def _class(sheet: Sheet, row: int, columns: Mapping[str, int], kind: Kind, above: Class | None) -> Class:
    """The class of a row; blank codes continue the class above. Raises `Refused`."""
    major, sub = (_code(sheet.word(row, columns[name])) for name in ("major", "sub"))
    names = [sheet.word(row, columns[name]) if name in columns else "" for name in ("major_name", "sub_name")]
    if above and major in (None, above.major):
        if sub is None and names[1] in ("", above.sub_name):
            return above
        major = above.major
    if major is None or sub is None:
        raise Refused("code_blank", _("没有写明大类代码和小类代码，上面也没有可以接续的小类"))
    return Class(kind, major, sub, *names)


def _code(said: str) -> int | None:
    """1, 1.0, "01" and "０１" are one code. Raises `Refused`."""
    if not said:
        return None
    if found := re.fullmatch(r"(\d{1,3})(?:\.0+)?", unicodedata.normalize("NFKC", said), re.ASCII):
        return int(found[1])
    raise Refused("code_invalid", _("看不懂代码“%(said)s”") % {"said": said})


def _line(sheet: Sheet, row: int, columns: Mapping[str, int], stands: Class) -> Line:
    said = {name: sheet.word(row, column) for name, column in columns.items() if name not in CLASS}
    if not said["text"]:
        raise Refused("text_blank", _("没有填写立案条件"))
    original = said.pop("limit")
    return Line(sheet.title, row, stands, parse(original), {**said, "original": original})
