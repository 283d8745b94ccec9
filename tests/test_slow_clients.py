"""Clients that are slow, or mean to be: the web server as deploy/Procfile starts it goes on answering the others."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from hashlib import sha256
from pathlib import Path
from select import select
from types import SimpleNamespace
from typing import IO, Any, cast
from uuid import uuid4

import httpx
import pytest
from django.core.management import call_command
from PIL import Image

from backend.front import Spool
from cases.models import Case
from deploy.process import ROOT
from grid.models import Officer

from . import city as town
from . import cluster, pictures
from .cluster import Server, until
from .test_crashes import free_port

API = "/api/mobile/v1"
PATIENCE_S = 20
SLOW, DEAF = 480, 20


@pytest.fixture(scope="module")
def server(django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with django_db_blocker.unblock(), cluster.durable(tmp_path_factory.mktemp("slow")) as made:
        yield made


@pytest.fixture
def city(server: Server) -> SimpleNamespace:
    cluster.turn_out()
    call_command("flush", interactive=False, verbosity=0)
    return town.build()


@contextmanager
def serving(server: Server, **said: str) -> Iterator[int]:
    """The web server on a port, as it ships."""
    command = (ROOT / "deploy/Procfile").read_text().splitlines()[0].removeprefix("web: ")
    port, path = free_port(), f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    with server.victim("sh", "-c", command, PATH=path, PORT=str(port), **said) as web:
        until(lambda: answers(port), "the web server answers", web)
        yield port


def answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/healthz", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


@contextmanager
def phone(port: int, officer: Officer) -> Iterator[httpx.Client]:
    token = str(town.phone(officer).defaults["HTTP_X_SESSION_TOKEN"])
    headers = {"X-Session-Token": token, "Accept-Language": "en"}
    base = f"http://127.0.0.1:{port}"
    with httpx.Client(base_url=base, headers=headers, trust_env=False, timeout=PATIENCE_S) as http:
        yield http


def say(port: int, words: str, **options: int) -> socket.socket:
    """A client that says so much, and then nothing."""
    line = socket.socket()
    if options:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, options["takes"])
    line.connect(("127.0.0.1", port))
    line.sendall(words.encode())
    return line


def head(method: str, path: str, **headers: object) -> str:
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in {"Host": "localhost", **headers}.items()]
    return "\r\n".join([f"{method} {path} HTTP/1.1", *lines, "", ""])


def heard(line: socket.socket) -> tuple[int, dict[str, Any]]:
    """The status and the problem that a client is told, who then finds the line cut."""
    line.settimeout(PATIENCE_S)
    said = b""
    while piece := line.recv(65536):
        said += piece
    lines, _, body = said.partition(b"\r\n\r\n")
    return int(lines.split()[1]), json.loads(body)


def slow_ones() -> list[str]:
    """What four kinds of them say: nothing, half of the headers, half of a log-in, half of a photo."""
    half_a_photo = head("PUT", f"{API}/photos/{'a' * 64}", Content_Length=2_000_000) + "x" * 100_000
    return [
        "",
        "GET / HTTP/1.1\r\nHost: loc",
        head("POST", "/api/auth/app/v1/auth/login", Content_Length=1000) + '{"user',
        half_a_photo,
    ]


def deaf_one(phone: httpx.Client) -> str:
    """Asks for more than any buffer holds, and takes none of it."""
    noise = pictures.saved(Image.effect_noise((2400, 2400), 100), quality=100)
    large = f"{API}/photos/{sha256(noise).hexdigest()}"
    assert phone.put(large, content=noise).status_code == 201 and len(noise) > 5_000_000
    return head("GET", f"{large}?size=original", X_Session_Token=phone.headers["X-Session-Token"])


def test_five_hundred_slow_clients_keep_nobody_from_working(server: Server, city: SimpleNamespace) -> None:
    allow_sockets(2 * SLOW)
    with serving(server) as port, ExitStack() as stack, phone(port, city.ann) as ann, phone(port, city.hugo) as hugo:
        for words in slow_ones() * (SLOW // 4) + [deaf_one(ann)] * DEAF:
            stack.enter_context(say(port, words, takes=4096))
        with ThreadPoolExecutor(8) as people:
            reports = [people.submit(ann.post, f"{API}/cases", json=report(city)) for _ in range(20)]
            looks = [people.submit(hugo.get, f"{API}/cases") for _ in range(20)]
            assert {each.result().status_code for each in reports} == {201}
            assert {each.result().status_code for each in looks} == {200}
        assert answers(port)
    assert Case.objects.count() == 20


def allow_sockets(count: int) -> None:
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard if hard != resource.RLIM_INFINITY else 10 * count, hard))


def report(city: SimpleNamespace) -> dict[str, Any]:
    spot = {"lon": town.LON + town.STEP / 2, "lat": town.LAT + town.STEP / 2, "crs": "wgs84"}
    return {"id": str(uuid4()), "category": city.manhole.pk, "condition": city.rattling.pk, "point": spot}


def test_a_body_has_its_time_and_its_room(server: Server, city: SimpleNamespace) -> None:
    photo = f"{API}/photos/{'a' * 64}"
    with serving(server, BODY_SECONDS="1", SPOOL_BYTES="1000000", WEB_WORKERS="1") as port:
        with say(port, head("POST", f"{API}/cases", Content_Length=400) + "{") as line:
            status, told = heard(line)
        assert (status, told["status"], told["code"]) == (408, 408, "too_slow")
        with say(port, head("POST", f"{API}/cases", Transfer_Encoding="chunked", Accept_Language="en")) as line:
            status, told = heard(line)
        assert (status, told["code"]) == (411, "length_required")
        assert "Content-Length" in told["detail"]
        large = head("PUT", photo, Content_Length=9_000_000) + "x" * 600_000
        with say(port, large) as one, say(port, large) as other:  # whichever came first makes room for the other
            told_so, _writable, _broken = select([one, other], [], [], PATIENCE_S)
            assert [heard(line)[1]["code"] for line in told_so] == ["too_slow"]
        assert answers(port)


def test_who_comes_while_another_is_ended_is_not_ended_with_it(tmp_path: Path) -> None:
    """The one that is told to end takes a moment to do it, in which the next piece of the other comes."""

    class Sender:
        def __init__(self, *pieces: bytes, stays: bool):
            self.pieces, self.stays = pieces, stays

        async def __aiter__(self) -> AsyncIterator[bytes]:
            for piece in self.pieces:
                yield piece
                await asyncio.sleep(0)
            if self.stays:
                await asyncio.sleep(60)

    async def come() -> tuple[BaseException | IO[bytes], BaseException | IO[bytes]]:
        spool = Spool(tmp_path, 10)
        older = spool.take(cast("Any", Sender(b"x" * 8, stays=True)), 99, 60)
        newer = spool.take(cast("Any", Sender(b"y" * 4, b"y", b"y", b"y", stays=False)), 7, 60)
        return tuple(await asyncio.gather(older, newer, return_exceptions=True))  # type: ignore[return-value]

    older, newer = asyncio.run(come())
    assert isinstance(older, TimeoutError)
    assert not isinstance(newer, BaseException), newer
    with newer:
        assert newer.read() == b"y" * 7


def test_who_takes_nothing_of_an_answer_is_cut_off(server: Server, city: SimpleNamespace) -> None:
    with serving(server, ANSWER_SECONDS="1") as port, phone(port, city.ann) as ann:
        words = deaf_one(ann)
        with say(port, words, takes=4096) as line:
            other = line.getsockname()[1]
            until(lambda: held(port, other), "the server has the line")
            until(lambda: not held(port, other), "the server has given it up")


def held(port: int, other: int) -> bool:
    """Whether the kernel keeps the server's end of that line."""
    ends = f":{port:04X} 0100007F:{other:04X} "
    return ends in Path("/proc/net/tcp").read_text(encoding="ascii")


def test_what_is_too_large_is_told_so(server: Server, city: SimpleNamespace) -> None:
    with serving(server) as port, phone(port, city.ann) as ann:
        answer = ann.post(f"{API}/cases", content=b" " * 1_000_000)
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
        answer = ann.put(f"{API}/photos/{'a' * 64}", content=b" " * 21_000_000)
        assert (answer.status_code, answer.json()["code"]) == (413, "photo_too_large")
        answer = ann.post("/account/login/", content=b" " * 1_000_000)
        assert answer.status_code == 413


def test_a_header_with_an_underscore_passes_for_no_other(server: Server, city: SimpleNamespace) -> None:
    with serving(server) as port, phone(port, city.ann) as ann:
        token = ann.headers.pop("X-Session-Token")
        assert ann.get(f"{API}/me", headers={"X_Session_Token": token}).status_code == 401
        assert ann.get(f"{API}/me", headers={"X-Session-Token": token}).json()["username"] == "ann"
