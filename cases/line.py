"""The reporting line (汇报线): who is woken on a rung of the ladder, and which posts were passed over.

A rung names a post. Where nobody stands there (none appointed, or all on leave without a stand-in) the next post up
the line is woken in its stead, and the log says so. At the very top any leader of the city is asked, then an
administrator: what is late never climbs to nobody while anybody works here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime

from grid import leave
from grid.models import Beat, Officer
from grid.roles import DEPARTMENT, SUPERVISION, Role

from . import succession
from .flow import OWED_BY, Facts, Stage
from .models import Case, Rung
from .reasons import Reason
from .rulebook import Rulebook

UPWARD = (Role.HANDLER, Role.HEAD, Role.DISPATCHER, Role.LEADER, Role.ADMINISTRATOR)
PATROLS = (Stage.VERIFY, Stage.CHECK)


class Line:
    """Everybody who can be woken for some cases at a moment. Reads three tables once, and nothing for each case."""

    def __init__(self, book: Rulebook, cases: Sequence[Case], at: datetime):
        self.book = book
        self.away = leave.away(at)
        people = Officer.objects.filter(is_active=True)
        known = people.values_list("pk", "roles", "department_id", "area__code")
        self.officers = {pk: (frozenset(roles), department, area or "") for pk, roles, department, area in known}
        self.patrols = _patrols(case.cell_id for case in cases if case.stage in PATROLS)

    def wake(self, case: Case) -> Facts:
        """Whom the next rung of a case wakes, beside whoever owes the work; which posts it skipped; and why."""
        rungs = self.book.ladder(case)
        owing = self._owing(case)
        if case.level >= len(rungs):
            return Facts(woken=tuple(sorted(owing)))
        rung = rungs[case.level]
        skipped: list[str] = []
        for role in _upward(Role(rung.role), Stage(case.stage)):
            if found := self._post(role, case):
                return Facts(
                    woken=tuple(sorted(owing | found)), skipped=tuple(skipped), why=_why(rung, skipped, str(role))
                )
            skipped.append(str(role))
        return Facts(woken=tuple(sorted(owing)), skipped=tuple(skipped), why=_why(rung, skipped, ""))

    def attended(self, case: Case) -> bool:
        """Whether anybody present can do the work of a case: who owes it, a head above, who may unlink a duplicate."""
        if case.stage == Stage.LINKED:
            return any(self._present(self._desk(role, case)) for role in SUPERVISION)
        above = case.stage == Stage.HANDLING and self._post(Role.HEAD, case)
        return bool(self._owing(case) or above)

    def _owing(self, case: Case) -> set[int]:
        """Who owes the work: its holder or his stand-in, else those on whose desk it lies."""
        if case.holder_id and self._able(case) and (holder := self._present([case.holder_id])):
            return holder
        roles = OWED_BY.get(Stage(case.stage), ())
        return self._present(pk for role in roles for pk in self._desk(role, case))

    def _able(self, case: Case) -> bool:
        return case.holder is not None and succession.able(self.book, case.holder, case.stage, case.department_id)

    def _post(self, role: Role, case: Case) -> set[int]:
        """The people present at a post: of the nearest department that has them, or in charge of the territory."""
        if role == Role.HANDLER:
            return self._owing(case)
        if role == Role.HEAD:
            heads = (self._present(self._of(role, department)) for department in self.book.upward(case.department_id))
            return next(filter(None, heads), set())
        found = self._present(self._desk(role, case))
        if role == Role.LEADER and not found:
            return self._present(self._holding(role))
        return found

    def _desk(self, role: Role, case: Case) -> Iterator[int]:
        if role == Role.INSPECTOR:
            walking = self.patrols.get(case.cell_id, ())
            return (pk for pk in walking if pk in self.officers and role in self.officers[pk][0])
        if role in DEPARTMENT:
            return self._of(role, case.department_id)
        code = case.cell.area.code
        return (pk for pk in self._holding(role) if code.startswith(self.officers[pk][2]))

    def _of(self, role: Role, department: int | None) -> Iterator[int]:
        return (pk for pk in self._holding(role) if department and self.officers[pk][1] == department)

    def _holding(self, role: Role) -> Iterator[int]:
        return (pk for pk, (roles, _department, _area) in self.officers.items() if role in roles)

    def _present(self, officers: Iterable[int]) -> set[int]:
        found = {self.away.present(pk) for pk in officers if pk in self.officers}
        return {pk for pk in found if pk is not None}


def _patrols(cells: Iterable[int]) -> dict[int, list[int]]:
    """Who patrols each of these cells."""
    wanted = set(cells)
    found: dict[int, list[int]] = {}
    if wanted:
        for cell, officer in Beat.objects.filter(cells__in=wanted).values_list("cells", "officers"):
            if cell in wanted and officer:
                found.setdefault(cell, []).append(officer)
    return found


def _upward(role: Role, stage: Stage) -> Iterator[Role]:
    """A post and those above it. Whose work is not a department's, his head is the shift leader (值班长)."""
    start = UPWARD.index(role) if role in UPWARD else 0
    line: Collection[Role] = UPWARD[start:] if role in UPWARD else (role, *UPWARD[1:])
    for post in line:
        yield Role.SHIFT_LEADER if post == Role.HEAD and stage != Stage.HANDLING else post


def _why(rung: Rung, skipped: Sequence[str], role: str) -> tuple[Reason, ...]:
    passed: list[Reason] = [{"code": "post_skipped", "role": post} for post in skipped]
    share = str(rung.share)
    last: Reason = {"code": "rung", "share": share, "role": role} if role else {"code": "rung_nobody", "share": share}
    hours: list[Reason] = []
    if rung.at_night is not None:
        hours = [{"code": "rung_at_night" if rung.at_night else "rung_by_day"}]
    return (*passed, last, *hours)
