"""Numbers of people are found however they are written, and no other number is taken for one."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from grid import privacy
from grid.models import Cell

from . import acts
from . import city as town
from .desk import desk

pytestmark = pytest.mark.django_db
CITIES = Path(__file__).parent.parent / "fixtures" / "cities"

NUMBERS = {
    "+8613812345678": "+86138****5678",
    "8613812345678": "86138****5678",
    "0086-138-1234-5678": "0086-138-****-5678",
    "tel13812345678": "tel138****5678",
    "wx13812345678号": "wx138****5678号",
    "13812345678abc": "138****5678abc",
    "１３８１２３４５６７８": "１３８****５６７８",
    "١٣٨١٢٣٤٥٦٧٨": "١٣٨****٥٦٧٨",
    "①③⑧1234⑤678": "①③⑧****⑤678",
    "138－1234－5678": "138－****－5678",
    "138  1234  5678": "138  ****  5678",
    "138，1234，5678": "138，****，5678",
    "138、1234、5678": "138、****、5678",
    "138/1234/5678": "138/****/5678",
    "一三八一二三四五六七八": "一三八****五六七八",
    "幺三八 一二三四 五六七八": "幺三八 **** 五六七八",
    "壹叁捌壹贰叁肆伍陆柒捌": "壹叁捌****伍陆柒捌",
    "138一二三四5678": "138****5678",
    "零一零六二三四五六七八": "零一零****五六七八",
    "一一〇一〇五一九九〇〇三〇七一二三三": "一一〇一〇五***********三",
    "13812345678一次": "138****5678一次",
    "138.1234.5678": "138.****.5678",
    "138·1234·5678": "138·****·5678",
    "138_1234_5678": "138_****_5678",
    "138\n1234\n5678": "138\n****\n5678",
    "1 3 8 1 2 3 4 5 6 7 8": "1 3 8 * * * * 5 6 7 8",
    "138\u200b1234\u200d5678": "138\u200b****\u200d5678",
    "(138)12345678": "(138)****5678",
    "13812345678/13912345678": "138****5678/139****5678",
    "2026-11-30 13812345678": "2026-11-30 138****5678",
    "632701001001001 13812345678": "632701001001001 138****5678",
    "010-62345678": "010-****5678",
    "（0755）8321 0000": "（0755）**** 0000",
    "0755 83210000转123": "0755 ****0000转123",
    "0976-8812345": "0976-****345",
    "电话：83210000": "电话：****0000",
    "+1 415 555 2671": "+1 415 *** *671",
    "110105199003071233": "110105***********3",
    "11010519900307123Ｘ": "110105***********Ｘ",
    "110105 19900307 123X": "110105 ******** ***X",
    "1101 0519 9003 0712 3X": "1101 05** **** **** *X",
    "身份证110105-19900307-123x。": "身份证110105-********-***x。",
    "110105491231002": "110105********2",
    "110105 491231 002": "110105 ****** **2",
}


@pytest.mark.parametrize(("written", "told"), NUMBERS.items(), ids=map(repr, NUMBERS))
def test_a_number_of_a_person_is_hidden(written: str, told: str) -> None:
    assert privacy.masked(written) == told
    assert privacy.masked(f"井盖响动，联系{written}，谢谢") == f"井盖响动，联系{told}，谢谢"
    assert privacy.holds_any(written)


@pytest.mark.parametrize(
    "written",
    [
        "",
        "路灯不亮",
        "一二三四五六七八九",
        "第一，三天两次；二〇二六年十一月三十日",
        "案卷WG20261130000152",
        "WG20261130000152、WG20261130000153",
        "20261130000152",
        "4403040010010010",
        "2026-11-30 13:45:22",
        "2026年11月30日8:30-17:30",
        "2026.11.30-2026.12.05",
        "20261130",
        "20261130134522",
        "114.056312,22.537112",
        "12345热线，110，119",
        "400-810-8888",
        "95598",
        "91440300MA5EXXXX5T",
        "913101150123456781",
        "粤B12345，G4W 第1-2-3-4-5-6-7-8号",
        "138123456789",
        "113812345678",
        "11010519901307123X",  # there is no 13th month
    ],
)
def test_other_numbers_are_shown(written: str) -> None:
    assert privacy.masked(written) == written
    assert not privacy.holds_any(written)


@pytest.mark.parametrize("city_name", ["futian", "yushu"])
def test_no_code_of_a_city_is_taken_for_a_person(city: SimpleNamespace, city_name: str) -> None:
    cells, others = _codes(CITIES / city_name)
    assert len(cells) > 100 and len(others) > 500
    Cell.objects.bulk_create(
        Cell(code=code, area=city.community, shape=city.cells[0].shape, area_m2=1)
        for code in set(cells) - {cell.code for cell in city.cells}
    )
    assert [code for code in (*cells, *others) if privacy.holds_any(f"网格{code}内部件倾斜")] == []


def _codes(folder: Path) -> tuple[list[str], list[str]]:
    cells, components = (
        [str(feature["properties"]["code"]) for feature in json.loads((folder / name).read_text("utf8"))["features"]]
        for name in ("cells.geojson", "components.geojson")
    )
    with (folder / "areas.csv").open(encoding="utf-8-sig") as lines:
        return cells, components + [row["code"] for row in csv.DictReader(lines)]


def test_a_city_abroad_has_numbers_of_its_own(settings: Any) -> None:
    assert privacy.masked("030 12345678") == "030 12345678"
    settings.PHONE_REGION = "DE"
    assert privacy.masked("030 12345678") == "030 ****5678"


@pytest.mark.parametrize(
    "written", ["+8613812345678", "１３８１２３４５６７８", "110105 19900307 123X", "0755-83210000"]
)
def test_both_doors_hide_it(city: SimpleNamespace, clock: Any, written: str) -> None:
    case = town.report(city, text=f"联系{written}")
    told = acts.seen(town.phone(city.carl), case)
    page = desk(city.carl).get(f"/case/{case.number}/").content.decode()
    assert (told["text"], told["masked"]) == (f"联系{privacy.masked(written)}", True)
    assert privacy.masked(written) in page and written not in page
