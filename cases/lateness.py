"""How late work is, or was in the end: said in one way on pages, in lists, in bulletins and to phones.

Work is late from the due moment that it missed first until its stint ended, or until now. What is begun again with
nothing left (taken off the shelf, sent back after a check, given out once more) goes on being late: its stretches are
added up. What lies between them, on the shelf or with others, is not.

Counted lines are the first that are late, often a moment after the due moment; how late the work was, they do not say.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from . import clock, stint
from .calendar import Unusable
from .flow import Stage
from .models import Case, CaseEvent
from .rulebook import Rulebook


@dataclass(frozen=True)
class Lateness:
    """`own_s` in the stage's own clock, `wall_s` on the wall's; `lasting`: it is not done yet."""

    own_s: int
    wall_s: int
    lasting: bool


def logs(events: Iterable[CaseEvent]) -> Mapping[int, Sequence[CaseEvent]]:
    """The lines of the cases of some lines, the oldest first. One statement."""
    found: dict[int, list[CaseEvent]] = {}
    for line in CaseEvent.objects.filter(case__in={event.case_id for event in events}).order_by("id"):
        found.setdefault(line.case_id, []).append(line)
    return found


def of_work(book: Rulebook, event: CaseEvent, log: Sequence[CaseEvent], at: datetime) -> Lateness | None:
    """How late the work is that a line found, with its case's log before it and after; None if it is not."""
    own_s, wall_s, late, lasting = 0, 0, False, False
    for lines in _stints(event, log):
        missed = next((line for line in lines if stint.late(line, line.at)), None)
        if missed is None or missed.due_at is None:
            continue
        ended = next((line.at for line in lines if line.entered != line.left), None)
        late, lasting, until = True, ended is None, ended or max(at, missed.at)
        wall_s += int((until - missed.due_at).total_seconds())
        own_s += _own_s(book, missed, until)
    return Lateness(own_s, wall_s, lasting) if late else None


def of_case(book: Rulebook, case: Case, log: Sequence[CaseEvent], at: datetime) -> Lateness | None:
    """How late a case is with the work that is owed now."""
    here = (line for line in log if (line.since, line.left) == (case.entered_at, case.stage))
    missed = next((line for line in here if stint.late(line, line.at)), None)
    return of_work(book, missed, log, at) if missed else None


def _stints(event: CaseEvent, log: Sequence[CaseEvent]) -> list[list[CaseEvent]]:
    """The lines of the stint that a line found, and of those that go on with nothing left of its time."""
    stints: dict[datetime, list[CaseEvent]] = {}
    for line in log:
        if line.since and line.left == event.left and (line.left != Stage.HANDLING or _owed_alike(line, event)):
            stints.setdefault(line.since, []).append(line)
    work: list[list[CaseEvent]] = []
    for lines in stints.values():
        if lines[0].allowed_s != 0:
            if any(each[0].since == event.since for each in work):
                break
            work = []
        work.append(lines)
    return work if any(lines[0].since == event.since for lines in work) else []


def _owed_alike(line: CaseEvent, event: CaseEvent) -> bool:
    return line.department_id == event.department_id


def _own_s(book: Rulebook, missed: CaseEvent, until: datetime) -> int:
    assert missed.due_at
    if not missed.clock:
        return int((until - missed.due_at).total_seconds())
    try:
        return clock.late(missed.due_at, until, missed.clock, stint.calendar(book, missed))
    except Unusable:  # the hours that it was reckoned by are no longer known
        return missed.late_s


def say(late: Lateness) -> str:
    """In the stage's own clock, and on the wall's where that differs: 7 小时 30 分钟（自然时间 1 天 2 小时）."""
    if abs(late.wall_s - late.own_s) < 60:
        said = span(late.wall_s)
    else:
        said = _("%(own)s（自然时间 %(wall)s）") % {"own": span(late.own_s, days=False), "wall": span(late.wall_s)}
    return _("%(span)s，尚未完成") % {"span": said} if late.lasting else said


def span(seconds: float, *, days: bool = True) -> str:
    """A stretch of time in its two largest units: 2 天 3 小时. Without days, as working time is told: 51 小时."""
    minutes = int(abs(seconds)) // 60
    whole, hours, minutes = (minutes // 1440 if days else 0), minutes // 60, minutes % 60
    hours -= whole * 24
    parts = [
        (whole, ngettext("%(n)d 天", "%(n)d 天", whole)),
        (hours, ngettext("%(n)d 小时", "%(n)d 小时", hours)),
        (minutes, ngettext("%(n)d 分钟", "%(n)d 分钟", minutes)),
    ]
    said = [says % {"n": n} for n, says in parts if n][:2]
    return " ".join(said) or _("不到 1 分钟")
