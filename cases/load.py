"""Open work, counted: how much there is, and how much of it is late, by place, department, stage and rung.

It reads the index of open cases alone: what is done is never looked at, so that it costs the same however long the
history is. Late is what every list calls late: due before the moment asked about.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Count, F, Q

from grid.models import Officer

from .models import Case

BY = {"cell": "cell", "community": "cell__area", "street": "cell__area__parent", "district": "cell__area__parent"}


class Place(NamedTuple):
    """A cell or an area, how many open cases lie there, and how many of them are late."""

    code: str
    name: str
    name_en: str
    load: int
    late: int


@dataclass
class Work:
    """Open cases, those of them late, and those at risk to be."""

    open: int = 0
    late: int = 0
    risk: int = 0


@dataclass
class Standing:
    """All open work that an officer may see, and the same by what it is asked by: keys are primary keys, stages, rungs.

    The department None is nobody's yet.
    """

    all: Work = field(default_factory=Work)
    departments: dict[int | None, Work] = field(default_factory=dict)
    areas: dict[int, Work] = field(default_factory=dict)
    stages: dict[str, Work] = field(default_factory=dict)
    rungs: dict[int, Work] = field(default_factory=dict)


# Where a statement calls what it joins so; right above the communities are streets, or districts in a city without.
AREA = {"community": "community.id", "street": "community.parent_id", "district": "community.parent_id"}
# grouping() has a bit for each column that a row does not speak of: the first column's is the highest.
STANDING = """
    SELECT grouping(department_id, area, stage, level), department_id, area, stage, level,
           count(*), count(*) FILTER (WHERE due_at < %s)
    FROM ({cases}) AS seen GROUP BY GROUPING SETS ((department_id), (area), (stage), (level), ())
"""
DEPARTMENT, PLACE, STAGE, RUNG, ALL = 0b0111, 0b1011, 0b1101, 0b1110, 0b1111


def standing(officer: Officer, at: datetime, by: str = "street") -> Standing:
    """How all open work of an officer stands at a moment, its areas `by` a level that AREA has. Two statements."""
    found = Standing()
    kept: Mapping[int, dict[Any, Work]] = {
        DEPARTMENT: found.departments,
        PLACE: found.areas,
        STAGE: found.stages,
        RUNG: found.rungs,
    }
    for group, *keys, count, late in _counted(officer, at, by):
        if group == ALL:
            found.all = Work(count, late)
        else:
            spoken = (DEPARTMENT, PLACE, STAGE, RUNG).index(group)
            kept[group][keys[spoken]] = Work(count, late)
    for (department, area), n in _at_risk(officer, at, by).items():
        found.all.risk += n
        found.departments.setdefault(department, Work()).risk += n
        found.areas.setdefault(area, Work()).risk += n
    return found


def places(officer: Officer, at: datetime, by: str, within: str, most: int) -> list[Place]:
    """The places with the most open cases, the fullest first; `within` an area's code, "" for everywhere."""
    cases = Case.objects.visible_to(officer).open().matching({"area": within} if within else {}, at)
    path = BY[by]
    name = "cell__area" if by == "cell" else path
    columns = (f"{path}__code", f"{name}__name", f"{name}__name_en")
    counted = cases.values(*columns).annotate(load=Count("pk"), late=Count("pk", filter=Q(due_at__lt=at)))
    return [Place(*row) for row in counted.order_by("-load", columns[0]).values_list(*columns, "load", "late")[:most]]


def _counted(officer: Officer, at: datetime, by: str) -> list[tuple[Any, ...]]:
    seen = Case.objects.visible_to(officer).open()
    told = seen.annotate(area=F(BY[by])).values("department_id", "area", "stage", "level", "due_at")
    try:
        cases, said = told.query.sql_with_params()
    except EmptyResultSet:
        return []
    with connection.cursor() as cursor:
        cursor.execute(STANDING.format(cases=cases), [at, *said])
        return list(cursor.fetchall())


def _at_risk(officer: Officer, at: datetime, by: str) -> Counter[tuple[int | None, int]]:
    cases = Case.objects.visible_to(officer).matching({"at_risk": True}, at)
    rows = cases.values_list("department", BY[by]).annotate(n=Count("pk"))
    return Counter({(department, area): n for department, area, n in rows})
