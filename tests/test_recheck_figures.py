"""What came of re-checks counts when they are over, and never before."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from cases import indicators, metrics, outbox, tally
from cases.behind import Figure, behind
from cases.flow import SEALED, Verb
from cases.models import CaseEvent, Tally, Total
from grid.moment import today

from . import acts, log, test_rechecks
from . import city as town
from .test_rechecks import answered, closed, decided

every = test_rechecks.every


def counts() -> list[tuple[Any, ...]]:
    return sorted([*Tally.objects.values_list(), *Total.objects.values_list()], key=str)


def figures(every: SimpleNamespace, kind: str, subject: int) -> tuple[int, int]:
    outbox.drain()
    found = indicators.figures(kind, town.MONDAY.date(), today()).get(subject, indicators.Figures())
    return found["rechecked"], found["recheck_failed"]


def test_no_figure_knows_of_a_re_check_under_way(every: SimpleNamespace, clock) -> None:
    days = (town.MONDAY.date(), town.MONDAY.date())
    case = closed(every)
    before = counts()
    answered(case, "fails")
    assert tally.rebuild(*days) == 0
    assert counts() == before
    assert CaseEvent.sealed.filter(case=case, verb__in=SEALED).count() == 2  # and yet they are there


def test_sealed_lines_are_not_even_read_for_a_figure(every: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Were there a metric that counts every line, it would count and list all but these."""
    case = closed(every)
    answered(case, "fails")
    careless = replace(metrics.METRIC["reports"], sql="true")
    monkeypatch.setitem(metrics.METRIC, "reports", careless)
    day = town.MONDAY.date()
    listed, _more = behind(Figure(("reports",), "city", 0, day, day), every.lena, limit=99)
    assert {one.event.verb for one in listed} == set(log.verbs(case).split())
    assert not {one.event.verb for one in listed} & set(SEALED)


def test_what_came_of_it_is_the_department_s_and_the_checker_s(every: SimpleNamespace) -> None:
    case = closed(every)
    checker = case.events.get(verb=Verb.PASS).by
    assert figures(every, "department", every.roads.pk) == (0, 0)
    recheck = answered(case, "fails")
    assert figures(every, "department", every.roads.pk) == (0, 0)
    decided(recheck, every.carl, upheld=True)
    assert figures(every, "department", every.roads.pk) == figures(every, "officer", checker.pk) == (1, 1)
    for other in (recheck.inspector, every.carl, every.hugo):
        assert figures(every, "officer", other.pk) == (0, 0)


def test_what_holds_and_a_doubt_dismissed_count_as_held(every: SimpleNamespace) -> None:
    answered(closed(every), "holds")
    decided(answered(closed(every), "fails"), every.carl, upheld=False)
    assert figures(every, "department", every.roads.pk) == (2, 0)


def test_what_nobody_did_is_not_counted(every: SimpleNamespace) -> None:
    case = closed(every)
    acts.move(case, Verb.REOPEN, every.carl, note="市民来电")
    outbox.drain()
    assert acts.last(case).verb == Verb.RECHECK
    assert figures(every, "department", every.roads.pk) == (0, 0)
