"""Who has the work of a case when people and units change (移交): who can act, whose heir it is, in which cell it lies.

A holder who cannot act holds nothing; what a closed department had is its heir's; a case lies in the cell that now
holds its point. `handover` looks for the cases that are to be put right; here stands what becomes of one. Only
`standing_cell` asks the database.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from grid.locate import Located, OutsideTheCity, cell_at
from grid.models import Cell, Department, Officer
from grid.roles import DEPARTMENT, Role

from .flow import Facts, Stage, Verb
from .models import Case
from .reasons import Reason
from .rulebook import Rulebook
from .rules import both, directed

ERRANDS = (Stage.VERIFY, Stage.CHECK)
Decided = Iterator[tuple[Verb, Facts]]
"""Each step is decided upon what the one before left."""
BACK = (Verb.REOPEN, Verb.REWORK, Verb.RESUME)
"""Verbs that give work back to the department that had it."""


def able(book: Rulebook, holder: Officer, stage: str, department: int | None) -> bool:
    """Whether an officer can act on a case at a stage: works here, holds the post, is of the department or above it."""
    if not holder.is_active:
        return False
    if stage in ERRANDS:
        return holder.holds(Role.INSPECTOR)
    if stage != Stage.HANDLING or not holder.holds(*DEPARTMENT) or not holder.department_id or not department:
        return False
    own = holder.department_id == department
    return own or (holder.holds(Role.HEAD) and holder.department_id in book.upward(department))


def gone(book: Rulebook, case: Case, department: int | None) -> bool:
    """Whether a case has a holder who cannot act on it, once it lies with a department."""
    return case.holder is not None and not able(book, case.holder, case.stage, department)


def successor(book: Rulebook, case: Case) -> Department | None:
    """The heir of a case's department, if that is closed and has one."""
    heir = book.heir(case.department_id)
    return heir if heir and heir.pk != case.department_id else None


def orphaned(book: Rulebook, case: Case) -> bool:
    """Whether a case is to be handled by nobody: it never had a department, or that is closed and has no heir."""
    return case.stage == Stage.HANDLING and book.heir(case.department_id) is None


def back(book: Rulebook, case: Case, on: date) -> Decided:
    """What follows where work came back to nobody, to a department that is closed, or to a cell that is; often nothing.

    What an inspector handled himself comes back to nobody.
    """
    located = None if case.cell.closed_on is None else standing_cell(case)
    if orphaned(book, case):
        yield from orphans(book, case, on)
    elif decided := hand_over(book, case, located):
        yield decided


def orphans(book: Rulebook, case: Case, on: date) -> Decided:
    """Work that no department has goes to whoever dispatches; what never had one, by the policy of a filed case."""
    if not orphaned(book, case):
        return
    if case.department:
        yield Verb.DECLINE, Facts(why=({"code": "no_heir", **both("was", case.department)},))
        return
    yield Verb.DECLINE, Facts(why=({"code": "no_department"},))
    if decided := directed(book, case, on):
        yield decided


def hand_over(book: Rulebook, case: Case, located: Located | None) -> tuple[Verb, Facts] | None:
    """To whom a case goes, and why: to an heir, to another cell, to all of the department; None if all is as it was."""
    why: list[Reason] = []
    heir = successor(book, case)
    if heir:
        why.append({"code": "heir", **both("was", case.department), **both("department", heir)})
    department = heir.pk if heir else case.department_id
    lost = case.stage not in ERRANDS and gone(book, case, department)
    if lost:
        why.append({"code": "holder_gone", "holder": str(case.holder)})
    if located:
        why.append({"code": "cell_moved", "was": case.cell.code, "cell": located.cell.code})
    if not why:
        return None
    facts = Facts(
        department=heir.pk if heir else None,
        holder=None if lost else case.holder_id,
        cell=located.cell.pk if located else None,
        why=tuple(why),
    )
    return Verb.HAND_OVER, facts


def standing_cell(case: Case) -> Located | None:
    """The current cell that holds a case's point, if it is another than the case lies in; None too where there is none.

    At most three statements.
    """
    try:
        located = cell_at(case.point.x, case.point.y)
    except OutsideTheCity:
        return None
    return located if located.cell.pk != case.cell_id else None


def relocate(book: Rulebook, case: Case, cell: int) -> None:
    """Lay a case in another cell, in memory."""
    located = cell_at(case.point.x, case.point.y)
    found = located.cell if located.cell.pk == cell else Cell.objects.defer("shape").get(pk=cell)
    found.area = book.areas[found.area_id]
    case.cell, case.off_cell_m = found, located.off_m
