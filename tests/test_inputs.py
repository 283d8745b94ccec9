"""What comes in at either door is read by one vocabulary: what cannot be meant is refused, and breaks nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest

from cases.models import Case
from grid import vocabulary
from mobile_api.api import api
from mobile_api.models import Hook, Preference

from . import acts
from . import city as town
from .desk import desk

API = "/api/mobile/v1/"
DIGITS = "9" * 5000
NO_DAYS = ("9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+14:00")


# The vocabulary


@pytest.mark.parametrize("said", [None, "", "²", "-1", "+1", " 1", "1.0", "0x1", DIGITS, str(2**63), "１２"])
def test_no_number(said: str | None) -> None:
    assert vocabulary.whole(said) is None


@pytest.mark.parametrize(
    "said", [None, "", "today", "2026-02-29", "9999-12-31", "0001-01-01", DIGITS, "２０２６-03-02"]
)
def test_no_day(said: str | None) -> None:
    assert vocabulary.day(said) is None


def test_a_number_and_a_day() -> None:
    assert (vocabulary.whole("7", most=7), vocabulary.whole("8", most=7)) == (7, None)
    assert f"{vocabulary.day('2026-03-02')}" == "2026-03-02"


UNCALLABLE = (
    "https://[::1/x",
    "https://a℀b.org/",
    "https://a.org:99999/",
    "https://a.org:0/",
    "https:///x",
    "https://",
    "ftp://a.org/",
    "//a.org/",
    "https://a b.org/",
    "https://a.org/\nx",
    "https://例子.org/",
    "https://a.org/" + "x" * 500,
)


@pytest.mark.parametrize("said", UNCALLABLE)
def test_no_address(said: str) -> None:
    assert vocabulary.web_address(said) is None


def test_an_address() -> None:
    assert vocabulary.web_address("https://[2001:db8::1]:8443/x?y#z")
    assert vocabulary.web_address("http://xn--fsqu00a.org/")


# The phones' door


def parts_of(schema: dict[str, Any], where: str, named: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """All plain schemas of which one is made, and where each stands."""
    while "$ref" in schema:
        schema = named[schema["$ref"].rsplit("/", 1)[1]]
    if either := schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf"):
        within = [(where, part) for part in either]
    else:
        yield where, schema
        others = schema.get("additionalProperties")
        within = [(f"{where}.{name}", part) for name, part in schema.get("properties", {}).items()]
        within += [(f"{where}.*", others)] if isinstance(others, dict) else []
        within += [(f"{where}[]", schema["items"])] if "items" in schema else []
    for there, part in within:
        yield from parts_of(part, there, named)


LEAST, MOST = {"minimum", "exclusiveMinimum"}, {"maximum", "exclusiveMaximum"}
FORMATS = ("uuid", "date", "date-time", "binary")
BOUNDED: dict[str | None, Callable[[Any], bool]] = {
    "string": lambda schema: "maxLength" in schema or schema.get("format") in FORMATS,
    "integer": lambda schema: bool(LEAST & schema.keys() and MOST & schema.keys()),
    "number": lambda schema: bool(LEAST & schema.keys() and MOST & schema.keys()),
    "array": lambda schema: "maxItems" in schema and "items" in schema,
    "object": lambda schema: schema.get("additionalProperties") is False or "maxProperties" in schema,
    "boolean": lambda schema: True,
    "null": lambda schema: True,
}


def unbounded(schema: dict[str, Any], where: str, named: dict[str, Any]) -> list[str]:
    """Where something of any size may stand."""
    return [
        there
        for there, part in parts_of(schema, where, named)
        if not ("enum" in part or "const" in part or BOUNDED.get(part.get("type"), lambda schema: False)(part))
    ]


def test_all_that_an_operation_takes_has_its_bounds() -> None:
    """Each field and each parameter: how long, how many, from where to where; a day and a moment by their format."""
    said = api.get_openapi_schema()
    found, asked = [], 0
    for path, item in said["paths"].items():
        for method, operation in item.items():
            taken = [(each["name"], each["schema"]) for each in operation.get("parameters", ())]
            bodies = operation.get("requestBody", {}).get("content", {}).values()
            for name, schema in taken + [("body", body["schema"]) for body in bodies]:
                asked += 1
                found += unbounded(schema, f"{method} {path} {name}", said["components"]["schemas"])
    assert asked > 100
    assert found == []


@pytest.mark.parametrize("time", ["22:00:34Z", "22:00:34+08:00", "22:00:34.5", "24:00", 79200])
def test_quiet_hours_are_of_the_clock_on_the_wall(city: SimpleNamespace, clock: Any, time: Any) -> None:
    said = json.dumps({"quiet_from": time, "quiet_to": "07:00"})
    answer = town.phone(city.hugo).put(API + "me/preferences", said, content_type="application/json")
    assert (answer.status_code, answer.json()["field"]) == (422, "quiet_from")
    assert not Preference.objects.exists()


@pytest.mark.parametrize("url", UNCALLABLE)
def test_a_hook_that_cannot_be_called_is_refused(city: SimpleNamespace, clock: Any, settings: Any, url: str) -> None:
    settings.HOOKS = True
    for active in (True, False):
        said = json.dumps({"name": "oa", "url": url, "active": active})
        answer = town.phone(city.adam).post(API + "hooks", said, content_type="application/json")
        assert (answer.status_code, answer.json()["field"]) == (422, "url")
    assert not Hook.objects.exists()


@pytest.mark.parametrize("moment", NO_DAYS)
@pytest.mark.parametrize("path", ["cases?since=", "cases?until="])
def test_a_moment_at_an_end_of_the_calendar_is_refused(
    city: SimpleNamespace, clock: Any, moment: str, path: str
) -> None:
    answer = town.phone(city.lena).get(API + path + moment.replace("+", "%2B"))
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "day_unreckonable")


@pytest.mark.parametrize("number", ["²", DIGITS, "-1", str(2**63)])
def test_a_number_that_is_none_is_refused(city: SimpleNamespace, clock: Any, number: str) -> None:
    lena = town.phone(city.lena)
    for path, name in (("inbox", "wait"), ("inbox", "since"), ("cases", "category"), ("stats/bulletin", "revision")):
        answer = lena.get(API + path, {name: number, "month": "2026-03"} if "stats" in path else {name: number})
        assert answer.status_code == 422 and name in [error["field"] for error in answer.json()["errors"]], path


BROKEN = (
    r'{"username": "ann\ud800", "password": "x"}',
    r'{"username": "ann", "password": "x\ud800"}',
    r'{"\ud800": 1, "username": "ann", "password": "x"}',
    f'{{"username": {DIGITS}, "password": "x"}}',
    "[",
)


@pytest.mark.parametrize("body", BROKEN, ids=range(len(BROKEN)))
def test_who_logs_in_with_half_a_character_is_refused(city: SimpleNamespace, body: str) -> None:
    answer = town.Client().post("/api/auth/app/v1/auth/login", body, content_type="application/json")
    assert answer.status_code == (413 if len(body) > 16_384 else 400)


def test_an_unknown_field_is_named_whatever_it_is_called(city: SimpleNamespace, clock: Any) -> None:
    answer = town.phone(city.carl).post(API + "cases", r'{"\ud800x": 1}', content_type="application/json")
    assert answer.status_code == 422
    assert "x" in [error["field"] for error in answer.json()["errors"]]


# The desk


@pytest.mark.parametrize("number", ["²", DIGITS, "-1", str(2**63), "１２"])
@pytest.mark.parametrize(
    ("who", "path"),
    [
        ("adam", "/settings/duties/new/?back={}"),
        ("adam", "/settings/year/?department={}"),
        ("lena", "/scores/bulletin/2026-03/?revision={}"),
        ("lena", "/scores/cases/?codes=reported&kind=city&from=2026-03-01&subject={}"),
        ("lena", "/scores/trials/new/?from={}&condition={}"),
        ("carl", "/oversight/doubts/?view=all&cursor={}"),
        ("carl", "/me/inbox/?cursor={}"),
        ("carl", "/cases/?level={}&page={}"),
    ],
)
def test_an_address_with_a_number_that_is_none_is_answered(
    city: SimpleNamespace, clock: Any, who: str, path: str, number: str
) -> None:
    assert desk(getattr(city, who)).get(path.format(number, number)).status_code < 500


@pytest.mark.parametrize("number", ["²", DIGITS])
def test_a_dry_run_beside_no_row_is_answered(city: SimpleNamespace, clock: Any, number: str) -> None:
    assert desk(city.adam).post(f"/settings/duties/trial/?row={number}", {}).status_code < 500


@pytest.fixture
def handled(city: SimpleNamespace, clock: Any) -> Case:
    """A case that waits for its department's work."""
    return town.report(city)


