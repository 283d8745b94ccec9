"""./dev bench backlog: whether alarms ring on time behind a backlog, and the watch leaves the worker alone.

Cases are reported by the docket until so many debts wait. The alarms of some of them are set into the next minute. Then
the worker is started as deploy/ starts it, more is reported all the time, and it is watched until the last of those
alarms has rung and nothing is owed: by how much each was late, how many debts still waited at its moment, and how often
the watch started something afresh.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import threading
import time
from datetime import datetime, timedelta

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend.settings")
os.environ.setdefault("LOG_LEVEL", "WARNING")
django.setup()

from django.db import connection  # noqa: E402

from bench import escalations  # noqa: E402
from bench._server import as_app, procfile  # noqa: E402
from cases.flow import Verb  # noqa: E402
from cases.models import Case, CaseEvent, Outbox  # noqa: E402
from deploy.process import start  # noqa: E402
from grid.moment import now  # noqa: E402

MOST_S = 600
AHEAD_S = 90  # alarms fall due from a half minute on to then: the worker needs some seconds to start
FALL_DUE = """
    WITH some AS (
        SELECT id, row_number() OVER (ORDER BY id) AS n FROM cases_case WHERE alarm_at IS NOT NULL LIMIT %(n)s
    )
    UPDATE cases_case c SET alarm_at = now() + interval '1 second' * (30 + %(ahead)s * n / %(n)s::float) FROM some
    WHERE c.id = some.id RETURNING c.id, c.alarm_at
"""
LATER = "UPDATE cases_case SET alarm_at = now() + interval '1 day' WHERE alarm_at IS NOT NULL"


def main() -> int:
    parser = argparse.ArgumentParser(prog="./dev bench backlog", description=__doc__)
    parser.add_argument("--debts", type=int, default=20_000)
    parser.add_argument("--alarms", type=int, default=500)
    parser.add_argument("--reports", type=float, default=5, help="a second, while the worker works")
    said = parser.parse_args()
    while (owed := Outbox.objects.count()) < said.debts:
        escalations.fill(max(100, (said.debts - owed) // 8))
    due = fall_due(said.alarms)
    print(f"{Outbox.objects.count()} debts wait, {len(due)} alarms fall due")
    over = threading.Event()
    reporting = threading.Thread(target=report, args=(over, said.reports))
    with start(("sh", "-c", procfile("worker")), as_app(), apart=True, stdout=subprocess.PIPE) as worker:
        reporting.start()
        try:
            waits = watch(due)
        finally:
            over.set()
            reporting.join()
            worker.terminate()
            words = worker.communicate()[0]
    print(f"the longest backlog while alarms fell due: {max(waits)} debts, the shortest {min(waits)}")
    late = sorted(lateness(due))
    print(f"{len(late)} of {len(due)} rang; late by {late[len(late) // 2]:.1f} s (p50), {late[-1]:.1f} s (most)")
    print(f"started afresh: {words.count('a fresh start')} times; load average {os.getloadavg()[0]:.1f}")
    return 0 if len(late) == len(due) and late[-1] < 60 and "a fresh start" not in words else 1


def fall_due(count: int) -> dict[int, datetime]:
    """The alarms of so many cases ring in the minutes to come, those of all others tomorrow. When each is due."""
    with connection.cursor() as cursor:
        cursor.execute(LATER)
        cursor.execute(FALL_DUE, {"n": count, "ahead": AHEAD_S})
        return dict(cursor.fetchall())


def report(over: threading.Event, rate: float) -> None:
    while not over.wait(1):
        escalations.report(max(1, round(rate)))
    connection.close()


def watch(due: dict[int, datetime]) -> list[int]:
    """Until all have rung and nothing is owed, or it takes too long: how many debts waited, while alarms fell due."""
    ends, last, waits = time.monotonic() + MOST_S, max(due.values()), []
    while time.monotonic() < ends:
        owed = Outbox.objects.count()
        if now() <= last:
            waits.append(owed)
        elif Case.objects.ringing(now()).count() == 0 and owed < 100:
            break
        time.sleep(1)
    return waits or [0]


def lateness(due: dict[int, datetime]) -> list[float]:
    """Seconds from when an alarm was due until the first line of the log that says that it rang."""
    climbed = CaseEvent.objects.filter(case__in=due, verb=Verb.ESCALATE).order_by("-at")
    rang: dict[int, datetime] = dict(climbed.values_list("case", "at"))
    return [max(timedelta(0), at - due[case]).total_seconds() for case, at in rang.items()]


if __name__ == "__main__":
    sys.exit(main())
