"""The waiting room: phones with an open app wait here for their next message, so that no thread of the web server does.

A plain ASGI program beside the web server, without Django. It knows two paths, and gives no answer of its own: it
holds a request until PostgreSQL rings for its officer (NOTIFY, sent when messages are committed), then asks the web
server what the phone asked, with the phone's own headers. Who may read what is thus decided in one place. A page of
our own has no such header, but the session's cookie: its key is the same token. Pages of other origins are refused it.

A ring that is lost costs a long poll its turn and a stream KEEP_S seconds, or until the web server has time, never a
message: both ask by number.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import psycopg2  # type: ignore[import-untyped]

from deploy.strangers import AT_A_TIME, KNOWN, Strangers
from deploy.visitor import address, later, ours, readable, session

INBOX = "/api/mobile/v1/inbox"
CHANNEL = "inbox"
PLACES = int(os.environ.get("LIVE_PLACES", "2000"))
LONGEST_S = 25  # of a long poll: proxies and phone networks cut what is silent for 30
KEEP_S = 25  # a stream asks anew after so long without a ring, and shows that it lives
PAUSE_S = 0.25  # between a stream's questions: where messages come thick, each answer tells several
AT_ONCE = 4  # questions to the web server; the others queue here
PAGE = 200
FULL_S = 5
PASSED = (b"host", b"x-session-token", b"accept-language", b"user-agent", b"x-forwarded-for", b"x-forwarded-proto")

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]
Headers = dict[str, str]
logger = logging.getLogger("live")


class Doorbells:
    """Those who wait, by officer. Used from the event loop alone."""

    def __init__(self) -> None:
        self.waiting: dict[int, set[asyncio.Event]] = defaultdict(set)
        self.taken = 0

    @contextmanager
    def bell(self, officer: int) -> Iterator[asyncio.Event]:
        bell = asyncio.Event()
        self.waiting[officer].add(bell)
        try:
            yield bell
        finally:
            self.waiting[officer].discard(bell)
            if not self.waiting[officer]:
                del self.waiting[officer]

    def ring(self, officers: Iterable[int]) -> None:
        for officer in officers:
            for bell in self.waiting.get(officer, ()):
                bell.set()


class Line:
    """The one connection to PostgreSQL, made anew when it breaks; then everybody is rung, for rings may be lost."""

    def __init__(self, url: str, bells: Doorbells):
        self.url, self.bells = url.replace("postgis://", "postgresql://", 1), bells

    async def listen(self) -> None:
        while True:
            try:
                line = await asyncio.to_thread(self._connect)
            except psycopg2.OperationalError as error:
                logger.warning("no line to the database: %s", error)
            else:
                await self._attend(line)
                logger.warning("the line to the database broke")
            await asyncio.sleep(1)

    def _connect(self) -> Any:
        line = psycopg2.connect(self.url, keepalives_idle=30, application_name="wangge live")
        line.autocommit = True
        with line.cursor() as cursor:
            cursor.execute(f"LISTEN {CHANNEL}")
        return line

    async def _attend(self, line: Any) -> None:
        loop, readable, descriptor = asyncio.get_running_loop(), asyncio.Event(), line.fileno()
        loop.add_reader(descriptor, readable.set)
        try:
            self.bells.ring(list(self.bells.waiting))
            while True:
                await readable.wait()
                readable.clear()
                line.poll()
                while line.notifies:
                    self.bells.ring(map(int, line.notifies.pop(0).payload.split(",")))
        except psycopg2.Error:
            return
        finally:
            loop.remove_reader(descriptor)
            line.close()


class Web:
    """The web server, as a phone sees it."""

    def __init__(self, address: str):
        timeout, limits = httpx.Timeout(10, pool=None), httpx.Limits(max_connections=AT_ONCE + AT_A_TIME)
        self.http = httpx.AsyncClient(base_url=address, trust_env=False, timeout=timeout, limits=limits)
        self.officers: dict[str, int] = {}
        self.strangers = Strangers()
        self.turn = asyncio.Semaphore(AT_ONCE)
        self.asking = 0
        self.port = urlsplit(address).port

    async def ask(self, path: str, headers: Headers, /, **query: Any) -> httpx.Response:
        """Its answer to somebody who is known; 503 in its place where there is none."""
        self.asking += 1
        try:
            async with self.turn:
                return await self._get(path, headers, query)
        finally:
            self.asking -= 1

    async def _get(self, path: str, headers: Headers, query: Mapping[str, Any]) -> httpx.Response:
        try:
            said = {name.encode(): value.encode("latin1") for name, value in headers.items()}  # as they came
            return await self.http.get(path, headers=said, params=query)
        except httpx.HTTPError as error:
            logger.warning("the web server: %r", error)
            return httpx.Response(503, headers={"Retry-After": str(FULL_S)})

    async def officer(self, headers: Headers, address: str) -> int | httpx.Response:
        """Whose token that is, or a refusal. A token is never another officer's. Strangers wait among themselves."""
        token = headers.get("x-session-token", "")
        if token in self.officers:
            return self.officers[token]
        tongue = headers.get("accept-language", "")
        said = sha256(f"{token}\n{tongue}".encode()).digest()  # they may be of any length
        if refusal := self.strangers.answer(said, address):
            return refusal
        self.strangers.waiting += 1
        try:
            async with self.strangers.turn:
                answer = self.strangers.answer(said, address) or await self._get("/api/mobile/v1/me", headers, {})
        finally:
            self.strangers.waiting -= 1
        if answer.status_code == 401:
            self.strangers.refuse(said, address, answer)
        if answer.status_code != 200:
            return answer
        if len(self.officers) >= KNOWN:
            self.officers.clear()
        self.officers[token] = answer.json()["id"]
        return self.officers[token]


