"""kill -9 of the worker in the middle of a wave: of escalations, and of deliveries by every way out.

Each case climbs each rung once, with the moment when it fell due. Each message goes out at least once, under one key;
no inbox is doubled; nothing is left owed.
"""

from __future__ import annotations

import json
import os
import signal
import socketserver
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from django.core.management import call_command

from cases import alarm, outbox
from cases.flow import Verb
from cases.models import Case, CaseEvent, Category, Outbox
from cases.outbox import Consumer
from deploy.process import ROOT
from grid.models import Officer
from grid.moment import now
from mobile_api.models import Delivery, Device, Hook, Message

from . import city as town
from . import cluster, copies, fcm, log
from .cluster import Server, Victim, until
from .test_crashes import free_port
from .test_hooks import Receiver

ACT = "import sys, django; django.setup(); from tests import victims; getattr(victims, sys.argv[1])(*sys.argv[2:])"
CASES, BATCH = 300, 40


@pytest.fixture(scope="module")
def server(django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with django_db_blocker.unblock(), cluster.durable(tmp_path_factory.mktemp("kills")) as made:
        yield made


@pytest.fixture
def city(server: Server) -> SimpleNamespace:
    cluster.turn_out()
    call_command("flush", interactive=False, verbosity=0)
    return town.build()


def acting(server: Server, act: str, *words: object, **more: str) -> AbstractContextManager[Victim]:
    said = {"DJANGO_SETTINGS_MODULE": "backend.settings"} | more
    return server.victim(sys.executable, "-c", ACT, act, *map(str, words), **said)


# Escalations


@pytest.fixture
def due(city: SimpleNamespace) -> dict[int, Any]:
    """Several hundred cases whose next rung rings now, and when each of them falls due."""
    first = town.report(city, condition=city.missing.pk)
    copies.many(first, CASES - 1)
    Outbox.objects.all().delete()
    Case.objects.update(alarm_at=now() - timedelta(seconds=30))
    assert Case.objects.ringing(now()).count() == CASES
    return dict(Case.objects.values_list("pk", "due_at"))


def climbed() -> Counter[int]:
    return Counter(CaseEvent.objects.filter(verb=Verb.ESCALATE).values_list("case", flat=True))


def each_climbed_once(due: dict[int, Any]) -> None:
    assert climbed() == Counter(due.keys())
    assert dict(CaseEvent.objects.filter(verb=Verb.ESCALATE).values_list("case", "due_at")) == due
    assert set(Case.objects.values_list("level", flat=True)) == {1}
    owed = Outbox.objects.filter(event__verb=Verb.ESCALATE).values_list("event", "consumer")
    assert len(owed) == 2 * CASES and {consumer for _event, consumer in owed} == {"inbox", "tally"}
    assert log.flaws() == []


def the_rest_climbs(due: dict[int, Any]) -> None:
    until(lambda: alarm.ring(batch=BATCH) + len(climbed()) >= CASES, "what the dead held is free, and rings")
    each_climbed_once(due)


@pytest.mark.parametrize("when", ["in", "between"])
def test_a_worker_killed_in_a_wave_of_escalations(when: str, server: Server, due: dict[int, Any]) -> None:
    """In a batch: written, but not yet committed. Or when some batches are committed and the next has not begun."""
    with acting(server, "ring", BATCH, when, 3) as worker:
        until(lambda: "standing" in worker.said(), "it is in the middle", worker)
        worker.kill()
    assert len(climbed()) == (2 if when == "in" else 3) * BATCH
    the_rest_climbs(due)


def test_of_two_workers_one_is_killed_in_the_wave(server: Server, due: dict[int, Any]) -> None:
    with acting(server, "ring", BATCH, "in", 2) as one, acting(server, "ring", BATCH, "at the end", 0) as other:
        until(lambda: "standing" in one.said(), "the one is in the middle", one)
        until(lambda: "standing" in other.said(), "the other is done", other)
        assert CASES - len(climbed()) == BATCH, "the other waited for the one"
        one.kill()
    the_rest_climbs(due)


# Deliveries


class Gate:
    """Somewhere among the callers of a server one is kept waiting: the third since the gate was set."""

    def __init__(self) -> None:
        self.left, self.reached, self.opened = -1, threading.Event(), threading.Event()
        self.lock = threading.Lock()

    def set(self) -> None:
        self.reached.clear()
        self.opened.clear()
        self.left = 3

    def open(self) -> None:
        self.left = -1
        self.opened.set()

    def __call__(self) -> None:
        with self.lock:
            self.left -= 1
            mine = self.left == 0
        if mine:
            self.reached.set()
            self.opened.wait(cluster.PATIENCE_S)


class Program(Receiver):
    """One that keeps a caller waiting after it has taken what he says."""

    def __init__(self) -> None:
        self.gate = Gate()
        super().__init__()

    @property
    def code(self) -> int:
        self.gate()
        return 200

    @code.setter
    def code(self, code: int) -> None:
        pass


class Post(socketserver.ThreadingTCPServer):
    """A mail server that takes every letter (RFC 5321), and keeps a caller waiting after one."""

    daemon_threads = allow_reuse_address = True

    def __init__(self) -> None:
        self.gate = Gate()
        self.letters: list[EmailMessage] = []
        super().__init__(("127.0.0.1", 0), Clerk)
        self.url = f"smtp+plain://127.0.0.1:{self.server_address[1]}"


class Clerk(socketserver.StreamRequestHandler):
    server: Post

    def handle(self) -> None:
        self.say("220 post")
        for line in self.rfile:
            match line[:4].upper():
                case b"DATA":
                    self.say("354 go on")
                    said = b"".join(iter(self.rfile.readline, b".\r\n"))
                    self.server.letters.append(message_from_bytes(said, policy=policy.default))
                    self.server.gate()
                    self.say("250 taken")
                case b"QUIT":
                    self.say("221 bye")
                    break
                case _:
                    self.say("250 yes")

    def say(self, line: str) -> None:
        with suppress(OSError):
            self.wfile.write(f"{line}\r\n".encode())


WAYS = ("push", "hooks", "sms", "mail")


@contextmanager
def the_ways(city: SimpleNamespace, folder: Path) -> Iterator[SimpleNamespace]:
    """FCM, a program, a gateway for texts, a mail server; and how a worker finds them."""
    with fcm.running() as phones, Program().listening() as program, Program().listening() as gateway, Post() as post:
        threading.Thread(target=post.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        phones.meanwhile = Gate()
        Hook.objects.create(
            name="OA", url=program.url, secret="s", verbs=["dispatch"], created_by=city.adam, created_at=now()
        )
        environment = {
            "FCM_CREDENTIALS": str(phones.service_account(folder)),
            "FCM_ENDPOINT": phones.url,
            "HOOKS": "1",
            "HOOK_HOSTS": "127.0.0.1",
            "SMS_URL": gateway.url,
            "SMS_TOKEN": "t",
            "EMAIL_URL": post.url,
        }
        gates = dict(zip(WAYS, (phones.meanwhile, program.gate, gateway.gate, post.gate), strict=True))
        yield SimpleNamespace(
            phones=phones, program=program, gateway=gateway, post=post, gates=gates, environment=environment
        )
        post.shutdown()


def test_a_worker_killed_in_a_wave_of_deliveries_by_each_way(
    server: Server, city: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Category.objects.filter(pk=city.manhole.pk).update(urgent=True)
    Officer.objects.filter(pk=city.hugo.pk).update(phone="13900000000", email="hugo@example.org")
    Device.objects.create(officer=city.hugo, token="hugo", platform="android", seen_at=now())
    for name in WAYS:  # as they are registered in the worker, so that they are owed here
        monkeypatch.setitem(outbox.CONSUMERS, name, Consumer(lambda events: None, dispatched))
    cases = [town.report(city) for _ in range(40)]
    with the_ways(city, tmp_path) as ways:
        for name in WAYS:
            ways.gates[name].set()
            with acting(server, "drain", 8, **ways.environment) as worker:
                until(ways.gates[name].reached.is_set, f"{name} is in the middle", worker)
                worker.kill()
            ways.gates[name].open()
            assert Outbox.objects.filter(consumer=name, tries__gt=0).exists()
            Outbox.objects.update(due_at=now())  # the leases are over
        with acting(server, "drain", 8, **ways.environment) as worker:
            until(lambda: "drained" in worker.said() or not Outbox.objects.exists(), "all is paid", worker)
        assert Outbox.objects.count() == 0
        _all_heard_under_one_key(cases, ways)


def dispatched(event: CaseEvent) -> bool:
    return event.verb == Verb.DISPATCH


def _all_heard_under_one_key(cases: list[Case], ways: SimpleNamespace) -> None:
    events = set(CaseEvent.objects.filter(verb=Verb.DISPATCH).values_list("pk", flat=True))
    numbers = {case.number for case in cases}
    assert Counter(Message.objects.values_list("event", "officer__username")) == Counter((e, "hugo") for e in events)
    rung = {(int(said["data"]["event"]), said["android"]["collapse_key"]) for said in ways.phones.delivered}
    assert ({event for event, _key in rung}, len(rung)) == (events, len(events))
    told = {(body["event"], headers["X-Wangge-Delivery"]) for headers, body in heard(ways.program)}
    assert told == {(event, str(key)) for event, key in Delivery.objects.values_list("event", "key")}
    assert {event for event, _key in told} == events
    texts = {(body["text"], body["key"]) for _headers, body in heard(ways.gateway)}
    assert (
        len(texts) == len(cases) and {number for number in numbers for text, _key in texts if number in text} == numbers
    )
    letters = {(letter["Message-ID"], letter.get_content()) for letter in ways.post.letters}
    assert {number for number in numbers for _key, text in letters if number in text} == numbers
    assert len({key for key, _text in letters}) == len(letters)
    assert len(ways.post.letters) + len(ways.gateway.sent) + len(ways.program.sent) > len(letters) + 2 * len(cases)


def heard(program: Receiver) -> list[tuple[dict[str, str], dict[str, Any]]]:
    return [(headers, json.loads(body)) for headers, body in program.sent if body]  # none: cut by the kill


# The web server, and where open apps wait


@pytest.mark.parametrize("name", ["web", "live"])
def test_a_killed_process_of_a_server_is_replaced(name: str, server: Server, city: SimpleNamespace) -> None:
    """As deploy/Procfile starts them; all the time somebody answers, or does again soon."""
    port = free_port()
    ports = {"PORT": str(port), "LIVE_PORT": str(port), "WEB_WORKERS": "1"}
    lines = dict(line.split(": ", 1) for line in (ROOT / "deploy/Procfile").read_text().splitlines())
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    with server.victim("sh", "-c", lines[name], PATH=path, **ports) as running:
        until(lambda: answers(port), f"{name} answers", running)
        before = cluster.children(running.head.pid)
        for process in before:
            os.kill(process, signal.SIGKILL)
        until(lambda: set(cluster.children(running.head.pid)) - set(before), "another has come", running)
        until(lambda: answers(port), f"{name} answers again", running)


def answers(port: int) -> bool:
    """Whatever it says."""
    with suppress(httpx.TransportError):
        return httpx.get(f"http://127.0.0.1:{port}/healthz", trust_env=False, timeout=5).status_code < 500
    return False
