"""An inspector reports from the street."""

from __future__ import annotations

import hashlib
import json
from types import SimpleNamespace
from uuid import uuid4

import pytest
from django.test import Client

from cases.models import Case, CaseEvent
from grid.crs import from_wgs84
from grid.models import Area

from . import city as town

CASES = "/api/mobile/v1/cases"


def said(city: SimpleNamespace, **more: object) -> dict:
    """A report as the phone says it."""
    point = {"lon": town.LON + town.STEP / 2, "lat": town.LAT + town.STEP / 2, "crs": "wgs84", "accuracy_m": 8}
    return {"id": str(uuid4()), "category": city.manhole.pk, "condition": city.rattling.pk, "point": point} | more


def post(phone: Client, body: dict, path: str = CASES):
    return phone.post(path, json.dumps(body), content_type="application/json")


@pytest.fixture
def ann(city: SimpleNamespace, clock) -> Client:
    return town.phone(city.ann)


def test_a_report_is_filed_and_dispatched_at_once(city: SimpleNamespace, ann: Client) -> None:
    answer = post(ann, said(city))
    told = answer.json()
    assert answer.status_code == 201, told
    assert told["number"].startswith("WG20260302")
    assert told["where"]["cell"] == city.cells[0].code
    assert [area["name"] for area in told["where"]["areas"]] == ["民主社区", "结古街道", "玉树市"]
    assert told["department"]["name"] == "市政所"
    assert told["due_at"] == "2026-03-04T01:00:00Z"  # two working days of eight hours after Monday 9:00
    assert [span["seconds"] for span in told["deadline"]["trace"]] == [10800, 14400, 14400, 14400, 3600]
    assert [line["verb"]["code"] for line in told["log"]] == ["report", "file", "dispatch"]
    assert told["missing"] == []


def test_an_area_that_was_renamed_is_told_by_its_new_name(city: SimpleNamespace, ann: Client) -> None:
    post(ann, said(city))
    Area.objects.filter(pk=city.street.pk).update(name="结古镇")
    told = post(ann, said(city)).json()
    assert [area["name"] for area in told["where"]["areas"]] == ["民主社区", "结古镇", "玉树市"]


def test_every_automatic_step_says_why(city: SimpleNamespace, ann: Client) -> None:
    _reported, filed, dispatched = post(ann, said(city)).json()["log"]
    assert [why["code"] for why in filed["why"]] == ["policy_yes", "condition_chosen", "limit_stage"]
    assert [why["code"] for why in dispatched["why"]] == [
        "policy_yes",
        "component_none",
        "territory_none",
        "competent",
        "limit_condition",
    ]
    assert dispatched["why"][3]["says"].endswith("全市的“公用设施”由市政所负责。")


def test_words_follow_the_reader(city: SimpleNamespace, ann: Client) -> None:
    answer = ann.post(CASES, json.dumps(said(city)), content_type="application/json", headers={"Accept-Language": "en"})
    assert answer.json()["stage"] == {"code": "handling", "label": "To handle"}


def test_the_same_report_again_is_the_same_case(city: SimpleNamespace, ann: Client) -> None:
    body = said(city)
    first, again = post(ann, body), post(ann, body)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["number"] == again.json()["number"]
    assert CaseEvent.objects.count() == 3


def test_the_same_report_in_other_words_is_the_same_case(city: SimpleNamespace, ann: Client) -> None:
    """A phone that restarts may list its photos otherwise, and write the same moment in another offset."""
    photos = [{"sha256": sha * 64, "purpose": purpose} for sha, purpose in (("a", "near"), ("b", "far"))]
    moments = ("2026-03-02T08:59:00+08:00", "2026-03-02T00:59:00Z")
    point = said(city)["point"]
    one = said(city, photos=photos, captured_at=moments[0], point=point | {"fixed_at": moments[0]})
    same = {"photos": photos[::-1], "captured_at": moments[1], "point": point | {"fixed_at": moments[1]}}
    first, again = post(ann, one), post(ann, one | same)
    assert (first.status_code, again.status_code) == (201, 200)
    other = post(ann, one | {"captured_at": "2026-03-02T08:59:01+08:00"})
    assert (other.status_code, other.json()["code"]) == (409, "uuid_used")


