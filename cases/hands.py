"""Hands (人手): what the worker does all the time, each kind of work in a thread of its own.

A hand takes small steps, one after the other while there is something to do, and then waits until it is woken or its
time has come. So nothing stands behind anything else: alarms ring whatever is owed to whomever, and a server out there
that keeps silent holds up the hand that calls it and no other.

The sign of life is given by the thread that looks after them, as long as each of them gets on: one that has been at one
step for longer than STUCK_S is taken for dead, and the sign stays away until somebody starts the whole afresh. All they
do is idempotent.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from threading import Event, Thread
from time import monotonic

from django.db import DatabaseError, close_old_connections

from . import alarm, outbox
from .schedules import alive

logger = logging.getLogger("cases")

SIGN = "hands"
LOOK_S = 0.2  # how often it is looked whether anybody is owed something
STUCK_S = 100.0  # longer than any step takes that gets on; what calls other people's servers has deadlines
TROUBLE_S = 1.0  # after a step that failed
OFTEN_S, SELDOM_S = 5.0, 60.0
GENTLE_S = 3.0  # to finish the steps in hand


@dataclass(frozen=True)
class Hand:
    """`step` does a little and says whether there was anything to do; it is taken anew at least every `every_s`."""

    step: Callable[[], bool]
    every_s: float


HANDS: dict[str, Hand] = {"alarms": Hand(alarm.step, OFTEN_S)}
"""By name. An app above adds its own in its ready(); each consumer of the outbox has one besides."""


def all_hands() -> dict[str, Hand]:
    """Those of HANDS, and one for each consumer."""
    return {**HANDS, **{name: Hand(partial(_settle, name), SELDOM_S) for name in outbox.CONSUMERS}}


def _settle(name: str) -> bool:
    return outbox.settle(name) is not None


class Worker(Thread):
    """One hand at work, until `over`."""

    def __init__(self, name: str, hand: Hand, over: Event):
        super().__init__(name=name, daemon=True)
        self.hand, self.over = hand, over
        self.wake = Event()
        self.since: float | None = None

    def run(self) -> None:
        while not self.over.is_set():
            self.wake.clear()
            while self._step() and not self.over.is_set():
                pass
            self.since = None
            close_old_connections()
            self.wake.wait(self.hand.every_s)

    def _step(self) -> bool:
        self.since = monotonic()
        try:
            return self.hand.step()
        except Exception:
            logger.exception("the hand %s", self.name)
            close_old_connections()
            self.over.wait(TROUBLE_S)
            return False

    @property
    def stuck(self) -> bool:
        """Whether it is dead, or has been at one step for too long."""
        since = self.since
        return not self.is_alive() or (since is not None and monotonic() - since > STUCK_S)


def work(over: Event, hands: Mapping[str, Hand] | None = None) -> None:
    """Work with these hands, as a rule with all, until `over` is set; the steps in hand then have GENTLE_S to end."""
    workers = {name: Worker(name, hand, over) for name, hand in (hands or all_hands()).items()}
    for worker in workers.values():
        worker.start()
    while not over.wait(LOOK_S):
        for name in _owing() & workers.keys():
            workers[name].wake.set()
        if stuck := sorted(name for name, worker in workers.items() if worker.stuck):
            logger.error("stuck: %s", ", ".join(stuck))
            over.wait(TROUBLE_S)
        else:
            alive(SIGN)
    for worker in workers.values():
        worker.wake.set()
    ends = monotonic() + GENTLE_S
    for worker in workers.values():
        worker.join(max(0.0, ends - monotonic()))


def _owing() -> set[str]:
    """To whom something is due; nobody, as far as is known, while the database does not answer."""
    try:
        return outbox.owing()
    except DatabaseError:
        logger.exception("nobody knows what is owed")
        close_old_connections()
        return set()
