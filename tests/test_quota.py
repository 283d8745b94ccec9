"""What one account writes has limits, generous ones; beyond them one is told until when."""

from __future__ import annotations

import ast
import json
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta as td
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, transaction
from django.test import Client

from backend.environment import allowance
from cases import nightly
from cases.models import Case, Export, Photo
from grid import quota
from grid.models import Officer, Spending, Track
from grid.quota import Kind, Limit

from . import city as town
from . import pictures
from .desk import desk

API = "/api/mobile/v1"
JSON = "application/json"
WRITING = ("docket.report", "docket.move", "photos.keep")


@pytest.fixture
def ann(city: SimpleNamespace, clock: Any) -> Client:
    return town.phone(city.ann)


def limit(settings: Any, kind: Kind, lately: int, today: int) -> None:
    settings.LIMITS = settings.LIMITS | {str(kind): (lately, today)}


def report(phone: Client, city: SimpleNamespace, **more: object) -> Any:
    spot = {"lon": town.LON + town.STEP / 2, "lat": town.LAT + town.STEP / 2, "crs": "wgs84"}
    said = {"id": str(uuid4()), "category": city.manhole.pk, "condition": city.rattling.pk, "point": spot} | more
    return phone.post(f"{API}/cases", json.dumps(said), content_type=JSON)


def test_reports_have_a_limit_for_a_while(ann: Client, city: SimpleNamespace, clock: Any, settings: Any) -> None:
    limit(settings, Kind.REPORTS, 3, 100)
    assert [report(ann, city).status_code for _ in range(3)] == [201] * 3
    clock.shift(td(minutes=4))
    answer = report(ann, city)
    told = answer.json()
    assert (answer.status_code, told["code"], answer["Retry-After"]) == (429, "too_many", "361")
    assert "03-02 09:10" in told["detail"]
    assert Case.objects.count() == 3
    assert report(town.phone(city.ivan), city).status_code == 201  # another has his own
    clock.shift(td(minutes=7))
    assert report(ann, city).status_code == 201


def test_reports_have_a_limit_for_the_day(ann: Client, city: SimpleNamespace, clock: Any, settings: Any) -> None:
    limit(settings, Kind.REPORTS, 3, 4)
    answers = []
    for _ in range(5):
        answers.append(report(ann, city))
        clock.shift(td(minutes=11))
    assert [answer.status_code for answer in answers] == [201] * 4 + [429]
    assert "03-03 00:00" in answers[-1].json()["detail"]
    clock.shift(td(hours=15))
    assert report(ann, city).status_code == 201


def test_the_same_report_again_costs_nothing(ann: Client, city: SimpleNamespace, settings: Any) -> None:
    limit(settings, Kind.REPORTS, 1, 1)
    uuid = str(uuid4())
    assert [report(ann, city, id=uuid).status_code for _ in range(3)] == [201, 200, 200]


def test_what_was_refused_was_not_written_and_costs_nothing(ann: Client, city: SimpleNamespace, settings: Any) -> None:
    limit(settings, Kind.REPORTS, 1, 1)
    assert report(ann, city, category=999_999).status_code == 422
    assert report(ann, city).status_code == 201


def test_moves_have_a_limit_at_both_doors(ann: Client, city: SimpleNamespace, clock: Any, settings: Any) -> None:
    limit(settings, Kind.MOVES, 1, 100)
    cases = [town.report(city) for _ in range(2)]
    phone = town.phone(city.hugo)
    said = [
        phone.post(f"{API}/cases/{case.uuid}/moves", {"verb": "accept", "key": str(uuid4())}, content_type=JSON)
        for case in cases
    ]
    assert [answer.status_code for answer in said] == [200, 429]
    path = f"/case/{cases[1].number}/accept/"
    page = desk(city.hugo).get(path).content.decode()
    form = dict(re.findall(r'type="hidden" name="(key|seen)" value="([^"]*)"', page))
    answer = desk(city.hugo).post(path, form)
    assert (answer.status_code, answer["Retry-After"]) == (429, "601")
    assert "09:10" in answer.content.decode()
    clock.shift(td(minutes=11))
    assert desk(city.hugo).post(path, form).status_code == 302


def test_photos_have_a_limit_by_weight(city: SimpleNamespace, clock: Any, settings: Any, tmp_path: Path) -> None:
    storage = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": tmp_path}}
    settings.STORAGES = settings.STORAGES | {"default": storage}
    limit(settings, Kind.PHOTO_KB, 400, 400)  # a small photo counts as 200
    phone, answers = town.phone(city.ann), []
    for colour in ("red", "red", "green", "blue"):
        body = pictures.saved(pictures.plain(colour))
        answers.append(
            phone.put(f"{API}/photos/{sha256(body).hexdigest()}", body, content_type="image/jpeg").status_code
        )
    assert answers == [201, 200, 201, 429]
    assert Photo.objects.count() == 2


