"""Text messages, for emergencies alone: an adapter to whatever gateway a city has a contract with. Off without SMS_URL.

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

from cases import audience
from cases.flow import Verb
from cases.models import CaseEvent
from cases.outbox import Unpaid
from grid.models import Officer
from grid.moment import now

from . import outside, quiet

logger = logging.getLogger("sms")

FRESH = timedelta(hours=2)  # an emergency that is older has been heard of otherwise
TOLD = (Verb.DISPATCH, Verb.ESCALATE)


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
    owed: set[int] = set()
    for event in events:
        if event.verb in TOLD and event.at > now() - FRESH and quiet.urgent(event) and not _told(event, gateway):
            owed.add(event.pk)
    if owed:
        raise Unpaid(owed)


def _told(event: CaseEvent, gateway: Gateway) -> bool:
    """Whether everybody has heard. The first that the gateway does not take ends the attempt."""
    people = Officer.objects.filter(pk__in=audience.of(event), is_active=True).exclude(phone="")
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
