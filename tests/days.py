"""An officer's day at the desk, as he goes through it in a browser."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext, override
from playwright.sync_api import Page, expect

from cases.flow import Verb
from grid.models import Officer

from . import audit, pictures
from . import city as town
from .desk import Visit

PHOTO = {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": pictures.snap()}


class Day:
    """An officer at his browser. He reads his own language, and presses what is written there."""

    def __init__(self, visit: Visit, officer: Officer, language: str, width: int = 1280):
        self.officer, self.language = officer, language
        self.page: Page = visit(None, "/", language=language, width=width)
        self.sign_in()

    def word(self, said: Any) -> str:
        with override(self.language):
            return gettext(said) if isinstance(said, str) and not isinstance(said, Verb) else str(said.label)

    def sign_in(self) -> None:
        self.page.locator("[name=login]").fill(self.officer.username)
        self.page.locator("[name=password]").fill(town.PASSWORD)
        self.press("登录")
        expect(self.page.locator("[name=login]")).to_have_count(0)

    def sign_out(self) -> None:
        """By the menu, at the end of every day. No page of the day spoke another language, or lacked what it owes."""
        assert audit.foreign(self.page, self.language) == []
        self.page.locator("details.menu summary").click()
        self.page.locator("details.menu").get_by_role("button", name=self.word("退出登录")).click()
        expect(self.page.locator("[name=password]")).to_be_visible()
        self.page.goto("/cases/")
        assert "/account/login/" in self.page.url

    def open(self, path: str) -> None:
        self.page.goto(path)
        assert self.page.locator("h1").count() == 1
        assert audit.foreign(self.page, self.language) == []

    def press(self, said: Any) -> None:
        self.page.locator("main").get_by_role("button", name=self.word(said), exact=True).first.click()

    def follow(self, said: Any) -> None:
        self.page.locator("main").get_by_role("link", name=self.word(said), exact=True).first.click()

    def go(self, place: str) -> None:
        """By the bar at the top."""
        self.page.locator("header nav").get_by_role("link", name=self.word(place), exact=True).click()

    def sees(self, said: str) -> None:
        expect(self.page.locator("main")).to_contain_text(self.word(said))

    def done(self) -> None:
        expect(self.page.locator("#messages .note.success")).to_be_visible()

    def rows(self) -> int:
        return self.page.locator("[data-row]").count()

    def queue(self, name: str) -> int:
        """A queue holds as many rows as its name says."""
        self.open(f"/queue/{name}/")
        told = self.page.locator("#queues [aria-current] b").text_content()
        assert told == str(self.rows())
        return self.rows()

    def move(self, verb: Verb, *, photo: bool = False, **said: str) -> None:
        self.page.locator("#act").get_by_role("link", name=self.word(verb), exact=True).click()
        form = self.page.locator("form.move")
        form.wait_for()
        for choice in form.locator("fieldset").all():
            choice.locator("input").first.check()
        for name, value in said.items():
            field = form.locator(f"[name={name}]")
            field.select_option(value) if field.evaluate("one => one.tagName") == "SELECT" else field.fill(value)
        if photo:
            form.locator("input[type=file]").first.set_input_files([PHOTO])
        form.locator("[name=note]").fill("…")
        form.get_by_role("button", name=self.word(verb), exact=True).click()
        self.done()
