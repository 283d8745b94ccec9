"""Who acts in a planted past: the officers of the demo cities, by post and place. Read once; then nothing is asked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from grid.models import Beat, Officer
from grid.roles import DEPARTMENT, Role

from ..flow import Move, Stage, Verb
from ..models import Case
from ..rulebook import Rulebook


class Cast:
    """`hand` picks one of several who could do it, always the same in a case."""

    def __init__(self, book: Rulebook) -> None:
        people = Officer.objects.filter(is_active=True).select_related("area").order_by("username")
        self.officers = {one.pk: one for one in people}
        self.hands = {pk: self._hands(book, pk) for pk in book.departments}
        self.keepers = self._keepers()
        self.posts: dict[tuple[Role, str], list[Officer]] = {}

    def _hands(self, book: Rulebook, department: int) -> list[Officer]:
        """Who works in a department; its heads where it has no handlers."""
        above = book.upward(department)
        own = [one for one in self.officers.values() if one.department_id == department and one.holds(Role.HANDLER)]
        return own or [one for one in self.officers.values() if one.department_id in above and one.holds(Role.HEAD)]

    def _keepers(self) -> dict[int, list[Officer]]:
        """The inspectors of each cell, by its primary key, in the order of their own."""
        found: dict[int, set[int]] = defaultdict(set)
        for cell, pk in Beat.objects.values_list("cells", "officers"):
            if pk in self.officers and self.officers[pk].holds(Role.INSPECTOR):
                found[cell].add(pk)
        return {cell: [self.officers[pk] for pk in sorted(pks)] for cell, pks in found.items()}

    def who(self, case: Case, step: Move, hand: int) -> Officer | None:
        """Who makes a step; None where nobody can."""
        role = step.by[0]
        if role == Role.INSPECTOR:
            return case.holder or _pick(self._others(case), hand)
        if role in DEPARTMENT or (step.verb == Verb.REPLY and case.stage == Stage.HANDLING):
            return _pick(self.hands.get(case.department_id or 0, ()), hand)
        if case.stage == Stage.CLOSED and step.verb == Verb.REFUSE:
            role = Role.SHIFT_LEADER  # who judges an appeal
        return self.post(role, case.cell.area.code, hand)

    def post(self, role: Role, area: str, hand: int) -> Officer | None:
        """Somebody of the centre whose territory holds an area; who has none has the whole city."""
        if (role, area) not in self.posts:
            fit = [one for one in self.officers.values() if one.holds(role) and _covers(one, area)]
            self.posts[role, area] = [one for one in fit if one.area] or fit
        return _pick(self.posts[role, area], hand)

    def reporter(self, cell: int, hand: int) -> Officer | None:
        return _pick(self.keepers.get(cell, ()), hand)

    def _others(self, case: Case) -> Sequence[Officer]:
        """Those of the beat, without who reported it if there is anybody else."""
        people = self.keepers.get(case.cell_id, [])
        return [one for one in people if one.pk != case.reporter_id] or people

    def checkers(self, case: Case, worked: set[int]) -> list[int]:
        """Who may be drawn to check, as draw.among() finds them where nobody is on duty or on leave."""
        able = [one.pk for one in self.keepers.get(case.cell_id, []) if one.pk not in worked]
        return [pk for pk in able if pk != case.reporter_id] or able

    def answering(self, book: Rulebook, case: Case, declined: set[int | None], hand: int) -> int | None:
        """A department of the case's district that has people and has not given the case back."""
        district = case.cell.area.code[:6]
        fit = [pk for pk, row in sorted(book.departments.items()) if row.code[:6] == district and self.hands[pk]]
        left = [pk for pk in fit if pk not in declined] or fit
        return left[hand % len(left)] if left else None


def _covers(officer: Officer, area: str) -> bool:
    return officer.area is None or area.startswith(officer.area.code)


def _pick(people: Sequence[Officer], hand: int) -> Officer | None:
    return people[hand % len(people)] if people else None
