"""From the report of a case to the open app of whoever is to handle it: web server, worker and waiting room as deploy/
starts them.

    ./dev bench live [--apps 200] [--rate 5] [--seconds 30]

So many apps hold a stream open while inspectors report. For each message: from the event's own moment to the line on
the phone; and, beside it, how long the web server took to answer the reports meanwhile.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import json
import logging
import os
import socket
import statistics
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend.settings")
import django  # the settings are read from the environment of ./dev bench

django.setup()
logging.getLogger("httpx").setLevel(logging.WARNING)

from cases.loading import demo  # noqa: E402
from deploy.process import ROOT, start  # noqa: E402
from grid.roles import Role  # noqa: E402

API = "/api/mobile/v1"
READY_S = 40


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
            running = stack.enter_context(start(("sh", "-c", command), os.environ | said, apart=True))
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
        reported: list[float] = []
        opened: list[set[str]] = [set() for _ in range(apps)]
        listeners = [
            asyncio.create_task(listen(http, of, heard, seen))
            for of, seen in zip(itertools.cycle(tokens), opened, strict=False)
        ]
        while not all(opened):
            await asyncio.sleep(0.1)
        reports = []
        for _ in range(int(rate * seconds)):
            reports.append(asyncio.create_task(report(http, token, said, reported)))
            await asyncio.sleep(1 / rate)
        await asyncio.gather(*reports)
        await asyncio.sleep(3)
        for listener in listeners:
            listener.cancel()
        print(f"{apps} open apps, {rate:g} reports/s for {seconds:g} s, {len(heard)} messages")
        show("event to open app", heard)
        show("a report, apps open", reported)
        show("a report, alone", alone)


def show(what: str, spans: list[float]) -> None:
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
