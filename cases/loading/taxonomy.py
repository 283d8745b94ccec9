"""What can be wrong, from a folder: the classes of every generation, and the sample conditions of each.

    categories*.csv   a sub-class a row, with its major; a major that has none yet leaves the sub's columns blank
    conditions*.csv   scheme, kind, major, sub, no, text, limit_value, limit_unit, and more columns of `Condition`

A code means nothing without its scheme, so every row names it: generations load side by side and never mix.
A class that a scheme's files no longer name is closed by date, never deleted; one that comes back is opened again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from django.db import transaction
from django.utils.translation import gettext as _

from grid.loading.outcome import Counts, Refused
from grid.moment import today

from ..models import Category
from .conditions import Wanted, enact
from .reading import Refusals, Row, fit, limit, table, whole, word, yes
from .writing import sync, total

LOCAL_BASIS = "local-extension"
LOCAL_FROM = 80
"""Lower numbers are kept for the standard; a city's own sub-classes come at or above this one."""

CLASSES = ("scheme", "kind", "major_code", "major_zh", "major_en", "sub_code", "sub_zh", "sub_en", "urgent", "basis")
CONDITIONS = ("scheme", "kind", "major", "sub", "no", "text", "limit_value", "limit_unit")
MORE = ("region_class", "text_en", "original", "closing", "closing_en", "guidance", "guidance_en", "basis")

Code = tuple[str, str, str, str]  # scheme, kind, major, sub
Classes = dict[Code, Category]


@transaction.atomic
def load(folder: Path, *, valid_from: date) -> tuple[Counts, Counts]:
    """Load the classes and the conditions of a folder; gives what was done to each.

    A condition that is new or says something else comes into force on `valid_from`. Raises `NotLoaded`; nothing is
    written then.
    """
    refusals = Refusals()
    classes = _classes(folder, refusals)
    refusals.settle()
    written = _write(classes)
    files = sorted(folder.glob("conditions*.csv"))
    wanted = [condition for path in files for condition in _conditions(path, classes, refusals)]
    enacted = enact(wanted, valid_from=valid_from, refusals=refusals)
    refusals.settle()
    return written, enacted


def code(row: Category) -> Code:
    return row.scheme, row.kind, row.major, row.sub


def _classes(folder: Path, refusals: Refusals) -> Classes:
    files = sorted(folder.glob("categories*.csv"))
    with refusals.at(folder.name):
        if not files:
            raise Refused("file_missing", _("文件夹里没有 categories*.csv"))
    classes: Classes = {}
    for path in files:
        for line, said in table(path, CLASSES, refusals):
            with refusals.at(path.name, line):
                major = _major(said, classes)
                if said["sub_code"] or said["sub_zh"]:
                    _sub(said, major, classes)
    return classes


def _major(said: Row, classes: Classes) -> Category:
    """The row's major, which is the one of the rows before that bear its code."""
    scheme, kind, name = word(said, "scheme"), word(said, "kind"), word(said, "major_zh")
    row = Category(
        scheme=scheme, kind=kind, major=_digits(said, "major_code"), name=name, name_en=word(said, "major_en")
    )
    fit(row)
    major = classes.setdefault(code(row), row)
    if (major.name, major.name_en) != (row.name, row.name_en):
        raise Refused("major_renamed", _("大类 %(code)s 前面叫“%(name)s”") % {"code": major.major, "name": major.name})
    return major


def _sub(said: Row, major: Category, classes: Classes) -> None:
    row = Category(
        scheme=major.scheme,
        kind=major.kind,
        major=major.major,
        sub=_digits(said, "sub_code"),
        name=word(said, "sub_zh"),
        name_en=word(said, "sub_en"),
        urgent=yes(said, "urgent"),
        basis=said["basis"],
        parent=major,
    )
    fit(row)
    if row.basis == LOCAL_BASIS and int(row.sub) < LOCAL_FROM:
        raise Refused("local_code", _("本地扩展小类的代码须从 %(least)s 起") % {"least": LOCAL_FROM})
    if any(len(other.sub) != len(row.sub) for other in classes.values() if other.parent is major):
        raise Refused("code_width", _("同一大类的小类代码须一样长"))
    if (other := classes.setdefault(code(row), row)) is not row:
        raise Refused("duplicate", _("这个代码前面已是“%(name)s”") % {"name": other.name})


def _digits(said: Row, column: str) -> str:
    digits = word(said, column)
    if re.fullmatch(r"[0-9]{2,3}", digits):
        return digits
    raise Refused("code_invalid", _("“%(column)s”须为两位或三位数字：%(said)s") % {"column": column, "said": digits})


def _write(classes: Classes) -> Counts:
    """Majors first, so that their sub-classes have something to point to."""
    standing = list(Category.objects.filter(scheme__in={row.scheme for row in classes.values()}))
    counts, gone = Counts(), list[Category]()
    for is_sub in (False, True):
        rows = [row for row in classes.values() if bool(row.sub) is is_sub]
        for row in rows:
            row.parent_id = row.parent.pk if row.parent else None
        written, left = sync(
            [row for row in standing if bool(row.sub) is is_sub],
            rows,
            key=code,
            columns=("parent", "name", "name_en", "urgent", "basis", "closed_on"),
        )
        counts, gone = total(counts, written), [*gone, *left]
    vanished = Category.objects.filter(pk__in=[row.pk for row in gone], closed_on=None)
    return total(counts, Counts(retired=vanished.update(closed_on=today())))


def _conditions(path: Path, classes: Classes, refusals: Refusals) -> Iterator[Wanted]:
    for line, row in table(path, CONDITIONS, refusals):
        with refusals.at(path.name, line):
            category = classes.get((row["scheme"], row["kind"], row["major"], word(row, "sub")))
            if category is None:
                raise Refused("category_unknown", _("没有小类 %(scheme)s %(kind)s %(major)s-%(sub)s") % row)
            asked = limit(row, "limit_value", "limit_unit")
            decides = {"text": word(row, "text"), "limit_value": asked.value, "limit_unit": asked.unit.value}
            more = {name: row[name] for name in MORE if name in row}
            yield Wanted(path.name, line, category, whole(row, "no"), decides | more)