@pytest.mark.parametrize("verb", ["extend", "assist"])
@pytest.mark.parametrize("value", ["9999", "0", "-1", "1e999", "NaN", "1.00001", DIGITS])
def test_more_time_than_there_is_is_told_beside_its_field(
    city: SimpleNamespace, handled: Case, verb: str, value: str
) -> None:
    browser = desk(city.dora)
    form = browser.get(f"/case/{handled.number}/{verb}/").context["form"]
    said = {
        "note": "等材料",
        "limit_value": value,
        "limit_unit": form.fields["limit_unit"].choices[-1][0],
        "department": city.works.pk,
    }
    said |= (
        {"ground": next((code for code, _label in form.fields["ground"].choices if code), "")}
        if ("ground" in form.fields)
        else {}
    )
    said |= {"key": str(uuid4()), "seen": form["seen"].value()}
    answer = browser.post(f"/case/{handled.number}/{verb}/", said)
    assert (answer.status_code, set(answer.context["form"].errors)) == (422, {"limit_value"})
    assert acts.last(handled).verb == "dispatch"


@pytest.mark.parametrize("moment", ["9999-12-31T23:59", "0001-01-01T00:00", *NO_DAYS])
def test_a_moment_out_of_reach_is_told_beside_its_field(city: SimpleNamespace, clock: Any, moment: str) -> None:
    answer = desk(city.hugo).post("/me/leave/", {"since": moment, "until": moment})
    assert (answer.status_code, set(answer.context["form"].errors) >= {"since", "until"}) == (422, True)


def test_the_desk_cleans_what_is_typed_but_no_password(city: SimpleNamespace, clock: Any) -> None:
    city.carl.set_password("mani\u200bwall-97")
    city.carl.save()
    browser = town.Client()
    answer = browser.post("/account/login/", {"login": "\u202ecarl\u200b", "password": "mani\u200bwall-97"})
    assert answer.status_code == 302
    answer = desk(city.adam).post(
        "/settings/opinions/new/", {"text": "\u202e甲\x00乙\ufffe\u200b", "place": "0", "verb": ""}
    )
    assert answer.status_code == 302
    assert "甲乙" in desk(city.adam).get("/settings/opinions/").content.decode()
