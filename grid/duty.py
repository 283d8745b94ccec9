"""On duty (考勤): who is at work, where he was last, and the track of his shift.

Nothing is kept of where anybody is before he says that he begins, or after he says that he ends. He sees his own
track; each look at another's is a line of the logger "access". Moments are aware; positions are WGS84 degrees.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.gis.geos import Point
from django.contrib.gis.measure import D
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from .models import SRID, Area, Beat, Officer, Shift, Track
from .moment import now, today
from .roles import Role
from .words import named

MOST_DRAWN = 10_000  # positions of a day on a map: a shift at one each five seconds
AHEAD_S = 300  # by which a phone's clock may go fast
WATCH = (Role.CLERK, Role.SHIFT_LEADER, Role.DISPATCHER, Role.LEADER, Role.AUDITOR)  # who may see where people are
FOLLOW = (Role.SHIFT_LEADER, Role.LEADER, Role.AUDITOR)  # who may see the track of another's day
access = logging.getLogger("access")


class DutyRefused(Exception):
    """A shift or a track that is not to be. Nothing was written. `code` is stable; `field` names what it is about."""

    def __init__(self, code: str, detail: str, field: str = ""):
        super().__init__(detail)
        self.code, self.field = code, field


@dataclass(frozen=True)
class Fix:
    """Where a phone was at a moment."""

    at: datetime
    lon: float
    lat: float
    accuracy_m: float | None = None


def present(at: datetime) -> QuerySet[Shift]:
    """The shifts that are under way at a moment of the present; a forgotten one is over after SHIFT_HOURS."""
    return Shift.objects.filter(until=None, since__gt=at - timedelta(hours=settings.SHIFT_HOURS), since__lte=at)


def over(shift: Shift, at: datetime) -> bool:
    """Whether a shift has ended at a moment of the present: said, or forgotten."""
    return shift.until is not None or shift.since <= at - timedelta(hours=settings.SHIFT_HOURS)


def latest(officer: Officer) -> Shift | None:
    """The officer's present shift, or the last one that he had."""
    return Shift.objects.filter(officer=officer).order_by("-since").first()


@transaction.atomic
def begin(officer: Officer, at: datetime | None = None) -> Shift:
    """He is on duty since a moment, by default now; who is on duty already stays so. Raises DutyRefused.

    Phones that had no network say it later, up to SHIFT_HOURS.
    """
    since, last = _moment(at), _own(officer)
    if last and not over(last, since):
        return last
    if last:
        _forget(last)
    if last and last.until and last.until > since:
        raise DutyRefused("shift_overlaps", _("这个时间在上一班次之内。"), "at")
    return Shift.objects.create(officer=officer, since=since)


@transaction.atomic
def end(officer: Officer, at: datetime | None = None) -> Shift | None:
    """He goes off duty at a moment, by default now; who is off duty already stays so. Raises DutyRefused."""
    until, last = _moment(at), _own(officer)
    if last is None or last.until:
        return last
    if until < last.since:
        raise DutyRefused("shift_overlaps", _("离岗时间不能早于上岗时间。"), "at")
    last.until = min(until, last.since + timedelta(hours=settings.SHIFT_HOURS))
    if last.seen_at and last.seen_at > last.until:
        last.point = last.seen_at = None
    last.save(update_fields=["until", "point", "seen_at"])
    Track.objects.filter(shift=last, at__gt=last.until).delete()  # sent before he could say that he had left
    return last


def _own(officer: Officer) -> Shift | None:
    """The officer's latest shift, with his row locked: one word at a time."""
    Officer.objects.select_for_update().get(pk=officer.pk)
    return latest(officer)


def _moment(at: datetime | None) -> datetime:
    """When a phone says that it was. Raises DutyRefused for what cannot be."""
    here = now()
    if at is None:
        return here
    if not timedelta(seconds=-AHEAD_S) <= here - at <= timedelta(hours=settings.SHIFT_HOURS):
        sentence = _("时间须在最近 %(hours)g 小时之内，且不在未来。") % {"hours": settings.SHIFT_HOURS}
        raise DutyRefused("moment_unfit", sentence, "at")
    return min(at, here)


def _forget(shift: Shift) -> None:
    """End a shift whose end nobody said, where he was seen last."""
    if shift.until is None:
        shift.until, shift.forgotten = shift.seen_at or shift.since, True
        shift.save(update_fields=["until", "forgotten"])


def tidy() -> None:
    """End shifts that were forgotten; make room for the tracks to come, and throw away the old ones. Idempotent."""
    for shift in Shift.objects.filter(until=None, since__lte=now() - timedelta(hours=settings.SHIFT_HOURS)):
        _forget(shift)
    with connection.cursor() as cursor:
        cursor.execute("SELECT grid_track_keep(%s)", [now() - timedelta(days=settings.TRACK_DAYS)])


