"""Who is away, and who hears in his stead."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from cases import alarm, outbox
from cases.flow import Verb
from grid import leave
from grid.models import Leave, Officer
from grid.roles import Role
from mobile_api.models import Message

from . import city as town
from .acts import last, move

LEAVE = "/api/mobile/v1/leave"
DAY = timedelta(days=1)


def put(by: Officer, since: datetime = town.MONDAY, until: datetime = town.MONDAY + DAY, **more: Any) -> Any:
    said = {"since": since.isoformat(), "until": until.isoformat(), **more}
    return town.phone(by).put(LEAVE, json.dumps(said), content_type="application/json")


def away(officer: Officer, stand_in: Officer | None = None, since: datetime = town.MONDAY) -> Leave:
    return Leave.objects.create(officer=officer, stand_in=stand_in, since=since, until=since + DAY)


@pytest.fixture
def hans(city: SimpleNamespace) -> Officer:
    """hugo's colleague."""
    return Officer.objects.create(username="hans", name="Hans", roles=[Role.HANDLER], department=city.roads)


def heard(verb: Verb) -> set[str]:
    outbox.drain()
    return set(Message.objects.filter(event__verb=verb).values_list("officer__username", flat=True))


# Saying so


def test_i_say_that_i_am_away_and_that_i_am_back(city: SimpleNamespace, hans: Officer, clock) -> None:
    answer = put(city.hugo, stand_in=hans.pk, note="年休")
    assert answer.status_code == 200, answer.content
    phone = town.phone(city.hugo)
    (mine,) = phone.get(LEAVE).json()
    assert (mine["officer"]["name"], mine["stand_in"]["name"], mine["note"]) == ("Hugo", "Hans", "年休")
    clock.shift(timedelta(hours=3))
    assert phone.delete(f"{LEAVE}/{mine['id']}").status_code == 204
    assert phone.get(LEAVE).json() == []
    assert Leave.objects.get().until == town.MONDAY + timedelta(hours=3)  # he was away until then
    assert phone.delete(f"{LEAVE}/{mine['id']}").status_code == 204  # again is no harm
    assert Leave.objects.get().until == town.MONDAY + timedelta(hours=3)


def test_a_leave_that_has_not_begun_is_taken_back(city: SimpleNamespace, clock) -> None:
    number = put(city.hugo, since=town.MONDAY + DAY, until=town.MONDAY + 2 * DAY).json()["id"]
    assert town.phone(city.hugo).delete(f"{LEAVE}/{number}").status_code == 204
    assert not Leave.objects.exists()


def test_the_same_beginning_again_replaces_and_another_that_overlaps_is_refused(city: SimpleNamespace, clock) -> None:
    put(city.hugo)
    assert put(city.hugo, until=town.MONDAY + 3 * DAY).status_code == 200
    assert Leave.objects.get().until == town.MONDAY + 3 * DAY
    answer = put(city.hugo, since=town.MONDAY + DAY, until=town.MONDAY + 2 * DAY)
    assert (answer.status_code, answer.json()["code"]) == (409, "leave_overlaps")
    assert (
        put(city.hugo, since=town.MONDAY + 3 * DAY, until=town.MONDAY + 4 * DAY).status_code == 200
    )  # ends as it begins
    with pytest.raises(IntegrityError, match="leave_once"), transaction.atomic():
        away(city.hugo, since=town.MONDAY + 2 * DAY)


def test_a_head_speaks_for_his_people_and_nobody_for_others(city: SimpleNamespace, clock) -> None:
    assert put(city.hedi, officer=city.hugo.pk).status_code == 200
    assert len(town.phone(city.hedi).get(LEAVE, {"officer": city.hugo.pk}).json()) == 1
    for by, whom in ((city.hedi, city.otto), (city.hana, city.hugo), (city.lena, city.hugo)):
        answer = put(by, officer=whom.pk)
        assert (answer.status_code, answer.json()["code"]) == (403, "not_your_people")
        assert town.phone(by).get(LEAVE, {"officer": whom.pk}).status_code == 403
    number = Leave.objects.get().pk
    assert town.phone(city.hana).delete(f"{LEAVE}/{number}").status_code == 403
    assert put(city.adam, officer=city.otto.pk).status_code == 200


