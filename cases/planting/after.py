"""What a planted past comes to: looked at again by lot, counted, published, and told of at its end. All of it by the
functions that do it for any case, with the clock standing at the moment of the act."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from itertools import groupby

from django.db import connection
from django.db.models import Exists, OuterRef
from django.utils import timezone

from grid.models import Officer
from grid.moment import now, standing
from grid.roles import Role

from .. import alarm, bulletin, evaluation, forecast, outbox, periods, rechecks, tally
from ..flow import Purpose, Stage, Verb
from ..models import Case, CaseEvent, Photo, Recheck, Scheme
from ..periods import Period, Span
from .acts import soon
from .life import SHOTS, World

AGAIN = timedelta(days=14)  # of whose closings some are looked at again
NEWS = timedelta(days=2)  # of which everybody finds the messages
MANY = 4000  # units that are counted at once


def count(units: Collection[tally.Unit]) -> None:
    """Count all that happened, and what is still open after its day; then how long work takes, and what is at risk."""
    wanted = sorted(units, key=lambda unit: (unit[1], unit[2], unit[0]))
    for n in range(0, len(wanted), MANY):
        tally.count(wanted[n : n + MANY])
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE cases_tally, cases_total")  # or what follows is planned for tables that were empty
    tally.night()
    forecast.recount()
    forecast.foresee_all()


def look_again(world: World) -> list[CaseEvent]:
    """Draw who looks again at some of the last closings; most have gone, and some found what they should not.

    Gives the lines of these cases.
    """
    later = CaseEvent.objects.filter(case=OuterRef("case"), pk__gt=OuterRef("pk"))
    closings = CaseEvent.objects.filter(verb=Verb.CLOSE, left=Stage.CLOSING, at__gte=world.until - AGAIN)
    for closing in closings.exclude(Exists(later)).select_related("case__cell").order_by("id"):
        with standing(closing.at + timedelta(minutes=1)):
            rechecks.pay([closing])
    photos = len(world.acts.stories) * SHOTS
    for n, recheck in enumerate(Recheck.objects.filter(inspector__isnull=False).select_related("inspector")):
        _look(world, recheck, photos + n)
    _ring(world)
    return list(CaseEvent.sealed.filter(case__in=Recheck.objects.values("case")))


def _look(world: World, recheck: Recheck, photo: int) -> None:
    dice = random.Random(recheck.case_id)  # noqa: S311 (seeded, not secret)
    assert recheck.inspector and recheck.ordered_at
    at = soon(recheck.ordered_at, dice.randint(60, 1500), world.days.zone)
    if at >= world.until or dice.random() < 0.1:
        return
    fails = dice.random() < 0.35
    verdict = Recheck.Verdict.FAILS if fails else Recheck.Verdict.HOLDS
    note = "问题仍在，未真正处置。" if fails else ""
    sha = _shot(world, photo, recheck.inspector, at)
    with standing(at):
        rechecks.answer(recheck.pk, by=recheck.inspector, verdict=verdict, shown=((sha, Purpose.NEAR),), note=note)
    if fails:  # a doubt waits for some days
        _decide(world, recheck, soon(at, dice.randint(200, 9000), world.days.zone), upheld=dice.random() < 0.5)


def _ring(world: World) -> None:
    """The alarms of cases that a doubt reopened, each when it fell due."""
    ringing = Case.objects.filter(alarm_at__lt=world.until).order_by("alarm_at").values_list("alarm_at", flat=True)
    while at := ringing.first():
        with standing(at):
            if not alarm.ring():
                return


def _shot(world: World, number: int, by: Officer, at: datetime) -> str:
    return Photo.objects.create(**world.film.shot(number, by, at)).pk


def _decide(world: World, recheck: Recheck, at: datetime, *, upheld: bool) -> None:
    leader = world.cast.post(Role.SHIFT_LEADER, world.book.areas[recheck.case.cell.area_id].code, 0)
    if leader and at < world.until:
        with standing(at):
            rechecks.decide(recheck.pk, by=leader, upheld=upheld, note="已核实。")


def publish(world: World) -> None:
    """The rankings and the bulletins of the whole months, each on the morning after; that of a month that ended this
    night is not yet, so at once."""
    by = next((one for one in world.cast.officers.values() if one.holds(Role.LEADER) and one.area is None), None)
    if by is None:
        return
    at = now()
    for month in _months(world):
        with standing(min(tally.midnight(month.next.since) + timedelta(hours=9), at)):
            for code in Scheme.objects.order_by("code").values_list("code", flat=True).distinct():
                evaluation.publish(evaluation.in_force(code, month.until), month, by)
            bulletin.issue(f"{month.since:%Y-%m}", by)


def _months(world: World) -> Iterator[Period]:
    month = periods.of(Span.MONTH, world.days.first)
    while month.until < world.until.astimezone(world.days.zone).date():
        if month.since >= world.days.first:
            yield month
        month = month.next


def tell(world: World) -> None:
    """The messages of the last days, written hour by hour."""
    inbox = outbox.CONSUMERS.get("inbox")
    lately = CaseEvent.objects.filter(at__gte=world.until - NEWS).select_related("case__cell__area").order_by("id")
    told = [event for event in lately if inbox and inbox.wants(event)]
    for hour, events in groupby(told, lambda event: timezone.localtime(event.at).replace(minute=0, second=0)):
        if inbox:
            with standing(hour + timedelta(hours=1)):
                inbox.pay(list(events))
