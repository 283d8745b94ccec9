"""./dev bench exports: how long exports of cases take, and how much memory the worker needs for them.

Each is written as the worker writes it, turn by turn, in a process of its own, whose peak of memory is told.
"""

from __future__ import annotations

import os
import resource
import time
from multiprocessing import get_context

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend.settings")
os.environ.setdefault("LOG_LEVEL", "WARNING")
django.setup()

from django.conf import settings  # noqa: E402 (needs the settings)
from django.utils.translation import override  # noqa: E402

from bench import _town  # noqa: E402
from cases import exports  # noqa: E402
from cases.models import Case, Export  # noqa: E402
from grid.models import Officer  # noqa: E402
from grid.roles import Role  # noqa: E402

Told = tuple[int, list[float], float, float, float]  # rows, turns in s, processor s, MB of the file, MB of memory


def auditor() -> Officer:
    return Officer.objects.get_or_create(username="exporter", defaults={"roles": [Role.AUDITOR]})[0]


def order(form: str, rows: int) -> int:
    """An export of the newest so many cases."""
    newest = list(Case.objects.order_by("-id").values_list("reported_at", flat=True)[rows - 1 : rows])
    settings.EXPORT_ROWS[form] = 10**9  # what a city allows is its own matter
    terms = {"since": newest[0]} if newest else {}
    with override("zh-hans"):
        return exports.ask(auditor(), "cases", form, terms).pk


def write(pk: int) -> Told:
    """As the worker does it. In a process of its own."""
    turns: list[float] = []
    worked = time.process_time()
    while (export := Export.objects.get(pk=pk)).status in exports.UNDER_WAY:
        began = time.perf_counter()
        exports.write(pk)
        turns.append(time.perf_counter() - began)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    size = exports.file(export).stat().st_size / 1e6
    exports.stop(export)
    return export.rows, turns, time.process_time() - worked, size, memory


def table(rows: int) -> None:
    print("| export | rows | rows/s | s | worker's processor, s | longest turn, s | file, MB | worker's memory, MB |")
    print("|---|---|---|---|---|---|---|---|")
    for form in ("csv", "xlsx"):
        pk = order(form, rows)
        with get_context("spawn").Pool(1) as worker:
            count, turns, worked, size, memory = worker.apply(write, [pk])
        took = sum(turns)
        told = f"{took:.1f} | {worked:.1f} | {max(turns):.1f} | {size:.1f} | {memory:.0f}"
        print(f"| {form.upper()} | {count:,} | {count / took:,.0f} | {told} |", flush=True)


def main() -> None:
    parser = _town.parser("exports", __doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    given = parser.parse_args()
    _town.fill(open=given.open, closed=given.closed)
    table(given.rows)


if __name__ == "__main__":
    main()
