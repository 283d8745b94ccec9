"""Coming in: who gets a session, how long it lasts, and what happens to those who guess."""

from __future__ import annotations

import json
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
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection
from django.http import HttpRequest
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import include, path
from ninja import NinjaAPI

from grid import lock
from grid.models import Officer
from grid.roles import Role
from mobile_api import problems
from mobile_api.auth import officer

from .city import PASSWORD

# A door with three rooms, beside the real way in.
rooms = NinjaAPI(urls_namespace="rooms")
problems.install(rooms)


@rooms.get("hall", auth=officer())
def hall(request: HttpRequest) -> str:
    return request.auth.username


@rooms.get("desk", auth=officer(Role.CLERK, Role.DISPATCHER))
def desk(request: HttpRequest) -> str:
    return request.auth.username


urlpatterns = [path("rooms/", rooms.urls), path("", include("backend.urls"))]
pytestmark = pytest.mark.urls(__name__)

AUTH = "/api/auth/app/v1"
WRONG = "not-" + PASSWORD


class Phone:
    """A phone that knows nothing but HTTP and the token it was given."""

    def __init__(self, token: str = "", **headers: str):
        self.token, self.headers = token, headers

    def ask(self, method: str, where: str, **said: Any) -> Any:
        headers = self.headers | ({"X-Session-Token": self.token} if self.token else {})
        return Client(headers=headers).generic(method, where, json.dumps(said), content_type="application/json")

    def login(self, name: str, password: str = PASSWORD) -> Any:
        answer = self.ask("POST", f"{AUTH}/auth/login", username=name, password=password)
        self.token = answer.json().get("meta", {}).get("session_token", "")
        return answer

    def comes_in(self) -> bool:
        return self.ask("GET", "/rooms/hall").status_code == 200


def logged_in(name: str, **headers: str) -> Phone:
    phone = Phone(**headers)
    assert phone.login(name).status_code == 200
    return phone


def codes(answer: Any) -> list[str]:
    return [error["code"] for error in answer.json()["errors"]]


def guess(name: str, times: int, **headers: str) -> None:
    for _ in range(times):
        assert codes(Phone(**headers).login(name, WRONG)) == ["username_password_mismatch"]


def test_an_officer_logs_in_and_out(city: SimpleNamespace) -> None:
    phone = Phone()
    assert not phone.comes_in()
    user = phone.login("ann").json()["data"]["user"]
    assert (user["username"], user["display"]) == ("ann", "Ann")
    assert phone.ask("GET", "/rooms/hall").json() == "ann"
    assert phone.ask("DELETE", f"{AUTH}/auth/session").status_code == 401  # allauth's way of saying: nobody is here now
    assert not phone.comes_in()
    assert phone.ask("GET", f"{AUTH}/auth/session").status_code == 410


def test_a_token_that_never_was_opens_nothing(city: SimpleNamespace) -> None:
    for token in ("a" * 32, "x", "'; drop", "令牌"):
        answer = Phone(token).ask("GET", "/rooms/hall")
        assert (answer.status_code, answer.json()["code"]) == (401, "not_logged_in")


def test_an_officer_sees_and_ends_the_session_of_a_lost_phone(city: SimpleNamespace) -> None:
    lost, kept = logged_in("ann", User_Agent="old phone"), logged_in("ann", User_Agent="new phone")
    stranger = logged_in("ivan")
    sessions = kept.ask("GET", f"{AUTH}/auth/sessions").json()["data"]
    assert {session["user_agent"]: session["is_current"] for session in sessions} == {
        "old phone": False,
        "new phone": True,
    }
    gone = [session["id"] for session in sessions if not session["is_current"]]
    assert stranger.ask("DELETE", f"{AUTH}/auth/sessions", sessions=gone).status_code == 400
    assert lost.comes_in()
    assert kept.ask("DELETE", f"{AUTH}/auth/sessions", sessions=gone).status_code == 200
    assert (lost.comes_in(), kept.comes_in()) == (False, True)


def test_a_disabled_officer_is_out_at_once_and_told_so(city: SimpleNamespace) -> None:
    phone = logged_in("ann")
    Officer.objects.filter(username="ann").update(is_active=False)
    assert not phone.comes_in()
    answer = Phone().login("ann")
    assert (answer.status_code, codes(answer)) == (400, ["account_inactive"])
    assert "系统管理员" in answer.json()["errors"][0]["message"]
    assert codes(Phone().login("ann", WRONG)) == ["username_password_mismatch"]  # only who knows the password is told


def test_a_session_is_too_old_some_day(city: SimpleNamespace, clock: Any, settings: Any) -> None:
    phone = logged_in("ann")
    clock.shift(td(seconds=settings.SESSION_COOKIE_AGE - 1))
    assert phone.comes_in()
    clock.shift(td(seconds=2))
    assert not phone.comes_in()


def test_a_new_password_ends_the_other_sessions(city: SimpleNamespace) -> None:
    other, mine = logged_in("ann"), logged_in("ann")
    answer = mine.ask(
        "POST", f"{AUTH}/account/password/change", current_password=PASSWORD, new_password="prayer-flag-62"
    )
    assert answer.status_code == 200
    assert (other.comes_in(), mine.comes_in()) == (False, False)
    mine.token = answer.json()["meta"]["session_token"]
    assert mine.comes_in()
    assert len(mine.ask("GET", f"{AUTH}/auth/sessions").json()["data"]) == 1
    assert codes(Phone().login("ann")) == ["username_password_mismatch"]
    assert logged_in_with("ann", "prayer-flag-62")


def logged_in_with(name: str, password: str) -> bool:
    return Phone().login(name, password).status_code == 200


