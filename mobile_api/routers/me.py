"""Who am I, and what does my city look like."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.gis.geos import MultiPolygon, Point
from django.db.models.expressions import RawSQL
from django.http import HttpResponse
from django.utils.cache import get_conditional_response
from django.utils.translation import get_language
from ninja import Query, Router
from pydantic import Field, FiniteFloat

from cases import rulebook
from cases.models import Category, Condition
from cases.reasons import limit
from cases.rulebook import Rulebook
from grid.crs import Crs, from_wgs84, metres, to_wgs84
from grid.models import SRID, Cell, Component, Officer
from grid.moment import now, today
from grid.roles import Role
from grid.words import named, phrased

from ..auth import Request, officer
from ..models import Message
from ..problems import Problem
from ..schemas import Coded, Named, Position, Said, Told
from ..vocabulary import Key, Latitude, Longitude

router = Router(tags=["me"])
REFUSALS = {401: Problem, 403: Problem, 422: Problem}


class Me(Told):
    """The officer who asks."""

    id: int
    username: str
    name: str
    roles: list[Coded]
    department: Named | None
    area: Named | None = Field(description="the territory that a post of the centre sees; none: the whole city")
    beats: list[Named]
    unread: int = Field(description="messages in the inbox that have not been read")
    now: datetime = Field(description="the server's time: compare the phone's clock")


class ConditionOut(Told):
    """立案条件: when to file, how long the work may take, when it is done, what the photos are to show."""

    id: int
    no: int
    region_class: str
    text: str
    limit: str
    closing: str
    guidance: str


class CategoryOut(Told):
    """A sub-class (小类) that can be reported."""

    id: int
    kind: Coded
    major: str
    sub: str
    name: str
    major_name: str
    middle: Named | None = Field(None, description="the class between the two, in cities that have such")
    urgent: bool
    conditions: list[ConditionOut]


class GroundOut(Told):
    """理由: a ground for a verb; where a verb has any, one must be chosen."""

    verb: str
    code: str
    name: str


class City(Told):
    """What a phone keeps to work without a network."""

    scheme: str
    categories: list[CategoryOut]
    departments: list[Named]
    grounds: list[GroundOut] = Field(description="on which grounds a side path may be asked for")
    cells: dict[str, Any] = Field(description="the cells of my beats as a GeoJSON FeatureCollection, in `crs`")
    crs: Crs


class Near(Said):
    """Around a position."""

    lon: Longitude
    lat: Latitude
    crs: Crs
    category: Key | None = Field(None, description="only of this sub-class")
    radius_m: FiniteFloat = Field(50, gt=0, le=500)


class ComponentOut(Told):
    """A registered component (部件) and how far away it is."""

    code: str
    name: str
    point: Position
    metres: float
    state: Coded


@router.get("me", auth=officer(), response={200: Me, **REFUSALS})
def me(request: Request) -> Me:
    """Myself: posts, department, beats, unread messages, and the server's time."""
    by: Officer = request.auth
    return Me(
        id=by.pk,
        username=by.username,
        name=str(by),
        roles=[Coded(code=role, label=str(Role(role).label)) for role in by.roles],
        department=_named(by.department),
        area=_named(by.area),
        beats=[Named(id=beat.pk, code=beat.code, name=beat.name) for beat in by.beats.all()],
        unread=Message.objects.filter(officer=by, read_at=None).count(),
        now=now(),
    )


def _named(row: Any) -> Named | None:
    return _row(row) if row else None


def _row(row: Any) -> Named:
    return Named(id=row.pk, code=row.code, name=named(row))


@router.get("city", auth=officer(), response={200: City, 304: None, **REFUSALS})
def city(request: Request, crs: Crs = Crs.WGS84) -> Any:
    """What a phone keeps to work without a network: categories with their conditions, departments, my cells.

    Send the answer's `ETag` back as `If-None-Match`: 304 says that nothing has changed.
    """
    book = rulebook.current()
    cells = list(_my_cells(request.auth))
    state = [str(book.version), str(today()), crs, get_language(), [[cell.code, cell.area_m2] for cell in cells]]
    etag = f'"{hashlib.sha256(json.dumps(state).encode()).hexdigest()[:32]}"'
    if answer := get_conditional_response(request, etag=etag):
        return answer
    body = City(
        scheme=settings.CATEGORY_SCHEME,
        categories=_categories(book),
        departments=[_row(row) for row in book.departments.values() if row.closed_on is None],
        grounds=[
            GroundOut(verb=verb, code=code, name=named(row))
            for verb, rows in book.grounds.items()
            for code, row in rows.items()
        ],
        cells={"type": "FeatureCollection", "features": [_feature(cell, crs) for cell in cells]},
        crs=crs,
    )
    return HttpResponse(
        body.model_dump_json(),
        content_type="application/json",
        headers={"ETag": etag, "Cache-Control": "private, no-cache"},
    )


