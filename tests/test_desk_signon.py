"""The city's own sign-on: officers come in by it, and nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from django.http import HttpResponse
from django.test import Client

from grid.models import Officer

from . import oidc
from .desk import LOGIN, desk
from .test_desk_factor import enrol

GO = "/account/city/login/"
STRANGER = rsa.generate_private_key(public_exponent=65537, key_size=2048)


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


def turned_away(city_signon: oidc.Provider) -> None:
    """Whoever brings this answer stays outside, and reads why on a page."""
    browser = Client(headers={"Accept-Language": "zh-hans"})
    answer = come(browser)
    assert answer.status_code in (401, 403, 503), answer.status_code
    assert "统一身份认证" in answer.content.decode()
    assert browser.get("/cases/")["Location"].startswith(LOGIN)


FORGED = {
    "another key": lambda claims: jwt.encode(claims, STRANGER, "RS256", headers={"kid": "1"}),
    "no signature": lambda claims: jwt.encode(claims, None, "none", headers={"kid": "1"}),
    "the secret that both know": lambda claims: jwt.encode(claims, oidc.SECRET * 2, "HS256", headers={"kid": "1"}),
    "a key that nobody knows": lambda claims: jwt.encode(claims, oidc.KEY, "RS256", headers={"kid": "2"}),
    "no token": lambda claims: "",
    "a number": lambda claims: 7,
}


@pytest.mark.parametrize("forged", FORGED)
def test_a_token_that_the_signon_did_not_sign_is_refused(
    city: SimpleNamespace, city_signon: oidc.Provider, forged: str
) -> None:
    city_signon.sign = FORGED[forged]
    turned_away(city_signon)


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "of another attempt"},
        {"nonce": None},
        {"iss": "https://elsewhere.example"},
        {"aud": "another-program"},
        {"aud": [oidc.CLIENT, "another-program"], "azp": "another-program"},
        {"exp": 1_700_000_000},
        {"exp": None},
        {"iat": 4_000_000_000},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"sub": "s" * 256},
        {"iss": None},
        {"aud": None},
    ],
    ids=str,
)
def test_a_token_that_proves_too_little_is_refused(
    city: SimpleNamespace, city_signon: oidc.Provider, claims: dict[str, Any]
) -> None:
    city_signon.token_claims = claims
    turned_away(city_signon)


@pytest.mark.parametrize(
    "user_info",
    [
        {"sub": "2", "preferred_username": "carl"},
        {"preferred_username": "carl"},
        ["sub", "1"],
        "carl",
        {"sub": "1", "preferred_username": "carl\0"},
        {"sub": "1", "preferred_username": "\ud800"},
        {"sub": "1", "preferred_username": ["carl"]},
        {"sub": "1", "preferred_username": {"carl": "carl"}, "email": {"a": 1}},
        {"sub": "1", "preferred_username": "c" * 100_000},
    ],
    ids=lambda said: str(said)[:60],
)
def test_what_is_told_of_somebody_else_or_makes_no_sense_is_refused(
    city: SimpleNamespace, city_signon: oidc.Provider, user_info: Any
) -> None:
    city_signon.user_info = user_info
    turned_away(city_signon)


@pytest.mark.parametrize(
    "said", [{"issuer": "https://elsewhere.example"}, {"jwks_uri": None}, {"token_endpoint_auth_methods_supported": 7}]
)
def test_a_signon_that_speaks_for_another_is_refused(
    city: SimpleNamespace, city_signon: oidc.Provider, said: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = city_signon.configuration()
    monkeypatch.setattr(city_signon, "configuration", lambda: honest | said)
    browser = Client(headers={"Accept-Language": "zh-hans"})
    answer = browser.get(GO)
    assert answer.status_code == 503 and "统一身份认证没有成功" in answer.content.decode()


def test_a_link_says_nothing_of_what_we_ask_for(city: SimpleNamespace, city_signon: oidc.Provider) -> None:
    there = Client().get(f"{GO}?auth_params=nonce%3Dmine%26prompt%3Dnone&scope=everything")["Location"]
    asked = parse_qs(urlsplit(there).query)
    assert asked["nonce"] != ["mine"] and "prompt" not in asked and "everything" not in asked["scope"][0]
