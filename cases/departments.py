"""Which departments are offered to whom: those that have or may have cases that he sees, or that may have this case.

A department works in its own area or the nearest one above it; without any, where the others of its tree and their
duties are. A tree that lies nowhere, and who has a duty everywhere, may have any case.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable

from grid import levels
from grid.models import Department, Officer
from grid.roles import CENTRE, DEPARTMENT, Role

from . import ground
from .models import Case
from .rulebook import Rulebook


def of_case(book: Rulebook, case: Case) -> list[Department]:
    """Those of a case's district that work today, by their codes. Makes no statement."""
    there = _serving(book, [levels.top(case.cell.area.code)])
    return _ordered(row for row in book.departments.values() if row.pk in there and row.closed_on is None)


def of_looker(book: Rulebook, by: Officer) -> list[Department]:
    """Those whose cases he sees or may see, by their codes, closed ones among them. No statement for a whole city."""
    if by.holds(*CENTRE) and by.area is None:
        return _ordered(book.departments.values())
    may: set[int] = set()
    if by.holds(*CENTRE) and by.area:
        may |= _serving(book, [by.area.code])
    if by.holds(Role.INSPECTOR):
        may |= _serving(book, set(ground.cells(by).values_list("area__code", flat=True)))
    if by.holds(*DEPARTMENT) and by.department_id:
        below = {pk for pk in book.departments if by.department_id in book.upward(pk)}
        may |= below if by.holds(Role.HEAD) else {by.department_id}
    seen = Case.objects.visible_to(by).open().order_by().values_list("department", flat=True).distinct()
    may |= {pk for pk in seen if pk}
    return _ordered(book.departments[pk] for pk in may if pk in book.departments)


def _ordered(rows: Iterable[Department]) -> list[Department]:
    return sorted(rows, key=lambda row: row.code)


def _serving(book: Rulebook, within: Collection[str]) -> set[int]:
    """Who may have a case that lies in any of these areas."""
    anywhere = {duty.department_id for duty in book.duties.values() if duty.area is None}
    places: dict[int, set[str]] = defaultdict(set)
    trees: dict[int, set[str]] = defaultdict(set)
    chains = {pk: book.upward(pk) for pk in book.departments}
    for duty in book.duties.values():
        if duty.area:
            places[duty.department_id].add(duty.area.code)
    for pk, chain in chains.items():
        near = (book.departments[above].area_id for above in chain)
        if area := next(filter(None, near), None):
            places[pk].add(book.areas[area].code)
        trees[chain[-1]] |= {levels.top(code) for code in places[pk]}
    found = set()
    for pk, chain in chains.items():
        lies = places[pk] if any(book.departments[above].area_id for above in chain) else trees[chain[-1]]
        if pk in anywhere or not lies or any(_meet(code, other) for code in lies for other in within):
            found.add(pk)
    return found


def _meet(code: str, other: str) -> bool:
    """Whether one area holds the other."""
    return code.startswith(other) or other.startswith(code)
