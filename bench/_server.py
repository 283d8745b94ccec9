"""Web server and worker as deploy/ starts them, and what each costs the processors."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from deploy.process import ROOT, start

READY_S = 30
TICK = os.sysconf("SC_CLK_TCK")
GUNICORN = (
    "exec gunicorn --worker-class gthread --workers $WEB_WORKERS --threads $WEB_THREADS --bind $HOST:$PORT "
    "--log-level warning --no-control-socket"
)


@dataclass(frozen=True)
class Shape:
    """A web server, its processes, and the threads of each."""

    server: str
    workers: int
    threads: int

    def __str__(self) -> str:
        return f"{self.server} {self.workers} × {self.threads}"

    @property
    def command(self) -> str:
        """What the Procfile says where it names this server."""
        said = procfile("web")
        if self.server in said:
            return said
        return f"{GUNICORN} backend.wsgi:application"


def procfile(name: str) -> str:
    """How deploy/ starts a process."""
    lines = (ROOT / "deploy" / "Procfile").read_text().splitlines()
    return next(said for line in lines for kind, _colon, said in [line.partition(": ")] if kind == name)


@contextmanager
def web(shape: Shape) -> Iterator[tuple[str, int]]:
    """The web server, ready: its address and its process."""
    port = str(free_port())
    said = {"HOST": "127.0.0.1", "PORT": port, "WEB_WORKERS": str(shape.workers), "WEB_THREADS": str(shape.threads)}
    said["GRANIAN_LOG_LEVEL"] = "warning"
    with _running(shape.command, said) as server:
        address = f"http://127.0.0.1:{port}"
        _wait_until_well(server, f"{address}/healthz")
        yield address, server.pid


@contextmanager
def worker() -> Iterator[int]:
    """The worker, a moment after its start."""
    with _running(procfile("worker"), {}) as running:
        time.sleep(5)
        yield running.pid


def as_app() -> dict[str, str]:
    """The environment of what deploy/ starts: it comes in as the application, not as the owner that fills tables."""
    return {**os.environ, "DATABASE_URL": os.environ.get("DATABASE_APP_URL", os.environ["DATABASE_URL"])}


@contextmanager
def _running(command: str, said: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    with start(("sh", "-c", command), as_app() | said, apart=True) as running:
        try:
            yield running
        finally:
            running.terminate()


def _wait_until_well(server: subprocess.Popen[str], health: str) -> None:
    until = time.monotonic() + READY_S
    while time.monotonic() < until and server.poll() is None:
        try:
            httpx.get(health, trust_env=False).raise_for_status()
            return
        except httpx.HTTPError:
            time.sleep(0.2)
    raise SystemExit(f"{health} is not well")


def free_port() -> int:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return int(door.getsockname()[1])


PARENT, TIMES = 1, slice(11, 15)  # among the fields of proc(5) after the name: ppid; utime, stime, cutime, cstime


def cpu_s(*heads: int) -> list[float]:
    """For each process: seconds of processor time that it and all below it have used, also what has ended there."""
    stats = {int(place.name): stat for place in Path("/proc").glob("[1-9]*") if (stat := _stat(place))}
    used = {pid: sum(map(int, stat[TIMES])) / TICK for pid, stat in stats.items()}
    above = {pid: set(_upwards(pid, stats)) for pid in stats}
    return [sum(used[pid] for pid in stats if head in above[pid]) for head in heads]


def _upwards(pid: int, stats: dict[int, list[str]]) -> Iterator[int]:
    while pid in stats:
        yield pid
        pid = int(stats[pid][PARENT])


def _stat(place: Path) -> list[str]:
    try:
        return (place / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def busy_s() -> float:
    """Seconds of processor time that everything on the machine has used."""
    user, nice, system, _idle, _wait, irq, softirq, *_more = Path("/proc/stat").read_text().split()[1:11]
    return sum(map(int, (user, nice, system, irq, softirq))) / TICK
