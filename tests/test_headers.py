"""What every page and every operation tells browsers and caches: nothing personal is kept, nothing foreign runs."""

from __future__ import annotations

import re
import uuid
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import expect

from console import urls
from mobile_api.api import api
from mobile_api.manual import calls

from . import city as town
from .desk import Visit, desk
from .test_desk_door import pages

MANUAL = "/api/mobile/v1/docs"
KEPT = ("private, max-age=", "private, no-cache")
"""How an answer says that its reader may keep it: pictures and tiles by their content, the city by its edition."""
MAY_BE_KEPT = {"GET /api/mobile/v1/city", "GET /api/mobile/v1/photos/"}


def operations() -> list[tuple[str, str]]:
    return [(method.upper(), f"/api/mobile/v1/{path.lstrip('/')}") for method, path, _posts in calls(api)]


def filled(path: str) -> str:
    """A path whose words stand for nothing that is there."""
    path = re.sub(r"\{[^}]*sha256[^}]*\}", "0" * 64, path)
    return re.sub(r"\{[^}]*uuid[^}]*\}", str(uuid.uuid4()), re.sub(r"\{(?:int:)?(?!uuid|sha)[^}]*\}", "7", path))


@pytest.mark.parametrize(("method", "path"), operations())
def test_no_answer_of_the_phones_door_is_kept_or_run(city: SimpleNamespace, method: str, path: str) -> None:
    for phone in (town.phone(city.carl), Client()):
        answer = phone.generic(method, filled(path), b"{}", content_type="application/json")
        kept = answer["Cache-Control"]
        assert "no-store" in kept or (f"{method} {path}".startswith(tuple(MAY_BE_KEPT)) and kept.startswith(KEPT))
        assert "default-src 'none'" in answer["Content-Security-Policy"]


def test_a_session_token_is_kept_by_nobody(city: SimpleNamespace) -> None:
    said = {"username": "carl", "password": town.PASSWORD}
    answer = Client().post("/api/auth/app/v1/auth/login", said, content_type="application/json")
    assert answer.status_code == 200 and "no-store" in answer["Cache-Control"]


def test_no_page_of_the_desk_is_kept_and_each_names_what_may_run(city: SimpleNamespace) -> None:
    browsers = [desk(officer) for officer in (city.carl, city.adam, city.lena, city.ivan, city.hugo)] + [Client()]
    seen = 0
    for page in pages(urls.urlpatterns):
        path = "/" + re.sub(r"<(\w+):\w+>", lambda word: "1" if word[1] == "int" else "none", str(page.pattern))
        for browser in browsers:
            answer = browser.get(path)
            if answer.status_code == 200 and answer["Content-Type"].startswith("text/html"):
                assert "no-store" in answer["Cache-Control"], path
                seen += 1
            policy = answer["Content-Security-Policy"]
            assert "default-src 'self'" in policy or "default-src 'none'" in policy, path
            assert "unsafe" not in policy, path
    assert seen > 50
    for path in ("/account/sessions/", "/account/password/", "/nowhere/"):
        assert "no-store" in desk(city.carl).get(path)["Cache-Control"], path


def test_the_manual_runs_under_a_policy(visit: Visit) -> None:
    """Its viewer draws, and complains of nothing (the fixture looks)."""
    town.build()
    page = visit(None, MANUAL)
    expect(page.locator(".opblock").first).to_be_visible()
    answer = Client().get(MANUAL)
    assert "default-src 'self'" in answer["Content-Security-Policy"]
    assert "script-src" not in answer["Content-Security-Policy"]


def test_every_json_body_may_be_refused_as_unreadable() -> None:
    for path, item in api.get_openapi_schema()["paths"].items():
        for method, told in item.items():
            if "application/json" in told.get("requestBody", {}).get("content", {}):
                example = told["responses"]["400"]["content"]["application/problem+json"]["example"]
                assert example["code"] == "bad_json", f"{method} {path}"


def test_no_template_and_no_code_trusts_a_text_as_markup() -> None:
    """What is markup is made by format_html; a name that somebody gave is text wherever it stands."""
    trusting = re.compile(r"\|\s*safe\b|\bmark_safe\b|autoescape\s+off")
    found = [
        str(path.relative_to(settings.BASE_DIR))
        for app in ("backend", "grid", "cases", "mobile_api", "console")
        for path in sorted((Path(settings.BASE_DIR) / app).rglob("*"))
        if path.suffix in (".py", ".html", ".txt")
        and "vendor" not in path.parts
        and trusting.search(path.read_text(encoding="utf8"))
    ]
    assert found == []


def test_a_departments_name_is_text(city: SimpleNamespace) -> None:
    city.roads.name = "<b>路</b><script>"
    city.roads.save()
    for officer in (city.adam, city.lena, city.carl, city.dora, city.hugo, city.aude):
        browser = desk(officer)
        for page in pages(urls.urlpatterns):
            if "<" in str(page.pattern) and "slug" not in str(page.pattern):
                continue
            path = "/" + str(page.pattern).replace("<slug:slug>", "officers")
            answer = browser.get(path)
            if answer["Content-Type"].startswith("text/html"):
                assert "<b>路</b>" not in answer.content.decode(), path


def test_the_rules_for_passwords_are_still_a_list(city: SimpleNamespace) -> None:
    page = desk(city.carl).get("/account/password/").content.decode()
    assert "<ul><li>" in page
