"""Text messages: an adapter to whatever gateway a city has a contract with. Off without SMS_URL.

Which events are texted the rows say; those that are shipped name emergencies alone. Quiet hours hold for the others.

A gateway is anything with `send`; SMS_GATEWAY names its class. HttpGateway is the example: one POST a message. A text
says what was done and to which case by its number: it passes through other people's hands.

Paid at least once, each message under one key, by which a gateway can tell a repetition.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol

from django.conf import settings
from django.core.cache import cache
from django.utils import translation
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from cases import audience, rulebook
from cases.flow import Verb
from cases.models import CaseEvent, Hearing
from cases.outbox import Unpaid
from grid.models import Officer
from grid.moment import now

from . import outside, quiet

logger = logging.getLogger("sms")

FRESH = timedelta(days=1)
PRESSING = timedelta(hours=2)  # an emergency that is older has been heard of otherwise


class Gateway(Protocol):
    """Who sends text messages for the city."""

    def send(self, phone: str, text: str, key: str) -> bool:
        """Whether the gateway took it. The same key again is the same message. Does not raise."""


class HttpGateway:
    """POSTs {"phone", "text", "key"} as JSON to SMS_URL, with SMS_TOKEN as bearer; 200–299 means taken."""

    def send(self, phone: str, text: str, key: str) -> bool:
        body = json.dumps({"phone": phone, "text": text, "key": key}, ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {settings.SMS_TOKEN}"}
        answer = outside.post(settings.SMS_URL, body, headers)
        if not answer.well:
            logger.warning("the gateway: %s %s", answer.code, answer.note)
        return answer.well


def send(events: Sequence[CaseEvent]) -> None:
    """The consumer "sms". Raises Unpaid for the events that somebody is still to hear of. Needs event.case."""
    gateway: Gateway = import_string(settings.SMS_GATEWAY)()
    hearers = _hearers(events)
    waiting = quiet.waiting((event, officer) for event, people in hearers.items() for officer in people)
    owed: set[int] = set()
    for event, people in hearers.items():
        if not _told(event, [officer for officer in people if (event.pk, officer.pk) not in waiting], gateway):
            owed.add(event.pk)
    until = {event: at for event, at in quiet.earliest(waiting).items() if event not in owed}
    if owed or until:
        raise Unpaid(owed | until.keys(), until)


def _hearers(events: Sequence[CaseEvent]) -> dict[CaseEvent, list[Officer]]:
    """Who is to have a text of which fresh event."""
    book, at = rulebook.current(), now()
    fresh = [event for event in events if event.at > at - (PRESSING if audience.urgent(book, event) else FRESH)]
    hearers = audience.hearers(fresh, Hearing.Channel.SMS)
    people = Officer.objects.filter(pk__in=set().union(*hearers.values()), is_active=True).exclude(phone="").in_bulk()
    return {event: [people[pk] for pk in sorted(heard) if pk in people] for event, heard in hearers.items()}


def _told(event: CaseEvent, people: Sequence[Officer], gateway: Gateway) -> bool:
    """Whether all of them have heard. The first that the gateway does not take ends the attempt."""
    for officer in people:
        key = f"sms:{event.pk}:{officer.pk}"
        if cache.get(key):
            continue
        if not gateway.send(officer.phone, text(event, officer), key):
            return False
        cache.set(key, True, 2 * FRESH.total_seconds())
    return True


def text(event: CaseEvent, officer: Officer) -> str:
    with translation.override(officer.language or None):
        return _("【网格】%(verb)s：%(number)s，请尽快查看。") % {
            "verb": Verb(event.verb).label,
            "number": event.case.number,
        }
