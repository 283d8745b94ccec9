"""Leave and stand-ins (请假、代岗): who is away at a moment, and who takes what would have reached him.

set_leave() and end() are acts of the officer himself, of a head for the people of his departments, and of an
administrator. Moments are aware; a leave begins at `since` and ends before `until`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Case, Q, QuerySet, When
from django.utils.translation import gettext as _

from .keeping import departments_below, kept_by
from .models import Department, Leave, Officer
from .moment import now
from .roles import DEPARTMENT, Role


class LeaveRefused(Exception):
    """A leave that is not to be. Nothing was written. `code` is stable; `field` names what it is about."""

    def __init__(self, code: str, detail: str, field: str = ""):
        super().__init__(detail)
        self.code, self.field = code, field


@dataclass(frozen=True)
class Away:
    """Who is away at one moment, each with his stand-in. Read once; asks nothing more."""

    stand_ins: Mapping[int, int | None]

    def present(self, officer: int) -> int | None:
        """The officer, or who stands at the end of the chain of his stand-ins; None where the chain ends or turns."""
        passed: set[int] = set()
        found: int | None = officer
        while found in self.stand_ins and found is not None:
            if found in passed:
                return None
            passed.add(found)
            found = self.stand_ins[found]
        return found

    def replaced(self, officers: Iterable[int]) -> set[int]:
        """These officers, with stand-ins for those away; who has none keeps what is his until he is back."""
        return {officer if (present := self.present(officer)) is None else present for officer in officers}


def away(at: datetime) -> Away:
    """Who is away at a moment. One statement. A stand-in who no longer works here is none."""
    rows = Leave.objects.filter(since__lte=at, until__gt=at)
    known = rows.values_list("officer_id", "stand_in_id", "stand_in__is_active")
    return Away({officer: stand_in if works else None for officer, stand_in, works in known})


def leaves(officer: Officer, *, by: Officer) -> list[Leave]:
    """An officer's leaves that are not over, the first first. Raises LeaveRefused."""
    if not governs(by, officer):
        raise _not_yours()
    return list(officer.leaves.filter(until__gt=now()).select_related("officer", "stand_in"))


def governs(by: Officer, officer: Officer) -> bool:
    """Whether somebody may say when an officer is away: himself, his head, an administrator of his city."""
    if by.pk == officer.pk:
        return True
    if by.holds(Role.ADMINISTRATOR) and kept_by(by, Officer.objects.filter(pk=officer.pk)).exists():
        return True
    return by.holds(Role.HEAD) and _below(by.department_id, officer.department_id)


def people(by: Officer) -> QuerySet[Officer]:
    """For whom somebody may say it, himself first: a head for those of his departments, an administrator for those
    whom he keeps."""
    found = Officer.objects.filter(is_active=True)
    if by.holds(Role.ADMINISTRATOR):
        found = kept_by(by, found)
    else:
        below = departments_below(by.department_id) if by.holds(Role.HEAD) else set()
        found = found.filter(Q(pk=by.pk) | Q(department__in=below))
    return found.select_related("department").order_by(Case(When(pk=by.pk, then=0), default=1), "username")


def possible(by: Officer) -> QuerySet[Officer]:
    """Who may be asked to stand in for any of `people(by)`; set_leave() says whether he fits."""
    found = Officer.objects.filter(is_active=True).select_related("department").order_by("username")
    if by.holds(Role.ADMINISTRATOR):
        return kept_by(by, found)
    if by.holds(*DEPARTMENT):
        return found.filter(department__in=departments_below(by.department_id))
    return found.filter(roles__contains=by.roles).exclude(pk=by.pk)


def _below(above: int | None, department: int | None) -> bool:
    """Whether a department is another or lies below it. A circle is walked once."""
    passed: set[int] = set()
    while above and department and department not in passed:
        if department == above:
            return True
        passed.add(department)
        department = Department.objects.only("heir", "parent").get(pk=department).above_id
    return False


def set_leave(
    officer: Officer, *, by: Officer, since: datetime, until: datetime, stand_in: Officer | None, note: str = ""
) -> Leave:
    """Say that an officer is away. The same beginning again replaces what was said of it. Raises LeaveRefused."""
    _fair(officer, by, since, until, stand_in)
    said = {"until": until, "stand_in": stand_in, "note": note}
    try:
        with transaction.atomic():
            return Leave.objects.update_or_create(officer=officer, since=since, defaults=said)[0]
    except IntegrityError:
        raise LeaveRefused("leave_overlaps", _("这段时间与已登记的请假重叠。"), "since") from None


def _fair(officer: Officer, by: Officer, since: datetime, until: datetime, stand_in: Officer | None) -> None:
    if not governs(by, officer):
        raise _not_yours()
    if until <= since or until <= now():
        raise LeaveRefused("leave_over", _("结束时间须晚于开始时间和现在。"), "until")
    if stand_in and not can_stand_in(stand_in, officer):
        sentence = _("代岗人须在岗，与请假人同部门；监督员须同责任网格；中心人员须有相同岗位和辖区。")
        raise LeaveRefused("stand_in_unfit", sentence, "stand_in")


def _not_yours() -> LeaveRefused:
    return LeaveRefused("not_your_people", _("只能为自己或本部门人员登记请假。"), "officer")


def can_stand_in(stand_in: Officer, officer: Officer) -> bool:
    """He must see the work that reaches him: be of the department, keep the beats, hold the post for the territory."""
    if stand_in.pk == officer.pk or not stand_in.is_active:
        return False
    if officer.holds(*DEPARTMENT):
        return stand_in.holds(*DEPARTMENT) and _below(officer.department_id, stand_in.department_id)
    if officer.beats.exclude(pk__in=stand_in.beats.values("pk")).exists():
        return False
    wide = stand_in.area is None or (officer.area is not None and officer.area.code.startswith(stand_in.area.code))
    return wide and stand_in.holds(*officer.roles)


def end(leave: Leave, *, by: Officer) -> None:
    """He is back: a leave that has begun ends now, one that has not is taken back. Raises LeaveRefused."""
    if not governs(by, leave.officer):
        raise _not_yours()
    at = now()
    if leave.since >= at:
        leave.delete()
    elif leave.until > at:
        leave.until = at
        leave.save(update_fields=["until"])
