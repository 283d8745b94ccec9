"""On duty (考勤): begin and end a shift, send its track, see one's own; the centre sees who is at work."""

from __future__ import annotations

from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from ninja import Query, Router
from pydantic import AwareDatetime, Field

from grid import duty, quota
from grid.crs import Crs, from_wgs84, to_wgs84
from grid.models import Officer, Shift
from grid.moment import now

from ..auth import Request, officer
from ..problems import Problem
from ..schemas import Named, Position, Said, Told
from ..vocabulary import Accuracy, Day, Key, Latitude, Longitude, Moment

router = Router(tags=["duty"])
REFUSALS = {401: Problem, 403: Problem, 404: Problem, 409: Problem, 422: Problem}
PAGE = 2000  # positions of a track that are told at once: a shift at one each half minute
MOST = 1000  # positions at once: eight hours at one each half minute


class DutyIn(Said):
    """I begin, or I end. A phone without a network says it later, with the moment."""

    on: bool
    at: Moment | None = Field(None, description="none: now; up to SHIFT_HOURS ago")


class DutyOut(Told):
    """My shift, or the last one that I had."""

    on: bool
    since: AwareDatetime | None
    until: AwareDatetime | None
    forgotten: bool = Field(description="I did not say that I ended; the system did")


class FixIn(Said):
    """Where the phone was at a moment."""

    at: Moment
    lon: Longitude
    lat: Latitude
    accuracy_m: Accuracy | None = None


class TrackIn(Said):
    """Positions of my shift, in any order; the same again is no harm."""

    crs: Crs
    points: list[FixIn] = Field(min_length=1, max_length=MOST)


class TrackKept(Told):
    """How many of them are new."""

    kept: int
    left_out: int = Field(description="known already, outside of my shifts, or too old")


class WhichTrack(Said):
    """Whose track of which local day."""

    day: Day
    officer: Key | None = Field(None, description="none: myself")
    after: Moment | None = Field(None, description="what comes after it; the `Link` of a page says it")
    limit: int = Field(PAGE, ge=1, le=PAGE)


class FixOut(Told):
    """Where he was at a moment."""

    at: AwareDatetime
    point: Position
    accuracy_m: float | None


class OnDuty(Told):
    """Somebody at work."""

    officer: Named
    since: AwareDatetime
    point: Position | None = Field(description="where he was last; none: not known")
    seen_at: AwareDatetime | None


@router.get("duty", auth=officer(), response={200: DutyOut, **REFUSALS})
def mine(request: Request) -> DutyOut:
    """Whether I am on duty, and since when."""
    return _told(duty.latest(request.auth))


@router.put("duty", auth=officer(), response={200: DutyOut, **REFUSALS})
def say(request: Request, body: DutyIn) -> DutyOut:
    """I begin or end my shift. Said again it changes nothing. Outside of shifts nothing is kept of where I am."""
    return _told((duty.begin if body.on else duty.end)(request.auth, body.at))


@router.post("duty/track", auth=officer(), response={200: TrackKept, **REFUSALS})
def follow(request: Request, body: TrackIn) -> TrackKept:
    """Positions of my shift, many at once. What lies outside of my shifts is not kept, and is no error."""
    fixes = [duty.Fix(point.at, *to_wgs84(point.lon, point.lat, body.crs), point.accuracy_m) for point in body.points]
    with transaction.atomic():
        if kept := duty.follow(request.auth, fixes):
            quota.spend(request.auth, quota.Kind.TRACK, kept)
    return TrackKept(kept=kept, left_out=len(body.points) - kept)


@router.get("duty/track", auth=officer(), response={200: list[FixOut], **REFUSALS})
def track(request: Request, response: HttpResponse, which: Query[WhichTrack], crs: Crs = Crs.WGS84) -> list[FixOut]:
    """My track of a local day, in pages: while there is more, the header `Link` has the next one (`rel="next"`: the
    same with `after`). Another's is for the shift leaders, leaders and auditors of the territory in which he has a
    beat, and each look is logged."""
    whom = get_object_or_404(Officer, pk=which.officer) if which.officer else request.auth
    found = duty.track(whom, which.day, by=request.auth, after=which.after, most=which.limit + 1)
    if len(found) > which.limit:
        query = request.GET.copy()
        query["after"] = found[which.limit - 1].at.isoformat()
        response["Link"] = f'<{request.path}?{query.urlencode()}>; rel="next"'
    page = found[: which.limit]
    return [FixOut(at=row.at, point=_position(row.point, crs), accuracy_m=row.accuracy_m) for row in page]


@router.get("duty/officers", auth=officer(*duty.WATCH), response={200: list[OnDuty], **REFUSALS})
def officers(request: Request, crs: Crs = Crs.WGS84) -> list[OnDuty]:
    """Who is on duty now in my territory, and where he was last. Each look is logged."""
    return [
        OnDuty(
            officer=Named(id=shift.officer_id, name=str(shift.officer)),
            since=shift.since,
            point=_position(shift.point, crs) if shift.point else None,
            seen_at=shift.seen_at,
        )
        for shift in duty.on_duty(request.auth)
    ]


def _told(shift: Shift | None) -> DutyOut:
    if shift is None:
        return DutyOut(on=False, since=None, until=None, forgotten=False)
    return DutyOut(on=not duty.over(shift, now()), since=shift.since, until=shift.until, forgotten=shift.forgotten)


def _position(point: object, crs: Crs) -> Position:
    lon, lat = from_wgs84(point.x, point.y, crs)  # type: ignore[attr-defined]
    return Position(lon=lon, lat=lat, crs=crs)
