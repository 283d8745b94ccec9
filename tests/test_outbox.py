"""What is owed after an event is paid: later if need be, never not at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from cases import outbox
from cases.flow import Verb
from cases.models import Case, CaseEvent, Outbox
from cases.outbox import Consumer, Unpaid
from mobile_api.models import Message

from . import acts
from . import city as town

SECOND = timedelta(seconds=1)
Trouble = Callable[[CaseEvent], bool]


class Ledger:
    """A consumer that writes down what it is asked to pay, and refuses what a test wants it to refuse."""

    def __init__(self, poison: Trouble = lambda event: False) -> None:
        self.asked: list[list[int]] = []
        self.paid: list[int] = []
        self.poison = poison

    def pay(self, events: Sequence[CaseEvent]) -> None:
        self.asked.append([event.pk for event in events])
        if any(self.poison(event) for event in events):
            raise ConnectionError("no")
        self.paid += [event.pk for event in events]


@pytest.fixture
def ledger(monkeypatch: pytest.MonkeyPatch) -> Ledger:
    ledger = Ledger()
    monkeypatch.setitem(outbox.CONSUMERS, "ledger", Consumer(pay=ledger.pay, wants=lambda event: True))
    return ledger


@pytest.fixture
def case(city: SimpleNamespace, clock, ledger: Ledger) -> Case:
    """One case, and nothing owed for it but to the ledger."""
    case = town.report(city)
    Outbox.objects.exclude(consumer="ledger").delete()
    return case


def owed() -> list[int]:
    return list(Outbox.objects.filter(consumer="ledger").order_by("event_id").values_list("event_id", flat=True))


def log(case: Case) -> list[int]:
    return list(case.events.order_by("id").values_list("pk", flat=True))


# Owed and paid


def test_each_event_is_owed_to_who_wants_it(city: SimpleNamespace, clock, monkeypatch: pytest.MonkeyPatch) -> None:
    filed = Ledger()
    monkeypatch.setitem(outbox.CONSUMERS, "filed", Consumer(pay=filed.pay, wants=lambda event: event.verb == Verb.FILE))
    case = town.report(city)
    assert list(Outbox.objects.filter(consumer="filed").values_list("event__verb", flat=True)) == [Verb.FILE]
    assert not Outbox.objects.exclude(due_at=case.reported_at).exists()
    outbox.drain()
    assert filed.asked == [[case.events.get(verb=Verb.FILE).pk]]


def test_what_is_paid_is_forgotten(case: Case, ledger: Ledger) -> None:
    assert owed() == log(case)
    assert (outbox.drain(), outbox.drain()) == (3, 0)
    assert (ledger.paid, owed()) == (log(case), [])


def test_what_was_not_written_is_not_owed(city: SimpleNamespace, clock, ledger: Ledger) -> None:
    with transaction.atomic():
        town.report(city)
        transaction.set_rollback(True)
    assert Outbox.objects.count() == 0


def test_batches_are_small_and_all_is_paid(city: SimpleNamespace, clock, ledger: Ledger) -> None:
    cases = [town.report(city) for _n in range(3)]
    outbox.drain(batch=2)
    assert [len(batch) for batch in ledger.asked] == [2, 2, 2, 2, 1]
    assert sorted(ledger.paid) == sorted(pk for case in cases for pk in log(case))


# Trouble


def test_one_consumer_s_trouble_is_not_another_s(city: SimpleNamespace, clock, ledger: Ledger) -> None:
    ledger.poison = lambda event: True
    town.report(city)
    outbox.drain()
    assert [message.officer for message in Message.objects.all()] == [city.hugo]
    assert set(Outbox.objects.values_list("consumer", flat=True)) == {"ledger"}


def test_a_failed_batch_comes_back_one_by_one(case: Case, ledger: Ledger, clock) -> None:
    ledger.poison = lambda event: event.verb == Verb.FILE
    assert outbox.drain() == 0
    clock.shift(outbox.LEASE)
    for _run in range(3):
        outbox.drain()
    reported, filed, dispatched = log(case)
    assert ledger.asked[0] == [reported, filed, dispatched]
    assert sorted(ledger.asked[1:]) == [[reported], [filed], [dispatched]]
    assert owed() == [filed]


def test_poison_keeps_nobody_from_being_paid(case: Case, ledger: Ledger, city: SimpleNamespace, clock) -> None:
    ledger.poison = lambda event: event.case_id == case.pk
    outbox.drain()
    clock.shift(outbox.LEASE)  # the three are due again, and older than what comes now
    fresh = town.report(city)
    for _run in range(2):
        outbox.drain(batch=50)
    assert set(log(fresh)) <= set(ledger.paid)
    assert owed() == log(case)


def test_each_failure_waits_twice_as_long(case: Case, ledger: Ledger, clock) -> None:
    ledger.poison = lambda event: True
    Outbox.objects.exclude(event_id=log(case)[0]).delete()
    waits = []
    for _try in range(outbox.LONGEST + 3):
        start = Outbox.objects.get().due_at
        clock.move_to(start)
        assert outbox.drain() == 0
        waits.append((Outbox.objects.get().due_at - start) / outbox.LEASE)
        clock.move_to(Outbox.objects.get().due_at - SECOND)
        tried = len(ledger.asked)
        assert (outbox.drain(), len(ledger.asked)) == (0, tried)  # not before
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 128, 128]
    ledger.poison = lambda event: False
    clock.move_to(Outbox.objects.get().due_at)
    assert (outbox.drain(), owed()) == (1, [])


def test_what_a_consumer_leaves_unpaid_is_kept_and_nothing_else(case: Case, ledger: Ledger, clock, monkeypatch) -> None:
    left = log(case)[1]

    def pay(events: Sequence[CaseEvent]) -> None:
        ledger.pay(events)
        raise Unpaid({left})

    monkeypatch.setitem(outbox.CONSUMERS, "ledger", Consumer(pay=pay, wants=lambda event: True))
    assert outbox.drain() == 2
    assert owed() == [left]
    debt = Outbox.objects.get(consumer="ledger")
    assert (debt.tries, debt.due_at) == (1, town.MONDAY + outbox.LEASE)


def test_a_worker_killed_before_it_forgets_pays_again(case: Case, ledger: Ledger, clock, monkeypatch) -> None:
    def pay(events: Sequence[CaseEvent]) -> None:
        ledger.pay(events)
        raise KeyboardInterrupt  # nothing after this runs

    monkeypatch.setitem(outbox.CONSUMERS, "ledger", Consumer(pay=pay, wants=lambda event: True))
    with pytest.raises(KeyboardInterrupt):
        outbox.drain()
    assert owed() == log(case)
    monkeypatch.setitem(outbox.CONSUMERS, "ledger", Consumer(pay=ledger.pay, wants=lambda event: True))
    assert outbox.drain() == 0  # somebody may still be at it
    clock.shift(outbox.LEASE)
    assert outbox.drain() == 3
    assert sorted(ledger.paid) == sorted(log(case) * 2)


# Seen, or not


def test_who_is_owed_something_is_known(case: Case, ledger: Ledger, clock) -> None:
    assert outbox.owing() == {"ledger"}
    ledger.poison = lambda event: True
    outbox.drain()
    assert outbox.owing() == set(), "the lease still runs"
    clock.shift(outbox.LEASE)
    assert outbox.owing() == {"ledger"}


def test_one_consumer_is_paid_without_the_others(city: SimpleNamespace, clock, ledger: Ledger) -> None:
    town.report(city)
    assert (outbox.settle("ledger", 2), outbox.settle("ledger", 2), outbox.settle("ledger", 2)) == (2, 1, None)
    assert outbox.owing() >= {"inbox", "tally"} and "ledger" not in outbox.owing()


def test_the_oldest_debt_shows(case: Case, client: Client, clock) -> None:
    assert outbox.oldest() == town.MONDAY
    clock.shift(timedelta(minutes=7))
    told = client.get("/healthz").json()
    assert told["oldest_debt_s"] == 7 * 60
    outbox.drain()
    assert outbox.oldest() is None


def test_what_waits_for_a_server_out_of_reach_shows(case: Case, client: Client, clock, monkeypatch) -> None:
    def pay(events: Sequence[CaseEvent]) -> None:
        owed = {event.pk: town.MONDAY + timedelta(hours=1) for event in events}
        raise Unpaid(owed, owed, away=owed)

    monkeypatch.setitem(outbox.CONSUMERS, "ledger", Consumer(pay=pay, wants=lambda event: True))
    outbox.drain()
    clock.shift(timedelta(minutes=7))
    told = client.get("/healthz").json()
    assert (told["status"], told["oldest_debt_s"]) == ("late", 0)
    assert told["away"] == {"ledger": {"debts": 3, "oldest_s": 420}}

    def fail(events: Sequence[CaseEvent]) -> None:
        raise Unpaid({event.pk for event in events})

    monkeypatch.setitem(outbox.CONSUMERS, "ledger", Consumer(pay=fail, wants=lambda event: True))
    clock.shift(timedelta(hours=1))
    outbox.drain()
    assert outbox.away() == {}, "it was heard, and could not do it"


def test_what_waits_on_purpose_is_not_late(case: Case, client: Client, clock, monkeypatch) -> None:
    def pay(events: Sequence[CaseEvent]) -> None:
        owed = {event.pk: town.MONDAY + timedelta(hours=1) for event in events}
        raise Unpaid(owed, owed)

    monkeypatch.setitem(outbox.CONSUMERS, "ledger", Consumer(pay=pay, wants=lambda event: True))
    outbox.drain()
    clock.shift(timedelta(minutes=7))
    told = client.get("/healthz").json()
    assert (told["away"], told["oldest_debt_s"]) == ({}, 0)


def test_a_debt_is_owed_once(case: Case) -> None:
    with pytest.raises(IntegrityError, match="outbox_once"):
        Outbox.objects.create(event=acts.last(case), consumer="ledger", due_at=town.MONDAY)
