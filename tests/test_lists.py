"""What waits for whom, found and paged without loss or doubles."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import timedelta
from operator import attrgetter
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from cases import alarm
from cases.clock import Limit, Unit
from cases.flow import Source, Stage, Verb
from cases.models import Case, Policy, StageLimit
from grid.moment import now

from . import acts
from . import city as town
from .acts import move


def listed(phone: Client, **asked: Any) -> list[str]:
    """The numbers of one page."""
    return [line["number"] for line in page(phone, **asked)["items"]]


def page(phone: Client, **asked: Any) -> dict[str, Any]:
    answer = phone.get(acts.CASES, asked)
    assert answer.status_code == 200, answer.content
    return answer.json()


def pages(phone: Client, **asked: Any) -> list[list[str]]:
    """All pages, each as its numbers."""
    found, more = [], {}
    while len(found) < 100:
        told = page(phone, **asked, **more)
        found.append([line["number"] for line in told["items"]])
        if told["next"] is None:
            return found
        more = {"cursor": told["next"]}
    raise AssertionError("no last page")


@pytest.fixture
def day(city: SimpleNamespace, clock) -> dict[str, Case]:
    """A case at every stage, named for it, each a minute after the other; with a wish; late; and one on ines's beat."""
    smoke = {"category": city.orphan.pk, "condition": city.smoke.pk}
    reports: dict[str, Callable[[], Case]] = {
        "filing": lambda: town.report(city, condition=None, text="异响"),
        "verify": lambda: town.report(city, by=city.carl, source=Source.PUBLIC),
        "dispatch": lambda: town.report(city, **smoke, place="扎西大街8号"),
        "handling": lambda: town.report(city),
        "wish": lambda: move(town.report(city), Verb.ASK, city.hugo, asks=Verb.DECLINE, note="不属市政"),
        "late": lambda: town.report(city, condition=city.missing.pk),
        "shelved": lambda: move(
            town.report(city), Verb.SHELVE, city.dora, note="待料", until=town.MONDAY + timedelta(days=9)
        ),
        "feedback": lambda: town.finish(town.report(city), city.hugo),
        "check": lambda: move(town.finish(town.report(city), city.hugo), Verb.ORDER_CHECK, city.carl),
        "closing": lambda: closing(city),
        "closed": lambda: move(closing(city), Verb.CLOSE, city.carl),
        "void": lambda: move(town.report(city), Verb.VOID, city.sina, note="重复"),
        "ines": lambda: town.report(
            city, by=city.ines, category=city.refuse.pk, condition=city.heap.pk, lon=town.LON + 2.5 * town.STEP
        ),
    }
    Policy.objects.filter(verb=Verb.ORDER_CHECK).update(automatic=False)
    cases = {}
    for name, make in reports.items():
        cases[name] = make()
        clock.shift(timedelta(minutes=1))
    clock.move_to(cases["late"].due_at + timedelta(seconds=1))
    return cases


def closing(city: SimpleNamespace) -> Case:
    case = move(town.finish(town.report(city), city.hugo), Verb.ORDER_CHECK, city.carl)
    return acts.passed(case, city.ivan)


def names(day: dict[str, Case], numbers: list[str]) -> list[str]:
    known = {case.number: name for name, case in day.items()}
    return [known[number] for number in numbers]


# What waits


WAITS = {
    "ann": {"verify", "check"},
    "ines": set(),
    "hugo": {"handling", "wish", "late"},
    "hana": set(),
    "hedi": {"handling", "wish", "late"},
    "otto": {"ines"},
    "carl": {"filing", "feedback", "closing"},
    "sina": {"filing", "feedback", "closing"},
    "dora": {"dispatch", "wish"},
    "lena": set(),
    "aude": set(),
}


def test_what_waits_for_each_post(day: dict[str, Case], city: SimpleNamespace) -> None:
    for who, waits in WAITS.items():
        assert set(names(day, listed(town.phone(getattr(city, who))))) == waits, who


def test_a_leader_s_desk_holds_what_climbed(day: dict[str, Case], city: SimpleNamespace) -> None:
    alarm.ring()
    late = {"filing", "verify", "dispatch", "late", "feedback", "check", "closing"}
    assert set(names(day, listed(town.phone(city.lena)))) == late


def test_an_empty_list_is_a_page(city: SimpleNamespace, clock) -> None:
    assert page(town.phone(city.hugo)) == {"items": [], "next": None}
    assert page(town.phone(city.aude), view="all", q="无") == {"items": [], "next": None}


def test_what_one_reported_he_finds_again(day: dict[str, Case], city: SimpleNamespace) -> None:
    assert names(day, listed(town.phone(city.ines), view="reported")) == ["ines"]
    assert set(names(day, listed(town.phone(city.carl), view="reported"))) == {"verify"}
    assert listed(town.phone(city.hugo), view="reported") == []


# Filters

OPEN = {"filing", "verify", "dispatch", "handling", "wish", "late", "shelved", "feedback", "check", "closing", "ines"}
ALL = OPEN | {"closed", "void"}
ROADS = ALL - {"filing", "verify", "dispatch", "ines"}


