"""The front of the web server: what clients do slowly is waited for here, so that a thread only ever works.

Granian speaks HTTP and hands each request to this program (its RSGI interface) when its headers are there. Here the
body is taken whole, small ones in memory, larger ones in a file; only then one of the WEB_THREADS runs Django, through
the same WSGI door as under any other server. The answer is Granian's to send, however slowly it is read.

A body has BODY_SECONDS, and a second more for each BODY_RATE of its bytes, to come; all bodies of a process together
have SPOOL_BYTES on the disk, and where these are full, the one that has been coming longest ends. What is too large or
too slow is told by Django's middleware (backend.bodies): there is one place that says no, in the reader's language.
"""

from __future__ import annotations

import asyncio
import io
import logging
import os
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import IO, Any, Protocol

from django.conf import settings

from .wsgi import application as django  # sets Django up, which the others need

# isort: split
from . import bodies

SMALL = 65_536  # bytes of a body that are kept in memory
WAITING = 1_000  # requests that wait for a thread; more are told to come again
BODY_RATE = 4_000  # bytes a second that a body has to come at, after BODY_SECONDS
BASIC = {
    "SCRIPT_NAME": "",
    "SERVER_SOFTWARE": "Granian",
    "wsgi.errors": sys.stderr,
    "wsgi.multiprocess": True,
    "wsgi.multithread": True,
    "wsgi.run_once": False,
    "wsgi.version": (1, 0),
}
NAMED = {"CONTENT_TYPE", "CONTENT_LENGTH"}  # headers that CGI calls by their name alone

Headers = list[tuple[str, str]]
log = logging.getLogger(__name__)


class Scope(Protocol):
    """A request's line and headers, as Granian tells them."""

    method: str
    path: str
    query_string: str
    http_version: str
    scheme: str
    server: str
    client: str

    @property
    def headers(self) -> Any: ...


class Client(Protocol):
    """The other end: its body, and the ways to answer."""

    async def __call__(self) -> bytes: ...
    def __aiter__(self) -> Any: ...
    def response_bytes(self, status: int, headers: Headers, body: bytes) -> None: ...
    def response_file(self, status: int, headers: Headers, file: str) -> None: ...


class Gone(Exception):
    """The client left before it had said all. Nobody waits for an answer."""


class Spool:
    """Where larger bodies of this process lie, and how much of them. Used from the event loop alone."""

    def __init__(self, folder: Path, most: int):
        self.folder, self.most, self.held = folder, most, 0
        self.coming: dict[IO[bytes], asyncio.Timeout] = {}  # oldest first
        self.sizes: dict[IO[bytes], int] = {}

    async def take(self, client: Client, size: int, seconds: float) -> IO[bytes]:
        """The whole body in a file without a name. Raises TimeoutError, Gone."""
        file = tempfile.TemporaryFile(dir=self.folder)  # noqa: SIM115  whoever reads it closes it
        self.sizes[file] = 0
        try:
            async with asyncio.timeout(seconds) as left:
                self.coming[file] = left
                async for chunk in client:
                    self._make_room(file, len(chunk))
                    file.write(chunk)
            if self.sizes[file] < size:
                raise Gone
        except BaseException:
            self.free(file)
            file.close()
            raise
        finally:
            self.coming.pop(file, None)
        file.seek(0)
        return file

    def free(self, file: IO[bytes]) -> None:
        """Its room is another's. What never lay here is no matter."""
        self.held -= self.sizes.pop(file, 0)

    def _make_room(self, file: IO[bytes], size: int) -> None:
        self.sizes[file] += size
        self.held += size
        oldest = next(iter(self.coming.values()), None)
        if self.held > self.most and oldest and not oldest.expired():  # one that ends already cannot be told again
            oldest.reschedule(asyncio.get_running_loop().time())


class Files:
    """How Django hands over a file (wsgi.file_wrapper). One on our disk is sent without a thread."""

    def __init__(self, file: Any, _block: int = 0):
        self.file, self.close = file, file.close

    def __iter__(self) -> Iterable[bytes]:
        return iter(lambda: self.file.read(SMALL), b"")

    @property
    def path(self) -> str:
        name = getattr(self.file, "name", None)
        return name if isinstance(name, str) and Path(name).is_absolute() and Path(name).is_file() else ""


