"""What the worker does by the clock, whatever else happens. Each may run twice at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, time, timedelta
from pathlib import Path
from threading import Event, Thread
from time import monotonic
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django_q.models import Schedule

from grid.moment import now, today

DAY = 24 * 60  # minutes

SCHEDULES: dict[str, int] = {
    "cases.alarm.ring": 1,
    "cases.photos.sweep": 1,
    "cases.nightly.begin": DAY,
    "cases.rechecks.tend": 10,
    "cases.handover.tend": 10,
    "cases.schedules.beat": 1,
}
"""Functions, and every how many minutes. A schedule bears its function's name, so that there is one of each.

An app above adds its own in its ready()."""

NIGHT = time(3)
"""When what runs daily runs first, by the city's clock."""

LONGEST_S = 1800
"""So long a task may take that is `busy`; others end after Q_CLUSTER's timeout, and are then run again."""

AGAIN_S = 20.0
"""How often a busy task gives its sign of life."""

OURS = ["cases."]
"""Whose schedules are made and unmade here, by how their functions' names begin. An app above adds its own."""

QUEUE = "worker"
"""Whose sign of life is that a task was crossed off."""


@transaction.atomic
def install() -> None:
    """Make django-q2's schedules of this app those of SCHEDULES. Idempotent; when each runs next is not touched.

    But for those that lie further ahead than their round: the clock was set back, and nothing would run meanwhile.
    """
    for ours in OURS:
        Schedule.objects.filter(name__startswith=ours).exclude(name__in=SCHEDULES).delete()
    for function, minutes in SCHEDULES.items():
        every = {"func": function, "schedule_type": Schedule.MINUTES, "minutes": minutes, "repeats": -1}
        Schedule.objects.update_or_create(
            name=function, defaults=every, create_defaults=every | {"next_run": _first(minutes)}
        )
        stranded = Schedule.objects.filter(name=function, next_run__gt=now() + timedelta(minutes=minutes))
        stranded.update(next_run=_first(minutes))


def beat() -> None:
    """Something to do each minute, so that an idle queue has something to cross off."""


def alive(who: str = QUEUE) -> None:
    """Whoever watches the worker sees a file change."""
    Path(settings.DATA_DIR, f"{who}.beat").touch()


@contextmanager
def busy() -> Iterator[None]:
    """Gives signs of life for a task that takes long, up to LONGEST_S: after that it is taken for dead like any other.

    By a thread of its own that asks neither the database nor a clock that can be set.
    """
    over = Event()

    def signs() -> None:
        ends = monotonic() + LONGEST_S
        while monotonic() < ends and not over.wait(AGAIN_S):
            alive()

    alive()
    thread = Thread(target=signs, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        alive()


def _first(minutes: int) -> datetime:
    if minutes < DAY:
        return now()
    tonight = datetime.combine(today(), NIGHT, ZoneInfo(settings.TIME_ZONE))
    return tonight if tonight > now() else tonight + timedelta(days=1)
