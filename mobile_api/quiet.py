"""When an officer may be rung. What happens in his quiet hours waits for their end; his inbox has it at once.

Emergencies never wait: cases of an urgent class, and escalations of work whose clock runs day and night.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings

from cases import audience, rulebook
from cases.calendar import Unusable
from cases.models import CaseEvent
from grid.models import Officer
from grid.moment import now

from .models import Preference

TICK = timedelta(seconds=1)
ROUNDS = 40  # quiet hours that cover all working hours of a month: then he is rung all the same

Waiting = Mapping[tuple[int, int], datetime]  # by event and officer


def waiting(hearers: Iterable[tuple[CaseEvent, Officer]]) -> Waiting:
    """Which of these have to wait, and until when. Two statements. Needs event.case."""
    book = rulebook.current()
    pairs = [(event, officer) for event, officer in hearers if not audience.urgent(book, event)]
    wishes = {row.officer_id: row for row in Preference.objects.filter(officer__in={officer for _, officer in pairs})}
    at = now()
    untils = {
        officer.pk: free(wishes[officer.pk], officer, at) for officer in {o for _, o in pairs} if officer.pk in wishes
    }
    return {(event.pk, officer.pk): untils[officer.pk] for event, officer in pairs if untils.get(officer.pk, at) > at}


def earliest(waiting: Waiting) -> dict[int, datetime]:
    """By event, when the first of its hearers may be rung."""
    found: dict[int, datetime] = {}
    for (event, _officer), until in waiting.items():
        found[event] = min(until, found.get(event, until))
    return found


def free(wish: Preference, officer: Officer, at: datetime) -> datetime:
    """The first moment from `at` on when the officer may be rung, by the city's clock and his working time."""
    for _ in range(ROUNDS):
        later = _after_quiet(wish, _at_work(wish, officer, at))
        if later == at:
            break
        at = later
    return at


def _after_quiet(wish: Preference, at: datetime) -> datetime:
    if wish.quiet_from is None or wish.quiet_to is None:
        return at
    zone = ZoneInfo(settings.TIME_ZONE)
    here = at.astimezone(zone)
    over_midnight = wish.quiet_to < wish.quiet_from
    late, early = here.time() >= wish.quiet_from, here.time() < wish.quiet_to
    if not (late or early if over_midnight else late and early):
        return at
    day = here.date() + timedelta(days=1 if over_midnight and late else 0)
    return datetime.combine(day, wish.quiet_to, zone)


def _at_work(wish: Preference, officer: Officer, at: datetime) -> datetime:
    """Where there is no timetable, all time is working time."""
    if not wish.working_time:
        return at
    try:
        return max(at, rulebook.current().calendar(officer.department_id).add(at, 1)[0] - TICK)
    except Unusable:
        return at
