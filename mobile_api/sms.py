"""Text messages: an adapter to whatever gateway a city has a contract with. Off without SMS_URL.

Which events are texted the rows say; those that are shipped name emergencies alone. Quiet hours hold for the others.

A gateway is anything with `send`; SMS_GATEWAY names its class. HttpGateway is the example: one POST a message. A text
says what was done and to which case by its number: it passes through other people's hands.

Paid at least once, each message under one key, by which a gateway can tell a repetition.
"""

from __future__ import annotations

import json
import logging
import random
import time
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
from cases.outbox import TURN_S, Unpaid
from grid.models import Officer
from grid.moment import now

from . import outside, quiet

logger = logging.getLogger("sms")

FRESH = timedelta(days=1)
PRESSING = timedelta(hours=2)  # an emergency that is older has been heard of otherwise
AWAY = 3  # texts in a row that the gateway does not take: it is out of reach, and left alone
REST = timedelta(seconds=30)


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
    """The consumer "sms". Raises Unpaid for the events that somebody is still to hear of. Needs event.case.

    A number that the gateway does not take holds up no other; several in a row mean that the gateway is out of reach.
    """
    gateway: Gateway = import_string(settings.SMS_GATEWAY)()
    texts = _untold(events)
    waiting = quiet.waiting(texts)
    failed: set[int] = set()
    untried: set[int] = set()
    refusals, ends = 0, time.monotonic() + TURN_S
    for event, officer in texts:
        if (event.pk, officer.pk) in waiting:
            continue
        if refusals == AWAY or time.monotonic() >= ends:
            untried.add(event.pk)
        elif _taken(gateway, event, officer):
            refusals = 0
        else:
            refusals += 1
            failed.add(event.pk)
    again, away = now(), refusals == AWAY
    if away:
        failed, untried, again = set(), failed | untried, again + REST
    until = {**quiet.earliest(waiting), **dict.fromkeys(untried, again)}
    if failed or until:
        later = {event: at for event, at in until.items() if event not in failed}
        raise Unpaid(failed | until.keys(), later, away=untried if away else ())


def _untold(events: Sequence[CaseEvent]) -> list[tuple[CaseEvent, Officer]]:
    """Who is still to have a text of which fresh event; in no order, so that nobody is always behind a bad number."""
    book, at = rulebook.current(), now()
    fresh = [event for event in events if event.at > at - (PRESSING if audience.urgent(book, event) else FRESH)]
    hearers = audience.hearers(fresh, Hearing.Channel.SMS)
    people = Officer.objects.filter(pk__in=set().union(*hearers.values()), is_active=True).exclude(phone="").in_bulk()
    found = [(event, people[pk]) for event, heard in hearers.items() for pk in heard if pk in people]
    told = cache.get_many([_key(event, officer) for event, officer in found])
    left = [(event, officer) for event, officer in found if _key(event, officer) not in told]
    return random.sample(left, len(left))


def _taken(gateway: Gateway, event: CaseEvent, officer: Officer) -> bool:
    taken = gateway.send(officer.phone, text(event, officer), _key(event, officer))
    if taken:
        cache.set(_key(event, officer), True, 2 * FRESH.total_seconds())
    return taken


def _key(event: CaseEvent, officer: Officer) -> str:
    return f"sms:{event.pk}:{officer.pk}"


def text(event: CaseEvent, officer: Officer) -> str:
    with translation.override(officer.language or None):
        return _("【网格】%(verb)s：%(number)s，请尽快查看。") % {
            "verb": Verb(event.verb).label,
            "number": event.case.number,
        }
