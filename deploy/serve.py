"""`./dev up`: from an empty folder to a city that answers, in the foreground, until a signal ends it."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

from deploy import database, numbers, running
from deploy.cluster import APP, DATA, OWNER, Cluster, passable, without_pg
from deploy.process import ROOT, Environment, Failed, say, start
from deploy.steps import doing, step
from deploy.tongue import told

PYTHON = Path(sys.executable)
MANAGE = (PYTHON, "manage.py")
YES = ("1", "true", "yes")
EVERYWHERE = "0.0.0.0"  # noqa: S104 (only said by who wants it, in HOST)
LOOK_S = 1.0  # how often is looked whether the database's server lives
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
            step(told("words"), ("msgfmt", "-o", half, source), os.environ)
            half.rename(compiled)


def static_files(environment: Environment) -> None:
    """What browsers load, in DATA_DIR. Where nothing has changed, nothing is written."""
    step(told("files for browsers"), (*MANAGE, "collectstatic", "--no-input", "--verbosity", "0"), environment)


def prepare(environment: Environment) -> str:
    """Bring the database to what the code expects and load the demo cities; repeatable. Raises Failed.

    Gives what is to be told when all is ready: the demo's logins, or that they are no more.
    """
    owner = as_owner(environment)
    for url in dict.fromkeys((owner["DATABASE_URL"], environment["DATABASE_URL"])):
        database.need(url)
    step(told("tables"), (*MANAGE, "migrate", "--no-input"), owner)
    closed = step(told("schedules"), (*MANAGE, "install"), owner)
    if owner["DATABASE_URL"] != environment["DATABASE_URL"]:
        role = urlsplit(environment["DATABASE_URL"]).username or APP
        step(told("rights"), (*MANAGE, "grant_app", role), owner)
    if environment["DEMO"].lower() not in YES:
        return closed
    return step(told("demo cities"), (*MANAGE, "demo"), owner)


def up(port: int) -> NoReturn:
    """Serve until a signal ends it. Raises Failed where somebody else is in the way, before anything is started."""
    host = os.environ.get("HOST", "127.0.0.1")
    live = numbers.whole("LIVE_PORT", port + 1)
    address = f"http://{'127.0.0.1' if host == EVERYWHERE else host}:{port}"
    with running.alone(address) as door:
        claim(host, port, live)
        words()
        os.umask(0o077)  # photos are nobody else's
        cluster = Cluster(DATA)
        with ExitStack() as stack:
            with doing(told("database")):
                given = stack.enter_context(environment(cluster.running()))
            logins = prepare(given)
            static_files(given)
            doors = {"HOST": host, "PORT": str(port), "LIVE_PORT": str(live), "OPENED_AT": f"{time.monotonic():.0f}"}
            ours = None if os.environ.get("DATABASE_URL") else cluster
            _serve({"LIVE_URL": f":{live}", **given, **doors}, Opening(address, logins, door), ours)


@dataclass(frozen=True)
class Opening:
    """What is told when the doors open, and to whom: people at the terminal, and other commands of this folder."""

    address: str
    logins: str
    door: running.Door

    def tell(self) -> None:
        logins = f"\n{self.logins.strip()}\n" if self.logins else ""
        print(
            told(
                """
Wangge is ready: {address}
  the desk               {address}/
  the phones' interface  {address}/api/mobile/v1/docs
  health                 {address}/healthz
{logins}
Ctrl-C stops everything. ./dev play, in another terminal, lives a day in the city.
""",
                address=self.address,
                logins=logins,
            ),
            flush=True,
        )
        self.door.opened()


def _serve(environment: Environment, opening: Opening, cluster: Cluster | None) -> NoReturn:
    """Web server, worker and waiting room, under one supervisor; the database's server where it is ours."""
    with start((PYTHON, "-m", "deploy.supervisor", "--hold"), environment, apart=True) as supervisor:
        try:
            with doing(told("web server, worker, waiting room")):
                _wait_until_well(supervisor, f"{opening.address}/healthz")
            opening.tell()
            supervisor.send_signal(signal.SIGUSR1)  # from now on the terminal is the servers'
            while (code := _ended(supervisor)) is None:
                if cluster and not cluster.runs():
                    _revive(cluster)
            raise Failed(
                told("Web server or worker ended ({code}), so all was stopped: the last words are above.", code=code)
            )
        except BaseException:
            supervisor.terminate()
            raise


def _ended(supervisor: subprocess.Popen[str]) -> int | None:
    try:
        return supervisor.wait(LOOK_S)
    except subprocess.TimeoutExpired:
        return None


def _revive(cluster: Cluster) -> None:
    """Raises Failed where the database's server will not live again: then all is stopped."""
    say(told("the database's server has died: it is started again"))
    try:
        cluster.revive()
    except Failed as reason:
        raise Failed(told("The database's server died and does not start again.") + f"\n{reason}") from None
    say(told("the database answers"))


def _wait_until_well(supervisor: subprocess.Popen[str], health: str) -> None:
    """Raises Failed where the server ends, or is not well in time, with the reason that it gives."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    reason, until = "no answer", time.monotonic() + READY_S
    while time.monotonic() < until:
        if supervisor.poll() is not None:
            raise Failed(told("The server ended before it was ready: its last words are above."))
        try:
            with direct.open(health, timeout=5):
                return
        except urllib.error.HTTPError as error:
            reason = error.read(1000).decode(errors="replace")
        except OSError as error:
            reason = str(error)
        time.sleep(0.2)
    raise Failed(
        told("{health} is not well after {seconds} s: {reason}", health=health, seconds=READY_S, reason=reason)
    )


def claim(host: str, port: int, live: int) -> None:
    """Raises Failed where a port is somebody else's: the web server's, or the waiting room's."""
    for one, room in ((port, False), (live, True)):
        with socket.socket() as door:
            door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                door.bind((host, one))
            except OSError as error:
                said = {"host": host, "port": one, "reason": error.strerror, "other": _next(one)}
                if room:
                    raise Failed(
                        told(
                            "{host}:{port}, where open apps are to wait for messages, cannot be used ({reason})."
                            " Another: LIVE_PORT={other} ./dev up",
                            **said,
                        )
                    ) from None
                raise Failed(
                    told("{host}:{port} cannot be used ({reason}). Another: ./dev up --port {other}", **said)
                ) from None


def _next(port: int) -> int:
    return port + 2 if port + 2 <= numbers.PORTS[1] else 8000


def _secret_key() -> Path:
    """Made once, readable by its owner alone."""
    key = passable(DATA) / "secret_key"
    if not key.exists():
        half = key.with_suffix(f".{os.getpid()}")
        half.touch(mode=0o600)
        half.write_text(secrets.token_urlsafe(64))
        half.rename(key)
    return key