KEEP = """
    INSERT INTO grid_track (shift_id, at, point, accuracy_m)
    SELECT shift.id, said.at, ST_SetSRID(ST_MakePoint(said.lon, said.lat), %(srid)s), said.accuracy_m
    FROM unnest(%(at)s::timestamptz[], %(lon)s::float8[], %(lat)s::float8[], %(accuracy_m)s::float8[])
        AS said (at, lon, lat, accuracy_m)
    JOIN grid_shift AS shift ON shift.officer_id = %(officer)s
        AND said.at BETWEEN shift.since AND coalesce(shift.until, %(until)s)
        AND said.at <= shift.since + %(longest)s
    WHERE said.at > %(oldest)s
    ON CONFLICT (shift_id, at) DO NOTHING
"""

SEEN = """
    UPDATE grid_shift AS shift SET point = said.point, seen_at = said.at
    FROM (SELECT at, point FROM grid_track WHERE shift_id = %s AND at >= %s ORDER BY at DESC LIMIT 1) AS said
    WHERE shift.id = %s AND (shift.seen_at IS NULL OR shift.seen_at < said.at)
"""


@transaction.atomic
def follow(officer: Officer, fixes: Sequence[Fix]) -> int:
    """Keep where an officer was while on duty, and say how many positions are new. What lies outside of his shifts,
    or is older than TRACK_DAYS, is not kept. Three statements, however many positions; the same again is no harm."""
    if not fixes:
        return 0
    here = now()
    said = {name: [getattr(fix, name) for fix in fixes] for name in ("at", "lon", "lat", "accuracy_m")}
    more: dict[str, Any] = {
        "srid": SRID,
        "officer": officer.pk,
        "until": here + timedelta(seconds=AHEAD_S),
        "longest": timedelta(hours=settings.SHIFT_HOURS),
        "oldest": here - timedelta(days=settings.TRACK_DAYS),
    }
    with connection.cursor() as cursor:
        cursor.execute(KEEP, said | more)
        kept: int = cursor.rowcount
        if kept and (shift := latest(officer)):
            cursor.execute(SEEN, [shift.pk, shift.since, shift.pk])
    return kept


def on_duty(by: Officer) -> list[Shift]:
    """Who is on duty now in the territory that `by` watches: whose beats lie there. The look is logged."""
    found = present(now()).select_related("officer", "officer__department").order_by("officer__username")
    if by.area:
        found = found.filter(officer__in=_working_in(by.area))
    seen = list(found)
    access.info("positions of %d on duty officer=%s", len(seen), by.pk)
    return seen


def _working_in(area: Area) -> QuerySet[Any, Any]:
    """Who has a beat in an area."""
    return Beat.objects.filter(cells__area__code__startswith=area.code, officers__isnull=False).values("officers")


def track(
    officer: Officer, day: date, *, by: Officer, after: datetime | None = None, most: int = MOST_DRAWN
) -> list[Track]:
    """Where an officer was on a local day, in the order of time: so many positions after a moment. Another's, if he has
    a beat in one's territory; each look at one is logged. Raises DutyRefused."""
    if officer.pk != by.pk:
        if not by.holds(*FOLLOW):
            raise DutyRefused("not_your_track", _("他人轨迹由值班长、督办领导、审计员查看。"), "officer")
        if by.area and not Officer.objects.filter(pk=officer.pk, pk__in=_working_in(by.area)).exists():
            sentence = _(
                "您的辖区是%(area)s，只能查看责任网格在辖区之内的人员的轨迹；其他人的由其辖区的值班长、领导查看。"
            )
            raise DutyRefused("not_your_ground", sentence % {"area": named(by.area)}, "officer")
        access.info("track of=%s day=%s officer=%s", officer.pk, day, by.pk)
    if not 0 <= (today() - day).days <= settings.TRACK_DAYS + 1:
        return []
    begins = datetime.combine(day, time.min, ZoneInfo(settings.TIME_ZONE))
    within = Track.objects.filter(shift__officer=officer, at__gte=begins, at__lt=begins + timedelta(days=1))
    if after:
        within = within.filter(at__gt=after)
    return list(within.order_by("at")[:most])


def at_hand(point: Point, at: datetime) -> QuerySet[Shift]:
    """The shifts under way of those who are within CHECK_NEAR_M of a point, by a fresh last position."""
    fresh = present(at).filter(seen_at__gte=at - timedelta(minutes=settings.TRACK_FRESH_MINUTES))
    return fresh.filter(point__distance_lte=(point, D(m=settings.CHECK_NEAR_M)))