class Visit:
    """One phone that waits."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, web: Web):
        given = dict(scope["headers"])
        self.headers = {name.decode(): given[name].decode("latin1") for name in PASSED if name in given}
        self.origin = given.get(b"origin", b"").decode("latin1")
        self.ours = not self.origin or ours(self.origin, self.headers.get("host", ""), web.port)
        if self.ours and (token := session(given.get(b"cookie", b"").decode("latin1"))):
            self.headers.setdefault("x-session-token", token)
        self.address = address(scope.get("client"), self.headers.get("x-forwarded-for", ""))
        self.query = dict(parse_qsl(scope["query_string"].decode(errors="replace")))
        self.last_seen = given.get(b"last-event-id", b"").decode("latin1")
        self.web, self.send = web, send
        self.gone = asyncio.ensure_future(self._until_gone(receive))

    @staticmethod
    async def _until_gone(receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    async def poll(self, bell: asyncio.Event) -> None:
        """Answer when there is something to tell, or when `wait` is over."""
        wait = self.query.pop("wait", "")[:3]  # the web server has judged it; more would be no number of seconds
        until = asyncio.get_running_loop().time() + min(int(wait) if wait.isdecimal() else 0, LONGEST_S)
        while True:
            bell.clear()
            answer = await self.web.ask(INBOX, self.headers, **self.query)
            left = until - asyncio.get_running_loop().time()
            if answer.status_code != 200 or _tells(answer.json()) or not await self._rung(bell, left):
                return await self.answer(answer)

    async def stream(self, bell: asyncio.Event) -> None:
        """Tell of each message as it comes, in the number's order, until the phone leaves or its session ends."""
        bell.clear()
        since = later(self.query.get("since", ""), self.last_seen)
        answer = await self.web.ask(INBOX, self.headers, **({"since": since, "limit": PAGE} if since else {"limit": 1}))
        if answer.status_code != 200:
            await self.answer(answer)
            return
        await self._start(200, {"content-type": "text/event-stream", "x-accel-buffering": "no"})
        inbox = answer.json() if since else answer.json() | {"items": []}
        if not inbox["reset"]:
            await self._name("ready", int(since or inbox["last"]))
        await self._tell(inbox)
        while answer.status_code not in (401, 403) and not self.gone.done():
            pause = asyncio.ensure_future(asyncio.sleep(PAUSE_S))
            if len(inbox["items"]) < PAGE:
                if not await self._rung(bell, KEEP_S):
                    await self._write(b": here\n\n")
                    if self.web.asking >= AT_ONCE:  # whoever was rung goes first
                        continue
                await pause
            bell.clear()
            answer = await self.web.ask(INBOX, self.headers, since=inbox["last"], limit=PAGE)
            inbox = answer.json() if answer.status_code == 200 else inbox | {"items": [], "reset": False}
            await self._tell(inbox)
        await self._write(b"", more=False)

    async def _rung(self, bell: asyncio.Event, seconds: float) -> bool:
        """Whether the bell rang in time; not if the phone left."""
        ringing = asyncio.ensure_future(bell.wait())
        await asyncio.wait({ringing, self.gone}, timeout=max(seconds, 0), return_when=asyncio.FIRST_COMPLETED)
        ringing.cancel()
        return bell.is_set() and not self.gone.done()

    async def _name(self, event: str, number: int) -> None:
        """After which number it goes on: whoever breaks off before the next message asks from there."""
        await self._write(f'id: {number}\nevent: {event}\ndata: {{"last": {number}}}\n\n'.encode())

    async def _tell(self, inbox: dict[str, Any]) -> None:
        if inbox["reset"]:
            await self._name("reset", inbox["last"])
        for message in inbox["items"]:
            said = json.dumps(message, ensure_ascii=False)
            await self._write(f"id: {message['number']}\nevent: message\ndata: {said}\n\n".encode())

    async def permit(self) -> None:
        """What a browser asks before it sends a header of its own."""
        await self._start(204, {"access-control-allow-headers": "x-session-token, last-event-id"} if self.ours else {})
        await self._write(b"", more=False)

    async def answer(self, answer: httpx.Response) -> None:
        """What the web server said."""
        kept = {name: answer.headers[name] for name in ("content-type", "retry-after") if name in answer.headers}
        await self._start(answer.status_code, kept)
        await self._write(answer.content, more=False)

    async def _start(self, status: int, headers: Headers) -> None:
        if self.origin:
            headers = headers | {"vary": "origin"} | (readable(self.origin) if self.ours else {})
        said = [(name.encode(), value.encode()) for name, value in {"cache-control": "no-store", **headers}.items()]
        await self.send({"type": "http.response.start", "status": status, "headers": said})

    async def _write(self, body: bytes, *, more: bool = True) -> None:
        await self.send({"type": "http.response.body", "body": body, "more_body": more})


