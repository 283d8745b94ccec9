"""The worker, watched: `manage.py qcluster`, ended gently, and started afresh when it no longer does anything.

Three weaknesses of django-q2 ask for it. A signal to the whole process group, as honcho and systemd send it, kills its
sentinel inside a wait, and the rest then waits for the sentinel for ever. An idle worker process that is killed takes
the queue's lock with it, as does the monitor: the cluster lives on and does nothing, or crosses nothing off. And when
its sentinel is killed, it ends as if all were well. So the signal goes to its head alone; the task of every minute
touches a file, and here is looked whether it changes: by a clock of our own, for the machine's may be set back.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from deploy.cluster import DATA
from deploy.process import heed_signals, run, say, start

BEAT = Path(DATA / "worker.beat")
STILL_S = float(os.environ.get("WORKER_STILL_S", "110"))  # a worker that is well gives a sign of life each minute
GENTLE_S = 4  # to finish the task in hand; honcho kills after five. A task cut short runs again
LOOK_S = min(5.0, STILL_S / 4)


def main() -> int:
    """Gives the cluster's exit code if it ended before any sign of life: somebody has to look then.

    Does not return while it only needs a fresh start.
    """
    heed_signals()
    while True:
        before = last_beat()
        with start((sys.executable, "manage.py", "qcluster"), os.environ, apart=True) as cluster:
            try:
                code = watch(cluster)
            finally:
                end(cluster)
        if code is not None and last_beat() == before:
            return code
        why = f"gave no sign of life for {STILL_S:g} s" if code is None else f"ended with {code}"
        say(f"the worker {why}: a fresh start")
        if code is None:  # its schedules may lie far ahead: of a clock that was set back
            run((sys.executable, "manage.py", "install"), os.environ)


def watch(cluster: subprocess.Popen[str]) -> int | None:
    """The exit code of a cluster that ended by itself, or None when it stands still."""
    seen, since = last_beat(), time.monotonic()
    while time.monotonic() - since < STILL_S:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return cluster.wait(LOOK_S)
        if (beat := last_beat()) != seen:
            seen, since = beat, time.monotonic()
    return None


def last_beat() -> int:
    """When the file was last touched, by whatever the machine's clock said; 0 before the first time."""
    return BEAT.stat().st_mtime_ns if BEAT.exists() else 0


def end(cluster: subprocess.Popen[str]) -> None:
    """A word to the head; after GENTLE_S, or when the head is gone, an end to whatever is left of its session."""
    cluster.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        cluster.wait(GENTLE_S)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(cluster.pid, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main())
