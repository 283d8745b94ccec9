"""Who is on duty, where he was last, and what is kept of where he went."""

from __future__ import annotations

import json
import logging
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.urls import reverse

from cases.models import Case
from grid import duty
from grid.models import Officer, Shift, Track

from . import acts
from . import city as town
from .desk import desk

DUTY = "/api/mobile/v1/duty"
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def say(phone: Any, on: bool, at: datetime | None = None) -> Any:
    body = {"on": on} | ({"at": at.isoformat()} if at else {})
    return phone.put(DUTY, json.dumps(body), content_type="application/json")


def sends(phone: Any, *points: tuple[datetime, float, float]) -> Any:
    said = [{"at": at.isoformat(), "lon": lon, "lat": lat} for at, lon, lat in points]
    return phone.post(f"{DUTY}/track", json.dumps({"crs": "wgs84", "points": said}), content_type="application/json")


def here(city: SimpleNamespace, officer: Officer, lon: float = town.LON, lat: float = town.LAT) -> None:
    """The officer is on duty and was just seen there."""
    duty.begin(officer)
    duty.follow(officer, [duty.Fix(duty.now(), lon, lat)])


# A shift


def test_i_begin_and_end_and_saying_it_again_changes_nothing(city: SimpleNamespace, clock) -> None:
    ann = town.phone(city.ann)
    assert ann.get(DUTY).json() == {"on": False, "since": None, "until": None, "forgotten": False}
    first = say(ann, True).json()
    clock.shift(HOUR)
    assert say(ann, True).json() == first and first["on"]
    ended = say(ann, False).json()
    clock.shift(HOUR)
    assert say(ann, False).json() == ended and not ended["on"]
    shift = Shift.objects.get()
    assert (shift.since, shift.until) == (town.MONDAY, town.MONDAY + HOUR)


def test_a_phone_without_a_network_says_it_later(city: SimpleNamespace, clock) -> None:
    ann = town.phone(city.ann)
    assert say(ann, True, town.MONDAY - 3 * HOUR).json()["on"]
    assert say(ann, False, town.MONDAY - HOUR).status_code == 200
    assert say(ann, True, town.MONDAY - 2 * HOUR).json()["code"] == "shift_overlaps"
    for unfit in (town.MONDAY + HOUR, town.MONDAY - 15 * HOUR):
        answer = say(ann, True, unfit)
        assert (answer.status_code, answer.json()["code"]) == (422, "moment_unfit")
    assert Shift.objects.count() == 1


def test_a_shift_does_not_end_before_it_began(city: SimpleNamespace, clock) -> None:
    ann = town.phone(city.ann)
    say(ann, True)
    assert say(ann, False, town.MONDAY - HOUR).json()["code"] == "shift_overlaps"
    assert say(ann, True, town.MONDAY + 2 * MINUTE).json()["on"]  # a clock that goes a little fast


def test_a_forgotten_shift_ends_where_he_was_seen_last(city: SimpleNamespace, clock) -> None:
    here(city, city.ann)
    clock.shift(15 * HOUR)
    assert not town.phone(city.ann).get(DUTY).json()["on"]
    duty.tidy()
    shift = Shift.objects.get()
    assert (shift.until, shift.forgotten) == (town.MONDAY, True)
    assert duty.begin(city.ann).since == town.MONDAY + 15 * HOUR


def test_nobody_is_on_duty_twice(city: SimpleNamespace, clock) -> None:
    duty.begin(city.ann)
    with pytest.raises(IntegrityError, match="shift_one_at_a_time"), transaction.atomic():
        Shift.objects.create(officer=city.ann, since=town.MONDAY)


# The track


def test_only_what_lies_in_my_shifts_is_kept(city: SimpleNamespace, clock) -> None:
    ann = town.phone(city.ann)
    nothing = sends(ann, (town.MONDAY, 97.0, 33.0)).json()
    assert nothing == {"kept": 0, "left_out": 1}
    say(ann, True)
    clock.shift(HOUR)
    points = [(town.MONDAY + n * MINUTE, 97.0 + n / 1000, 33.0) for n in (-5, 5, 10)]
    assert sends(ann, *points).json() == {"kept": 2, "left_out": 1}
    assert sends(ann, *points).json() == {"kept": 0, "left_out": 3}  # the same again
    assert sends(ann, (town.MONDAY + 7 * MINUTE, 97.0, 33.0)).json()["kept"] == 1  # out of order
    shift = Shift.objects.get()
    assert (shift.seen_at, shift.point.x) == (town.MONDAY + 10 * MINUTE, 97.01)


