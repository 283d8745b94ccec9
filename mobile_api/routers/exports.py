"""Exports (导出): files that the worker writes, to be fetched when they are done."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import FileResponse
from django.shortcuts import get_object_or_404
from ninja import Router, Status
from pydantic import Field, RootModel

from cases import exports
from cases.models import Export
from cases.periods import Span
from grid import quota

from ..auth import Request, officer
from ..counting import counts_itself
from ..filters import TERMS, Filters
from ..operations import download
from ..problems import Problem
from ..schemas import Coded, Said, Told
from ..vocabulary import Code, Day
from .cases import STAFF

router = Router(tags=["exports"])
REFUSALS = {401: Problem, 403: Problem, 404: Problem, 409: Problem, 422: Problem}
FILE = download("the file", "text/csv", "application/*")
APART = {"sheet", "form", "spreadsheet"}  # what is no term of the sheet


class Table(Said):
    """A file of rows."""

    form: Literal["csv", "xlsx"] = "csv"
    spreadsheet: bool = Field(
        False, description='codes in CSV as ="440304001001001", so that a spreadsheet keeps all their digits'
    )

    def how(self) -> dict[str, Any]:
        """What of the terms says how the file is written."""
        return {exports.AS_TEXT: True} if self.spreadsheet and self.form == "csv" else {}


class CasesIn(Table):
    """Cases, as in GET cases."""

    sheet: Literal["cases"]
    cases: Filters | None = Field(None, description="which; none: all that I may see")
    personal: bool = Field(
        False, description="numbers of phones and cards as written, else masked; for shift leaders and leaders, logged"
    )

    def terms(self) -> dict[str, Any]:
        said = self.cases.model_dump(mode="json", include=set(TERMS)) if self.cases else {}
        said["personal"] = self.personal or None
        return {name: value for name, value in said.items() if value not in (None, "", [])} | self.how()


class FiguresIn(Table):
    """Every count of the subjects of a kind that I may look at, over some local days."""

    sheet: Literal["figures"]
    kind: str = Field(max_length=20, description="department, street, cell, officer, category …")
    since: str = Field(max_length=10, description="the first local day", examples=["2026-10-01"])
    until: str = Field(max_length=10, description="the last local day", examples=["2026-10-31"])
    basis: Literal["flow", "cohort"] = "flow"

    def terms(self) -> dict[str, Any]:
        return self.model_dump(mode="json", exclude=APART) | self.how()


class RankingIn(Table):
    """A ranking, live."""

    sheet: Literal["scores"]
    scheme: Code = Field(description="its code")
    span: Span = Field(Span.MONTH, description="how long a period")
    day: Day = Field(description="any day of the period")
    basis: Literal["flow", "cohort"] | None = Field(None, description="none: the scheme's own")

    def terms(self) -> dict[str, Any]:
        return self.model_dump(mode="json", exclude=APART, exclude_none=True) | self.how()


class BulletinIn(Said):
    """A month's bulletin, as issued last, else the draft."""

    sheet: Literal["bulletin"]
    form: Literal["pdf"] = "pdf"
    month: str = Field(max_length=7, examples=["2026-10"])

    def terms(self) -> dict[str, Any]:
        return {"month": self.month}


class ExportIn(RootModel[Annotated[CasesIn | FiguresIn | RankingIn | BulletinIn, Field(discriminator="sheet")]]):
    """What is wanted; `sheet` says of what. The same again while it is under way is the same export."""


class ExportOut(Told):
    """An export, and how far it is."""

    id: UUID
    sheet: str
    form: str
    name: str = Field(description="of the file: what, which days, which filters")
    status: Coded
    rows: int = Field(description="written so far")
    total: int = Field(description="of so many, as counted when it was asked for; 0: not known")
    made_at: datetime
    ended_at: datetime | None


@router.post("exports", auth=officer(*STAFF), response={202: ExportOut, **REFUSALS})
@counts_itself
def ask(request: Request, body: ExportIn) -> Status[ExportOut]:
    """Order a file of what I may see. The worker writes it; ask for it until its status is `done`."""
    quota.spend(request.auth, quota.Kind.EXPORTS)
    asked = body.root
    return Status(202, _told(exports.ask(request.auth, asked.sheet, asked.form, asked.terms())))


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
    export = _mine(request, id)
    return FileResponse(exports.fetch(export).open("rb"), as_attachment=True, filename=exports.name(export))


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
        name=exports.name(row),
        status=Coded(code=row.status, label=str(row.get_status_display())),
        rows=row.rows,
        total=row.total,
        made_at=row.made_at,
        ended_at=row.ended_at,
    )
