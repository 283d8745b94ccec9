"""Tiles drawn a moment ago, kept by each process of the web server for all who see the same ground.

From afar a tile counts much of the city, and a screen asks for a dozen of them each minute. Two officers share one only
if both see all of one and the same area; who sees single cases has his own.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from math import ceil

from django.core.cache import caches

from cases import ground
from grid.models import Officer
from grid.moment import now

from .map import scope


def kept(of: Officer, name: str, seconds: int, draw: Callable[[], bytes]) -> tuple[bytes, int]:
    """The tile of that name, drawn now or less than so many seconds ago; and for how many more it may be shown."""
    whole, cache, at = ground.territory(of), caches["tiles"], now()
    key = f"{name} {scope(of) if whole is None else f'area {whole}'}".replace(" ", ":")
    found: tuple[datetime, bytes] | None = cache.get(key) if seconds else None
    if found and 0 <= (age := (at - found[0]).total_seconds()) < seconds:
        return found[1], ceil(seconds - age)
    body = draw()
    cache.set(key, (at, body), seconds)
    return body, seconds