def test_a_track_has_a_limit_and_is_read_in_pages(city: SimpleNamespace, clock: Any, settings: Any) -> None:
    limit(settings, Kind.TRACK, 5, 5)
    phone = town.phone(city.ann)
    phone.put(f"{API}/duty", {"on": True, "at": "2026-03-02T08:00:00+08:00"}, content_type=JSON)

    def send(first: int, last: int) -> int:
        points = [{"at": f"2026-03-02T08:{n:02}:00+08:00", "lon": 97.0, "lat": 33.0} for n in range(first, last)]
        said = {"crs": "wgs84", "points": points}
        return int(phone.post(f"{API}/duty/track", said, content_type=JSON).status_code)

    assert [send(0, 3), send(0, 3), send(0, 5), send(5, 6)] == [200, 200, 200, 429]
    assert Track.objects.count() == 5
    where, pages = f"{API}/duty/track?day=2026-03-02&limit=2", []
    while where:
        answer = phone.get(where)
        pages.append([row["at"][11:16] for row in answer.json()])
        where = answer.headers.get("Link", "").partition('>; rel="next"')[0].removeprefix("<")
    assert pages == [["00:00", "00:01"], ["00:02", "00:03"], ["00:04"]]


def test_everything_else_that_is_written_is_counted(ann: Client, city: SimpleNamespace, settings: Any) -> None:
    limit(settings, Kind.WRITES, 2, 10)
    limit(settings, Kind.EXPORTS, 1, 10)
    said = {"sheet": "cases"}
    assert [ann.post(f"{API}/exports", said, content_type=JSON).status_code for _ in range(2)] == [202, 429]
    assert Export.objects.count() == 1
    read = [ann.post(f"{API}/inbox/read", {"upto": 0}, content_type=JSON).status_code for _ in range(3)]
    assert read == [200, 200, 429]
    assert ann.get(f"{API}/inbox").status_code == 200  # who only looks is not counted
    page = desk(city.adam)
    assert [page.post("/settings/year/day/", {}).status_code != 429 for _ in range(3)] == [True, True, False]


def test_no_door_writes_cases_without_limit() -> None:
    for app in ("mobile_api", "console"):
        for path in (Path(django_settings.BASE_DIR) / app).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf8"))):
                if isinstance(node, ast.Call) and ast.unparse(node.func) in (
                    "docket.report",
                    "docket.move",
                    "photos.keep",
                ):
                    assert "limited" in {word.arg for word in node.keywords}, f"{path}:{node.lineno}"


def test_two_processes_count_together(transactional_db: None) -> None:
    """Twenty at one moment, of which seven are within the limit: neither six nor eight."""
    ann = Officer.objects.create(username="ann")

    def act(_: int) -> bool:
        try:
            with transaction.atomic():
                return quota.take(f"officer:{ann.pk}", Kind.REPORTS, Limit(7, 100))
        finally:
            connection.close()

    with ThreadPoolExecutor(20) as crowd:
        assert sum(crowd.map(act, range(20))) == 7


def test_what_is_older_than_now_hinders_nobody(city: SimpleNamespace, clock: Any) -> None:
    """As after a demo's clock, or a server's, was set back."""
    one = Limit(1, 100)
    assert quota.take("x", Kind.REPORTS, one)
    clock.shift(-td(days=40))
    assert quota.take("x", Kind.REPORTS, one)
    assert not quota.take("x", Kind.REPORTS, one)


def test_the_night_forgets_what_was_spent_long_ago(city: SimpleNamespace, clock: Any) -> None:
    quota.spend(city.ann, Kind.WRITES)
    nightly.tidy()
    assert Spending.objects.count() == 1
    clock.shift(td(days=quota.KEPT_DAYS + 1))
    nightly.tidy()
    assert not Spending.objects.exists()


@pytest.mark.parametrize("said", ["", "5", "0/5", "6/5", "5/x", "-1/5", "5/9999999999", "nan/inf"])
def test_a_limit_that_is_none_is_refused_at_the_start(monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    monkeypatch.setenv("LIMIT_REPORTS", said)
    with pytest.raises(ImproperlyConfigured, match="LIMIT_REPORTS"):
        allowance("LIMIT_REPORTS", "300/1000")
