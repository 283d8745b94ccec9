"""Other people's servers may be slow, hostile or not where they say: nothing of ours waits for them, or goes astray."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from datetime import timedelta as td
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client

from cases import audience, outbox
from cases.models import Category, Outbox
from cases.outbox import Consumer
from grid.models import Officer
from grid.moment import now
from mobile_api import hooks, mail, outside, post, push, sms
from mobile_api.models import Device, Hook

from . import city as town
from . import fcm
from .dripping import Dripping
from .test_hooks import HOOKS, Receiver, make, say, signers

SOON_S = 0.4
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


@pytest.fixture
def soon(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Our patience is short."""
    settings.HOOKS, settings.HOOK_HOSTS = True, ["127.0.0.1"]
    monkeypatch.setattr(outside, "WHOLE_S", SOON_S)
    monkeypatch.setattr(outside, "CONNECT_S", SOON_S)
    monkeypatch.setattr(post, "LETTER_S", SOON_S)
    monkeypatch.setattr(push, "WHOLE_S", SOON_S)


@pytest.fixture
def adam(city: SimpleNamespace, clock: Any) -> Client:
    return town.phone(city.adam)


def owed(monkeypatch: pytest.MonkeyPatch, name: str, pay: Callable[[Any], None]) -> None:
    monkeypatch.setitem(outbox.CONSUMERS, name, Consumer(pay, audience.heard))


def left(name: str) -> int:
    return Outbox.objects.filter(consumer=name).count()


# One that drips


@pytest.mark.parametrize(
    "program",
    [
        Dripping,  # a header that never ends
        lambda: Dripping(begin=b"HTTP/1.1 2", drop=b"0"),
        lambda: Dripping(drop=b"X-Of-Many: yes\r\n"),
        lambda: Dripping(begin=CONTINUE, drop=CONTINUE),
        lambda: Dripping(begin=b"", drop=b""),  # silent
    ],
)
def test_a_trial_of_a_program_that_drips_comes_to_an_end(
    soon: None, adam: Client, program: Callable[[], Dripping]
) -> None:
    with program().listening() as dripping:
        hook = make(adam, dripping)
        told = say(adam, f"{HOOKS}/{hook.pk}/test").json()
    assert (told["status"]["code"], told["code"], told["tries"]) == ("given_up", None, 1)
    assert told["note"]


def test_tls_that_drips_comes_to_an_end(soon: None) -> None:
    with Dripping(begin=b"\x16\x03\x03\x40\x00", drop=b"x").listening() as dripping:  # a record of 16 KB, byte by byte
        answer = outside.post(dripping.url.replace("http:", "https:"), b"{}", {})
    assert answer.code is None


def test_a_body_that_drips_is_not_waited_for(soon: None, adam: Client) -> None:
    head = b"HTTP/1.1 204 No Content\r\nContent-Length: 1000000\r\n\r\n"
    with Dripping(begin=head).listening() as dripping:
        hook = make(adam, dripping)
        assert say(adam, f"{HOOKS}/{hook.pk}/test").json()["code"] == 204


