"""Trials (试算): a past period under other limits or duties, reckoned by the worker. Nothing is published by it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from cases import evaluation, periods, whatif
from cases.flow import Refused
from cases.models import Condition, Scheme, Trial
from grid.moment import today
from grid.roles import CENTRE
from grid.vocabulary import whole

from .. import ranking, trials
from ..door import Request, desk
from ..rows import act
from ..trials import Duties, Limits, TrialForm

PAGE = 20
ROWS = 100


@require_safe
@desk(*CENTRE)
def mine(request: Request) -> HttpResponseBase:
    """My trials, the newest first."""
    page = Paginator(whatif.of(request.user), PAGE).get_page(request.GET.get("page"))
    return render(request, "console/trials.html", {"page": page} | ranking.places(request.user))


@require_http_methods(["GET", "HEAD", "POST"])
@desk(*CENTRE)
def new(request: Request) -> HttpResponseBase:
    """What is to be different. Every button sends all that was typed: one finds conditions, others add or take away
    a row, and one begins."""
    if request.method != "POST":
        form, limits, duties = _beginning(request)
        return _page(
            request,
            TrialForm(initial=form),
            Limits.showing("limits", limits),
            Duties.showing("duties", duties),
        )
    verb, where, which = act(request.POST.get("do", ""))
    if verb == "start":
        return _start(request)
    limits, duties = Limits.typed("limits", request.POST), Duties.typed("duties", request.POST)
    if verb == "drop" and where in ("limits", "duties"):
        rows = limits if where == "limits" else duties
        del rows[max(which, 0) : which + 1]
    if verb == "more":
        duties.append({})
    if verb == "add":
        limits += [_as_it_is(row) for row in Condition.objects.filter(pk=which)]
    form = {name: request.POST.get(name, "") for name in TrialForm.base_fields}
    shown = Limits.showing("limits", limits), Duties.showing("duties", duties)
    found = verb in ("find", "add") or (verb == "enter" and bool(request.POST.get("q")))
    return _page(request, TrialForm(initial=form), *shown, found=found)


def _as_it_is(row: Condition) -> dict[str, Any]:
    return {"condition": row.pk, "value": f"{row.limit_value.normalize():f}", "unit": row.limit_unit}


def _beginning(request: Request) -> tuple[dict[str, Any], list[dict[str, Any]], list[dict[str, Any]]]:
    """What the address says to begin with: a trial of mine (`from`), a condition, or a duty. Last month by default."""
    said = request.GET
    if before := whole(said.get("from")):
        return trials.again(get_object_or_404(whatif.of(request.user), pk=before))
    form: dict[str, Any] = {"scheme": said.get("scheme", ""), "span": said.get("span", "month")}
    form["day"] = said.get("day") or today().replace(day=1) - timedelta(days=1)
    limits = [_as_it_is(row) for row in Condition.objects.filter(pk=whole(said.get("condition")) or 0)]
    duty = {name: said[name] for name in ("category", "area", "department") if said.get(name)}
    return form, limits, [duty] if duty else []


def _start(request: Request) -> HttpResponseBase:
    form = TrialForm(request.POST)
    limits, duties = Limits(request.POST, prefix="limits"), Duties(request.POST, prefix="duties")
    wrong = ""
    if form.is_valid() & limits.is_valid() & duties.is_valid():
        try:
            scheme = evaluation.in_force(form.cleaned_data["scheme"], form.period.until)
            trial = whatif.begin(scheme, form.period, trials.wanted(limits.said, duties.said), request.user)
            return redirect("console:trial", pk=trial.pk)
        except Scheme.DoesNotExist:
            form.add_error("day", _("这一周期还没有这个评分方案。"))
        except Refused as refused:
            wrong = refused.detail
    return _page(request, form, limits, duties, wrong=wrong, status=422)


def _page(
    request: Request,
    form: TrialForm,
    limits: Any,
    duties: Any,
    *,
    found: bool = False,
    wrong: str = "",
    status: int = 200,
) -> HttpResponseBase:
    known = trials.conditions([{"condition": row["condition"].value()} for row in limits])
    q = request.POST.get("q", "").strip()[:60]
    hits = trials.find(q, _period(form)) if found and q else []
    said = {
        "form": form,
        "limits": [(row, known.get(str(row["condition"].value()))) for row in limits],
        "limit_rows": limits,
        "duty_rows": duties,
        "q": q,
        "found": hits[: trials.FOUND],
        "more": len(hits) > trials.FOUND,
        "searched": found,
        "wrong": wrong,
    }
    return render(request, "console/trial_new.html", said | ranking.places(request.user), status=status)


def _period(form: TrialForm) -> Any:
    """The period that is being chosen, or the month of today where it cannot be read yet."""
    typed = TrialForm({name: form[name].value() for name in form.fields})
    return typed.period if typed.is_valid() else periods.of("month", today())


@require_safe
@desk(*CENTRE)
def show(request: Request, pk: int) -> HttpResponseBase:
    """How far a trial of mine is, and in the end what came of it; htmx asks for that part again and again."""
    trial = get_object_or_404(whatif.of(request.user), pk=pk)
    said: dict[str, Any] = {"trial": trial, "tried": trials.tried(trial), "failure": trials.failure(trial)}
    if trial.finished_at and not trial.failed:
        said |= _result(request, trial)
    part = "HX-Request" in request.headers
    page = "console/part/trial.html" if part else "console/trial.html"
    return render(request, page, said | ranking.places(request.user))


def _result(request: Request, trial: Trial) -> dict[str, Any]:
    sort = request.GET.get("sort", "")
    try:
        result = trials.result(trial, sort)
    except Refused:
        raise Http404 from None  # an indicator of the scheme is gone
    lines = result.lines if not request.GET.get("only") else [line for line in result.lines if line.moved]
    return {"result": result, "page": Paginator(lines, ROWS).get_page(request.GET.get("page")), "sort": sort}
