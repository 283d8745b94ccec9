"""Coming in: who gets a session, how long it lasts, and what happens to those who guess."""

from __future__ import annotations

import logging
from datetime import timedelta as td
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.test.utils import CaptureQueriesContext

from grid.models import Officer
from grid.roles import Role
from mobile_api.auth import officer

from .city import PASSWORD
from .rooms import AUTH, WRONG, Phone, codes, guess, logged_in, rooms

pytestmark = pytest.mark.urls("tests.rooms")


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
