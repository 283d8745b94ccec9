"""统计: recounted from the log, never incremented, so that a replay cannot hurt.

What is counted, by department and local day:

filed     cases dispatched to it that day
finished  its handling finished that day
on_time   of these, by the due moment
overdue   stints of handling whose due moment was that day and that were not finished by then
rework    cases sent back to it after a check that day
passed    buck-passing (推诿): a decline that was refused, or the second and each further one of a case
exempt    of the overdue: of cases for which an appeal was granted
closed    cases closed that day, without the duplicates that end with their master

Due is on_time + overdue − exempt: a stint counts on the day it was finished, or, if that came too late or not at
all, on the day it fell due. So each stint counts once, whatever the period, and one not yet due does not count
(应处置数, modelled on GB/T 30428.4). Time that the centre takes afterwards is not the department's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection, transaction

from grid.models import Department
from grid.moment import local_day

from .flow import Stage, Verb
from .models import CaseEvent
from .outbox import consumer

METRICS = ("filed", "finished", "on_time", "overdue", "exempt", "rework", "passed", "closed")

# A stint that was overdue stays so, once: extended afterwards, or shelved and resumed with nothing left.
FIRST = """
    event.allowed_s IS DISTINCT FROM 0 AND NOT EXISTS (
        SELECT FROM cases_caseevent AS earlier
        WHERE earlier.case_id = event.case_id AND earlier.since = event.since AND earlier.id < event.id
          AND earlier.late AND earlier.due_at <> event.due_at
    )
"""

COUNTS = """
    SELECT count(*) FILTER (WHERE verb = 'dispatch') AS filed,
           count(*) FILTER (WHERE verb = 'finish') AS finished,
           count(*) FILTER (WHERE verb = 'finish' AND late IS NOT TRUE AND {first}) AS on_time,
           count(*) FILTER (WHERE verb = 'rework') AS rework,
           count(*) FILTER (WHERE verb = 'refuse' AND facts->>'refuses' = 'decline' OR verb = 'decline' AND EXISTS (
               SELECT FROM cases_caseevent AS before
               WHERE before.case_id = event.case_id AND before.verb = 'decline' AND before.id < event.id
           )) AS passed,
           count(*) FILTER (WHERE verb = 'close' AND "left" <> 'linked') AS closed
    FROM cases_caseevent AS event
    WHERE at >= %(since)s AND at < %(until)s AND department_id {department}
"""

OVERDUE = """
    SELECT count(DISTINCT (case_id, due_at)) AS overdue,
           count(DISTINCT (case_id, due_at)) FILTER (WHERE EXISTS (
               SELECT FROM cases_caseevent AS appeal WHERE appeal.case_id = event.case_id AND appeal.verb = 'exempt'
           )) AS exempt
    FROM cases_caseevent AS event
    WHERE late AND "left" = 'handling' AND due_at >= %(since)s AND due_at < %(until)s AND department_id {department}
      AND {first}
"""

WRITE = """
    INSERT INTO cases_tally (day, department_id, metric, n)
    SELECT %(day)s, %(department)s::bigint, counted.* FROM unnest(%(metrics)s, %(counts)s) AS counted (metric, n)
    WHERE n > 0 OR metric IN (SELECT metric FROM cases_tally WHERE day = %(day)s AND department_id {department})
    ON CONFLICT (day, department_id, metric) DO UPDATE SET n = EXCLUDED.n WHERE cases_tally.n <> EXCLUDED.n
"""

Bucket = tuple[date, int | None]


def touches(event: CaseEvent) -> bool:
    """Whether an event can change a figure."""
    return event.left == Stage.HANDLING or event.verb in (Verb.DISPATCH, Verb.REWORK, Verb.CLOSE, Verb.EXEMPT)


@consumer("tally", touches)
def recount(events: Sequence[CaseEvent]) -> None:
    """Recount the buckets that these events touch. Idempotent."""
    for day, department in sorted({bucket for event in events for bucket in buckets(event)}, key=str):
        recount_bucket(day, department)


def buckets(event: CaseEvent) -> Iterator[Bucket]:
    """The day it happened, and for work that is late, or exempted, also the days it fell due."""
    yield local_day(event.at), event.department_id
    late = [event]
    if event.verb == Verb.EXEMPT:
        late = list(CaseEvent.objects.filter(case=event.case_id, left=Stage.HANDLING, late=True))
    for found in late:
        if found.late and found.left == Stage.HANDLING and found.due_at:
            yield local_day(found.due_at), found.department_id


@transaction.atomic
def recount_bucket(day: date, department: int | None) -> bool:
    """Count one bucket anew from the log, and say whether a figure changed. What never happened has no row."""
    said = {"day": day, "department": department, "since": _midnight(day), "until": _midnight(day + timedelta(days=1))}
    with connection.cursor() as cursor:
        # The lock comes first, so that the count is read after every count before it.
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [day.toordinal(), department or 0])
        # IS NOT DISTINCT FROM would say both, but no index serves it.
        where = "= %(department)s" if department else "IS NULL"
        cursor.execute(COUNTS.format(department=where, first=FIRST), said)
        filed, finished, on_time, rework, passed, closed = cursor.fetchone()
        cursor.execute(OVERDUE.format(department=where, first=FIRST), said)
        overdue, exempt = cursor.fetchone()
        counts = [filed, finished, on_time, overdue, exempt, rework, passed, closed]
        cursor.execute(WRITE.format(department=where), said | {"metrics": list(METRICS), "counts": counts})
        return bool(cursor.rowcount > 0)


def rebuild(since: date, until: date) -> int:
    """Recount every bucket of these days, both included, and say in how many a figure changed: it should be none."""
    days = (since + timedelta(days=n) for n in range((until - since).days + 1))
    departments = [None, *Department.objects.values_list("pk", flat=True)]
    return sum(recount_bucket(day, department) for day in days for department in departments)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, ZoneInfo(settings.TIME_ZONE))