def test_what_was_sent_before_he_could_say_that_he_had_left_is_forgotten(city: SimpleNamespace, clock) -> None:
    ann = town.phone(city.ann)
    say(ann, True)
    clock.shift(3 * HOUR)
    sends(ann, (town.MONDAY + HOUR, 97.0, 33.0), (town.MONDAY + 2 * HOUR, 97.001, 33.0))
    say(ann, False, town.MONDAY + HOUR + MINUTE)
    assert [row.at for row in Track.objects.all()] == [town.MONDAY + HOUR]
    assert sends(ann, (town.MONDAY + 2 * HOUR, 97.0, 33.0)).json()["kept"] == 0
    assert Shift.objects.get().point is None


@pytest.mark.parametrize("wrong", [{"lon": 200.0}, {"lat": float("inf")}, {"at": "2026-03-02T09:00:00"}])
def test_a_wrong_position_is_refused_whole(city: SimpleNamespace, clock, wrong: dict[str, Any]) -> None:
    duty.begin(city.ann)
    good = {"at": town.MONDAY.isoformat(), "lon": 97.0, "lat": 33.0}
    body = json.dumps({"crs": "wgs84", "points": [good, good | wrong]})
    answer = town.phone(city.ann).post(f"{DUTY}/track", body, content_type="application/json")
    assert answer.status_code == 422 and not Track.objects.exists()


def test_many_positions_cost_as_many_statements_as_one(
    city: SimpleNamespace, clock, django_assert_max_num_queries
) -> None:
    duty.begin(city.ann)
    clock.shift(HOUR)
    with django_assert_max_num_queries(5):  # two of them are the savepoint
        kept = duty.follow(city.ann, [duty.Fix(town.MONDAY + n * timedelta(seconds=3), 97, 33) for n in range(1000)])
    assert kept == 1000


def test_i_see_my_track_and_each_look_at_anothers_is_logged(
    city: SimpleNamespace, clock, caplog: pytest.LogCaptureFixture
) -> None:
    here(city, city.ann)
    query = {"day": "2026-03-02"}
    with caplog.at_level(logging.INFO, "access"):
        (mine,) = town.phone(city.ann).get(f"{DUTY}/track", query).json()
        assert mine["point"] == {"lon": town.LON, "lat": town.LAT, "crs": "wgs84"}
        assert "track of" not in caplog.text
        other = query | {"officer": city.ann.pk}
        assert len(town.phone(city.sina).get(f"{DUTY}/track", other).json()) == 1
        assert f"track of={city.ann.pk} day=2026-03-02 officer={city.sina.pk}" in caplog.text
        for unfit in (city.ivan, city.hugo, city.carl):
            answer = town.phone(unfit).get(f"{DUTY}/track", other)
            assert (answer.status_code, answer.json()["code"]) == (403, "not_your_track")
    assert town.phone(city.ann).get(f"{DUTY}/track", {"day": "2026-03-01"}).json() == []


def test_tracks_are_thrown_away_in_time(city: SimpleNamespace, clock, settings) -> None:
    here(city, city.ann)
    clock.shift(timedelta(days=settings.TRACK_DAYS - 1))
    duty.tidy()
    assert Track.objects.count() == 1
    clock.shift(timedelta(days=2))
    duty.tidy()
    assert not Track.objects.exists() and Shift.objects.exists()


def test_each_month_has_a_table_of_its_own(city: SimpleNamespace) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_inherits WHERE inhparent = 'grid_track'::regclass")
        (before,) = cursor.fetchone()
        cursor.execute("SELECT grid_track_keep(now() - interval '1 year')")
        cursor.execute("SELECT count(*) FROM pg_inherits WHERE inhparent = 'grid_track'::regclass")
        assert cursor.fetchone() == (before,) and before >= 3


