"""The settings: what there is, its rows, one row, and who changed what."""

from __future__ import annotations

import logging
import secrets
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError, Q, QuerySet
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from cases import handover, unattended
from cases.handover import Settled
from cases.models import Condition
from cases.retiming import after_change
from grid import changes
from grid.keeping import changes_kept_by, kept_by
from grid.models import Beat, Change, Department, Officer
from grid.moment import today
from grid.roles import CENTRE, Role
from grid.vocabulary import whole

from ..door import Request, desk
from ..settings.forms import Setting
from ..settings.nouns import BY_MODEL, BY_SLUG, GROUPS, Noun
from ..settings.told import before, tell

ROWS = 50  # of a page
access = logging.getLogger("access")
KEEPERS = (Role.ADMINISTRATOR,)
REORGANISING = (Officer, Department, Beat)
"""Rows that say who people are and what they answer for: open work follows."""
KINDS = tuple(noun.model for noun in BY_SLUG.values())


@desk(*KEEPERS)
def index(request: Request) -> HttpResponse:
    """All settings, and the last changes of any that he keeps."""
    groups = [(label, [BY_SLUG[slug] for slug in slugs]) for label, slugs in GROUPS]
    changes = _told(changes_kept_by(request.user, KINDS))
    said = {"groups": groups, "changes": changes, "unattended": unattended.numbers()}
    return render(request, "console/settings/index.html", said)


@desk(*KEEPERS)
def rows(request: Request, slug: str) -> HttpResponse:
    """The rows of one kind, searched by `q`."""
    noun, q = _noun(slug), request.GET.get("q", "").strip()
    found = kept_by(request.user, noun.rows())
    if q and noun.search:
        told = Q()
        for field in noun.search:
            told |= Q(**{f"{field}__icontains": q})
        found = found.filter(told).distinct()
    page = Paginator(found, ROWS).get_page(request.GET.get("page"))
    lines = [(row, [column(row) for column in noun.columns.values()]) for row in page]
    return render(
        request,
        "console/settings/rows.html",
        {"noun": noun, "page": page, "lines": lines, "q": q, "heads": noun.columns},
    )


@desk(*KEEPERS)
def edit(request: Request, slug: str, pk: int | None = None) -> HttpResponseBase:
    """One row, to look at and to change; without a key a new one. Nobody overwrites what another changed meanwhile."""
    noun = _noun(slug)
    row = get_object_or_404(kept_by(request.user, noun.rows()), pk=pk) if pk else None
    if isinstance(row, Officer) and row.pk != request.user.pk:
        access.info("personal data of=%s officer=%s", row.pk, request.user.pk)
    if row is None and not noun.addable:
        raise Http404
    form = noun.form(request.POST or None, instance=row, initial=_initial(request, noun), keeper=request.user)
    was = changes.edition(row) if row else ""
    settled = Settled()
    if request.method == "POST" and _fits(request, form, was) and _keep(request, noun, form, settled):
        return redirect("console:setting", slug=slug)
    history = _told(Change.objects.filter(what=noun.model._meta.label_lower, row=str(pk))) if row else []
    said = {"noun": noun, "row": row, "form": form, "was": was, "changes": history}
    said |= {"may_try": request.user.holds(*CENTRE), "settled": None if form.errors else settled}
    return render(request, f"console/settings/{SHEETS.get(slug, 'row')}.html", said, status=422 if form.errors else 200)


def _initial(request: Request, noun: Noun) -> dict[str, Any]:
    """What the address says that the form shall say: fields, or `back` to what was before a change."""
    if "back" in request.GET:
        kept = changes_kept_by(request.user, KINDS).filter(what=noun.model._meta.label_lower)
        change = get_object_or_404(kept, pk=whole(request.GET["back"]))
        return before(change)
    return request.GET.dict()


@desk(*KEEPERS)
def back(request: Request, pk: int) -> HttpResponseBase:
    """To the form that says what was before a change: of the row, or of a new one where it was removed."""
    change = get_object_or_404(changes_kept_by(request.user, KINDS), pk=pk)
    noun = BY_MODEL.get(change.what)
    if noun is None or not noun.edited or not before(change):
        raise Http404
    row = kept_by(request.user, noun.rows()).filter(pk=change.row).first()
    if row is None and not noun.addable:
        raise Http404
    messages.info(request, _("下面是这次改动之前的内容，核对之后保存。"))
    there = (
        reverse("console:setting_row", args=[noun.slug, row.pk])
        if row
        else reverse("console:setting_new", args=[noun.slug])
    )
    return redirect(f"{there}?{urlencode({'back': change.pk})}")


SHEETS = {"beats": "beat", "conditions": "condition", "duties": "duty", "officers": "officer"}


