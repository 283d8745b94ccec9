"""Exports (导出): files that the worker writes, to be fetched when they are done."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from django.http import FileResponse
from django.shortcuts import get_object_or_404
from ninja import Router, Status
from pydantic import Field

from cases import exports
from cases.models import Export
from cases.periods import Span

from ..auth import Request, officer
from ..filters import TERMS, Filters
from ..problems import Problem
from ..schemas import Coded, Said, Told
from .cases import STAFF

router = Router(tags=["exports"])
REFUSALS = {401: Problem, 403: Problem, 404: Problem, 409: Problem, 422: Problem}
BINARY = {"schema": {"type": "string", "format": "binary"}}
FILE = {"responses": {200: {"description": "the file", "content": {"text/csv": BINARY, "application/*": BINARY}}}}


class ExportIn(Said):
    """What is wanted. The same again while it is under way is the same export."""

    sheet: Literal["cases", "figures", "scores", "bulletin"]
    form: Literal["csv", "xlsx", "pdf"] = Field("csv", description="pdf: of the bulletin alone, and it of nothing else")
    cases: Filters | None = Field(None, description="with cases: which; as in GET cases")
    kind: str = Field("", max_length=20, description="with figures: department, street, cell, officer, category …")
    since: str = Field("", max_length=10, description="with figures: the first local day")
    until: str = Field("", max_length=10, description="with figures: the last local day")
    basis: Literal["flow", "cohort"] = "flow"
    scheme: str = Field("", max_length=40, description="with scores: its code")
    span: Span = Field(Span.MONTH, description="with scores: how long a period")
    month: str = Field("", max_length=7, description="with the bulletin: 2026-10, as issued last, else the draft")
    day: date | None = Field(None, description="with scores: any day of the period")

    def terms(self) -> dict[str, Any]:
        if self.sheet == "figures":
            return {"kind": self.kind, "since": self.since, "until": self.until, "basis": self.basis}
        if self.sheet == "bulletin":
            return {"month": self.month}
        if self.sheet == "scores":
            said = {"scheme": self.scheme, "span": self.span, "basis": self.basis}
            return {**said, "day": self.day.isoformat()} if self.day else said
        said = self.cases.model_dump(mode="json", include=set(TERMS)) if self.cases else {}
        return {name: value for name, value in said.items() if value not in (None, "", [])}


class ExportOut(Told):
    """An export, and how far it is."""

    id: UUID
    sheet: str
    form: str
    status: Coded
    rows: int = Field(description="written so far")
    total: int = Field(description="of so many, as counted when it was asked for; 0: not known")
    made_at: datetime
    ended_at: datetime | None


@router.post("exports", auth=officer(*STAFF), response={202: ExportOut, **REFUSALS})
def ask(request: Request, body: ExportIn) -> Status[ExportOut]:
    """Order a file of what I may see. The worker writes it; ask for it until its status is `done`."""
    return Status(202, _told(exports.ask(request.auth, body.sheet, body.form, body.terms())))


@router.get("exports", auth=officer(*STAFF), response={200: list[ExportOut], **REFUSALS})
def mine(request: Request) -> list[ExportOut]:
    """My exports, the newest first, at most 50."""
    return [_told(row) for row in exports.of(request.auth)]


@router.get("exports/{id}", auth=officer(*STAFF), response={200: ExportOut, **REFUSALS})
def one(request: Request, id: UUID) -> ExportOut:
    """How far one of my exports is."""
    return _told(_mine(request, id))


@router.get("exports/{id}/file", auth=officer(*STAFF), response={200: None, **REFUSALS}, openapi_extra=FILE)
def fetch(request: Request, id: UUID) -> Any:
    """The file, once it is done. Each time is logged."""
    path = exports.fetch(_mine(request, id))
    return FileResponse(path.open("rb"), as_attachment=True, filename=path.name)


@router.delete("exports/{id}", auth=officer(*STAFF), response={204: None, **REFUSALS})
def stop(request: Request, id: UUID) -> Status[None]:
    """I need it no more: it is not written on, and what was is thrown away."""
    exports.stop(_mine(request, id))
    return Status(204, None)


def _mine(request: Request, uuid: UUID) -> Export:
    return get_object_or_404(Export, uuid=uuid, officer=request.auth)


def _told(row: Export) -> ExportOut:
    return ExportOut(
        id=row.uuid,
        sheet=row.sheet,
        form=row.form,
        status=Coded(code=row.status, label=str(row.get_status_display())),
        rows=row.rows,
        total=row.total,
        made_at=row.made_at,
        ended_at=row.ended_at,
    )
