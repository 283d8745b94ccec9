"""Who comes in at a browser, and what every page of the desk promises."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver

from console import urls

from . import city as town
from .desk import LOGIN, Visit, desk


def test_who_is_not_signed_in_is_shown_the_way_and_back(client: Client) -> None:
    answer = client.get("/?page=2")
    assert answer.status_code == 302
    assert answer["Location"] == f"{LOGIN}?next=%2F%3Fpage%3D2"


def test_a_part_of_a_page_sends_the_whole_page_to_the_login(client: Client) -> None:
    answer = client.get("/", headers={"HX-Request": "true", "HX-Current-URL": "/cases/?stage=filing"})
    assert answer.status_code == 401
    assert answer["HX-Redirect"] == f"{LOGIN}?next=%2Fcases%2F%3Fstage%3Dfiling"


def test_a_form_that_a_part_sends_stays_where_it_is(client: Client) -> None:
    answer = client.post("/case/none/finish/", headers={"HX-Request": "true"})
    assert answer.status_code == 401 and "HX-Redirect" not in answer


@pytest.mark.parametrize(("language", "says"), [("zh-hans", "什么也没有写入"), ("en", "nothing was written")])
def test_a_page_that_breaks_says_what_to_do(
    city: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, language: str, says: str
) -> None:
    browser = desk(city.carl, **{"Accept-Language": language})
    browser.raise_request_exception = False
    monkeypatch.setattr("console.views.home._first", lambda request: 1 // 0)
    answer = browser.get("/")
    assert answer.status_code == 500 and says in answer.content.decode()


def test_a_part_that_is_refused_is_a_sentence(city: SimpleNamespace) -> None:
    answer = desk(city.carl).get("/settings/", headers={"HX-Request": "true"})
    assert answer.status_code == 403 and "<" not in answer.content.decode()


def test_an_officer_signs_in_and_out(city: SimpleNamespace) -> None:
    browser = desk(city.carl)
    assert "Carl" in browser.get("/", follow=True).content.decode()
    assert browser.post("/account/logout/").status_code == 302
    assert browser.get("/")["Location"].startswith(LOGIN)


def test_nobody_is_led_to_another_host_by_the_login(city: SimpleNamespace) -> None:
    answer = Client().post(
        LOGIN, {"login": "carl", "password": town.PASSWORD, "next": "https://elsewhere.example/cases/"}
    )
    assert answer["Location"] == "/"


@pytest.mark.parametrize("path", ["signup/", "password/reset/", "email/", "confirm-email/", "login/code/"])
def test_what_the_city_does_not_use_is_not_there(client: Client, path: str) -> None:
    assert client.get(f"/account/{path}").status_code == 404


def test_a_page_loads_nothing_from_elsewhere_and_runs_no_script_of_its_own(db: None, client: Client) -> None:
    answer = client.get(LOGIN)
    policy = answer["Content-Security-Policy"]
    assert "default-src 'self'" in policy and "unsafe" not in policy
    page = answer.content.decode()
    assert "<style" not in page and " style=" not in page and " onclick=" not in page
    assert page.count("<script") == page.count("<script src=")


def test_the_language_is_chosen_by_a_button(db: None, client: Client) -> None:
    assert "登录" in client.get(LOGIN, headers={"Accept-Language": "zh-CN"}).content.decode()
    client.post("/language/", {"language": "en", "next": LOGIN})
    assert "Sign in" in client.get(LOGIN).content.decode()
    assert client.get(LOGIN).cookies.get("django_language") is None


def test_the_language_button_leads_nowhere_else(client: Client) -> None:
    assert client.post("/language/", {"language": "en", "next": "https://elsewhere.example/"})["Location"] == "/"


def test_every_page_says_for_whom_it_is() -> None:
    open_to_all = {"language"}
    for pattern in pages(urls.urlpatterns):
        assert pattern.name in open_to_all or hasattr(pattern.callback, "roles"), pattern.name


def pages(patterns: list[URLPattern | URLResolver]) -> list[URLPattern]:
    return [
        page
        for pattern in patterns
        for page in (pages(pattern.url_patterns) if isinstance(pattern, URLResolver) else [pattern])
    ]


def test_a_clerk_signs_in_with_a_real_browser(visit: Visit) -> None:
    town.build()
    page = visit(None, "/")
    page.get_by_label("用户名").fill("carl")
    page.get_by_label("密码").fill("not this one")
    page.get_by_role("button", name="登录").click()
    assert page.get_by_role("alert").is_visible()
    page.get_by_label("密码").fill(town.PASSWORD)
    page.get_by_role("button", name="登录").click()
    page.get_by_text("Carl", exact=True).click()
    page.get_by_role("button", name="退出登录").click()
    page.get_by_role("button", name="English").click()
    page.get_by_role("heading", name="Sign in").wait_for()
