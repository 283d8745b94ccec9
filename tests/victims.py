"""What is done by processes that are made to be killed. What they say, they say a line at a time."""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from uuid import UUID, uuid4

from django.db import Error, connection

from cases import alarm, docket, outbox
from cases.flow import Facts, Purpose, Verb
from cases.models import Case, CaseEvent, Category, Condition
from cases.outbox import Consumer
from grid.models import Officer

from . import city as town


def say(*words: object) -> None:
    """One line, one system call: threads do not mix their words."""
    print(" ".join(map(str, words)) + "\n", end="", flush=True)  # noqa: T201  it is how a process says something


def hang(name: str, when: str) -> None:
    """Drain, and stand still before or after that consumer is paid."""
    pay = outbox.CONSUMERS[name].pay

    def pay_and_stand_still(events: Sequence[CaseEvent]) -> None:
        if when == "after":
            pay(events)
        say("taken", len(events))
        signal.pause()

    outbox.CONSUMERS[name] = Consumer(pay_and_stand_still, outbox.CONSUMERS[name].wants)
    outbox.drain()


def ring(batch: str, when: str, n: str) -> None:
    """Ring in batches, and stand still in the nth, written but not committed; or after so many; or at the end."""
    write_all, next_batch = docket.write_all, alarm._ring
    written, begun = count(1), count()

    def write_and_stand_still(steps: Sequence[tuple[Case, Sequence[CaseEvent]]]) -> None:
        write_all(steps)
        if when == "in" and next(written) == int(n):
            stand_still()

    def stand_still_or_go_on(batch: int) -> tuple[int, int]:
        if when == "between" and next(begun) == int(n):
            stand_still()
        return next_batch(batch)

    docket.write_all, alarm._ring = write_and_stand_still, stand_still_or_go_on
    alarm.ring(int(batch))
    stand_still()


def stand_still() -> None:
    say("standing")
    signal.pause()


def drain(batch: str) -> None:
    outbox.drain(int(batch))
    say("drained")
    signal.pause()


def ledger(path: Path) -> Consumer:
    """A consumer outside of the database: whom it has paid it still knows when PostgreSQL was killed."""

    def pay(events: Sequence[CaseEvent]) -> None:
        with path.open("a") as book:
            book.write("".join(f"{event.pk}\n" for event in events))

    return Consumer(pay, lambda event: True)


def report(path: str, threads: str) -> None:
    """Report and finish cases, and drain, until the database is gone."""
    outbox.CONSUMERS["ledger"] = ledger(Path(path))
    with ThreadPoolExecutor(int(threads)) as pool:
        list(pool.map(_until_the_end, [_work] * (int(threads) - 1) + [_drain]))


def _until_the_end(act: Callable[[SimpleNamespace], None]) -> None:
    try:
        city = known()
        while True:
            act(city)
    except Error:
        say("gone")
    finally:
        connection.close()


def proof(city: SimpleNamespace, key: UUID) -> Facts:
    """The photo of a finish: the same one when the phone says it again."""
    return Facts(photos=((town.photo(city.hugo, key.hex * 2), Purpose.AFTER),))


def _work(city: SimpleNamespace) -> None:
    """A word before and one after each act: in between nobody knows what became of it."""
    uuid, key = uuid4(), uuid4()
    say("reporting", uuid)
    case, _new = docket.report(uuid, town.seen(city, text=str(uuid)), by=city.ann)
    say("reported", uuid, case.number)
    say("finishing", uuid, key)
    docket.move(uuid, Verb.FINISH, by=city.hugo, facts=proof(city, key), key=key)
    say("finished", uuid, key)


def _drain(city: SimpleNamespace) -> None:
    outbox.drain(batch=10)
    Case.objects.exists()  # a drain takes the database's end for a consumer's trouble


def known() -> SimpleNamespace:
    """The city as a process finds it that has not built it."""
    manhole = Category.objects.get(name="上水井盖")
    return SimpleNamespace(
        ann=Officer.objects.get(username="ann"),
        hugo=Officer.objects.get(username="hugo"),
        manhole=manhole,
        rattling=Condition.objects.get(category=manhole, no=2),
    )
