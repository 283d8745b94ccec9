"""统计: recounted from the log, never incremented, so that a replay cannot hurt.

What is counted stands in `metrics`. The unit of a recount is one cell's local day in one basis:

flow     a fact counts on the day it happened, or fell due
cohort   it counts on the day its case was reported

All units that a batch of events touches are counted in one statement, which reads their events by index and nothing
else, however long the log is; it writes only what differs. Then the totals above them are added up anew.

Some facts change the count of an earlier day: a case voided was not filed rightly, an appeal granted exempts. Such
an event touches every day of its case. A case still open after the day it was promised by counts on that day from
the next on, and until it is closed: nobody does anything then, so `night` looks for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection, transaction

from grid.models import Cell
from grid.moment import local_day, today

from . import stint, totals
from .flow import SEALED, Stage, Verb
from .metrics import CODES, METRICS, OPEN_CASES, facts
from .models import Basis, Case, CaseEvent, Tally
from .outbox import consumer
from .totals import Changed, rewriting

Unit = tuple[int, date, str]  # cell, day, basis

COUNTER = 0x7A11  # the advisory lock of whoever counts
AT_ONCE = 2000  # units of one transaction, where very many are counted
UNCOUNTED = (
    *(Verb.ACCEPT, Verb.REPLY, Verb.ANSWER, Verb.REFUSE, Verb.ASK),
    *(Verb.RECALL, *SEALED),
)
"""Verbs that count only if what was asked or refused does, or if the line is the first to show that work is late."""

FOLLOWING = (Verb.FILE, Verb.ORDER_VERIFY, Verb.DISPATCH, Verb.ORDER_CHECK, Verb.CLOSE)
"""What the system adds to a move in the same moment: the move itself has the same unit recounted."""

RECALLING = (
    *(Verb.VOID, Verb.DISPATCH, Verb.DECLINE, Verb.EXEMPT, Verb.LINK, Verb.UNLINK),
    *(Verb.CONTACT, Verb.CALL_BACK, Verb.HAND_OVER),
)
"""Verbs that change what an earlier day of the case counts."""

UNITS = """
    unit (cell, day, basis, since, until) AS (
        SELECT * FROM unnest(%(cells)s::bigint[], %(days)s::date[], %(bases)s::text[],
                             %(sinces)s::timestamptz[], %(untils)s::timestamptz[])
    )
"""

PROMISED = f"""LATERAL (
    SELECT o.id FROM LATERAL (
        SELECT 1 AS n, k.id, k.promise_at, k.promise_at < %(today)s AS broken FROM cases_case k
        WHERE c.stage = 'closing' AND k.parent_id = c.id AND k.stage IN ({OPEN_CASES})
      UNION ALL SELECT 2, c.id, c.promise_at, true
        ORDER BY n, promise_at, id LIMIT 1
    ) AS owes JOIN cases_caseevent o ON o.case_id = owes.id AND owes.broken
    WHERE o.verb IN ('dispatch', 'resume', 'reopen') AND o.at <= owes.promise_at
    ORDER BY o.id DESC LIMIT 1
)"""  # noqa: S608 (our own names alone)
"""Who broke the promise of a case: the line that set it. Of a case that waits for assisting departments, the line of
the child that was promised first, if that is broken; what is awaited and not late is nobody's fault.
"""
UNCLOSED = f"c.stage IN ({OPEN_CASES}) AND c.promise_at < %(today)s AND c.parent_id IS NULL"


SUMS = ", ".join(f"nullif(count(*) FILTER (WHERE n = {n}), 0)::int AS {code}" for n, code in enumerate(CODES, 1))

LINES = f"""
    line (cell, day, basis, moment, event) AS (
        SELECT u.cell, u.day, u.basis, 'at', e.id
        FROM unit u JOIN cases_caseevent e ON e.cell_id = u.cell AND e.at >= u.since AND e.at < u.until
        WHERE u.basis = 'flow'
      UNION ALL
        SELECT u.cell, u.day, u.basis, 'due_at', e.id
        FROM unit u JOIN cases_caseevent e ON e.cell_id = u.cell AND e.due_at >= u.since AND e.due_at < u.until
        WHERE u.basis = 'flow' AND e.late
      UNION ALL
        SELECT u.cell, u.day, u.basis, 'promise_at', e.id
        FROM unit u JOIN cases_case c ON c.cell_id = u.cell AND {UNCLOSED} JOIN {PROMISED} e ON true
        WHERE u.basis = 'flow' AND c.promise_at >= u.since AND c.promise_at < u.until
      UNION ALL
        SELECT u.cell, u.day, u.basis, moment, e.id
        FROM unit u JOIN cases_case c ON c.cell_id = u.cell AND c.reported_at >= u.since AND c.reported_at < u.until
        JOIN cases_caseevent e ON e.case_id = c.id
        JOIN (VALUES ('at'), ('due_at')) AS m (moment) ON moment = 'at' OR e.late
        WHERE u.basis = 'cohort'
      UNION ALL
        SELECT u.cell, u.day, u.basis, 'promise_at', e.id
        FROM unit u JOIN cases_case c ON c.cell_id = u.cell AND c.reported_at >= u.since AND c.reported_at < u.until
        JOIN {PROMISED} e ON {UNCLOSED}
        WHERE u.basis = 'cohort'
    )
