"""The way out to the phones: an event rings, through FCM, at the devices of those who should hear of it.

A ring says what was done and to which case, by its number: no name, no place, no text. The inbox is the truth; a ring
that is a day old is not sent any more.

Nobody is rung in hours that he wants to be quiet (`quiet`), but for emergencies.

Paid at least once: what FCM refuses for now is owed again, alone, and a phone that has heard is not rung a second time
meanwhile. Should it happen after a crash, the ring carries the same keys and replaces the first on the screen. Tokens
that FCM no longer knows are forgotten. While FCM is out of reach nothing knocks for ever longer whiles, so that the
worker is free for others, and all that came meanwhile goes together. No transaction is open during HTTP.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from functools import cache as once
from typing import Any

import firebase_admin
from django.conf import settings
from django.core.cache import cache
from django.core.checks import CheckMessage, Error
from django.utils import translation
from django.utils.translation import gettext_lazy as _
from firebase_admin import exceptions, messaging
from google.auth.transport.requests import Request as TokenRequest
from google.oauth2 import service_account
from requests import PreparedRequest, Response, Session

from cases import audience
from cases.flow import Verb
from cases.models import CaseEvent, Hearing
from cases.outbox import TURN_S, Unpaid
from grid.moment import now

from . import quiet
from .deadline import TimedAdapter
from .models import Device

logger = logging.getLogger("push")

GOOGLE = "https://fcm.googleapis.com"
SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
AT_ONCE = 50  # requests in flight
CONNECT_S, WHOLE_S = 5, 10  # to connect; for the whole exchange
FRESH = timedelta(days=1)
REST_S, LONGEST_REST_S = 60, 900  # how long FCM is left alone at first, where it does not ask for longer, and at most
RESTING = "push:resting"

TITLES = {
    Verb.DISPATCH: _("新任务"),
    Verb.ORDER_VERIFY: _("新任务"),
    Verb.ORDER_CHECK: _("新任务"),
    Verb.EXPIRE: _("时限提醒"),
    Verb.ESCALATE: _("时限提醒"),
}


@dataclass(frozen=True)
class Ring:
    """One event at one device."""

    event: CaseEvent
    device: Device

    @property
    def key(self) -> str:
        return f"push:{self.event.pk}:{self.device.pk}"


class Outcome(Enum):
    HEARD = "heard"
    GONE = "gone"  # FCM does not know the device any more
    WRONG = "wrong"  # FCM will never take it
    OWED = "owed"
    UNTRIED = "untried"


@dataclass(frozen=True)
class Rest:
    """How long FCM is left alone."""

    until: datetime
    seconds: int


def ring(events: Sequence[CaseEvent]) -> None:
    """The consumer "push". Raises Unpaid for the events that some device is still to hear of."""
    rest: Rest | None = cache.get(RESTING)
    if rest and rest.until > now():
        owed = [event.pk for event in events]
        raise Unpaid(owed, dict.fromkeys(owed, rest.until), away=owed)
    rings = _rings(events)
    waiting = quiet.waiting((ring.event, ring.device.officer) for ring in rings)
    ready = _last(ring for ring in rings if (ring.event.pk, ring.device.officer_id) not in waiting)
    rung = list(_rung(_unheard(ready), rest))
    if rung:
        logger.info("rings: %s", dict(Counter(outcome.value for _, outcome in rung)))
    gone = [ring.device.pk for ring, outcome in rung if outcome is Outcome.GONE]
    Device.objects.filter(pk__in=gone).delete()
    _owe(rung, quiet.earliest(waiting))


def _owe(rung: Sequence[tuple[Ring, Outcome]], later: Mapping[int, datetime]) -> None:
    """Raise Unpaid for what is left, and remember who has heard of it already. `later`: what quiet hours hold back."""
    failed = {ring.event.pk for ring, outcome in rung if outcome is Outcome.OWED}
    untried = {ring.event.pk for ring, outcome in rung if outcome is Outcome.UNTRIED}
    if not (left := failed | untried | later.keys()):
        return
    rest: Rest | None = cache.get(RESTING)
    again = rest.until if rest else now()
    until = {event: at for event, at in {**later, **dict.fromkeys(untried, again)}.items() if event not in failed}
    heard = [ring.key for ring, outcome in rung if outcome is Outcome.HEARD and ring.event.pk in left]
    cache.set_many(dict.fromkeys(heard, True), FRESH.total_seconds())
    raise Unpaid(left, until, away=untried if rest else ())


def _rings(events: Sequence[CaseEvent]) -> list[Ring]:
    """Who is to hear of what, in the order of the events."""
    fresh = sorted((event for event in events if event.at > now() - FRESH), key=lambda event: event.pk)
    hearers = audience.hearers(fresh, Hearing.Channel.PUSH)
    devices = _devices(set().union(*hearers.values()))
    return [Ring(event, device) for event, ids in hearers.items() for device in devices if device.officer_id in ids]


def _last(rings: Iterable[Ring]) -> list[Ring]:
    """Of several events of one case a device hears the last alone: it would hide the others."""
    return list({(ring.event.case_id, ring.device.pk): ring for ring in rings}.values())


def _devices(officers: Collection[int]) -> list[Device]:
    return list(Device.objects.filter(officer__in=officers, officer__is_active=True).select_related("officer"))


def _unheard(rings: Sequence[Ring]) -> list[Ring]:
    heard = cache.get_many([ring.key for ring in rings])
    return [ring for ring in rings if ring.key not in heard]


def _rung(rings: Sequence[Ring], rest: Rest | None) -> Iterator[tuple[Ring, Outcome]]:
    """Ring, some at once. When none of these gets through, or time is up, the others are not tried."""
    ends, stopped = time.monotonic() + TURN_S, False
    for n in range(0, len(rings), AT_ONCE):
        some = rings[n : n + AT_ONCE]
        stopped = stopped or (n > 0 and time.monotonic() >= ends)
        outcomes = [Outcome.UNTRIED] * len(some) if stopped else _send(some, rest)
        stopped = stopped or set(outcomes) == {Outcome.UNTRIED}
        yield from zip(some, outcomes, strict=True)


def _send(rings: Sequence[Ring], rest: Rest | None) -> list[Outcome]:
    """What became of each. Where FCM itself is out of reach it is left alone, and nothing counts as tried."""
    app = _app(settings.FCM_CREDENTIALS, settings.FCM_ENDPOINT)
    try:
        answers = messaging.send_each([message(ring) for ring in rings], app=app).responses
    except exceptions.FirebaseError as error:  # not even a token to speak with
        answers = [messaging.SendResponse(None, error)] * len(rings)
    outcomes = [_outcome(answer.exception) for answer in answers]
    if set(outcomes) == {Outcome.OWED} and (trouble := _out_of_reach([answer.exception for answer in answers])):
        _rest(trouble, rest)
        return [Outcome.UNTRIED] * len(rings)
    if rest and Outcome.HEARD in outcomes:
        cache.delete(RESTING)
    return outcomes


def _out_of_reach(errors: Sequence[exceptions.FirebaseError]) -> exceptions.FirebaseError | None:
    """The error that speaks of FCM itself. One phone alone may have had too many messages, or a bad way to Apple."""
    return next((error for error in errors if not _of_a_phone(error, alone=len(errors) == 1)), None)


def _of_a_phone(error: exceptions.FirebaseError, *, alone: bool) -> bool:
    too_many = isinstance(error, messaging.QuotaExceededError) and alone
    return too_many or isinstance(error, messaging.ThirdPartyAuthError)


def _outcome(error: exceptions.FirebaseError | None) -> Outcome:
    match error:
        case None:
            return Outcome.HEARD
        case messaging.UnregisteredError() | messaging.SenderIdMismatchError():
            return Outcome.GONE
        case exceptions.InvalidArgumentError() if _blames_the_token(error):
            return Outcome.GONE
        case exceptions.InvalidArgumentError():
            logger.error("FCM will not take this: %s", error)
            return Outcome.WRONG
        case _:
            return Outcome.OWED


def _blames_the_token(error: exceptions.FirebaseError) -> bool:
    """FCM says "invalid argument" of a bad token and of a bad message; only its words tell which."""
    return error.http_response is not None and "registration token" in error.http_response.text.lower()


def _rest(error: exceptions.FirebaseError, before: Rest | None) -> None:
    """Leave FCM alone for as long as it asks, and each time at least twice as long as before."""
    asked = error.http_response.headers.get("Retry-After", "") if error.http_response is not None else ""
    longer = before.seconds * 2 if before else REST_S
    seconds = min(max(int(asked) if asked.isdigit() else 0, longer), LONGEST_REST_S)
    logger.warning("FCM is left alone for %d s: %s", seconds, error)
    cache.set(RESTING, Rest(now() + timedelta(seconds=seconds), seconds), 2 * LONGEST_REST_S)


def message(ring: Ring) -> messaging.Message:
    """What FCM is given for one device. A later ring of the same case takes the earlier one's place."""
    event, case, device = ring.event, ring.event.case, ring.device
    key = str(case.uuid)
    verb = Verb(event.verb)
    with translation.override(device.language or device.officer.language or settings.LANGUAGE_CODE):
        title = str(TITLES.get(verb, verb.label))
    said = messaging.Message(
        notification=messaging.Notification(title=title, body=case.number),
        data={"event": str(event.pk), "verb": str(verb), "case": key, "number": case.number},
        android=messaging.AndroidConfig(
            collapse_key=key, priority="high", ttl=FRESH, notification=messaging.AndroidNotification(tag=key)
        ),
        apns=messaging.APNSConfig(
            headers={
                "apns-collapse-id": key,
                "apns-priority": "10",
                "apns-expiration": str(int((event.at + FRESH).timestamp())),
            }
        ),
        webpush=messaging.WebpushConfig(
            headers={"Topic": case.uuid.hex, "TTL": str(int(FRESH.total_seconds()))},
            notification=messaging.WebpushNotification(tag=key),
        ),
    )
    said.token = device.token  # not above: there it is called deprecated, in favour of ids that few phones can tell yet
    return said


