"""Every page of the desk is asked with any address and sent any form, drawn from a seed: none breaks.

The names of what an address or a form may say are read from the code of the pages and from the forms that they show.
"""

from __future__ import annotations

import base64
import json
import re
from html.parser import HTMLParser
from inspect import getsourcefile, unwrap
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, reverse
from django.urls.converters import IntConverter, SlugConverter, StringConverter, UUIDConverter
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as searching
from hypothesis import strategies as st

import console
from cases.flow import Verb
from cases.models import Export
from console import urls
from console.filters import Filters
from console.settings.nouns import NOUNS
from grid.moment import now
from grid.roles import Role

from . import city as town
from .desk import desk

SEARCH = searching(
    max_examples=12,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
PAGES = {
    pattern.name or f"{pattern.pattern}": pattern for pattern in urls.urlpatterns if isinstance(pattern, URLPattern)
}
FOREIGN = ("account_login", "mfa_authenticate", "account_change_password", "mfa_activate_totp", "usersessions_list")
SAID = re.compile(r"(?:GET|POST|said)(?:\.get|\.getlist)?[\(\[]\"(\w+)\"")
NAMES = sorted(
    {name for path in Path(console.__file__).parent.rglob("*.py") for name in SAID.findall(path.read_text("utf8"))}
    | {*Filters.base_fields, "page", "next"}
)


def names_of(page: str) -> list[str]:
    """What the address of a page may say, as the module of its view reads it."""
    source = getsourcefile(unwrap(PAGES[page].callback)) or ""
    lists = Filters.base_fields if source.endswith("lists.py") else ()
    return sorted({*SAID.findall(Path(source).read_text("utf8")), *lists})


WORST = ("²", "9" * 5000, str(2**63), "9999-12-31", "0001-01-01", "2026-03-02T09:00", "\x00")  # each broke a page once
NASTY = (
    *("", "0", "-1", "²", "１２", "9" * 5000, str(2**63), "1e999", "NaN", "inf", "1.00001", "0x1"),
    *("9999-12-31", "0001-01-01", "2026-02-29", "9999-12-31T23:59:59-23:59", "0001-01-01T00:00", "2026-03-02T09:00"),
    *(
        "\x00",
        "\ud83d\ude00",
        "\ufffe",
        "\u202e\u2066",
        "\u200b",
        "%",
        "_",
        "\\",
        "'",
        '"',
        "<script>",
        "{{x}}",
        "../..",
        "//x",
    ),
    *(
        "2026-03",
        "month",
        "true",
        "1",
        "2",
        "due",
        "-points",
        "drop.items.0",
        "more.items",
        "add.limits.1",
        "save",
        "try",
    ),
)
WORDS = st.text(st.characters(exclude_categories=("Cs",)), max_size=40)
CURSORS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(NASTY),
    lambda some: st.lists(some, max_size=4),
    max_leaves=4,
).map(lambda said: base64.urlsafe_b64encode(json.dumps(said).encode()).decode())
VALUES = st.one_of(st.sampled_from(NASTY), WORDS, st.integers(-5, 2**70).map(str), st.datetimes().map(str), CURSORS)


class Fields(HTMLParser):
    """The names and values of the fields that a page shows."""

    def __init__(self, page: str):
        super().__init__()
        self.found: dict[str, str] = {}
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        if tag in ("input", "select", "textarea", "button") and (name := told.get("name")):
            self.found.setdefault(name, told.get("value") or "")


@pytest.fixture
def browser(city: SimpleNamespace, clock: Any, settings: Any) -> Client:
    """Of an officer who holds every post, in a city where there is something to see."""
    settings.SECOND_FACTOR_ROLES = []
    case = town.report(city)
    every = city.lena
    every.roles, every.department = [str(role) for role in Role], city.roads
    every.save()
    export = Export.objects.create(officer=every, sheet="cases", form="csv", language="zh-hans", made_at=now())
    city.known = {
        "number": [case.number],
        "verb": [str(verb) for verb in Verb],
        "slug": ["duties", *(noun.slug for noun in NOUNS)],
        "uuid": [str(export.uuid)],
        "pk": [city.ann.pk, city.roads.pk, 1],
        "name": ["dispatch", "filing", "flags"],
        "sha256": [town.photo(city.ann)],
        "size": ["320", "original"],
        "sheet": ["cases", "figures", "scores", "bulletin"],
        "month": ["2026-02"],
        "layer": ["cells", "cases", "heat", "roads"],
    }
    return desk(every)


def drawn(name: str, converter: Any, city: SimpleNamespace, draw: Any) -> Any:
    """A part of an address: of the city, or anything that its converter lets through."""
    known = city.known.get(name, ())
    if known and draw(st.integers(0, 3)):
        return draw(st.sampled_from(known))
    kinds: dict[type, Any] = {
        IntConverter: st.sampled_from([0, 1, 2**31, 2**63, 10**40]),
        SlugConverter: st.sampled_from(["x", "close", "schemes", "9" * 300]),
        UUIDConverter: st.uuids(),
        StringConverter: WORDS.filter(lambda said: said and "/" not in said),
    }
    return draw(kinds[type(converter)])


def address(name: str, city: SimpleNamespace, draw: Any) -> str:
    if name in FOREIGN:
        return reverse(name)
    pattern = PAGES[name].pattern
    parts = {part: drawn(part, converter, city, draw) for part, converter in pattern.converters.items()}
    return "/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda part: quote(str(parts[part[1]]), safe=""), str(pattern))


def said(names: list[str], draw: Any) -> dict[str, str]:
    return {name: draw(VALUES) for name in draw(st.lists(st.sampled_from(names), unique=True, max_size=6))}


@pytest.mark.parametrize("name", sorted((*PAGES, *FOREIGN)))
def test_whatever_is_asked_and_sent_is_answered(name: str, city: SimpleNamespace, browser: Client) -> None:
    """A page with anything in its address; then what its own form shows, with some of it changed."""

    @SEARCH
    @given(st.data())
    def ask(data: Any) -> None:
        here = address(name, city, data.draw)
        with transaction.atomic():
            page = browser.get(here, said(NAMES, data.draw))
            answered(page)
            shown = Fields(page.content.decode()).found if "html" in page.get("Content-Type", "") else {}
            answered(browser.post(here, shown | said(sorted({*NAMES, *shown}), data.draw)))
            transaction.set_rollback(True)

    ask()


@pytest.mark.parametrize("name", sorted(name for name in PAGES if names_of(name)))
def test_no_word_of_an_address_breaks_a_page(name: str, city: SimpleNamespace, browser: Client) -> None:
    """Word by word, where a draw would seldom meet the one value that matters."""
    pattern = PAGES[name].pattern
    parts = {part: str(city.known.get(part, ["1"])[0]) for part in pattern.converters}
    here = "/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda part: parts[part[1]], str(pattern))
    for word in names_of(name):
        for value in WORST:
            with transaction.atomic():
                answered(browser.get(here, {word: value}))
                answered(browser.post(f"{here}?{urlencode({word: value})}", {word: value}))
                transaction.set_rollback(True)


def answered(answer: Any) -> None:
    assert answer.status_code < 500 or answer.status_code == 503, answer.content
