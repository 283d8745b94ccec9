"""The second factor at a desk: enrolled, asked for, forced, forgotten; and sessions at a browser."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.core.management import call_command
from django.test import Client

from grid.models import Officer

from . import city as town
from .desk import LOGIN, desk

API = "/api/auth/app/v1/auth"


def code(secret: str, *, ahead: int = 0) -> str:
    """The six digits that an authenticator shows now, or so many half minutes ahead."""
    _before, now, _after = yield_hotp_counters_from_time()
    return format_hotp_value(hotp_value(secret, now + ahead))


def enrol(browser: Client, *, again: bool = True) -> str:
    """Turn the second factor on, after the password was asked for `again`; its secret."""
    if again:
        assert browser.get("/account/second/app/")["Location"].startswith("/account/again/")
        browser.post("/account/again/", {"password": town.PASSWORD})
    page = browser.get("/account/second/app/").content.decode()
    secret = re.search(r'<code class="secret">(\w+)</code>', page)
    assert secret, page
    answer = browser.post("/account/second/app/", {"code": code(secret[1])})
    assert answer["Location"] == "/account/second/codes/", answer.content.decode()
    return secret[1]


def knock(officer: Officer) -> tuple[Client, Any]:
    browser = Client(headers={"Accept-Language": "zh-hans"})
    return browser, browser.post(LOGIN, {"login": officer.username, "password": town.PASSWORD})


def test_who_has_a_second_factor_is_asked_for_it(city: SimpleNamespace, clock) -> None:
    secret = enrol(desk(city.carl))
    browser, answer = knock(city.carl)
    assert answer["Location"] == "/account/second/login/"
    assert browser.get("/cases/")["Location"].startswith(LOGIN)
    assert browser.post("/account/second/login/", {"code": "000000"}).status_code == 200
    clock.shift(30)
    assert browser.post("/account/second/login/", {"code": code(secret)})["Location"] == "/"
    assert browser.get("/cases/").status_code == 200


@pytest.mark.parametrize("later", [0, 29, 31, 59])
def test_a_code_signs_in_once(city: SimpleNamespace, clock, later: int) -> None:
    secret = enrol(desk(city.carl))
    clock.shift(60)
    said = code(secret, ahead=1)  # of a phone whose clock is half a minute ahead: good for longest
    browser, _answer = knock(city.carl)
    assert browser.post("/account/second/login/", {"code": said})["Location"] == "/"
    clock.shift(later)
    again, _answer = knock(city.carl)
    assert again.post("/account/second/login/", {"code": said}).status_code == 200
    assert again.get("/cases/")["Location"].startswith(LOGIN)


def test_an_older_code_than_the_last_is_used_up_too(city: SimpleNamespace, clock) -> None:
    secret = enrol(desk(city.carl))
    clock.shift(60)
    older, newer = code(secret), code(secret, ahead=1)
    statuses = []
    for said in (newer, older):
        browser, _answer = knock(city.carl)
        statuses.append(browser.post("/account/second/login/", {"code": said}).status_code)
    assert statuses == [302, 200]


def test_the_code_that_turned_it_on_signs_nobody_in(city: SimpleNamespace, clock) -> None:
    secret = enrol(desk(city.carl))
    browser, _answer = knock(city.carl)
    assert browser.post("/account/second/login/", {"code": code(secret)}).status_code == 200
    assert browser.post("/account/second/login/", {"code": code(secret, ahead=1)}).status_code == 302


def test_a_recovery_code_signs_in_once(city: SimpleNamespace, clock) -> None:
    owner = desk(city.carl)
    enrol(owner)
    one = re.findall(r"<code>(\d+)</code>", owner.get("/account/second/codes/").content.decode())[0]
    answers = []
    for _ in range(2):
        browser, _answer = knock(city.carl)
        answers.append(browser.post("/account/second/login/", {"code": one}).status_code)
    assert answers == [302, 200]


def test_the_database_alone_makes_no_codes(city: SimpleNamespace, clock) -> None:
    secret = enrol(desk(city.carl))
    assert secret not in str(Authenticator.objects.get(type="totp").data)


@pytest.fixture
def forced(settings: Any) -> None:
    settings.SECOND_FACTOR_ROLES = ["administrator", "leader"]


def test_whose_post_asks_for_it_finds_no_other_page_before(city: SimpleNamespace, clock, forced: None) -> None:
    browser = desk(city.lena)
    for path in ("/", "/cases/", "/account/password/", "/account/second/", "/account/sessions/"):
        assert browser.get(path)["Location"] == "/account/second/app/", path
    browser.post("/account/again/", {"password": town.PASSWORD})
    assert "必须启用两步验证" in browser.get("/account/second/app/").content.decode()
    enrol(browser, again=False)
    assert browser.get("/cases/").status_code == 200


def test_who_need_not_is_not_asked(city: SimpleNamespace, forced: None, django_assert_num_queries: Any) -> None:
    browser = desk(city.carl)
    browser.get("/queue/file/")
    with django_assert_num_queries(5):  # session, officer, edition, keys, counts
        assert browser.get("/queue/file/").status_code == 200


def test_he_may_sign_out_and_choose_his_language_meanwhile(city: SimpleNamespace, forced: None) -> None:
    browser = desk(city.lena)
    assert browser.post("/language/", {"language": "en", "next": "/"})["Location"] == "/"
    assert browser.post("/account/logout/")["Location"] == LOGIN


def test_the_phones_door_is_closed_to_him_too(city: SimpleNamespace, clock, forced: None) -> None:
    phone = town.phone(city.lena)
    answer = phone.get("/api/mobile/v1/me")
    assert (answer.status_code, answer.json()["code"]) == (403, "second_factor_missing")
    enrol(desk(city.lena))
    assert phone.get("/api/mobile/v1/me").status_code == 200


def test_a_phone_is_asked_for_the_code_as_well(city: SimpleNamespace, clock) -> None:
    secret = enrol(desk(city.carl))
    clock.shift(30)
    said = {"username": "carl", "password": town.PASSWORD}
    first = Client().post(f"{API}/login", said, content_type="application/json")
    assert first.status_code == 401
    pending = {flow["id"] for flow in first.json()["data"]["flows"] if flow.get("is_pending")}
    assert pending == {"mfa_authenticate"}
    token = first.json()["meta"]["session_token"]
    phone = Client(headers={"X-Session-Token": token})
    assert phone.get("/api/mobile/v1/me").status_code == 401
    answer = phone.post(f"{API}/2fa/authenticate", {"code": code(secret)}, content_type="application/json")
    assert answer.status_code == 200
    signed = answer.json()["meta"]["session_token"]
    assert Client(headers={"X-Session-Token": signed}).get("/api/mobile/v1/me").status_code == 200


def test_who_lost_his_phone_enrols_again(city: SimpleNamespace, clock, capsys: Any) -> None:
    enrol(desk(city.carl))
    call_command("forget_factor", "carl", "dora")
    assert capsys.readouterr().out == "carl: forgotten\ndora: had none\n"
    assert desk(city.carl).get("/cases/").status_code == 200


def test_five_wrong_passwords_close_the_account_at_both_doors(city: SimpleNamespace) -> None:
    browser = Client(headers={"Accept-Language": "zh-hans"})
    for _ in range(5):
        browser.post(LOGIN, {"login": "carl", "password": "wrong"})
    page = browser.post(LOGIN, {"login": "carl", "password": town.PASSWORD}).content.decode()
    assert "账号已锁定" in page
    said = {"username": "carl", "password": town.PASSWORD}
    assert Client().post(f"{API}/login", said, content_type="application/json").status_code == 400


def test_wrong_codes_close_the_account_whatever_the_password(city: SimpleNamespace, clock) -> None:
    """Knowing the password does not buy more guesses: each new sign-in goes on where the last one left off."""
    secret = enrol(desk(city.carl))
    clock.shift(30)
    for n in range(5):
        browser, answer = knock(city.carl)
        assert answer["Location"] == "/account/second/login/", n
        told = browser.post("/account/second/login/", {"code": "000000"}).content.decode()
        assert "账号已锁定" not in told
    told = browser.post("/account/second/login/", {"code": code(secret)}).content.decode()
    assert "账号已锁定" in told
    _browser, answer = knock(city.carl)
    assert answer.status_code == 200 and "账号已锁定" in answer.content.decode()
    said = {"username": "carl", "password": town.PASSWORD}
    assert Client().post(f"{API}/login", said, content_type="application/json").status_code == 400
    assert desk(city.dora).get("/queue/").status_code == 302
    call_command("unlock", "carl")
    browser, _answer = knock(city.carl)
    assert browser.post("/account/second/login/", {"code": code(secret)})["Location"] == "/"


def test_a_phone_s_wrong_codes_count_with_the_browser_s(city: SimpleNamespace, clock) -> None:
    secret = enrol(desk(city.carl))
    clock.shift(30)
    browser, _answer = knock(city.carl)
    for _ in range(3):
        browser.post("/account/second/login/", {"code": "000000"})
    said = {"username": "carl", "password": town.PASSWORD}
    token = Client().post(f"{API}/login", said, content_type="application/json").json()["meta"]["session_token"]
    phone = Client(headers={"X-Session-Token": token})
    for _ in range(2):
        phone.post(f"{API}/2fa/authenticate", {"code": "000000"}, content_type="application/json")
    answer = phone.post(f"{API}/2fa/authenticate", {"code": code(secret)}, content_type="application/json")
    assert answer.status_code == 400 and "账号已锁定" in answer.json()["errors"][0]["message"]


def test_the_right_code_gives_the_chances_back(city: SimpleNamespace, clock) -> None:
    secret = enrol(desk(city.carl))
    for _ in range(3):
        clock.shift(30)
        browser, _answer = knock(city.carl)
        for _ in range(4):
            browser.post("/account/second/login/", {"code": "000000"})
        assert browser.post("/account/second/login/", {"code": code(secret)})["Location"] == "/"


def test_a_new_password_ends_the_other_sessions(city: SimpleNamespace) -> None:
    here, there, phone = desk(city.carl), desk(city.carl), town.phone(city.carl)
    said = {"oldpassword": town.PASSWORD, "password1": "another-long-one-7", "password2": "another-long-one-7"}
    assert here.post("/account/password/", said).status_code == 302
    assert here.get("/cases/").status_code == 200
    assert there.get("/cases/").status_code == 302
    assert phone.get("/api/mobile/v1/me").status_code == 401


def test_other_devices_are_signed_out_from_here(city: SimpleNamespace) -> None:
    here, phone = desk(city.carl), town.phone(city.carl)
    assert "本机" in here.get("/account/sessions/").content.decode()
    assert here.post("/account/sessions/").status_code == 302
    assert here.get("/cases/").status_code == 200
    assert phone.get("/api/mobile/v1/me").status_code == 401


def test_who_is_disabled_is_out_at_once(city: SimpleNamespace) -> None:
    browser = desk(city.carl)
    Officer.objects.filter(pk=city.carl.pk).update(is_active=False)
    assert browser.get("/cases/")["Location"].startswith(LOGIN)


def test_parts_of_a_page_stay_as_they_are_meanwhile(city: SimpleNamespace, forced: None) -> None:
    """The count of messages asks by itself: the page of enrolment must not be put into it."""
    answer = desk(city.lena).get("/me/inbox/count/", headers={"HX-Request": "true"})
    assert (answer.status_code, answer.content) == (204, b"")
