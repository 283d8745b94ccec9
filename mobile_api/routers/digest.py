"""My digest: what waits for me and is late, or will be within a day."""

from __future__ import annotations

from datetime import datetime

from ninja import Query, Router, Schema
from pydantic import Field

from cases import docket
from grid.crs import Crs
from grid.moment import now

from .. import digest as digests
from .. import telling
from ..auth import Request, officer
from ..problems import Problem
from ..schemas import CaseLine

router = Router(tags=["inbox"])
REFUSALS = {401: Problem, 403: Problem, 422: Problem}


class DigestOut(Schema):
    """What waits for my hand and is late, or will be within 24 hours."""

    at: datetime
    late: int
    soon: int = Field(description="due within 24 hours")
    items: list[CaseLine] = Field(description="the longest late first")


@router.get("digest", auth=officer(), response={200: DigestOut, **REFUSALS})
def digest(request: Request, crs: Crs = Crs.WGS84, limit: int = Query(50, ge=1, le=200)) -> DigestOut:  # type: ignore[type-arg]
    """What waits for my hand and is late, or will be within 24 hours. Each morning the same goes out by e-mail."""
    at = now()
    found = digests.of(request.auth, at)
    late = found.filter(due_at__lt=at).count()
    return DigestOut(
        at=at,
        late=late,
        soon=found.count() - late,
        items=[telling.line(case, crs, at) for case in found.select_related(*docket.RELATED)[:limit]],
    )
