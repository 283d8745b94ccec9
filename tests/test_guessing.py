"""Who guesses passwords: what it costs him, and what it must not cost others."""

from __future__ import annotations

import logging
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta as td
from threading import Barrier
from types import SimpleNamespace
from typing import Any

import pytest
from allauth.core.internal import ratelimit
from django.conf import settings
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection
from django.test import RequestFactory

from grid import lock
from grid.models import Officer

from .rooms import AUTH, WRONG, Phone, codes, guess, logged_in

pytestmark = pytest.mark.urls("tests.rooms")


def test_the_fifth_wrong_password_locks_the_account_for_a_quarter_of_an_hour(city: SimpleNamespace, clock: Any) -> None:
    guess("ann", 4)
    clock.shift(td(minutes=14))  # the lock lasts from the last failure, not from the first
    guess("ANN", 1)
    answer = Phone().login("ann")
    assert (answer.status_code, codes(answer)) == (400, ["too_many_login_attempts"])
    assert "15 分钟" in answer.json()["errors"][0]["message"]
    clock.shift(td(minutes=14))
    assert "1 分钟" in Phone().login("ann").json()["errors"][0]["message"]
    clock.shift(td(minutes=1, seconds=1))
    assert logged_in("ann")


def test_attempts_at_a_locked_account_do_not_prolong_the_lock(city: SimpleNamespace, clock: Any) -> None:
    guess("ann", 5)
    for _ in range(14):
        clock.shift(td(minutes=1))
        assert codes(Phone().login("ann", WRONG)) == ["too_many_login_attempts"]
    clock.shift(td(minutes=1, seconds=1))
    assert logged_in("ann")


def test_failures_from_many_addresses_and_host_names_count_together(city: SimpleNamespace, settings: Any) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    settings.ALLOWED_HOSTS = ["*"]
    for n in range(5):
        guess("ann", 1, X_Forwarded_For=f"203.0.113.{n}", Host=f"door-{n}.example")
    assert codes(Phone(X_Forwarded_For="198.51.100.1").login("ann")) == ["too_many_login_attempts"]


def test_phones_that_are_logged_in_stay_so_while_a_stranger_locks_the_account(city: SimpleNamespace) -> None:
    phone = logged_in("ann")
    guess("ann", 5)
    assert phone.comes_in()
    assert logged_in("ivan")


def test_the_right_password_gives_the_chances_back(city: SimpleNamespace) -> None:
    for _ in range(3):
        guess("ann", 4)
        assert logged_in("ann")


def test_an_old_failure_is_forgotten(city: SimpleNamespace, clock: Any) -> None:
    for _ in range(3):
        guess("ann", 4)
        clock.shift(td(minutes=15, seconds=1))
    assert logged_in("ann")


def test_the_administrator_opens_an_account_early(city: SimpleNamespace, capsys: Any) -> None:
    guess("ann", 5)
    call_command("unlock", "ann", "ivan")
    assert capsys.readouterr().out == "ann: open again\nivan: was not locked\n"
    assert logged_in("ann")


def test_a_name_that_nobody_has_is_answered_like_one_that_somebody_has(city: SimpleNamespace) -> None:
    known = [Phone().login("ann", WRONG).json() for _ in range(6)]
    assert [Phone().login("nobody", WRONG).json() for _ in range(6)] == known


def test_a_flood_of_names_does_not_lift_a_lock(city: SimpleNamespace, settings: Any) -> None:
    guess("ann", 5)
    for n in range(350):  # more than the database cache keeps by default
        lock.take(f"nobody-{n}")
    assert codes(Phone().login("ann")) == ["too_many_login_attempts"]


def test_one_address_cannot_try_one_password_on_everybody(city: SimpleNamespace) -> None:
    answers = [codes(Phone().login(f"nobody-{n}", WRONG)) for n in range(61)]
    assert answers == [["username_password_mismatch"]] * 60 + [["too_many_login_attempts"]]
    assert codes(Phone().login("ann")) == ["too_many_login_attempts"]


def crowd_out(settings: Any, times: int = 3, **headers: str) -> None:
    """So many wrong passwords from one address that it is closed to strangers."""
    settings.ADDRESS_FAILURES = times
    for n in range(times):
        guess(f"nobody-{n}", 1, **headers)


def test_an_address_can_knock_only_so_often(city: SimpleNamespace) -> None:
    answers = [Phone().ask("POST", f"{AUTH}/auth/login").status_code for _ in range(121)]
    assert answers == [400] * 120 + [429]
    assert Phone().ask("POST", f"{AUTH}/auth/login")["Retry-After"] == "60"


def test_no_address_is_believed_that_the_phone_itself_names(city: SimpleNamespace, caplog: Any) -> None:
    with caplog.at_level(logging.INFO, "access"):
        logged_in("ann", X_Forwarded_For="203.0.113.7")
    assert "203.0.113.7" not in caplog.text and "127.0.0.1" in caplog.text


def test_twenty_guesses_at_one_moment_have_five_chances(transactional_db: None) -> None:
    Officer.objects.create(username="ann", password="!")
    start = Barrier(20)

    def try_it(_: int) -> Any:
        start.wait()
        try:
            return Phone().login("ann", WRONG)
        finally:
            connection.close()

    with ThreadPoolExecutor(20) as crowd:
        answers = list(crowd.map(try_it, range(20)))
    cache.clear()
    assert Counter(answer.status_code for answer in answers) == {400: 20}
    told = Counter(code for answer in answers for code in codes(answer))
    assert told == {"username_password_mismatch": 5, "too_many_login_attempts": 15}


def test_nobody_is_refused_because_another_of_his_address_is_being_counted(city: SimpleNamespace) -> None:
    """As when a whole office signs in at eight, or a process was killed while it counted."""
    rate = ratelimit.parse_rate(settings.ACCOUNT_RATE_LIMITS["login"])
    count = ratelimit.get_cache_key(RequestFactory().post("/"), app="allauth.account", action="login", rate=rate)
    assert cache.add(f"{count}:lock", True, timeout=2)
    assert Phone().login("ann").status_code == 200
