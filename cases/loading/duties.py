"""Who answers for what in a city: a CSV of scheme, kind, major, sub, area and department, by their codes.

A blank sub means the whole major, or the whole middle where a column of that name names one. A blank area means
everywhere, also in the other cities of the same database; a city that shares it names its district instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from django.db import transaction
from django.utils.translation import gettext as _

from grid import levels
from grid.loading.outcome import Counts, Refused
from grid.models import Area, Department

from ..models import Category, Duty
from .reading import Refusals, Row, table, word
from .taxonomy import code, named_by, spelt
from .writing import sync

COLUMNS = ("scheme", "kind", "major", "sub", "area", "department")

Key = tuple[int, int | None]  # category, area
M = TypeVar("M", Area, Department)


@transaction.atomic
def load(path: Path) -> Counts:
    """Make the city's duties those of the file. The city is the districts of the departments that the file names.

    Raises `NotLoaded`; nothing is written then.
    """
    refusals = Refusals()
    lines = _read(path, refusals)
    districts = {levels.top(row.department.code) for row in lines.values()}
    own = [pk for pk, code in Department.objects.values_list("pk", "code") if levels.top(code) in districts]
    taken = {_key(row): row for row in Duty.objects.exclude(department__in=own).select_related("department")}
    wanted: dict[Key, Duty] = {}
    for line, row in lines.items():
        with refusals.at(path.name, line):
            if other := wanted.get(_key(row)) or taken.get(_key(row)):
                raise Refused("duty_twice", _("这一责任已由“%(name)s”承担") % {"name": other.department.name})
            wanted[_key(row)] = row
    refusals.settle()
    counts, gone = sync(
        Duty.objects.filter(department__in=own), list(wanted.values()), key=_key, columns=("department",)
    )
    counts.retired, _kinds = Duty.objects.filter(pk__in=[row.pk for row in gone]).delete()
    return counts


def _key(row: Duty) -> Key:
    return row.category_id, row.area_id


def _read(path: Path, refusals: Refusals) -> dict[int, Duty]:
    """The duties by the lines on which they stand."""
    classes = {code(row): row for row in Category.objects.filter(closed_on=None).select_related("parent")}
    areas = {row.code: row for row in Area.objects.filter(closed_on=None)}
    departments = {row.code: row for row in Department.objects.filter(closed_on=None)}
    found: dict[int, Duty] = {}
    for line, row in table(path, COLUMNS, refusals):
        with refusals.at(path.name, line):
            category = named_by(row, classes)
            if category is None:
                raise Refused("category_unknown", _("没有类别 %(code)s") % {"code": spelt(row)})
            area = _known(areas, row, "area") if row["area"] else None
            found[line] = Duty(category=category, area=area, department=_known(departments, row, "department"))
    if not found and not refusals:
        with refusals.at(path.name):
            raise Refused("no_rows", _("文件里没有一条责任"))
    return found


def _known(rows: Mapping[str, M], row: Row, column: str) -> M:
    if found := rows.get(word(row, column)):
        return found
    sentences = {"area": _("没有区域 %(code)s"), "department": _("没有责任单位 %(code)s，或已撤销")}
    raise Refused(f"{column}_unknown", sentences[column] % {"code": row[column]})