class Account(service_account.Credentials):
    """The city's account with FCM. It asks Google for access tokens, and may do nothing but send messages."""

    def refresh(self, request: Any) -> None:
        """Over a line of our own, for the one given would wait two minutes, and for a server that drips for ever."""
        with Session() as session:
            for scheme in ("https://", "http://"):
                session.mount(scheme, TimedAdapter(CONNECT_S, WHOLE_S))
            super().refresh(TokenRequest(session))  # type: ignore[no-untyped-call]

    def _after_refresh(self, *args: Any) -> None:
        """google-auth would look up here, at a third address, in which regions the account may be used."""


class Line(TimedAdapter):
    """The line to FCM: to FCM_ENDPOINT if one is set, and without tries of its own.

    firebase-admin would try five times and sleep as long as Retry-After says, in the worker; the outbox does it better.
    """

    def __init__(self, endpoint: str):
        super().__init__(CONNECT_S, WHOLE_S, AT_ONCE)
        self.endpoint = endpoint or GOOGLE

    def send(self, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:
        request.url = self.endpoint.rstrip("/") + str(request.url).removeprefix(GOOGLE)
        return super().send(request, *args, **kwargs)


@once
def _app(path: str, endpoint: str) -> firebase_admin.App:
    """The connection of this process to FCM."""
    account = _account(path)
    options = {"httpTimeout": WHOLE_S, "projectId": account.project_id}
    app = firebase_admin.initialize_app(account, options, name=f"{path} at {endpoint}")
    # There is no public way to the session; tests/test_push.py fails if this one is gone.
    messaging._get_messaging_service(app)._client.session.mount(GOOGLE, Line(endpoint))  # noqa: SLF001
    return app


def _account(path: str) -> Account:
    """Raises OSError or ValueError if that is no service account's key file."""
    account: Account = Account.from_service_account_file(path, scopes=[SCOPE])  # type: ignore[no-untyped-call]
    if not account.project_id:
        raise ValueError("no project_id in it")
    return account


def check(app_configs: object, **kwargs: object) -> list[CheckMessage]:
    """FCM_CREDENTIALS and FCM_ENDPOINT can be used."""
    found: list[CheckMessage] = []
    try:
        _account(settings.FCM_CREDENTIALS)
    except (OSError, ValueError) as error:
        hint = "Name the JSON key file of a Firebase service account, or leave it empty: push is off then."
        found.append(Error(f"FCM_CREDENTIALS cannot be used: {error}", hint=hint, id="mobile_api.E001"))
    if settings.FCM_ENDPOINT and not settings.FCM_ENDPOINT.startswith(("https://", "http://")):
        found.append(Error("FCM_ENDPOINT is not the address of a web server.", id="mobile_api.E002"))
    return found
