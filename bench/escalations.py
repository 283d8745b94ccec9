"""./dev bench escalations: how long a wave of cases that fall due in one minute takes to climb, with two workers.

The cases are reported, filed and dispatched by the docket. Then their alarms are set into the last minute, and two
processes call alarm.ring() at once, as two workers do. Each case must have climbed by one rung, once.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from itertools import cycle, islice
from uuid import uuid4

import django
from tqdm import tqdm

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend.settings")
os.environ.setdefault("LOG_LEVEL", "WARNING")
django.setup()

from django.conf import settings  # noqa: E402
from django.db import connection  # noqa: E402
from django.db.models import Count  # noqa: E402

from cases import docket  # noqa: E402
from cases.flow import Verb  # noqa: E402
from cases.models import CaseEvent, Condition, Kind, Outbox  # noqa: E402
from cases.reporting import Report  # noqa: E402
from grid.models import Cell, Officer  # noqa: E402
from grid.roles import Role  # noqa: E402

RING = """
import sys, django
django.setup()
from django.db import connection
from cases import alarm
connection.ensure_connection()
print("ready", flush=True)
sys.stdin.readline()
print(alarm.ring(), flush=True)
"""
SOME = 500
FALL_DUE = "UPDATE cases_case SET alarm_at = now() - random() * interval '1 minute' WHERE alarm_at IS NOT NULL"


def report(cases: int) -> None:
    """So many cases come into the hands of their departments, all over the demo cities."""
    inspector = Officer.objects.filter(roles__contains=[Role.INSPECTOR]).order_by("pk").first()
    points = [cell.shape.point_on_surface for cell in Cell.objects.current().order_by("?")[: min(cases, 2000)]]
    ours = Condition.objects.filter(category__scheme=settings.CATEGORY_SCHEME, category__kind=Kind.EVENT)
    conditions = list(ours.filter(region_class="", closed_on=None)[:200])
    for point, condition in islice(zip(cycle(points), cycle(conditions), strict=False), cases):
        said = Report(category=condition.category_id, condition=condition.pk, lon=point.x, lat=point.y)
        docket.report(uuid4(), said, by=inspector)


def fill(cases: int) -> None:
    """Cases whose alarms fell due in the last minute."""
    for n in tqdm(range(0, cases, SOME)):
        report(min(SOME, cases - n))
    with connection.cursor() as cursor:
        cursor.execute(FALL_DUE)
        cursor.execute("VACUUM ANALYZE cases_case")


def wave(workers: int) -> tuple[float, list[int]]:
    """Seconds until all workers have nothing left to ring, and how many each rang."""
    started = [
        subprocess.Popen((sys.executable, "-c", RING), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _n in range(workers)
    ]
    for worker in started:
        assert worker.stdout and worker.stdout.readline() == "ready\n"
    began = time.perf_counter()
    for worker in started:
        assert worker.stdin
        worker.stdin.write("\n")
        worker.stdin.flush()
    rang = [int(worker.communicate()[0]) for worker in started]
    return time.perf_counter() - began, rang


def main() -> int:
    parser = argparse.ArgumentParser(prog="./dev bench escalations", description=__doc__)
    parser.add_argument("--cases", type=int, default=5000)
    parser.add_argument("--workers", type=int, default=2)
    said = parser.parse_args()
    fill(said.cases)
    seconds, rang = wave(said.workers)
    climbed = CaseEvent.objects.filter(verb=Verb.ESCALATE)
    twice = climbed.values("case").annotate(n=Count("pk")).filter(n__gt=1).count()
    assert (climbed.count(), sum(rang), twice) == (said.cases, said.cases, 0), (climbed.count(), rang, twice)
    debts = Outbox.objects.filter(event__verb=Verb.ESCALATE).count()
    print(f"{said.cases} cases, each once, by {said.workers} workers ({' + '.join(map(str, rang))}), {debts} debts")
    print(f"in {seconds:.1f} s: {said.cases / seconds:.0f} escalations/s; load average {os.getloadavg()[0]:.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
