"""`./dev up` from an empty folder, as a newcomer sees it: one line a step, one language, well when it says ready."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from cases.loading.demo import PASSWORD
from deploy.cluster import Cluster
from deploy.process import start

CJK = re.compile(r"[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]")
LONGEST_S = 600  # of a start, on a machine that has other things to do
OTHERS = {"DATABASE_URL", "DATABASE_OWNER_URL", "DATABASE_APP_URL", "DATA_DIR", "SECRET_KEY", "DEMO"}


@dataclass(frozen=True)
class Up:
    """A running `./dev up` and its terminal."""

    head: subprocess.Popen[str]
    paper: Path
    port: int

    def said(self) -> str:
        return self.paper.read_text(errors="replace")

    def until(self, happened: Callable[[], object], what: str) -> None:
        end = time.monotonic() + LONGEST_S
        while not happened():
            assert self.head.poll() is None, f"ended before {what}:\n{self.said()}"
            assert time.monotonic() < end, f"not in {LONGEST_S} s: {what}\n{self.said()}"
            time.sleep(0.1)

    def health(self) -> dict[str, Any]:
        with suppress(httpx.TransportError):
            told: dict[str, Any] = httpx.get(f"{self.address}/healthz", trust_env=False, timeout=30).json()
            return told
        return {"status": "none"}

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def login(self, username: str) -> int:
        said = {"username": username, "password": PASSWORD}
        path = f"{self.address}/api/auth/app/v1/auth/login"
        return httpx.post(path, json=said, trust_env=False, timeout=60).status_code


@contextmanager
def up(folder: Path, port: int, **more: str) -> Iterator[Up]:
    """One that said that it is ready."""
    given = {name: said for name, said in os.environ.items() if name not in OTHERS}
    given |= {"DATA_DIR": str(folder), "LIVE_PORT": str(port + 1)} | more
    paper = folder.parent / f"said-{time.monotonic_ns()}"
    command = (sys.executable, "-m", "deploy", "up", "--port", str(port))
    with paper.open("w") as out:
        head = start(command, given, apart=True, stdout=out, stderr=subprocess.STDOUT)
    one = Up(head, paper, port)
    try:
        one.until(lambda: "Ctrl-C" in one.said(), "it is ready")
        yield one
    finally:
        head.terminate()
        head.wait(60)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """As `./dev` makes one: PostgreSQL's user passes through."""
    place = tmp_path / "data"
    place.mkdir(mode=0o711)
    yield place
    Cluster(place).remove()


def test_the_first_minutes(folder: Path) -> None:
    port = _free()
    with up(folder, port, WANGGE_LANG="en") as one:
        assert (one.health()["status"], one.health()["late"]) == ("ok", [])
        steps = [line for line in one.said().splitlines() if line.startswith("-> ")]
        opening = one.said().partition("Wangge is ready")[0].splitlines()
        assert [line for line in opening if line not in steps] == [""], "nothing but one line a step"
        assert not CJK.search(one.said())
        assert one.login("ft_clerk01") == 200
        assert str(folder) not in one.said() and (folder / "log/start.log").stat().st_size > 1000
        _the_database_dies(one, folder)
    assert one.head.returncode == 128 + signal.SIGTERM
    with up(folder, port, WANGGE_LANG="zh", DEMO="0") as one:
        assert "网格已就绪" in one.said() and not re.search(r"Wangge is ready|accounts", one.said())
        assert re.search(r"已停用 \d\d+ 个演示账号的公开密码", one.said())
        assert "./dev manage changepassword" in one.said()
        assert one.login("ft_clerk01") in (400, 401)
        assert (one.health()["status"], one.health()["late"]) == ("ok", [])


def _the_database_dies(one: Up, folder: Path) -> None:
    head = int((Cluster(folder).files / "pg/postmaster.pid").read_text().split()[0])
    os.kill(head, signal.SIGKILL)
    one.until(lambda: "the database answers" in one.said(), "the database lives again")
    one.until(lambda: one.health()["status"] == "ok", "all is well")
    assert "the database's server has died: it is started again" in one.said()
    assert int((Cluster(folder).files / "pg/postmaster.pid").read_text().split()[0]) != head
    assert one.login("ft_clerk01") == 200
    one.until(lambda: one.health()["oldest_debt_s"] == one.health()["queued"] == 0, "the worker works")


def _free() -> int:
    """A port whose next is free as well."""
    while True:
        with socket.create_server(("127.0.0.1", 0)) as door, suppress(OSError, OverflowError):
            port = int(door.getsockname()[1])
            with socket.create_server(("127.0.0.1", port + 1)):
                return port
