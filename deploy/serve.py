"""`./dev up`: from an empty folder to a city that answers, in the foreground, until a signal ends it."""

from __future__ import annotations

import fcntl
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

from deploy.cluster import APP, DATA, OWNER, Cluster, passable, without_pg
from deploy.process import ROOT, Environment, Failed, say, start, step

PYTHON = Path(sys.executable)
MANAGE = (PYTHON, "manage.py")
WELCOME = """
Wangge is ready: {address}
  the desk               {address}/
  the phones' interface  {address}/api/mobile/v1/docs
  health                 {address}/healthz
{logins}
Ctrl-C stops everything. ./dev play, in another terminal, lives a day in the city.
"""
EVERYWHERE = "0.0.0.0"  # noqa: S104 (only said by who wants it, in HOST)
READY_S = 60  # a server that does not answer after so many seconds is not going to


@contextmanager
def environment(cluster: AbstractContextManager[Cluster]) -> Iterator[dict[str, str]]:
    """What the children see while the database runs: the application's role in DATABASE_URL, the owner's beside it.

    Where DATABASE_URL is set already, that server is used and no cluster is made. Whatever else is set stays.
    """
    common = {
        "DEMO": "1",
        "PYTHONUNBUFFERED": "1",  # so that a line is seen when it is said
        "PYTHONUTF8": "1",  # whatever the terminal's locale
        **os.environ,
        "PATH": f"{PYTHON.parent}:{os.environ.get('PATH', os.defpath)}",
    }
    if not {"SECRET_KEY", "SECRET_KEY_FILE"} & common.keys():
        common["SECRET_KEY_FILE"] = str(_secret_key())
    if url := os.environ.get("DATABASE_URL"):
        owner = os.environ.get("DATABASE_OWNER_URL", url)
        yield common | {"DATABASE_URL": _plain(url), "DATABASE_OWNER_URL": _plain(owner), "DATA_DIR": str(DATA)}
    else:
        with cluster as running:
            urls = {"DATABASE_URL": running.url(APP), "DATABASE_OWNER_URL": running.url(OWNER)}
            yield without_pg(common) | urls | {"DATA_DIR": str(running.folder)}


def _plain(url: str) -> str:
    """As psql and pg_dump understand it, too."""
    return url.replace("postgis://", "postgresql://", 1)


def as_owner(environment: Environment) -> dict[str, str]:
    """The same, with the hand that may change tables."""
    return {**environment, "DATABASE_URL": environment["DATABASE_OWNER_URL"]}


def words() -> None:
    """Compile the translations that are older than their source."""
    for source in ROOT.glob("locale/*/LC_MESSAGES/*.po"):
        compiled = source.with_suffix(".mo")
        if not compiled.exists() or compiled.stat().st_mtime < source.stat().st_mtime:
            half = source.with_suffix(f".{os.getpid()}")
            step(("msgfmt", "-o", half, source), os.environ)
            half.rename(compiled)


def static_files(environment: Environment) -> None:
    """What browsers load, in DATA_DIR. Where nothing has changed, nothing is written."""
    step((*MANAGE, "collectstatic", "--no-input", "--verbosity", "0"), environment)


def prepare(environment: Environment) -> str:
    """Bring the database to what the code expects and load the demo cities. Gives the demo's logins. Repeatable."""
    owner = as_owner(environment)
    say("tables")
    step((*MANAGE, "migrate", "--no-input"), owner)
    step((*MANAGE, "install"), owner)
    if owner["DATABASE_URL"] != environment["DATABASE_URL"]:
        step((*MANAGE, "grant_app", urlsplit(environment["DATABASE_URL"]).username or APP), owner)
    if environment["DEMO"] != "1":
        return ""
    say("demo cities")
    return step((*MANAGE, "demo"), owner, capture=True)


def up(port: int) -> NoReturn:
    """Serve until a signal ends it. Raises Failed where somebody else is in the way."""
    host = os.environ.get("HOST", "127.0.0.1")
    address = f"http://{'127.0.0.1' if host == EVERYWHERE else host}:{port}"
    with _alone(address):
        _claim(host, port)
        words()
        os.umask(0o077)  # photos are nobody else's
        say("database")
        with environment(Cluster(DATA).running()) as given:
            logins = prepare(given)
            static_files(given)
            live = os.environ.get("LIVE_PORT", str(port + 1))
            doors = {"HOST": host, "PORT": str(port), "LIVE_PORT": live}
            _serve({"LIVE_URL": f":{live}", **given, **doors}, address, logins)


def _serve(environment: Environment, address: str, logins: str) -> NoReturn:
    """Web server, worker and waiting room, under one supervisor."""
    with start((PYTHON, "-m", "deploy.supervisor"), environment, apart=True) as supervisor:
        try:
            _wait_until_well(supervisor, f"{address}/healthz")
            print(WELCOME.format(address=address, logins=logins and f"\n{logins.strip()}\n"), flush=True)
            code = supervisor.wait()
            raise Failed(f"Web server or worker ended ({code}), so all was stopped: the last words are above.")
        except BaseException:
            supervisor.terminate()
            raise


def _wait_until_well(supervisor: subprocess.Popen[str], health: str) -> None:
    """Raises Failed where the server ends, or is not well in time, with the reason that it gives."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    reason, until = "no answer", time.monotonic() + READY_S
    while time.monotonic() < until:
        if supervisor.poll() is not None:
            raise Failed("The server ended before it was ready: its last words are above.")
        try:
            with direct.open(health, timeout=5):
                return
        except urllib.error.HTTPError as error:
            reason = error.read(1000).decode(errors="replace")
        except OSError as error:
            reason = str(error)
        time.sleep(0.2)
    raise Failed(f"{health} is not well after {READY_S} s: {reason}")


def serving() -> tuple[int, str] | None:
    """The process and the address of the `./dev up` that runs on this folder, if one does."""
    with (passable(DATA) / "up.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            process, address = lock.read().split()
            return int(process), address
    return None


@contextmanager
def _alone(address: str) -> Iterator[None]:
    """Held while we serve. A killed process holds nothing."""
    if other := serving():
        raise Failed(f"./dev up runs here already, at {other[1]}. Stop it with Ctrl-C there, or with: kill {other[0]}")
    with (passable(DATA) / "up.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write(f"{os.getpid()} {address}")
        lock.flush()
        yield


def _claim(host: str, port: int) -> None:
    """Raises Failed where the port is somebody else's."""
    with socket.socket() as door:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            door.bind((host, port))
        except OSError as error:
            raise Failed(
                f"{host}:{port} cannot be used ({error.strerror}). Another: ./dev up --port {port + 1}"
            ) from None


def _secret_key() -> Path:
    """Made once, readable by its owner alone."""
    key = passable(DATA) / "secret_key"
    if not key.exists():
        half = key.with_suffix(f".{os.getpid()}")
        half.touch(mode=0o600)
        half.write_text(secrets.token_urlsafe(64))
        half.rename(key)
    return key
