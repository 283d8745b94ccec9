"""What can be wrong, from a folder: the classes of every generation, and the sample conditions of each.

    categories*.csv   a sub-class a row, with its major: scheme, kind, major_code, major_name, sub_code, sub_name,
                      and as far as there are major_en, sub_en, urgent, basis; _zh is another word for _name.
                      A major that has no sub-class yet leaves the sub's columns blank.
                      Where a class stands between the two: middle_code, middle_name, middle_en; blank for those that
                      are right below their major
    conditions*.csv   scheme, kind, major, sub, no, text, limit_value, limit_unit, and more columns of `Condition`

A code means nothing without its scheme, so every row names it: generations load side by side and never mix.
A class that a scheme's files no longer name is closed by date, never deleted; one that comes back is opened again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path

from django.db import transaction
from django.utils.translation import gettext as _

from grid.loading.outcome import Counts, Refused
from grid.moment import today

from ..models import Category, Condition
from .conditions import Wanted, enact
from .reading import Refusals, Row, fit, limit, table, whole, word, yes
from .writing import sync, total

NAMES = ("name", "zh", "en")
"""Endings of the columns that name a class, in the order in which they are asked for its own name."""

EVER = date(2000, 1, 1)

LOCAL_BASIS = "local-extension"
LOCAL_FROM = 80
"""Lower numbers are kept for the standard; a city's own sub-classes come at or above this one."""

CLASSES = ("scheme", "kind", "major_code", "sub_code")
CONDITIONS = ("scheme", "kind", "major", "sub", "no", "text", "limit_value", "limit_unit")
MORE = ("region_class", "text_en", "original", "closing", "closing_en", "guidance", "guidance_en", "basis")

Code = tuple[str, str, str, str, str]  # scheme, kind, major, middle of a middle alone, sub
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


def beginning() -> date:
    """From when on conditions hold where nobody says it: today; before anything that was ever seen, if there are none.

    What is put in first also judges what was seen before it was put in.
    """
    return today() if Condition.objects.exists() else EVER


def code(row: Category) -> Code:
    return row.scheme, row.kind, row.major, row.middle, row.sub


def named_by(row: Row, classes: Mapping[Code, Category]) -> Category | None:
    """The class that a row of another file names by scheme, kind, major, middle and sub; blank ones name the class
    above. A sub-class needs no middle, and has none but its own."""
    middle, sub = row.get("middle", ""), row["sub"]
    found = classes.get((row["scheme"], row["kind"], row["major"], "" if sub else middle, sub))
    if found and sub and middle and (found.parent is None or found.parent.middle != middle):
        return None
    return found


def spelt(row: Row) -> str:
    """How a row of another file names its class."""
    codes = filter(None, (row["major"], row.get("middle", ""), row["sub"]))
    return f"{row['scheme']} {row['kind']} {'-'.join(codes)}"


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
                above = _middle(said, major, classes) if _tells(said, "middle") else major
                if _tells(said, "sub"):
                    _sub(said, above, classes)
    return classes


def _tells(said: Row, level: str) -> bool:
    """Whether a row says anything of a level."""
    return any(said.get(f"{level}_{column}") for column in ("code", *NAMES))


def _major(said: Row, classes: Classes) -> Category:
    scheme, kind = word(said, "scheme"), word(said, "kind")
    row = Category(scheme=scheme, kind=kind, major=_code(said, "major_code"), **_names(said, "major"))
    major = _shared(row, classes)
    if (major.name, major.name_en) != (row.name, row.name_en):
        raise Refused("major_renamed", _("大类 %(code)s 前面叫“%(name)s”") % {"code": major.major, "name": major.name})
    return major


def _middle(said: Row, major: Category, classes: Classes) -> Category:
    row = Category(
        scheme=major.scheme,
        kind=major.kind,
        major=major.major,
        middle=_code(said, "middle_code"),
        parent=major,
        **_names(said, "middle"),
    )
    middle = _shared(row, classes)
    if (middle.name, middle.name_en) != (row.name, row.name_en):
        names = {"code": f"{middle.major}-{middle.middle}", "name": middle.name}
        raise Refused("middle_renamed", _("中类 %(code)s 前面叫“%(name)s”") % names)
    return middle


