"""预测: the chance that an open case misses the limit of its handling, told from how long such work took of late.

Facts are stints of handling as the tally counts them: one in time on the day it was finished, one missed on the day
it first fell due. A stint is measured on its own clock, so time on the shelf or off work does not count; one that was
resumed is measured against what was left. What was declined, shelved or voided in time tells nothing and is left out.

recount()  makes every Pace anew from the facts of the last FORECAST_DAYS, at night
foresee()  reckons from when each case is at risk, when its clock is wound
of()       the forecast of one case at a moment

Both tables may be recounted at any time: the same facts give the same rows. Where no pace has FORECAST_LEAST facts,
there is no forecast, and the case is not at risk.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from math import ceil
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _

from grid.moment import today
from grid.words import in_sentence

from . import clock, pace, rulebook, stint
from .calendar import Calendar
from .flow import Stage, Verb
from .models import Case, CaseEvent, Outlook, Pace
from .outbox import consumer
from .pace import Key
from .rulebook import Rulebook

LOCK = 0x70616365
"""Held while either table is written: an older reckoning never lands on a newer one."""

BATCH = 500


class Stint(NamedTuple):
    """A stint of handling of which is known whether it was in time. share: None where it was missed."""

    category: int
    department: int
    since: datetime
    clock: str
    allowed_s: int
    known_at: datetime
    share: float | None


def stints(book: Rulebook, since: datetime, until: datetime) -> Iterator[Stint]:
    """What became known from one moment until another, department by department; two statements for each."""
    same = CaseEvent.objects.filter(case=OuterRef("case"), since=OuterRef("since"), id__lt=OuterRef("id"), late=True)
    overdue_before = Exists(same.exclude(due_at=OuterRef("due_at")))
    fields = ("case__category_id", "since", "clock", "allowed_s")
    for department in book.departments:
        calendar = book.calendar(department)
        log = CaseEvent.objects.filter(~overdue_before, department=department, left=Stage.HANDLING, allowed_s__gt=0)
        timely = log.filter(verb=Verb.FINISH, late=False, at__gte=since, at__lt=until)
        for category, began, unit, allowed_s, at in timely.values_list(*fields, "at"):
            share = used(began, at, unit, allowed_s, calendar)
            yield Stint(category, department, began, unit, allowed_s, at, share)
        missed = log.filter(late=True, due_at__gte=since, due_at__lt=until)
        once = missed.order_by("case_id", "due_at", "id").distinct("case_id", "due_at")
        for category, began, unit, allowed_s, due_at in once.values_list(*fields, "due_at"):
            yield Stint(category, department, began, unit, allowed_s, due_at, None)


def used(since: datetime, at: datetime, unit: str, allowed_s: int, calendar: Calendar) -> float:
    """The share of its limit that a stint has used at a moment, on its own clock."""
    return clock.elapsed(since, at, unit, calendar) / max(allowed_s, 1)


def keys(book: Rulebook, category: int, department: int | None, since: datetime) -> Iterator[Key]:
    """The paces that a stint belongs to, the most particular first."""
    return pace.keys(book.classes(category), department, pace.hour(since))


@transaction.atomic
def recount() -> int:
    """Make every pace anew from the facts of the FORECAST_DAYS before today, and say how many there are. Idempotent.

    Costs what the window holds, however long the log is: some 20 to 85 µs for each stint in it.
    """
    _lock()
    book, until = rulebook.current(), today()
    since = until - timedelta(days=settings.FORECAST_DAYS)
    rows = _paces(book, stints(book, midnight(since), midnight(until)))
    Pace.objects.all().delete()
    Pace.objects.bulk_create(rows, batch_size=BATCH)
    return len(rows)


def _paces(book: Rulebook, facts: Iterable[Stint]) -> list[Pace]:
    missed: Counter[Key] = Counter()
    shares: defaultdict[Key, list[float]] = defaultdict(list)
    for fact in facts:
        for key in keys(book, fact.category, fact.department, fact.since):
            if fact.share is None:
                missed[key] += 1
            else:
                shares[key].append(min(fact.share, 1))  # a holiday made known later shifts what was counted
    return [
        Pace(
            category_id=key[0],
            department_id=key[1],
            hour=key[2],
            missed=missed[key],
            timely=len(shares[key]),
            shares=pace.quantiles(sorted(shares[key])),
        )
        for key in sorted(missed.keys() | shares.keys(), key=str)
        if pace.enough(key, missed[key] + len(shares[key]), settings.FORECAST_LEAST)
    ]


def foresee_all() -> int:
    """Reckon anew from when each open case is at risk, and say how many will be. Idempotent."""
    Outlook.objects.exclude(case__stage=Stage.HANDLING).delete()
    handling = Case.objects.filter(stage=Stage.HANDLING).values_list("pk", flat=True)
    return sum(foresee(batch) for batch in _batches(list(handling)))


def _batches(pks: Sequence[int]) -> Iterator[Sequence[int]]:
    return (pks[n : n + BATCH] for n in range(0, len(pks), BATCH))


def winds(event: CaseEvent) -> bool:
    """Whether an event sets the clock of a handling."""
    entered = event.entered == Stage.HANDLING
    return entered and (event.left != Stage.HANDLING or event.verb in (Verb.EXTEND, Verb.RETIME, Verb.HAND_OVER))


@consumer("forecast", winds)
def after(events: Sequence[CaseEvent]) -> None:
    """Reckon anew for the cases of these events. Idempotent."""
    foresee({event.case_id for event in events})


@transaction.atomic
def foresee(pks: Collection[int]) -> int:
    """Reckon from when each of these cases is at risk, as they stand now, and say how many will be."""
    _lock()
    book = rulebook.current()
    cases = list(Case.objects.filter(pk__in=pks, stage=Stage.HANDLING).exclude(clock=""))
    known = _known(book, cases)
    moments = {case.pk: _risk_at(book, case, _pace(book, case, known)) for case in cases}
    rows = [Outlook(case_id=pk, risk_at=moment) for pk, moment in moments.items() if moment]
    Outlook.objects.filter(case__in=pks).exclude(case__in=[row.case_id for row in rows]).delete()
    Outlook.objects.bulk_create(rows, update_conflicts=True, unique_fields=["case"], update_fields=["risk_at"])
    return len(rows)


def _lock() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])


def _known(book: Rulebook, cases: Iterable[Case]) -> dict[Key, Pace]:
    """The paces that can be asked for these cases."""
    categories = {pk for case in cases for pk in book.classes(case.category_id)}
    return {row.key: row for row in Pace.objects.filter(category__in=categories)}


def _pace(book: Rulebook, case: Case, known: Mapping[Key, Pace]) -> Pace | None:
    of_case = keys(book, case.category_id, case.department_id, case.entered_at)
    return next((known[key] for key in of_case if key in known), None)


def _risk_at(book: Rulebook, case: Case, found: Pace | None) -> datetime | None:
    share = found.curve.risky_from(settings.FORECAST_RISK) if found else None
    if share is None or case.allowed_s is None:
        return None
    used = ceil(share * case.allowed_s)
    return clock.deadline(case.entered_at, used, case.clock, stint.calendar(book, case)).due_at


@dataclass(frozen=True)
class Forecast:
    """The chance that a case misses its limit, the pace it is told from, and how many of its stints came so far."""

    chance: float
    at_risk: bool
    pace: Pace
    still: int

    def says(self, book: Rulebook) -> str:
        """What the chance is told from, in a sentence in the reader's language."""
        sentence = _(
            "近 %(days)s 天，%(who)s%(when)s“%(what)s”案卷共 %(count)s 件；"
            "其中用时不少于本案目前用时的约 %(still)s 件，有 %(missed)s 件超期。"
        )
        department = self.pace.department_id
        return sentence % {
            "days": settings.FORECAST_DAYS,
            "who": in_sentence(book.departments[department]) if department else _("各责任单位"),
            "when": _("不论何时接办的") if self.pace.hour is None else _hours(self.pace.hour),
            "what": in_sentence(book.categories[self.pace.category_id]),
            "count": self.pace.count,
            "still": self.still,
            "missed": self.pace.missed,
        }


