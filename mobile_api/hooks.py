"""Web hooks: a program of the city's hears of events as signed JSON, at least once and under one key.

What is sent says what happened to which case: codes and moments, no person, no text, no position. A hook that does not
answer rests for ever longer whiles, so that others have their turn; a delivery is given up after a day, and the log
says so. Each attempt is written down before it is made: what ends the worker in the middle of one leaves its trace.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import secrets
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from cases import rulebook
from cases.flow import Refused
from cases.models import CaseEvent
from cases.outbox import TURN_S, Unpaid
from grid.moment import now

from . import outside
from .models import Delivery, Hook
from .outside import Answer

logger = logging.getLogger("hooks")

AT_ONCE = 8  # calls in flight
FRESH = timedelta(days=1)
REST, LONGEST_REST = timedelta(minutes=1), timedelta(minutes=15)
AWAY = (429, 502, 503, 504)  # what is said of a program that is not there, or has too much to do
OUTCOME = ["status", "code", "note", "seconds"]


def deliver(events: Sequence[CaseEvent]) -> None:
    """The consumer "hooks". Raises Unpaid for the events that some hook is still to hear of."""
    hooks = Hook.objects.filter(active=True).select_related("area", "department")
    hooks = hooks.order_by(F("resting_until").asc(nulls_first=True), "pk")  # who kept us waiting last comes last
    again: dict[int, datetime] = {}
    failed: set[int] = set()
    away: set[int] = set()
    ends = time.monotonic() + TURN_S
    for hook in hooks:
        for event, at in _deliver(hook, [event for event in events if wants(hook, event)], ends).items():
            if at is None:
                failed.add(event)
            else:
                again[event] = min(at, again.get(event, at))
                away |= {event} if _rests(hook) else set()
    if owed := failed | again.keys():
        raise Unpaid(owed, {event: at for event, at in again.items() if event not in failed}, away)


def wants(hook: Hook, event: CaseEvent) -> bool:
    """Whether a hook asked for such events. Needs event.case with its cell and area."""
    case = event.case
    return (
        (not hook.verbs or event.verb in hook.verbs)
        and (hook.area is None or case.cell.area.code.startswith(hook.area.code))
        and (hook.department_id is None or hook.department_id in (case.department_id, event.department_id))
    )


def _deliver(hook: Hook, events: Sequence[CaseEvent], ends: float) -> dict[int, datetime | None]:
    """Try what is owed to a hook, some at once, until time is up. When none of these gets through, it rests.

    Gives the events that are left: when to try them again, or None where the hook refused this one.
    """
    deliveries = _owed(hook, events)
    left: dict[int, datetime | None] = {}
    for n in range(0, len(deliveries), AT_ONCE):
        some = deliveries[n : n + AT_ONCE]
        if tried := not _rests(hook) and time.monotonic() < ends:
            attempt(hook, some)
            _rest(hook, some)
        else:
            _give_up(some)
            Delivery.objects.bulk_update(some, ["status"])
        again = hook.resting_until if _rests(hook) else (None if tried else now())
        owed = (delivery.event_id for delivery in some if delivery.status == Delivery.Status.OWED)
        left |= {event: again for event in owed if event}
    return left


def _rests(hook: Hook) -> bool:
    return hook.resting_until is not None and hook.resting_until > now()


def _rest(hook: Hook, tried: Sequence[Delivery]) -> None:
    """Leave a hook alone that took none of these, each time twice as long. One that refuses one event takes others."""
    if any(delivery.status == Delivery.Status.DELIVERED for delivery in tried):
        return
    first = tried[0]
    if len(tried) > 1 or first.code is None or first.code in AWAY:
        hook.resting_until = now() + min(REST * 2 ** (max(delivery.tries for delivery in tried) - 1), LONGEST_REST)
        hook.save(update_fields=["resting_until"])
        logger.warning("hook %d rests: %s %s", hook.pk, first.code, first.note)


def _owed(hook: Hook, events: Sequence[CaseEvent]) -> list[Delivery]:
    """The deliveries of events that have not come to an end, made where they are not there yet."""
    at = now()
    new = [Delivery(hook=hook, event=event, made_at=at) for event in events]
    Delivery.objects.bulk_create(new, ignore_conflicts=True)
    found = hook.deliveries.filter(event__in=events, status=Delivery.Status.OWED).order_by("event")
    return list(found.select_related("event__case__cell__area"))


def attempt(hook: Hook, deliveries: Sequence[Delivery]) -> None:
    """Call the hook for each, and write down what came of it. No transaction is open meanwhile.

    That it is tried is written down before.
    """
    for delivery in deliveries:
        delivery.tries += 1
        delivery.tried_at = now()
    Delivery.objects.bulk_update(deliveries, ["tries", "tried_at"])
    calls = list(_calls(hook, deliveries))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(lambda call: outside.post(hook.url, *call), calls))
    for delivery, answer in zip(deliveries, answers, strict=True):
        _note(delivery, answer)
    _give_up(deliveries)
    Delivery.objects.bulk_update(deliveries, OUTCOME)


def _note(delivery: Delivery, answer: Answer) -> None:
    delivery.code, delivery.note, delivery.seconds = answer.code, answer.note, round(answer.seconds, 3)
    if answer.well:
        delivery.status = Delivery.Status.DELIVERED


def _give_up(deliveries: Sequence[Delivery]) -> None:
    """Those that are a day old, or only a trial."""
    for delivery in deliveries:
        stale = delivery.event is None or delivery.made_at < now() - FRESH
        if stale and delivery.status == Delivery.Status.OWED:
            delivery.status = Delivery.Status.GIVEN_UP


def _calls(hook: Hook, deliveries: Sequence[Delivery]) -> Iterator[tuple[bytes, dict[str, str]]]:
    at = int(time.time())  # the receiver compares it with the time of the world, not of a demonstration
    for delivery in deliveries:
        body = json.dumps(said(delivery), ensure_ascii=False).encode()
        yield (
            body,
            {
                "Content-Type": "application/json",
                "User-Agent": "Wangge",
                "X-Wangge-Delivery": str(delivery.key),
                "X-Wangge-Signature": signature(secrets_of(hook), at, body),
            },
        )


def signature(keys: Sequence[str], at: int, body: bytes) -> str:
    """`t=<epoch seconds>`, and for each secret `,v1=<hex HMAC-SHA256 of "<t>.<body>">`. Refuse it when it is old."""
    macs = [hmac.new(key.encode(), f"{at}.".encode() + body, hashlib.sha256) for key in keys]
    return ",".join((f"t={at}", *(f"v1={mac.hexdigest()}" for mac in macs)))


def secrets_of(hook: Hook) -> list[str]:
    """The secrets that sign what it is sent now: its own, and for a while the one before."""
    return [hook.secret, hook.old_secret] if hook.old_until and hook.old_until > now() else [hook.secret]


def renew(hook: Hook, *, at_once: bool) -> None:
    """Give a hook another secret. The old one signs too for HOOK_OVERLAP_HOURS, unless it is to end at once.

    Raises Refused (secret_overlaps) while one before still signs: a third would end it, though its time was promised.
    """
    if hook.old_until and hook.old_until > now() and not at_once:
        until = timezone.localtime(hook.old_until).strftime("%Y-%m-%d %H:%M")
        sentence = _("上一个密钥到 %(until)s 仍有效；届时再换，或者立即停用旧密钥（at_once）。")
        raise Refused("secret_overlaps", sentence % {"until": until}, field="at_once")
    hook.old_secret, hook.secret = ("" if at_once else hook.secret), new_secret()
    hook.old_until = None if at_once else now() + timedelta(hours=settings.HOOK_OVERLAP_HOURS)
    hook.save(update_fields=["secret", "old_secret", "old_until"])


def new_secret() -> str:
    return "whsec_" + secrets.token_urlsafe(32)


def said(delivery: Delivery) -> dict[str, Any]:
    """The body. The same at each try but for the case's department."""
    if (event := delivery.event) is None:
        return {"delivery": str(delivery.key), "verb": "test", "note": _("这是一次测试。")}
    case, book = event.case, rulebook.current()
    category = book.categories[case.category_id]
    department = book.departments.get(case.department_id or 0)
    return {
        "delivery": str(delivery.key),
        "event": event.pk,
        "verb": event.verb,
        "left": event.left,
        "entered": event.entered,
        "at": event.at.isoformat(),
        "level": event.level,
        "case": {
            "id": str(case.uuid),
            "number": case.number,
            "scheme": category.scheme,
            "category": f"{category.kind}-{category.major}-{category.sub}",
            "category_name": category.name,
            "area": case.cell.area.code,
            "cell": case.cell.code,
            "department": department.code if department else None,
        },
    }
