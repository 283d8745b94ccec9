"""Children, and how they end. Whatever is started here is waited for, also when a signal comes in between."""

from __future__ import annotations

import contextlib
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

Command = Sequence[str | Path]
Environment = Mapping[str, str]


class Failed(Exception):
    """A sentence for the person at the terminal, who can act on it."""


class Stopped(SystemExit):
    """We were told to end. Unwinds like any exception, so that every `with` closes what it opened."""


def heed_signals() -> None:
    """The first ending signal raises Stopped; later ones are ignored, for we are on our way out."""

    def stop(number: int, frame: FrameType | None) -> None:
        for ending in ENDINGS:
            signal.signal(ending, signal.SIG_IGN)
        raise Stopped(128 + number)

    for ending in ENDINGS:
        signal.signal(ending, stop)


def say(sentence: str) -> None:
    """To the terminal, if there still is one."""
    with contextlib.suppress(OSError):
        print(f"-> {sentence}", flush=True)


def start(command: Command, environment: Environment, *, apart: bool = False, **more: Any) -> subprocess.Popen[str]:
    """A child in the project's folder. Raises Failed where there is no such program.

    `apart`: in a session of its own, so that signals reach it once, through us; it is told to end if we are killed.
    """
    if apart:
        command = ("setpriv", "--pdeathsig", "TERM", *command)
    try:
        return subprocess.Popen(command, cwd=ROOT, env=environment, text=True, start_new_session=apart, **more)
    except OSError as error:
        raise Failed(f"{error.filename or command[0]}: {error.strerror}") from None


def run(command: Command, environment: Environment) -> int:
    """Run a child to its end at our terminal and give its exit code.

    Ctrl-C reaches the child by itself; any other ending signal is passed on. We leave only after the child has.
    """
    with start(command, environment) as child:
        try:
            return child.wait()
        except Stopped as stopped:
            if stopped.code != 128 + signal.SIGINT:
                child.terminate()
            raise
