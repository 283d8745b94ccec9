"""Conditions come into force; none is changed once a case was judged by it.

A condition that says something else about a case is a new row with a later day. What only describes it (its English,
where it came from, the words of the document) is corrected in place.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from django.db import transaction
from django.utils.translation import gettext as _

from grid.loading.outcome import Counts, Finding, Refused

from ..models import Case, CaseEvent, Category, Condition
from .reading import Refusals, fit
from .workbook import ROWS, Book, Code, Line, read

DECIDES = ("text", "limit_value", "limit_unit", "closing", "guidance")
DESCRIBES = ("text_en", "closing_en", "guidance_en", "original", "basis")

Key = tuple[int, int, str]  # category, number, region class


class Wanted(NamedTuple):
    """A condition that a file wants in force, and where it stands there."""

    place: str
    row: int
    category: Category  # saved
    no: int
    says: Mapping[str, Any]  # columns of Condition; what a file does not speak of stays as it is

    @property
    def key(self) -> Key:
        return self.category.pk, self.no, self.says.get("region_class", "")


def enact(wanted: Sequence[Wanted], *, valid_from: date, refusals: Refusals) -> Counts:
    """Put conditions into force from a day (the city's). Inside a transaction of the caller.

    For the sub-classes that `wanted` names it is the whole truth: their other conditions are closed on that day.
    Other sub-classes are left alone. What cannot be done is added to `refusals`; the caller then writes nothing.
    """
    standing = _newest(wanted)
    used = _used([row.pk for row in standing.values() if row.valid_from == valid_from])
    counts, seen = Counts(), set[Key]()
    for want in wanted:
        with refusals.at(want.place, want.row):
            if want.key in seen:
                raise Refused("duplicate", _("这一小类的立案条件 %(no)s 已经写过") % {"no": want.no})
            seen.add(want.key)
            _enact(want, standing.get(want.key), valid_from, used, counts)
    gone = [row for key, row in standing.items() if key not in seen and row.closed_on is None]
    for row in gone:
        row.closed_on = max(valid_from, row.valid_from)
    counts.retired += Condition.objects.bulk_update(gone, ["closed_on"])
    return counts


def _newest(wanted: Sequence[Wanted]) -> dict[Key, Condition]:
    rows = Condition.objects.filter(category__in={want.category.pk for want in wanted}).order_by("valid_from")
    return {(row.category_id, row.no, row.region_class): row for row in rows}


def _used(pks: Sequence[int]) -> frozenset[int]:
    """Which of these a case was ever filed by, by what it says now or by its log."""
    if not pks:
        return frozenset()
    now = Case.objects.filter(condition__in=pks).values_list("condition", flat=True)
    once = CaseEvent.objects.filter(facts__condition__in=pks).values_list("facts__condition", flat=True)
    return frozenset([*now, *once])


def _enact(want: Wanted, old: Condition | None, on: date, used: frozenset[int], counts: Counts) -> None:
    row = Condition(category=want.category, no=want.no, valid_from=on, **_inherited(old, want.says), **want.says)
    fit(row)
    if old is None:
        row.save(force_insert=True)
        counts.added += 1
    elif old.closed_on is None and _same(old, row, DECIDES):
        described = not _same(old, row, DESCRIBES)
        counts.changed += described
        counts.unchanged += not described
        if described:
            row.pk = old.pk
            row.save(update_fields=DESCRIBES)
    elif on > old.valid_from:
        _supersede(old, row)
        counts.changed += 1
    elif on == old.valid_from and old.pk not in used:
        row.pk = old.pk
        row.save(update_fields=(*DECIDES, *DESCRIBES, "closed_on"))
        counts.changed += 1
    else:
        said = {"no": old.no, "day": old.valid_from}
        raise Refused("valid_from_too_early", _("立案条件 %(no)s 自 %(day)s 起施行，改动须定在这以后的日期生效") % said)


def _inherited(old: Condition | None, says: Mapping[str, Any]) -> dict[str, Any]:
    """What the file does not speak of stays, unless it is the translation of something that changes."""
    kept: dict[str, Any] = {}
    for name in (*DECIDES, *DESCRIBES) if old else ():
        original = name.removesuffix("_en")
        if name not in says and says.get(original, getattr(old, original)) == getattr(old, original):
            kept[name] = getattr(old, name)
    return kept


def _same(one: Condition, other: Condition, columns: Sequence[str]) -> bool:
    return all(getattr(one, name) == getattr(other, name) for name in columns)


def _supersede(old: Condition, new: Condition) -> None:
    """The old row ends where the new begins, so that closing the new one later does not bring it back."""
    if old.closed_on is None or old.closed_on > new.valid_from:
        old.closed_on = new.valid_from
        old.save(update_fields=["closed_on"])
    new.save(force_insert=True)


@transaction.atomic
def load(
    path: Path, *, scheme: str, valid_from: date, partial: bool = False, dry_run: bool = False, rows: int = ROWS
) -> tuple[Counts, Sequence[Finding]]:
    """Load a city's workbook for the classes of a scheme; gives what was done, and what was refused.

    The conditions of a sub-class are numbered as they stand. Raises `NotLoaded` if anything is refused, unless
    `partial`: then a sub-class of which a row was refused stays as it is, and the others are loaded. A dry run does
    all of it and takes it back.
    """
    refusals = Refusals()
    book = read(path, refusals, rows=rows)
    wanted = list(_wanted(book, _classes(scheme), refusals))
    if not partial:
        refusals.settle()
    counts = enact(wanted, valid_from=valid_from, refusals=refusals)
    if not partial:
        refusals.settle()
    transaction.set_rollback(dry_run)
    return counts, refusals


def _classes(scheme: str) -> dict[Code, Category]:
    """The sub-classes in force, by their numbers."""
    rows = Category.objects.filter(scheme=scheme, closed_on=None).exclude(sub="").select_related("parent__parent")
    return {(row.kind, int(row.major), int(row.sub)): row for row in rows if (row.major + row.sub).isdigit()}


def _wanted(book: Book, classes: Mapping[Code, Category], refusals: Refusals) -> Iterator[Wanted]:
    found: dict[tuple[Code, str], dict[str, Wanted]] = {}
    for line in book.lines:
        with refusals.at(line.sheet, line.row):
            try:
                _note(line, _category(line, classes), found)
            except Refused:
                book.spoilt.add(line.stands.code)
                raise
    for (code, _region), rows in found.items():
        if code not in book.spoilt:
            yield from rows.values()


def _note(line: Line, category: Category, found: dict[tuple[Code, str], dict[str, Wanted]]) -> None:
    rows = found.setdefault((line.stands.code, line.says.get("region_class", "")), {})
    if twice := rows.get(line.says["text"]):
        raise Refused("condition_twice", _("与第 %(row)s 行是同一个立案条件") % {"row": twice.row})
    says = {**line.says, "limit_value": line.limit.value, "limit_unit": line.limit.unit.value}
    rows[line.says["text"]] = Wanted(line.sheet, line.row, category, len(rows) + 1, says)


def _category(line: Line, classes: Mapping[Code, Category]) -> Category:
    """Names are compared so that a workbook of another generation, whose codes mean other things, is not taken in."""
    stands = line.stands
    code = f"{stands.major:02}-{stands.sub:02}"
    category = classes.get(stands.code)
    if category is None:
        raise Refused("category_unknown", _("没有小类 %(code)s，请先载入分类体系") % {"code": code})
    for said, row in ((stands.sub_name, category), (stands.major_name, category.lineage[-1])):
        if said and row and _plain(said) != _plain(row.name):
            names = {"code": code, "name": row.name, "said": said}
            raise Refused("name_differs", _("代码 %(code)s 在分类体系里是“%(name)s”，这里写的是“%(said)s”") % names)
    return category


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", name))
