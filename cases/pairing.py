"""The checks of a span, from the log, and the pairs worth looking at. Each look is a line of the logger "access"."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Exists, F, FloatField, Func, OuterRef, Q, QuerySet, Subquery
from django.utils.translation import gettext as _

from grid.models import Officer
from grid.moment import reckonable, today
from grid.roles import Role

from .flow import Refused, Verb
from .forecast import midnight
from .models import Case, CaseEvent, Evidence, Flag, Recheck
from .pairs import Bounds, Check, Fact, Finding, Pair, compare
from .periods import fitting

access = logging.getLogger("access")

LOOKERS = (Role.AUDITOR, Role.SHIFT_LEADER, Role.LEADER)


def period(since: date | None, until: date | None) -> tuple[date, date]:
    """Local days, both included; the last PAIR_DAYS where they are not said. Raises Refused."""
    until = until or today()
    if reckonable(until):
        since = since or until - timedelta(days=settings.PAIR_DAYS - 1)
    if since is None or not reckonable(until):
        since, until = date.max, date.min  # days that cannot be reckoned with are none
    return fitting(since, until)


def look(since: date, until: date, *, by: Officer) -> list[Pair]:
    """Every pair of the cases that the officer sees, checked on these local days, both included; the look is logged.

    Two statements. Raises Refused (too_many_checks): a look at more than PAIR_MOST takes too much time and memory.
    """
    begin, end = midnight(since), midnight(until + timedelta(days=1))
    among = Case.objects.visible_to(by)
    many = _made(begin, end, among)[: settings.PAIR_MOST + 1].count()
    if many > settings.PAIR_MOST:
        sentence = _("这些天的核查超过 %(most)d 次，一次最多比较这么多：请缩短时间。")
        raise Refused("too_many_checks", sentence % {"most": settings.PAIR_MOST}, field="from")
    access.info("pairs officer=%s since=%s until=%s", by.pk, begin.isoformat(), end.isoformat())
    return compare(checks(begin, end, among), bounds())


def bounds() -> Bounds:
    return Bounds(
        least=settings.PAIR_LEAST,
        quick_minutes=settings.PAIR_QUICK_MINUTES,
        far_m=settings.PHOTO_FAR_M,
        rate=settings.PAIR_RATE,
    )


def _made(since: datetime, until: datetime, among: QuerySet[Case]) -> QuerySet[CaseEvent]:
    made = CaseEvent.objects.filter(verb__in=(Verb.PASS, Verb.REWORK), at__gte=since, at__lt=until)
    return made.filter(case__in=among, by__isnull=False, department__isnull=False)


def checks(since: datetime, until: datetime, among: QuerySet[Case]) -> list[Check]:
    """The checks made in [since, until). One statement."""
    before = CaseEvent.objects.filter(case=OuterRef("case"), pk__lt=OuterRef("pk")).order_by("-pk")
    shown = Evidence.objects.filter(event=OuterRef("pk"), photo__point__isnull=False).annotate(
        off=Func(F("photo__point"), F("case__point"), function="ST_DistanceSphere", output_field=FloatField())
    )
    after = Recheck.objects.filter(case=OuterRef("case"), closing__gt=OuterRef("pk"), over_at__isnull=False)
    answered = after.filter(~Q(verdict="")).order_by("closing")
    made = (
        _made(since, until, among)
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
    return [_check(row) for row in made.values(*names, *said).iterator()]


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


def marks(check: Check) -> list[Fact]:
    """What is to be seen in one check."""
    found = {
        Fact.QUICK: check.passed and check.minutes is not None and check.minutes < settings.PAIR_QUICK_MINUTES,
        Fact.FAR: check.metres is not None and check.metres > settings.PHOTO_FAR_M,
        Fact.FLAGGED: check.flagged,
        Fact.FAILED: check.held is False,
    }
    return [fact for fact, there in found.items() if there]


def others(finding: Finding) -> float | None:
    """The same share of the other inspectors; of MET what the lot would give."""
    return finding.others.share if finding.expected is None else finding.expected / finding.own.n


def reason(finding: Finding) -> str:
    """A fact in words."""
    said = {
        "k": finding.own.k,
        "n": finding.own.n,
        "others": f"{finding.others.share or 0:.0%}",
        "expected": f"{finding.expected or 0:.1f}",
    }
    sentences = {
        Fact.PASSED: _("%(n)s 次核查通过 %(k)s 次；其他监督员对该单位的通过率为 %(others)s。"),
        Fact.MET: _("%(n)s 次抽签中由其核查 %(k)s 次；按抽签应约 %(expected)s 次。"),
        Fact.QUICK: _("%(n)s 次通过中有 %(k)s 次紧接着处置完成；其他监督员为 %(others)s。"),
        Fact.FAR: _("%(n)s 次核查照片中有 %(k)s 次拍摄地过远；其他监督员为 %(others)s。"),
        Fact.FLAGGED: _("%(n)s 次核查中有 %(k)s 次照片有疑点；其他监督员为 %(others)s。"),
        Fact.FAILED: _("%(n)s 次复查中有 %(k)s 次不属实；其他核查为 %(others)s。"),
    }
    return sentences[finding.fact] % said
