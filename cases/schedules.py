"""What the worker does by the clock, whatever else happens. Each may run twice at once."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django_q.conf import Conf
from django_q.models import OrmQ, Schedule

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

UNCROSSED = timedelta(seconds=90)
"""After so long a task that was taken has been done, and crossed off the queue."""

OURS = "cases."


@transaction.atomic
def install() -> None:
    """Make django-q2's schedules of this app those of SCHEDULES. Idempotent; when each runs next is not touched.

    But for those that lie further ahead than their round: the clock was set back, and nothing would run meanwhile.
    """
    Schedule.objects.filter(name__startswith=OURS).exclude(name__in=SCHEDULES).delete()
    for function, minutes in SCHEDULES.items():
        every = {"func": function, "schedule_type": Schedule.MINUTES, "minutes": minutes, "repeats": -1}
        Schedule.objects.update_or_create(
            name=function, defaults=every, create_defaults=every | {"next_run": _first(minutes)}
        )
        stranded = Schedule.objects.filter(name=function, next_run__gt=now() + timedelta(minutes=minutes))
        stranded.update(next_run=_first(minutes))


def beat() -> None:
    """A sign of life, unless something done long ago stands in the queue: then nobody is left who takes it off."""
    at, retry = now(), timedelta(seconds=Conf.RETRY)
    if not OrmQ.objects.filter(lock__gt=at, lock__lt=at + retry - UNCROSSED).exists():
        alive()


def alive() -> None:
    """Whoever watches the worker sees this file change. Called between the steps of what takes long."""
    Path(settings.DATA_DIR, "worker.beat").touch()


def _first(minutes: int) -> datetime:
    if minutes < DAY:
        return now()
    tonight = datetime.combine(today(), NIGHT, ZoneInfo(settings.TIME_ZONE))
    return tonight if tonight > now() else tonight + timedelta(days=1)
