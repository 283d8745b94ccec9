"""The checks of a span, from the log, and the pairs worth looking at. Each look is a line of the logger "access"."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Exists, F, FloatField, Func, OuterRef, Q, QuerySet, Subquery

from grid.models import Officer
from grid.roles import Role

from .flow import Verb
from .models import Case, CaseEvent, Evidence, Flag, Recheck
from .pairs import Bounds, Check, Pair, compare

access = logging.getLogger("access")

LOOKERS = (Role.AUDITOR, Role.SHIFT_LEADER, Role.LEADER)


def look(since: datetime, until: datetime, *, by: Officer) -> list[Pair]:
    """Every pair of the cases that the officer sees, checked in that span; the look is logged. One statement."""
    access.info("pairs officer=%s since=%s until=%s", by.pk, since.isoformat(), until.isoformat())
    return compare(checks(since, until, Case.objects.visible_to(by)), bounds())


def bounds() -> Bounds:
    return Bounds(
        least=settings.PAIR_LEAST,
        quick_minutes=settings.PAIR_QUICK_MINUTES,
        far_m=settings.PHOTO_FAR_M,
        rate=settings.PAIR_RATE,
    )


def checks(since: datetime, until: datetime, among: QuerySet[Case]) -> list[Check]:
    """The checks made in [since, until). One statement."""
    before = CaseEvent.objects.filter(case=OuterRef("case"), pk__lt=OuterRef("pk")).order_by("-pk")
    shown = Evidence.objects.filter(event=OuterRef("pk"), photo__point__isnull=False).annotate(
        off=Func(F("photo__point"), F("case__point"), function="ST_DistanceSphere", output_field=FloatField())
    )
    after = Recheck.objects.filter(case=OuterRef("case"), closing__gt=OuterRef("pk"), over_at__isnull=False)
    answered = after.filter(~Q(verdict="")).order_by("closing")
    made = (
        CaseEvent.objects.filter(verb__in=(Verb.PASS, Verb.REWORK), at__gte=since, at__lt=until, case__in=among)
        .filter(by__isnull=False, department__isnull=False)
        .annotate(
            finished_at=Subquery(before.filter(verb=Verb.FINISH).values("at")[:1]),
            lot=Subquery(before.filter(verb=Verb.ORDER_CHECK).values("facts__why")[:1]),
            metres=Subquery(shown.order_by("-off").values("off")[:1]),
            flagged=Exists(Flag.objects.filter(case=OuterRef("case"), photo__evidence__event=OuterRef("pk"))),
            verdict=Subquery(answered.values("verdict")[:1]),
            upheld=Subquery(answered.values("upheld")[:1]),
        )
        .order_by("pk")
    )
    names = ("case_id", "by_id", "department_id", "verb", "at")
    said = ("finished_at", "lot", "metres", "flagged", "verdict", "upheld")
    return [_check(row) for row in made.values(*names, *said)]


def _check(row: Mapping[str, Any]) -> Check:
    passed, finished = row["verb"] == Verb.PASS, row["finished_at"]
    held = None
    if passed and row["verdict"]:
        held = row["verdict"] == Recheck.Verdict.HOLDS or not row["upheld"]  # a dismissed doubt is none
    return Check(
        case=row["case_id"],
        inspector=row["by_id"],
        department=row["department_id"],
        passed=passed,
        minutes=(row["at"] - finished).total_seconds() / 60 if finished else None,
        metres=row["metres"],
        flagged=row["flagged"],
        held=held,
        lot=_lot(row["lot"] or ()),
    )


def _lot(why: Iterable[Mapping[str, Any]]) -> tuple[int, ...]:
    return next((tuple(reason["candidates"]) for reason in why if "candidates" in reason), ())