@pytest.mark.parametrize("password", ["short-7", "1234567890123", "password123", "annannann-ann"])
def test_a_weak_password_is_refused_in_chinese(city: SimpleNamespace, password: str) -> None:
    Officer.objects.filter(username="ann").update(username="annannann")
    answer = logged_in("annannann").ask(
        "POST", f"{AUTH}/account/password/change", current_password=PASSWORD, new_password=password
    )
    assert answer.status_code == 400
    assert all(error["param"] == "new_password" and "密码" in error["message"] for error in answer.json()["errors"])


def test_who_stole_a_phone_cannot_guess_its_owners_password(city: SimpleNamespace, settings: Any) -> None:
    phone = logged_in("ann")
    change = f"{AUTH}/account/password/change"
    for _ in range(10):
        assert codes(phone.ask("POST", change, current_password=WRONG, new_password="")) != []
    assert phone.ask("POST", change, current_password=PASSWORD, new_password="prayer-flag-62").status_code == 429


# Guessing


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


# What stands open


@pytest.mark.parametrize(
    ("method", "where"),
    [
        ("POST", "auth/password/request"),
        ("POST", "auth/password/reset"),
        ("POST", "auth/email/verify"),
        ("POST", "auth/code/confirm"),
        ("POST", "auth/reauthenticate"),
        ("GET", "account/email"),
        ("POST", "account/email"),
        ("GET", "account/phone"),
        ("POST", "tokens/refresh"),
    ],
)
def test_what_the_city_does_not_use_is_not_there(city: SimpleNamespace, method: str, where: str) -> None:
    said = {"email": "ann@example.com", "phone": "+8613800000000"}
    assert logged_in("ann").ask(method, f"{AUTH}/{where}", **said).status_code == 404


def test_nobody_signs_up_or_learns_who_has_an_account(city: SimpleNamespace) -> None:
    before = Officer.objects.count()
    for name in ("ann", "newcomer", ""):
        answer = Phone().ask("POST", f"{AUTH}/auth/signup", username=name, password="prayer-flag-62")
        assert answer.status_code == 403
    assert Officer.objects.count() == before
    assert Phone().ask("GET", f"{AUTH}/config").json()["data"]["account"]["is_open_for_signup"] is False


def test_an_officer_without_the_post_is_told_whose_it_is(city: SimpleNamespace) -> None:
    answer = logged_in("ann").ask("GET", "/rooms/desk")
    assert (answer.status_code, answer.json()["code"]) == (403, "not_your_post")
    assert "受理员" in answer.json()["detail"] and "派遣员" in answer.json()["detail"]
    assert logged_in("dora").ask("GET", "/rooms/desk").json() == "dora"


def test_every_operation_says_who_may_call_it(city: SimpleNamespace) -> None:
    document = rooms.get_openapi_schema()
    assert document["components"]["securitySchemes"]["SessionToken"] == {
        "type": "apiKey",
        "in": "header",
        "name": "X-Session-Token",
        "description": "The session_token that POST /api/auth/app/v1/auth/login answers with.",
    }
    assert document["paths"]["/rooms/desk"]["get"]["security"] == [{"SessionToken": []}]
    assert officer(Role.CLERK).roles == (Role.CLERK,)


def test_a_request_costs_two_statements_and_writes_nothing(city: SimpleNamespace) -> None:
    phone = logged_in("ann")
    before = Session.objects.get(pk=phone.token).expire_date
    with CaptureQueriesContext(
        connection,
    ) as asked:
        assert phone.comes_in()
    assert [query["sql"].split()[0] for query in asked] == ["SELECT", "SELECT"]
    assert Session.objects.get(pk=phone.token).expire_date == before


def test_the_answers_speak_the_phones_language(city: SimpleNamespace) -> None:
    chinese = Phone().login("ann", WRONG).json()["errors"][0]["message"]
    english = Phone(Accept_Language="en").login("ann", WRONG).json()["errors"][0]["message"]
    assert "密码" in chinese and "password" in english


# What is written down


def test_the_access_log_knows_who_and_never_what_they_typed(city: SimpleNamespace, caplog: Any) -> None:
    with caplog.at_level(logging.INFO, "access"):
        phone = logged_in("ann", User_Agent="Pixel")
        kept = logged_in("ann")
        sessions = kept.ask("GET", f"{AUTH}/auth/sessions").json()["data"]
        kept.ask("DELETE", f"{AUTH}/auth/sessions", sessions=[s["id"] for s in sessions if not s["is_current"]])
        kept.ask("DELETE", f"{AUTH}/auth/session")
        guess("ann\nlogin: 1", 1)
        guess("ivan", 5)
        Phone().login("ivan")
    said = [record.getMessage() for record in caplog.records if record.name == "access"]
    ann = city.ann.pk
    assert said == [
        f"login: {ann} from 127.0.0.1, 'Pixel'",
        f"login: {ann} from 127.0.0.1, 'Unspecified'",
        f"session revoked: {ann} from 127.0.0.1, 'Pixel'",
        f"logout: {ann} from 127.0.0.1, 'Unspecified'",
        "login failed: 'ann\\nlogin: 1' from 127.0.0.1, 'Unspecified'",
        *["login failed: 'ivan' from 127.0.0.1, 'Unspecified'"] * 4,
        "login failed, account locked: 'ivan' from 127.0.0.1, 'Unspecified'",
        "login refused, locked: 'ivan' from 127.0.0.1, 'Unspecified'",
    ]
    assert not any(secret in caplog.text for secret in (PASSWORD, WRONG, phone.token, kept.token))