# Who is at work


def test_the_centre_sees_who_is_on_duty_in_its_territory(
    city: SimpleNamespace, clock, caplog: pytest.LogCaptureFixture
) -> None:
    here(city, city.ann)
    duty.begin(city.ines)
    with caplog.at_level(logging.INFO, "access"):
        rows = town.phone(city.dora).get(f"{DUTY}/officers").json()
    assert [(row["officer"]["name"], bool(row["point"])) for row in rows] == [("Ann", True), ("Ines", False)]
    assert f"positions of 2 on duty officer={city.dora.pk}" in caplog.text
    city.dora.area = type(city.street).objects.create(code="632701002", name="扎西科街道")
    city.dora.save()
    assert town.phone(city.dora).get(f"{DUTY}/officers").json() == []
    assert town.phone(city.hugo).get(f"{DUTY}/officers").status_code == 403


def test_a_track_is_looked_at_by_whose_territory_it_is(
    city: SimpleNamespace, clock, caplog: pytest.LogCaptureFixture
) -> None:
    here(city, city.ann)
    city.sina.area = city.street
    city.sina.save()
    asked = {"officer": city.ann.pk, "day": "2026-03-02"}
    assert len(town.phone(city.sina).get(f"{DUTY}/track", asked).json()) == 1
    city.sina.area = type(city.street).objects.create(code="632701002", name="扎西科街道")
    city.sina.save()
    caplog.clear()
    with caplog.at_level(logging.INFO, "access"):
        answer = town.phone(city.sina).get(f"{DUTY}/track", asked)
    assert (answer.status_code, answer.json()["code"]) == (403, "not_your_ground")
    assert "扎西科街道" in answer.json()["detail"] and "track of" not in caplog.text
    assert desk(city.sina).get(reverse("console:track", args=[city.ann.pk])).status_code == 403


# Who is drawn to check


def checkers(case: Case) -> tuple[list[int], str]:
    order = case.events.get(verb="order_check")
    why = next(reason for reason in order.facts["why"] if reason["code"].startswith("drawn"))
    return why["candidates"], why["code"]


def test_those_on_duty_come_first(city: SimpleNamespace, clock) -> None:
    ivy = Officer.objects.create(username="ivy", roles=["inspector"])
    city.cells[0].beats.get().officers.add(ivy)
    duty.begin(ivy)
    assert checkers(town.finish(town.report(city), city.hugo)) == ([ivy.pk], "drawn_on_duty")


def test_who_is_on_duty_near_by_may_be_drawn_and_sees_the_case(city: SimpleNamespace, clock) -> None:
    here(city, city.ines, town.LON + 2 * town.STEP)
    case = town.finish(town.report(city), city.hugo)
    assert checkers(case) == ([city.ines.pk], "drawn_on_duty")
    assert "pass" in acts.can(town.phone(city.ines), case)


@pytest.mark.parametrize("why", ["far", "stale", "off"])
def test_who_is_far_or_long_unseen_is_not_near(city: SimpleNamespace, clock, why: str) -> None:
    here(city, city.ines, town.LON + (1 if why == "far" else 0))
    if why == "stale":
        clock.shift(16 * MINUTE)
    if why == "off":
        duty.end(city.ines)
    assert checkers(town.finish(town.report(city), city.hugo)) == ([city.ivan.pk], "drawn")


def test_the_reporter_on_duty_does_not_check_while_there_is_another(city: SimpleNamespace, clock) -> None:
    here(city, city.ann)
    assert checkers(town.finish(town.report(city), city.hugo)) == ([city.ivan.pk], "drawn")


def test_the_reasons_are_told_in_both_tongues(city: SimpleNamespace, clock) -> None:
    here(city, city.ivan)
    case = town.finish(town.report(city), city.hugo)
    told = json.dumps(acts.seen(town.phone(city.carl), case), ensure_ascii=False)
    assert "从在岗的 1 名监督员（本责任网格或附近）中随机抽取" in told
    told = json.dumps(acts.seen(town.phone(city.carl, **{"Accept-Language": "en"}), case))
    assert "on duty" in told
