"""What a tile of the map costs, by layer and zoom, in a city of 40,000 cells and 100,000 open cases.

Tiles are drawn where people look: around places that are drawn by lot among the open cases. What a leader of the whole
city is drawn is measured, and beside it what an officer of one street is.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from math import asinh, pi, radians, tan
from pathlib import Path
from statistics import median, quantiles

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend.settings")
django.setup()

from django.db import connection  # noqa: E402 (needs the settings)

from bench import _town  # noqa: E402
from cases import atlas  # noqa: E402
from cases.heat import Counted, heat  # noqa: E402
from cases.models import Case  # noqa: E402
from grid.models import Area, Officer  # noqa: E402
from grid.moment import now, today  # noqa: E402
from grid.roles import Role  # noqa: E402
from grid.tile import Tile  # noqa: E402

ZOOMS = range(8, 17)
Draw = Callable[[Tile], bytes]


def tile_at(lon: float, lat: float, z: int) -> Tile:
    x = (lon + 180) / 360 * 2**z
    y = (1 - asinh(tan(radians(lat))) / pi) / 2 * 2**z
    return Tile(z, int(x), int(y))


def layers(officer: Officer) -> Iterator[tuple[str, Draw]]:
    at = now()
    yield "cells", partial(atlas.cells, officer=officer, at=at)
    yield "cases", partial(atlas.cases, officer=officer, at=at)
    yield "areas", partial(atlas.areas, officer=officer)
    for counted in Counted:
        month = {"since": today() - timedelta(days=29), "until": today(), "counted": counted}
        yield f"heat, {counted.value} in 30 days", partial(heat, officer=officer, **month)


def measure(draw: Draw, tiles: list[Tile]) -> tuple[list[float], list[int]]:
    draw(tiles[0])  # what a connection learns once
    took, sizes = [], []
    for tile in tiles:
        began = time.perf_counter()
        drawn = draw(tile)
        took.append(1000 * (time.perf_counter() - began))
        sizes.append(len(drawn))
    return took, sizes


def processor_ms() -> float:
    """What the connection's server process has worked until now: other work on the machine does not count."""
    said = Path(f"/proc/{connection.connection.info.backend_pid}/stat").read_text().rpartition(")")[2].split()
    return 1000 * (int(said[11]) + int(said[12])) / os.sysconf("SC_CLK_TCK")


def table(officer: Officer, places: list[tuple[float, float]]) -> None:
    for name, draw in layers(officer):
        print(f"\n| {name}, zoom | processor ms | p50 ms | p95 ms | bytes, median | most |\n|---|---|---|---|---|---|")
        for z in ZOOMS:
            tiles = [tile_at(lon, lat, z) for lon, lat in places]
            before = processor_ms()
            took, sizes = measure(draw, tiles)
            worked, p95 = (processor_ms() - before) / (len(tiles) + 1), quantiles(took, n=20)[-1]
            print(f"| {z} | {worked:.0f} | {median(took):.0f} | {p95:.0f} | {median(sizes):,.0f} | {max(sizes):,} |")


def main() -> None:
    parser = _town.parser("tiles", __doc__)
    parser.add_argument("--tiles", type=int, default=40, help="of each layer and zoom")
    given = parser.parse_args()
    _town.fill(open=given.open, closed=given.closed)
    tables(given.tiles)


def tables(many: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET max_parallel_workers_per_gather = 0")  # what one processor takes, other work or not
    points = list(Case.objects.open().order_by("pk").values_list("point", flat=True)[:5000])
    places = [(point.x, point.y) for point in random.Random(1).sample(points, many)]
    leader = Officer(username="leader", roles=[Role.LEADER])
    clerk = Officer(username="clerk", roles=[Role.CLERK], area=Area.objects.get(code=f"{_town.DISTRICT}005"))
    for title, officer in (("The whole city", leader), ("One street of ten", clerk)):
        print(f"\n{title}")
        table(officer, places)


if __name__ == "__main__":
    main()
