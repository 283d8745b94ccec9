"""My messages: what came since a number, and what I have read."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db.models import Count, Max, Q, QuerySet
from django.http import HttpResponse
from ninja import Header, Query, Router, Schema
from pydantic import Field

from cases.flow import Stage, Verb
from grid.moment import now
from grid.words import named

from .. import live, telling
from ..auth import Request, officer
from ..models import Message
from ..problems import Problem
from ..schemas import Coded, Said
from ..vocabulary import KeyOrNone

router = Router(tags=["inbox"])
REFUSALS = {401: Problem, 403: Problem, 422: Problem}


class MessageOut(Schema):
    """What happened to which case."""

    number: int = Field(description="ascends; nothing is ever inserted below a number that was seen")
    case: UUID
    case_number: str
    category: str
    verb: Coded
    stage: Coded = Field(description="where the case stood after it")
    at: datetime
    due_at: datetime | None = Field(description="when the stage the case is in now is due")
    level: int
    read: bool


class Inbox(Schema):
    """Some of my messages."""

    items: list[MessageOut]
    last: int = Field(description="pass as `since` to hear what comes after")
    unread: int
    reset: bool = Field(
        False,
        description="the number asked about lies beyond all there are: the city went back to a backup. Forget what you "
        "have, and begin anew with `since=0`",
    )


class WhichMessages(Said):
    """Which messages: what came after a number, oldest first; without one the newest, newest first."""

    since: KeyOrNone | None = Field(None, description="0 for all there are")
    unread: bool = False
    wait: int = Field(
        0, ge=0, le=25, description="with `since`: seconds to wait while there is nothing to tell; follow a 307"
    )
    limit: int = Field(50, ge=1, le=200)


class ReadIn(Said):
    """How far I have read."""

    upto: KeyOrNone = Field(description="everything up to this number has been read")


@router.get("inbox", auth=officer(), response={200: Inbox, 307: None, **REFUSALS})
def inbox(request: Request, response: HttpResponse, which: Query[WhichMessages]) -> Inbox | HttpResponse:
    """My messages. With `since`, what came after that number, oldest first; without, the newest, newest first.

    With `wait` an open app hears at once: where there is nothing to tell yet, 307 leads to where one waits. An answer
    without messages may come before `wait` is over; `Retry-After` then says when to ask again.

    `reset` says that `since` is no number of this city: `last` is then the last there really is.
    """
    mine = Message.objects.filter(officer=request.auth)
    # Asked first: what is written meanwhile may be told twice, but is not passed over.
    known = mine.aggregate(last=Max("number", default=0), unread=Count("pk", filter=Q(read_at=None)))
    found = list(_asked(mine, which).select_related("event__case__category")[: which.limit])
    if not found and _beyond(which.since, known["last"]):
        return Inbox(items=[], last=known["last"], unread=known["unread"], reset=True)
    if which.wait and which.since is not None and not found:
        if settings.LIVE_URL:
            return live.there(request)
        response["Retry-After"] = str(live.AGAIN_S)
    heard = max((message.number for message in found), default=which.since or 0)
    last = known["last"] if which.since is None else heard
    return Inbox(items=[_told(message) for message in found], last=last, unread=known["unread"], reset=False)


def _beyond(number: int | None, last: int) -> bool:
    """Whether somebody has heard of more than there is."""
    return number is not None and number > last


def _asked(mine: QuerySet[Message], which: WhichMessages) -> QuerySet[Message]:
    if which.unread:
        mine = mine.filter(read_at=None)
    if which.since is None:
        return mine.order_by("-number")
    return mine.filter(number__gt=which.since).order_by("number")


@router.get("inbox/stream", auth=officer(), response={307: None, **REFUSALS, 503: Problem})
def stream(
    request: Request,
    since: KeyOrNone | None = None,
    last_event_id: str = Header("", max_length=40),  # type: ignore[type-arg]
) -> HttpResponse:
    """My messages as they come, as Server-Sent Events: 307 leads to where the stream is.

    `event: message`, `id` is the number, `data` a message as `GET inbox` tells it. It begins after `since` or
    `Last-Event-ID`, whichever is the later, and without either with what comes next. First of all `event: ready` says
    after which number that is, in `id` and as `last` in `data`. `event: reset` says the same where the number asked
    about lies beyond all there are: forget what you have, and begin anew. A comment every 25 seconds shows that the
    line lives. It ends with the session.
    """
    if not settings.LIVE_URL:
        return live.nowhere()
    return live.there(request)


@router.post("inbox/read", auth=officer(), response={200: Inbox, **REFUSALS})
def read(request: Request, body: ReadIn) -> Inbox:
    """Mark everything up to a number as read. Again is no harm. `last` is the number, or the last there is."""
    mine = Message.objects.filter(officer=request.auth)
    mine.filter(read_at=None, number__lte=body.upto).update(read_at=now())
    known = mine.aggregate(last=Max("number", default=0), unread=Count("pk", filter=Q(read_at=None)))
    beyond = _beyond(body.upto, known["last"])
    return Inbox(items=[], last=min(body.upto, known["last"]), unread=known["unread"], reset=beyond)


def _told(message: Message) -> MessageOut:
    event, case = message.event, message.event.case
    return MessageOut(
        number=message.number,
        case=case.uuid,
        case_number=case.number,
        category=named(case.category),
        verb=telling.coded(Verb(event.verb)),
        stage=telling.coded(Stage(event.entered)),
        at=event.at,
        due_at=case.due_at,
        level=case.level,
        read=message.read_at is not None,
    )
