"""收件箱: who should hear of an event finds one line in his inbox. It is the truth; push only rings."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection, transaction

from cases import audience
from cases.models import CaseEvent
from cases.outbox import consumer
from grid.moment import now

from .models import Message

WRITER = 0x1B0C  # the advisory lock of the one writer
CHANNEL = "inbox"  # of PostgreSQL's NOTIFY, for deploy/live.py
AT_ONCE = 500  # officers in one ring, which holds at most 8,000 bytes


@consumer("inbox", audience.heard)
def deliver(events: Sequence[CaseEvent]) -> None:
    """Write the messages of events. Idempotent: an officer gets one message for an event.

    Numbers are given under one lock that is held until they are committed, so that whoever has read up to a
    number has missed none below it.
    """
    owed = [(officer, event) for event, heard in audience.hearers(events).items() for officer in sorted(heard)]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [WRITER])
        cursor.execute("SELECT coalesce(max(number), 0) FROM mobile_api_message")
        (last,) = cursor.fetchone()
        at = now()
        messages = [
            Message(number=last + n, officer_id=officer, event=event, written_at=at)
            for n, (officer, event) in enumerate(owed, start=1)
        ]
        Message.objects.bulk_create(messages, ignore_conflicts=True)
    _ring(sorted({officer for officer, _event in owed}))


def _ring(officers: Sequence[int]) -> None:
    """Ring for those who wait in deploy/live.py. After the commit: in it, NOTIFY would hold up every other writer."""
    with connection.cursor() as cursor:
        for n in range(0, len(officers), AT_ONCE):
            cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, ",".join(map(str, officers[n : n + AT_ONCE]))])
