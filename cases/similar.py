"""Similar cases (相似案卷): of the same class, near by and still open, so that one thing is not reported twice.

How near, how long ago and what counts as the same class are rows (`Likeness`). Only cases that somebody works on are
similar: a duplicate stands for its master, a child for its parent, and what comes back after a closing is a case of
its own, or a reopening.
Whoever is about to report must be warned of any of them; what a door may tell of one is the door's matter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import cos, radians
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Exists, OuterRef, Subquery

from grid.crs import metres
from grid.models import SRID, Officer

from .flow import OWED
from .models import Case, Evidence
from .rulebook import Rulebook

MOST = 10
DEGREE_M = 111_000  # a little less than a degree of latitude is long anywhere, so that the box is never too small


# The stages as literals, or the partial index would not serve it.
NEAR = f"""
    SELECT id, ST_X(point), ST_Y(point) FROM cases_case
    WHERE point && ST_MakeEnvelope(%s, %s, %s, %s, %s) AND category_id = ANY(%s) AND reported_at >= %s
      AND parent_id IS NULL AND stage IN ({", ".join(f"'{stage.value}'" for stage in OWED)})
"""  # noqa: S608  our own words


@dataclass(frozen=True)
class Similar:
    """A similar case, how many metres away, and what to show of it: its first photo's hash ("" without one)."""

    pk: int
    uuid: UUID
    number: str
    stage: str
    reported_at: datetime
    metres: float
    photo: str
    visible: bool  # to whoever asked


def to(book: Rulebook, case: Case, at: datetime, *, by: Officer) -> list[Similar]:
    """The cases similar to a case, which is not similar to itself. As `near`."""
    return near(book, case.point.x, case.point.y, case.category_id, at, by=by, but=case.pk)


def near(
    book: Rulebook, lon: float, lat: float, category: int, at: datetime, *, by: Officer, but: int | None = None
) -> list[Similar]:
    """The cases similar to one that would be reported at a WGS84 point now, the nearest first, at most ten.

    One statement, in plain SQL for each report asks it, a second to tell what was found, and none where no row says
    what is similar. Distances as `grid.crs.metres`.
    """
    row = book.alike(category)
    if row is None:
        return []
    west, south, east, north = _box(lon, lat, row.metres)
    since = at - timedelta(days=row.days)
    with connection.cursor() as cursor:
        cursor.execute(NEAR, [west, south, east, north, SRID, book.same_class(category, row), since])
        measured = [(metres((lon, lat), (x, y)), pk) for pk, x, y in cursor.fetchall() if pk != but]
    close = {pk: off for off, pk in sorted(measured)[:MOST] if off <= row.metres}
    return _shown(close, by) if close else []


def _shown(close: Mapping[int, float], by: Officer) -> list[Similar]:
    """What to show of cases of which the distances are known, the nearest first."""
    told = (
        Case.objects.filter(pk__in=close)
        .annotate(
            photo=Subquery(Evidence.objects.filter(case=OuterRef("pk")).order_by("id").values("photo_id")[:1]),
            visible=Exists(Case.objects.visible_to(by).filter(pk=OuterRef("pk"))),
        )
        .values("pk", "uuid", "number", "stage", "reported_at", "photo", "visible")
    )
    rows: dict[int, dict[str, Any]] = {row["pk"]: {**row, "photo": row["photo"] or ""} for row in told}
    return [Similar(**rows[pk], metres=off) for pk, off in close.items()]


def _box(lon: float, lat: float, within_m: float) -> tuple[float, float, float, float]:
    """West, south, east and north of a box of degrees that holds every point within so many metres."""
    north = within_m / DEGREE_M
    east = north / max(cos(radians(lat)), 0.01)
    return lon - east, lat - north, lon + east, lat + north
