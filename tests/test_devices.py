"""Whose phone it is: where push reaches an officer, and when it is forgotten."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client

from grid.models import Officer
from mobile_api.models import Device

from . import city as town
from .test_login import Phone, logged_in

DEVICES = "/api/mobile/v1/devices"


def phone(officer: Officer, token: str = "", **kwargs: Any) -> Device:
    """A phone of that officer; its token is his name unless said otherwise."""
    kwargs = {"platform": "android", "seen_at": town.MONDAY} | kwargs
    return Device.objects.create(officer=officer, token=token or officer.username, **kwargs)


def says(phone: Phone, token: str, **said: str) -> int:
    return phone.ask("PUT", DEVICES, **({"token": token, "platform": "android"} | said)).status_code


def tokens(officer: Officer) -> list[str]:
    return sorted(officer.devices.values_list("token", flat=True))


def test_a_token_belongs_to_whoever_said_it_last(city: SimpleNamespace) -> None:
    anns, ivans = logged_in("ann"), logged_in("ivan")
    assert [says(anns, "shared"), says(anns, "shared"), says(anns, "own", language="zh-CN")] == [204] * 3
    assert tokens(city.ann) == ["own", "shared"]
    assert city.ann.devices.get(token="own").language == "zh-hans"
    assert says(ivans, "shared", platform="ios", language="tlh") == 204
    assert (tokens(city.ann), tokens(city.ivan)) == (["own"], ["shared"])
    assert city.ivan.devices.get().platform == "ios"


def test_an_officer_has_so_many_phones_and_the_oldest_goes(city: SimpleNamespace, clock: Any, settings: Any) -> None:
    settings.PUSH_DEVICES = 3
    anns, ivans = logged_in("ann"), logged_in("ivan")
    says(ivans, "his")
    for token in ("a", "b", "c", "a", "d"):
        clock.shift(timedelta(seconds=1))
        assert says(anns, token) == 204
    assert (tokens(city.ann), tokens(city.ivan)) == (["a", "c", "d"], ["his"])
    assert says(anns, "his") == 204
    assert (tokens(city.ann), tokens(city.ivan)) == (["a", "d", "his"], [])


def test_a_phone_can_be_forgotten_by_its_officer_alone(city: SimpleNamespace) -> None:
    anns, ivans = logged_in("ann"), logged_in("ivan")
    token = "dQw4w9:APA91b-H_x"
    says(anns, token)
    assert ivans.ask("DELETE", f"{DEVICES}/{token}").status_code == 204
    assert tokens(city.ann) == [token]
    assert anns.ask("DELETE", f"{DEVICES}/{token}").status_code == 204
    assert tokens(city.ann) == []


@pytest.mark.parametrize("said", [{"token": ""}, {"token": "t" * 513}, {"token": "a b"}, {"platform": "symbian"}])
def test_nonsense_is_refused(city: SimpleNamespace, said: dict[str, str]) -> None:
    phone = logged_in("ann")
    answer = phone.ask("PUT", DEVICES, **({"token": "t", "platform": "android"} | said))
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert Client().put(DEVICES).status_code == 401


def test_whoever_logs_out_hears_no_more(city: SimpleNamespace) -> None:
    phone, other = logged_in("ann"), logged_in("ann")
    says(phone, "here"), says(other, "there")
    phone.ask("DELETE", "/api/auth/app/v1/auth/session")
    assert tokens(city.ann) == ["there"]


def test_a_lost_phone_hears_no_more_once_its_session_is_revoked(city: SimpleNamespace) -> None:
    lost, kept = logged_in("ann"), logged_in("ann")
    says(lost, "lost"), says(kept, "kept")
    sessions = kept.ask("GET", "/api/auth/app/v1/auth/sessions").json()["data"]
    gone = [session["id"] for session in sessions if not session["is_current"]]
    kept.ask("DELETE", "/api/auth/app/v1/auth/sessions", sessions=gone)
    assert tokens(city.ann) == ["kept"]


def test_a_new_password_silences_the_other_phones(city: SimpleNamespace) -> None:
    mine, other = logged_in("ann"), logged_in("ann")
    says(mine, "mine"), says(other, "other")
    change = "/api/auth/app/v1/account/password/change"
    mine.ask("POST", change, current_password=town.PASSWORD, new_password="prayer-flag-62")
    assert tokens(city.ann) == ["mine"]


def revokes(kept: Phone) -> None:
    """End all sessions but this one."""
    sessions = kept.ask("GET", "/api/auth/app/v1/auth/sessions").json()["data"]
    gone = [session["id"] for session in sessions if not session["is_current"]]
    assert len(gone) == len(sessions) - 1
    kept.ask("DELETE", "/api/auth/app/v1/auth/sessions", sessions=gone)


def test_the_end_of_an_older_session_silences_no_newer_one(city: SimpleNamespace) -> None:
    """The same phone logged in anew: its token is the living session's, which said it last."""
    older, newer = logged_in("ann"), logged_in("ann")
    says(older, "phone"), says(newer, "phone")
    revokes(newer)
    assert tokens(city.ann) == ["phone"]
    newer.ask("DELETE", "/api/auth/app/v1/auth/session")
    assert tokens(city.ann) == []


def test_a_newer_session_that_ends_takes_what_it_said_last(city: SimpleNamespace) -> None:
    older, newer = logged_in("ann"), logged_in("ann")
    says(older, "phone"), says(older, "tablet"), says(newer, "phone")
    newer.ask("DELETE", "/api/auth/app/v1/auth/session")
    assert tokens(city.ann) == ["tablet"]


def test_a_new_password_on_the_phone_leaves_its_token(city: SimpleNamespace) -> None:
    older, newer = logged_in("ann"), logged_in("ann")
    says(older, "phone"), says(newer, "phone")
    change = "/api/auth/app/v1/account/password/change"
    newer.ask("POST", change, current_password=town.PASSWORD, new_password="prayer-flag-62")
    assert tokens(city.ann) == ["phone"]


def test_a_token_that_was_replaced_ends_with_the_session_too(city: SimpleNamespace) -> None:
    phone = logged_in("ann")
    says(phone, "old"), says(phone, "new")
    phone.ask("DELETE", "/api/auth/app/v1/auth/session")
    assert tokens(city.ann) == []


def test_the_next_officer_keeps_a_shared_phone(city: SimpleNamespace) -> None:
    first, second = logged_in("ann"), logged_in("ivan")
    says(first, "shared"), says(second, "shared")
    first.ask("DELETE", "/api/auth/app/v1/auth/session")
    assert tokens(city.ivan) == ["shared"]
