"""Leave (请假): when I am away, and who stands in for me."""

from __future__ import annotations

from django.shortcuts import get_object_or_404
from ninja import Query, Router, Status
from pydantic import AwareDatetime, Field

from grid import leave
from grid.models import Leave, Officer

from ..auth import Request, officer
from ..problems import Problem
from ..schemas import Named, Said, Told
from ..vocabulary import Key, Line, Moment

router = Router(tags=["leave"])
REFUSALS = {401: Problem, 403: Problem, 404: Problem, 422: Problem}


class LeaveOut(Told):
    """From when until when somebody is away."""

    id: int
    officer: Named
    stand_in: Named | None
    since: AwareDatetime
    until: AwareDatetime
    note: str


class LeaveIn(Said):
    """A leave. The same officer and beginning again replace what was said of it."""

    officer: Key | None = Field(None, description="none: myself; a head names one of his people")
    since: Moment
    until: Moment
    stand_in: Key | None = Field(None, description="who takes what would reach me; none: it waits, or climbs")
    note: Line = ""


class Whose(Said):
    """Whose leave."""

    officer: Key | None = Field(None, description="none: my own")


@router.get("leave", auth=officer(), response={200: list[LeaveOut], **REFUSALS})
def leaves(request: Request, whose: Query[Whose]) -> list[LeaveOut]:
    """The leaves that are not over, mine or those of one of my people, the first first."""
    return [_told(row) for row in leave.leaves(_whom(request, whose.officer), by=request.auth)]


@router.put("leave", auth=officer(), response={200: LeaveOut, 409: Problem, **REFUSALS})
def set_leave(request: Request, body: LeaveIn) -> LeaveOut:
    """I am away, or one of my people is. Work and alarms reach the stand-in until then."""
    stand_in = get_object_or_404(Officer, pk=body.stand_in) if body.stand_in else None
    whom = _whom(request, body.officer)
    return _told(
        leave.set_leave(whom, by=request.auth, since=body.since, until=body.until, stand_in=stand_in, note=body.note)
    )


@router.delete("leave/{number}", auth=officer(), response={204: None, **REFUSALS})
def end(request: Request, number: Key) -> Status[None]:
    """Back again: a leave that has begun ends now, one that has not is taken back."""
    leave.end(get_object_or_404(Leave.objects.select_related("officer"), pk=number), by=request.auth)
    return Status(204, None)


def _whom(request: Request, number: int | None) -> Officer:
    return get_object_or_404(Officer, pk=number) if number else request.auth


def _told(row: Leave) -> LeaveOut:
    return LeaveOut(
        id=row.pk,
        officer=_named(row.officer),
        stand_in=_named(row.stand_in) if row.stand_in else None,
        since=row.since,
        until=row.until,
        note=row.note,
    )


def _named(person: Officer) -> Named:
    return Named(id=person.pk, name=str(person))
