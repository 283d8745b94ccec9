"""The desk as its people use it: a browser's session, and a real browser."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from typing import Any
from unittest.mock import patch
from urllib.parse import urlsplit

from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, Response, expect, sync_playwright

from grid.models import Officer
from play.pictures import CHROMIUM, FLAGS

from .city import PASSWORD

expect.set_options(timeout=20_000)  # a busy machine takes its time
LOGIN = "/account/login/"
SHIPPED = re.compile(r"\.[0-9a-f]{12}\.\w+$")
Visit = Callable[..., Page]


def desk(officer: Officer, **headers: str) -> Client:
    """A browser in which the officer has signed in by the login page; it reads Chinese unless told otherwise."""
    client = Client(headers={"Accept-Language": "zh-hans", **headers})
    answer = client.post(LOGIN, {"login": officer.username, "password": PASSWORD})
    assert answer.status_code == 302, answer.content.decode()
    return client


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's Chromium.

    While it is there, an event loop runs in this thread, and Django would not let it ask the database.
    """
    with patch.dict(os.environ, {"DJANGO_ALLOW_ASYNC_UNSAFE": "1"}), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS, timeout=60_000)
        yield browser
        browser.close()


@contextmanager
def visits(browser: Browser, address: str) -> Iterator[Visit]:
    """Sign officers in at `address`, each in a browser window of his own. What a page complains of fails the test."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def visit(officer: Officer | None, path: str = "/", *, language: str = "zh-CN", width: int = 1280) -> Page:
        context = browser.new_context(
            locale=language, viewport={"width": width, "height": 900}, base_url=address, service_workers="block"
        )
        context.set_default_timeout(20_000)
        contexts.append(context)
        context.on("response", lambda answer: _hold(complaints, answer))
        page = context.new_page()
        page.on("console", lambda said: _note(complaints, said))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        if officer:
            sign_in(context, officer)
        page.goto(path)
        return page

    yield visit
    for context in contexts:
        context.close()
    assert not complaints, "\n".join(complaints)


def sign_in(context: BrowserContext, officer: Officer) -> None:
    """By the login page of the server, without looking at it."""
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', context.request.get(LOGIN).text())
    said = {"csrfmiddlewaretoken": token[1] if token else "", "login": officer.username, "password": PASSWORD}
    answer = context.request.post(LOGIN, form=said, max_redirects=0)
    assert answer.status == 302, answer.text()


def _note(complaints: list[str], said: Any) -> None:
    if said.type == "error" and "Failed to load resource" not in said.text:
        complaints.append(said.text)


def _hold(complaints: list[str], answer: Response) -> None:
    """Static files are there, each under the one name that tells its content: a module of two names would run twice."""
    where = urlsplit(answer.url)
    if where.path.startswith("/static/") and (where.query or answer.status >= 400 or not SHIPPED.search(where.path)):
        complaints.append(f"{answer.status} {answer.url}")


def until(page: Page, holds: str) -> None:
    """Wait until an expression holds. A page may not evaluate text by itself: its policy forbids it."""
    for _try in range(200):
        if page.evaluate(holds):
            return
        page.wait_for_timeout(100)
    raise AssertionError(holds)


class _Form(HTMLParser):
    """What a browser would send of the form with an id."""

    def __init__(self, name: str):
        super().__init__()
        self.name, self.inside, self.said = name, False, dict[str, str]()
        self.area, self.select = "", ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.inside = said.get("id") == self.name
        if not self.inside or "disabled" in said:
            return
        if tag == "input" and (said.get("type") not in ("checkbox", "radio", "submit") or "checked" in said):
            self.said[said.get("name", "")] = said.get("value", "")
        if tag == "textarea":
            self.area = said["name"]
            self.said[self.area] = ""
        if tag == "select":
            self.select = said["name"]
        if tag == "option" and ("selected" in said or self.select not in self.said):
            self.said[self.select] = said.get("value", "")

    def handle_data(self, data: str) -> None:
        if self.area:
            self.said[self.area] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self.said[self.area] = self.said[self.area].removeprefix("\n")
            self.area = ""
        if tag == "form":
            self.inside = False


def typed(answer: Any, name: str = "typed") -> dict[str, str]:
    """What a browser would send of a form of a page, but for the button."""
    form = _Form(name)
    form.feed(answer.content.decode())
    return form.said
