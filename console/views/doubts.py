"""Doubts (复查疑问): re-checks that did not hold, and what is decided of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from cases import docket, rechecks, showing
from cases.flow import Purpose, Refused
from cases.models import Photo, Recheck
from grid.roles import CENTRE, SUPERVISION
from grid.vocabulary import whole

from ..door import Request, desk
from ..nav import tabs
from ..telling import Picture
from .lists import side

PAGE = 20
JOINED = (
    *("case__category", "case__department", "case__cell__area__parent"),
    *("closing", "inspector", "inspector__department", "decided_by", "decided_by__department"),
)


@dataclass(frozen=True)
class Line:
    """A re-check as the page shows it. `form`: there is something to decide, and this officer may."""

    recheck: Recheck
    pictures: list[Picture]
    asks: list[str]
    form: DecisionForm | None


class DecisionForm(forms.Form):
    """What becomes of a doubt. `key` makes a second click the same decision."""

    note = forms.CharField(label=gettext_lazy("答复"), max_length=2000, widget=forms.Textarea(attrs={"rows": 3}))
    key = forms.UUIDField(widget=forms.HiddenInput)
    upheld = forms.TypedChoiceField(choices=[("1", ""), ("0", "")], coerce=lambda said: said == "1")

    def __init__(self, said: Any = None, prefix: str = ""):
        super().__init__(said, prefix=prefix, initial={"key": uuid4()}, label_suffix="")


@require_safe
@desk(*SUPERVISION)
def queue(request: Request) -> HttpResponseBase:
    """The queue of doubts leads to their page: a list of cases would not show what the re-check found."""
    return redirect("console:doubts")


@require_safe
@desk(*CENTRE)
def waiting(request: Request) -> HttpResponseBase:
    """The doubts that wait, the oldest first; with `view=all` every re-check that is known, the newest first."""
    return _page(request)


@require_POST
@desk(*SUPERVISION)
def decide(request: Request, pk: int) -> HttpResponseBase:
    """Reopen the case, or dismiss the doubt. What is wrong is told beside the form, which keeps what was typed."""
    form = DecisionForm(request.POST, prefix=str(pk))
    if form.is_valid():
        said = form.cleaned_data
        try:
            done = rechecks.decide(pk, by=request.user, upheld=said["upheld"], note=said["note"], key=said["key"])
        except (Refused, docket.Conflict) as refused:
            form.add_error(None, getattr(refused, "detail", str(refused)))
        else:
            messages.success(request, _("已重启案卷。") if done.upheld else _("已驳回疑问，案卷保持结案。"))
            return redirect("console:doubts")
    return _page(request, pk, form)


def _page(request: Request, pk: int = 0, bound: DecisionForm | None = None) -> HttpResponseBase:
    every = request.GET.get("view") == "all"
    rows = list(_found(request, every)[: PAGE + 1])
    shown = rows[:PAGE]
    if bound and pk not in {row.pk for row in shown}:  # somebody was faster: its form is no longer here
        for errors in bound.errors.values():
            messages.error(request, " ".join(map(str, errors)))
    said = {
        "lines": _lines(request, shown, {pk: bound} if bound else {}),
        "every": every,
        "more": rows > shown,
        "next": shown[-1].pk if every and rows > shown else None,
        "tabs": tabs(request),
    }
    return render(request, "console/doubts.html", said | side(request, "doubts"), status=422 if bound else 200)


def _found(request: Request, every: bool) -> QuerySet[Recheck]:
    found = rechecks.told(request.user).select_related(*JOINED)
    if not every:
        return found.filter(verdict=Recheck.Verdict.FAILS, over_at=None).order_by("pk")
    before = whole(request.GET.get("cursor"))
    return (found.filter(pk__lt=before) if before else found).order_by("-pk")


def _lines(request: Request, shown: Sequence[Recheck], bound: Mapping[int, DecisionForm]) -> list[Line]:
    arrived = Photo.objects.in_bulk({sha for row in shown for sha, _purpose in row.photos})
    decides = request.user.holds(*SUPERVISION)
    return [
        Line(
            recheck=row,
            pictures=list(_pictures(row, arrived)),
            asks=[showing.flag(flag.code, flag.figure) for flag in rechecks.questions(row)] if row.doubted else [],
            form=(bound.get(row.pk) or DecisionForm(prefix=str(row.pk))) if decides and row.doubted else None,
        )
        for row in shown
    ]


def _pictures(recheck: Recheck, arrived: dict[str, Photo]) -> Iterable[Picture]:
    """The photos of a re-check. Its originals are not shown before it is over: only evidence has a case to log."""
    for sha, purpose in recheck.photos:
        photo = arrived.get(sha)
        yield Picture(
            sha256=sha,
            purpose=purpose,
            label=str(Purpose(purpose).label),
            event=0,
            at=(photo.taken_at if photo else None) or recheck.done_at or recheck.closing.at,
            by=str(recheck.inspector or ""),
            arrived=photo is not None,
            original=False,
        )