class Front:
    """The RSGI application."""

    def __init__(self, application: Callable[..., Iterable[bytes]], threads: int):
        self.application, self.threads = application, threads
        self.queue: SimpleQueue[tuple[Scope, Client, IO[bytes], str, asyncio.Future[None]]] = SimpleQueue()
        self.spool = Spool(settings.DATA_DIR / "spool", settings.SPOOL_BYTES)

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.spool.folder.mkdir(parents=True, exist_ok=True)
        threading.Thread(target=bound_silence, name="web-doors", daemon=True).start()
        for n in range(self.threads):
            threading.Thread(target=self._work, name=f"web-{n}", daemon=True).start()

    async def __rsgi__(self, scope: Scope, client: Client) -> None:
        """Take the body, have a thread answer, and stay until it has."""
        if self.queue.qsize() >= WAITING:
            return bodies.busy(scope.path, scope.headers.get("accept-language", ""), client.response_bytes)
        try:
            body, trouble = await self._body(scope, client)
        except Gone:
            return None
        answered = self.loop.create_future()
        try:
            self.queue.put((scope, client, body, trouble, answered))
            await answered
        finally:
            self.spool.free(body)
        return None

    async def _body(self, scope: Scope, client: Client) -> tuple[IO[bytes], str]:
        """The body, or none and what is the trouble with it. Raises Gone."""
        headers = scope.headers
        size = int(headers.get("content-length") or 0)
        if "transfer-encoding" in headers:
            return io.BytesIO(), "length_required"
        if not size:
            return io.BytesIO(), ""
        seconds = settings.BODY_SECONDS + size / BODY_RATE
        try:
            if size > bodies.most(scope.path, headers.get("content-type", "")):
                await self._pass_over(client, size, "expect" in headers)
                return io.BytesIO(), ""  # whose length is said: Django refuses it
            if size > SMALL:
                return await self.spool.take(client, size, seconds), ""
            async with asyncio.timeout(seconds):
                return io.BytesIO(await client()), ""
        except TimeoutError:
            return io.BytesIO(), "too_slow"
        except RuntimeError:  # Granian's: the connection broke
            raise Gone from None

    @staticmethod
    async def _pass_over(client: Client, size: int, asks: bool) -> None:
        """Read and forget what is too large: a client that still sends does not listen. One that asks first does."""
        if size <= bodies.LARGEST and not asks:
            async with asyncio.timeout(settings.BODY_SECONDS):
                async for _chunk in client:
                    pass

    def _work(self) -> None:
        while True:
            scope, client, body, trouble, answered = self.queue.get()
            try:
                self._answer(scope, client, body, trouble)
            except BaseException:  # a thread that ended would be missed for good
                log.exception("no answer to %s %s", scope.method, scope.path)
                client.response_bytes(500, [], b"")
            finally:
                body.close()
                with suppress(RuntimeError):  # the loop is closed: this process ends
                    self.loop.call_soon_threadsafe(_done, answered)

    def _answer(self, scope: Scope, client: Client, body: IO[bytes], trouble: str) -> None:
        status, headers = 500, []

        def begin(line: str, said: Headers, _exc_info: Any = None) -> None:
            nonlocal status, headers
            status, headers = int(line[:3]), said

        answer = self.application(environ(scope, body, trouble), begin)
        try:
            if isinstance(answer, Files) and (path := answer.path):
                client.response_file(status, headers, path)
            else:
                client.response_bytes(status, headers, b"".join(answer))
        finally:
            getattr(answer, "close", lambda: None)()


def environ(scope: Scope, body: IO[bytes], trouble: str) -> Mapping[str, Any]:
    """The request as WSGI has it (PEP 3333). Names with an underscore are nobody's: they would pass for others."""
    server, _, port = scope.server.rpartition(":")
    said: dict[str, Any] = {
        **BASIC,
        "REQUEST_METHOD": scope.method,
        "PATH_INFO": scope.path.encode().decode("latin1"),
        "QUERY_STRING": scope.query_string.encode().decode("latin1"),
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "SERVER_NAME": server.strip("[]"),
        "SERVER_PORT": port,
        "REMOTE_ADDR": scope.client.rpartition(":")[0].strip("[]"),
        "wsgi.url_scheme": scope.scheme,
        "wsgi.input": body,
        "wsgi.file_wrapper": Files,
        bodies.TROUBLE: trouble,
    }
    for header, value in scope.headers.items():
        if "_" in header:
            continue
        name = header.upper().replace("-", "_")
        name = name if name in NAMED else f"HTTP_{name}"
        joint = "; " if name == "HTTP_COOKIE" else ","
        said[name] = f"{said[name]}{joint}{value}" if name in said else value
    if trouble:
        said["CONTENT_LENGTH"] = "0"
    return said


def _done(answered: asyncio.Future[None]) -> None:
    if not answered.done():
        answered.set_result(None)


def bound_silence() -> None:
    """Have the kernel end connections whose clients take nothing of an answer for ANSWER_SECONDS.

    Granian has no such limit. What a listening socket is told holds for those that it accepts; Granian opens it after
    this program has begun, so it is waited for.
    """
    while not (doors := list(_listening())):
        time.sleep(0.1)
    for door in doors:
        with door:
            door.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, settings.ANSWER_SECONDS * 1000)


def _listening() -> Iterator[socket.socket]:
    """This process's listening sockets, each by a second handle."""
    for handle in Path("/proc/self/fd").iterdir():
        with suppress(OSError):  # closed meanwhile
            if handle.is_socket():
                door = socket.socket(fileno=os.dup(int(handle.name)))
                if door.family != socket.AF_UNIX and door.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                    yield door
                else:
                    door.close()


application = Front(django, int(os.environ.get("WEB_THREADS", "4")))