FILTERS: tuple[tuple[dict[str, Any], set[str]], ...] = (
    ({}, ALL),
    ({"stage": "handling"}, {"handling", "wish", "late", "ines"}),
    ({"stage": ["closed", "void"]}, {"closed", "void"}),
    ({"source": "public"}, {"verify"}),
    ({"category": "refuse"}, {"ines"}),
    ({"category": "refuse.parent"}, {"ines"}),
    ({"category": "manhole.parent"}, ALL - {"ines", "dispatch"}),
    ({"department": "roads"}, ROADS),
    ({"department": "office"}, {"ines"}),
    ({"area": "632701"}, ALL),
    ({"area": "632701001001"}, ALL),
    ({"area": "632702"}, set()),
    ({"late": True}, {"filing", "verify", "dispatch", "late", "feedback", "check", "closing"}),
    ({"late_overall": True}, set()),
    ({"late_overall": False}, ALL),
    ({"late": False}, {"handling", "wish", "shelved", "closed", "void", "ines"}),
    ({"asks": True}, {"wish"}),
    ({"asks": False}, ALL - {"wish"}),
    ({"q": "扎西大街"}, {"dispatch"}),
    ({"q": "异响"}, {"filing"}),
    ({"q": "扎西大街8"}, {"dispatch"}),
    ({"q": "大街"}, {"dispatch"}),
    ({"q": "街8"}, {"dispatch"}),
    ({"q": "街"}, {"dispatch"}),
    ({"q": "西街"}, set()),  # both characters, but apart
    ({"q": "动扎"}, set()),  # the end of the text, and the beginning of the place
    ({"q": "%"}, set()),
    ({"q": "_"}, set()),
    ({"stage": "handling", "late": True}, {"late"}),
    ({"since": 3, "until": 6}, {"handling", "wish", "late"}),
)


def asking(city: SimpleNamespace, asked: dict[str, Any]) -> dict[str, Any]:
    """A filter with the names of this city for its keys, and minutes after nine for its moments."""
    said = dict(asked)
    if "category" in said:
        said["category"] = attrgetter(said["category"])(city).pk
    if "department" in said:
        said["department"] = getattr(city, said["department"]).pk
    for name in {"since", "until"} & set(said):
        said[name] = (town.MONDAY + timedelta(minutes=said[name])).isoformat()
    return said


def test_each_filter_finds_its_own(day: dict[str, Case], city: SimpleNamespace) -> None:
    aude = town.phone(city.aude)
    for asked, found in FILTERS:
        assert set(names(day, listed(aude, view="all", limit=100, **asking(city, asked)))) == found, asked


def test_a_case_is_found_by_its_number_or_its_end(day: dict[str, Case], city: SimpleNamespace) -> None:
    aude, case = town.phone(city.aude), day["closed"]
    assert listed(aude, view="all", q=case.number) == [case.number]
    assert listed(aude, view="all", q=case.number[-6:]) == [case.number]


WRONG = (
    ({"stage": "bogus"}, "stage.0"),
    ({"limit": 0}, "limit"),
    ({"limit": 101}, "limit"),
    ({"area": "63%"}, "area"),
    ({"since": "2026-03-02"}, "since"),
    ({"department": "²"}, "department"),
    ({"department": "9" * 5000}, "department"),
    ({"since": "9999-12-31T23:59:59-23:59"}, "since"),
    ({"q": "x" * 61}, "q"),
)


