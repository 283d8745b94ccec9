"""Tiles hold what their reader may see, and count as the lists do."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from datetime import date, timedelta
from math import asinh, pi, radians, tan
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.gis.geos import LineString, MultiPolygon, Polygon
from django.core.cache import caches
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from cases import atlas, indicators, outbox
from cases.flow import Verb
from cases.heat import Counted, heat
from cases.models import Case, Publication, Scheme
from grid.duty import Fix, begin, follow
from grid.models import Area, Cell, Officer, Road
from grid.moment import now, today
from grid.roles import Role
from grid.tile import NoSuchTile, Tile

from . import acts, mvt
from . import city as town
from .desk import desk

NEAR, FAR = (
    (town.LON + 2 * town.STEP, town.LAT + town.STEP / 2),
    (town.LON + 10.5 * town.STEP, town.LAT + town.STEP / 2),
)


@pytest.fixture
def town_of_two(city: SimpleNamespace, clock) -> SimpleNamespace:
    """The tiny city, and another street beside it with one cell; both have shapes."""
    other = Area.objects.create(code="632701002", name="扎西科街道", parent=city.street.parent)
    place = Area.objects.create(code="632701002001", name="西社区", name_en="West", parent=other)
    box = _box(10, 11)
    city.abroad = Cell.objects.create(code="632701002001001", area=place, shape=box, area_m2=10_000)
    for area, shape in ((city.street, _box(0, 4)), (city.community, _box(0, 4)), (other, box), (place, box)):
        area.shape = MultiPolygon(shape)
        area.save(update_fields=["shape"])
    city.other = other
    return city


def _box(west: int, east: int) -> Polygon:
    return Polygon.from_bbox((town.LON + west * town.STEP, town.LAT, town.LON + east * town.STEP, town.LAT + town.STEP))


def tile_at(z: int, at: tuple[float, float] = NEAR) -> Tile:
    lon, lat = at
    return Tile(z, int((lon + 180) / 360 * 2**z), int((1 - asinh(tan(radians(lat))) / pi) / 2 * 2**z))


def ask(browser: Client, layer: str, z: int, at: tuple[float, float] = NEAR, **said: str) -> Any:
    tile = tile_at(z, at)
    return browser.get(f"/map/tiles/{layer}/{tile.z}/{tile.x}/{tile.y}", said)


def features(browser: Client, layer: str, z: int, at: tuple[float, float] = NEAR, **said: str) -> list[dict[str, Any]]:
    """Those of all tiles around a place: what a screen shows, each once."""
    middle = tile_at(z, at)
    found: dict[Any, dict[str, Any]] = {}
    for x in (-1, 0, 1):
        for y in (-1, 0, 1):
            answer = browser.get(f"/map/tiles/{layer}/{z}/{middle.x + x}/{middle.y + y}", said)
            assert answer.status_code in (200, 204), answer.content
            for one in mvt.read(answer.content).get(layer, []):
                found[one.get("code") or one.get("number") or (x, y, one["at"])] = one
    return list(found.values())


def clerk_of(area: Area, city: SimpleNamespace) -> Officer:
    return Officer.objects.create(username=f"of{area.code}", roles=[Role.CLERK], area=area, password=city.ann.password)


# What a tile holds


def test_near_the_ground_each_cell_tells_its_load_and_what_is_late(town_of_two: SimpleNamespace, clock) -> None:
    for lon in (0.5, 0.5, 2.5):
        town.report(town_of_two, by=town_of_two.carl, source="hotline", lon=town.LON + lon * town.STEP)
    town.report(town_of_two)
    clock.shift(timedelta(hours=1))  # what waits for filing had a quarter of an hour
    told = {one["code"]: (one["load"], one["late"]) for one in features(desk(town_of_two.lena), "cells", 16)}
    codes = [cell.code for cell in town_of_two.cells]
    assert told == {codes[0]: (3, 2), codes[1]: (0, 0), codes[2]: (1, 1), codes[3]: (0, 0)}


@pytest.mark.parametrize(("zoom", "code"), [(12, "632701001001"), (9, "632701001")])
def test_from_afar_cells_count_in_their_area(zoom: int, code: str, town_of_two: SimpleNamespace) -> None:
    town.report(town_of_two)
    town.report(town_of_two, lon=town.LON + 3.5 * town.STEP)
    told = {one["code"]: one["load"] for one in features(desk(town_of_two.lena), "cells", zoom)}
    assert told[code] == 2
    assert set(told.values()) == {0, 2}


def test_the_map_counts_as_the_list_does(town_of_two: SimpleNamespace, clock) -> None:
    for n in range(5):
        town.report(town_of_two, by=town_of_two.carl, source="hotline", lon=town.LON + (n % 4 + 0.5) * town.STEP)
    clock.shift(timedelta(hours=1))
    town.report(town_of_two, by=town_of_two.carl, source="hotline")
    seen = Case.objects.visible_to(town_of_two.lena)
    browser = desk(town_of_two.lena)
    for zoom in (8, 12, 13, 14):
        spots = features(browser, "cases", zoom)
        assert sum(one["n"] for one in spots) == seen.open().count()
        assert sum(one["late"] for one in spots) == seen.matching({"late": True}, now()).count() == 5
    assert sum(one["late"] for one in features(browser, "cells", 16)) == 5


def test_near_the_ground_each_case_stands_for_itself(town_of_two: SimpleNamespace) -> None:
    case = town.report(town_of_two)
    [one] = features(desk(town_of_two.lena), "cases", 17)
    assert (one["number"], one["stage"], one["level"], one["late"]) == (case.number, "handling", 0, 0)
    assert one["id"] == case.pk


@pytest.mark.parametrize(("kind", "zoom"), [("cell", 16), ("community", 12), ("street", 9)])
def test_what_was_published_last_gives_the_grade(kind: str, zoom: int, town_of_two: SimpleNamespace) -> None:
    subject = {"cell": town_of_two.cells[0], "community": town_of_two.community, "street": town_of_two.street}[kind]
    scheme = Scheme.objects.create(code=kind, version=1, name=kind, kind=kind, valid_from=date(2026, 1, 1), said={})
    for month, grade in ((1, "A"), (2, "D")):
        publication = Publication.objects.create(
            scheme=scheme,
            code=kind,
            span="month",
            since=date(2026, month, 1),
            until=date(2026, month, 28),
            revision=0,
            said={},
            by=town_of_two.lena,
            at=now(),
        )
        publication.results.create(subject=subject.pk, code=subject.code, name="", figures={}, lines=[], grade=grade)
    told = {one["code"]: one["grade"] for one in features(desk(town_of_two.lena), "cells", zoom)}
    assert told.pop(subject.code) == "D"
    assert set(told.values()) == {""}


def test_what_is_done_is_not_drawn(town_of_two: SimpleNamespace) -> None:
    case = town.report(town_of_two)
    acts.move(case, Verb.VOID, town_of_two.sina, note="重复")
    browser = desk(town_of_two.lena)
    assert features(browser, "cases", 17) == features(browser, "cases", 10) == []


def test_heat_is_of_its_period_and_by_its_moment(town_of_two: SimpleNamespace, clock) -> None:
    town.report(town_of_two)
    clock.shift(timedelta(days=3))
    town.report(town_of_two)
    browser = desk(town_of_two.lena)

    def heat(**said: str) -> int:
        return sum(one["n"] for one in features(browser, "heat", 15, **said))

    assert heat() == 2
    assert heat(since="2026-03-04", until="2026-03-05") == 1
    assert heat(since="2026-03-02", until="2026-03-02") == 1
    assert heat(by="closed") == 0
    assert ask(browser, "heat", 15, by="eaten").status_code == 404


@pytest.mark.parametrize("zoom", [9, 12, 13, 15])
def test_heat_of_closings_is_the_same_from_near_and_afar(zoom: int, town_of_two: SimpleNamespace) -> None:
    case = town.finish(town.report(town_of_two), town_of_two.hugo)
    acts.move(case, Verb.PASS, town_of_two.ivan, photos=town.shown(town_of_two.ivan, "after").photos)
    acts.move(case, Verb.CLOSE, town_of_two.carl)
    town.report(town_of_two)
    outbox.drain()

    def seen(who: Officer, **said: str) -> int:
        return sum(one["n"] for one in features(desk(who), "heat", zoom, by="closed", **said))

    assert seen(town_of_two.lena) == seen(clerk_of(town_of_two.street, town_of_two)) == seen(town_of_two.hedi) == 1
    assert seen(clerk_of(town_of_two.other, town_of_two)) == seen(town_of_two.otto) == 0
    assert seen(town_of_two.lena, until="2026-03-01") == 0


@pytest.mark.parametrize("zoom", [9, 12, 13, 15])
def test_heat_counts_as_the_figures_do(zoom: int, town_of_two: SimpleNamespace, clock) -> None:
    """A duplicate is reported, but closes with its master; what another department does to help is no case more."""
    master = town.report(town_of_two)
    double = town.report(town_of_two, by=town_of_two.ines, lon=town.LON + 3.5 * town.STEP)
    acts.move(double, Verb.LINK, town_of_two.carl, same_as=str(master.uuid))
    clock.shift(timedelta(days=1))
    town.finish(master, town_of_two.hugo)
    acts.move(master, Verb.PASS, town_of_two.ivan, photos=town.shown(town_of_two.ivan, "after").photos)
    acts.move(master, Verb.CLOSE, town_of_two.carl)
    town.report(town_of_two)
    outbox.drain()
    browser, days = desk(town_of_two.lena), {"since": "2026-03-01", "until": "2026-03-31"}
    figures = indicators.figures("city", date(2026, 3, 1), date(2026, 3, 31))[indicators.CITY]
    told = [sum(one["n"] for one in features(browser, "heat", zoom, by=by, **days)) for by in ("reported", "closed")]
    assert told == [figures["reports"], figures["closed"]] == [3, 1]


def test_areas_bear_their_names_once(town_of_two: SimpleNamespace) -> None:
    answer = ask(desk(town_of_two.lena), "areas", 12)
    layers = mvt.read(answer.content)
    assert {one["name"] for one in layers["names"]} >= {"结古街道", "民主社区"}
    assert len({one["code"] for one in layers["names"]}) == len(layers["names"])


def test_components_come_when_one_is_near(town_of_two: SimpleNamespace) -> None:
    browser = desk(town_of_two.lena)
    assert ask(browser, "components", 15).status_code == 204
    [thing] = features(browser, "components", 17, (town.LON + town.STEP / 2, town.LAT + town.STEP / 2))
    assert (thing["code"], thing["state"]) == ("6327010101000001", "intact")


def test_lanes_wait_until_one_is_near(town_of_two: SimpleNamespace) -> None:
    for kind, up in (("primary", 0.2), ("service", 0.4)):
        line = LineString((town.LON, town.LAT + up * town.STEP), (town.LON + 4 * town.STEP, town.LAT + up * town.STEP))
        Road.objects.create(district="632701", kind=kind, shape=line)
    browser = desk(town_of_two.lena)
    kinds = [{one["kind"] for one in mvt.read(ask(browser, "roads", z).content)["roads"]} for z in (12, 16)]
    assert kinds == [{"primary"}, {"primary", "service"}]


# Least privilege


def test_an_officer_of_one_street_gets_nothing_of_another(town_of_two: SimpleNamespace) -> None:
    at = {"lon": FAR[0], "lat": FAR[1]}
    abroad = town.report(town_of_two, by=town_of_two.carl, source="hotline", **at)
    town.report(town_of_two)
    here = desk(clerk_of(town_of_two.street, town_of_two))
    there = desk(clerk_of(town_of_two.other, town_of_two))
    for zoom in (8, 12, 13, 16):
        told = {one["code"][:9] for one in features(here, "cells", zoom)}
        assert told == {"632701001"}
        assert {one["code"][:9] for one in features(here, "areas", zoom)} == {"632701001"}
        assert sum(one["load"] for one in features(here, "cells", zoom)) == 1
        assert sum(one["n"] for one in features(here, "cases", zoom, FAR)) <= 1
    assert [one["number"] for one in features(there, "cases", 16, FAR)] == [abroad.number]
    assert abroad.number not in [one["number"] for one in features(here, "cases", 16, FAR)]
    assert sum(one["n"] for one in features(here, "heat", 15, FAR)) == 1
    assert features(there, "components", 17) == []


def test_a_department_gets_its_own_cases_and_where_they_lie(town_of_two: SimpleNamespace) -> None:
    case = town.report(town_of_two)
    town.report(town_of_two, by=town_of_two.ines, category=town_of_two.refuse.pk, condition=town_of_two.heap.pk)
    browser = desk(town_of_two.hugo)
    assert [one["number"] for one in features(browser, "cases", 17)] == [case.number]
    assert [(one["code"], one["load"]) for one in features(browser, "cells", 16)] == [(town_of_two.cells[0].code, 1)]


def test_who_has_no_post_gets_no_tile(town_of_two: SimpleNamespace) -> None:
    for who in (town_of_two.adam, town_of_two.ann):
        assert ask(desk(who), "cases", 16).status_code == 403
    assert ask(Client(), "cases", 16).status_code == 302


def test_tiles_of_officers_who_see_differently_are_kept_apart(town_of_two: SimpleNamespace) -> None:
    from console.map import scope

    assert (
        len({scope(who) for who in (town_of_two.lena, town_of_two.hugo, clerk_of(town_of_two.street, town_of_two))})
        == 3
    )


# How it is answered


def test_an_unchanged_tile_is_not_sent_again(town_of_two: SimpleNamespace) -> None:
    browser = desk(town_of_two.lena)
    first = ask(browser, "cells", 16)
    assert first["Cache-Control"] == "private, max-age=30"
    tile = tile_at(16)
    path = f"/map/tiles/cells/{tile.z}/{tile.x}/{tile.y}"
    assert browser.get(path, headers={"If-None-Match": first["ETag"]}).status_code == 304
    town.report(town_of_two)
    assert browser.get(path, headers={"If-None-Match": first["ETag"]}).status_code == 200


@pytest.mark.parametrize(("layer", "seconds"), [("cells", 30), ("cases", 30), ("heat", 300)])
def test_a_tile_from_afar_is_kept_for_a_while_and_not_longer(
    layer: str, seconds: int, town_of_two: SimpleNamespace, clock
) -> None:
    def tell() -> list[int]:
        return [one.get("load", one.get("n")) for one in features(browser, layer, 12) if one.get("load", 1)]

    browser = desk(town_of_two.lena)
    town.report(town_of_two)
    assert tell() == [1]
    town.report(town_of_two)
    clock.shift(timedelta(seconds=seconds - 10))
    answer = ask(browser, layer, 12)
    assert answer["Cache-Control"] == "private, max-age=10"
    assert tell() == [1]
    clock.shift(timedelta(seconds=10))
    assert tell() == [2]
    assert ask(browser, layer, 12)["Cache-Control"] == f"private, max-age={seconds}"


@pytest.mark.parametrize("layer", ["cells", "cases", "heat"])
@pytest.mark.parametrize("zoom", [9, 12, 13])
def test_a_kept_tile_is_for_those_alone_who_see_the_same_ground(
    layer: str, zoom: int, town_of_two: SimpleNamespace
) -> None:
    """Whoever looks first, everybody gets his own; only who sees all of the same area shares the tile."""
    town.report(town_of_two)
    town.report(town_of_two, by=town_of_two.ines, category=town_of_two.refuse.pk, condition=town_of_two.heap.pk)
    lon, lat = FAR
    town.report(town_of_two, by=town_of_two.carl, source="hotline", lon=lon, lat=lat)
    outbox.drain()

    def told(who: Officer) -> int:
        browser = desk(who)
        seen = features(browser, layer, zoom)
        return sum(one.get("load", one.get("n")) for one in seen)

    here, there = clerk_of(town_of_two.street, town_of_two), clerk_of(town_of_two.other, town_of_two)
    for order in (1, -1):
        lookers = ((town_of_two.lena, 3), (here, 2), (there, 1), (town_of_two.hugo, 1), (town_of_two.hedi, 1))
        for who, many in lookers[::order]:
            assert told(who) == many, who
        caches["tiles"].clear()


def test_who_sees_the_same_ground_shares_a_kept_tile(town_of_two: SimpleNamespace) -> None:
    town.report(town_of_two)
    features(desk(town_of_two.lena), "cells", 12)
    browser = desk(town_of_two.carl)
    with CaptureQueriesContext(connection) as asked:
        assert ask(browser, "cells", 12).content
    assert not [one for one in asked if "ST_AsMVT" in one["sql"]]
    moved = Officer.objects.get(pk=town_of_two.carl.pk)
    moved.area = town_of_two.other
    moved.save(update_fields=["area"])
    assert not sum(one["load"] for one in features(browser, "cells", 12))


def test_a_large_tile_is_packed(town_of_two: SimpleNamespace) -> None:
    browser, tile = desk(town_of_two.lena), tile_at(16)
    for n in range(60):
        town.report(town_of_two, text=str(n))
    path = f"/map/tiles/cases/{tile.z}/{tile.x}/{tile.y}"
    packed = browser.get(path, headers={"Accept-Encoding": "gzip"})
    assert packed["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.content) == browser.get(path).content


@pytest.mark.parametrize("path", ["cells/3/1/1", "cells/25/1/1", "cells/12/4096/0", "nothing/12/1/1"])
def test_what_is_no_tile_is_not_found(path: str, town_of_two: SimpleNamespace) -> None:
    assert desk(town_of_two.lena).get(f"/map/tiles/{path}").status_code == 404


@pytest.mark.parametrize("layer", ["cells", "cases", "areas", "heat", "components", "roads"])
def test_each_layer_is_one_statement(layer: str, town_of_two: SimpleNamespace) -> None:
    draw: dict[str, Callable[[Tile], bytes]] = {
        "cells": lambda tile: atlas.cells(tile, town_of_two.lena, now()),
        "cases": lambda tile: atlas.cases(tile, town_of_two.lena, now()),
        "areas": lambda tile: atlas.areas(tile, town_of_two.lena),
        "heat": lambda tile: heat(tile, town_of_two.lena, today(), today(), Counted.CLOSED),
        "components": lambda tile: atlas.components(tile, town_of_two.lena),
        "roads": atlas.roads,
    }
    for zoom in (8, 12, 13, 16):
        with CaptureQueriesContext(connection) as asked:
            draw[layer](tile_at(zoom))
        assert len(asked) <= (2 if layer == "areas" else 1)  # and the names of areas


def test_a_tile_knows_its_ground() -> None:
    west, south, east, north = Tile(6, 32, 31).box
    assert (west, south) == (0, 0)
    assert (round(east, 4), round(north, 4)) == (5.625, 5.6160)
    with pytest.raises(NoSuchTile):
        Tile(6, 64, 0)


# Who is on duty


def test_where_people_are_is_for_those_who_watch_and_logged(
    town_of_two: SimpleNamespace, caplog: pytest.LogCaptureFixture
) -> None:
    begin(town_of_two.ann)
    follow(town_of_two.ann, [Fix(now(), *NEAR)])
    with caplog.at_level("INFO", logger="access"):
        told = desk(town_of_two.lena).get("/map/duty/").json()
    assert [one["properties"]["name"] for one in told["features"]] == ["Ann"]
    assert told["features"][0]["geometry"]["coordinates"] == pytest.approx(NEAR)
    assert f"officer={town_of_two.lena.pk}" in caplog.text
    assert desk(town_of_two.hugo).get("/map/duty/").status_code == 403
