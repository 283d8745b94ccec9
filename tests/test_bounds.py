"""Bodies that are too large, too deep or too wide cost little, and are told so in few words."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from mobile_api import bounds

from . import city as town

CASES = "/api/mobile/v1/cases"
LOGIN = "/api/auth/app/v1/auth/login"
JSON = "application/json"


@pytest.fixture
def ann(city: SimpleNamespace) -> Client:
    return town.phone(city.ann)


def send(phone: Client, body: bytes | str, where: str = CASES) -> Any:
    return phone.generic("POST", where, body, content_type=JSON)


def test_a_body_has_a_size(ann: Client, settings: Any) -> None:
    answer = send(ann, b" " * (settings.JSON_BYTES + 1))
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert str(settings.JSON_BYTES) in answer.json()["detail"]
    assert send(ann, b" " * settings.JSON_BYTES).json()["code"] == "bad_json"
    assert send(Client(), b" " * 20_000, LOGIN).status_code == 413


DEEP = "[" * 100_000, "[" * 21 + "]" * 21, '{"a":' * 21 + "1" + "}" * 21
WIDE = json.dumps({f"k{n}": 1 for n in range(10_001)}), json.dumps([1] * 20_002)


@pytest.mark.parametrize("body", [*DEEP, *WIDE], ids=range(5))
def test_a_body_has_a_depth_and_a_width(ann: Client, body: str) -> None:
    for where in (CASES, "/api/auth/app/v1/auth/2fa/authenticate") if len(body) < 10_000 else (CASES,):
        answer = send(ann, body, where)
        assert (answer.status_code, answer.json()["code"]) == (422, "too_complex")


@pytest.mark.parametrize("body", [b'{"id": %s}' % (b"9" * 5000), '{"id": 1}'.encode("utf-16"), b'{"id": "\xff"}'])
def test_what_is_no_json_is_told_so_at_both_ways_in(ann: Client, body: bytes) -> None:
    assert send(ann, body).json()["code"] == "bad_json"
    assert send(Client(), body, LOGIN).status_code == 400


def test_of_many_errors_twenty_are_told_and_all_are_counted(ann: Client) -> None:
    answer = send(ann, json.dumps({f"unknown{n:05}" * 10: 1 for n in range(2_000)}))
    told = answer.json()
    assert answer.status_code == 422
    assert len(told["errors"]) == 20
    assert told["error_count"] == 2_003  # id, category and point are missing as well
    assert "2003" in told["detail"]
    assert len(answer.content) < 20_000
    query = ann.get(CASES, {f"word{n}": 1 for n in range(500)}).json()
    assert (len(query["errors"]), query["error_count"]) == (20, 500)


def test_a_field_s_name_is_told_in_short(ann: Client) -> None:
    answer = send(ann, json.dumps({"n" * 200_000: 1}))
    assert answer.status_code == 422
    assert len(answer.content) < 2_000


def test_a_track_of_a_thousand_points_is_within_the_bounds() -> None:
    point = {"at": "2026-03-02T09:00:00.123456+08:00", "lon": 97.00123456789012, "lat": 33.0, "accuracy_m": 12.345678}
    assert bounds.examine(json.dumps({"crs": "wgs84", "points": [point] * 1000}).encode()) == ""


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda some: st.lists(some) | st.dictionaries(st.text(), some),
    max_leaves=60,
)


@given(ANYTHING, st.booleans())
def test_what_stands_in_texts_is_not_counted(said: Any, ascii_only: bool) -> None:
    body = json.dumps(said, ensure_ascii=ascii_only)
    if depth(said) <= bounds.DEPTH:
        assert bounds.examine(body.encode("utf8", "replace")) == ""
        assert bounds.examine(json.dumps(body * 20, ensure_ascii=ascii_only).encode("utf8", "replace")) == ""


def depth(said: Any) -> int:
    inner = said.values() if isinstance(said, dict) else said if isinstance(said, list) else ()
    return (1 if isinstance(said, dict | list) else 0) + max(map(depth, inner), default=0)


def test_a_form_of_the_desk_has_its_bounds_too(city: SimpleNamespace, settings: Any) -> None:
    desk = Client()
    form = "application/x-www-form-urlencoded"
    assert desk.post("/account/login/", b"a=" + b"x" * settings.JSON_BYTES, content_type=form).status_code == 413
    many = desk.post("/account/login/", "&".join(f"f{n}=1" for n in range(1_001)), content_type=form)
    assert many.status_code == 400 and "表单" in many.content.decode()
    wide = desk.post("/account/login/", {"text": "x" * (settings.JSON_BYTES + 1)})  # multipart, without a file
    assert wide.status_code == 413 and "表单" in wide.content.decode()