def _shared(row: Category, classes: Classes) -> Category:
    """The class of the rows before that bear its code, or else the row itself."""
    fit(row)
    return classes.setdefault(code(row), row)


def _sub(said: Row, above: Category, classes: Classes) -> None:
    row = Category(
        scheme=above.scheme,
        kind=above.kind,
        major=above.major,
        sub=_code(said, "sub_code"),
        urgent=yes(said, "urgent"),
        basis=said.get("basis", ""),
        parent=above,
        **_names(said, "sub"),
    )
    fit(row)
    if row.basis == LOCAL_BASIS and row.sub.isdigit() and int(row.sub) < LOCAL_FROM:
        raise Refused("local_code", _("本地扩展小类的代码须从 %(least)s 起") % {"least": LOCAL_FROM})
    major = code(row)[:3]
    if any(len(other.sub) != len(row.sub) for other in classes.values() if other.sub and code(other)[:3] == major):
        raise Refused("code_width", _("同一大类的小类代码须一样长"))
    if (other := classes.setdefault(code(row), row)) is not row:
        raise Refused("duplicate", _("这个代码前面已是“%(name)s”") % {"name": other.name})


def _code(said: Row, column: str) -> str:
    """Two or three digits by the standard; a city of its own may have letters, and no blanks or signs."""
    code = word(said, column)
    if re.fullmatch(r"[0-9]{2,3}|(?=[0-9]*[A-Za-z])[0-9A-Za-z]{1,8}", code):
        return code
    names = {"column": column, "said": code}
    raise Refused("code_invalid", _("“%(column)s”须为两三位数字，或含字母、至多八位：%(said)s") % names)


def _names(said: Row, column: str) -> dict[str, str]:
    """The name in the city's own language, and in English: either will do, and stands for the other."""
    own = next((name for kind in NAMES if (name := said.get(f"{column}_{kind}", ""))), "")
    if not own:
        word(said, f"{column}_name")
    return {"name": own, "name_en": said.get(f"{column}_en", "")}


def _write(classes: Classes) -> Counts:
    """Majors first, then middles, so that what is below them has something to point to."""
    standing = list(Category.objects.filter(scheme__in={row.scheme for row in classes.values()}))
    counts, gone = Counts(), list[Category]()
    for level in (_is_major, _is_middle, _is_sub):
        rows = list(filter(level, classes.values()))
        for row in rows:
            row.parent_id = row.parent.pk if row.parent else None
        written, left = sync(
            filter(level, standing),
            rows,
            key=code,
            columns=("parent", "name", "name_en", "urgent", "basis", "closed_on"),
        )
        counts, gone = total(counts, written), [*gone, *left]
    vanished = Category.objects.filter(pk__in=[row.pk for row in gone], closed_on=None)
    return total(counts, Counts(retired=vanished.update(closed_on=today())))


def _is_major(row: Category) -> bool:
    return not row.middle and not row.sub


def _is_middle(row: Category) -> bool:
    return bool(row.middle)


def _is_sub(row: Category) -> bool:
    return bool(row.sub)


def _conditions(path: Path, classes: Classes, refusals: Refusals) -> Iterator[Wanted]:
    for line, row in table(path, CONDITIONS, refusals):
        with refusals.at(path.name, line):
            word(row, "sub")
            category = named_by(row, classes)
            if category is None:
                raise Refused("category_unknown", _("没有小类 %(code)s") % {"code": spelt(row)})
            asked = limit(row, "limit_value", "limit_unit")
            decides = {"text": word(row, "text"), "limit_value": asked.value, "limit_unit": asked.unit.value}
            more = {name: row[name] for name in MORE if name in row}
            yield Wanted(path.name, line, category, whole(row, "no"), decides | more)
