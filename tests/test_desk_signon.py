"""The city's own sign-on: officers come in by it, and nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from django.http import HttpResponse
from django.test import Client

from grid.models import Officer

from . import oidc
from .desk import LOGIN, desk
from .test_desk_factor import enrol

GO = "/account/city/login/"


@pytest.fixture
def city_signon(settings: Any) -> Iterator[oidc.Provider]:
    with oidc.provider() as provider:
        settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": [provider.app()]}}
        yield provider


def come(browser: Client, path: str = GO) -> HttpResponse:
    """From the button to the provider and back, as a browser is led."""
    there = browser.get(path)
    assert there.status_code == 302, there.content.decode()
    back = urlsplit(httpx.get(there["Location"], trust_env=False).headers["Location"])
    assert back.path == "/account/city/back/"
    return browser.get(f"{back.path}?{back.query}")


def test_an_officer_comes_in_by_the_citys_signon(city: SimpleNamespace, city_signon: oidc.Provider) -> None:
    browser = Client(headers={"Accept-Language": "zh-hans"})
    assert "统一身份认证" in browser.get(LOGIN).content.decode()
    assert come(browser, f"{GO}?next=/cases/")["Location"] == "/cases/"
    assert "Carl" in browser.get("/cases/").content.decode()


@pytest.mark.parametrize(
    "claims", [{"preferred_username": "nobody"}, {"preferred_username": ""}, {"email": "carl@city.example"}]
)
def test_who_is_no_officer_stays_outside(
    city: SimpleNamespace, city_signon: oidc.Provider, claims: dict[str, Any]
) -> None:
    city_signon.claims = {"sub": "2"} | claims
    browser = Client()
    people = Officer.objects.count()
    assert come(browser).status_code == 403
    assert browser.get("/cases/")["Location"].startswith(LOGIN)
    assert Officer.objects.count() == people


def test_an_address_counts_only_if_it_is_verified(
    city: SimpleNamespace, city_signon: oidc.Provider, settings: Any
) -> None:
    settings.OIDC_CLAIM = "email"
    Officer.objects.filter(pk=city.carl.pk).update(email="Carl@city.example")
    city_signon.claims = {"sub": "1", "email": "carl@city.example", "email_verified": False}
    assert come(Client()).status_code == 403
    city_signon.claims |= {"email_verified": True}
    assert come(Client())["Location"] == "/"
    Officer.objects.filter(pk=city.dora.pk).update(email="carl@city.example")
    assert come(Client()).status_code == 403


def test_who_is_disabled_stays_outside(city: SimpleNamespace, city_signon: oidc.Provider) -> None:
    Officer.objects.filter(pk=city.carl.pk).update(is_active=False)
    browser = Client()
    come(browser)
    assert browser.get("/cases/")["Location"].startswith(LOGIN)


def test_our_second_factor_is_asked_for_here_too(city: SimpleNamespace, clock, city_signon: oidc.Provider) -> None:
    enrol(desk(city.carl))
    assert come(Client())["Location"] == "/account/second/login/"


def test_nobody_is_led_elsewhere(city: SimpleNamespace, city_signon: oidc.Provider) -> None:
    assert come(Client(), f"{GO}?next=https://elsewhere.example/")["Location"] == "/"


def test_an_answer_that_nobody_asked_for_is_not_believed(city: SimpleNamespace, city_signon: oidc.Provider) -> None:
    browser = Client(headers={"Accept-Language": "zh-hans"})
    page = browser.get("/account/city/back/?code=once&state=made-up").content.decode()
    assert "统一身份认证没有成功" in page
    assert browser.get("/cases/")["Location"].startswith(LOGIN)


def test_a_signon_that_is_down_is_told(city: SimpleNamespace, city_signon: oidc.Provider, settings: Any) -> None:
    down = city_signon.app() | {"settings": {"server_url": "http://127.0.0.1:9"}}
    settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": [down]}}
    answer = Client(headers={"Accept-Language": "zh-hans"}).get(GO)
    assert answer.status_code == 503 and "统一身份认证没有成功" in answer.content.decode()


def test_without_configuration_there_is_none(city: SimpleNamespace) -> None:
    assert "/account/city/" not in Client().get(LOGIN).content.decode()
    assert Client().get(GO).status_code == 404
