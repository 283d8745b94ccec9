"""My own desk: my messages, how I want to hear of things, and when I am away.

What the phones' door keeps of an officer hangs on the officer himself (`messages`, `preference`).
"""

from __future__ import annotations

from datetime import datetime, time
from typing import Any

from django import forms
from django.contrib import messages as notes
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from cases.flow import Stage, Verb
from cases.models import CaseEvent
from grid import leave
from grid.models import Leave, Officer
from grid.moment import now
from grid.vocabulary import whole

from ..door import Request, desk, told
from ..nav import tabs
from ..vocabulary import Moment

PAGE = 30
MANY = 99  # beyond it, nobody needs to know how many exactly
STOP_ASKING = 286  # htmx's word for a poll that is over


def _mine(officer: Officer) -> QuerySet[Any]:
    return officer.messages.all()


@require_http_methods(["GET", "HEAD", "POST"])
@desk()
def inbox(request: Request) -> HttpResponseBase:
    """My messages, the newest first. A post marks everything up to the newest that was shown as read."""
    if request.method == "POST":
        if upto := whole(request.POST.get("upto")):
            _mine(request.user).filter(read_at=None, number__lte=upto).update(read_at=now())
        return redirect("console:inbox")
    found = _mine(request.user).select_related("event__case__category").order_by("-number")
    if request.GET.get("unread"):
        found = found.filter(read_at=None)
    newest = found.values_list("number", flat=True).first()
    if cursor := whole(request.GET.get("cursor")):
        found = found.filter(number__lt=cursor)
    rows = list(found[: PAGE + 1])
    shown = rows[:PAGE]
    said = {
        "lines": [(row, Verb(row.event.verb).label, Stage(row.event.entered), _moved_on(row.event)) for row in shown],
        "next": shown[-1].number if rows > shown else None,
        "newest": newest,
        "waits": _mine(request.user).filter(read_at=None).exists(),
        "tabs": tabs(request),
    }
    return render(request, "console/inbox.html", said)


def _moved_on(event: CaseEvent) -> Stage | None:
    """Where the case stands now, if it went on after the event: the deadline is that stage's."""
    since = event.case.entered_at
    return Stage(event.case.stage) if event.entered != event.case.stage or since > event.at else None


@require_safe
@desk()
def message(request: Request, number: int) -> HttpResponseBase:
    """The case of a message, which is read with it. Raises ObjectDoesNotExist for another's."""
    found = _mine(request.user).select_related("event__case").get(number=number)
    if found.read_at is None:
        found.read_at = now()
        found.save(update_fields=["read_at"])
    return redirect("console:case", found.event.case.number)


@require_safe
def unread(request: HttpRequest) -> HttpResponseBase:
    """How many messages wait, as a part of every page. Who is no longer signed in keeps the page, and what he types."""
    if not isinstance(request.user, Officer):
        return HttpResponse(status=STOP_ASKING)
    count = _mine(request.user).filter(read_at=None)[: MANY + 1].count()
    answer = HttpResponse(f"{MANY}+" if count > MANY else str(count or ""), content_type="text/plain; charset=utf-8")
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


unread.roles = ()  # type: ignore[attr-defined]  # for everybody, as desk() says it


class PreferenceForm(forms.Form):
    """When and how I want to be rung."""

    quiet_from = forms.TimeField(
        label=gettext_lazy("免打扰从"), required=False, widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
    )
    quiet_to = forms.TimeField(
        label=gettext_lazy("免打扰到"),
        required=False,
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        help_text=gettext_lazy("可以跨过午夜。紧急案卷任何时候都会提醒；收件箱总是立刻收到。"),
    )
    working_time = forms.BooleanField(label=gettext_lazy("只在本单位的工作时间提醒"), required=False)
    mail = forms.BooleanField(label=gettext_lazy("同时发邮件"), required=False)
    digest = forms.BooleanField(label=gettext_lazy("每天早上用邮件告诉我超时和可能超时的案卷"), required=False)

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        since: time | None = said.get("quiet_from")
        until: time | None = said.get("quiet_to")
        if not self.errors and ((since is None) != (until is None) or (since and since == until)):
            self.add_error("quiet_to", _("免打扰时段须有先后不同的起止时间。"))
        return said


