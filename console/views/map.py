"""The map: what lies where, and a table that says the same."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from cases import ground, load
from cases.heat import Counted
from cases.models import Case
from grid import duty
from grid.duty import WATCH
from grid.moment import now

from .. import finding
from .. import map as drawing
from ..door import Request, desk
from ..map import ROLES

SHOWN = 8  # cases of a place: the rest is a click away
ROWS = 100
SPANS = (1, 7, 30, 90, 365)  # days of the heat map


@require_safe
@desk(*ROLES)
def page(request: Request) -> HttpResponseBase:
    """The map. What it shows stands in its address."""
    said = {"config": drawing.config(request.user), "counted": Counted.choices, "spans": SPANS}
    answer = render(request, "console/map.html", said)
    answer["Content-Security-Policy"] = drawing.policy()
    return answer


@require_safe
@desk(*ROLES)
def place(request: Request) -> HttpResponseBase:
    """What lies in a cell, a community or a street (`code`), or one case (`number`): a part of the page."""
    seen = Case.objects.visible_to(request.user)
    if number := request.GET.get("number"):
        case = seen.select_related("category", "department", "cell__area").get(number=number)
        return render(request, "console/part/map_case.html", {"case": case, "at": now()})
    return render(request, "console/part/map_place.html", _place(request, request.GET.get("code", "")))


def _place(request: Request, code: str) -> dict[str, Any]:
    """Raises ObjectDoesNotExist for what is not on his ground."""
    cell = ground.cells(request.user).select_related("area__parent").filter(code=code).first()
    area = cell.area if cell else ground.areas(request.user).select_related("parent").get(code=code)
    at = now()
    terms = {"cell": code} if cell else {"area": code}
    cases = Case.objects.visible_to(request.user).open().matching(terms, at)
    return {
        "cell": cell,
        "area": area,
        "query": urlencode(terms),
        "load": cases.count(),
        "late": cases.matching({"late": True}, at).count(),
        "cases": cases.select_related("category", "department").order_by("due_at", "id")[:SHOWN],
        "beats": cell.beats.prefetch_related("officers") if cell else [],
        "at": at,
    }


@require_safe
@desk(*ROLES)
def find(request: Request) -> HttpResponseBase:
    """Places by what somebody types: a case's number or place, a cell's code, names of areas, officers and roads."""
    said = finding.words(request.GET.get("q", ""))
    found = finding.find(request.user, said, *finding.KINDS)
    return render(request, "console/part/found.html", {"found": found, "said": said})


@require_safe
@desk(*ROLES)
def table(request: Request) -> HttpResponseBase:
    """What the map colours, as a table: the fullest cells, or those of one area, or the areas."""
    by = request.GET.get("by", "cell")
    rows = load.places(request.user, now(), by if by in load.BY else "cell", request.GET.get("area", ""), ROWS)
    areas = ground.areas(request.user).order_by("code")
    said = {"rows": rows, "by": by, "areas": areas, "area": request.GET.get("area", ""), "most": ROWS}
    return render(request, "console/map_table.html", said)


@require_safe
@desk(*WATCH)
def on_duty(request: Request) -> HttpResponseBase:
    """Who is on duty, and where he was last, as GeoJSON. The look is logged."""
    features = [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [shift.point.x, shift.point.y]},
            "properties": {"name": str(shift.officer), "seen_at": shift.seen_at.isoformat()},
        }
        for shift in duty.on_duty(request.user)
        if shift.point and shift.seen_at
    ]
    return JsonResponse({"type": "FeatureCollection", "features": features})
