"""kill -9: of the worker, of the web server, of PostgreSQL. What was promised is there, the rest is wholly absent."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import time_machine
from django.conf import settings
from django.core.management import call_command
from django.db import connection, transaction
from django.db.models import Count
from django_q.models import OrmQ
from django_q.tasks import async_task

from cases import docket, indicators, outbox, tally
from cases.flow import Verb
from cases.models import Case, CaseEvent, Outbox
from deploy.process import ROOT
from grid.moment import now, today
from mobile_api import inbox
from mobile_api.models import Message

from . import city as town
from . import cluster, log, victims
from .cluster import Server, Victim, until
from .shipped import free_port

CASES = "/api/mobile/v1/cases"
ACT = "import sys, django; django.setup(); from tests import victims; getattr(victims, sys.argv[1])(*sys.argv[2:])"
LATER = 2 * outbox.LEASE
SAID = re.compile(r"(reporting|reported|finishing|finished) [0-9a-f-]{36}( \S+)?")  # and no line of a traceback


@pytest.fixture(scope="module")
def server(django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with django_db_blocker.unblock(), cluster.durable(tmp_path_factory.mktemp("crashes")) as made:
        yield made


@pytest.fixture
def city(server: Server) -> SimpleNamespace:
    cluster.turn_out()
    call_command("flush", interactive=False, verbosity=0)
    return town.build()


def acting(server: Server, act: str, *words: object) -> AbstractContextManager[Victim]:
    return server.victim(sys.executable, "-c", ACT, act, *map(str, words), DJANGO_SETTINGS_MODULE="backend.settings")


def told(case: Case) -> list[str]:
    """Who heard of the dispatch of a case, each as often as he did."""
    heard = Message.objects.filter(event__case=case, event__verb=Verb.DISPATCH)
    return list(heard.values_list("officer__username", flat=True))


def filed(city: SimpleNamespace) -> int:
    return indicators.figures("department", today(), today(), subjects=[city.roads.pk])[city.roads.pk]["dispatched"]


# The worker


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("consumer", ["inbox", "tally"])
def test_a_worker_killed_before_it_forgets_a_debt(
    consumer: str, when: str, server: Server, city: SimpleNamespace
) -> None:
    cases = [town.report(city) for _ in range(3)]
    with acting(server, "hang", consumer, when) as worker:
        until(lambda: "taken" in worker.said(), f"{consumer} is owed", worker)
        worker.kill()
    owed = Outbox.objects.filter(consumer=consumer)
    assert set(owed.values_list("tries", flat=True)) == {1}
    assert owed.filter(due_at__gt=now()).exists(), "there is no lease"
    outbox.drain()
    assert owed.exists(), "the lease still runs: it may live"
    with time_machine.travel(now() + LATER):
        outbox.drain()
    assert Outbox.objects.count() == 0
    assert [told(case) for case in cases] == [["hugo"]] * 3
    assert filed(city) == 3


@pytest.mark.parametrize("held", ["tally", "inbox"])
def test_hands_killed_while_they_pay(held: str, server: Server, city: SimpleNamespace) -> None:
    cases = [town.report(city) for _ in range(20)]
    lock = {"tally": tally.COUNTER, "inbox": inbox.WRITER}[held]
    with server.victim(sys.executable, "manage.py", "hands") as running:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [lock])
            until(cluster.waiting, f"{held} is being paid", running)
            running.kill()
        assert Outbox.objects.filter(consumer=held, tries=1).exists()
    cluster.turn_out()
    Outbox.objects.update(due_at=now())  # the leases are over
    with server.victim(sys.executable, "manage.py", "hands") as again:
        until(lambda: not Outbox.objects.exists(), "the debts are paid", again)
    assert [told(case) for case in cases] == [["hugo"]] * 20
    assert filed(city) == 20
    assert tally.rebuild(today(), today()) == 0


@pytest.mark.parametrize("whole", [True, False])
def test_a_queue_killed_at_a_task(whole: bool, server: Server, city: SimpleNamespace) -> None:
    """The whole cluster of django-q2, or its worker process alone: the task is run again."""
    async_task("cases.tally.rebuild", today(), today())
    with server.victim(sys.executable, "manage.py", "qcluster") as running:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [tally.COUNTER])
            until(cluster.waiting, "it counts", running)
            if whole:
                running.kill()
            else:
                _kill_its_hand(running)
        taken = OrmQ.objects.filter(lock__gt=now() + timedelta(seconds=settings.Q_CLUSTER["timeout"]))
        assert taken.exists(), "the queue forgot what its worker was at"
        OrmQ.objects.update(lock=now())
        if not whole:
            until(lambda: not OrmQ.objects.exists(), "the task is done", running)
    if whole:
        with server.victim(sys.executable, "manage.py", "qcluster") as again:
            until(lambda: not OrmQ.objects.exists(), "the task is done", again)


def _kill_its_hand(running: Victim) -> None:
    """Kill the process that does the work: the first that the cluster's sentinel started."""
    sentinel, *_more = cluster.children(running.head.pid)
    hand = min(cluster.children(sentinel))
    os.kill(hand, signal.SIGKILL)
    until(lambda: cluster.buried(hand), "its hand is dead")


