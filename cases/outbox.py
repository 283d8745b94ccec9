"""What the city is owed after an event: each consumer's debts, paid at least once.

A debt is written in the event's own transaction. The worker pays in batches, each consumer by a hand of its own, so
that none waits for another; one's trouble is not another's, and a crash between paying and forgetting means that a debt
is paid again: consumers are idempotent.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from datetime import timedelta as td
from types import MappingProxyType

from django.db import OperationalError, connection, transaction
from django.db.models import Count, Min, QuerySet
from psycopg2.errors import LockNotAvailable  # type: ignore[import-untyped]

from grid.moment import now

from .models import CaseEvent, Outbox

logger = logging.getLogger("cases")

Pay = Callable[[Sequence[CaseEvent]], None]
Wants = Callable[[CaseEvent], bool]
LEASE = td(seconds=30)  # how long a worker may take before another tries; doubled with each try
LONGEST = 7  # doublings: about an hour
BATCH = 200
TURN_S = 5  # how long a consumer that calls other people's servers may go on with one batch
ELSEWHERE = td(seconds=5)  # what needs a lock that is held elsewhere comes back after so long
DUE = """
    SELECT name FROM unnest(%s) AS name
    WHERE EXISTS (SELECT FROM cases_outbox WHERE consumer = name AND due_at <= %s)
"""


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
    """Write the debts of events. Inside the events' transaction; the worker looks for them all the time."""
    debts = [
        Outbox(event=event, consumer=name, due_at=at)
        for event in events
        for name, consumer in CONSUMERS.items()
        if consumer.wants(event)
    ]
    if debts:
        Outbox.objects.bulk_create(debts)


def owing() -> set[str]:
    """The consumers to whom something is due. One cheap statement."""
    with connection.cursor() as cursor:
        cursor.execute(DUE, [list(CONSUMERS), now()])
        return {name for (name,) in cursor.fetchall()}


def drain(batch: int = BATCH) -> int:
    """Pay all that is due, and say how many debts were paid; in rounds of a batch for each consumer."""
    paid, owing = 0, list(CONSUMERS)
    while owing:
        for name in tuple(owing):
            settled = settle(name, batch)
            if settled is None:
                owing.remove(name)
            paid += settled or 0
    return paid


def settle(name: str, batch: int = BATCH) -> int | None:
    """How many debts of a batch were paid; None where nothing is due, or where its consumer is in trouble."""
    try:
        return _pay(name, batch)
    except Exception:
        logger.exception("%s could not be paid; its lease brings it back", name)
        return None


def _pay(name: str, batch: int) -> int | None:
    if not _due(name).exists() or not (debts := _claim(name, batch)):  # two may look at once: ask cheaply
        return None
    owed: frozenset[int] = frozenset()
    try:
        CONSUMERS[name].pay([debt.event for debt in debts])
    except Unpaid as unpaid:
        owed = unpaid.events
        _put_off(debts, unpaid)
    except OperationalError as error:
        if not isinstance(error.__cause__, LockNotAvailable):
            raise
        owed = frozenset(debt.event_id for debt in debts)
        _put_off(debts, Unpaid(owed, dict.fromkeys(owed, now() + ELSEWHERE)))
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
        debt.away = False  # until whoever is to hear is out of reach again
    Outbox.objects.bulk_update(debts, ["tries", "due_at", "away"])
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
