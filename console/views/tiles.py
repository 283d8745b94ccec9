"""Vector tiles of the map. Whose they are is the session's matter; `v` in the address only keeps browsers apart."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from datetime import date, timedelta
from hashlib import md5

from django.conf import settings
from django.http import Http404, HttpResponse, HttpResponseBase, QueryDict
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_safe

from cases import atlas
from cases.heat import Counted, heat
from cases.periods import fits
from grid.moment import now, today
from grid.tile import NoSuchTile, Tile
from grid.vocabulary import day

from ..door import Request, desk
from ..kept import kept
from ..map import ROLES

TYPE = "application/vnd.mapbox-vector-tile"
FRESH = settings.MAP_SECONDS
DAY = 86_400
WORTH_PACKING = 1_000  # bytes

Draw = Callable[[Tile, Request], bytes]


def _heat(tile: Tile, request: Request) -> bytes:
    since, until = period(request.GET)
    return heat(tile, request.user, since, until, _counted(request.GET))


def _counted(said: QueryDict) -> Counted:
    counted = said.get("by") or Counted.REPORTED
    if counted not in Counted:
        raise Http404
    return Counted(counted)


LAYERS: dict[str, tuple[int, Draw]] = {  # for how many seconds it may be shown, and who draws it
    "roads": (DAY, lambda tile, _request: atlas.roads(tile)),
    "areas": (FRESH * 20, lambda tile, request: atlas.areas(tile, request.user)),
    "cells": (FRESH, lambda tile, request: atlas.cells(tile, request.user, now())),
    "cases": (FRESH, lambda tile, request: atlas.cases(tile, request.user, now())),
    "components": (FRESH * 20, lambda tile, request: atlas.components(tile, request.user)),
    "heat": (FRESH * 10, _heat),
}
KEPT = ("cells", "cases", "heat")  # from afar they cost something


@require_safe
@desk(*ROLES)
def tile(request: Request, layer: str, z: int, x: int, y: int) -> HttpResponseBase:
    """One tile. Unchanged ones are answered with 304; an empty one is no content, as map libraries expect."""
    if layer not in LAYERS:
        raise Http404
    try:
        body, age = _body(request, layer, Tile(z, x, y))
    except NoSuchTile:
        raise Http404 from None
    answer = HttpResponse(body, content_type=TYPE) if body else HttpResponse(status=204)
    answer["Cache-Control"] = f"private, max-age={age}"
    answer["Vary"] = "Accept-Encoding, Cookie"
    if not body:
        return answer
    etag = f'"{md5(body, usedforsecurity=False).hexdigest()}"'
    answer["ETag"] = etag
    if len(body) > WORTH_PACKING and "gzip" in request.headers.get("Accept-Encoding", ""):
        answer.content = gzip.compress(body, compresslevel=4, mtime=0)
        answer["Content-Encoding"] = "gzip"
    return get_conditional_response(request, etag=etag, response=answer) or answer


def _body(request: Request, layer: str, tile: Tile) -> tuple[bytes, int]:
    """What is to be sent, and for how many seconds it may be shown."""
    age, draw = LAYERS[layer]
    if layer not in KEPT or tile.z >= atlas.POINTS_FROM:
        return draw(tile, request), age
    name = f"{layer} {tile.z} {tile.x} {tile.y}"
    if layer == "heat":
        since, until = period(request.GET)
        name += f" {_counted(request.GET)} {since} {until}"
    return kept(request.user, name, age, lambda: draw(tile, request))


def period(said: QueryDict) -> tuple[date, date]:
    """Local days, both included; the last thirty where nothing, or nonsense, is said."""
    until = day(said.get("until")) or today()
    since = day(said.get("since")) or until - timedelta(days=29)
    return (since, until) if fits(since, until) else (until - timedelta(days=29), until)
