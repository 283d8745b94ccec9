"""What if (试算): a past period under other limits or duties, reckoned by the worker."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from ninja import Router, Schema, Status
from pydantic import Field

from cases import whatif
from cases.evaluation import Standing
from cases.models import Trial
from grid.roles import CENTRE

from ..auth import Request, officer
from ..problems import Problem
from ..schemas import LimitIn, Said
from ..vocabulary import AreaCode, Key
from .scores import Change, PeriodIn, change

router = Router(tags=["stats"])
ANSWERS = {401: Problem, 403: Problem, 404: Problem, 422: Problem}


class OtherLimit(LimitIn):
    """A condition's limit as it might be."""

    condition: Key


class OtherDuty(Said):
    """A duty as it might be: of a category or major, in an area or everywhere."""

    category: Key
    area: AreaCode = Field("", description="its code; none: everywhere")
    department: Key


class TrialIn(PeriodIn):
    """What is to be different."""

    limits: list[OtherLimit] = Field([], max_length=200)
    duties: list[OtherDuty] = Field([], max_length=200)


class Handled(Change):
    """A subject as it is and as it would be, with what other limits and duties bear on."""

    on_time_rate: float | None = Field(description="on_time / due")
    on_time_rate_if: float | None
    overdue: int
    overdue_if: int


class TrialRow(Schema):
    """A trial, and how far it is."""

    id: int
    scheme: str
    since: date
    until: date
    done: int = Field(description="stints of handling reckoned so far")
    whole: int = Field(description="of so many")
    finished_at: datetime | None
    failed: str = Field(description="the code of why nothing came of it; empty: it did not fail")


class TrialOut(TrialRow):
    """A trial with what came of it: `changes` once it is finished."""

    limits: list[OtherLimit]
    duties: list[OtherDuty]
    changes: list[Handled]


@router.post("stats/trials", auth=officer(*CENTRE), response={202: TrialOut, **ANSWERS})
def begin(request: Request, body: TrialIn) -> Status[TrialOut]:
    """Ask what other limits or duties would have made of a period. Nothing is published, no case is touched.

    What people did and when stays as it was; when it would have been due, and whose it would have been, is reckoned
    anew. For schemes of regions and departments that count by the day things happened.
    """
    said: dict[str, Any] = body.model_dump(mode="json", include={"limits", "duties"})
    return Status(202, _told(whatif.begin(body.chosen(), body.period, said, request.auth)))


@router.get("stats/trials", auth=officer(*CENTRE), response={200: list[TrialRow], **ANSWERS})
def trials(request: Request) -> list[TrialRow]:
    """My trials, the newest first, at most 100."""
    return [TrialRow(**_row(row)) for row in whatif.of(request.auth)[:100]]


@router.get("stats/trials/{id}", auth=officer(*CENTRE), response={200: TrialOut, **ANSWERS})
def trial(request: Request, id: Key) -> TrialOut:
    """How far a trial of mine is, and in the end each subject as it is and as it would be."""
    return _told(whatif.of(request.auth).get(pk=id))


def _told(row: Trial) -> TrialOut:
    over = row.finished_at and not row.failed
    return TrialOut(
        **_row(row),
        limits=row.said.get("limits", []),
        duties=row.said.get("duties", []),
        changes=[_handled(*pair) for pair in whatif.beside(row)] if over else [],
    )


def _row(row: Trial) -> dict[str, Any]:
    names = ("id", "since", "until", "done", "whole", "finished_at", "failed")
    return {name: getattr(row, name) for name in names} | {"scheme": row.scheme.code}


def _handled(row: Standing, then: Standing) -> Handled:
    return Handled(
        **change(row, then).model_dump(),
        on_time_rate=row.figures.on_time_rate,
        on_time_rate_if=then.figures.on_time_rate,
        overdue=row.figures["overdue"],
        overdue_if=then.figures["overdue"],
    )