def _hours(part: int) -> str:
    return _("在 %(since)s–%(until)s 时接办的") % {"since": part, "until": pace.ends(part)}


def few() -> str:
    """Why there is no forecast."""
    said = {"days": settings.FORECAST_DAYS, "least": settings.FORECAST_LEAST}
    return _("近 %(days)s 天同类案卷不足 %(least)s 件，不作预测。") % said


def foretells(case: Case) -> bool:
    """Whether a case has a limit that can be missed by those who handle it."""
    return case.stage == Stage.HANDLING and bool(case.clock)


def of(book: Rulebook, case: Case, at: datetime) -> Forecast | None:
    """The forecast of a case that `foretells` at a moment; None where the facts are too few. One statement."""
    found = _pace(book, case, _known(book, [case]))
    if found is None:
        return None
    share = used(case.entered_at, at, case.clock, case.allowed_s or 0, stint.calendar(book, case))
    late = bool(case.due_at and case.due_at < at)
    risk_at = _risk_at(book, case, found)
    return Forecast(
        chance=found.curve.chance(1 if late else share),
        at_risk=bool(not late and risk_at and risk_at <= at),
        pace=found,
        still=round(found.curve.still(share)),
    )


def midnight(day: date) -> datetime:
    """When a local day begins."""
    return datetime.combine(day, time.min, ZoneInfo(settings.TIME_ZONE))
