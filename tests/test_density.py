"""What the worker does of a dense day grows with what happened, not with its square: by the plans that are run.

Rows are counted, not seconds: each node of a plan, however often it was looped, with all that it threw away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from django.db import connection

from cases import alarm, forecast, outbox, tally
from cases.models import Case, CaseEvent, Outbox, Tally
from grid.models import Officer
from grid.moment import now, today
from grid.roles import Role

from . import city as town
from . import copies

FEW = 60
THROWN_AWAY = ("Rows Removed by Filter", "Rows Removed by Join Filter", "Rows Removed by Index Recheck")
TRIED = ("SELECT", "WITH", "INSERT", "UPDATE", "DELETE")


def rows(node: dict[str, Any]) -> float:
    """How many rows went through the hands of a plan."""
    own = node["Actual Loops"] * (node["Actual Rows"] + sum(node.get(name, 0) for name in THROWN_AWAY))
    return float(own) + sum(rows(below) for below in node.get("Plans", ()))


@contextmanager
def counted() -> Iterator[dict[str, float]]:
    """For each statement that is said meanwhile, the rows that its plan goes through."""
    found: dict[str, float] = {}

    def explain(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        if not sql.lstrip().startswith(TRIED):
            return execute(sql, params, many, context)
        cursor = context["cursor"].cursor
        cursor.execute("SAVEPOINT tried")
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON, TIMING OFF) {sql}", params)
        ((((plan,),),)) = (cursor.fetchall(),)
        cursor.execute("ROLLBACK TO SAVEPOINT tried")
        key = " ".join(sql.split())[:120]
        found[key] = found.get(key, 0) + rows(plan[0]["Plan"])
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explain):
        yield found


def plant(first: Case, count: int) -> None:
    """So many cases more of one cell and one day, each by another inspector, so that each is a row of its own."""
    people = [Officer(username=f"i{Officer.objects.count()}-{n}", roles=[Role.INSPECTOR]) for n in range(count)]
    copies.many(first, count, Officer.objects.bulk_create(people))


def owe_all() -> None:
    outbox.post(list(CaseEvent.objects.order_by("pk")), now())


STEPS: dict[str, Callable[[], object]] = {
    "figures": lambda: tally.recount(list(CaseEvent.objects.all())),
    "all consumers": outbox.drain,
    "the night": tally.night,
    "the proof": lambda: tally.rebuild(today(), today()),
    "the paces": forecast.recount,
    "the forecasts": forecast.foresee_all,
    "alarms": alarm.ring,
}


def work() -> dict[str, float]:
    """The rows that each step of the worker goes through, once all is counted already."""
    tally.recount(list(CaseEvent.objects.all()))
    owe_all()
    Case.objects.update(promise_at=now() - timedelta(days=1), alarm_at=now())
    found = {}
    for name, step in STEPS.items():
        with counted() as said:
            step()
        found[name] = sum(said.values())
    Outbox.objects.all().delete()
    return found


def test_twice_as_dense_is_twice_the_work(city: SimpleNamespace, clock: Any) -> None:
    first = town.report(city)
    with connection.cursor() as cursor:  # a table of some hundred rows is read whole; one of millions is not
        cursor.execute("SET LOCAL enable_seqscan = off")
    plant(first, FEW)
    once = work()
    assert Tally.objects.filter(reports__gt=0, basis="flow").count() == FEW + 1, "the day is not dense"
    plant(first, FEW)
    twice = work()
    quadratic = {name: twice[name] / once[name] for name in STEPS if twice[name] > 3 * once[name]}
    assert quadratic == {}
    assert once["figures"] > FEW
