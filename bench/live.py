"""From the report of a case to the open app of whoever is to handle it: web server, worker and waiting room as deploy/
starts them.

    ./dev bench live [--apps 200] [--rate 5] [--seconds 30]

So many apps hold a stream open while inspectors report, at a steady rate, whether they have been answered or not. For
each message: from the event's own moment to the line in the inbox, and to the line on the phone; and, beside it, how
long the web server took to answer the reports meanwhile.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import http.client
import itertools
import json
import logging
import os
import socket
import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from datetime import UTC, datetime
from multiprocessing import get_context
from threading import local
from typing import Any
from uuid import uuid4

import httpx

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend.settings")
import django  # the settings are read from the environment of ./dev bench

django.setup()
logging.getLogger("httpx").setLevel(logging.WARNING)

from django.db import connection  # noqa: E402

from bench._server import as_app  # noqa: E402
from cases.loading import demo  # noqa: E402
from deploy.process import ROOT, start  # noqa: E402
from grid.roles import Role  # noqa: E402

API = "/api/mobile/v1"
READY_S = 40
PHONES = 64  # that report at one moment
INBOX = """
    SELECT extract(epoch FROM message.written_at - event.at)
    FROM cases_caseevent AS event JOIN mobile_api_message AS message ON message.event_id = event.id
    WHERE event.verb = 'dispatch' AND event.id IN
        (SELECT id FROM cases_caseevent WHERE verb = 'dispatch' ORDER BY id DESC LIMIT %s)
"""


def free_port() -> int:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return int(door.getsockname()[1])


@contextlib.contextmanager
def city() -> Iterator[str]:
    """All three processes; the web server's address."""
    port, live = free_port(), free_port()
    said = {"PORT": str(port), "LIVE_PORT": str(live), "LIVE_URL": f":{live}", "LOG_LEVEL": "WARNING"}
    lines = [line.split(": ", 1) for line in (ROOT / "deploy/Procfile").read_text().splitlines()]
    with contextlib.ExitStack() as stack:
        for _name, command in lines:
            running = stack.enter_context(start(("sh", "-c", command), as_app() | said, apart=True))
            stack.callback(running.terminate)
        until = time.monotonic() + READY_S
        while time.monotonic() < until:
            with contextlib.suppress(httpx.HTTPError):
                if httpx.get(f"http://127.0.0.1:{port}/healthz", trust_env=False).status_code == 200:
                    break
            time.sleep(0.2)
        time.sleep(6)  # the worker is slower
        yield f"http://127.0.0.1:{port}"


async def log_in(http: httpx.AsyncClient, name: str) -> str:
    said = {"username": name, "password": demo.PASSWORD}
    answer = await http.post("/api/auth/app/v1/auth/login", json=said)
    return str(answer.raise_for_status().json()["meta"]["session_token"])


async def listen(http: httpx.AsyncClient, token: str, spans: list[float], seen: set[str]) -> None:
    asked = http.stream("GET", f"{API}/inbox/stream", headers={"X-Session-Token": token}, timeout=None)
    async with asked as answer:
        answer.raise_for_status()
        seen.add("open")
        async for line in answer.aiter_lines():
            if line.startswith("data: "):
                at = datetime.fromisoformat(json.loads(line.removeprefix("data: "))["at"])
                spans.append((datetime.now(UTC) - at).total_seconds())


async def report(http: httpx.AsyncClient, token: str, said: dict[str, Any], spans: list[float]) -> None:
    began = time.perf_counter()
    answer = await http.post(f"{API}/cases", json=said | {"id": str(uuid4())}, headers={"X-Session-Token": token})
    answer.raise_for_status()
    spans.append(time.perf_counter() - began)


async def template(http: httpx.AsyncClient, token: str) -> dict[str, Any]:
    """A report from the middle of the first cell of the inspector's beat."""
    known = (await http.get(f"{API}/city", headers={"X-Session-Token": token}, params={"crs": "wgs84"})).json()
    ring = known["cells"]["features"][0]["geometry"]["coordinates"][0]
    lon, lat = (sum(point[n] for point in ring[:-1]) / len(ring[:-1]) for n in (0, 1))
    event = next(row for row in known["categories"] if row["kind"]["code"] == "event" and row["conditions"])
    point = {"lon": lon, "lat": lat, "crs": "wgs84"}
    return {"category": event["id"], "condition": event["conditions"][0]["id"], "point": point}