def _tells(inbox: dict[str, Any]) -> bool:
    return bool(inbox["items"] or inbox["reset"])


class Room:
    """The ASGI application."""

    def __init__(self, database: str, web: str):
        self.bells, self.web = Doorbells(), Web(web)
        self.line = Line(database, self.bells)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await self._live(receive, send)
        visit = Visit(scope, receive, send, self.web)
        try:
            await self._receive(scope, visit)
        finally:
            visit.gone.cancel()
        return None

    async def _live(self, receive: Receive, send: Send) -> None:
        listening = None
        while True:
            if (await receive())["type"] == "lifespan.startup":
                listening = asyncio.ensure_future(self.line.listen())
                await send({"type": "lifespan.startup.complete"})
            else:
                if listening:
                    listening.cancel()
                    with suppress(asyncio.CancelledError):
                        await listening
                return await send({"type": "lifespan.shutdown.complete"})

    async def _receive(self, scope: Scope, visit: Visit) -> None:
        waits = {INBOX: visit.poll, f"{INBOX}/stream": visit.stream}.get(scope["path"])
        if waits and scope["method"] == "OPTIONS":
            return await visit.permit()
        if waits is None or scope["method"] != "GET":
            return await visit.answer(httpx.Response(404))
        if self.bells.taken >= PLACES:
            return await visit.answer(httpx.Response(503, headers={"Retry-After": str(FULL_S)}))
        self.bells.taken += 1
        try:
            officer = await self.web.officer(visit.headers, visit.address)
            if isinstance(officer, httpx.Response):
                return await visit.answer(officer)
            with self.bells.bell(officer) as bell:
                return await waits(bell)
        finally:
            self.bells.taken -= 1


application = Room(
    os.environ["DATABASE_URL"], os.environ.get("WEB_URL") or f"http://127.0.0.1:{os.environ.get('PORT', '8000')}"
)
