"""Scores (考核): rankings, a subject's own past, what would be, what is published, and the dictionary."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from cases import evaluation, looking
from cases.flow import Refused
from cases.looking import LOOKERS, PUBLISHERS
from cases.metrics import METRICS
from cases.models import Basis, Indicator
from cases.periods import Span
from cases.scores import shown
from grid.models import Officer
from grid.roles import CENTRE, Role
from grid.words import named

from .. import ranking
from ..door import Request, desk, told
from ..plans import PlanForm
from ..ranking import Chosen, Then

PAGE = 100


@require_safe
@desk(*LOOKERS)
def page(request: Request) -> HttpResponseBase:
    """Who stands where, by a scheme over a period."""
    asked = ranking.chosen(request.GET, request.user)
    if asked is None:
        return render(request, "console/scores.html", {"asked": None} | ranking.places(request.user))
    table = ranking.ranking(asked, request.user, request.GET)
    if table.publication and "changed" in request.GET:  # to count everything anew takes longer than the page itself
        return render(request, "console/part/changed.html", {"changed": len(evaluation.drift(table.publication))})
    pages = Paginator(table.rows, PAGE)
    said = {
        "asked": asked,
        "table": table,
        "rows": pages.get_page(request.GET.get("page")),
        "spans": Span.choices,
        "bases": Basis.choices,
        "sort": request.GET.get("sort", ""),
        "may_publish": _publishes(request.user) and asked.over and asked.basis == asked.scheme.basis,
        "within": _within(request.user),
    }
    return render(request, "console/scores.html", said | ranking.places(request.user))


def _within(officer: Officer) -> str:
    """The name of the ground to which live figures are narrowed; "": they are not."""
    return named(officer.area) if officer.area and looking.ground(officer) else ""


def _publishes(officer: Officer) -> bool:
    return officer.holds(*PUBLISHERS) and not looking.ground(officer)


@require_safe
@desk(*LOOKERS)
def subject(request: Request, pk: int) -> HttpResponseBase:
    """One subject's last twelve periods."""
    asked = ranking.chosen(request.GET, request.user)
    names = evaluation.named(asked.scheme.kind, [pk]) if asked else []
    if asked is None or not names:
        return told(request, _("没有找到，或您无权查看。"), 404)
    try:
        looking.looked_at(request.user, asked.scheme.kind, pk)
    except Refused as refused:
        return told(request, refused.detail, 403)
    past = ranking.trend(asked, pk, request.user)
    heads = {row.code: row for row in Indicator.objects.all()}
    now = [(line, heads[line.item.rate.code]) for line in past[-1].score.lines]
    said = {
        "asked": asked,
        "subject": names[0],
        "past": past[::-1],
        "this": past[-1],
        "heads": [head for _line, head in now],
        "now": now,
        "chart": _chart(asked, past, heads),
    }
    return render(request, "console/score_subject.html", said | ranking.places(request.user))


def _chart(asked: Chosen, past: list[Then], heads: Mapping[str, Indicator]) -> dict[str, Any]:
    """What scores.js draws; a table beside it says the same."""
    lines = past[-1].score.lines
    return {
        "periods": [period_name(then) for then in past],
        "points": {"name": _("得分"), "values": [_number(then.score.points) for then in past]},
        "rates": [
            {
                "name": named(heads[line.item.rate.code]),
                "values": [_number(then.score.lines[n].value, 100) for then in past],
            }
            for n, line in enumerate(lines)
            if line.item.rate.denominator
        ],
        "grades": [[str(letter), float(low)] for letter, low, _colour in asked.scheme.said["grades"]],
    }


def period_name(then: Then) -> str:
    """A period on an axis."""
    since, span = then.period.since, then.period.span
    if span == Span.YEAR:
        return f"{since:%Y}"
    if span == Span.QUARTER:
        return f"{since:%Y} Q{(since.month + 2) // 3}"
    if span == Span.HALF:
        return f"{since:%Y} H{1 if since.month == 1 else 2}"
    return f"{since:%Y-%m}" if span == Span.MONTH else f"{since:%m-%d}"


def _number(value: Any, times: int = 1) -> float | None:
    return None if value is None else shown(value * times)


@require_POST
@desk(*PUBLISHERS)
def publish(request: Request) -> HttpResponseBase:
    """Freeze the period that one looks at; again with a reason."""
    asked = ranking.chosen(request.POST, request.user)
    if asked is None:
        return told(request, _("没有找到，或您无权查看。"), 404)
    made = evaluation.publish(asked.scheme, asked.period, request.user, request.POST.get("reason", "").strip()[:200])
    says = _("已发布，第 %(n)d 次修订。") % {"n": made.revision} if made.revision else _("已发布。")
    messages.success(request, says)
    return redirect(f"{reverse('console:scores')}?{asked.query}")


@require_http_methods(["GET", "HEAD", "POST"])
@desk(*CENTRE)
def what_if(request: Request) -> HttpResponseBase:
    """A period under other weights, bounds and grades, side by side. Nothing is written."""
    asked = ranking.chosen(request.GET, request.user)
    if asked is None:
        return told(request, _("还没有评分方案。"), 200, title=_("权重试算"))
    wrong, rows = "", []
    if request.method != "POST":
        plan = PlanForm.showing(asked.scheme.said)
    elif request.POST.get("do", "try") != "try":
        plan = PlanForm.pressed(request.POST)
    else:
        plan = PlanForm.sent(request.POST)
        try:
            rows = evaluation.beside(asked.counted, asked.period, plan.said, request.user) if plan.is_valid() else []
        except Refused as refused:
            wrong = refused.detail
    page = {"asked": asked, "plan": plan, "rows": rows[:500], "wrong": wrong}
    status = 422 if wrong or not plan.fits else 200
    return render(request, "console/score_what_if.html", page | ranking.places(request.user), status=status)


@require_safe
@desk(*LOOKERS, Role.ADMINISTRATOR)
def dictionary(request: Request) -> HttpResponseBase:
    """Every metric and every indicator with its formula."""
    names = {metric.code: named(metric) for metric in METRICS}
    indicators = [
        (row, _formula(row.numerator, names), _formula(row.denominator, names)) for row in Indicator.objects.all()
    ]
    return render(
        request,
        "console/dictionary.html",
        {"indicators": indicators, "metrics": METRICS} | ranking.places(request.user),
    )


def _formula(sum_: str, names: Mapping[str, str]) -> str:
    """The sum in words: 按期处置数 + 超期处置数 − 免责数."""
    return " ".join({"-": "−"}.get(word) or names.get(word, word) for word in sum_.split())
