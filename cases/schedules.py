"""What the worker does by the clock, whatever else happens. Each may run twice at once."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django_q.models import Schedule

from grid.moment import now, today

DAY = 24 * 60  # minutes

SCHEDULES: dict[str, int] = {
    "cases.alarm.ring": 1,
    "cases.outbox.drain": 1,
    "cases.photos.sweep": 1,
    "cases.nightly.run": DAY,
    "cases.rechecks.tend": 10,
    "cases.schedules.beat": 1,
}
"""Functions, and every how many minutes. A schedule bears its function's name, so that there is one of each.

An app above adds its own in its ready()."""

NIGHT = time(3)
"""When what runs daily runs first, by the city's clock."""

OURS = "cases."


@transaction.atomic
def install() -> None:
    """Make django-q2's schedules of this app those of SCHEDULES. Idempotent; when each runs next is not touched."""
    Schedule.objects.filter(name__startswith=OURS).exclude(name__in=SCHEDULES).delete()
    for function, minutes in SCHEDULES.items():
        every = {"func": function, "schedule_type": Schedule.MINUTES, "minutes": minutes, "repeats": -1}
        Schedule.objects.update_or_create(
            name=function, defaults=every, create_defaults=every | {"next_run": _first(minutes)}
        )


def beat() -> None:
    """A sign of life: whoever watches the worker looks at how old this file is."""
    Path(settings.DATA_DIR, "worker.beat").touch()


def _first(minutes: int) -> datetime:
    if minutes < DAY:
        return now()
    tonight = datetime.combine(today(), NIGHT, ZoneInfo(settings.TIME_ZONE))
    return tonight if tonight > now() else tonight + timedelta(days=1)
