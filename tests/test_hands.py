"""The worker as deploy/ starts it: alarms ring and people hear behind any backlog, and who is dead is replaced."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import call_command
from django.db import OperationalError, connection
from django_q.models import OrmQ
from django_q.tasks import async_task
from psycopg2.errors import LockNotAvailable

from cases import hands, outbox, tally
from cases.flow import Verb
from cases.models import Case, CaseEvent, Outbox
from cases.outbox import Consumer
from grid.moment import now
from mobile_api import hooks
from mobile_api.models import Delivery, Hook, Message

from . import city as town
from . import cluster
from .cluster import Server, Victim, until
from .dripping import Dripping

STILL_S = "15"  # long enough for two programs to start on a busy machine


@pytest.fixture(scope="module")
def server(django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with django_db_blocker.unblock(), cluster.durable(tmp_path_factory.mktemp("hands")) as made:
        yield made


@pytest.fixture
def city(server: Server) -> SimpleNamespace:
    cluster.turn_out()
    call_command("flush", interactive=False, verbosity=0)
    return town.build()


@contextmanager
def working(server: Server, **more: str) -> Iterator[Victim]:
    with server.victim(sys.executable, "manage.py", "hands", **more) as worker:
        yield worker
        worker.head.terminate()
        worker.head.wait(cluster.PATIENCE_S)


@contextmanager
def figures_held() -> Iterator[None]:
    """Somebody else counts, and does not come to an end."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [tally.COUNTER])
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [tally.COUNTER])


def falls_due(case: Case) -> None:
    Case.objects.filter(pk=case.pk).update(alarm_at=now() - timedelta(seconds=1))


def climbed(case: Case) -> bool:
    return CaseEvent.objects.filter(case=case, verb=Verb.ESCALATE).exists()


def heard(case: Case) -> bool:
    return Message.objects.filter(event__case=case, event__verb=Verb.DISPATCH).exists()


def owed(consumer: str) -> int:
    return Outbox.objects.filter(consumer=consumer).count()


# Nothing stands behind anything else


def test_alarms_ring_and_people_hear_while_the_figures_stand_still(server: Server, city: SimpleNamespace) -> None:
    cases = [town.report(city) for _ in range(30)]
    with figures_held(), working(server) as worker:
        until(cluster.waiting, "the figures wait", worker)
        until(lambda: all(map(heard, cases)), "all have heard", worker)
        falls_due(cases[0])
        until(lambda: climbed(cases[0]), "the alarm rings", worker)
        assert owed("tally") >= 30
    with working(server) as worker:
        Outbox.objects.update(due_at=now())
        until(lambda: not Outbox.objects.exists(), "all is paid", worker)