# PostgreSQL


def test_postgresql_killed_in_the_middle_of_writes(
    server: Server, city: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paper = tmp_path / "ledger"
    paper.touch()
    monkeypatch.setitem(outbox.CONSUMERS, "ledger", victims.ledger(paper))
    said: dict[str, dict[str, str]] = defaultdict(dict)  # by what was done, then by case
    for _ in range(3):
        for word, uuid, *more in _until_killed(server, paper):
            said[word][uuid] = more[0] if more else ""
        _promises_are_kept(said, paper)
    assert len(said["reporting"]) > len(said["reported"]), "nobody was interrupted: nothing was shown"
    _again(city, said)
    _everything_is_paid(city, paper)


def _until_killed(server: Server, paper: Path) -> list[list[str]]:
    """Two processes of four threads report, finish and drain until PostgreSQL is killed. What they said."""
    connection.close()
    with acting(server, "report", paper, 4) as one, acting(server, "report", paper, 4) as two:
        for writer in (one, two):
            until(lambda writer=writer: writer.said().count("finished") > 12, "both write", writer)
        server.kill()
        for writer in (one, two):
            until(lambda writer=writer: writer.head.poll() is not None, "it noticed")
            assert writer.said().count("gone\n") == 4, writer.said()
    server.start()
    lines = [line for writer in (one, two) for line in writer.said().splitlines()]
    return [line.split() for line in lines if SAID.fullmatch(line)]


def _promises_are_kept(said: dict[str, dict[str, str]], paper: Path) -> None:
    """What was acknowledged is there; what is there is whole, was asked for, and is either owed or paid."""
    there = {str(uuid): number for uuid, number in Case.objects.values_list("uuid", "number")}
    assert said["reported"].items() <= there.items()
    assert there.keys() <= said["reporting"].keys()
    made = {str(key) for key in CaseEvent.objects.exclude(key=None).values_list("key", flat=True)}
    assert set(said["finished"].values()) <= made <= set(said["finishing"].values())
    assert log.flaws() == []
    happened = set(CaseEvent.objects.values_list("pk", flat=True))
    owed = set(Outbox.objects.filter(consumer="ledger").values_list("event", flat=True))
    paid = set(map(int, paper.read_text().split()))
    assert happened == owed | paid


def _again(city: SimpleNamespace, said: dict[str, dict[str, str]]) -> None:
    """The phones repeat all that they ever said."""
    for uuid in said["reporting"]:
        case, new = docket.report(UUID(uuid), town.seen(city, text=uuid), by=city.ann)
        assert said["reported"].get(uuid, case.number) == case.number
        assert not (new and uuid in said["reported"])
    for uuid, key in said["finishing"].items():
        docket.move(UUID(uuid), Verb.FINISH, by=city.hugo, facts=victims.proof(city, UUID(key)), key=UUID(key))
    assert Case.objects.count() == len(said["reporting"])
    assert CaseEvent.objects.filter(verb=Verb.FINISH).count() == len(said["finishing"])
    assert log.flaws() == []


def _everything_is_paid(city: SimpleNamespace, paper: Path) -> None:
    Outbox.objects.update(due_at=now())
    outbox.drain()
    assert Outbox.objects.count() == 0
    assert set(map(int, paper.read_text().split())) == set(CaseEvent.objects.values_list("pk", flat=True))
    assert filed(city) == Case.objects.count()
    assert tally.rebuild(today(), today()) == 0
    told_twice = Message.objects.values("event", "officer").annotate(times=Count("pk")).filter(times__gt=1)
    assert not told_twice.exists()


# The web server


class Phone:
    """Reports over HTTP as long as somebody answers, and keeps what it said and what it was answered."""

    def __init__(self, address: str, token: str, city: SimpleNamespace):
        point = {"lon": town.LON + town.STEP / 2, "lat": town.LAT + town.STEP / 2, "crs": "wgs84"}
        self.report = {"category": city.manhole.pk, "condition": city.rattling.pk, "point": point}
        self.http = {"base_url": address, "headers": {"X-Session-Token": token}, "trust_env": False, "timeout": 20}
        self.said: list[str] = []
        self.answered: dict[str, str] = {}

    def send(self, http: httpx.Client, uuid: str) -> int:
        answer = http.post(CASES, json=self.report | {"id": uuid, "text": uuid})
        assert answer.status_code in (200, 201), answer.text
        assert self.answered.setdefault(uuid, answer.json()["number"]) == answer.json()["number"]
        return answer.status_code

    def talk(self) -> None:
        with httpx.Client(**self.http) as http, suppress(httpx.TransportError):
            while True:
                self.said.append(str(uuid4()))
                self.send(http, self.said[-1])

    def repeat(self) -> None:
        with httpx.Client(**self.http) as http:
            for uuid in self.said:
                known = uuid in self.answered
                assert self.send(http, uuid) == 200 or not known


def test_the_web_server_killed_in_the_middle_of_reports(server: Server, city: SimpleNamespace) -> None:
    token = str(town.phone(city.ann).defaults["HTTP_X_SESSION_TOKEN"])
    port = free_port()
    phones = [Phone(f"http://127.0.0.1:{port}", token, city) for _ in range(6)]
    with serving(server, port) as web, ThreadPoolExecutor(len(phones)) as pool:
        talks = [pool.submit(phone.talk) for phone in phones]
        until(lambda: sum(len(phone.answered) for phone in phones) > 40, "the phones are answered", web)
        web.kill()
    assert [talk.result() for talk in talks] == [None] * len(phones)
    assert all(len(phone.said) == len(phone.answered) + 1 for phone in phones)
    assert log.flaws() == []
    with serving(server, port), ThreadPoolExecutor(len(phones)) as pool:
        assert list(pool.map(Phone.repeat, phones)) == [None] * len(phones)
    answered = {uuid: number for phone in phones for uuid, number in phone.answered.items()}
    assert len(answered) == sum(len(phone.said) for phone in phones)
    assert {str(uuid): number for uuid, number in Case.objects.values_list("uuid", "number")} == answered
    assert log.flaws() == []


def test_web_server_and_worker_outlive_postgresql(server: Server, city: SimpleNamespace) -> None:
    token = str(town.phone(city.ann).defaults["HTTP_X_SESSION_TOKEN"])
    port = free_port()
    phone = Phone(f"http://127.0.0.1:{port}", token, city)
    hands = server.victim(sys.executable, "manage.py", "hands")
    with serving(server, port) as web, hands as worker, httpx.Client(**phone.http) as http:
        assert phone.send(http, str(uuid4())) == 201
        until(lambda: not Outbox.objects.exists(), "the debts are paid", worker)
        connection.close()
        server.kill()
        uuid = str(uuid4())
        assert http.post(CASES, json=phone.report | {"id": uuid, "text": uuid}).status_code >= 500
        assert http.get("/healthz").json() == {"status": "down"}
        server.start()
        assert phone.send(http, uuid) == 201
        assert web.head.poll() is None
        until(lambda: not Outbox.objects.exists(), "the debts are paid", worker)
    assert filed(city) == 2


@contextmanager
def serving(server: Server, port: int) -> Iterator[Victim]:
    """The web server as deploy/Procfile starts it, once it answers."""
    lines = dict(line.split(": ", 1) for line in (ROOT / "deploy/Procfile").read_text().splitlines())
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    with server.victim("sh", "-c", lines["web"], PORT=str(port), PATH=path) as web:
        until(lambda: _answers(port), "the web server answers", web)
        yield web


def _answers(port: int) -> bool:
    with suppress(httpx.TransportError), httpx.Client(trust_env=False) as http:
        return http.get(f"http://127.0.0.1:{port}/healthz", timeout=5).status_code == 200
    return False
