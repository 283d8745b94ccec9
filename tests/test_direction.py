"""Names in scripts that run from right to left turn nothing around them: each stands in an element of its own."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern

from cases import outbox
from cases.flow import Verb
from cases.models import Category
from console import urls
from grid.models import Area, Beat, Department, Officer
from grid.roles import Role

from . import acts
from . import city as town
from .desk import Visit, desk

NAME = "ئابدۇللا"
VOID = {"input", "br", "img", "meta", "link", "hr", "use", "path", "rect", "circle", "polygon", "line"}
AGAIN = {"title", "script", "style", "textarea", "option"}  # a name stands alone in it, or is not shown


class Mixed(HTMLParser):
    """The elements in which a name stands beside other words, and nothing keeps them apart."""

    def __init__(self, page: str):
        super().__init__()
        self.stack: list[tuple[str, list[str]]] = [("", [])]
        self.found: list[str] = []
        self.names = 0
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.stack.append((tag, []))

    def handle_data(self, text: str) -> None:
        self.stack[-1][1].append(text)

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID or not any(each == tag for each, _texts in self.stack):
            return
        while self.stack[-1][0] != tag:
            self.stack.pop()
        _tag, texts = self.stack.pop()
        said = " ".join("".join(texts).split())
        self.names += NAME in said
        alone = re.sub("\u2068[^\u2069]*\u2069", "", said)  # isolated by marks, in a sentence
        if tag not in AGAIN and NAME in alone and alone.strip("· ") != NAME:
            self.found.append(f"<{tag}> {said}")


@pytest.fixture
def named(city: SimpleNamespace, clock: Any) -> SimpleNamespace:
    """Everybody and everything has one name, and something has happened."""
    case = town.report(city, text=NAME, place=NAME)
    acts.move(case, Verb.HASTEN, city.carl, note=NAME)
    town.finish(case, city.hugo)
    outbox.drain()
    for model in (Officer, Department, Area, Beat, Category):
        model.objects.update(name=NAME)
    city.case, every = case, city.lena
    every.refresh_from_db()
    every.roles, every.department = [str(role) for role in Role], city.roads
    every.save()
    return city


def paths(city: SimpleNamespace) -> list[str]:
    """Every page whose address needs no more than what the city has."""
    known = {"number": city.case.number, "name": "dispatch", "slug": "officers", "year": "2026", "month": "2026-02"}
    known |= {"pk": str(city.ann.pk), "verb": "extend"}
    found = []
    for pattern in urls.urlpatterns:
        assert isinstance(pattern, URLPattern)
        if set(pattern.pattern.converters) <= known.keys():
            found.append("/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda part: known[part[1]], str(pattern.pattern)))
    return [*found, f"/map/place/?number={city.case.number}", f"/map/place/?code={city.cells[0].code}"]


def test_a_name_turns_nothing_around_it(named: SimpleNamespace, settings: Any) -> None:
    settings.SECOND_FACTOR_ROLES = []
    browser: Client = desk(named.lena)
    mixed, names = [], 0
    for path in paths(named):
        answer = browser.get(path)
        if answer.status_code == 200 and "html" in answer["Content-Type"]:
            read = Mixed(answer.content.decode())
            names += read.names
            mixed += [f"{path}: {found}" for found in dict.fromkeys(read.found)]
    assert names > 100
    assert mixed == []


@pytest.mark.slow
def test_what_was_kept_before_turns_nothing_either(visit: Visit, settings: Any) -> None:
    """An override in an old name ends with its element."""
    city = town.build()
    case = town.report(city)
    Officer.objects.filter(pk=city.ann.pk).update(name="\u202eabc")
    page = visit(city.carl, f"/case/{case.number}/")
    name = page.get_by_text("abc", exact=False).first
    assert name.evaluate("element => getComputedStyle(element).unicodeBidi") == "isolate"
