"""Rankings, trends and publications as the phones and a BI tool read them, and who may."""

from __future__ import annotations

import base64
import json
from types import SimpleNamespace
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from cases import docket, outbox
from cases.flow import Facts, Verb
from grid.models import Area

from . import city as town
from .desk import desk
from .test_scores_pages import spring

STATS = "/api/mobile/v1/stats"
MARCH = {"from": "2026-03-01", "to": "2026-03-31"}
THEN = {"span": "month", "day": "2026-03-15"}


@pytest.fixture
def april(city: SimpleNamespace, clock) -> SimpleNamespace:
    return spring(city, clock)


def get(officer: Any, path: str, **said: Any) -> Any:
    answer = town.phone(officer).get(f"{STATS}/{path}", said)
    assert answer.status_code == 200, answer.content
    return answer.json()


def refused(officer: Any, path: str, **said: Any) -> tuple[int, str]:
    answer = town.phone(officer).get(f"{STATS}/{path}", said)
    return answer.status_code, answer.json()["code"]


def post(phone: Client, path: str, **said: Any) -> HttpResponse:
    return phone.post(f"{STATS}/{path}", json.dumps(said), content_type="application/json")


def by_code(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {row["subject"]["code"]: row for row in rows}


def test_figures_of_departments_with_those_below(april: SimpleNamespace) -> None:
    told = by_code(get(april.lena, "figures", kind="department", **MARCH)["items"])
    for code in ("roads", "works"):
        assert told[code]["figures"]["overdue"] == 1
        assert told[code]["rates"]["handle_on_time"] == 0.5
        assert told[code]["rates"]["rework_rate"] == 0
        assert told[code]["rates"]["verify_on_time"] is None
    assert "parks" not in told


def test_figures_of_streets_and_cells_and_the_city(april: SimpleNamespace) -> None:
    (street,) = get(april.lena, "figures", kind="street", **MARCH)["items"]
    assert (street["subject"]["name"], street["figures"]["reports"]) == ("结古街道", 2)
    assert street["rates"]["close_rate"] == 0.5
    cells = get(april.lena, "figures", kind="cell", **MARCH)["items"]
    assert [cell["figures"]["reports"] for cell in cells] == [1, 1]
    (city,) = get(april.aude, "figures", kind="city", **MARCH)["items"]
    assert (city["subject"]["id"], city["subject"]["name"], city["figures"]) == (0, "全市", street["figures"])


def test_the_cases_behind_a_rate(april: SimpleNamespace) -> None:
    asked = {"kind": "department", "subject": april.roads.pk, "indicator": "handle_on_time", **MARCH}
    (on_time,) = get(april.lena, "cases", part="numerator", **asked)["items"]
    assert (on_time["number"], on_time["verb"], on_time["late_s"]) == (april.done.number, "finish", 0)
    first = get(april.lena, "cases", part="denominator", limit=1, **asked)
    second = get(april.lena, "cases", part="denominator", limit=1, cursor=first["next"], **asked)
    assert [page["items"][0]["metric"] for page in (first, second)] == ["overdue", "on_time"]
    assert (first["items"][0]["day"], second["next"]) == ("2026-03-04", None)
    assert refused(april.lena, "cases", cursor="x", **asked) == (422, "bad_cursor")
    assert refused(april.lena, "cases", kind="city", metric="nothing") == (422, "metric_unknown")
    assert refused(april.lena, "cases", kind="city", indicator="nothing") == (422, "indicator_unknown")


def test_the_dictionary_speaks_both_languages(april: SimpleNamespace) -> None:
    told = get(april.hugo, "indicators")
    due = next(row for row in told["indicators"] if row["code"] == "handle_on_time")
    assert (due["name"], due["denominator"]) == ("按期处置率", "on_time + overdue - exempt")
    english = town.phone(april.hugo, **{"Accept-Language": "en"}).get(f"{STATS}/indicators").json()
    assert {row["name"] for row in english["metrics"]} >= {"Overdue", "Reports"}


def test_a_ranking_with_its_own_past(april: SimpleNamespace, clock) -> None:
    """March: 10 % × 100 + 30 % × 1/2 + 30 % × 1/2 + 30 % × (1 − 0) = 70."""
    ranking = get(april.lena, "scores", scheme="department", **THEN)
    rows = by_code(ranking["items"])
    assert (rows["roads"]["points"], rows["roads"]["grade"], rows["roads"]["colour"]) == (70.0, "C", "yellow")
    assert (rows["roads"]["rank"], rows["works"]["rank"], rows["parks"]["rank"]) == (1, 1, None)
    assert (rows["parks"]["points"], rows["parks"]["grade"]) == (None, "")
    assert [line["weight"] for line in rows["roads"]["lines"]] == [10, 30, 30, 30]
    assert rows["roads"]["before"] is None
    april_too = by_code(get(april.lena, "scores", scheme="department", span="month", day="2026-04-15")["items"])
    assert (april_too["roads"]["points"], april_too["roads"]["before"]) == (None, 70.0)


def test_an_inspector_misses_what_the_public_finds_in_his_beat(april: SimpleNamespace, clock) -> None:
    clock.move_to(town.MONDAY.replace(day=30))
    case = town.report(april, by=april.carl, source="public")
    docket.move(
        case.uuid, Verb.VERIFY, by=april.ivan, facts=Facts(photos=town.shown(april.ivan, "near").photos, verdict="true")
    )
    docket.move(case.uuid, Verb.FILE, by=april.carl, facts=Facts(condition=april.rattling.pk))
    outbox.drain()
    rows = by_code(get(april.lena, "scores", scheme="inspector", **THEN)["items"])
    value = {name: {line["indicator"]: line["value"] for line in rows[name]["lines"]} for name in ("ann", "ines")}
    assert (value["ann"]["missed_rate"], value["ines"]["missed_rate"]) == (0.5, 0)
    told = by_code(get(april.lena, "figures", kind="inspector", **MARCH)["items"])
    assert {code: row["figures"].get("missed", 0) for code, row in told.items()} == {"ann": 1, "ivan": 1, "ines": 0}
    (own,) = get(april.ivan, "figures", kind="inspector", **MARCH)["items"]
    assert own["subject"]["code"] == "ivan"
    (missed,) = get(april.lena, "cases", kind="inspector", subject=april.ann.pk, metric="missed", **MARCH)["items"]
    assert missed["number"] == case.number
    asked = {"kind": "inspector", "subject": april.ann.pk, "indicator": "missed_rate", "part": "denominator", **MARCH}
    (first, second) = get(april.lena, "cases", **asked)["items"]
    assert {first["metric"], second["metric"]} == {"missed", "valid"}
    page = get(april.lena, "cases", limit=1, **asked)
    assert page["items"] == [first]
    assert get(april.lena, "cases", limit=1, cursor=page["next"], **asked) == {"items": [second], "next": None}
    endless = base64.urlsafe_b64encode(b'["2026-03-31", 1e999]').decode()
    assert refused(april.lena, "cases", cursor=endless, **asked) == (422, "bad_cursor")
    assert desk(april.lena).get("/scores/cases/", {**asked, "cursor": endless}).status_code == 200
    clerk = {"kind": "clerk", "subject": april.ann.pk, "metric": "missed", **MARCH}
    assert get(april.lena, "cases", **clerk)["items"] == []


def test_a_trend(april: SimpleNamespace) -> None:
    run = {"kind": "department", "subject": april.works.pk, "span": "week", "day": "2026-03-04", "last": 3}
    told = get(april.hedi, "series", **run)
    assert [(week["since"], week["figures"].get("dispatched", 0)) for week in told["items"]] == [
        ("2026-02-16", 0),
        ("2026-02-23", 0),
        ("2026-03-02", 2),
    ]
    assert told["last_year"]["since"] == "2025-03-03"
    assert told["items"][2]["rates"]["handle_on_time"] == 0.5


def test_other_weights_beside_the_present_ones(april: SimpleNamespace) -> None:
    items = [{"indicator": "handle_on_time", "weight": 50}, {"indicator": "rework_rate", "weight": 50}]
    lena = town.phone(april.lena)
    rows = by_code(post(lena, "scores/what-if", scheme="department", items=items, **THEN).json())
    assert (rows["roads"]["points"], rows["roads"]["points_if"], rows["roads"]["grade_if"]) == (70.0, 75.0, "B")
    items[0]["weight"] = 49
    answer = post(lena, "scores/what-if", scheme="department", items=items, **THEN)
    assert (answer.status_code, answer.json()["code"]) == (422, "weights_unfit")
    assert "99" in answer.json()["detail"]
    assert get(april.lena, "publications") == []


def test_a_month_is_published_and_issued_again(april: SimpleNamespace) -> None:
    sina = town.phone(april.sina)
    answer = post(sina, "publications", scheme="department", **THEN)
    assert (answer.status_code, answer.json()["revision"], answer.json()["by"]) == (201, 0, "Sina")
    assert (post(sina, "publications", scheme="department", **THEN).json()["code"]) == "published_already"
    first = answer.json()["id"]
    assert get(april.lena, f"publications/{first}")["changed"] == []
    town.finish(april.late, april.hugo)
    docket.move(april.late.uuid, Verb.PASS, by=april.ines, facts=town.shown(april.ines, "near"))
    docket.move(april.late.uuid, Verb.CLOSE, by=april.carl)
    outbox.drain()
    told = get(april.lena, f"publications/{first}")
    changed = by_code(told["changed"])
    assert (changed["roads"]["points"], changed["roads"]["points_now"]) == (70.0, 85.0)  # 结案率 1/1, 按期处置率 1/2
    assert changed["roads"]["figures_now"] == {"unclosed": 0}
    again = post(sina, "publications", scheme="department", reason="补结案", **THEN).json()
    assert (again["revision"], again["reason"]) == (1, "补结案")
    assert by_code(get(april.lena, f"publications/{again['id']}")["results"])["roads"]["points"] == 85.0
    assert by_code(get(april.lena, f"publications/{first}")["results"])["roads"]["points"] == 70.0
    open_month = post(sina, "publications", scheme="department", span="month", day="2026-04-02")
    assert (open_month.status_code, open_month.json()["code"]) == (409, "period_open")


def test_a_publication_is_read_by_pages(april: SimpleNamespace) -> None:
    made = post(town.phone(april.sina), "publications", scheme="department", **THEN).json()["id"]
    whole = get(april.lena, f"publications/{made}")
    town.finish(april.late, april.hugo)
    docket.move(april.late.uuid, Verb.PASS, by=april.ines, facts=town.shown(april.ines, "near"))
    docket.move(april.late.uuid, Verb.CLOSE, by=april.carl)
    outbox.drain()
    pages = [get(april.lena, f"publications/{made}", limit=1, offset=n) for n in range(whole["total"] + 1)]
    assert [row for page in pages for row in page["results"]] == whole["results"]
    for page in pages:  # what has changed is told of the page's lines alone
        assert by_code(page["changed"]).keys() <= by_code(page["results"]).keys()
    assert {code for page in pages for code in by_code(page["changed"])} == {"roads", "works"}
    assert get(april.ann, f"publications/{made}", limit=1)["total"] == whole["total"]


# Who may


def test_a_department_sees_the_published_ranking_and_its_own_details(april: SimpleNamespace) -> None:
    (live,) = get(april.hugo, "scores", scheme="department", **THEN)["items"]
    assert (live["subject"]["code"], live["points"], live["rank"]) == ("roads", 70.0, 1)
    made = post(town.phone(april.sina), "publications", scheme="department", **THEN).json()["id"]
    rows = by_code(get(april.hugo, f"publications/{made}")["results"])
    assert (rows["works"]["points"], rows["works"]["lines"], rows["works"]["figures"]) == (70.0, [], {})
    assert rows["roads"]["lines"]
    told = get(april.hugo, "figures", kind="department", **MARCH)["items"]
    assert [row["subject"]["code"] for row in told] == ["roads"]
    assert [row["subject"]["code"] for row in get(april.hedi, "figures", kind="department", **MARCH)["items"]] == [
        "roads",
        "works",
    ]
    asked = {"kind": "department", "metric": "overdue", **MARCH}
    assert refused(april.hana, "cases", subject=april.roads.pk, **asked) == (403, "not_your_figures")
    assert refused(april.hugo, "figures", kind="street") == (403, "not_your_figures")


def test_an_inspector_sees_himself(april: SimpleNamespace) -> None:
    (own,) = get(april.ann, "scores", scheme="inspector", **THEN)["items"]
    assert own["subject"]["code"] == "ann"
    assert [row["subject"]["id"] for row in get(april.ann, "figures", kind="cell", **MARCH)["items"]] == [
        april.cells[0].pk
    ]
    assert refused(april.ann, "figures", kind="inspector", subject=april.ines.pk) == (403, "not_your_figures")
    street = Area.objects.get(code="632701001").pk
    assert refused(april.ann, "series", kind="street", subject=street) == (403, "not_your_figures")


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_a_day_at_the_end_of_the_calendar_is_refused(day: str, april: SimpleNamespace) -> None:
    for path, of in (("series", {"kind": "city"}), ("scores", {"scheme": "street"})):
        assert refused(april.lena, path, **of, span="year", day=day) == (422, "invalid")


@pytest.mark.parametrize("who", ["hugo", "ann", "aude", "carl"])
def test_not_everybody_publishes(who: str, april: SimpleNamespace) -> None:
    answer = post(town.phone(getattr(april, who)), "publications", scheme="department", **THEN)
    assert (answer.status_code, answer.json()["code"]) == (403, "not_your_post")


@pytest.mark.parametrize(
    ("path", "budget", "said"),
    [
        ("figures", 6, {"kind": "department"}),  # session, officer, tree, totals, names, dictionary
        ("figures", 6, {"kind": "street"}),
        ("series", 7, {"kind": "city"}),
        ("scores", 14, {"scheme": "department"}),
        ("scores", 19, {"scheme": "inspector"}),
        ("cases", 8, {"kind": "city", "metric": "reports"}),
        ("indicators", 3, {}),
        ("schemes", 3, {}),
        ("publications", 3, {}),
    ],
)
def test_what_is_asked_costs_so_many_statements(
    path: str, budget: int, said: dict[str, Any], april: SimpleNamespace, django_assert_max_num_queries
) -> None:
    lena = town.phone(april.lena)
    with django_assert_max_num_queries(budget):
        assert lena.get(f"{STATS}/{path}", said).status_code == 200
