"""The web server that ships: as deploy/Procfile starts it, with the files, the settings and the role of `./dev up`.

It stands on the database of the tests, so that a test plants there what a browser then finds. What is otherwise than
under `./dev up` stands in OTHERWISE and LEFT_OUT, each with its reason; a test holds both.
"""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from honcho.environ import parse_procfile

from deploy.process import start
from deploy.supervisor import PROCFILE

OTHERWISE = {
    "DATABASE_URL": "the database of the tests; the role is the one that serves, not the one that owns the tables",
    "DATA_DIR": "photos of tests are thrown away; its static files are those that collectstatic made",
    "HOST": "said as ./dev up says it",
    "PORT": "several processes of the tests serve at once",
    "LIVE_PORT": "several processes of the tests serve at once",
    "LIVE_URL": "said as ./dev up says it",
}
LEFT_OUT = {
    "worker": "a test pays what is owed by its own hand, so that it knows when it is paid; test_kills has the worker",
}
READY_S = 60
SETTLED_S = 20
BUSY = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'
"""


def role() -> str:
    return urlsplit(os.environ["DATABASE_APP_URL"]).username or ""


def grant() -> None:
    """As ./dev up does before it serves, and the book after each `migrate`."""
    if role() != connection.settings_dict["USER"]:
        call_command("grant_app", role(), verbosity=0)


def processes() -> dict[str, str]:
    """The commands that ship, but for those left out."""
    lines = parse_procfile(PROCFILE.read_text()).processes
    return {name: command for name, command in lines.items() if name not in LEFT_OUT}


def environment() -> dict[str, str]:
    """What deploy/ gives to its children, as it gave it to the tests."""
    port, live = free_port(), free_port()
    tests = urlsplit(os.environ["DATABASE_APP_URL"])._replace(path=f"/{connection.settings_dict['NAME']}").geturl()
    otherwise = {
        "DATABASE_URL": tests,
        "DATA_DIR": str(settings.DATA_DIR),
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "LIVE_PORT": str(live),
        "LIVE_URL": f":{live}",
    }
    return {**os.environ, **otherwise}


@contextmanager
def serving(**more: str) -> Iterator[str]:
    """The address of a server that answers, started with `more` in its environment. Ended after the block."""
    said = environment() | more
    address = f"http://{said['HOST']}:{said['PORT']}"
    paper = Path(said["DATA_DIR"]) / f"served-{said['PORT']}.log"
    with paper.open("w") as out:
        running = [
            start(("sh", "-c", command), said, apart=True, stdout=out, stderr=subprocess.STDOUT)
            for command in processes().values()
        ]
    try:
        _wait_until_well(address, paper, running)
        yield address
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait(READY_S)


def _wait_until_well(address: str, paper: Path, running: list[subprocess.Popen[str]]) -> None:
    end = time.monotonic() + READY_S
    with httpx.Client(trust_env=False) as http:
        while time.monotonic() < end and all(process.poll() is None for process in running):
            try:
                if http.get(f"{address}/healthz", timeout=5).status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.1)
    raise AssertionError(f"The server is not well:\n{paper.read_text()[-3000:]}")


def settle() -> None:
    """Wait until the server has said its last statement: what browsers asked before they closed is still answered."""
    end = time.monotonic() + SETTLED_S
    while _busy():
        assert time.monotonic() < end, "the server is still busy"
        time.sleep(0.01)


def _busy() -> int:
    with connection.cursor() as cursor:
        cursor.execute(BUSY)
        return int(cursor.fetchone()[0])


def free_port() -> int:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return int(door.getsockname()[1])
