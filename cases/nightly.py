"""What is put in order at night, and what is proved again."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta

from django.core.management import call_command
from django_q.tasks import async_task

from grid import duty, quota
from grid.moment import today

from . import exports, forecast, tally, whatif
from .schedules import LONGEST_S, busy

logger = logging.getLogger("cases")


def tidy() -> None:
    """Forget sessions that have ended; tidy shifts, tracks, exports and trials."""
    call_command("clearsessions")
    duty.tidy()
    quota.tidy()
    exports.tidy()
    whatif.tidy()


def prove() -> None:
    """Recount yesterday, which must change nothing."""
    yesterday = today() - timedelta(days=1)
    if changed := tally.rebuild(yesterday, yesterday):
        logger.error("the figures of %s were wrong in %d units, and are right now", yesterday, changed)


STEPS: tuple[Callable[[], object], ...] = (tidy, tally.night, prove, forecast.recount, forecast.foresee_all)
"""The promises broken by midnight are counted before the proof. Each is idempotent."""


def begin() -> None:
    """Order the night's steps, each a task of its own after the one before: what else is due comes in between."""
    _order(0)


def step(n: int) -> None:
    """One of the steps, and the order for the next, also where this one fails. Idempotent."""
    try:
        with busy():
            STEPS[n]()
    finally:
        if n + 1 < len(STEPS):
            _order(n + 1)


def _order(n: int) -> None:
    async_task("cases.nightly.step", n, timeout=LONGEST_S)


def run() -> None:
    """All of it at once. Idempotent."""
    for each in STEPS:
        each()
