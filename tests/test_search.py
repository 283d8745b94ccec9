"""Things are found by what people paste: from a chat, from a table, from a Chinese keyboard."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from cases.models import Case
from grid import search_text
from grid.models import Road

from . import acts
from . import city as town
from .desk import desk

WIDE = {ord(char): ord(char) + 0xFEE0 for char in "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789#"}
PASTED = (
    "{}",
    "案卷{}",
    "案卷号：{}。",
    "#{}",
    "＃{}",
    "【{}】",
    "“{}”，",
    " {}　",
    "请看案卷{}，谢谢",
    "\u200b{}\ufeff",
)


def written(number: str) -> list[str]:
    """A number in all the ways in which people write it."""
    parted = f"{number[:2]} {number[2:10]} {number[10:]}"
    dashed = f"{number[:2]}-{number[2:10]}-{number[10:]}"
    hidden = "\u200b".join(number)
    forms = (number, number.lower(), number.translate(WIDE), parted, dashed, hidden)
    return [shape.format(form) for form in forms for shape in PASTED]


def test_a_number_is_read_out_of_what_stands_around_it() -> None:
    for said in written("WG20261130000152"):
        assert search_text.case_number(said) == "WG20261130000152", said
    assert search_text.case_number("０００１５２。") == "000152"
    assert search_text.case_number("井盖响动") == ""


@pytest.mark.parametrize("shape", ["{}", "案卷{}。", "#{}", "\u200b{}"])
def test_a_case_is_found_as_it_is_pasted(city: SimpleNamespace, clock: Any, shape: str) -> None:
    town.report(city)
    case = town.report(city, place="民主路")
    aude, lena = town.phone(city.aude), desk(city.lena)
    for form in (case.number.lower(), case.number.translate(WIDE), f"{case.number[:2]} {case.number[2:]}"):
        said = shape.format(form)
        found = aude.get(acts.CASES, {"view": "all", "q": said}).json()["items"]
        assert [each["number"] for each in found] == [case.number], said
        page = lena.get("/cases/", {"q": said}).content.decode()
        assert page.count("data-row>") == 1 and case.number in page
        assert f'data-number="{case.number}"' in lena.get("/map/find/", {"q": said}).content.decode()


@pytest.mark.parametrize(
    "said", ["井盖", "ｄｎ６００", "DN600 井盖", "“井盖 响动”。", "井\u200b盖", "（东）", "(东)", "民主路 井盖"]
)
def test_words_are_found_in_each_spelling(city: SimpleNamespace, clock: Any, said: str) -> None:
    case = town.report(city, text="DN600 井盖响动", place="民主路（东）")
    town.report(city, text="路灯不亮", place="胜利路")
    found = town.phone(city.aude).get(acts.CASES, {"view": "all", "q": said}).json()["items"]
    assert [each["number"] for each in found] == [case.number]


def test_the_case_that_stays_is_named_as_it_is_pasted(city: SimpleNamespace, clock: Any) -> None:
    first, second = town.report(city), town.report(city)
    carl = desk(city.carl)
    form = carl.get(f"/case/{second.number}/link/").context["form"]
    said = {"number": f"案卷{first.number.lower()}。", "note": "同一井盖"}
    said |= {name: form[name].value() for name in ("key", "seen")}
    answer = carl.post(f"/case/{second.number}/link/", said)
    assert answer.status_code == 302, answer.context["form"].errors
    assert Case.objects.get(pk=second.pk).same_as_id == first.pk


# On the map


@pytest.mark.parametrize(
    ("said", "title"),
    [
        ("民主社", "民主社区"),  # its cells say where it lies
        ("ann", "ANN"),
        ("ａｎｎ", "ANN"),
        ("红旗", "红旗路"),
        ("“红旗路”。", "红旗路"),
        ("６３２７０１００１００１００１", "632701001001001"),
    ],
)
def test_places_people_and_roads_are_found_on_the_map(city: SimpleNamespace, clock: Any, said: str, title: str) -> None:
    city.ann.name = "ANN"
    city.ann.save()
    for n in range(2):
        shape = f"SRID=4326;LINESTRING({town.LON} {town.LAT}, {town.LON + 0.001 * (n + 1)} {town.LAT})"
        Road.objects.create(district="632701", kind="residential", name="红旗路", shape=shape)
    page = desk(city.lena).get("/map/find/", {"q": said}).content.decode()
    assert page.count("<button") == 1 and f">{title}<" in page and "data-lon" in page


def test_nobody_finds_people_of_another_ground(city: SimpleNamespace, clock: Any) -> None:
    assert ">Ann<" in desk(city.lena).get("/map/find/", {"q": "ann"}).content.decode()
    assert "没有找到" in desk(city.otto).get("/map/find/", {"q": "ann"}).content.decode()