@require_http_methods(["GET", "HEAD", "POST"])
@desk()
def preferences(request: Request) -> HttpResponseBase:
    """When and how I am rung; until I say otherwise at any time, by every way there is."""
    model: Any = Officer._meta.get_field("preference").related_model
    row = model.objects.filter(officer=request.user).first() or model(officer=request.user)
    kept = {name: getattr(row, name) for name in PreferenceForm.base_fields}
    form = PreferenceForm(request.POST or None, initial=kept)
    if request.method == "POST" and form.is_valid():
        model.objects.update_or_create(officer=request.user, defaults=form.cleaned_data)
        notes.success(request, _("已保存。"))
        return redirect("console:preferences")
    said = {"form": form, "tabs": tabs(request), "address": request.user.email}
    return render(request, "console/preferences.html", said, status=422 if form.errors else 200)


class LeaveForm(forms.Form):
    """When somebody is away, and who stands in for him."""

    officer = forms.ModelChoiceField(Officer.objects.none(), label=gettext_lazy("谁"), empty_label=None)
    since = Moment(label=gettext_lazy("从"))
    until = Moment(label=gettext_lazy("到"))
    stand_in = forms.ModelChoiceField(
        Officer.objects.none(),
        label=gettext_lazy("代岗人"),
        required=False,
        empty_label="—",
        help_text=gettext_lazy("这段时间的案卷和提醒转给代岗人；没有代岗人的，留到回来，或逐级上报。"),
    )
    note = forms.CharField(label=gettext_lazy("说明"), required=False, max_length=200)

    def __init__(self, by: Officer, said: Any = None):
        super().__init__(said, initial={"officer": by.pk}, label_suffix="")
        people: Any = self.fields["officer"]
        people.queryset = leave.people(by)
        if len(people.queryset) < 2:
            people.required, people.widget = False, forms.HiddenInput()
        others: Any = self.fields["stand_in"]
        others.queryset = leave.possible(by)


@require_http_methods(["GET", "HEAD", "POST"])
@desk()
def leaves(request: Request) -> HttpResponseBase:
    """My leaves, a head's people's too, and the form of one more."""
    form = LeaveForm(request.user, request.POST or None)
    if request.method == "POST" and form.is_valid() and _set(request, form):
        notes.success(request, _("已登记。"))
        return redirect("console:leave")
    rows = Leave.objects.filter(officer__in=leave.people(request.user), until__gt=now())
    said = {"form": form, "tabs": tabs(request), "at": now()}
    said["leaves"] = rows.select_related("officer", "stand_in").order_by("since")
    return render(request, "console/leave.html", said, status=422 if form.errors else 200)


def _set(request: Request, form: LeaveForm) -> bool:
    said = form.cleaned_data
    since: datetime = said["since"]
    try:
        leave.set_leave(
            said["officer"] or request.user,
            by=request.user,
            since=since,
            until=said["until"],
            stand_in=said["stand_in"],
            note=said["note"],
        )
    except leave.LeaveRefused as refused:
        form.add_error(refused.field if refused.field in form.fields else None, str(refused))
    return not form.errors


@require_POST
@desk()
def back(request: Request, pk: int) -> HttpResponseBase:
    """Back again: a leave that has begun ends now, one that has not is taken back."""
    found = get_object_or_404(Leave.objects.select_related("officer"), pk=pk)
    try:
        leave.end(found, by=request.user)
    except leave.LeaveRefused as refused:
        return told(request, str(refused), 403)
    notes.success(request, _("已销假。"))
    return redirect("console:leave")
