"""What every door shows of a case alike, whatever form it gives to it.

Nothing here writes; what makes statements says so.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from datetime import datetime

from django.utils.translation import gettext_lazy

from grid import privacy
from grid.models import Officer
from grid.roles import DEPARTMENT, Role

from . import cowork, flow, indicators, refusals, similar
from .flow import Move, Stage, Verb
from .models import Case, CaseEvent
from .reasons import Reason
from .rulebook import Rulebook
from .similar import Similar

FLAGS = {
    "off_cell": gettext_lazy("位置在单元网格之外 %(figure)s 米。"),
    "mock": gettext_lazy("手机报告该位置是模拟的。"),
    "seen_ahead": gettext_lazy("手机记录的发现时间比收到上报晚 %(figure)s 分钟，手机时钟可能不准。"),
    "seen_old": gettext_lazy("手机记录的发现时间比收到上报早 %(figure)s 分钟。"),
    "photo_far": gettext_lazy("照片拍摄地距上报位置 %(figure)s 米。"),
    "photo_old": gettext_lazy("照片在上报前 %(figure)s 分钟拍摄。"),
    "photo_again": gettext_lazy("同一画面的照片曾用于其他案卷（相差 %(figure)s 位）。"),
    "photo_same": gettext_lazy("照片与本案先前的照片画面相同（相差 %(figure)s 位）。"),
    "photo_absent": gettext_lazy("有 %(figure)s 张照片一直没有上传。"),
    "photo_ahead": gettext_lazy("照片时间比上报晚 %(figure)s 分钟。"),
}


access = logging.getLogger("access")


def at_work(book: Rulebook, case: Case, officer: Officer) -> bool:
    """Whether an officer works on a case in the street now: the inspector to whom it is given, the department that
    handles it, the heads above. Makes no statement."""
    if case.stage != Stage.HANDLING:
        return case.holder_id == officer.pk and officer.holds(Role.INSPECTOR)
    if not case.department_id or not officer.department_id or not officer.holds(*DEPARTMENT):
        return False
    if not officer.holds(Role.HEAD):
        return case.department_id == officer.department_id
    parents = {pk: row.above_id for pk, row in book.departments.items()}
    return officer.department_id in indicators.upward(case.department_id, parents)


def written(case: Case) -> list[str]:
    """What people wrote of a case: there such numbers may stand."""
    return [case.text, case.place, *(event.facts.get("note", "") for event in case.log)]


def hides(case: Case) -> bool:
    """Whether there is anything to mask."""
    return any(map(privacy.holds_any, written(case)))


def shows(book: Rulebook, case: Case, officer: Officer, *, asked: bool = False) -> bool:
    """Whether numbers of phones and cards are shown to an officer as they were written: to who works on the case in
    the street, and to who `asked`; others see them masked. Where there are any, it is a line of the logger "access".
    """
    shown = asked or at_work(book, case, officer)
    if shown and hides(case):
        access.info("personal officer=%s case=%s asked=%s", officer.pk, case.number, asked)
    return shown


def flag(code: str, figure: float | None = None) -> str:
    """The sentence of a flag on the evidence; `figure` in bits, metres or minutes, as the code has it."""
    return str(FLAGS[code]) % {"figure": f"{figure:.0f}" if figure is not None else ""}


def moves(book: Rulebook, case: Case, acting: Officer, log: Sequence[CaseEvent], at: datetime) -> list[Move]:
    """The moves open now to an officer, with the posts from which he sees the case (`refusals.acting`)."""
    possible = flow.moves(case.stage, acting.roles)
    return [move for move in possible if refusals.standing(book, case, move, acting, log, at) is None]


def wishes(case: Case, acting: Officer) -> list[Verb]:
    """What the officer may ask for now."""
    return [verb for verb in refusals.askable(case) if acting.holds(*flow.ASKERS[verb])]


def why_due(log: Sequence[CaseEvent]) -> list[Reason]:
    """Why the present stage is due when it is: what was said of its limit since it was entered."""
    entered = max((n for n, event in enumerate(log) if event.left != event.entered), default=0)
    stated = [said for event in log[entered:] for said in event.facts.get("why", ())]
    return [said for said in stated if said["code"].startswith(("limit", "until", "retimed"))]


def lines(log: Sequence[CaseEvent], *, flags_too: bool) -> Iterator[tuple[CaseEvent, list[Reason]]]:
    """The log, each line with why the case waits after it.

    For whom flags are not to be seen (`flags.shown_to`), without their answers and without what waits for these.
    """
    for event in log:
        if flags_too or event.verb != Verb.ANSWER:
            yield event, [said for said in event.facts.get("waits", ()) if flags_too or said["code"] != "flags_open"]


def nearby(book: Rulebook, case: Case, at: datetime, *, by: Officer) -> list[Similar]:
    """The cases similar to one that is still owed; none for others. At most two statements."""
    return similar.to(book, case, at, by=by) if case.stage in flow.OWED else []


def kin(case: Case, officer: Officer, log: Sequence[CaseEvent]) -> list[tuple[Case, bool]]:
    """The case that this one helps, or those that help it; with each, whether the officer sees it. Two statements,
    none where nobody helps.
    """
    if case.parent_id is None and all(event.verb != Verb.ASSIST for event in log):
        return []
    found = list(cowork.family(case))
    seen = set(Case.objects.visible_to(officer).filter(pk__in=[one.pk for one in found]).values_list("pk", flat=True))
    return [(one, one.pk in seen) for one in found]
