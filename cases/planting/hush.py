"""While a past is made: nobody is told of what is long past, and lots fall as a seed has it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

from django_q.brokers import Broker
from django_q.conf import Conf

from grid.moment import now

from .. import draw, outbox


class Silence(Broker):  # type: ignore[misc]  # django-q2 has no types
    """A queue that forgets: no doorbell rings for what is long past."""

    def enqueue(self, task: str) -> str:
        return ""


class Lot:
    """Falls by the seed and the moment, whoever else is drawn."""

    def __init__(self, seed: str):
        self.seed = seed

    def randrange(self, among: int) -> int:
        return self._dice("whom").randrange(among)

    def random(self) -> float:
        return self._dice("whether").random()

    def _dice(self, about: str) -> Random:
        return Random(f"{self.seed}:{about}:{now().isoformat()}")  # noqa: S311 (seeded, not secret)


@contextmanager
def hush(seed: str) -> Iterator[None]:
    """Nobody is owed anything for what is long past."""
    kept, lot, broker = dict(outbox.CONSUMERS), draw.LOT, Conf.BROKER_CLASS
    outbox.CONSUMERS.clear()
    Conf.BROKER_CLASS = f"{Silence.__module__}.{Silence.__qualname__}"
    draw.LOT = Lot(seed)  # type: ignore[assignment]
    try:
        yield
    finally:
        outbox.CONSUMERS.update(kept)
        draw.LOT, Conf.BROKER_CLASS = lot, broker