def test_a_gateway_that_drips_is_left_alone(
    soon: None, city: SimpleNamespace, clock: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    Category.objects.update(urgent=True)
    Officer.objects.filter(pk=city.hugo.pk).update(phone="13900000000")
    with Dripping().listening() as gateway:
        settings.SMS_URL, settings.SMS_TOKEN = gateway.url, "t"
        owed(monkeypatch, "sms", sms.send)
        town.report(city)
        outbox.drain()
    assert gateway.called.is_set()
    assert left("sms") > 0


@pytest.mark.parametrize("says", [b"220-wait\r\n", b"2"])
def test_a_mail_server_that_drips_is_left_alone(
    says: bytes, soon: None, city: SimpleNamespace, clock: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    Officer.objects.filter(pk=city.hugo.pk).update(email="hugo@example.org")
    settings.EMAIL_BACKEND = "mobile_api.post.EmailBackend"
    with Dripping(begin=says, drop=says, speaks_first=True).listening() as server:
        settings.EMAIL_HOST, settings.EMAIL_PORT = server.server_address
        settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
        owed(monkeypatch, "mail", mail.send)
        town.report(city)
        outbox.drain()
    assert server.called.is_set()
    assert outbox.away()["mail"][0] > 0


@pytest.mark.parametrize("slow", ["endpoint", "tokens"])
def test_fcm_that_drips_is_left_alone(
    slow: str,
    soon: None,
    city: SimpleNamespace,
    clock: Any,
    settings: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Device.objects.create(officer=city.hugo, token="hugo", platform="android", seen_at=now())
    body = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"  # it begins well
    with fcm.running() as phones, Dripping(begin=body, drop=b" ").listening() as dripping:
        account = phones.service_account(tmp_path)
        settings.FCM_ENDPOINT = phones.url
        if slow == "endpoint":
            settings.FCM_ENDPOINT = dripping.url
        else:
            said = json.loads(account.read_text()) | {"token_uri": dripping.url}
            account.write_text(json.dumps(said))
        settings.FCM_CREDENTIALS = str(account)
        owed(monkeypatch, "push", push.ring)
        town.report(city)
        outbox.drain()
    assert dripping.called.is_set()
    assert (phones.delivered, outbox.away()["push"][0] > 0) == ([], True)


# Where it may not go


@pytest.mark.parametrize(
    "url",
    [
        "https://[64:ff9b::10.0.0.8]/",  # NAT64
        "https://[64:ff9b::7f00:1]/",
        "https://[64:ff9b:1::1]/",  # NAT64 of a network of one's own
        "https://[::127.0.0.1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[2002:7f00:1::]/",  # 6to4
        "https://[2001:0:7f00:1::]/",  # Teredo
        "https://[fd00::8]/",
        "https://[fe80::1]/",
        "https://[fec0::1]/",
        "https://[ff02::1]/",
        "https://[2001:db8::1]/",
        "https://[3fff::1]/",
        "https://[3fff:fff:ffff::1]/",
        "https://[100::1]/",
        "https://100.64.0.1/",
        "https://192.0.0.8/",
        "https://192.88.99.1/",
        "https://198.18.0.1/",
        "https://240.0.0.1/",
        "https://255.255.255.255/",
        "https://0.0.0.0/",
        "https://2130706433/",  # 127.0.0.1, as some read it
        "https://0x7f.1/",
        "https://93.184.216.34:22/",
        "https://93.184.216.34:0/",
        "https://93.184.216.34:80/",
        "https://[::1/x",
        "https://a℀b.org/",
        "https:///x",
    ],
)
def test_a_hook_leads_to_nobody_but_a_host_out_there(soon: None, adam: Client, url: str) -> None:
    answer = say(adam, name="OA", url=url)
    assert (answer.status_code, answer.json()["code"]) == (422, "url_unfit")
    assert not Hook.objects.exists()


@pytest.mark.parametrize(
    "url",
    [
        "https://93.184.216.34/",
        "https://93.184.216.34:8443/",
        "https://[2606:4700:4700::1111]/",
        "https://[64:ff9b::93.184.216.34]/",  # NAT64 of a public address
        "https://127.0.0.1:22/",  # the operator has named it
    ],
)
def test_a_host_out_there_may_be_called(soon: None, url: str) -> None:
    assert outside.judge(url)


def test_a_host_of_our_own_may_be_named_with_its_port(settings: Any) -> None:
    settings.HOOK_HOSTS = ["127.0.0.1:9000"]
    assert outside.judge("http://127.0.0.1:9000/x")[1] == "127.0.0.1"
    for url in ("http://127.0.0.1:9001/x", "https://127.0.0.1/"):
        with pytest.raises(outside.Refused):
            outside.judge(url)


def test_a_name_is_looked_up_once_for_a_call(soon: None, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that leads elsewhere the second time leads nowhere: the address that was judged is the one called."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def rebinding(host: str, *args: Any, **kwargs: Any) -> Any:
        if host == "oa.example.org":
            asked.append(host)
            host = "127.0.0.1" if len(asked) == 1 else "127.0.0.9"
        return real(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    settings.HOOK_HOSTS = ["oa.example.org"]
    with Receiver().listening() as receiver:
        answer = outside.post(receiver.url.replace("127.0.0.1", "oa.example.org"), b"{}", {})
    assert (answer.code, len(receiver.sent), len(asked)) == (200, 1, 1)
    assert receiver.sent[0][0]["Host"].startswith("oa.example.org")


def test_a_name_that_is_never_answered_is_not_found(soon: None, monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()
    monkeypatch.setattr(outside, "NAME_S", 0.1)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: over.wait(60))
    answer = outside.post("https://oa.example.org/", b"{}", {})
    over.set()
    assert answer.code is None and "oa.example.org" in answer.note


# Secrets


def test_a_third_secret_waits_until_the_first_has_ended(soon: None, adam: Client, settings: Any, clock: Any) -> None:
    with Receiver().listening() as receiver:
        hook = make(adam, receiver)
        first, path = hook.secret, f"{HOOKS}/{hook.pk}/secret"
        second = say(adam, path).json()["secret"]
        again = say(adam, path)
        assert (again.status_code, again.json()["code"]) == (409, "secret_overlaps")
        say(adam, f"{HOOKS}/{hook.pk}/test")
        assert signers(receiver, first=first, second=second) == {"first", "second"}
        clock.shift(td(hours=settings.HOOK_OVERLAP_HOURS))
        third = say(adam, path).json()["secret"]
        say(adam, f"{HOOKS}/{hook.pk}/test")
        assert signers(receiver, first=first, second=second, third=third) == {"second", "third"}
        fourth = say(adam, path, at_once=True).json()["secret"]
        say(adam, f"{HOOKS}/{hook.pk}/test")
        assert signers(receiver, second=second, third=third, fourth=fourth) == {"fourth"}


def test_a_hook_that_is_slow_comes_after_those_that_are_not(
    soon: None, adam: Client, city: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    owed(monkeypatch, "hooks", hooks.deliver)
    with Dripping().listening() as dripping, Receiver().listening() as receiver:
        slow, quick = make(adam, dripping, verbs=["dispatch"]), make(adam, receiver, verbs=["dispatch"])
        Hook.objects.filter(pk=slow.pk).update(resting_until=now())
        monkeypatch.setattr(hooks, "TURN_S", 1e9)
        town.report(city)
        outbox.drain()
    assert quick.deliveries.get().status == "delivered"
    assert (slow.deliveries.get().status, slow.deliveries.get().tries) == ("owed", 1)
