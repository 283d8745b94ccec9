"""What a queue costs at the desk among many open cases: the counts of a post, and the page of each of its queues."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from statistics import median, quantiles

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend.settings")
django.setup()

from django.db import connection  # noqa: E402 (needs the settings)

from bench import _town  # noqa: E402
from cases import docket, paging, queues  # noqa: E402
from console.views.lists import PAGE  # noqa: E402
from grid.models import Area, Department, Officer  # noqa: E402
from grid.roles import Role  # noqa: E402

LOOKS = 20


def officers() -> dict[str, Officer]:
    street = Area.objects.get(code=f"{_town.DISTRICT}005")
    made = {
        "clerk of the city": {"roles": [Role.CLERK, Role.SHIFT_LEADER]},
        "clerk of one street of ten": {"roles": [Role.CLERK], "area": street},
        "dispatcher of the city": {"roles": [Role.DISPATCHER]},
        "leader of the city": {"roles": [Role.LEADER]},
        "handler of one department of forty": {
            "roles": [Role.HANDLER],
            "department": Department.objects.get(code="bench05"),
        },
    }
    return {
        who: Officer.objects.get_or_create(username=f"queue{n}", defaults=said)[0]
        for n, (who, said) in enumerate(made.items())
    }


def looked(look: Callable[[], object]) -> list[float]:
    """Milliseconds of each look, after one that warms up."""
    look()
    took = []
    for _n in range(LOOKS):
        began = time.perf_counter()
        look()
        took.append(1000 * (time.perf_counter() - began))
    return took


def first_page(queue: queues.Queue, officer: Officer) -> object:
    found = queues.within(queue, officer).select_related(*docket.RELATED)
    return paging.page(found, sort="due", limit=PAGE)


def main() -> None:
    given = _town.parser("queues", __doc__).parse_args()
    _town.fill(open=given.open, closed=given.closed)
    table()


def table() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET max_parallel_workers_per_gather = 0")  # what one processor takes, other work or not
    print("| who | what | p50 ms | p95 ms |\n|---|---|---|---|")
    for who, officer in officers().items():
        tell(who, f"counts {queues.counts(officer)}", looked(lambda officer=officer: queues.counts(officer)))  # type: ignore[misc]
        for queue in queues.of(officer):
            look = looked(lambda queue=queue, officer=officer: first_page(queue, officer))  # type: ignore[misc]
            tell(who, queue.name, look)


def tell(who: str, what: str, took: list[float]) -> None:
    print(f"| {who} | {what} | {median(took):.1f} | {quantiles(took, n=20)[-1]:.1f} |", flush=True)


if __name__ == "__main__":
    main()
