"""Escalation (升级): every case whose alarm is past climbs by one rung, once for each rung."""

from __future__ import annotations

from . import docket

BATCH = 100


def ring(batch: int = BATCH) -> int:
    """Ring every alarm that is past, and say how many rang. Run each minute by the worker; two may run at once.

    An event's `at` is when it rang, its `due_at` when it fell due: a worker that was down changes the first,
    never the second. After a long silence a case climbs its missed rungs one after the other.
    """
    rung = 0
    while found := docket.ring(batch):
        rung += found
    return rung
