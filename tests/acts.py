"""The acts of people in one line each, for tests that are about what comes of them."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.http import HttpResponse
from django.test import Client

from cases import docket, outbox, rechecks
from cases.flow import Facts, Purpose, Refused, Verb
from cases.models import Case, CaseEvent, Recheck, Sampling
from grid.models import Officer

from . import city as town

CASES = "/api/mobile/v1/cases"


def move(case: Case, verb: str, by: Officer, *, key: UUID | None = None, **facts: Any) -> Case:
    return docket.move(case.uuid, verb, by=by, facts=Facts(**facts), key=key)


def refused(case: Case, verb: str, by: Officer, **facts: Any) -> Refused:
    """The refusal of a move, which has left no trace."""
    before = case.events.count()
    with pytest.raises(Refused) as caught:
        move(case, verb, by, **facts)
    assert case.events.count() == before
    return caught.value


def passed(case: Case, by: Officer) -> Case:
    return docket.move(case.uuid, Verb.PASS, by=by, facts=town.shown(by, Purpose.NEAR))


def doubt(city: SimpleNamespace, note: str = "井盖仍响动") -> Recheck:
    """A case of ann's, finished by hugo, passed by ivan, closed by carl; ines was there again and says it fails."""
    Sampling.objects.get_or_create(share=1, days=7, value=1, unit="urgent_day")
    case = move(passed(town.finish(town.report(city), city.hugo), city.ivan), Verb.CLOSE, city.carl)
    outbox.drain()
    recheck = Recheck.objects.get(case=case)
    assert recheck.inspector
    photo = town.photo(recheck.inspector, uuid4().hex * 2)
    return rechecks.answer(recheck.pk, by=recheck.inspector, verdict="fails", shown=((photo, "near"),), note=note)


def last(case: Case) -> CaseEvent:
    return case.events.latest("id")


def codes(event: CaseEvent, name: str = "why") -> list[str]:
    """The codes of the reasons that stand with an event: `why` it was, or why the case `waits` after it."""
    return [reason["code"] for reason in event.facts.get(name, ())]


def say(phone: Client, case: Case, **body: Any) -> HttpResponse:
    """A move as a phone says it."""
    return phone.post(f"{CASES}/{case.uuid}/moves", json.dumps(body), content_type="application/json")


def seen(phone: Client, case: Case) -> dict[str, Any]:
    answer = phone.get(f"{CASES}/{case.uuid}")
    assert answer.status_code == 200, answer.content
    return answer.json()


def can(phone: Client, case: Case) -> set[str]:
    """The verbs that a phone offers for a case."""
    return {button["verb"] for button in seen(phone, case)["can"]}
