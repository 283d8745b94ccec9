"""My exports: order one, see how far it is, fetch it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import FileResponse, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from cases import exports, rulebook
from cases.models import Export

from ..door import STAFF, Request, desk
from ..filters import Filters

KEPT = ("kind", "since", "until", "basis", "scheme", "span", "day", "month", "revision", "live")


@require_safe
@desk(*STAFF)
def mine(request: Request) -> HttpResponse:
    """The exports that I ordered; htmx asks for the list alone, again and again while something is under way."""
    rows = exports.of(request.user)
    busy = any(row.status in exports.UNDER_WAY for row in rows)
    part = "HX-Request" in request.headers
    page = "console/part/exports.html" if part else "console/exports.html"
    return render(request, page, {"exports": [(row, exports.told(row)) for row in rows], "busy": busy})


@require_POST
@desk(*STAFF)
def ask(request: Request, sheet: str) -> HttpResponseBase:
    """Order an export: of cases, by the filters of the list that one is looking at; of figures, by their period."""
    exports.ask(request.user, sheet, request.POST.get("form", "csv"), _terms(request, sheet))
    return redirect("console:exports")


def _terms(request: Request, sheet: str) -> dict[str, Any]:
    how = {name: True for name in ("personal", exports.AS_TEXT) if name in request.POST}
    if sheet == "cases":
        return Filters(request.GET, rulebook.current(), request.user).terms | how
    return {name: request.POST[name] for name in KEPT if name in request.POST} | how


@require_safe
@desk(*STAFF)
def fetch(request: Request, uuid: UUID) -> HttpResponseBase:
    """The file. Each time is logged."""
    export = _mine(request, uuid)
    return FileResponse(exports.fetch(export).open("rb"), as_attachment=True, filename=exports.name(export))


@require_POST
@desk(*STAFF)
def stop(request: Request, uuid: UUID) -> HttpResponseBase:
    """Not needed any more."""
    exports.stop(_mine(request, uuid))
    return redirect("console:exports")


def _mine(request: Request, uuid: UUID) -> Export:
    return get_object_or_404(Export, uuid=uuid, officer=request.user)
