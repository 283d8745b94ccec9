"""How long ./dev up takes until it answers: the first time, in an empty folder, and the next time, in the same.

    ./dev bench start [--runs 3]

What `dev` installs before that (Debian's packages, .venv) depends on the network and is not in it.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from bench._server import busy_s, free_port
from deploy.cluster import DATA, Cluster
from deploy.process import start

LONGEST_S = 900
OTHERS = {"DATABASE_URL", "DATABASE_OWNER_URL", "DATA_DIR"}  # of ./dev bench: ./dev up makes its own


def main() -> int:
    parser = argparse.ArgumentParser(prog="./dev bench start")
    parser.add_argument("--runs", type=int, default=3)
    taken = [round_of() for _run in range(parser.parse_args().runs)]
    print("| start | seconds | of processor |\n|---|---|---|")
    for name, starts in zip(("first", "second"), zip(*taken, strict=True), strict=True):
        walls, processors = zip(*starts, strict=True)
        spread = f"({min(walls):.1f} to {max(walls):.1f})"
        print(f"| {name} | {statistics.median(walls):.1f} {spread} | {statistics.median(processors):.1f} |")
    return 0


def round_of() -> list[tuple[float, float]]:
    """The first start and the second, each in seconds: on the clock, and of all processors."""
    with empty_folder() as folder:
        return [once(folder) for _start in range(2)]


@contextmanager
def empty_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="start-", dir=DATA.parent) as folder:
        Path(folder).chmod(0o711)  # as ./dev up makes one: PostgreSQL's user passes through
        yield Path(folder)
        Cluster(Path(folder)).remove()


def once(folder: Path) -> tuple[float, float]:
    port = free_port()
    given = {name: said for name, said in os.environ.items() if name not in OTHERS} | {"DATA_DIR": str(folder)}
    began, busy = time.monotonic(), busy_s()
    with start((sys.executable, "-m", "deploy", "up", "--port", str(port)), given, apart=True) as up:
        try:
            while not answers(port):
                if up.poll() is not None or time.monotonic() > began + LONGEST_S:
                    raise SystemExit("./dev up did not come to answer: see above")
                time.sleep(0.1)
            return time.monotonic() - began, busy_s() - busy
        finally:
            up.terminate()


def answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/healthz", trust_env=False, timeout=30).status_code == 200
    except httpx.TransportError:
        return False


if __name__ == "__main__":
    raise SystemExit(main())
