"""An emergency comes as a text message too, where the city has a gateway."""

from __future__ import annotations

import json
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from cases import audience, outbox
from cases.models import Category, Outbox
from grid.models import Officer
from mobile_api import sms

from . import city as town
from .test_hooks import Receiver


@pytest.fixture
def gateway(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setitem(outbox.CONSUMERS, "sms", outbox.Consumer(sms.send, audience.heard))
    settings.HOOK_HOSTS = ["127.0.0.1"]
    with Receiver().listening() as receiver:
        settings.SMS_URL, settings.SMS_TOKEN = receiver.url, "secret"
        yield receiver


@pytest.fixture
def emergency(city: SimpleNamespace, clock: Any) -> SimpleNamespace:
    """Missing covers are an emergency, and Hugo has a telephone."""
    Category.objects.filter(pk=city.manhole.pk).update(urgent=True)
    Officer.objects.filter(username="hugo").update(phone="13900000000")
    return city


def owed() -> int:
    return Outbox.objects.filter(consumer="sms").count()


def test_an_emergency_comes_as_a_text(emergency: SimpleNamespace, gateway: Receiver) -> None:
    case = town.report(emergency)
    outbox.drain()
    ((headers, body),) = gateway.sent
    said = json.loads(body)
    assert (said["phone"], said["text"]) == ("13900000000", f"【网格】派遣：{case.number}，请尽快查看。")
    assert headers["Authorization"] == "Bearer secret"
    assert owed() == 0


def test_daily_work_does_not(emergency: SimpleNamespace, gateway: Receiver) -> None:
    Category.objects.update(urgent=False)
    town.report(emergency)
    outbox.drain()
    assert (gateway.sent, owed()) == ([], 0)


def test_what_the_gateway_did_not_take_is_sent_again_under_its_key(
    emergency: SimpleNamespace, gateway: Receiver, clock: Any
) -> None:
    Officer.objects.filter(username="hana").update(phone="13900000001", department=emergency.roads)
    gateway.code = 503
    town.report(emergency)
    outbox.drain()
    assert owed() == 1
    gateway.code = 200
    clock.shift(2 * outbox.LEASE)
    outbox.drain()
    outbox.drain()
    assert owed() == 0
    keys = [body["key"] for body in gateway.bodies]
    assert (len(keys), len(set(keys))) == (4, 2)


def test_an_old_emergency_is_not_texted(emergency: SimpleNamespace, gateway: Receiver, clock: Any) -> None:
    town.report(emergency)
    clock.shift(sms.FRESH + timedelta(minutes=1))
    outbox.drain()
    assert (gateway.sent, owed()) == ([], 0)


def test_a_bad_number_keeps_nobody_from_hearing(
    emergency: SimpleNamespace, gateway: Receiver, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    Officer.objects.filter(username="hana").update(phone="bad", department=emergency.roads)
    monkeypatch.setattr(sms.HttpGateway, "send", lambda self, phone, *said: phone != "bad" and not heard.append(phone))
    heard: list[str] = []
    monkeypatch.setattr(sms.random, "sample", lambda texts, n: sorted(texts, key=lambda text: text[1].phone != "bad"))
    town.report(emergency)
    outbox.drain()
    assert (heard, owed()) == (["13900000000"], 1)


def test_a_gateway_out_of_reach_is_left_alone_and_loses_nothing(
    emergency: SimpleNamespace, gateway: Receiver, clock: Any
) -> None:
    gateway.code = 503
    for _ in range(10):
        town.report(emergency)
    outbox.drain()
    assert (len(gateway.sent), owed()) == (sms.AWAY, 10)
    gateway.code = 200
    clock.shift(sms.REST)
    outbox.drain()
    assert owed() == 0
    assert len({body["key"] for body in gateway.bodies}) == 10
    assert len(gateway.bodies) == 10 + sms.AWAY