async def measure(address: str, apps: int, rate: float, seconds: float) -> None:
    rows = demo.people(demo.CITIES[0])
    inspector = next(row["username"] for row in rows if Role.INSPECTOR in row["roles"].split("|"))
    others = [row["username"] for row in rows if Role.INSPECTOR not in row["roles"].split("|")]
    limits = httpx.Limits(max_connections=None)
    options: dict[str, Any] = {"base_url": address, "trust_env": False, "follow_redirects": True, "timeout": 30}
    async with httpx.AsyncClient(limits=limits, **options) as http:
        token = await log_in(http, inspector)
        said = await template(http, token)
        tokens = [await log_in(http, name) for name in others]
        alone: list[float] = []
        for _ in range(30):
            await report(http, token, said, alone)
        heard: list[float] = []
        opened: list[set[str]] = [set() for _ in range(apps)]
        listeners = [
            asyncio.create_task(listen(http, of, heard, seen))
            for of, seen in zip(itertools.cycle(tokens), opened, strict=False)
        ]
        while not all(opened):
            await asyncio.sleep(0.1)
        with ProcessPoolExecutor(1, get_context("spawn")) as phones:  # their work is not the apps'
            sending = phones.submit(fire, address, token, said, rate, seconds)
            reported, took = await asyncio.wrap_future(sending)
        await _quiet(heard)
        for listener in listeners:
            listener.cancel()
        print(f"{apps} open apps, {rate:g} reports/s for {seconds:g} s, {len(heard)} messages")
        print(f"all {len(reported)} reports answered after {took:.1f} s: {len(reported) / took:.0f}/s")
        print(f"load average {os.getloadavg()[0]:.1f}")
        show("event to inbox", await asyncio.to_thread(inboxes, len(reported)))
        show("event to open app", heard)
        show("a report, apps open", reported)
        show("a report, alone", alone)


def fire(address: str, token: str, said: dict[str, Any], rate: float, seconds: float) -> tuple[list[float], float]:
    """Report at a steady rate, an open loop: whoever has something to report does not wait for others.

    How long each took, from the moment when it was to be sent, and all together.
    """
    lines, began = local(), time.perf_counter()

    def send(n: int) -> float:
        if not hasattr(lines, "line"):
            lines.line = http.client.HTTPConnection(address.removeprefix("http://"), timeout=60)
        body = json.dumps(said | {"id": str(uuid4())})
        lines.line.request("POST", f"{API}/cases", body, {"X-Session-Token": token, "Content-Type": "application/json"})
        answer = lines.line.getresponse()
        assert answer.status == 201, answer.read()
        answer.read()
        return time.perf_counter() - began - n / rate

    with ThreadPoolExecutor(PHONES) as pool:
        sent = []
        for n in range(int(rate * seconds)):
            time.sleep(max(0, began + n / rate - time.perf_counter()))
            sent.append(pool.submit(send, n))
        spans = [one.result() for one in sent]
    return spans, time.perf_counter() - began


async def _quiet(heard: list[float]) -> None:
    """Until no more messages come for a while."""
    before = -1
    while len(heard) > before:
        before = len(heard)
        await asyncio.sleep(3)


def inboxes(reports: int) -> list[float]:
    """From the event's moment to the line in the inbox, for the last so many dispatches."""
    with connection.cursor() as cursor:
        cursor.execute(INBOX, [reports])
        return [float(seconds) for (seconds,) in cursor.fetchall()]


def show(what: str, spans: list[float]) -> None:
    if len(spans) < 2:
        print(f"{what:20} nobody")  # with few apps none may be open that a message is for
        return
    cuts = [1000 * cut for cut in statistics.quantiles(spans, n=100)]
    print(f"{what:20} p50 {cuts[49]:6.0f} ms   p95 {cuts[94]:6.0f} ms   max {1000 * max(spans):6.0f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.live", description=__doc__)
    parser.add_argument("--apps", type=int, default=200)
    parser.add_argument("--rate", type=float, default=5)
    parser.add_argument("--seconds", type=float, default=30)
    given = parser.parse_args()
    with city() as address:
        asyncio.run(measure(address, given.apps, given.rate, given.seconds))


if __name__ == "__main__":
    main()
