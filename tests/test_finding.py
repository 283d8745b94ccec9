"""What the boxes of the lists and of the map find by name, and for whom."""

from __future__ import annotations

import re
from html import unescape
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client

from cases import exports
from cases.flow import Verb
from cases.models import Case
from grid.models import Officer

from . import city as town
from .acts import move
from .desk import desk

LIST, MAP = "/cases/find/", "/map/find/"


@pytest.fixture
def taken(city: SimpleNamespace, clock: Any) -> Case:
    """Ann has reported it; Hugo of the roads works on it."""
    return move(town.report(city), Verb.ACCEPT, city.hugo)


def found(browser: Client, path: str, said: str, **more: Any) -> list[str]:
    """The titles that a box offers."""
    page = browser.get(path, {"q": said, **more}).content.decode()
    return re.findall(r"<(?:a|button) .*?><bdi>(.*?)</bdi>", page)


def links(browser: Client, said: str, **more: Any) -> list[str]:
    page = browser.get(LIST, {"q": said, **more}).content.decode()
    return [unescape(link) for link in re.findall(r'href="(.*?)"', page)]


def numbers(browser: Client, path: str) -> list[str]:
    return re.findall(r'href="/case/([^/"]+)/"', browser.get(path).content.decode())


@pytest.mark.parametrize("said", ["结古街", "ann", "６３２７０１００１００１００１"])
def test_both_boxes_find_the_same_by_name(said: str, taken: Case, city: SimpleNamespace) -> None:
    carl = desk(city.lena)
    assert found(carl, LIST, said) == found(carl, MAP, said) != []


def test_an_area_narrows_the_list_that_is_shown(taken: Case, city: SimpleNamespace) -> None:
    carl = desk(city.carl)
    assert links(carl, "民主社", stage="handling", late="", cursor="x") == [
        f"?stage=handling&area={city.community.code}"
    ]
    assert numbers(carl, f"/cases/{links(carl, '民主社')[0]}") == [taken.number]
    assert numbers(carl, f"/queue/file/{links(carl, '民主社')[0]}") == []


@pytest.mark.parametrize("name", ["hugo", "ann"])
def test_an_officer_s_are_what_he_reported_and_what_he_holds(name: str, taken: Case, city: SimpleNamespace) -> None:
    other = town.report(city, by=city.ines)
    carl, officer = desk(city.carl), Officer.objects.get(username=name)
    assert links(carl, name) == [f"?officer={officer.pk}"]
    page = carl.get("/cases/", {"officer": officer.pk}).content.decode()
    assert taken.number in page and other.number not in page
    assert f'<option value="{officer.pk}" selected>{officer}</option>' in page
    assert "上报人或承办人" not in carl.get("/cases/").content.decode()
    town.finish(taken, city.hugo)
    assert numbers(carl, f"/cases/?officer={city.ann.pk}") == [taken.number]


def test_who_is_not_on_my_ground_is_not_found_and_not_named(taken: Case, city: SimpleNamespace) -> None:
    hana, hedi = desk(city.hana), desk(city.hedi)
    for name in ("hugo", "ann", "民主社"):
        assert found(hedi, LIST, name), "the head sees the work of the roads"
        assert found(hana, LIST, name) == found(hana, MAP, name) == []
    page = hana.get("/cases/", {"officer": city.hugo.pk}).content.decode()
    assert "Hugo" not in page
    assert 'class="error"' in page
    assert Client().get(LIST, {"q": "hugo"}).status_code == 302
    Officer.objects.filter(pk=city.hugo.pk).update(is_active=False)
    assert found(hedi, LIST, "hugo") == []


@pytest.mark.parametrize(
    ("language", "sentences"),
    [
        ("zh-hans", ["没有叫这个名字的区域或人员。按回车，在案卷的文字里查找。", "没有找到。", "找到 1 项"]),
        (
            "en",
            [
                "No area and nobody of that name. Enter looks for",
                "Nothing found.",
                "1 found",
            ],
        ),
    ],
)
def test_what_is_not_found_is_said(language: str, sentences: list[str], taken: Case, city: SimpleNamespace) -> None:
    lena = desk(city.lena, **{"Accept-Language": language})
    pages = [
        lena.get(path, {"q": said}).content.decode() for path, said in ((LIST, "龙宫"), (MAP, "龙宫"), (LIST, "ann"))
    ]
    assert [sentence in page for sentence, page in zip(sentences, pages, strict=True)] == [True] * 3
    assert not lena.get(LIST, {"q": "a"}).content.strip(), "a single letter is not looked for"


def test_a_file_of_an_officer_s_cases_says_whose_they_are(taken: Case, city: SimpleNamespace) -> None:
    town.report(city, by=city.ines)
    lena = desk(city.lena)
    assert lena.post(f"/exports/cases/?officer={city.hugo.pk}", {"form": "csv"}).status_code == 302
    export = exports.of(city.lena)[0]
    assert (export.total, exports.told(export)) == (1, ["Hugo"])
