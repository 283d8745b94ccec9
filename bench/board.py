"""What the board costs, in a city of 40,000 cells, by how many cases there are: open ones, and those long closed."""

from __future__ import annotations

import os
import time
from statistics import median, quantiles

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend.settings")
django.setup()

from django.db import connection  # noqa: E402 (needs the settings)
from django.test.utils import CaptureQueriesContext  # noqa: E402

from bench import _town  # noqa: E402
from bench.tiles import processor_ms  # noqa: E402
from cases import load  # noqa: E402
from console.board import board  # noqa: E402
from grid.models import Area, Department, Officer  # noqa: E402
from grid.moment import now  # noqa: E402
from grid.roles import Role  # noqa: E402

LOOKS = 20


def officers() -> dict[str, Officer]:
    street = Area.objects.get(code=f"{_town.DISTRICT}005")
    return {
        "the whole city": Officer(roles=[Role.LEADER]),
        "its one district": Officer(roles=[Role.LEADER], area=street.parent),
        "one street of ten": Officer(roles=[Role.LEADER], area=street),
        "one department of forty": Officer(roles=[Role.HEAD], department=Department.objects.get(code="bench05")),
    }


def main() -> None:
    given = _town.parser("board", __doc__).parse_args()
    _town.fill(open=given.open, closed=given.closed)
    table()


def table() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET max_parallel_workers_per_gather = 0")  # what one processor takes, other work or not
    print("| who looks | statements | database's processor ms | p50 ms | p95 ms | of it, open work p50 ms |")
    print("|---|---|---|---|---|---|")
    for who, officer in officers().items():
        board(officer)
        with CaptureQueriesContext(connection) as asked:
            board(officer)
        before, took, standing = processor_ms(), [], []
        for _n in range(LOOKS):
            began = time.perf_counter()
            board(officer)
            took.append(1000 * (time.perf_counter() - began))
        worked = (processor_ms() - before) / LOOKS
        for _n in range(LOOKS):
            began = time.perf_counter()
            load.standing(officer, now())
            standing.append(1000 * (time.perf_counter() - began))
        p50, p95, part = median(took), quantiles(took, n=20)[-1], median(standing)
        print(f"| {who} | {len(asked)} | {worked:.0f} | {p50:.0f} | {p95:.0f} | {part:.0f} |", flush=True)


if __name__ == "__main__":
    main()
