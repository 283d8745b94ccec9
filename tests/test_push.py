"""Ringing at phones: who hears, in which words, and what happens when Firebase will not."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta as td
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings as conf
from django.core.cache import cache
from django.db import connection
from django.utils import translation
from django.utils.translation import gettext

from cases import audience, docket, outbox
from cases.flow import Facts, Purpose, Verb
from cases.models import Outbox
from grid.models import Officer
from mobile_api import push
from mobile_api.models import Device, Message

from . import city as town
from . import fcm as firebase
from .fcm import Fcm


@pytest.fixture
def fcm(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fcm]:
    """Firebase runs, and push is on; nobody else in the world is asked anything."""
    asked: set[str] = set()
    look_up = socket.getaddrinfo

    def watch(host: str, *args: Any, **kwargs: Any) -> Any:
        asked.add(host)
        return look_up(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", watch)
    with firebase.running() as server:
        settings.FCM_CREDENTIALS = str(server.service_account(tmp_path))
        settings.FCM_ENDPOINT = server.url
        monkeypatch.setitem(outbox.CONSUMERS, "push", outbox.Consumer(push.ring, audience.heard))
        yield server
    assert asked <= {"127.0.0.1"}


def phone(officer: Officer, token: str = "", **kwargs: Any) -> Device:
    """A phone of that officer; its token is his name unless said otherwise."""
    kwargs = {"platform": "android", "seen_at": town.MONDAY} | kwargs
    return Device.objects.create(officer=officer, token=token or officer.username, **kwargs)


def owed() -> int:
    return Outbox.objects.filter(consumer="push").count()


# What a phone hears


def test_a_new_task_rings_at_the_hand_that_owes_it(city: SimpleNamespace, clock: Any, fcm: Fcm) -> None:
    phone(city.hugo), phone(city.hana), phone(city.ann)
    case = town.report(city)
    outbox.drain()
    (heard,) = fcm.delivered
    assert (heard["token"], heard["notification"]) == ("hugo", {"title": "新任务", "body": case.number})
    event = case.events.get(verb=Verb.DISPATCH)
    assert heard["data"] == {
        "case": str(case.uuid),
        "number": case.number,
        "verb": "dispatch",
        "event": str(event.pk),
    }
    assert owed() == 0


def test_a_ring_says_nothing_about_people_or_places(city: SimpleNamespace, clock: Any, fcm: Fcm) -> None:
    phone(city.hugo)
    town.report(city, text="李四家门口", place="民主路 8 号")
    outbox.drain()
    said = json.dumps(fcm.delivered, ensure_ascii=False)
    assert not any(word in said for word in ("李四", "民主", "上水井盖", "Ann", "ann", "Hugo", "97.0", "33.0"))


def test_a_later_ring_of_a_case_takes_the_place_of_the_earlier_one(city: SimpleNamespace, clock: Any, fcm: Fcm) -> None:
    phone(city.hugo, platform="ios")
    case = town.report(city)
    outbox.drain()
    docket.move(case.uuid, Verb.SUPERVISE, by=city.lena, facts=Facts(note="请加快"))
    outbox.drain()
    key = str(case.uuid)
    assert fcm.titles("hugo") == ["新任务", "督办"]
    for heard in fcm.delivered:
        assert heard["android"]["collapse_key"] == heard["android"]["notification"]["tag"] == key
        assert heard["apns"]["headers"]["apns-collapse-id"] == key
        assert heard["webpush"]["headers"]["Topic"] == case.uuid.hex


def test_of_several_steps_at_once_the_last_alone_rings(city: SimpleNamespace, clock: Any, fcm: Fcm) -> None:
    phone(city.hugo)
    pressed = town.report(city)
    docket.move(pressed.uuid, Verb.SUPERVISE, by=city.lena, facts=Facts(note="请加快"))
    other = town.report(city)
    outbox.drain()
    heard = {message["data"]["number"]: message["notification"]["title"] for message in fcm.delivered}
    assert heard == {pressed.number: "督办", other.number: "新任务"}
    assert (len(fcm.delivered), owed()) == (2, 0)


def test_each_phone_hears_in_its_own_language(city: SimpleNamespace, clock: Any, fcm: Fcm) -> None:
    phone(city.hugo, "chinese"), phone(city.hugo, "english", language="en")
    Officer.objects.filter(username="hedi").update(language="en", department=city.roads)
    phone(city.hedi)
    town.report(city)
    outbox.drain()
    with translation.override("en"):
        english = gettext("新任务")
    assert fcm.titles("chinese") == ["新任务"]
    assert fcm.titles("english") == fcm.titles("hedi") == [english]


def test_an_author_and_a_disabled_officer_hear_nothing(city: SimpleNamespace, clock: Any, fcm: Fcm) -> None:
    case = town.report(city)
    phone(city.ivan), phone(city.ann), phone(city.carl)
    case = town.finish(case, city.hugo)
    docket.move(case.uuid, Verb.PASS, by=city.ivan, facts=town.shown(city.ivan, Purpose.NEAR))
    Officer.objects.filter(username="ann").update(is_active=False)
    docket.move(case.uuid, Verb.CLOSE, by=city.carl)  # its reporter would hear
    outbox.drain()
    assert fcm.titles("ann") == []
    assert "carl" not in [heard["token"] for heard in fcm.delivered if heard["data"]["verb"] == "close"]


def test_yesterdays_news_does_not_ring(city: SimpleNamespace, clock: Any, fcm: Fcm) -> None:
    phone(city.hugo)
    town.report(city)
    clock.shift(td(days=1, minutes=1))
    outbox.drain()
    assert (fcm.delivered, owed()) == ([], 0)


def test_access_tokens_serve_again(city: SimpleNamespace, clock: Any, fcm: Fcm) -> None:
    for n in range(120):
        phone(city.hugo, f"t{n}")
    town.report(city)
    outbox.drain()
    assert len(fcm.delivered) == 120
    granted = fcm.grants
    town.report(city)
    outbox.drain()
    assert (len(fcm.delivered), fcm.grants) == (240, granted)


# What Firebase refuses


@pytest.mark.parametrize(
    "answer", [firebase.UNREGISTERED, firebase.MALFORMED, firebase.MALFORMED_TOO, firebase.OTHER_SENDER]
)
def test_a_phone_that_firebase_does_not_know_is_forgotten(
    city: SimpleNamespace, clock: Any, fcm: Fcm, answer: firebase.Answer
) -> None:
    phone(city.hugo, "old"), phone(city.hugo, "new")
    fcm.refuse("old", answer)
    town.report(city)
    outbox.drain()
    assert [device.token for device in Device.objects.all()] == ["new"]
    assert fcm.titles("new") == ["新任务"]
    assert owed() == 0


def test_a_message_that_firebase_will_never_take_costs_nobody_his_phone(
    city: SimpleNamespace, clock: Any, fcm: Fcm, caplog: Any
) -> None:
    phone(city.hugo)
    fcm.refuse("hugo", firebase.BAD_MESSAGE)
    town.report(city)
    outbox.drain()
    assert (Device.objects.count(), owed()) == (1, 0)
    assert "FCM will not take this" in caplog.text


@pytest.mark.parametrize("answer", [firebase.QUOTA, firebase.UNAVAILABLE, firebase.INTERNAL])
def test_only_the_phone_that_has_not_heard_is_rung_again(
    city: SimpleNamespace, clock: Any, fcm: Fcm, answer: firebase.Answer
) -> None:
    phone(city.hugo, "one"), phone(city.hugo, "two")
    fcm.refuse("two", answer, answer)
    town.report(city)
    outbox.drain()
    assert (owed(), fcm.titles("one"), fcm.titles("two")) == (1, ["新任务"], [])
    clock.shift(outbox.LEASE + td(seconds=1))
    outbox.drain()
    assert (owed(), fcm.asked["one"]) == (1, 1)
    fcm.relent()
    clock.shift(td(hours=1))
    outbox.drain()
    assert (owed(), fcm.asked["one"], fcm.titles("two")) == (0, 1, ["新任务"])


def test_other_cases_are_paid_while_one_is_owed(city: SimpleNamespace, clock: Any, fcm: Fcm) -> None:
    phone(city.hugo), phone(city.office.officers.get())
    fcm.refuse("hugo", firebase.QUOTA)
    stuck = town.report(city)
    town.report(city, category=city.refuse.pk, condition=city.heap.pk)
    outbox.drain()
    assert fcm.titles("otto") == ["新任务"]
    assert [debt.event.case for debt in Outbox.objects.filter(consumer="push")] == [stuck]


def test_firebase_is_left_alone_for_as_long_as_it_asks(city: SimpleNamespace, clock: Any, fcm: Fcm) -> None:
    for n in range(push.AT_ONCE + 10):
        phone(city.hugo, f"t{n:02d}")
        fcm.refuse(f"t{n:02d}", firebase.UNAVAILABLE)  # Retry-After: 120
    town.report(city)
    outbox.drain()
    knocks = fcm.asked.total()
    assert knocks == push.AT_ONCE  # none got through, so the rest was not tried
    fcm.relent()
    town.report(city)
    for _ in range(3):
        clock.shift(td(seconds=39))
        outbox.drain()
    assert fcm.asked.total() == knocks
    clock.shift(td(hours=1))
    outbox.drain()
    assert (owed(), len(fcm.delivered)) == (0, 2 * (push.AT_ONCE + 10))


NO_WAY_TO_APPLE = firebase.error(401, "UNAUTHENTICATED", "APNs certificate is invalid.", "THIRD_PARTY_AUTH_ERROR")


@pytest.mark.parametrize("answer", [firebase.QUOTA, NO_WAY_TO_APPLE])
def test_one_phone_s_trouble_silences_no_other(
    city: SimpleNamespace, clock: Any, fcm: Fcm, answer: firebase.Answer
) -> None:
    phone(city.hugo), phone(city.office.officers.get())
    fcm.refuse("hugo", answer)
    town.report(city)
    outbox.drain()
    town.report(city, category=city.refuse.pk, condition=city.heap.pk)
    outbox.drain()
    assert (fcm.titles("otto"), owed()) == (["新任务"], 1)


@pytest.mark.parametrize("down", [firebase.UNAVAILABLE, firebase.INTERNAL, None])
def test_firebase_is_down_for_an_hour(
    city: SimpleNamespace, clock: Any, fcm: Fcm, settings: Any, down: firebase.Answer | None
) -> None:
    """All is rung afterwards, once, the newest of each case; it was asked ever more rarely; the inbox never waited."""
    here, made = settings.FCM_ENDPOINT, []
    phone(city.hugo), phone(city.hedi)
    if down:
        fcm.refuse("hugo", down)
    else:
        settings.FCM_ENDPOINT = "http://127.0.0.1:9"  # the connection is refused
    for minute in range(60):
        if minute < 10:
            made.append(town.report(city))
            docket.move(made[-1].uuid, Verb.SUPERVISE, by=city.lena, facts=Facts(note="请加快"))
        outbox.drain()
        clock.shift(td(minutes=1))
    assert Message.objects.filter(officer=city.hugo).count() == 2 * len(made)
    assert fcm.asked["hugo"] < 10 * 10 and not fcm.delivered
    settings.FCM_ENDPOINT = here
    fcm.relent()
    clock.shift(td(seconds=push.LONGEST_REST_S))
    outbox.drain()
    assert owed() == 0
    assert sorted(said["data"]["case"] for said in fcm.delivered) == sorted(str(case.uuid) for case in made)
    assert set(fcm.titles("hugo")) == {"督办"}
    assert {said["android"]["collapse_key"] for said in fcm.delivered} == {str(case.uuid) for case in made}
    assert Message.objects.filter(officer=city.hugo).count() == 2 * len(made)


def test_slow_phones_leave_the_worker_to_others(
    city: SimpleNamespace, clock: Any, fcm: Fcm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(push, "TURN_S", 0)
    monkeypatch.setattr(push, "AT_ONCE", 2)
    for n in range(5):
        phone(city.hugo, f"t{n}")
    town.report(city)
    outbox.drain()
    assert (owed(), [len(fcm.titles(f"t{n}")) for n in range(5)]) == (0, [1] * 5)  # in three turns


def test_an_answer_that_does_not_come_is_not_waited_for(
    city: SimpleNamespace, clock: Any, fcm: Fcm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(push, "WHOLE_S", 0.3)
    phone(city.hugo)
    fcm.refuse("hugo", firebase.SLOW, firebase.Answer(200, {}))
    town.report(city)
    outbox.drain()
    assert owed() == 1
    clock.shift(td(hours=1))
    outbox.drain()
    assert owed() == 0
    first, again = fcm.delivered  # it came through after all: the second replaces it on the screen
    assert first == again


def test_a_withdrawn_key_loses_no_ring(city: SimpleNamespace, clock: Any, fcm: Fcm) -> None:
    phone(city.hugo)
    fcm.trusts = False
    town.report(city)
    outbox.drain()
    assert (owed(), Message.objects.filter(officer=city.hugo).count()) == (1, 1)
    fcm.trusts = True
    clock.shift(td(hours=1))
    outbox.drain()
    assert (owed(), fcm.titles("hugo")) == (0, ["新任务"])


def test_without_a_way_to_firebase_the_inbox_still_fills(
    city: SimpleNamespace, clock: Any, fcm: Fcm, settings: Any
) -> None:
    phone(city.hugo)
    settings.FCM_ENDPOINT = "http://127.0.0.1:9"  # nobody listens there
    town.report(city)
    outbox.drain()
    assert owed() == 1
    assert Message.objects.filter(officer=city.hugo).count() == 1


def test_no_transaction_is_open_while_firebase_thinks(transactional_db: None, fcm: Fcm) -> None:
    city, seen = town.build(), []

    def look() -> None:
        with connection.cursor() as cursor:  # the server's own thread, and so its own connection
            cursor.execute(
                "SELECT state FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            seen.extend(state for (state,) in cursor.fetchall())
        connection.close()

    fcm.meanwhile = look
    phone(city.hugo)
    town.report(city)
    outbox.drain()
    cache.clear()
    assert seen and "idle in transaction" not in seen


# On and off


def test_without_credentials_nothing_is_owed_to_phones(city: SimpleNamespace, clock: Any) -> None:
    phone(city.hugo)
    town.report(city)
    assert owed() == 0
    outbox.drain()
    assert Message.objects.filter(officer=city.hugo).count() == 1


def manage(*args: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *args],
        cwd=conf.BASE_DIR,
        env=os.environ | {"SECRET_KEY": "x"} | env,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_bad_key_file_is_told_at_the_start(tmp_path: Path) -> None:
    told = manage("check", FCM_CREDENTIALS=str(tmp_path / "none.json"), FCM_ENDPOINT="fcm.example")
    assert told.returncode == 1
    assert "mobile_api.E001" in told.stderr and "none.json" in told.stderr
    assert "mobile_api.E002" in told.stderr


@pytest.mark.parametrize("broken", ["{", "{}", '{"type": "service_account"}'])
def test_a_file_that_is_no_key_is_refused(tmp_path: Path, settings: Any, broken: str) -> None:
    path = tmp_path / "key.json"
    path.write_text(broken)
    settings.FCM_CREDENTIALS = str(path)
    assert [error.id for error in push.check(None)] == ["mobile_api.E001"]


def test_a_good_key_file_turns_push_on(fcm: Fcm, settings: Any) -> None:
    asked = "from cases.outbox import CONSUMERS; print('push' in CONSUMERS)"
    told = manage("shell", "--no-imports", "-c", asked, FCM_CREDENTIALS=settings.FCM_CREDENTIALS)
    assert told.stdout.strip() == "True"
    assert push.check(None) == []
