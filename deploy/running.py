"""Which `./dev up` serves this folder: told by a lock, which a killed process does not hold, and a line in its file."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

from deploy.cluster import DATA, passable
from deploy.process import Failed, say
from deploy.tongue import told

LOOK_S = 0.2
STARTING, READY = "starting", "ready"


@dataclass(frozen=True)
class Up:
    """A `./dev up`: its process, its address, and whether it has said that it is ready."""

    process: int
    address: str
    ready: bool


@dataclass(frozen=True)
class Door:
    """Held by who serves."""

    lock: IO[str]
    address: str

    def say(self, state: str) -> None:
        """In one piece: who reads meanwhile sees the line before or none."""
        self.lock.seek(0)
        self.lock.truncate()
        self.lock.write(f"{os.getpid()} {self.address} {state}\n")
        self.lock.flush()

    def opened(self) -> None:
        self.say(READY)


def serving() -> Up | None:
    """The `./dev up` that runs on this folder, if one does."""
    with (passable(DATA) / "up.lock").open("a+") as lock:
        while not _free(lock):
            lock.seek(0)
            if len(words := lock.read().split()) == 3:  # else it has just begun, or is just writing
                return Up(int(words[0]), words[1], words[2] == READY)
            time.sleep(LOOK_S)
    return None


def _free(lock: IO[str]) -> bool:
    return _taken(lock, fcntl.LOCK_SH)


def _taken(lock: IO[str], kind: int = fcntl.LOCK_EX) -> bool:
    try:
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def ready(otherwise: str) -> Up:
    """The `./dev up` of this folder, once it is ready. Raises Failed with `otherwise` where none runs, or it ends."""
    if (here := serving()) and not here.ready:
        say(told("waiting until ./dev up is ready"))
    while (here := serving()) and not here.ready:
        time.sleep(LOOK_S)
    if here is None:
        raise Failed(otherwise)
    return here


@contextmanager
def alone(address: str) -> Iterator[Door]:
    """Held while we serve. Raises Failed while another does."""
    with (passable(DATA) / "up.lock").open("a+") as lock:
        while not _taken(lock):  # by who serves, or for a moment by who only looks
            if other := serving():
                said = {"address": other.address, "process": other.process}
                raise Failed(
                    told(
                        "./dev up runs here already, at {address}. Stop it with Ctrl-C there, or with: kill {process}",
                        **said,
                    )
                )
        door = Door(lock, address)
        door.say(STARTING)
        yield door