def test_a_report_of_an_older_release_is_known_again(city: SimpleNamespace, ann: Client) -> None:
    """Its digest was of the very words."""
    body = said(city)
    assert post(ann, body).status_code == 201
    point = body["point"] | {"accuracy_m": 8.0, "provider": "", "mock": False}
    report = {
        "category": body["category"],
        "condition": body["condition"],
        "component": "",
        "lon": point["lon"],
        "lat": point["lat"],
        "source": "inspector",
        "text": "",
        "place": "",
        "photos": [],
        "handled": False,
        "origin": point,
    }
    words = json.dumps([city.ann.pk, report], sort_keys=True, ensure_ascii=False)
    Case.objects.update(digest=hashlib.sha256(words.encode()).digest())
    assert post(ann, body).status_code == 200
    assert post(ann, body | {"text": "另一处"}).status_code == 409


def test_the_same_id_for_something_else_is_refused(city: SimpleNamespace, ann: Client) -> None:
    body = said(city)
    post(ann, body)
    answer = post(ann, body | {"text": "另一处"})
    assert (answer.status_code, answer.json()["code"]) == (409, "uuid_used")
    answer = post(town.phone(city.ivan), body)
    assert (answer.status_code, answer.json()["code"]) == (409, "uuid_used")
    assert Case.objects.count() == 1


def test_a_shifted_position_lands_in_the_right_cell(city: SimpleNamespace, ann: Client) -> None:
    lon, lat = from_wgs84(town.LON + 2.5 * town.STEP, town.LAT + town.STEP / 2, "gcj02")
    told = post(ann, said(city, point={"lon": lon, "lat": lat, "crs": "gcj02"})).json()
    assert told["where"]["cell"] == city.cells[2].code
    assert told["point"] == {"lon": pytest.approx(lon), "lat": pytest.approx(lat), "crs": "gcj02"}
    assert told["log"][0]["facts"]["origin"]["crs"] == "gcj02"


def test_without_crs_it_is_refused_by_field(city: SimpleNamespace, ann: Client) -> None:
    answer = post(ann, said(city, point={"lon": town.LON, "lat": town.LAT}))
    problem = answer.json()
    assert (answer.status_code, answer["Content-Type"]) == (422, "application/problem+json")
    assert (problem["code"], problem["field"]) == ("invalid", "point.crs")
    assert problem["errors"] == [{"field": "point.crs", "code": "missing", "detail": "必须填写"}]


def test_on_a_border_the_smallest_code_wins(city: SimpleNamespace, ann: Client) -> None:
    point = {"lon": town.LON + town.STEP, "lat": town.LAT + town.STEP / 2, "crs": "cgcs2000"}
    assert post(ann, said(city, point=point)).json()["where"]["cell"] == city.cells[0].code


def test_a_little_outside_is_the_nearest_and_flagged(city: SimpleNamespace, ann: Client) -> None:
    point = {"lon": town.LON + town.STEP / 2, "lat": town.LAT - 0.0002, "crs": "wgs84"}
    told = post(ann, said(city, point=point)).json()
    assert told["where"] | {"areas": []} == {
        "cell": city.cells[0].code,
        "off_cell_m": pytest.approx(22.2, abs=0.2),
        "areas": [],
    }
    assert [flag["code"] for flag in told["flags"]] == ["off_cell"]


