"""Blind re-checks: the inspector's errands, and what the centre is told of them."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from ninja import Query, Router, Schema
from pydantic import Field

from cases import rechecks
from cases.flow import Purpose
from cases.models import Evidence, Flag, Recheck
from grid import privacy
from grid.crs import Crs, from_wgs84
from grid.moment import now
from grid.roles import CENTRE, SUPERVISION, Role
from grid.words import named, phrased

from .. import telling
from ..auth import Request, officer
from ..problems import Problem
from ..schemas import Coded, Named, Position, Said, Shown
from ..vocabulary import Key, Note

router = Router(tags=["rechecks"])
REFUSALS = {401: Problem, 403: Problem, 404: Problem, 409: Problem, 422: Problem}


class Picture(Schema):
    """A photo to look at: `GET photos/{sha256}`."""

    sha256: str
    purpose: Coded


class Errand(Schema):
    """What I am to look at again: the place, what was wrong, what shows that it is done. Not who did it or checked."""

    id: int
    case: UUID
    number: str
    category: Named
    closing: str = Field(description="when such a case is done, by its condition")
    point: Position
    place: str
    text: str
    photos: list[Picture]
    ordered_at: datetime
    due_at: datetime
    late: bool


class RecheckIn(Said):
    """What I found there."""

    verdict: Literal["holds", "fails"]
    photos: list[Shown] = Field([], max_length=20, description="taken there now; they must have arrived")
    note: Note = Field("", description="needed where it does not hold")
    key: UUID | None = Field(None, description="chosen by the client: the same key again is the same answer")


class Received(Schema):
    """My answer as it was taken."""

    id: int
    verdict: Coded
    done_at: datetime
    late: bool


class Question(Coded):
    """What a photo shows that should be asked about."""

    figure: float | None = Field(description="bits, metres or minutes, as the code has it")


class RecheckOut(Schema):
    """What came of a re-check. Of one that is still under way nothing is told."""

    id: int
    case: UUID
    number: str
    category: Named
    department: Named | None
    inspector: Named | None = Field(description="none: nobody went")
    ordered_at: datetime | None
    due_at: datetime | None
    done_at: datetime | None
    late: bool
    verdict: Coded | None
    note: str
    photos: list[Picture]
    asks: list[Question] = Field(description="what there is to ask about the photos, while it waits for a decision")
    waits: bool = Field(description="for a decision")
    upheld: bool | None = Field(description="whether the case was reopened for it")
    decided_by: str
    decided_at: datetime | None
    decision: str


class Rechecks(Schema):
    """Some re-checks, the newest first."""

    items: list[RecheckOut]
    next: int | None = Field(description="pass as `before` for the following page")


class WhichRechecks(Said):
    """Which re-checks."""

    view: Literal["waiting", "all"] = "all"
    case: UUID | None = None
    before: Key | None = None
    limit: int = Field(50, ge=1, le=200)


class DecisionIn(Said):
    """What becomes of a doubt."""

    upheld: bool = Field(description="true reopens the case, false dismisses the doubt")
    note: str = Field(min_length=1, max_length=2000)
    key: UUID | None = Field(None, description="chosen by the client: the same key again is the same decision")


JOINED = ("case__category", "case__condition", "case__department", "inspector", "decided_by")


@router.get(
    "me/rechecks", auth=officer(Role.INSPECTOR), response={200: list[Errand], 401: Problem, 403: Problem, 422: Problem}
)
def errands(request: Request, crs: Crs = Crs.WGS84) -> list[Errand]:
    """The closed cases that I am to look at again (复查), the most urgent first. Nobody else knows: keep it so."""
    mine = list(rechecks.errands(request.auth).select_related(*JOINED))
    shown: dict[int, list[Picture]] = {}
    for evidence in Evidence.objects.filter(case__in=[recheck.case_id for recheck in mine]).order_by("id"):
        shown.setdefault(evidence.case_id, []).append(_picture(evidence.photo_id, evidence.purpose))
    return [_errand(recheck, shown.get(recheck.case_id, []), crs) for recheck in mine]


def _errand(recheck: Recheck, shown: list[Picture], crs: Crs) -> Errand:
    case = recheck.case
    lon, lat = from_wgs84(case.point.x, case.point.y, crs)
    assert recheck.ordered_at and recheck.due_at
    return Errand(
        id=recheck.pk,
        case=case.uuid,
        number=case.number,
        category=_category(recheck),
        closing=phrased(case.condition, "closing") if case.condition else "",
        point=Position(lon=lon, lat=lat, crs=crs),
        place=privacy.masked(case.place),
        text=privacy.masked(case.text),
        photos=shown,
        ordered_at=recheck.ordered_at,
        due_at=recheck.due_at,
        late=recheck.due_at < now(),
    )


@router.post("me/rechecks/{id}", auth=officer(Role.INSPECTOR), response={200: Received, **REFUSALS})
def answer(request: Request, id: Key, body: RecheckIn) -> Received:
    """Say whether the closing holds. With a `key`, the same answer again changes nothing.

    That it does not hold accuses nobody: a clerk or the shift leader decides what follows.
    """
    shown = tuple((photo.sha256, str(photo.purpose)) for photo in body.photos)
    done = rechecks.answer(id, by=request.auth, verdict=body.verdict, shown=shown, note=body.note, key=body.key)
    assert done.done_at
    verdict = Recheck.Verdict(done.verdict)
    return Received(
        id=done.pk,
        verdict=Coded(code=verdict, label=str(verdict.label)),
        done_at=done.done_at,
        late=_late(done),
    )


@router.get("rechecks", auth=officer(*CENTRE), response={200: Rechecks, 401: Problem, 403: Problem, 422: Problem})
def told(request: Request, which: Query[WhichRechecks]) -> Rechecks:
    """What came of re-checks, of the cases I see: `waiting` are the doubts that a clerk or the shift leader decides."""
    found = rechecks.told(request.auth)
    if which.view == "waiting":
        found = found.filter(verdict=Recheck.Verdict.FAILS, over_at=None)
    if which.case:
        found = found.filter(case__uuid=which.case)
    if which.before:
        found = found.filter(pk__lt=which.before)
    rows = list(found.select_related(*JOINED).order_by("-pk")[: which.limit + 1])
    shown = rows[: which.limit]
    return Rechecks(items=[_told(row) for row in shown], next=shown[-1].pk if rows > shown else None)


@router.post("rechecks/{id}/decision", auth=officer(*SUPERVISION), response={200: RecheckOut, **REFUSALS})
def decide(request: Request, id: Key, body: DecisionIn) -> RecheckOut:
    """Answer a doubt: reopen the case, or dismiss. It stands in the log, where the department now reads it too."""
    done = rechecks.decide(id, by=request.auth, upheld=body.upheld, note=body.note, key=body.key)
    return _told(Recheck.objects.select_related(*JOINED).get(pk=done.pk))


def _told(recheck: Recheck) -> RecheckOut:
    case = recheck.case
    verdict = Recheck.Verdict(recheck.verdict) if recheck.verdict else None
    department, inspector = case.department, recheck.inspector
    return RecheckOut(
        id=recheck.pk,
        case=case.uuid,
        number=case.number,
        category=_category(recheck),
        department=Named(id=department.pk, code=department.code, name=named(department)) if department else None,
        inspector=Named(id=inspector.pk, name=str(inspector)) if inspector else None,
        ordered_at=recheck.ordered_at,
        due_at=recheck.due_at,
        done_at=recheck.done_at,
        late=_late(recheck),
        verdict=Coded(code=verdict, label=str(verdict.label)) if verdict else None,
        note=privacy.masked(recheck.note),
        photos=[_picture(sha, purpose) for sha, purpose in recheck.photos],
        asks=[_question(flag) for flag in rechecks.questions(recheck)] if recheck.doubted else [],
        waits=recheck.doubted,
        upheld=recheck.upheld,
        decided_by=str(recheck.decided_by) if recheck.decided_by else "",
        decided_at=recheck.decided_at,
        decision=privacy.masked(recheck.decision),
    )


def _late(recheck: Recheck) -> bool:
    at = recheck.done_at or now()
    return bool(recheck.due_at and at > recheck.due_at)


def _question(flag: Flag) -> Question:
    return Question(code=flag.code, label=str(Flag.Code(flag.code).label), figure=flag.figure)


def _category(recheck: Recheck) -> Named:
    row = recheck.case.category
    return Named(id=row.pk, code=row.code, name=named(row))


def _picture(sha256: str, purpose: str) -> Picture:
    return Picture(sha256=sha256, purpose=telling.coded(Purpose(purpose)))