def test_who_cannot_stand_in(city: SimpleNamespace, hans: Officer, clock) -> None:
    afar = Officer.objects.create(username="afar", roles=[Role.DISPATCHER], area=city.street)
    assert put(city.ann, stand_in=city.ivan.pk).status_code == 200  # they keep the same beat
    unfit = (
        (city.hugo, city.hugo),
        (city.hugo, city.hana),
        (city.dora, city.carl),
        (city.dora, afar),
        (city.ivan, city.ines),
    )
    for officer, stand_in in unfit:
        answer = put(officer, stand_in=stand_in.pk)
        assert (answer.status_code, answer.json()["code"]) == (422, "stand_in_unfit")
    hans.is_active = False
    hans.save()
    assert put(city.hugo, stand_in=hans.pk).json()["code"] == "stand_in_unfit"


@pytest.mark.parametrize(("since", "until"), [(0, 0), (2, 1), (-2, -1)])
def test_a_leave_without_time_is_refused(since: int, until: int, city: SimpleNamespace, clock) -> None:
    answer = put(city.hugo, since=town.MONDAY + since * DAY, until=town.MONDAY + until * DAY)
    assert (answer.status_code, answer.json()["code"]) == (422, "leave_over")


# In his stead


def test_work_and_alarms_reach_the_stand_in(city: SimpleNamespace, hans: Officer, clock) -> None:
    deputy = Officer.objects.create(username="deputy", roles=[Role.HANDLER], department=city.works)
    case = move(town.report(city, condition=city.missing.pk), Verb.ACCEPT, city.hugo)
    away(city.hugo, hans)
    away(city.hedi, deputy)
    move(case, Verb.SUPERVISE, city.lena, note="请说明")
    assert heard(Verb.SUPERVISE) == {"hans"}
    clock.move_to(case.alarm_at)
    alarm.ring()
    assert set(last(case).facts["woken"]) == {hans.pk, deputy.pk}
    assert heard(Verb.ESCALATE) == {"hans", "deputy"}


def test_before_and_after_the_leave_nothing_changes(city: SimpleNamespace, hans: Officer, clock) -> None:
    move(town.report(city), Verb.ACCEPT, city.hugo)
    away(city.hugo, hans, since=town.MONDAY + DAY)
    for moment, who in ((0, city.hugo), (1, hans), (2, city.hugo)):
        at = town.MONDAY + moment * DAY
        assert leave.away(at).present(city.hugo.pk) == who.pk


def test_a_chain_is_followed_to_its_end_and_a_ring_ends(city: SimpleNamespace, hans: Officer, clock) -> None:
    away(city.hugo, hans)
    away(hans, city.hedi)
    assert leave.away(town.MONDAY).present(city.hugo.pk) == city.hedi.pk
    away(city.hedi, city.hugo)
    assert leave.away(town.MONDAY).present(city.hugo.pk) is None


def test_without_a_stand_in_work_waits_but_the_ladder_does_not(city: SimpleNamespace, clock) -> None:
    away(city.hugo)
    away(city.hedi)
    case = town.report(city, condition=city.missing.pk)
    assert heard(Verb.DISPATCH) == {"hugo"}  # he finds it when he is back
    clock.move_to(case.alarm_at)
    alarm.ring()
    assert last(case).facts["woken"] == [city.dora.pk]
    assert last(case).facts["skipped"] == [Role.HEAD]


def test_a_stand_in_who_left_is_none(city: SimpleNamespace, hans: Officer, clock) -> None:
    away(city.hugo, hans)
    Officer.objects.filter(pk=hans.pk).update(is_active=False)
    assert leave.away(town.MONDAY).present(city.hugo.pk) is None
