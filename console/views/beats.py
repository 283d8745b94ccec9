"""The cells of a street, to be given to a beat on the map."""

from __future__ import annotations

import json

from django.contrib.gis.db.models.functions import AsGeoJSON
from django.db.models import QuerySet
from django.http import HttpResponse, JsonResponse

from grid import levels
from grid.keeping import kept_by
from grid.models import Area, Beat, Cell
from grid.vocabulary import whole
from grid.words import named

from ..door import Request, desk
from .settings import KEEPERS


@desk(*KEEPERS)
def streets(request: Request) -> JsonResponse:
    """The streets that have cells, and which of them a beat's cells lie in, by the beat's key in `beat`."""
    cells = kept_by(request.user, Cell.objects.current())
    lie = set(_codes(cells.filter(beats=whole(request.GET.get("beat")))))
    rows = Area.objects.filter(code__in=set(_codes(cells))).order_by("code")
    return JsonResponse({"items": [{"code": row.code, "name": named(row), "mine": row.code in lie} for row in rows]})


def _codes(cells: QuerySet[Cell]) -> list[str]:
    areas = cells.values_list("area__code", flat=True).distinct().order_by()
    return [code[: levels.between()] for code in areas]


@desk(*KEEPERS)
def cells(request: Request) -> HttpResponse:
    """The cells of the street in `street` as GeoJSON (WGS84), each with the beats that have it."""
    kept = kept_by(request.user, Cell.objects.current())
    rows = kept.filter(area__code__startswith=request.GET.get("street") or "-")
    told = list(rows.annotate(shown=AsGeoJSON("shape", precision=6)).values_list("pk", "code", "shown"))
    of: dict[int, list[str]] = {}
    for cell, beat in Beat.cells.through.objects.filter(cell__in=rows).values_list("cell_id", "beat__name"):
        of.setdefault(cell, []).append(beat)
    features = ",".join(
        f'{{"type":"Feature","properties":{_said(code, of.get(pk, []))},"geometry":{shown}}}'
        for pk, code, shown in told
    )
    return HttpResponse(f'{{"type":"FeatureCollection","features":[{features}]}}', content_type="application/geo+json")


def _said(code: str, beats: list[str]) -> str:
    return json.dumps({"code": code, "beats": " ".join(beats)}, ensure_ascii=False)
