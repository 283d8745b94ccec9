"""A case from the street to its end, by the acts of people."""

from __future__ import annotations

from types import SimpleNamespace

from cases import docket
from cases.flow import Facts, Purpose, Stage, Verb

from . import city as town


def verbs(case) -> str:
    return " ".join(case.events.order_by("id").values_list("verb", flat=True))


def test_a_report_becomes_a_closed_case(city: SimpleNamespace, clock) -> None:
    case = town.report(city)
    assert (case.stage, case.department, case.cell) == (Stage.HANDLING, city.roads, city.cells[0])
    case = town.finish(case, city.hugo)
    assert case.stage == Stage.CHECK
    case = docket.move(case.uuid, Verb.REWORK, by=city.ivan, facts=Facts(note="仍响动"))
    case = town.finish(case, city.hugo)
    case = docket.move(case.uuid, Verb.PASS, by=city.ivan, facts=town.shown(city.ivan, Purpose.NEAR))
    case = docket.move(case.uuid, Verb.CLOSE, by=city.carl)
    assert case.stage == Stage.CLOSED
    assert verbs(case) == "report file dispatch finish order_check rework finish order_check pass close"
    assert (case.due_at, case.alarm_at) == (None, None)
