"""The map in a browser, what is beside it, and the table that says the same."""

from __future__ import annotations

import re
from datetime import date, timedelta
from types import SimpleNamespace

import pytest
from django.contrib.gis.geos import MultiPolygon, Point, Polygon
from django.core.exceptions import ImproperlyConfigured
from django.test import Client, override_settings
from playwright.sync_api import expect

from cases.models import Case, Publication, Scheme
from grid.models import Area, Cell, Road
from grid.moment import now

from . import city as town
from .desk import Visit, desk, until

MIDDLE = f"#at=16.5/{town.LAT + town.STEP / 2}/{town.LON + 2 * town.STEP}"


@pytest.fixture
def late(city: SimpleNamespace, clock) -> Case:
    """A case that waits too long for its filing, in cell 0; one beside it does not."""
    case = town.report(city, by=city.carl, source="hotline", place="民主路口")
    clock.shift(timedelta(hours=1))
    town.report(city)
    return case


# What lies in a place


def test_a_cell_tells_its_work_and_leads_to_it(late: Case, city: SimpleNamespace) -> None:
    page = desk(city.lena).get("/map/place/", {"code": city.cells[0].code}).content.decode()
    assert "民主社区" in page and late.number in page and "B1" in page
    assert (
        f'/cases/?cell={city.cells[0].code}&amp;open=1"' in page or f"/cases/?cell={city.cells[0].code}&open=1" in page
    )


@pytest.mark.parametrize(
    ("query", "shown"), [("open=1", 2), ("late=1", 1), ("late=0", 1), ("level=0", 2), ("level=1", 0)]
)
def test_the_list_behind_a_place_is_as_long_as_it_says(
    query: str, shown: int, late: Case, city: SimpleNamespace
) -> None:
    for place in (f"cell={city.cells[0].code}", "area=632701001001"):
        page = desk(city.lena).get(f"/cases/?{place}&{query}").content.decode()
        assert page.count("data-row>") == shown


def test_a_case_tells_itself(late: Case, city: SimpleNamespace) -> None:
    page = desk(city.lena).get("/map/place/", {"number": late.number}).content.decode()
    assert "上水井盖" in page and f"/case/{late.number}/" in page and "超时" in page


def test_what_one_may_not_see_is_not_found(late: Case, city: SimpleNamespace) -> None:
    hugo = desk(city.hugo)
    assert hugo.get("/map/place/", {"number": late.number}).status_code == 404
    assert hugo.get("/map/place/", {"code": city.cells[3].code}).status_code == 404
    assert desk(city.lena).get("/map/place/", {"code": "nowhere"}).status_code == 404


# Looking for something


@pytest.mark.parametrize("said", ["民主路", "63270100100100", "民主社"])
def test_places_are_found_by_what_one_types(said: str, late: Case, city: SimpleNamespace) -> None:
    city.community.shape = f"SRID=4326;MULTIPOLYGON((({city.cells[0].shape.wkt.split('((')[1]})"
    city.community.save(update_fields=["shape"])
    page = desk(city.lena).get("/map/find/", {"q": said}).content.decode()
    assert "data-lon" in page
    assert "data-lon" not in desk(city.otto).get("/map/find/", {"q": late.number}).content.decode()


def test_a_cell_of_islands_is_found_on_one_of_them_and_not_in_the_sea(city: SimpleNamespace) -> None:
    west, east = city.cells[0].shape, city.cells[3].shape
    Cell.objects.filter(pk=city.cells[0].pk).update(shape=MultiPolygon(west, east))
    page = desk(city.lena).get("/map/find/", {"q": city.cells[0].code}).content.decode()
    lon, lat = (float(re.search(rf'data-{axis}="([0-9.]+)"', page)[1]) for axis in ("lon", "lat"))
    assert any(shape.contains(Point(lon, lat)) for shape in (west, east))


def test_what_nobody_finds_is_said(city: SimpleNamespace) -> None:
    assert "没有找到" in desk(city.lena).get("/map/find/", {"q": "龙宫"}).content.decode()


# The table


