"""Escalation (升级): every case whose alarm is past climbs by one rung, once for each rung.

Cases are taken in batches, each in one transaction: locked, those that somebody else is just changing skipped, and
written together. A case that cannot ring, say because its calendar reaches no further, silences no other: it is
logged, and its alarm is put off by an hour.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction

from grid.moment import local_day, now

from . import docket, rulebook, stint, succession, supervision
from .flow import NOTHING, Facts, Stage, Verb
from .line import Line
from .models import Case, CaseEvent
from .rulebook import Rulebook

logger = logging.getLogger("cases")

BATCH = 200
LATER = timedelta(hours=1)

Step = tuple[Case, Sequence[CaseEvent]]


def ring(batch: int = BATCH) -> int:
    """Ring every alarm that is past, and say how many rang. Several may run at once.

    The worker has a hand for it that does nothing else, and its queue rings each minute as well.

    Where the reply to a supervision is due first, it is asked for; else a shelved case is resumed on its date; where
    the due moment has passed and no rung says so, a line does; any other case is escalated by one rung. An event's
    `at` is when it rang, its `due_at` when it fell due: a worker that was down changes the first, never the second.
    After a long silence a case climbs its missed rungs one after the other.
    """
    rung = 0
    while True:
        rang, silent = _ring(batch)
        rung += rang
        if not rang + silent:
            return rung


def step() -> bool:
    """Ring a batch, and say whether there was any."""
    return any(_ring(BATCH))


@transaction.atomic
def _ring(batch: int) -> tuple[int, int]:
    """Of up to `batch` cases, how many rang and how many were put off."""
    at, book = now(), rulebook.current()
    cases = list(docket.locked(Case.objects.ringing(at)[:batch], skip=True))
    if not cases:
        return 0, 0
    line = Line(book, cases, at)
    steps = [made for case in cases if (made := due_step(book, line, case, at))]
    rang = _written(steps)
    silent = {case.pk for case in cases} - {case.pk for case, _events in rang}
    return len(rang), sum(_put_off(pk, at) for pk in sorted(silent))


def due_step(book: Rulebook, line: Line, case: Case, at: datetime) -> Step | None:
    """The system's own move, in memory; None for a case that cannot ring."""
    try:
        if supervision.rings(case):
            return case, [docket.own(book, case, Verb.REMIND, NOTHING, at)]
        if case.stage == Stage.SHELVED:
            resumed = [docket.own(book, case, Verb.RESUME, NOTHING, at)]
            for verb, facts in succession.back(book, case, local_day(at)):
                resumed.append(docket.own(book, case, verb, facts, at))
            return case, resumed
        if stint.expires(book, case):
            return case, [docket.own(book, case, Verb.EXPIRE, NOTHING, at)]
        return case, [docket.own(book, case, Verb.ESCALATE, line.wake(case), at)]
    except Exception:
        logger.exception("the alarm of %s does not ring", case.number)
        return None


def _written(steps: list[Step]) -> list[Step]:
    """Those that were written: all at once, or where one spoils it, each by itself."""
    if not steps:
        return []
    try:
        with transaction.atomic():
            docket.write_all(steps)
    except Exception:
        if len(steps) == 1:
            logger.exception("the alarm of %s does not ring", steps[0][0].number)
            return []
        return [step for alone in steps for step in _written([alone])]
    return steps


def _put_off(pk: int, at: datetime) -> bool:
    try:
        with transaction.atomic():
            case = docket.locked(Case.objects.filter(pk=pk)).get()  # as it stands, not half changed
            case.alarm_at = at + LATER
            docket.write(case, [_silence(case, at)])
    except Exception:
        logger.exception("the alarm of case %s cannot be put off", pk)
        return False
    return True


def _silence(case: Case, at: datetime) -> CaseEvent:
    """The line that says that an alarm did not ring. It asks no calendar: that may be what is wrong."""
    frozen = {name: getattr(case, name) for name in ("department", "holder", "clock", "allowed_s", "due_at", "level")}
    facts = Facts(until=case.alarm_at, why=({"code": "alarm_put_off"},))
    return CaseEvent(
        case=case,
        cell_id=case.cell_id,
        at=docket.moment(case, at),
        verb=Verb.RETIME,
        left=case.stage,
        entered=case.stage,
        since=case.entered_at,
        facts=facts.said(),
        **frozen,
    )
