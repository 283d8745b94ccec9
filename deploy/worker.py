"""The worker, watched: two programs, each ended gently, and started afresh when it no longer does anything.

`manage.py hands` rings alarms and pays what is owed to consumers; `manage.py qcluster` does what is ordered or done by
the clock. Neither stands in the other's way.

Three weaknesses of django-q2 ask for the watch. A signal to the whole process group, as honcho and systemd send it,
kills its sentinel inside a wait, and the rest then waits for the sentinel for ever. An idle worker process that is
killed takes the queue's lock with it, as does the monitor: the cluster lives on and does nothing, or crosses nothing
off. And when its sentinel is killed, it ends as if all were well. So the signal goes to its head alone.

A sign of life is a file that is touched: by the queue whenever a task is crossed off, which happens each minute at
least; by the hands while each of them gets on. Here is looked whether it changes: by a clock of our own, for the
machine's may be set back.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from deploy import database, numbers
from deploy.cluster import DATA
from deploy.process import heed_signals, run, say, start
from deploy.tongue import told

STILL_S = numbers.number("WORKER_STILL_S", 150)  # a task may take 120 s, and one is due each minute
DATABASE = os.environ.get("DATABASE_URL", "")
GENTLE_S = 4  # to finish what is in hand; honcho kills after five. A task cut short runs again
LOOK_S = min(1.0, STILL_S / 4)


class Watched:
    """One of the two programs, and its sign of life."""

    def __init__(self, command: str, sign: str):
        self.command, self.sign = command, Path(DATA / sign)
        self.start()

    def start(self) -> None:
        self.before = self.seen = self.last_sign()
        self.since = time.monotonic()
        self.process = start((sys.executable, "manage.py", self.command), os.environ, apart=True)

    def last_sign(self) -> int:
        """When the file was last touched, by whatever the machine's clock said; 0 before the first time."""
        return self.sign.stat().st_mtime_ns if self.sign.exists() else 0

    def trouble(self) -> str:
        """Why it has to be started afresh; empty while it is well."""
        if (code := self.process.poll()) is not None:
            return told("the worker's {program} ended with {code}: a fresh start", program=self.command, code=code)
        if (last := self.last_sign()) != self.seen:
            self.seen, self.since = last, time.monotonic()
        if time.monotonic() - self.since < STILL_S:
            return ""
        said = {"program": self.command, "seconds": f"{STILL_S:g}"}
        return told("the worker's {program} gave no sign of life for {seconds} s: a fresh start", **said)

    @property
    def stillborn(self) -> bool:
        """Whether it ended by itself before any sign of life: somebody has to look then. Whoever is killed did not."""
        code = self.process.poll()
        return code is not None and code >= 0 and self.last_sign() == self.before


def main() -> int:
    """Gives the exit code of a program that ended before any sign of life. Does not return while they only need a
    fresh start."""
    heed_signals()
    database.wait(DATABASE)
    programs: list[Watched] = []
    try:
        for command, sign in (("qcluster", "worker.beat"), ("hands", "hands.beat")):
            programs.append(Watched(command, sign))
        while True:
            time.sleep(LOOK_S)
            for program in programs:
                if not (why := program.trouble()):
                    continue
                if program.stillborn and not database.silence(DATABASE):
                    return int(program.process.returncode)
                afresh(program, why)
    finally:
        end(program.process for program in programs)


def afresh(program: Watched, why: str) -> None:
    """Schedules of a queue that stood still may lie far ahead, of a clock that was set back: they are put right."""
    say(why)
    still = program.process.poll() is None
    end((program.process,))
    if still and program.command == "qcluster":
        run((sys.executable, "manage.py", "install"), os.environ)
    database.wait(DATABASE)
    program.start()


def end(processes: Iterable[subprocess.Popen[str]]) -> None:
    """A word to each head; after GENTLE_S, or when the head is gone, an end to whatever is left of its session."""
    left = list(processes)
    for process in left:
        process.terminate()
    ends = time.monotonic() + GENTLE_S
    for process in left:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(max(0.0, ends - time.monotonic()))
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


if __name__ == "__main__":
    sys.exit(main())
