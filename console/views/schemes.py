"""Schemes in the settings: a version to read, a new one to write and to try, and one that is withdrawn."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from cases import schemes
from cases.flow import Refused
from cases.models import Scheme
from grid.models import Change
from grid.moment import today
from grid.roles import CENTRE

from .. import trials
from ..door import Request, desk
from ..plans import PlanForm, grades_told, items_told
from ..settings.forms import SchemeForm
from ..settings.nouns import BY_SLUG, standing
from ..settings.told import tell
from .settings import KEEPERS

SAMPLE = [["A", 90, "green"], ["B", 75, "blue"], ["C", 60, "yellow"], ["D", 40, "red"], ["E", 0, "black"]]
BEGINNING: dict[str, Any] = {"items": [{}], "grades": SAMPLE}
"""What a new scheme begins with: the grades of the sample."""


@require_safe
@desk(*KEEPERS)
def show(request: Request, pk: int) -> HttpResponseBase:
    """One version as people read it, with the other versions of its scheme."""
    noun = BY_SLUG["schemes"]
    row = get_object_or_404(noun.rows(), pk=pk)
    last = schemes.newest(row.code)
    history = Change.objects.filter(what=Scheme._meta.label_lower, row=str(pk)).select_related("by").order_by("-id")
    said = {
        "noun": noun,
        "row": row,
        "standing": standing(row),
        "items": items_told(row.said),
        "grades": grades_told(row.said),
        "versions": [(each, standing(each)) for each in noun.rows().filter(code=row.code).order_by("-version")],
        "published": row.publications.count(),
        "may_withdraw": row == last and not schemes.begun(row),
        "may_try": request.user.holds(*CENTRE),
        "changes": [tell(change) for change in history],
    }
    return render(request, "console/settings/scheme.html", said)


@require_http_methods(["GET", "HEAD", "POST"])
@desk(*KEEPERS)
def write(request: Request, pk: int | None = None) -> HttpResponseBase:
    """A new version that begins as another, or a new scheme. It is judged, and may be tried, before it is saved."""
    start = get_object_or_404(Scheme, pk=pk) if pk else None
    last = schemes.newest(start.code) if start else None
    if request.method != "POST":
        form = SchemeForm(instance=_beginning(start), initial=None if start else {"valid_from": _next_month()})
        return _page(request, start, last, form, PlanForm.showing(start.said if start else BEGINNING))
    form, do = SchemeForm(request.POST, instance=_beginning(start)), request.POST.get("do", "save")
    if do not in ("save", "try"):
        return _page(request, start, last, _unjudged(form, start), PlanForm.pressed(request.POST))
    plan = PlanForm.sent(request.POST)
    if not (form.is_valid() & plan.is_valid()):
        return _page(request, start, last, form, plan, status=422)
    row = form.instance
    row.said = plan.said
    if do == "try":
        return _page(request, start, last, form, plan, preview=trials.preview(row, last, request.user))
    if _keep(request, row, last, form):
        messages.success(request, _("已保存：%(row)s") % {"row": row})
        return redirect("console:scheme", pk=row.pk)
    return _page(request, start, last, form, plan, status=422)


def _beginning(start: Scheme | None) -> Scheme:
    """The version to come as the form first shows it."""
    if start is None:
        return Scheme()
    names = ("code", "kind", "name", "name_en", "basis")
    first = schemes.earliest(start.code)
    day = max(_next_month(), first) if first else _next_month()
    return Scheme(valid_from=day, **{name: getattr(start, name) for name in names})


def _next_month() -> date:
    return (today().replace(day=1) + timedelta(days=32)).replace(day=1)


def _unjudged(form: SchemeForm, start: Scheme | None) -> SchemeForm:
    """The same as it was typed, without what is wrong with it."""
    return SchemeForm(instance=_beginning(start), initial={name: form[name].value() for name in form.fields})


def _keep(request: Request, row: Scheme, last: Scheme | None, form: SchemeForm) -> bool:
    if last and request.POST.get("was") != str(last.pk):
        form.add_error(
            None, _("刚刚有人写了第 %(n)d 版。下面是您填的内容，核对之后可以再次保存。") % {"n": last.version}
        )
        return False
    try:
        schemes.renew(row, after=last, by=request.user)
    except Refused as refused:
        form.add_error(refused.field if refused.field in form.fields else None, refused.detail)
    except ValidationError as error:
        form.add_error(None, error.messages)
    except IntegrityError:
        form.add_error(None, _("刚刚有人写了新的版本，请先看那一版。"))
    return not form.errors


def _page(
    request: Request,
    start: Scheme | None,
    last: Scheme | None,
    form: SchemeForm,
    plan: PlanForm,
    *,
    preview: Any = None,
    status: int = 200,
) -> HttpResponseBase:
    said = {
        "noun": BY_SLUG["schemes"],
        "start": start,
        "was": last.pk if last else "",
        "number": last.version + 1 if last else 1,
        "first": schemes.earliest(start.code) if start else None,
        "form": form,
        "plan": plan,
        "preview": preview,
    }
    return render(request, "console/settings/scheme_new.html", said, status=status)


@require_POST
@desk(*KEEPERS)
def withdraw(request: Request, pk: int) -> HttpResponseBase:
    """Take back a version that has not begun; what it said stays among the changes."""
    row = get_object_or_404(Scheme, pk=pk)
    try:
        schemes.withdraw(row, by=request.user)
    except Refused as refused:
        messages.error(request, refused.detail)
        return redirect("console:scheme", pk=pk)
    messages.success(request, _("已撤回：%(row)s。可在变更记录里查到原来的内容。") % {"row": row})
    return redirect("console:setting", slug="schemes")
