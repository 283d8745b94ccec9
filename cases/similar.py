"""Similar cases (相似案卷): of the same class, near by and still open, so that one thing is not reported twice.

How near, how long ago and what counts as the same class are rows (`Likeness`). Only cases that somebody works on are
similar: a duplicate stands for its master, and what comes back after a closing is a case of its own, or a reopening.
Whoever is about to report must be warned of any of them; what a door may tell of one is the door's matter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import cos, radians
from typing import Any
from uuid import UUID

from django.contrib.gis.geos import Polygon
from django.db.models import Exists, OuterRef, Subquery

from grid.crs import metres
from grid.models import SRID, Officer

from .flow import OWED
from .models import Case, Evidence
from .rulebook import Rulebook

MOST = 10
DEGREE_M = 111_000  # a little less than a degree of latitude is long anywhere, so that the box is never too small


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
    """The cases similar to a case, the nearest first, at most ten. As `near`."""
    found = near(book, case.point.x, case.point.y, case.category_id, at, by=by)
    return [similar for similar in found if similar.pk != case.pk][:MOST]


def near(book: Rulebook, lon: float, lat: float, category: int, at: datetime, *, by: Officer) -> list[Similar]:
    """The cases similar to one that would be reported at a WGS84 point now, the nearest first, at most eleven.

    One statement, none where no row says what is similar. Distances as `grid.crs.metres`.
    """
    row = book.alike(category)
    if row is None:
        return []
    found = (
        Case.objects.filter(stage__in=OWED, point__bboverlaps=_box(lon, lat, row.metres))
        .filter(category__in=book.same_class(category, row), reported_at__gte=at - timedelta(days=row.days))
        .annotate(
            photo=Subquery(Evidence.objects.filter(case=OuterRef("pk")).order_by("id").values("photo_id")[:1]),
            visible=Exists(Case.objects.visible_to(by).filter(pk=OuterRef("pk"))),
        )
        .values("pk", "uuid", "number", "stage", "reported_at", "point", "photo", "visible")
    )
    measured = [_similar(told, (lon, lat)) for told in found]
    close = [similar for similar in measured if similar.metres <= row.metres]
    return sorted(close, key=lambda similar: (similar.metres, similar.pk))[: MOST + 1]


def _similar(told: Mapping[str, Any], here: tuple[float, float]) -> Similar:
    off = metres(here, (told["point"].x, told["point"].y))
    said = {name: fact for name, fact in told.items() if name not in ("point", "photo")}
    return Similar(**said, metres=off, photo=told["photo"] or "")


def _box(lon: float, lat: float, within_m: float) -> Polygon:
    """A box of degrees that holds every point within so many metres."""
    north = within_m / DEGREE_M
    east = north / max(cos(radians(lat)), 0.01)
    box = Polygon.from_bbox((lon - east, lat - north, lon + east, lat + north))
    box.srid = SRID
    return box