def test_what_waits_for_others_to_count_has_not_failed(city: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    def locked(events: Sequence[CaseEvent]) -> None:
        raise OperationalError from LockNotAvailable()

    town.report(city)
    monkeypatch.setitem(outbox.CONSUMERS, "tally", Consumer(locked, lambda event: True))
    outbox.drain()
    assert set(Outbox.objects.filter(consumer="tally").values_list("tries", flat=True)) == {0}
    assert not Outbox.objects.filter(consumer="tally", due_at__lte=now()).exists()


def test_a_program_that_drips_holds_up_nobody_and_is_left_alone(
    server: Server, city: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(outbox.CONSUMERS, "hooks", Consumer(hooks.deliver, lambda event: True))
    with Dripping().listening() as program:
        made = {"name": "OA", "url": program.url, "secret": "s", "verbs": ["dispatch"], "created_at": now()}
        hook = Hook.objects.create(**made, created_by=city.adam)
        first = town.report(city)
        with working(server, HOOKS="1", HOOK_HOSTS="127.0.0.1") as worker:
            until(program.called.is_set, "it is called", worker)
            assert list(hook.deliveries.values_list("tries", "status")) == [(1, "owed")], "noted before it is made"
            second = town.report(city)
            falls_due(first)
            until(lambda: climbed(first) and heard(second), "alarm and inbox", worker)
            until(lambda: Hook.objects.get(pk=hook.pk).resting_until, "it rests", worker)
    delivery = hook.deliveries.earliest("pk")
    assert (delivery.status, delivery.tries, delivery.code) == (Delivery.Status.OWED, 1, None)
    assert "7" in delivery.note


# Who is dead is replaced


@contextmanager
def watched(server: Server) -> Iterator[Victim]:
    """deploy/worker.py and its programs; tasks come to the queue all the time: its minute is our blink."""
    stop = threading.Event()

    def ring() -> None:
        while not stop.wait(0.3):
            if OrmQ.objects.count() < 3:
                async_task("cases.schedules.beat")
        connection.close()

    ringing = threading.Thread(target=ring)
    with server.victim(sys.executable, "-m", "deploy.worker", WORKER_STILL_S=STILL_S) as worker:
        ringing.start()
        try:
            works(worker)
            yield worker
        finally:
            stop.set()
            ringing.join()
            worker.head.terminate()
            worker.head.wait(cluster.PATIENCE_S)


def works(worker: Victim) -> None:
    """It takes a task, does it, and crosses it off."""
    wanted = async_task("cases.schedules.beat")
    until(lambda: not any(task.task_id() == wanted for task in OrmQ.objects.all()), "it works", worker)


def program(worker: Victim, command: str) -> int:
    """The process of one of the worker's two programs."""
    (found,) = [pid for pid in cluster.children(worker.head.pid) if command in said(pid)]
    return found


def said(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")


def family(worker: Victim) -> dict[str, int]:
    """The processes of a qcluster, in the order in which its sentinel starts them."""
    head = program(worker, "qcluster")
    (sentinel,) = cluster.children(head)
    return dict(zip(("hand", "monitor", "pusher"), sorted(cluster.children(sentinel)), strict=True)) | {
        "sentinel": sentinel,
        "head": head,
    }


@pytest.mark.parametrize("member", ["hand", "monitor", "pusher", "sentinel", "head"])
def test_whoever_of_an_idle_queue_is_killed_it_works_again(member: str, server: Server, city: SimpleNamespace) -> None:
    with watched(server) as worker:
        until(lambda: not OrmQ.objects.filter(lock__gt=now()).exists(), "it is idle", worker)
        os.kill(family(worker)[member], signal.SIGKILL)
        if member in ("hand", "monitor"):
            until(lambda: "no sign of life" in worker.said(), "it is noticed", worker)
        OrmQ.objects.update(lock=now())  # time has passed
        works(worker)


def test_who_is_killed_again_before_any_sign_is_started_again(server: Server, city: SimpleNamespace) -> None:
    """It did not end by itself: nobody has to look, and the web server is not to end with it."""
    with watched(server) as worker:
        for time in range(1, 3):
            until(lambda: len(cluster.children(worker.head.pid)) == 2, "both run", worker)
            os.kill(program(worker, "qcluster"), signal.SIGKILL)
            until(lambda time=time: worker.said().count("a fresh start") == time, "it is noticed", worker)
        OrmQ.objects.update(lock=now())  # time has passed
        works(worker)


@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGSTOP])
def test_hands_that_are_killed_or_stand_still_work_again(
    blow: signal.Signals, server: Server, city: SimpleNamespace
) -> None:
    beat = Path(server.environment["DATA_DIR"]) / "hands.beat"
    beat.unlink(missing_ok=True)  # of those before
    with watched(server) as worker:
        until(beat.exists, "they live", worker)
        os.kill(program(worker, "manage.py hands"), blow)
        case = town.report(city)
        until(lambda: "hands ended" in worker.said() or "no sign of life" in worker.said(), "it is noticed", worker)
        until(lambda: heard(case), "its message is there", worker)


def test_a_hand_that_stands_still_gives_no_sign(monkeypatch: pytest.MonkeyPatch) -> None:
    over, held, signs = threading.Event(), threading.Event(), threading.Semaphore(0)
    monkeypatch.setattr(hands, "LOOK_S", 0.01)
    monkeypatch.setattr(hands, "TROUBLE_S", 0.01)
    monkeypatch.setattr(hands, "_owing", set)
    monkeypatch.setattr(hands, "alive", lambda who: signs.release())
    standing = hands.Hand(lambda: not held.wait(60), 60)
    working = threading.Thread(target=hands.work, args=(over, {"standing": standing}))
    working.start()
    assert signs.acquire(timeout=20), "nobody would know that it lives"
    stuck = threading.Event()
    monkeypatch.setattr(hands, "STUCK_S", -1.0)
    monkeypatch.setattr(hands.logger, "error", lambda *said: stuck.set())
    assert stuck.wait(20)
    while signs.acquire(blocking=False):
        pass
    stuck.clear()
    assert stuck.wait(20) and not signs.acquire(blocking=False)
    over.set(), held.set()
    working.join(20)