def test_far_outside_is_refused_and_nothing_is_written(city: SimpleNamespace, ann: Client) -> None:
    answer = post(ann, said(city, point={"lon": 98.0, "lat": 34.0, "crs": "wgs84"}))
    assert (answer.status_code, answer.json()["code"]) == (422, "outside_the_city")
    assert Case.objects.count() == 0


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"category": 0}, "category_unknown"),
        ({"component": "6327010101999999"}, "component_unknown"),
        ({"source": "hotline"}, "not_your_source"),
        ({"text": "x" * 2001}, "invalid"),
        ({"surprise": 1}, "invalid"),
        ({"id": "7"}, "invalid"),
        ({"captured_at": "2026-03-02T09:00:00"}, "invalid"),
        ({"point": {"lon": "NaN", "lat": 33, "crs": "wgs84"}}, "invalid"),
        ({"handled": True}, "facts_missing"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_written(city, ann, more: dict, code: str) -> None:
    answer = post(ann, said(city, **more))
    assert answer.status_code in (403, 422)
    assert answer.json()["code"] == code
    assert answer.json()["detail"]
    assert Case.objects.count() == 0


def test_a_major_or_the_older_generation_is_not_reported(city: SimpleNamespace, ann: Client) -> None:
    answer = post(ann, said(city, category=city.manhole.parent_id, condition=None))
    assert answer.json()["code"] == "category_unknown"
    city.manhole.scheme = "cjt214-2007"
    city.manhole.save()
    assert post(ann, said(city)).json()["code"] == "category_closed"


def test_a_condition_of_another_class_is_refused(city: SimpleNamespace, ann: Client) -> None:
    assert post(ann, said(city, condition=city.heap.pk)).json()["code"] == "condition_unfit"


def test_without_a_condition_the_clerk_chooses(city: SimpleNamespace, ann: Client) -> None:
    told = post(ann, said(city, condition=None)).json()
    assert told["stage"]["code"] == "filing"
    assert [why["code"] for why in told["log"][-1]["waits"]] == ["policy_yes", "condition_open"]


def test_an_outdated_condition_loses_no_report(city: SimpleNamespace, ann: Client) -> None:
    city.rattling.closed_on = "2026-02-01"
    city.rattling.save()
    told = post(ann, said(city)).json()
    # The class has one condition left; the report is filed under that one, and says so.
    assert told["log"][1]["why"][1]["code"] == "condition_only"


def test_an_inspector_who_put_it_right_says_so(city: SimpleNamespace, ann: Client) -> None:
    photos = [{"sha256": "a" * 64, "purpose": "before"}, {"sha256": "b" * 64, "purpose": "after"}]
    told = post(ann, said(city, handled=True, photos=photos)).json()
    assert told["stage"]["code"] == "closing"
    assert [line["verb"]["code"] for line in told["log"]] == ["report", "self_handle"]
    assert told["missing"] == ["a" * 64, "b" * 64]


def test_a_component_goes_to_its_owner(city: SimpleNamespace, ann: Client) -> None:
    told = post(ann, said(city, component=city.component.code)).json()
    assert told["department"]["name"] == "园林所"
    assert told["component"] == city.component.code


def test_an_event_goes_to_its_street_first(city: SimpleNamespace, ann: Client) -> None:
    told = post(ann, said(city, category=city.refuse.pk, condition=city.heap.pk)).json()
    assert told["department"]["name"] == "结古街道办"


def test_a_closed_department_is_passed_over(city: SimpleNamespace, ann: Client) -> None:
    city.office.closed_on = "2026-01-01"
    city.office.save()
    told = post(ann, said(city, category=city.refuse.pk, condition=city.heap.pk)).json()
    assert told["department"]["name"] == "园林所"
    assert "department_closed" in [why["code"] for why in told["log"][2]["why"]]


def test_nobody_answers_so_a_dispatcher_decides(city: SimpleNamespace, ann: Client) -> None:
    told = post(ann, said(city, category=city.orphan.pk, condition=city.smoke.pk)).json()
    assert (told["stage"]["code"], told["department"]) == ("dispatch", None)
    assert told["log"][-1]["waits"][-1]["code"] == "nobody"


def test_a_hotline_report_waits_and_a_public_one_is_verified(city: SimpleNamespace, clock) -> None:
    carl = town.phone(city.carl)
    hotline = post(carl, said(city, source="hotline")).json()
    assert (hotline["stage"]["code"], hotline["log"][0]["waits"][0]["code"]) == ("filing", "policy_no")
    public = post(carl, said(city, source="public")).json()
    assert public["stage"]["code"] == "verify"


def test_a_report_costs_so_many_statements(city, ann, django_assert_num_queries) -> None:
    post(ann, said(city))
    # One counts it, two are the savepoint of the test itself, two for similar cases.
    with django_assert_num_queries(15):
        post(ann, said(city))