def test_the_table_says_what_the_map_colours(late: Case, city: SimpleNamespace) -> None:
    browser = desk(city.lena)
    cells = browser.get("/map/table/").content.decode()
    assert city.cells[0].code in cells and "50 %" in cells
    streets = browser.get("/map/table/", {"by": "street", "area": "632701"}).content.decode()
    assert "结古街道" in streets and f"area={city.street.code}" in streets
    assert "这里没有未结案卷" in desk(city.hana).get("/map/table/").content.decode()


# What a browser may load


def test_only_the_page_of_the_map_may_ask_the_base_map(city: SimpleNamespace) -> None:
    browser = desk(city.lena)
    with override_settings(MAP_TILES_URL="https://tiles.example.gov.cn/{z}/{x}/{y}.png", MAP_ATTRIBUTION="例图"):
        page = browser.get("/map/")
        assert "connect-src 'self' https://tiles.example.gov.cn" in page["Content-Security-Policy"]
        assert r"\u4f8b\u56fe" in page.content.decode()  # as JSON
        assert "example" not in browser.get("/cases/")["Content-Security-Policy"]
    with override_settings(TIANDITU_KEY="k"):
        assert "https://t7.tianditu.gov.cn" in browser.get("/map/")["Content-Security-Policy"]
    assert "http" not in browser.get("/map/")["Content-Security-Policy"]


def test_a_shifted_base_map_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from backend.settings import base_map

    for address in ("https://webrd01.is.autonavi.com/appmaptile?x={x}&y={y}&z={z}", "no address"):
        with pytest.raises(ImproperlyConfigured):
            base_map(address)


def test_the_map_is_for_the_centre_and_departments(city: SimpleNamespace) -> None:
    assert desk(city.ann).get("/map/").status_code == 403
    assert Client().get("/map/").status_code == 302


# In a browser


@pytest.mark.django_db(transaction=True)
def test_a_leader_finds_what_is_late_on_the_map(visit: Visit) -> None:
    city = town.build()
    case = town.report(city)
    Road.objects.create(
        district="632701",
        kind="primary",
        name="民主路",
        attribution="© 某人",
        shape=f"SRID=4326;LINESTRING({town.LON} {town.LAT}, {town.LON + 0.004} {town.LAT + 0.001})",
    )
    page = visit(city.lena, f"/map/{MIDDLE}")
    page.wait_for_selector("#map[data-ready]")
    until(page, "wanggeMap.loaded() && wanggeMap.queryRenderedFeatures({layers: ['singles']}).length > 0")
    assert len(page.evaluate("wanggeMap.queryRenderedFeatures({layers: ['cells']}).map(f => f.properties.code)")) >= 4
    expect(page.get_by_text("© 某人")).to_be_visible()

    def click(lon: float, lat: float) -> None:
        x, y = page.evaluate(f"(() => {{ const p = wanggeMap.project([{lon}, {lat}]); return [p.x, p.y]; }})()")
        page.locator("#map canvas").click(position={"x": x, "y": y})

    click(case.point.x, case.point.y)
    expect(page.locator("#place")).to_contain_text(case.number)
    assert f"pick={case.number}" in page.url
    click(town.LON + 2.5 * town.STEP, town.LAT + 0.3 * town.STEP)
    expect(page.locator("#place h2")).to_have_text(city.cells[2].code)
    page.keyboard.press("Escape")
    expect(page.locator("#place")).to_be_hidden()

    page.get_by_label("超时占比").check()
    page.get_by_label("热力图", exact=True).check()
    assert "colour=share" in page.url and "heat" in page.url
    page.reload()
    page.wait_for_selector("#map[data-ready]")
    expect(page.get_by_label("超时占比")).to_be_checked()
    expect(page.locator("#heat")).to_be_visible()

    page.get_by_role("searchbox").fill(case.number)
    page.locator("#found button").first.click()
    expect(page.locator("#place")).to_contain_text(case.number)
    page.keyboard.press("Escape")
    page.get_by_role("searchbox").fill(city.cells[2].code)
    page.keyboard.press("Enter")
    expect(page.locator("#place h2")).to_have_text(city.cells[2].code)


