"""What the worker does of a dense day grows with what happened, not with its square: by the plans that are run.

Rows are counted, not seconds: each node of a plan, however often it was looped, with all that it threw away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection

from cases import alarm, forecast, outbox, tally
from cases.flow import Verb
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


def made_anew(node: dict[str, Any]) -> float:
    """How often a plan reads through the rows that it has just made itself, at most: whose number it had to guess."""
    below = node.get("Plans", ())
    kept = node["Node Type"] == "Materialize" and below[0]["Node Type"] != "Values Scan"
    own = node["Actual Loops"] if kept or node["Node Type"] == "CTE Scan" else 0
    return max([own, *map(made_anew, below)])


@contextmanager
def counted(of: Callable[[dict[str, Any]], float]) -> Iterator[dict[str, float]]:
    """For each statement that is said meanwhile, a count of its plan."""
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
        found[key] = found.get(key, 0) + of(plan[0]["Plan"])
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explain):
        yield found


def plant(first: Case, count: int) -> None:
    """So many cases more of one cell and one day, each by another inspector, so that each is a row of its own."""
    people = [Officer(username=f"i{Officer.objects.count()}-{n}", roles=[Role.INSPECTOR]) for n in range(count)]
    copies.many(first, count, Officer.objects.bulk_create(people))


STEPS: dict[str, Callable[[], object]] = {
    "figures": lambda: tally.recount(list(CaseEvent.objects.all())),
    "all consumers": outbox.drain,
    "the night": tally.night,
    "the proof": lambda: tally.rebuild(today(), today()),
    "the paces": forecast.recount,
    "the forecasts": forecast.foresee_all,
}


def work(steps: dict[str, Callable[[], object]]) -> dict[str, float]:
    """The rows that each step of the worker goes through, once all is counted already."""
    tally.recount(list(CaseEvent.objects.all()))
    Outbox.objects.all().delete()
    outbox.post(list(CaseEvent.objects.filter(verb=Verb.REPORT)), now())  # a batch of each consumer at most
    Case.objects.update(promise_at=now() - timedelta(days=1), alarm_at=now())
    found = {}
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")  # what tests before have left, and given back, is in no plan
    for name, step in steps.items():
        with counted(rows) as said:
            step()
        found[name] = sum(said.values())
    return found


@pytest.mark.parametrize("steps", [STEPS, {"alarms": alarm.ring}], ids=["figures", "alarms"])
def test_twice_as_dense_is_twice_the_work(
    steps: dict[str, Callable[[], object]], city: SimpleNamespace, clock: Any
) -> None:
    first = town.report(city)
    with connection.cursor() as cursor:  # a table of some hundred rows is read whole; one of millions is not
        cursor.execute("SET LOCAL enable_seqscan = off")
    plant(first, FEW)
    once = work(steps)
    assert Tally.objects.filter(reports__gt=0, basis="flow").count() == FEW + 1, "the day is not dense"
    plant(first, FEW)
    twice = work(steps)
    assert {name: twice[name] / once[name] for name in steps if twice[name] > 3 * once[name]} == {}


def test_no_plan_reads_again_and_again_what_it_has_just_made(city: SimpleNamespace, clock: Any) -> None:
    first = town.report(city)
    plant(first, FEW)
    tally.recount(list(CaseEvent.objects.all()))
    with counted(made_anew) as said:
        for step in STEPS.values():
            step()
    assert {sql: times for sql, times in said.items() if times > FEW / 2} == {}
    assert any("fresh" in sql or "unit" in sql for sql in said), "no figure was counted"
