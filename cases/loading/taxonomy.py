"""What can be wrong, from a folder: the classes of every generation, and the sample conditions of each.

    categories*.csv   scheme, kind, major, sub, name, name_en, urgent, basis; a major is a row without sub
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

CLASSES = ("scheme", "kind", "major", "sub", "name", "name_en", "urgent", "basis")
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
    classes: Classes = {}
    places: dict[Code, tuple[str, int]] = {}
    files = sorted(folder.glob("categories*.csv"))
    with refusals.at(folder.name):
        if not files:
            raise Refused("file_missing", _("文件夹里没有 categories*.csv"))
    for path in files:
        for line, said in table(path, CLASSES, refusals):
            with refusals.at(path.name, line):
                row = _class(said)
                if other := classes.get(code(row)):
                    raise Refused("duplicate", _("这个代码前面已是“%(name)s”") % {"name": other.name})
                classes[code(row)], places[code(row)] = row, (path.name, line)
    widths: dict[int, int] = {}
    for key, row in classes.items():
        if row.sub:
            with refusals.at(*places[key]):
                row.parent = _major(row, classes)
                if widths.setdefault(id(row.parent), len(row.sub)) != len(row.sub):
                    raise Refused("code_width", _("同一大类的小类代码须一样长"))
    return classes


def _class(said: Row) -> Category:
    row = Category(
        scheme=word(said, "scheme"),
        kind=word(said, "kind"),
        major=_digits(said, "major"),
        sub=_digits(said, "sub") if said["sub"] else "",
        name=word(said, "name"),
        name_en=word(said, "name_en"),
        urgent=yes(said, "urgent"),
        basis=said["basis"],
    )
    if row.sub and row.basis == LOCAL_BASIS and int(row.sub) < LOCAL_FROM:
        raise Refused("local_code", _("本地扩展小类的代码须从 %(least)s 起") % {"least": LOCAL_FROM})
    fit(row)
    return row


def _digits(said: Row, column: str) -> str:
    code = word(said, column)
    if re.fullmatch(r"[0-9]{2,3}", code):
        return code
    raise Refused("code_invalid", _("“%(column)s”须为两位或三位数字：%(said)s") % {"column": column, "said": code})


def _major(row: Category, classes: Classes) -> Category:
    if major := classes.get((row.scheme, row.kind, row.major, "")):
        return major
    raise Refused("major_missing", _("没有大类 %(major)s 的行") % {"major": row.major})


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
