"""Which rows of the settings an administrator keeps (管辖): one with an area those of his area, one without all.

A row that belongs to no place and to no unit (a class, a holiday, a limit) holds for the whole installation; it is kept
by every administrator. Whoever may look at a whole installation is kept by those without an area alone, or an
administrator of one city could take a password that opens another.
"""

from __future__ import annotations

from typing import Any

from django.db.models import CharField, Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Cast

from .models import Area, Beat, Cell, Change, Department, Officer
from .roles import CENTRE, Role

SEES_ALL = (*CENTRE, Role.ADMINISTRATOR)
"""Posts that see the whole installation where their officer has no area."""


def kept_by(officer: Officer, rows: QuerySet[Any]) -> QuerySet[Any]:
    """Of rows of any setting, of areas and of cells those that an administrator keeps. One or two more statements
    for who has an area (his departments), none for others."""
    if officer.area is None:
        return rows
    return rows.filter(_lies_in(rows.model, officer.area.code, departments_of(officer)))


def departments_of(officer: Officer) -> QuerySet[Department]:
    """His own, all below it, and those that keep a part of his area."""
    area = officer.area.code if officer.area else ""
    return Department.objects.filter(
        Q(pk__in=departments_below(officer.department_id)) | Q(area__code__startswith=area)
    )


def departments_below(above: int | None) -> set[int]:
    """The keys of a department and of all below it, with those that it is the heir of; none below None. A circle is
    walked once."""
    found, ring = set[int](), {above} if above else set[int]()
    while ring:
        found |= ring
        ring = set(_hanging(ring).values_list("pk", flat=True)) - found
    return found


def _hanging(above: set[int]) -> QuerySet[Department]:
    return Department.objects.filter(Q(heir__in=above) | Q(heir=None, parent__in=above))


def changes_kept_by(officer: Officer, kinds: tuple[type[Any], ...]) -> QuerySet[Change]:
    """The changes of rows that he keeps, and his own; of rows of `kinds` that are gone, his own alone."""
    found = Change.objects.all()
    if officer.area is None:
        return found
    hidden = Q(pk__in=[])
    for kind in kinds:
        kept = kept_by(officer, kind._default_manager.all()).order_by()
        hidden |= Q(what=kind._meta.label_lower) & ~Q(row__in=kept.values(key=Cast("pk", CharField())))
    return found.filter(Q(by=officer) | ~hidden)


def _lies_in(kind: type[Any], area: str, departments: QuerySet[Department]) -> Q:
    if kind is Area:
        return Q(code__startswith=area)
    if kind is Cell:
        return Q(area__code__startswith=area)
    if kind is Department:
        return Q(pk__in=departments.values("pk"))
    if kind is Officer:
        elsewhere = Q(area=None) & Q(roles__overlap=[role.value for role in SEES_ALL])
        return Q(area__code__startswith=area) | Q(area=None, department__in=departments) & ~elsewhere
    if kind is Beat:
        tied = Beat.cells.through.objects.filter(beat=OuterRef("pk"))
        return Q(~Exists(tied.exclude(cell__area__code__startswith=area)))
    names = {field.name for field in kind._meta.fields}
    lies = Q()
    if "area" in names:
        lies &= Q(area=None) | Q(area__code__startswith=area)
    if "department" in names:
        lies &= Q(department=None) | Q(department__in=departments)
    return lies
