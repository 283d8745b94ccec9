"""The monthly bulletin (月报), for who makes his own of it."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from ninja import Query, Router, Schema
from pydantic import Field

from cases import bulletin
from cases.bulletin import article
from cases.flow import Refused
from grid.roles import CENTRE, DEPARTMENT

from ..auth import Request, officer
from ..problems import Problem
from ..schemas import Said
from ..vocabulary import Count

router = Router(tags=["stats"])


class AskedMonth(Said):
    """Which month, and which issue of it."""

    month: str = Field(max_length=7, pattern=r"^20\d\d-(0[1-9]|1[0-2])$", examples=["2026-10"])
    revision: Count | None = Field(None, description="none: the last that was issued, else the draft")


class BulletinOut(Schema):
    """A month of the city. `revision` is null where it is a draft, which changes until it is issued."""

    month: str
    revision: int | None
    reason: str
    at: datetime | None
    facts: list[str] = Field(description="what is worth a sentence, in the reader's language")
    said: dict[str, Any] = Field(description="counts of the city, streets, departments, classes; the rankings")


@router.get(
    "stats/bulletin",
    auth=officer(*CENTRE, *DEPARTMENT),
    response={200: BulletinOut, 401: Problem, 403: Problem, 404: Problem, 422: Problem},
)
def month(request: Request, asked: Query[AskedMonth]) -> BulletinOut:
    """The bulletin of a month. A draft is for those of the centre who look at the whole city."""
    if not bulletin.may_read(request.auth, asked.month, revision=asked.revision):
        raise Refused("not_issued", _("这个月的月报还没有发布；草稿供负责全市的中心岗位查看。"), field="month")
    reading = bulletin.read(asked.month, revision=asked.revision)
    issue = reading.issue
    return BulletinOut(
        month=asked.month,
        revision=issue.revision if issue else None,
        reason=issue.reason if issue else "",
        at=issue.at if issue else None,
        facts=article.facts(reading.bulletin),
        said=asdict(reading.bulletin),
    )
