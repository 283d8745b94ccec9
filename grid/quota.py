"""How much of what one account, or one address, may do: a little at once, and so much a day.

A stretch of STRETCH_S begins with the first act and then anew with the first one after it; a day is the city's. Each
act costs one statement, in the transaction of what is written: what is not written is not counted, and two processes
count together. Nothing is lost by a restart. The limits are settings.LIMITS, "so many in ten minutes / so many a day",
generous to a phone that brings what it collected without a network.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from .models import Officer, Spending
from .moment import local_day, now

STRETCH_S = 600
KEPT_DAYS = 90  # after its last act, for which a row is kept


class Kind(StrEnum):
    """What is counted, as the keys of settings.LIMITS."""

    REPORTS = "reports"
    MOVES = "moves"
    PHOTO_KB = "photo_kb"
    TRACK = "track"
    EXPORTS = "exports"
    WRITES = "writes"


NAMES = {
    Kind.REPORTS: gettext_lazy("上报案卷"),
    Kind.MOVES: gettext_lazy("办理案卷"),
    Kind.PHOTO_KB: gettext_lazy("上传照片"),
    Kind.TRACK: gettext_lazy("上传轨迹"),
    Kind.EXPORTS: gettext_lazy("导出文件"),
    Kind.WRITES: gettext_lazy("保存修改"),
}


class Limit(NamedTuple):
    """At most `lately` in a stretch of so many seconds, and `today` in a day."""

    lately: int
    today: int
    stretch_s: int = STRETCH_S


class Overspent(Exception):
    """Too much: nothing was written. The same may be tried again at `again_at`."""

    code = "too_many"

    def __init__(self, kind: Kind, again_at: datetime):
        self.again_at = again_at
        at = again_at.astimezone(ZoneInfo(settings.TIME_ZONE))
        says = _("“%(kind)s”过于频繁，已到上限，请在 %(at)s 之后原样重发。")
        super().__init__(says % {"kind": NAMES[kind], "at": f"{at:%m-%d %H:%M}"})

    @property
    def after_s(self) -> int:
        """For Retry-After."""
        return seconds_until(self.again_at)


SPEND = """
    INSERT INTO grid_spending AS mine (who, kind, since, lately, day, today)
    VALUES (%(who)s, %(kind)s, %(at)s, %(count)s, %(day)s, %(count)s)
    ON CONFLICT (who, kind) DO UPDATE SET
        since = CASE WHEN mine.since > %(before)s AND mine.since < %(ahead)s THEN mine.since ELSE %(at)s END,
        lately = CASE WHEN mine.since > %(before)s AND mine.since < %(ahead)s THEN mine.lately ELSE 0 END + %(count)s,
        day = %(day)s,
        today = CASE WHEN mine.day = %(day)s THEN mine.today ELSE 0 END + %(count)s
    WHERE CASE WHEN mine.since > %(before)s AND mine.since < %(ahead)s THEN mine.lately ELSE 0 END + %(count)s
            <= %(most_lately)s
        AND CASE WHEN mine.day = %(day)s THEN mine.today ELSE 0 END + %(count)s <= %(most_today)s
"""


def spend(officer: Officer, kind: Kind, count: int = 1) -> None:
    """Count an act of an officer. Raises Overspent; call it in the transaction of what is written."""
    limit = Limit(*settings.LIMITS[kind])
    if not take(f"officer:{officer.pk}", kind, limit, count):
        raise Overspent(kind, opens_at(f"officer:{officer.pk}", kind, limit, count) or now())


def take(who: str, kind: str, limit: Limit, count: int = 1) -> bool:
    """Count an act if it is within the limit. Its row is locked until the transaction ends."""
    at = now()
    count = min(count, limit.lately, limit.today)  # what is larger than a limit fits into an empty stretch
    said: dict[str, Any] = {
        "who": who,
        "kind": str(kind),
        "at": at,
        "before": at - timedelta(seconds=limit.stretch_s),
        "ahead": at + timedelta(seconds=limit.stretch_s),  # who waited for the row asked what time it is before
        "day": local_day(at),
        "count": count,
        "most_lately": limit.lately,
        "most_today": limit.today,
    }
    with connection.cursor() as cursor:
        cursor.execute(SPEND, said)
        return bool(cursor.rowcount)


def opens_at(who: str, kind: str, limit: Limit, count: int = 1) -> datetime | None:
    """From when on so many more are within the limit; None: now."""
    row, at = Spending.objects.filter(who=who, kind=str(kind)).first(), now()
    if row is None:
        return None
    stretch, waits = timedelta(seconds=limit.stretch_s), []
    ends = row.since + stretch
    if row.since - stretch < at < ends and row.lately + count > limit.lately:
        waits.append(ends)
    if row.day == local_day(at) and row.today + count > limit.today:
        waits.append(datetime.combine(row.day + timedelta(days=1), time(), ZoneInfo(settings.TIME_ZONE)))
    return max(waits, default=None)


def seconds_until(moment: datetime) -> int:
    """At least one."""
    return max(1, int((moment - now()).total_seconds()) + 1)


def tidy() -> None:
    """Forget what nobody has spent for long. Idempotent."""
    Spending.objects.filter(since__lt=now() - timedelta(days=KEPT_DAYS)).delete()