def test_words_are_found_by_their_index(city: SimpleNamespace, clock) -> None:
    """So many rows are not made here: the planner is only asked what it could do."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    for said, index in (("井盖", "case_words"), ("000123", "case_number_end")):
        assert index in Case.objects.matching({"q": said}, now()).values("pk").explain()


def test_late_overall_is_what_the_case_tells(day: dict[str, Case], city: SimpleNamespace, clock) -> None:
    """Of the open, and of those that ended in time or late."""
    clock.shift(timedelta(days=3))
    move(day["closing"], Verb.CLOSE, city.carl)
    aude = town.phone(city.aude)
    lines = page(aude, view="all", limit=100)["items"]
    late = {line["number"] for line in lines if line["late_overall"]}
    assert {"closing", "late"} <= set(names(day, sorted(late))) < set(day) - {"closed"}
    assert set(listed(aude, view="all", limit=100, late_overall=True)) == late
    assert set(listed(aude, view="all", limit=100, late_overall=False)) == {line["number"] for line in lines} - late


MISSPELT = ("cases?stages=handling", "inbox?limits=3", "me?x=1", "cases/similar?lng=1", "stats/departments?day=3")


def test_a_misspelt_word_of_a_query_is_refused_by_its_name(city: SimpleNamespace, clock) -> None:
    aude = town.phone(city.aude)
    for asked in MISSPELT:
        answer = aude.get(f"/api/mobile/v1/{asked}")
        name = asked.partition("?")[2].partition("=")[0]
        assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (422, "invalid", name), asked
        assert answer.json()["errors"][0]["code"] == "extra_forbidden"
    told = aude.get(acts.CASES, {"stages": "handling"}).json()["detail"]
    assert told.startswith("stages: 没有这一项，可用的有：") and "stage、" in told
    assert aude.get(acts.CASES, {"stage": "handling", "crs": "gcj02"}).status_code == 200


def test_what_is_asked_wrongly_is_refused_by_field(city: SimpleNamespace, clock) -> None:
    aude = town.phone(city.aude)
    for asked, field in WRONG:
        answer = aude.get(acts.CASES, asked)
        assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (422, "invalid", field), asked


# In order, page by page


def many(city: SimpleNamespace) -> list[Case]:
    """Eleven cases, of which five are due at the same moment and four never."""
    StageLimit.objects.filter(stage=Stage.FILING).delete()
    ties = [town.report(city, condition=city.missing.pk) for _n in range(5)]
    never = [town.report(city, condition=None) for _n in range(4)]
    return [*ties, *[town.report(city) for _n in range(2)], *never]


def test_pages_lose_nothing_and_double_nothing(city: SimpleNamespace, clock) -> None:
    expected, aude = [case.number for case in many(city)], town.phone(city.aude)
    for limit in range(1, 13):
        found = pages(aude, view="all", limit=limit)
        assert found == [expected[n : n + limit] for n in range(0, len(expected), limit)]


def test_newest_first(city: SimpleNamespace, clock) -> None:
    expected = sorted((case.number for case in many(city)), reverse=True)
    found = pages(town.phone(city.aude), view="all", sort="new", limit=4)
    assert found == [expected[:4], expected[4:8], expected[8:]]


def test_what_comes_between_two_pages_shifts_nothing(city: SimpleNamespace, clock) -> None:
    cases, aude = many(city), town.phone(city.aude)
    first = page(aude, view="all", limit=3)
    move(cases[0], Verb.EXTEND, city.dora, note="缺材料", limit=Limit(1, Unit.URGENT_HOUR))  # behind the cursor
    town.report(city, condition=city.missing.pk)
    rest = page(aude, view="all", limit=100, cursor=first["next"])
    numbers, known = [line["number"] for line in rest["items"]], {case.number for case in cases[1:]}
    assert [case.number for case in cases[3:]] == [number for number in numbers if number in known]
    assert len(numbers) == len(set(numbers))


FORGED = (
    "AAAA",
    "一",
    "%00",
    *(
        base64.urlsafe_b64encode(json.dumps(said).encode()).decode()
        for said in (
            5,
            {"a": 1, "b": 2, "c": 3},
            ["due", 1],
            ["due", 1, ""],
            ["due", 1, 0],
            ["due", 1, []],
            ["due", 1, "2026-03-04T01:00:00"],
            ["due", "1", None],
            ["due", 1.5, None],
            ["due", True, None],
            ["due", float("inf"), None],
            ["new", 1, None],
        )
    ),
)


def test_a_cursor_that_nobody_gave_is_refused(city: SimpleNamespace, clock) -> None:
    aude = town.phone(city.aude)
    for cursor in FORGED:
        problem = aude.get(acts.CASES, {"view": "all", "cursor": cursor}).json()
        assert (problem["status"], problem["code"], problem["field"]) == (422, "bad_cursor", "cursor"), cursor


def test_a_forged_cursor_shows_nobody_else_s_cases(day: dict[str, Case], city: SimpleNamespace) -> None:
    cursor = base64.urlsafe_b64encode(json.dumps(["due", -(10**30), "0001-01-01T00:00:00+00:00"]).encode()).decode()
    assert names(day, listed(town.phone(city.ines), view="all", cursor=cursor)) == ["ines"]


# What it costs


COSTS = (
    ("ann", "todo", 4),  # session, officer, keys, rows
    ("hugo", "all", 4),
    ("hedi", "all", 5),  # her departments
    ("carl", "todo", 4),
    ("lena", "all", 4),
)


def test_a_list_costs_the_same_for_one_and_for_many(
    day: dict[str, Case], city: SimpleNamespace, django_assert_num_queries
) -> None:
    for who, view, statements in COSTS:
        phone = town.phone(getattr(city, who))
        for limit in (1, 100):
            with django_assert_num_queries(statements):
                assert page(phone, view=view, limit=limit)["items"]


def test_a_case_costs_the_same_however_long_its_log(
    city: SimpleNamespace, clock, django_assert_max_num_queries
) -> None:
    case, ann = town.report(city, photos=((town.photo(city.ann), "near"),)), town.phone(city.ann)
    for _n in range(3):
        with django_assert_max_num_queries(8):  # session, officer, case, log, two for photos, edition, paces
            acts.seen(ann, case)
        town.finish(case, city.hugo)
        move(case, Verb.REWORK, city.ivan, note="仍响动")
    assert case.events.count() == 3 + 3 * 3
    assert now() == town.MONDAY
