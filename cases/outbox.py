"""What the city is owed after an event: each consumer's debts, paid at least once.

A debt is written in the event's own transaction. The worker pays in batches; one consumer's trouble is not
another's, and a crash between paying and forgetting means that a debt is paid again: consumers are idempotent.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from datetime import timedelta as td
from types import MappingProxyType

from django.db import transaction
from django.db.models import Count, Min, QuerySet
from django_q.tasks import async_task

from grid.moment import now

from .models import CaseEvent, Outbox

logger = logging.getLogger("cases")

Pay = Callable[[Sequence[CaseEvent]], None]
Wants = Callable[[CaseEvent], bool]
LEASE = td(seconds=30)  # how long a worker may take before another tries; doubled with each try
LONGEST = 7  # doublings: about an hour
BATCH = 200
ROUNDS_S = 20  # how long a drain may keep the worker
TURN_S = 5  # and how long a consumer that calls other people's servers may go on before the others have their turn


class Unpaid(Exception):
    """Raised by a consumer: these events are still owed, the rest of the batch is paid.

    `until`: events of these that are put off on purpose, to a moment: they have not failed, and count as not yet tried.
    `away`: of those, what is put off because whoever is to hear of it is out of reach; /healthz counts that.
    """

    def __init__(
        self,
        events: Collection[int],
        until: Mapping[int, datetime] = MappingProxyType({}),
        away: Collection[int] = (),
    ):
        super().__init__(f"{len(events)} events still owed")
        self.events = frozenset(events)
        self.until = until
        self.away = frozenset(away)


@dataclass(frozen=True)
class Consumer:
    pay: Pay
    wants: Wants


CONSUMERS: dict[str, Consumer] = {}


def consumer(name: str, wants: Wants) -> Callable[[Pay], Pay]:
    """Register a consumer of the events it wants; an app does so in its ready()."""

    def register(pay: Pay) -> Pay:
        CONSUMERS[name] = Consumer(pay, wants)
        return pay

    return register


def post(events: Sequence[CaseEvent], at: datetime) -> None:
    """Write the debts of events, and ring for the worker. Inside the events' transaction."""
    debts = [
        Outbox(event=event, consumer=name, due_at=at)
        for event in events
        for name, consumer in CONSUMERS.items()
        if consumer.wants(event)
    ]
    if debts:
        Outbox.objects.bulk_create(debts)
        async_task("cases.outbox.drain")  # a doorbell: losing it costs a minute, not a debt


def drain(batch: int = BATCH) -> int:
    """Pay what is due, and say how many debts were paid. Run by the worker on each doorbell and each minute.

    In rounds of a batch for each consumer, so that no inbox waits until all phones were rung. After ROUNDS_S what is
    left is for the next ring: alarms and the worker's sign of life wait behind this one.
    """
    paid, owing, ends = 0, list(CONSUMERS), time.monotonic() + ROUNDS_S
    while owing and time.monotonic() < ends:
        for name in tuple(owing):
            settled = _round(name, batch)
            if settled is None:
                owing.remove(name)
            paid += settled or 0
    if owing:
        async_task("cases.outbox.drain")
    return paid


def _round(name: str, batch: int) -> int | None:
    """How many debts of a batch were paid; None where nothing is due, or where its consumer is in trouble."""
    try:
        return _pay(name, batch)
    except Exception:
        logger.exception("%s could not be paid; its lease brings it back", name)
        return None


def _pay(name: str, batch: int) -> int | None:
    if not _due(name).exists() or not (debts := _claim(name, batch)):  # many doorbells ring for one batch: ask cheaply
        return None
    owed: frozenset[int] = frozenset()
    try:
        CONSUMERS[name].pay([debt.event for debt in debts])
    except Unpaid as unpaid:
        owed = unpaid.events
        _put_off(debts, unpaid)
    settled = [debt.pk for debt in debts if debt.event_id not in owed]
    return int(Outbox.objects.filter(pk__in=settled).delete()[0])


def _put_off(debts: Sequence[Outbox], unpaid: Unpaid) -> None:
    later = [debt for debt in debts if debt.event_id in unpaid.until]
    for debt in later:
        debt.due_at, debt.tries = unpaid.until[debt.event_id], 0
        debt.away = debt.event_id in unpaid.away
    Outbox.objects.bulk_update(later, ["tries", "due_at", "away"])


def _due(name: str) -> QuerySet[Outbox]:
    return Outbox.objects.filter(consumer=name, due_at__lte=now())


@transaction.atomic
def _claim(name: str, batch: int) -> list[Outbox]:
    """Take due debts and put them off by a growing lease: a crash is a retry.

    A debt that has failed before is taken alone, so that poison spoils no batch.
    """
    at = now()
    due = (
        _due(name)
        .select_for_update(skip_locked=True, of=("self",))
        .select_related("event__case__cell__area")
        .order_by("due_at", "id")
    )
    debts = list(due[:batch])
    if any(debt.tries for debt in debts):
        debts = [debt for debt in debts if not debt.tries] or debts[:1]
    for debt in debts:
        debt.due_at = at + LEASE * 2 ** min(debt.tries, LONGEST)
        debt.tries += 1
    Outbox.objects.bulk_update(debts, ["tries", "due_at"])
    return debts


def away() -> dict[str, tuple[int, datetime]]:
    """By consumer, how many debts are put off because a server out there does not answer, and since when the oldest of
    them is owed."""
    waiting = Outbox.objects.filter(away=True).values_list("consumer")
    found = {name: (n, first) for name, n, first in waiting.annotate(n=Count("pk"), first=Min("event"))}
    at = dict(CaseEvent.sealed.filter(pk__in=[first for _n, first in found.values()]).values_list("pk", "at"))
    return {name: (n, at[first]) for name, (n, first) in found.items()}


def oldest() -> datetime | None:
    """Since when the oldest debt is owed that was not put off: what /healthz shows."""
    first = Outbox.objects.exclude(tries=0, due_at__gt=now()).select_related("event").order_by("event_id").first()
    return first.event.at if first else None
