"""What if (试算): a past period under other limits or duties, reckoned by the worker."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from ninja import Router, Schema, Status
from pydantic import Field

from cases import whatif
from cases.models import Trial
from grid.roles import CENTRE

from ..auth import Request, officer
from ..problems import Problem
from ..schemas import LimitIn, Said
from .scores import Change, PeriodIn, change

router = Router(tags=["stats"])
ANSWERS = {401: Problem, 403: Problem, 404: Problem, 422: Problem}


class OtherLimit(LimitIn):
    """A condition's limit as it might be."""

    condition: int


class OtherDuty(Said):
    """A duty as it might be: of a category or major, in an area or everywhere."""

    category: int
    area: str = Field("", max_length=12, description="its code; none: everywhere")
    department: int


class TrialIn(PeriodIn):
    """What is to be different."""

    limits: list[OtherLimit] = Field([], max_length=200)
    duties: list[OtherDuty] = Field([], max_length=200)


class TrialOut(Schema):
    """How far it is; `changes` once it is finished."""

    id: int
    scheme: str
    since: date
    until: date
    done: int = Field(description="stints of handling reckoned so far")
    whole: int = Field(description="of so many")
    finished_at: datetime | None
    changes: list[Change]


@router.post("stats/trials", auth=officer(*CENTRE), response={202: TrialOut, **ANSWERS})
def begin(request: Request, body: TrialIn) -> Status[TrialOut]:
    """Ask what other limits or duties would have made of a period. Nothing is published, no case is touched.

    What people did and when stays as it was; when it would have been due, and whose it would have been, is reckoned
    anew. For schemes of regions and departments that count by the day things happened.
    """
    said: dict[str, Any] = body.model_dump(mode="json", include={"limits", "duties"})
    return Status(202, _told(whatif.begin(body.chosen(), body.period, said, request.auth)))


@router.get("stats/trials/{id}", auth=officer(*CENTRE), response={200: TrialOut, **ANSWERS})
def trial(request: Request, id: int) -> TrialOut:
    """How far a trial of mine is, and in the end each subject as it is and as it would be."""
    return _told(Trial.objects.select_related("scheme").get(pk=id, by=request.auth))


def _told(row: Trial) -> TrialOut:
    return TrialOut(
        id=row.pk,
        scheme=row.scheme.code,
        since=row.since,
        until=row.until,
        done=row.done,
        whole=row.whole,
        finished_at=row.finished_at,
        changes=[change(*pair) for pair in whatif.beside(row)] if row.finished_at else [],
    )
