"""Oversight (监督): pairs whose checks are worth looking at, who is on duty, and the track of a day."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.conf import settings
from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from cases import pairing
from cases.flow import Refused
from cases.models import Case
from cases.pairs import Fact, Finding, Pair
from grid import duty, vocabulary
from grid.models import Department, Officer, Track
from grid.moment import today
from grid.roles import CENTRE

from .. import map as drawing
from ..door import Request, desk, told
from ..nav import tabs

SHOWN = 50  # cases of a pair
LABELS = {
    Fact.PASSED: gettext_lazy("核查通过"),
    Fact.MET: gettext_lazy("抽签抽中"),
    Fact.QUICK: gettext_lazy("紧接处置完成"),
    Fact.FAR: gettext_lazy("拍摄地过远"),
    Fact.FLAGGED: gettext_lazy("照片有疑点"),
    Fact.FAILED: gettext_lazy("复查不属实"),
}


@require_safe
@desk(*CENTRE)
def first(request: Request) -> HttpResponseBase:
    """The first page of oversight."""
    return redirect("console:doubts")


@dataclass(frozen=True)
class Row:
    """One fact about a pair, as its table shows it. Shares between 0 and 1; None: there is nothing to compare."""

    label: str
    finding: Finding
    share: float | None
    others: float | None
    elsewhere: float | None


@dataclass(frozen=True)
class Line:
    """A pair worth looking at, the reasons in words, the numbers, and the cases with what is to be seen in each."""

    pair: Pair
    inspector: Officer
    department: Department
    reasons: list[str]
    rows: list[Row]
    cases: list[tuple[Case, list[str]]]


@require_safe
@desk(*pairing.LOOKERS)
def pairs(request: Request) -> HttpResponseBase:
    """Pairs of inspector and department whose checks look arranged, of the cases that I see. Each look is logged."""
    said: dict[str, Any] = {"tabs": tabs(request), "least": settings.PAIR_LEAST}
    try:
        since, until = pairing.period(_day(request.GET.get("since")), _day(request.GET.get("until")))
        said |= {"since": since.isoformat(), "until": until.isoformat()}
        found = pairing.look(since, until, by=request.user)
    except ValueError:
        said["wrong"] = _("请写年-月-日。")
    except Refused as refused:
        said["wrong"] = refused.detail
    if "wrong" in said:
        return render(request, "console/pairs.html", said | request.GET.dict(), status=422)
    judged = [pair for pair in found if pair.judged]
    said |= {"compared": len(judged), "too_few": len(found) - len(judged), "lines": list(_pairs(judged, request.user))}
    return render(request, "console/pairs.html", said)


def _day(said: str | None) -> date | None:
    """Raises ValueError."""
    if not said:
        return None
    if (day := vocabulary.day(said)) is None:
        raise ValueError(said)
    return day


def _pairs(judged: Sequence[Pair], by: Officer) -> Iterator[Line]:
    listed = [pair for pair in judged if pair.stands_out]
    officers = Officer.objects.in_bulk({pair.inspector for pair in listed})
    departments = Department.objects.in_bulk({pair.department for pair in listed})
    shown = {pair: sorted(pair.checks, key=lambda check: not pairing.marks(check))[:SHOWN] for pair in listed}
    wanted = {check.case for some in shown.values() for check in some}
    cases = Case.objects.visible_to(by).select_related("category").in_bulk(wanted)
    for pair in listed:
        yield Line(
            pair=pair,
            inspector=officers[pair.inspector],
            department=departments[pair.department],
            reasons=[pairing.reason(finding) for finding in pair.findings if finding.telling],
            rows=[_row(finding) for finding in pair.findings if finding.own.n],
            cases=[(cases[check.case], [str(LABELS[fact]) for fact in pairing.marks(check)]) for check in shown[pair]],
        )


def _row(finding: Finding) -> Row:
    label, own = str(LABELS[finding.fact]), finding.own
    return Row(label, finding, own.share, pairing.others(finding), finding.elsewhere.share)


@require_safe
@desk(*duty.WATCH)
def on_duty(request: Request) -> HttpResponseBase:
    """Who is on duty now in my territory. The look is logged."""
    said = {"shifts": duty.on_duty(request.user), "follows": request.user.holds(*duty.FOLLOW), "tabs": tabs(request)}
    return render(request, "console/duty.html", said)


@require_safe
@desk()
def track(request: Request, pk: int | None = None) -> HttpResponseBase:
    """An officer's track of a local day, by default mine of today. Each look at another's is logged."""
    whom = request.user if pk is None else get_object_or_404(Officer, pk=pk)
    try:
        day = _day(request.GET.get("day")) or today()
        found = duty.track(whom, day, by=request.user)
    except ValueError:
        return told(request, _("请写年-月-日。"), 404)
    except duty.DutyRefused as refused:
        return told(request, str(refused), 403)
    said = {
        "whom": whom,
        "day": day,
        "before": day - timedelta(days=1) if day > date.min else None,
        "after": day + timedelta(days=1) if day < today() else None,
        "today": today(),
        "points": found,
        "kept": settings.TRACK_DAYS,
        "config": _drawn(request.user, found),
        "tabs": tabs(request),
    }
    answer = render(request, "console/track.html", said)
    answer["Content-Security-Policy"] = drawing.policy()
    return answer


def _drawn(officer: Officer, found: Sequence[Track]) -> Mapping[str, Any]:
    """For track.js."""
    mapped = officer.holds(*drawing.ROLES)
    config = drawing.config(officer) if mapped else {}
    return {
        "roads": config["tiles"].replace("{layer}", "roads") if mapped else "",
        "base": drawing.base(),
        "attribution": drawing.attribution(),
        "points": [[row.point.x, row.point.y, row.at.timestamp(), row.shift_id, row.accuracy_m] for row in found],
        "failed": _("地图没有载入。请看下面的表格。"),
    }
