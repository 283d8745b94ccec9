"""A PostgreSQL of one's own that keeps its promises (fsync on) and may be killed: for the tests of crashes.

It is ./dev's private cluster, prepared as ./dev prepares it: the tests' own hand is the owner of the tables, the
processes that are made to be killed come in as the application's role.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import dj_database_url
from django.conf import settings
from django.db import connection, connections

from deploy import process, serve
from deploy.cluster import APP, OWNER, Cluster, throwaway, without_pg

PATIENCE_S = 120  # nothing here takes as long, unless it hangs
PR_SET_CHILD_SUBREAPER = 36  # prctl(2)


@dataclass(frozen=True)
class Victim:
    """A process with all its children, and what it said."""

    head: subprocess.Popen[str]
    paper: Path

    def said(self) -> str:
        return self.paper.read_text(errors="replace")

    def kill(self) -> None:
        """SIGKILL to the whole group, as when the machine's memory runs out for all of it. Again is no harm."""
        with suppress(ProcessLookupError):
            os.killpg(self.head.pid, signal.SIGKILL)
        self.head.wait(PATIENCE_S)


@dataclass(frozen=True)
class Server:
    """The running cluster, and the environment of whoever comes in as the application."""

    cluster: Cluster
    environment: dict[str, str]

    @contextmanager
    def victim(self, *command: str | Path, **more: str) -> Iterator[Victim]:
        """Start a program. Whatever is left of it after the block is killed."""
        paper = Path(self.environment["DATA_DIR"]) / f"said-{time.monotonic_ns()}"
        with paper.open("w") as out:
            head = process.start(command, self.environment | more, apart=True, stdout=out, stderr=subprocess.STDOUT)
        victim = Victim(head, paper)
        try:
            yield victim
        finally:
            victim.kill()

    def kill(self) -> None:
        """SIGKILL to the postmaster and all its children at once."""
        head = int((self.cluster.files / "pg" / "postmaster.pid").read_text().split()[0])
        os.kill(head, signal.SIGSTOP)  # or it would see its children die, and end in some order
        family = [head, *children(head)]
        for member in family:
            with suppress(ProcessLookupError):
                os.kill(member, signal.SIGKILL)
        until(lambda: all(buried(member) for member in family), "PostgreSQL is dead")

    def start(self) -> None:
        """Start it again: PostgreSQL recovers from what it had promised to its log."""
        self.cluster.start()


@contextmanager
def durable(folder: Path) -> Iterator[Server]:
    """A durable cluster with empty tables, which is this process's database too while the block lasts."""
    with burying(), throwaway(durable=True) as cluster:
        urls = {"DATABASE_URL": cluster.url(APP), "DATABASE_OWNER_URL": cluster.url(OWNER)}
        own = {
            "DATA_DIR": str(folder),
            "SECRET_KEY": settings.SECRET_KEY,
            "DEMO": "0",
            "PYTHONUNBUFFERED": "1",
            "WANGGE_LANG": "en",
        }
        server = Server(cluster, without_pg(os.environ) | urls | own)
        _copy(os.environ.get("TEMPLATE_URL"), cluster.url(OWNER))
        serve.prepare(server.environment)
        with _standing_in(cluster.url(OWNER)):
            yield server


def _copy(template: str | None, into: str) -> None:
    """Tables that are there already need not be made by all migrations again."""
    if template:
        dump = (
            "pg_dump",
            "--no-owner",
            "--no-comments",
            "--exclude-table-data=spatial_ref_sys",
            "--format=custom",
            template,
        )
        with subprocess.Popen(dump, stdout=subprocess.PIPE) as reading:
            subprocess.run(("pg_restore", "--dbname", into, "--exit-on-error"), stdin=reading.stdout, check=True)


@contextmanager
def _standing_in(url: str) -> Iterator[None]:
    """Django's default database is the one at `url`, for every thread of this process."""
    ours, said = connections["default"], connections.settings["default"]
    connections.settings["default"] = said | dj_database_url.parse(url, engine=said["ENGINE"])
    del connections["default"]
    try:
        yield
    finally:
        connections["default"].close()
        connections.settings["default"] = said
        connections["default"] = ours


def turn_out() -> None:
    """End the sessions of processes that were killed: PostgreSQL notices only when it has something to say to them."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", [APP])


def waiting() -> bool:
    """Whether somebody waits for a lock in this database. May be asked again and again in one transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute("SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
        return cursor.fetchone() is not None


def until(happened: Callable[[], object], what: str, victim: Victim | None = None) -> None:
    """Wait for something, but not for ever, nor for a victim that has ended by itself."""
    end = time.monotonic() + PATIENCE_S
    while not happened():
        said = f":\n{victim.said()[-3000:]}" if victim else ""
        assert victim is None or victim.head.poll() is None, f"ended before it was so that {what}{said}"
        assert time.monotonic() < end, f"not in {PATIENCE_S} s: {what}{said}"
        time.sleep(0.01)


def children(head: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(FileNotFoundError, ProcessLookupError):  # it has just ended
            _state, parent, *_more = stat.read_text().rpartition(")")[2].split()
            if int(parent) == head:
                found.append(int(stat.parent.name))
    return found


@contextmanager
def burying() -> Iterator[None]:
    """Orphans of our children become ours: where nobody buries it, a dead postmaster passes for a living one."""
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        yield
    finally:
        prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


def buried(pid: int) -> bool:
    """Whether a killed process is quite gone."""
    with suppress(ChildProcessError):  # it is somebody else's to bury
        os.waitpid(pid, os.WNOHANG)
    return not Path(f"/proc/{pid}").exists()
