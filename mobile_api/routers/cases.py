"""Report a case, look at it, take it a step."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from ninja import Query, Router, Status

from cases import docket, paging, rulebook
from cases.flow import Facts, Refused, Verb
from cases.models import Case, CaseQuerySet
from cases.reporting import Report
from cases.similar import near
from grid.crs import Crs, to_wgs84
from grid.moment import now
from grid.roles import SUPERVISION, Role

from .. import telling
from ..auth import Request, officer
from ..counting import counts_itself
from ..filters import Filters, Spot
from ..problems import Problem
from ..schemas import AnswerIn, CaseOut, MoveIn, Page, ReportIn, SimilarOut
from ..vocabulary import Key

router = Router(tags=["cases"])

STAFF = tuple(role for role in Role if role != Role.ADMINISTRATOR)
REFUSALS = {401: Problem, 403: Problem, 404: Problem, 409: Problem, 422: Problem}


@router.post("cases", auth=officer(*STAFF), response={201: CaseOut, 200: CaseOut, **REFUSALS})
@counts_itself
def report(request: Request, body: ReportIn) -> Status[CaseOut]:
    """Report a case (上报). 201 for a new one, 200 for the same again, 409 when its id was used otherwise.

    What the policies allow follows at once: the answer shows the case's number, cell, department and deadline, each
    with its reasons, under `missing` the hashes of photos that are still to be uploaded, and under `similar` the open
    cases near by that may be the same.
    """
    case, new = docket.report(body.id, _seen(body), by=request.auth, limited=True)
    return Status(201 if new else 200, telling.whole(case, request.auth, body.point.crs, new=True))


def _seen(body: ReportIn) -> Report:
    lon, lat = to_wgs84(body.point.lon, body.point.lat, body.point.crs)
    origin = body.point.model_dump(mode="json", exclude_none=True)
    if body.captured_at:
        origin["captured_at"] = body.captured_at.isoformat()
    return Report(
        category=body.category,
        condition=body.condition,
        component=body.component,
        lon=lon,
        lat=lat,
        source=body.source,
        text=body.text,
        place=body.place,
        photos=tuple((photo.sha256, str(photo.purpose)) for photo in body.photos),
        handled=body.handled,
        origin=origin,
    )


@router.get("cases", auth=officer(*STAFF), response={200: Page, **REFUSALS})
def cases(request: Request, filters: Query[Filters], crs: Crs = Crs.WGS84) -> Page:
    """Cases in pages: `todo` is what waits for me, `reported` what I reported, `all` what I may see, `call_back` closed
    cases whose caller nobody has asked yet.

    Sorted by what is due first, or newest first. Pass `next` as `cursor` for the following page.
    """
    at = now()
    within = _within(request.auth, filters, at)
    due = "call_by" if filters.view == "call_back" else "due_at"
    found, cursor = paging.page(within, sort=filters.sort, limit=filters.limit, cursor=filters.cursor, due=due)
    return Page(items=[telling.line(case, crs, at) for case in found], next=cursor)


def _within(by: Any, filters: Filters, at: Any) -> CaseQuerySet:
    found = Case.objects.visible_to(by).select_related(*docket.RELATED)
    if filters.view == "todo":
        found = found.owed_by(by)
    if filters.view == "reported":
        found = found.reported_by(by)
    if filters.view == "call_back":
        found = found.to_call(at)
    return found.matching(filters.terms(), at)


@router.get("cases/similar", auth=officer(*STAFF), response={200: list[SimilarOut], **REFUSALS})
def similar(request: Request, spot: Query[Spot]) -> list[SimilarOut]:
    """Open cases of the same class near a position, the nearest first: look here before you report.

    Also such as you may not see: number, stage, distance and day, without an id and a photo.
    """
    book = rulebook.current()
    if spot.category not in book.categories:
        raise Refused("category_unknown", _("没有这个小类。"), field="category")
    here = to_wgs84(spot.lon, spot.lat, spot.crs)
    return [telling.resembling(found) for found in near(book, *here, spot.category, now(), by=request.auth)]


@router.get("cases/{id}", auth=officer(*STAFF), response={200: CaseOut, **REFUSALS})
def case(request: Request, id: UUID, crs: Crs = Crs.WGS84) -> CaseOut:
    """One case: its log, its deadline explained, its forecast, its photos, and under `can` the moves open to me now."""
    return telling.whole(_visible(request.auth, id), request.auth, crs, foretold=True)


def _visible(by: Any, id: UUID) -> Case:
    return Case.objects.visible_to(by).select_related(*docket.RELATED).get(uuid=id)


@router.post("cases/{id}/reveal", auth=officer(*STAFF), response={200: CaseOut, **REFUSALS})
def reveal(request: Request, id: UUID, crs: Crs = Crs.WGS84) -> CaseOut:
    """The case with the numbers of phones and identity cards as they were written. Each time is logged."""
    case = _visible(request.auth, id)
    return telling.whole(case, request.auth, crs, foretold=True, revealed=True)


@router.post("cases/{id}/moves", auth=officer(*STAFF), response={200: CaseOut, **REFUSALS})
@counts_itself
def move(request: Request, id: UUID, body: MoveIn, crs: Crs = Crs.WGS84) -> CaseOut:
    """Take a case one step (流转). With a `key`, the same move again changes nothing and answers the same.

    A refusal says what is allowed now, and by whom. Nothing is half done: on an error the case stands as it stood.
    """
    moved = docket.move(id, body.verb, by=request.auth, facts=body.facts(), key=body.key, limited=True)
    return telling.whole(moved, request.auth, crs)


@router.post("cases/{id}/flags/{flag}", auth=officer(*SUPERVISION), response={200: CaseOut, **REFUSALS})
@counts_itself
def answer(request: Request, id: UUID, flag: Key, body: AnswerIn, crs: Crs = Crs.WGS84) -> CaseOut:
    """Answer a flag on the evidence (核验). It stands in the log, and nothing else follows from it.

    With a `key`, the same answer again changes nothing. Only when all are answered is the case closed.
    """
    facts = Facts(flag=flag, note=body.note, accepted=body.accepted)
    answered = docket.move(id, Verb.ANSWER, by=request.auth, facts=facts, key=body.key, limited=True)
    return telling.whole(answered, request.auth, crs)
