"""Every answer under /api is a plain one: a refusal is problem details in the reader's language, whoever gives it."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import include, path

from backend.urls import urlpatterns as ours
from mobile_api.api import api
from mobile_api.manual import PROBLEM, calls

from . import city as town

API = "/api/mobile/v1"
AUTH = "/api/auth/app/v1"
UUID = "0b0e6a52-3d83-4a4f-a1a0-3a9f1c1b3a44"
CHINESE = ("一", "鿿")


def fails(request: HttpRequest) -> HttpResponse:
    raise ZeroDivisionError


urlpatterns = [path("api/fails", fails), path("", include(ours))]
handler500 = "console.views.errors.broken"


@pytest.fixture
def ann(city: SimpleNamespace) -> Client:
    phone = town.phone(city.ann)
    phone.raise_request_exception = False
    return phone


def code(answer: Any, status: int) -> str:
    """The code of a problem, which says its status and a sentence in Chinese."""
    assert (answer.status_code, answer["Content-Type"].split(";")[0]) == (status, PROBLEM), answer.content[:300]
    told = answer.json()
    assert told["status"] == status
    assert any(CHINESE[0] <= letter <= CHINESE[1] for letter in told["detail"])
    return str(told["code"])


@pytest.mark.parametrize(
    "where", ["/api/", "/api/x", f"{API}/", f"{API}/nothing", f"{AUTH}/nothing", "/api/mobile/v2/me"]
)
def test_what_is_not_there_is_told_as_a_problem(ann: Client, where: str) -> None:
    for method in ("GET", "POST", "PUT", "DELETE"):
        assert code(ann.generic(method, where), 404) == "not_found"


def test_a_method_that_is_not_there_says_which_are(ann: Client) -> None:
    answer = ann.delete(f"{API}/cases")
    assert code(answer, 405) == "method_unfit"
    assert answer["Allow"] == "GET, HEAD, OPTIONS, POST"
    assert "GET, HEAD, OPTIONS, POST" in answer.json()["detail"]
    assert code(ann.get(f"{AUTH}/auth/login"), 405) == "method_unfit"


@pytest.mark.urls(__name__)
def test_a_fault_of_ours_is_a_problem_too(ann: Client) -> None:
    assert code(ann.get("/api/fails"), 500) == "broken"


def test_a_strange_host_hears_a_problem(ann: Client) -> None:
    assert code(ann.get(f"{API}/me", headers={"Host": "elsewhere.example"}), 400) == "bad_request"


def test_more_words_of_a_query_than_one_may_say(ann: Client) -> None:
    assert code(ann.get(f"{API}/cases?" + "&".join(f"w{n}=1" for n in range(1001))), 400) == "bad_request"


def test_head_says_what_get_would(ann: Client) -> None:
    asked, seen = ann.get(f"{API}/me"), ann.head(f"{API}/me")
    assert (seen.status_code, seen.content, seen["Content-Type"]) == (200, b"", asked["Content-Type"])
    assert seen["Content-Length"] == str(len(asked.content))
    assert ann.head(f"{API}/nothing").status_code == 404
    assert Client().head(f"{API}/me").status_code == 401
    assert ann.head(f"{API}/cases/similar").status_code == 422


def test_options_says_how_one_may_ask_everywhere(db: None) -> None:
    """Without a login: nothing is said that the manual does not say."""
    ways: dict[str, set[str]] = {}
    for method, where, _posts in calls(api):
        ways.setdefault(where, set()).add(method.upper())
    for where, methods in ways.items():
        answer = Client().options(f"{API}/{where.format_map(Anything(id=UUID))}")
        assert answer.status_code == 204, where
        head = {"HEAD"} if "GET" in methods else set()
        assert set(answer["Allow"].split(", ")) == methods | head | {"OPTIONS"}
    assert Client().options(f"{AUTH}/auth/login").status_code == 204


class Anything(dict[str, str]):
    """Whatever stands in a path."""

    def __missing__(self, name: str) -> str:
        return "1"


# One language


@pytest.mark.parametrize(
    "query",
    [
        "stats/series?from=2026-02-29&to=2026-03-01",
        "duty/track?day=yesterday",
        "cases?since=9999-99-99",
        "cases?late=perhaps&limit=1.5&department=x",
        "cases?stage=nowhere&sort=up",
        "photos/xyz",
        "cases/similar?lon=nan&lat=inf&crs=mars&category=" + "9" * 30,
    ],
)
def test_no_sentence_is_in_a_language_that_was_not_asked_for(ann: Client, query: str) -> None:
    answer = ann.get(f"{API}/{query}")
    assert code(answer, 422) == "invalid"
    for error in answer.json()["errors"]:
        assert any(CHINESE[0] <= letter <= CHINESE[1] for letter in error["detail"]), error
    english = ann.get(f"{API}/{query}", headers={"Accept-Language": "en"}).json()
    assert english["detail"].isascii()


def test_what_is_possible_is_listed_as_the_language_lists(ann: Client) -> None:
    query = f"{API}/cases?stage=nowhere"
    chinese = ann.get(query).json()["detail"]
    assert " or " not in chinese and "'closed'、'void'" in chinese
    assert "'closed' or 'void'" in ann.get(query, headers={"Accept-Language": "en"}).json()["detail"]


WRONG = (
    None,
    True,
    "",
    "x",
    "2026-02-29",
    "9" * 30,
    10**30,
    1.5,
    -1,
    [],
    [[]],
    {},
    {"x": 1},
    "\ud800",
    "\x00",
    ["x"] * 30,
)


def test_no_body_is_refused_in_english(ann: Client) -> None:
    """Every field of every body, with everything that it is not."""
    told = 0
    for where, schema in bodies():
        for field in schema["properties"]:
            for wrong in WRONG:
                heard = ann.generic("POST", where, json.dumps({field: wrong}), content_type="application/json")
                if heard.status_code == 422:
                    for error in heard.json()["errors"]:
                        told += 1
                        assert any(CHINESE[0] <= letter <= CHINESE[1] for letter in error["detail"]), (where, error)
    assert told > 500


def bodies() -> list[tuple[str, dict[str, Any]]]:
    document = api.get_openapi_schema()
    found = []
    for where, item in document["paths"].items():
        if "post" in item and "{" not in where and (body := item["post"].get("requestBody")):
            said = body["content"]["application/json"]["schema"]
            name = said.get("$ref", "").rpartition("/")[2]
            if "properties" in document["components"]["schemas"].get(name, {}):
                found.append((where, document["components"]["schemas"][name]))
    return found