@pytest.mark.django_db(transaction=True)
def test_of_two_far_cities_the_fuller_is_shown_and_the_other_a_click_away(visit: Visit) -> None:
    city = town.build()
    far = Area.objects.create(code="440304", name="福田区")
    for code in ("440304001", "440304001001"):
        far = Area.objects.create(code=code, name=code, parent=far)
    shape = Polygon.from_bbox((114.05, 22.54, 114.06, 22.55))
    Cell.objects.create(code="440304001001001", area=far, shape=shape, area_m2=10_000)
    page = visit(city.lena, "/map/")
    page.wait_for_selector("#map[data-ready]")
    seen = "(([lon, lat]) => wanggeMap.getBounds().contains([lon, lat]) && wanggeMap.getZoom() > 9)"
    assert page.evaluate(seen, [town.LON + 2 * town.STEP, town.LAT + town.STEP / 2])
    page.get_by_role("button", name="福田区").click()
    until(page, f"{seen}([114.055, 22.545])")
    page.get_by_role("button", name="玉树市").click()
    until(page, f"{seen}([{town.LON + 2 * town.STEP}, {town.LAT + town.STEP / 2}])")


@pytest.mark.django_db(transaction=True)
def test_both_islands_of_a_cell_are_that_cell(visit: Visit) -> None:
    city = town.build()
    islands = [(town.LON + n * town.STEP, town.LAT + 0.2 * town.STEP) for n in (0.2, 3.2)]
    shapes = [Polygon.from_bbox((lon, lat, lon + town.STEP / 2, lat + town.STEP / 2)) for lon, lat in islands]
    Cell.objects.exclude(pk=city.cells[0].pk).update(closed_on=date(2026, 1, 1))
    Cell.objects.filter(pk=city.cells[0].pk).update(shape=MultiPolygon(*shapes))
    page = visit(city.lena, f"/map/{MIDDLE}")
    page.wait_for_selector("#map[data-ready]")
    drawn = "new Set(wanggeMap.queryRenderedFeatures([{x}, {y}], {{layers: ['cells']}}).map(f => f.properties.code))"
    for shape in shapes:
        lon, lat = shape.centroid.coords
        x, y = page.evaluate(f"(() => {{ const p = wanggeMap.project([{lon}, {lat}]); return [p.x, p.y]; }})()")
        until(page, f"[...{drawn.format(x=x, y=y)}].join() === '{city.cells[0].code}'")
        page.locator("#map canvas").click(position={"x": x, "y": y})
        expect(page.locator("#place h2")).to_have_text(city.cells[0].code)
        assert f"pick={city.cells[0].code}" in page.url
        page.keyboard.press("Escape")
        expect(page.locator("#place")).to_be_hidden()


@pytest.mark.django_db(transaction=True)
def test_the_map_speaks_english(visit: Visit) -> None:
    city = town.build()
    city.community.shape, city.community.name_en = MultiPolygon(*[cell.shape for cell in city.cells]), "Minzhu"
    city.community.save(update_fields=["shape", "name_en"])
    for kind in ("cell", "community"):
        grades = [["Good", 60, "blue"], ["Bad", 0, "red"]] if kind == "cell" else [["I", 0, "green"]]
        scheme = Scheme.objects.create(code=kind, version=1, kind=kind, valid_from=date(2026, 1, 1), said={})
        Publication.objects.create(
            scheme=scheme,
            code=kind,
            span="month",
            since=date(2026, 2, 1),
            until=date(2026, 2, 28),
            revision=0,
            said={"grades": grades},
            by=city.lena,
            at=now(),
        )
    page = visit(city.lena, f"/map/?colour=grade{MIDDLE}", language="en-GB")
    page.wait_for_selector("#map[data-ready]")
    until(page, "wanggeMap.loaded()")
    names = page.evaluate("wanggeMap.queryRenderedFeatures({layers: ['names']}).map(f => f.properties.name_en)")
    assert names == ["Minzhu"]
    expect(page.locator("#legend li")).to_have_text(["Good", "Bad"])  # as the scheme says, not as letters are
