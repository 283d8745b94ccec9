"""The OpenAPI document tells a stranger all that he needs, without the internet."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from mobile_api.api import api
from mobile_api.manual import PROBLEM, calls

SCHEMA = api.get_openapi_schema()
OPERATIONS = [(f"{method} {path}", told) for path, item in SCHEMA["paths"].items() for method, told in item.items()]


def test_every_operation_says_who_may_call_it() -> None:
    assert len(list(calls(api))) == len(OPERATIONS)


@pytest.mark.parametrize(("name", "told"), OPERATIONS, ids=[name for name, _told in OPERATIONS])
def test_an_operation_is_described_with_its_errors(name: str, told: dict) -> None:
    assert re.search(r"For .+\.$", told["description"])
    assert told["security"] == [{"SessionToken": []}]
    assert {"401", "422"} <= {str(status) for status in told["responses"]}
    for status, answer in told["responses"].items():
        assert answer["description"]
        if int(status) >= 400:
            assert answer["content"][PROBLEM]["example"]["status"] == int(status)


def test_every_schema_is_described() -> None:
    bare = [name for name, told in SCHEMA["components"]["schemas"].items() if not told.get("description")]
    assert bare == []


def test_the_page_needs_no_internet(db: None) -> None:
    page = Client().get("/api/mobile/v1/docs").content.decode()
    assert re.findall(r'(?:src|href)="([^"]+)"', page)
    assert not re.search(r'(?:src|href)="(?:https?:)?//', page)
