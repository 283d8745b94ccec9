"""Steps of a start: one line each on the terminal, and whatever they print in .data/log/.

On a terminal the line counts the seconds while the step runs; elsewhere it is printed once, when the step begins.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import IO

from deploy.cluster import DATA
from deploy.process import Command, Environment, Failed, Stopped, start
from deploy.tongue import told

LOG = DATA / "log" / "start.log"
LOG_BYTES = 5_000_000  # a longer one is begun anew
TAIL = 15  # lines that are shown of a step that failed
SPINNER = "|/-\\"
TICK_S = 0.2


@contextmanager
def doing(title: str) -> Iterator[None]:
    """Show a title while the block runs, with its seconds; they stay where they were worth a look."""
    began = time.monotonic()
    if not sys.stdout.isatty():
        _show(f"-> {title}\n")
        yield
        return
    over = Event()
    spinner = Thread(target=_spin, args=(title, began, over), daemon=True)
    spinner.start()
    took = ""
    try:
        yield
        took = f" ({seconds} s)" if (seconds := int(time.monotonic() - began)) else ""
    finally:
        over.set()
        spinner.join()
        _show(f"\r\x1b[K-> {title}{took}\n")


def _spin(title: str, began: float, over: Event) -> None:
    turn = 0
    while not over.wait(TICK_S):
        _show(f"\r\x1b[K{SPINNER[turn % len(SPINNER)]}  {title} {int(time.monotonic() - began)} s")
        turn += 1


def _show(line: str) -> None:
    with contextlib.suppress(OSError):  # the terminal may be gone
        sys.stdout.write(line)
        sys.stdout.flush()


def step(title: str, command: Command, environment: Environment) -> str:
    """A step that must succeed before the next; gives what it printed, its complaints go to the log.

    Raises Failed, with the last lines of what it said and where all of it stands.
    """
    with doing(title), _log() as log:
        log.write(f"== {time.strftime('%Y-%m-%d %H:%M:%S')} {' '.join(map(str, command))}\n")
        log.flush()
        begins = log.tell()
        with start(
            command, environment, apart=True, stdout=subprocess.PIPE, stderr=log, stdin=subprocess.DEVNULL
        ) as child:
            try:
                printed, _ = child.communicate()
            except Stopped:
                child.terminate()
                raise
        log.write(printed)
    if child.returncode:
        raise Failed(_last_words(begins, " ".join(map(str, command)), child.returncode))
    return printed


@contextmanager
def _log() -> Iterator[IO[str]]:
    """Added to. The folder may be the database server's: a link that it put there is not followed."""
    LOG.parent.mkdir(parents=True, exist_ok=True)
    long = LOG.exists() and LOG.stat().st_size > LOG_BYTES
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | (os.O_TRUNC if long else 0)
    with os.fdopen(os.open(LOG, flags, 0o600), "a", encoding="utf8", errors="replace") as log:
        log.seek(0, os.SEEK_END)
        yield log


def _last_words(begins: int, command: str, code: int) -> str:
    said = Path(LOG).read_bytes()[begins:].decode(errors="replace").strip().splitlines()
    story = told("{command} ended with {code}. The whole log: {log}", command=command, code=code, log=LOG)
    return "\n".join([*said[-TAIL:], story])
