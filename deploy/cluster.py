"""A private PostgreSQL cluster: made, started and stopped here, reached through a Unix socket alone.

Promises: it never touches the machine's own clusters, listens on no port, lets nobody in but the user who runs it,
and leaves no process behind: whoever leaves last stops it. Tests and benches may import it.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import pwd
import secrets
import shlex
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

from deploy.process import ROOT, Failed
from deploy.tongue import told

DATA = Path(os.environ.get("DATA_DIR") or ROOT / ".data").absolute()
OLDEST = 15  # the first PostgreSQL that has all we use
DATABASE = OWNER = "wangge"  # the owner migrates and loads
APP = "wangge_app"  # web and worker: may not rewrite the log of a case
REVIVE_S = 60  # a server that does not start in that time after it died is not going to
SOCKET_LIMIT = 107  # bytes of a Unix socket's path, the kernel's

SETTINGS = {
    "listen_addresses": "",
    "port": "5432",  # only a part of the socket's name
    "unix_socket_permissions": "0700",
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "random_page_cost": "1.1",  # solid state disks
    "jit": "off",  # compiling costs more than our short queries take
    "timezone": "UTC",
    "log_min_duration_statement": "1s",
    "log_line_prefix": "%m [%p] %u ",
}
# What a committed row survives then: the death of any process, but not of the machine. A test gives back what it wrote:
# a vacuum in the middle of it notes full tables as empty ones, and joins are planned for that.
HASTY = {"fsync": "off", "full_page_writes": "off", "autovacuum": "off"}

# Each statement may be said again.
FURNITURE = f"""
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS postgis;
SELECT 'CREATE ROLE {OWNER} LOGIN CREATEDB' WHERE to_regrole('{OWNER}') IS NULL \\gexec
SELECT 'CREATE ROLE {APP} LOGIN' WHERE to_regrole('{APP}') IS NULL \\gexec
GRANT {APP} TO {OWNER};
SELECT 'CREATE DATABASE {DATABASE} OWNER {OWNER}'
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '{DATABASE}') \\gexec
"""  # noqa: S608 (our own constants)


@dataclass(frozen=True)
class Cluster:
    """One cluster in a folder. `durable` is for whatever must outlive a power cut; tests are hasty instead."""

    folder: Path
    durable: bool = True

    @contextmanager
    def running(self) -> Iterator[Cluster]:
        """The cluster runs while the block lasts. Blocks in several processes may overlap: the last one stops it.

        Who still needs it is told by a shared lock, so a killed process does not count.
        """
        with (passable(self.folder) / "users.lock").open("a") as users:
            try:
                with self._door():
                    fcntl.flock(users, fcntl.LOCK_SH)
                    self.start()
                yield self
            finally:
                with self._door():
                    if _nobody_else(users):
                        self.stop()

    def start(self) -> None:
        """Make the cluster where there is none, and start it where it does not run. Raises Failed with its log."""
        if self.runs():
            return
        if not self.programs.exists():
            raise Failed(
                told(
                    "The database in {folder} was made by PostgreSQL {version}, which is no longer installed."
                    " Install postgresql-{version}-postgis-3 again, or carry the data over as docs/operations.md says.",
                    folder=self.folder,
                    version=self.version,
                )
            )
        self._forget_the_dead()
        if not (self.files / "pg").exists():
            self._make()
        self._postgres_folder(self.socket)
        options = SETTINGS | {"unix_socket_directories": str(self.socket)} | ({} if self.durable else HASTY)
        words = " ".join(f"-c {name}={shlex.quote(value)}" for name, value in options.items())
        self._ctl("-l", self.log, "-o", words, "-t", "60", "start")
        self.sql(FURNITURE, database="template1")

    def revive(self) -> None:
        """Start the server again after it died under us. Raises Failed, with its log, where it will not live.

        What it left behind may still work for a moment: until all of it has gone, PostgreSQL refuses to start.
        """
        until = time.monotonic() + REVIVE_S
        while True:
            try:
                with self._door():
                    self.start()
                return
            except Failed:
                if time.monotonic() > until:
                    raise
            time.sleep(1)

    def stop(self) -> None:
        """Stop the cluster if it runs; whatever was committed is on the disk then."""
        if self.runs():
            self._ctl("-m", "fast", "-t", "60", "stop")

    def runs(self) -> bool:
        """By the process that the data's folder names. A dead one that nobody has buried is dead."""
        return self._state() not in ("", "Z", "X")

    def _state(self) -> str:
        """The kernel's letter for the server's process; none where there is no such process, or another's."""
        try:
            head = int((self.files / "pg" / "postmaster.pid").read_text().split()[0])
            name, _bracket, rest = Path(f"/proc/{head}/stat").read_text().partition("(")[2].rpartition(")")
        except (FileNotFoundError, ProcessLookupError, ValueError, IndexError):
            return ""
        return rest.split()[0] if name == "postgres" else ""

    def _forget_the_dead(self) -> None:
        """PostgreSQL takes a dead server that nobody has buried for a living one, and refuses to start."""
        if self._state() in ("Z", "X"):
            (self.socket / ".s.PGSQL.5432.lock").unlink(missing_ok=True)
            (self.files / "pg" / "postmaster.pid").unlink()

    def remove(self) -> None:
        """Stop the cluster and delete its files. Raises Failed while somebody uses it."""
        with self._door(), (self.folder / "users.lock").open("a") as users:
            if not _nobody_else(users):
                raise Failed(told("The database in {folder} is in use: stop what uses it first.", folder=self.folder))
            self.stop()
            for place in ("pg", "pg.half", "log"):
                shutil.rmtree(self.files / place, ignore_errors=True)
            shutil.rmtree(self.socket, ignore_errors=True)
            if self.files != self.folder:
                shutil.rmtree(self.files, ignore_errors=True)

    def url(self, role: str) -> str:
        """How one reaches the database, for Django, psql and pg_dump alike."""
        return f"postgresql://{role}@{quote(str(self.socket), safe='')}:5432/{DATABASE}"

    def sql(self, statements: str, *, database: str = DATABASE) -> str:
        """Run statements as the superuser, each on its own; give the rows as text. Raises Failed."""
        asked = ("-X", "-qAt", "-v", "ON_ERROR_STOP=1", "-h", self.socket, "-p", "5432", "-d", database)
        answer = self._as_server("psql", *asked, stdin=statements)
        if answer.returncode:
            raise Failed(told("PostgreSQL refused: {reason}", reason=answer.stderr.strip()))
        return answer.stdout

    @property
    def log(self) -> Path:
        return self.files / "log" / "postgresql.log"

    @property
    def version(self) -> int:
        """Of PostgreSQL: the one that made the files, else the newest that is installed. Raises Failed."""
        made = self.files / "pg" / "PG_VERSION"
        return int(made.read_text()) if made.exists() else newest_version()

    @property
    def programs(self) -> Path:
        """Where that version's programs lie, if they are still installed."""
        return programs(self.version)

    @cached_property
    def files(self) -> Path:
        """Where the server's files lie: in the folder, or in its own home where it cannot reach that (below /root)."""
        inside = subprocess.run(["test", "-x", passable(self.folder)], check=False, **_server_user())
        if inside.returncode == 0:
            return self.folder
        outside = Path("/var/lib/postgresql") / f"wangge-{self._mark}"
        self._postgres_folder(outside)
        return outside

    @cached_property
    def socket(self) -> Path:
        """The socket's folder: beside the data, or a short one where that path is longer than a socket's may be."""
        beside = self.files / "run"
        if len(os.fsencode(beside / ".s.PGSQL.5432")) <= SOCKET_LIMIT:
            return beside
        return Path("/tmp") / f"wangge-{self._mark}"  # noqa: S108 (_postgres_folder refuses a planted one)

    @property
    def _mark(self) -> str:
        return hashlib.sha256(os.fsencode(self.folder)).hexdigest()[:10]

    @contextmanager
    def _door(self) -> Iterator[None]:
        """One at a time starts, stops or removes."""
        with (passable(self.folder) / "door.lock").open("a") as door:
            fcntl.flock(door, fcntl.LOCK_EX)
            yield

    def _make(self) -> None:
        """Beside its place first: a cluster half made is never mistaken for one."""
        half = self.files / "pg.half"
        shutil.rmtree(half, ignore_errors=True)
        for folder in (half, self.log.parent):
            self._postgres_folder(folder)
        made = self._as_server(
            "initdb", "-D", half, "-U", "postgres", "--encoding=UTF8", "--locale=C.UTF-8",
            "--auth-local=trust", "--auth-host=reject", *(() if self.durable else ("--no-sync",)),
        )  # fmt: skip
        if made.returncode:
            raise Failed(told("initdb failed: {reason}", reason=made.stderr.strip()))
        half.rename(self.files / "pg")

    def _postgres_folder(self, folder: Path) -> None:
        """A folder of the server's own. One that another user planted under our name is refused."""
        folder.mkdir(parents=True, exist_ok=True)
        if folder.is_symlink() or folder.stat().st_uid not in (os.geteuid(), _server_uid()):
            raise Failed(told("{folder} belongs to somebody else: remove it.", folder=folder))
        os.chown(folder, _server_uid(), -1)
        folder.chmod(0o700)

    def _ctl(self, *words: str | Path) -> None:
        done = self._as_server("pg_ctl", "-D", self.files / "pg", "-s", "-w", *words)
        if done.returncode:
            tail = "\n".join(self.log.read_text(errors="replace").splitlines()[-15:]) if self.log.exists() else ""
            said = {"act": words[-1], "reason": f"{done.stderr.strip()}\n{tail}", "log": self.log}
            raise Failed(told("pg_ctl {act} failed: {reason}\nThe whole log: {log}", **said))

    def _as_server(self, program: str, *words: str | Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
        environment = without_pg(os.environ) | {"PGUSER": "postgres"}
        said: dict[str, Any] = {"input": stdin, "capture_output": True, "text": True, **_server_user()}
        return subprocess.run([self.programs / program, *words], check=False, env=environment, cwd="/", **said)


@contextmanager
def throwaway(*, durable: bool = False) -> Iterator[Cluster]:
    """A running cluster of one's own, deleted after the block. What killed processes left behind is deleted first."""
    for left in DATA.glob("throwaway-*"):
        if not Path(f"/proc/{left.name.split('-')[1]}").exists():
            _delete(Cluster(left))
    cluster = Cluster(DATA / f"throwaway-{os.getpid()}-{secrets.token_hex(3)}", durable)
    try:
        with cluster.running():
            yield cluster
    finally:
        _delete(cluster)


def passable(folder: Path) -> Path:
    """The folder, made where it is missing: the server's user may pass through, nobody else may look around."""
    if not folder.exists():
        folder.mkdir(parents=True)
        folder.chmod(0o711)
    return folder


def without_pg(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment without PGHOST and its like, which would lead a client to some other server."""
    return {name: value for name, value in environment.items() if not name.startswith("PG")}


def _delete(cluster: Cluster) -> None:
    cluster.remove()
    shutil.rmtree(cluster.folder)


def programs(version: int) -> Path:
    return Path("/usr/lib/postgresql") / str(version) / "bin"


def newest_version() -> int:
    """The newest PostgreSQL of the machine that has PostGIS and that we can work with. Raises Failed."""
    places = Path("/usr/share/postgresql").glob("[0-9]*/extension/postgis.control")
    found = [version for place in places if programs(version := int(place.parents[1].name)).exists()]
    if max(found, default=0) < OLDEST:
        raise Failed(
            told(
                "No PostgreSQL from {oldest} on with PostGIS is installed: apt-get install postgresql-postgis",
                oldest=OLDEST,
            )
        )
    return max(found)


def _nobody_else(users: IO[str]) -> bool:
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _server_user() -> dict[str, Any]:
    """How a child becomes the user that the server runs as: PostgreSQL refuses to run as root."""
    return {} if os.geteuid() else {"user": "postgres", "group": "postgres", "extra_groups": []}


def _server_uid() -> int:
    return os.geteuid() or pwd.getpwnam("postgres").pw_uid
