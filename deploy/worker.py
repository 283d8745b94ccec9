"""The worker, watched: `manage.py qcluster`, ended gently, and started afresh when it no longer does anything.

Two weaknesses of django-q2 ask for it. A signal to the whole process group, as honcho and systemd send it, kills its
sentinel inside a wait, and the rest then waits for the sentinel for ever. And an idle worker process that is killed
takes the queue's lock with it: the cluster lives on and does nothing. So the signal goes to its head alone, and the
task of every minute touches a file, which is looked at here.
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
from deploy.process import heed_signals, say, start

BEAT = Path(DATA / "worker.beat")
STILL_S = 110  # a worker that is well gives a sign of life each minute
GENTLE_S = 4  # to finish the task in hand; honcho kills after five. A task cut short runs again
LOOK_S = 5


def main() -> int:
    """Gives the cluster's exit code if it ended by itself. Does not return while it only needs a fresh start."""
    heed_signals()
    while True:
        with start((sys.executable, "manage.py", "qcluster"), os.environ, apart=True) as cluster:
            try:
                code = watch(cluster)
            finally:
                end(cluster)
        if code is not None:
            return code
        say(f"the worker gave no sign of life for {STILL_S} s: a fresh start")


def watch(cluster: subprocess.Popen[str]) -> int | None:
    """The exit code of a cluster that ended by itself, or None when it stands still."""
    since = time.time()
    while time.time() - max(since, last_beat()) < STILL_S:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return cluster.wait(LOOK_S)
    return None


def last_beat() -> float:
    """Epoch seconds of the last sign of life. Before the first one there is nothing to compare with: now."""
    return BEAT.stat().st_mtime if BEAT.exists() else time.time()


def end(cluster: subprocess.Popen[str]) -> None:
    """A word to the head; after GENTLE_S, or when the head is gone, an end to whatever is left of its session."""
    cluster.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        cluster.wait(GENTLE_S)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(cluster.pid, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main())