"""  # noqa: S608 (our own names alone)
"""Which lines of the log belong to which unit, and by which of their moments."""

OPEN_LINES = f"e.verb NOT IN ({', '.join(repr(str(verb)) for verb in SEALED)})"
READ = f"""
    LATERAL (SELECT * FROM cases_caseevent e WHERE id = line.event AND {OPEN_LINES} OFFSET 0) AS e,
    LATERAL (SELECT * FROM cases_case WHERE id = e.case_id OFFSET 0) AS c
"""  # noqa: S608 (our own names alone)
"""To be joined to lines: their events and cases, without the sealed ones.

OFFSET has the lines found first, whatever the planner believes of the log.
"""

EACH = """
    (
        SELECT event, array_agg(cell) AS cells, array_agg(day) AS days, array_agg(basis) AS bases,
               array_agg(moment) AS moments
        FROM line GROUP BY event
    )
"""
JUDGED = f"""
    SELECT cells, days, bases, moments, fact.n, fact.moment AS counts_at, coalesce(e.department_id, 0) AS department,
           fact.officer, c.category_id AS category, c.source
    FROM {EACH} AS line, {READ}, {facts(METRICS)}
    OFFSET 0
"""  # noqa: S608 (our own names alone)
"""What each line counts, judged once; with all the units that it belongs to, and by which of its moments."""

COUNTED = f"""
    SELECT unit.cell, unit.day, unit.basis, department, officer, category, source, {SUMS}
    FROM ({JUDGED}) AS judged, unnest(cells, days, bases, moments) AS unit (cell, day, basis, moment)
    WHERE unit.moment = counts_at
    GROUP BY 1, 2, 3, 4, 5, 6, 7
