"""./dev bench desk: what the desk costs with 100,000 and with 1,000,000 cases, in one run.

One city of 40,000 cells is filled twice, one case of ten still open. Each time board, queues, rankings, pairs, tiles
and exports are measured, as `./dev bench board` and so on do by themselves.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Mapping

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend.settings")
os.environ.setdefault("LOG_LEVEL", "WARNING")
django.setup()

from bench import _town, board, exports, looks, queues, tiles  # noqa: E402 (need the settings)

SIZES = (100_000, 1_000_000)
CHECKS = 0.08  # of the cases that are closed, so many were checked in the last month


def main() -> None:
    parser = argparse.ArgumentParser(prog="./dev bench desk", description=__doc__)
    parser.add_argument("--only", nargs="*", default=[], help="board, queues, rankings, pairs, tiles, exports")
    parser.add_argument("--tiles", type=int, default=10, help="of each layer and zoom")
    parser.add_argument("--sizes", type=int, nargs="*", default=SIZES)
    given = parser.parse_args()
    parts: Mapping[str, Callable[[int], None]] = {
        "board": lambda size: board.table(),
        "queues": lambda size: queues.table(),
        "rankings": lambda size: looks.rankings(),
        "pairs": lambda size: looks.pairs(),
        "tiles": lambda size: tiles.tables(given.tiles),
        "exports": lambda size: exports.table(min(100_000, size)),
    }
    for size in given.sizes:
        began = time.perf_counter()
        _town.fill(open=size // 10, closed=size - size // 10, checked=int(CHECKS * size))
        print(f"\n# {size:,} cases, one of ten open; made in {time.perf_counter() - began:.0f} s", flush=True)
        for name, measure in parts.items():
            if not given.only or name in given.only:
                began = time.perf_counter()
                print(f"\n## {name}\n", flush=True)
                measure(size)
                print(f"\n{time.perf_counter() - began:.0f} s; load average {os.getloadavg()[0]:.1f}", flush=True)


if __name__ == "__main__":
    main()
