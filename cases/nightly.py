"""What is put in order at night, and what is proved again."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.core.management import call_command

from grid import duty
from grid.moment import today

from . import exports, forecast, tally
from .schedules import alive

logger = logging.getLogger("cases")


def run() -> None:
    """Forget sessions that have ended, tidy shifts, tracks and exports, count the promises broken by midnight, recount
    yesterday, which must change nothing, and forecast anew. Idempotent."""
    call_command("clearsessions")
    duty.tidy()
    exports.tidy()
    alive()
    tally.night()
    alive()
    yesterday = today() - timedelta(days=1)
    if changed := tally.rebuild(yesterday, yesterday):
        logger.error("the figures of %s were wrong in %d units, and are right now", yesterday, changed)
    alive()
    forecast.recount()
    alive()
    forecast.foresee_all()