"""  # noqa: S608 (our own names alone)
SCOPE = "unit s WHERE t.cell = s.cell AND t.day = s.day AND t.basis = s.basis"
RECOUNT = f"WITH {UNITS}, {LINES}, {rewriting(Tally, COUNTED, SCOPE)}"


def touches(event: CaseEvent) -> bool:
    """Whether an event can change a figure that its own move does not touch already."""
    if event.by_id is None and event.verb in FOLLOWING and event.left != Stage.LINKED:
        return False
    said = event.facts
    counts = event.verb not in UNCOUNTED or said.get("asks") == Verb.EXEMPT or said.get("refuses") == Verb.DECLINE
    return counts or stint.late(event, event.at)


@consumer("tally", touches)
@transaction.atomic
def recount(events: Sequence[CaseEvent]) -> None:
    """Recount the units that these events touch. Idempotent. Takes the lock of whoever counts."""
    count(units(events))


def units(events: Sequence[CaseEvent]) -> set[Unit]:
    """The days on which these events happened and their cases were reported; of what is late, when it fell due."""
    recalled = {event.case_id for event in events if event.verb in RECALLING}
    lines = [*events, *CaseEvent.objects.filter(case__in=recalled)] if recalled else events
    cases = Case.objects.filter(pk__in={event.case_id for event in events}).values_list("pk", "reported_at", "cell")
    reported = {pk: reported_at for pk, reported_at, _cell in cases}
    now_in = {(cell, local_day(reported_at), str(Basis.COHORT)) for _pk, reported_at, cell in cases}
    return now_in | {unit for event in lines for unit in units_of(event, reported[event.case_id])}


def units_of(event: CaseEvent, reported_at: datetime) -> Iterator[Unit]:
    """The units that a line is counted in."""
    yield event.cell_id, local_day(event.at), Basis.FLOW
    yield event.cell_id, local_day(reported_at), Basis.COHORT
    if event.due_at and stint.late(event, event.at):
        yield event.cell_id, local_day(event.due_at), Basis.FLOW


def count(units: Iterable[Unit]) -> int:
    """Count units anew from the log, with the totals above them, and say how many changed. In a transaction."""
    with connection.cursor() as cursor:
        # The lock comes first, so that the log is read after every count before it.
        cursor.execute("SELECT pg_advisory_xact_lock(%s), set_config('jit', 'off', true)", [COUNTER])
        wanted = sorted({*units, *_unclosed(units)})
        cursor.execute(RECOUNT, said(wanted))
        changed = [Changed(*row) for row in cursor.fetchall()]
    totals.add_up(changed)
    return len({(row.cell, row.day, row.basis) for row in changed})


def _unclosed(units: Iterable[Unit]) -> Iterator[Unit]:
    """What was counted as unclosed may be closed, shelved or promised anew meanwhile."""
    cells = {cell for cell, _day, _basis in units}
    open_then = Tally.objects.filter(cell__in=cells, unclosed__gt=0)
    yield from open_then.values_list("cell", "day", "basis")


def said(units: Sequence[Unit]) -> dict[str, Any]:
    """The parameters of UNITS and LINES."""
    return {
        "cells": [cell for cell, _day, _basis in units],
        "days": [day for _cell, day, _basis in units],
        "bases": [basis for _cell, _day, basis in units],
        "sinces": [midnight(day) for _cell, day, _basis in units],
        "untils": [midnight(day + timedelta(days=1)) for _cell, day, _basis in units],
        "today": midnight(today()),
    }


def rebuild(since: date, until: date) -> int:
    """Recount every unit of these days, both included, and say how many were wrong: it should be none."""
    cells = list(Cell.objects.values_list("pk", flat=True))
    days = [since + timedelta(days=n) for n in range((until - since).days + 1)]
    return sum(_count_all([(cell, day, basis) for cell in cells for basis in Basis.values]) for day in days)


def night() -> int:
    """Count the cases that are still open after the day they were promised by, and say how many units changed.

    To be run after midnight: what was promised until yesterday is broken from today on. Idempotent.
    """
    broken = Case.objects.open().filter(promise_at__lt=midnight(today()))
    units = {unit for case in broken.only("cell", "promise_at", "reported_at") for unit in _broken(case)}
    return _count_all(sorted(units))


def _count_all(units: Sequence[Unit]) -> int:
    """Count many units, some in each transaction: whoever else counts waits for one of them, not for all."""
    changed = 0
    for n in range(0, len(units), AT_ONCE):
        with transaction.atomic():
            changed += count(units[n : n + AT_ONCE])
    return changed


def _broken(case: Case) -> Iterator[Unit]:
    if case.promise_at:
        yield case.cell_id, local_day(case.promise_at), Basis.FLOW
        yield case.cell_id, local_day(case.reported_at), Basis.COHORT


def midnight(day: date) -> datetime:
    """When a local day begins."""
    return datetime.combine(day, time.min, ZoneInfo(settings.TIME_ZONE))
