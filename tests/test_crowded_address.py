"""A whole office behind one address: what the wrong passwords of one do to the others."""

from __future__ import annotations

from datetime import timedelta as td
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from .city import PASSWORD
from .rooms import Phone, codes, guess, logged_in

pytestmark = pytest.mark.urls("tests.rooms")


def crowd_out(settings: Any, times: int = 3, **headers: str) -> None:
    """So many wrong passwords from one address that it is closed to strangers."""
    settings.ADDRESS_FAILURES = times
    for n in range(times):
        guess(f"nobody-{n}", 1, **headers)


def test_who_signed_in_there_before_is_not_shut_out_with_the_others(
    city: SimpleNamespace, clock: Any, settings: Any
) -> None:
    running = logged_in("ann")
    crowd_out(settings)
    clock.shift(td(minutes=5))
    answer = Phone().login("ivan")
    assert (codes(answer), answer["Retry-After"]) == (["too_many_login_attempts"], "601")
    assert "10 分钟后（09:15）" in answer.json()["errors"][0]["message"]
    assert running.comes_in()
    assert logged_in("ann")
    assert logged_in("ANN")
    clock.shift(td(minutes=10, seconds=1))
    assert logged_in("ivan")


def test_an_account_that_an_address_knows_has_its_own_few_chances(city: SimpleNamespace, settings: Any) -> None:
    logged_in("ann")
    crowd_out(settings)
    guess("ann", 5)
    answer = Phone().login("ann")
    assert (codes(answer), answer["Retry-After"]) == (["too_many_login_attempts"], "900")
    assert "账号已锁定" in answer.json()["errors"][0]["message"]


def test_the_desk_tells_until_when_too(city: SimpleNamespace, clock: Any, settings: Any) -> None:
    crowd_out(settings)
    answer = Client().post("/account/login/", {"login": "ann", "password": PASSWORD})
    assert "15 分钟后（09:15）" in answer.content.decode()
    assert answer["Retry-After"] == "901"


def test_another_address_is_open(city: SimpleNamespace, settings: Any) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    crowd_out(settings, X_Forwarded_For="2001:db8::1")
    assert codes(Phone(X_Forwarded_For="2001:db8::ffff").login("ann")) == ["too_many_login_attempts"]  # one network
    assert logged_in("ann", X_Forwarded_For="2001:db8:0:1::1")
    assert logged_in("ivan", X_Forwarded_For="203.0.113.9")


def test_the_administrator_opens_an_address_early(city: SimpleNamespace, settings: Any, capsys: Any) -> None:
    crowd_out(settings)
    call_command("unlock", "127.0.0.1", "203.0.113.9")
    assert capsys.readouterr().out == "127.0.0.1: open again\n203.0.113.9: was not locked\n"
    assert logged_in("ann")