def _my_cells(by: Officer) -> Any:
    return Cell.objects.current().filter(beats__officers=by).distinct().order_by("code")


def _categories(book: Rulebook) -> list[CategoryOut]:
    day = today()
    return [
        CategoryOut(
            id=row.pk,
            kind=Coded(code=row.kind, label=str(row.get_kind_display())),
            major=row.major,
            sub=row.sub,
            name=named(row),
            major_name=named(row.lineage[-1]),
            middle=_middle(row.parent),
            urgent=row.urgent,
            conditions=[_condition(condition) for condition in _usable(book, row, day)],
        )
        for row in book.categories.values()
        if row.sub and row.scheme == settings.CATEGORY_SCHEME and row.closed_on is None
    ]


def _middle(row: Category | None) -> Named | None:
    return Named(id=row.pk, code=row.middle, name=named(row)) if row and row.middle else None


def _usable(book: Rulebook, row: Category, day: Any) -> list[Condition]:
    """The conditions in force in any region class."""
    classes = {condition.region_class for condition in book.conditions_of.get(row.pk, ())} | {""}
    found = {condition.pk: condition for name in sorted(classes) for condition in book.in_force(row.pk, day, name)}
    return sorted(found.values(), key=lambda condition: (condition.no, condition.region_class))


def _condition(row: Condition) -> ConditionOut:
    return ConditionOut(
        id=row.pk,
        no=row.no,
        region_class=row.region_class,
        text=phrased(row, "text"),
        limit=limit(row.limit_value, row.limit_unit),
        closing=phrased(row, "closing"),
        guidance=phrased(row, "guidance"),
    )


def _feature(cell: Cell, crs: Crs) -> dict[str, Any]:
    several = isinstance(cell.shape, MultiPolygon)
    parts = [
        [[from_wgs84(lon, lat, crs) for lon, lat, *_z in ring] for ring in part]
        for part in (cell.shape.coords if several else [cell.shape.coords])
    ]
    return {
        "type": "Feature",
        "properties": {"code": cell.code, "region_class": cell.region_class},
        "geometry": {"type": cell.shape.geom_type, "coordinates": parts if several else parts[0]},
    }


NEAREST = 20


@router.get("components", auth=officer(), response={200: list[ComponentOut], **REFUSALS})
def components(request: Request, near: Query[Near]) -> list[ComponentOut]:
    """The registered components near a position, the nearest first, at most 20; of one sub-class if it is given."""
    here = to_wgs84(near.lon, near.lat, near.crs)
    point = Point(*here, srid=SRID)
    registered = Component.objects.filter(closed_on=None)
    if row := rulebook.current().categories.get(near.category or 0):
        registered = registered.filter(scheme=row.scheme, major=row.major, sub=row.sub)
    # The index knows degrees: it gives candidates, the metres decide.
    found = registered.order_by(RawSQL("grid_component.shape <-> %s::geometry", [point.hexewkb.decode()]))[
        : 2 * NEAREST
    ]
    measured = sorted(
        ((metres(here, component.shape.centroid.coords), component) for component in found), key=lambda pair: pair[0]
    )
    return [_component(component, off, near.crs) for off, component in measured[:NEAREST] if off <= near.radius_m]


def _component(row: Component, off: float, crs: Crs) -> ComponentOut:
    lon, lat = from_wgs84(row.shape.centroid.x, row.shape.centroid.y, crs)
    return ComponentOut(
        code=row.code,
        name=row.name,
        point=Position(lon=lon, lat=lat, crs=crs),
        metres=round(off, 1),
        state=Coded(code=row.state, label=str(row.get_state_display())),
    )
