"""What a browser must know to draw the map: where the ground lies, what may be shown, and what lies under it."""

from __future__ import annotations

from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.gis.db.models import Extent
from django.db.models import Count
from django.db.models.functions import Left
from django.urls import reverse
from django.utils.translation import gettext as _

from cases import atlas, ground
from cases.flow import Stage
from cases.models import Publication
from grid import levels
from grid.duty import WATCH
from grid.models import Area, Component, Officer, Road
from grid.moment import today
from grid.roles import CENTRE, DEPARTMENT
from grid.tile import FURTHEST, NEAREST
from grid.words import english, named

from .middleware import POLICY

ROLES = (*CENTRE, *DEPARTMENT)
FAR = 3.0  # degrees: where a ground reaches further, one look at all of it shows dots
CHINA = (73.0, 18.0, 135.0, 54.0)  # where there is no ground yet
TIANDITU = "https://t{n}.tianditu.gov.cn/{layer}_w/wmts?SERVICE=WMTS&REQUEST=GetTile&VERSION=1.0.0&LAYER={layer}\
&STYLE=default&TILEMATRIXSET=w&FORMAT=tiles&TILEMATRIX={{z}}&TILEROW={{y}}&TILECOL={{x}}&tk={key}"
TIANDITU_HOSTS = range(8)


def config(officer: Officer) -> dict[str, Any]:
    """For map.js, as JSON."""
    boxes = grounds(officer)
    return {
        "tiles": tiles("{layer}"),
        "scope": scope(officer),
        "bounds": boxes[0][1] if boxes else extent(officer),
        "grounds": boxes,
        "zooms": [FURTHEST, NEAREST],
        "from": {
            "communities": atlas.COMMUNITIES,
            "cells": atlas.CELLS,
            "cases": atlas.SINGLES,
            "things": atlas.THINGS,
        },
        "base": base(),
        "attribution": attribution(),
        "digits": {"community": levels.width("community"), "street": levels.between()},
        "grades": {kind: grades(kind) for kind in ("cell", "community", "street")},
        "place": reverse("console:map_place"),
        "duty": reverse("console:map_duty") if officer.holds(*WATCH) else "",
        "today": today().isoformat(),
        "english": english(),
        "words": {
            "cell": _("单元网格"),
            "community": levels.word("community"),
            "street": levels.word("street"),
            "failed": _("地图没有载入。请用下面的表格。"),
            "seen": _("最后位置"),
            "ungraded": _("还没有发布过考核。"),
        },
        "stages": {stage.value: str(stage.label) for stage in Stage},
        "states": {state.value: str(state.label) for state in Component.State},
    }


def tiles(layer: str) -> str:
    """The address of a layer's tiles, as map libraries want it."""
    return reverse("console:tile", args=["LAYER", 0, 0, 0]).replace("LAYER/0/0/0", layer + "/{z}/{x}/{y}")


def scope(officer: Officer) -> str:
    """The same for officers who see the same: it keeps tiles of one apart from those of another in one browser."""
    said = [officer.pk, *officer.roles, officer.area_id, officer.department_id]
    return sha256(repr(said).encode()).hexdigest()[:12]


def extent(officer: Officer) -> tuple[float, ...]:
    """West, south, east and north of his ground."""
    return ground.cells(officer).aggregate(box=Extent("shape"))["box"] or CHINA


def grounds(officer: Officer) -> list[tuple[str, tuple[float, ...]]]:
    """Name and box of each district of a ground too wide for one look, the fullest first; else none."""
    west, south, east, north = extent(officer)
    wide = levels.width("district")
    if not wide or max(east - west, north - south) < FAR:
        return []
    apart = ground.cells(officer).annotate(district=Left("code", wide)).values("district").order_by("district")
    boxes = {row["district"]: row for row in apart.annotate(box=Extent("shape"), n=Count("pk"))}
    names = {row.code: named(row) for row in Area.objects.filter(code__in=boxes)}
    ordered = sorted(boxes, key=lambda code: (-boxes[code]["n"], code))
    return [(names.get(code, code), boxes[code]["box"]) for code in ordered]


def grades(kind: str) -> list[tuple[str, str]]:
    """The grades of what was published last of a kind, each with its colour: those that tiles of cells tell."""
    published = Publication.objects.filter(scheme__kind=kind).order_by("-until", "-since", "-revision", "-id")
    said = published.values_list("said", flat=True).first() or {}
    return [(str(letter), str(colour)) for letter, _low, colour in said.get("grades", ())]


def base() -> list[list[str]]:
    """The addresses of the base map, a list for each layer of pictures: 天地图 has its lettering apart."""
    if settings.TIANDITU_KEY:
        key = settings.TIANDITU_KEY
        return [[TIANDITU.format(n=n, layer=layer, key=key) for n in TIANDITU_HOSTS] for layer in ("vec", "cva")]
    return [[settings.MAP_TILES_URL]] if settings.MAP_TILES_URL else []


def attribution() -> str:
    """Of whom what is drawn is; licences want it shown."""
    lines = Road.objects.exclude(attribution="").values_list("attribution", flat=True).distinct()
    under = _("天地图") if settings.TIANDITU_KEY else settings.MAP_ATTRIBUTION
    return " · ".join(filter(None, [under, *lines]))


def policy() -> str:
    """The Content-Security-Policy of the page of the map: the base map's hosts, and no others, may be asked too."""
    addresses = (urlsplit(address) for layer in base() for address in layer)
    hosts = " ".join(sorted({f"{said.scheme}://{said.netloc}" for said in addresses}))
    if not hosts:
        return POLICY
    return POLICY.replace("img-src 'self'", f"img-src 'self' {hosts}") + f"; connect-src 'self' {hosts}"
