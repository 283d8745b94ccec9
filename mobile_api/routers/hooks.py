"""Web hooks: administrators make them, try them, and read what was delivered."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from django.conf import settings
from django.utils.translation import gettext as _
from ninja import Query, Router, Schema, Status
from pydantic import Field

from cases.flow import Refused, Verb
from grid.models import Area, Department
from grid.moment import now
from grid.roles import Role

from .. import hooks, outside
from ..auth import Request, officer
from ..models import Delivery, Hook
from ..problems import Problem
from ..schemas import Coded, Said
from ..vocabulary import AreaCode, Key, WebAddress

router = Router(tags=["hooks"])
REFUSALS = {401: Problem, 403: Problem, 404: Problem, 422: Problem}
access = logging.getLogger("access")


class HookIn(Said):
    """Where a program hears of events, and of which."""

    name: str = Field(min_length=1, max_length=60)
    url: WebAddress = Field(examples=["https://oa.example.org/wangge"])
    verbs: list[Verb] = Field([], max_length=40, description="none: all")
    area: AreaCode | None = Field(None, description="code of an area; none: the whole city")
    department: Key | None = Field(None, description="that has the case; none: all")
    active: bool = True


class HookOut(Schema):
    """A web hook, without its secret."""

    id: int
    name: str
    url: str
    verbs: list[Verb]
    area: str | None
    department: int | None
    active: bool
    created_by: str
    created_at: datetime
    resting_until: datetime | None = Field(description="it did not answer: nothing is tried until then")
    old_until: datetime | None = Field(description="until then the secret before signs too")


class HookMade(HookOut):
    """A new web hook, or one with a new secret, which is shown this once."""

    secret: str


class RenewIn(Said):
    """How a secret is replaced."""

    at_once: bool = Field(False, description="the old one is known to others: it signs nothing any more")


class DeliveryOut(Schema):
    """One event for one hook, and what became of it."""

    id: int
    key: UUID = Field(description="X-Wangge-Delivery: the same at each try")
    event: int | None = Field(description="none: a trial")
    case_number: str | None
    verb: str
    status: Coded
    tries: int
    code: int | None = Field(description="HTTP status of the last answer; none: nobody answered, `note` says why")
    note: str
    seconds: float | None
    made_at: datetime
    tried_at: datetime | None


class WhichDeliveries(Said):
    """Newest first."""

    status: Literal["owed", "delivered", "given_up"] | None = None
    before: Key | None = Field(None, description="the id of the last one of the page before")
    limit: int = Field(50, ge=1, le=200)


@router.get("hooks", auth=officer(Role.ADMINISTRATOR), response={200: list[HookOut], **REFUSALS})
def listed(request: Request) -> list[HookOut]:
    """All web hooks."""
    return [HookOut(**_told(hook)) for hook in Hook.objects.select_related("area", "created_by")]


@router.post("hooks", auth=officer(Role.ADMINISTRATOR), response={201: HookMade, **REFUSALS, 409: Problem})
def make(request: Request, body: HookIn) -> Status[HookMade]:
    """A new web hook. The answer holds the secret that signs what it is sent; it is not shown again."""
    if not settings.HOOKS:
        raise Refused("hooks_off", _("本市没有启用回调，请运维先设置 HOOKS=1。"))
    hook = Hook(secret=hooks.new_secret(), created_by=request.auth, created_at=now(), **_fields(body))
    hook.save()
    access.info("hook %d made by %d: %s", hook.pk, request.auth.pk, hook.url)
    return Status(201, HookMade(**_told(hook), secret=hook.secret))


@router.put("hooks/{id}", auth=officer(Role.ADMINISTRATOR), response={200: HookOut, **REFUSALS})
def change(request: Request, id: Key, body: HookIn) -> HookOut:
    """Change or disable a web hook. What is owed to a disabled one is given up."""
    hook = Hook.objects.get(pk=id)
    changed = _fields(body) | {"resting_until": None}
    for name, value in changed.items():
        setattr(hook, name, value)
    hook.save(update_fields=list(changed))
    if not hook.active:
        hook.deliveries.filter(status=Delivery.Status.OWED).update(status=Delivery.Status.GIVEN_UP)
    access.info("hook %d changed by %d: %s, active %s", hook.pk, request.auth.pk, hook.url, hook.active)
    return HookOut(**_told(hook))


@router.post("hooks/{id}/secret", auth=officer(Role.ADMINISTRATOR), response={200: HookMade, **REFUSALS, 409: Problem})
def renew(request: Request, id: Key, body: RenewIn) -> HookMade:
    """Another secret for a web hook, shown this once. For a while both sign, so that no event is lost meanwhile.

    While both do, there is no third (409 `secret_overlaps`), but with `at_once`, which ends both.
    """
    hook = Hook.objects.select_related("area", "created_by").get(pk=id)
    hooks.renew(hook, at_once=body.at_once)
    access.info(
        "hook %d has a new secret by %d, the old one ends %s", hook.pk, request.auth.pk, hook.old_until or "now"
    )
    return HookMade(**_told(hook), secret=hook.secret)


@router.post("hooks/{id}/test", auth=officer(Role.ADMINISTRATOR), response={200: DeliveryOut, **REFUSALS})
def test(request: Request, id: Key) -> DeliveryOut:
    """Send a trial now, and tell what came of it. It is tried once, and takes nine seconds at the very most."""
    hook = Hook.objects.get(pk=id)
    delivery = Delivery.objects.create(hook=hook, made_at=now())
    hooks.attempt(hook, [delivery])
    return _delivered(delivery)


@router.get("hooks/{id}/deliveries", auth=officer(Role.ADMINISTRATOR), response={200: list[DeliveryOut], **REFUSALS})
def deliveries(request: Request, id: Key, which: Query[WhichDeliveries]) -> list[DeliveryOut]:
    """What was sent to a web hook, newest first."""
    found = Hook.objects.get(pk=id).deliveries.select_related("event__case").order_by("-id")
    if which.status:
        found = found.filter(status=which.status)
    if which.before is not None:
        found = found.filter(pk__lt=which.before)
    return [_delivered(delivery) for delivery in found[: which.limit]]


def _fields(body: HookIn) -> dict[str, Any]:
    """Raises Refused (url_unfit), and ObjectDoesNotExist for an area or department that is not there."""
    if body.active:
        outside.judge(body.url)
    else:
        outside.address_parts(body.url)
    return {
        "name": body.name,
        "url": body.url,
        "verbs": [verb.value for verb in body.verbs],
        "area": Area.objects.get(code=body.area) if body.area else None,
        "department": Department.objects.get(pk=body.department) if body.department else None,
        "active": body.active,
    }


def _told(hook: Hook) -> dict[str, Any]:
    return {
        "id": hook.pk,
        "name": hook.name,
        "url": hook.url,
        "verbs": hook.verbs,
        "area": hook.area.code if hook.area else None,
        "department": hook.department_id,
        "active": hook.active,
        "created_by": str(hook.created_by),
        "created_at": hook.created_at,
        "resting_until": hook.resting_until,
        "old_until": hook.old_until,
    }


def _delivered(delivery: Delivery) -> DeliveryOut:
    event = delivery.event
    return DeliveryOut(
        id=delivery.pk,
        key=delivery.key,
        event=event.pk if event else None,
        case_number=event.case.number if event else None,
        verb=event.verb if event else "test",
        status=Coded(code=delivery.status, label=str(Delivery.Status(delivery.status).label)),
        tries=delivery.tries,
        code=delivery.code,
        note=delivery.note,
        seconds=delivery.seconds,
        made_at=delivery.made_at,
        tried_at=delivery.tried_at,
    )