def _fits(request: Request, form: Setting, was: str) -> bool:
    if form.instance.pk and request.POST.get("was") != was:
        last = Change.objects.filter(what=form._meta.model._meta.label_lower, row=str(form.instance.pk)).last()
        who = last.by if last and last.by else _("别人")
        form.add_error(None, _("%(who)s刚刚改过这一行。下面是您填的内容，核对之后可以再次保存。") % {"who": who})
    return form.is_valid() and _may(request, form)


def _may(request: Request, form: Setting) -> bool:
    """Nobody locks himself out, and a condition in use stays what it was."""
    if isinstance(form.instance, Officer) and form.instance.pk == request.user.pk:
        said = form.cleaned_data
        if not said["is_active"] or Role.ADMINISTRATOR.value not in said["roles"]:
            form.add_error(None, _("不能停用自己，也不能取消自己的系统管理员岗位，请由另一位系统管理员办理。"))
    if isinstance(form.instance, Condition) and form.instance.pk and not _renewed(form):
        form.add_error("valid_from", _("立案条件不直接修改：请写新的生效日期，今天或以后。"))
    return not form.errors


def _renewed(form: Setting) -> bool:
    """Whether a condition stays what it was, but for its end, or begins anew."""
    changed = set(form.changed_data)
    return changed <= {"closed_on"} or ("valid_from" in changed and form.cleaned_data["valid_from"] >= today())


def _keep(request: Request, noun: Noun, form: Setting, settled: Settled) -> bool:
    """Save a row, and put right what follows for open work; that is only shown until he has agreed to exactly it."""
    row = form.instance
    if isinstance(row, Condition) and row.pk and "valid_from" in form.changed_data:
        row.pk = None  # a new row; the old one stays with the cases that it was chosen for
    if isinstance(row, Officer) and row.pk is None:
        row.set_unusable_password()
    try:
        with transaction.atomic():
            change = changes.keep(row, by=request.user, many=form.many())
            if not kept_by(request.user, noun.rows()).filter(pk=row.pk).exists():
                raise ValidationError(_("这一行会落在您的辖区之外，请由负责那里的系统管理员办理。"))
            if change and isinstance(row, REORGANISING):
                settled.found.update(handover.settle(by=request.user).found)
            if settled and request.POST.get("agreed") != settled.mark:
                transaction.set_rollback(True)
                return False
    except ValidationError as error:
        form.add_error(None, error.messages)
        return False
    except IntegrityError:
        form.add_error(None, _("已有相同的一行，请修改那一行。"))
        return False
    if change is None:
        messages.info(request, _("没有改动。"))
        return True
    after_change([row])
    messages.success(request, _("已保存：%(row)s") % {"row": row})
    for _code, sentence in settled.in_words():
        messages.info(request, sentence)
    return True


@desk(*KEEPERS)
@require_POST
def remove(request: Request, slug: str, pk: int) -> HttpResponseBase:
    """Delete a row that nothing needs; it stays in the changes, from where it can be read again."""
    noun = _noun(slug)
    if not noun.removable:
        raise Http404
    row = get_object_or_404(kept_by(request.user, noun.rows()), pk=pk)
    try:
        changes.remove(row, by=request.user)
    except ProtectedError:
        messages.error(request, _("“%(row)s”仍被使用，不能删除。") % {"row": row})
        return redirect("console:setting_row", slug=slug, pk=pk)
    after_change([row])
    messages.success(request, _("已删除：%(row)s。可在变更记录里查到原来的内容。") % {"row": row})
    return redirect("console:setting", slug=slug)


@desk(*KEEPERS)
@require_POST
def password(request: Request, pk: int) -> HttpResponse:
    """A new password for an officer, shown once; his sessions end."""
    officer = get_object_or_404(kept_by(request.user, Officer.objects.all()), pk=pk)
    said = secrets.token_urlsafe(9)
    officer.set_password(said)
    changes.keep(officer, by=request.user)
    return render(request, "console/settings/password.html", {"officer": officer, "password": said})


@desk(*KEEPERS)
def log(request: Request) -> HttpResponse:
    """Who changed what, the latest first; of one kind with `what`."""
    found = changes_kept_by(request.user, KINDS)
    if noun := BY_SLUG.get(request.GET.get("what", "")):
        found = found.filter(what=noun.model._meta.label_lower)
    page = Paginator(found.select_related("by").order_by("-id"), ROWS).get_page(request.GET.get("page"))
    nouns = sorted(BY_SLUG.values(), key=lambda noun: str(noun.label))
    told = {"page": page, "changes": map(tell, page), "nouns": nouns, "what": noun}
    return render(request, "console/settings/log.html", told)


def _told(found: QuerySet[Change]) -> list[Any]:
    return [tell(change) for change in found.select_related("by").order_by("-id")[:10]]


def _noun(slug: str) -> Noun:
    try:
        return BY_SLUG[slug]
    except KeyError:
        raise Http404 from None
