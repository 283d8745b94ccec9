"""One case: all that is known of it, and what may be done with it now."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from cases import (
    callers,
    docket,
    flags,
    flow,
    forecast,
    lateness,
    links,
    promise,
    reasons,
    refusals,
    rulebook,
    rules,
    showing,
    stale,
    stint,
)
from cases.calendar import Unusable
from cases.clock import Unit
from cases.flow import Refused, Stage, Verb
from cases.models import Case
from cases.photos import PhotoRefused
from cases.rulebook import Rulebook
from grid.models import Officer
from grid.moment import now
from grid.roles import CENTRE
from grid.vocabulary import whole

from .. import chosen, forms, place, telling
from .. import map as drawing
from ..door import STAFF, Request, desk, onward

MAIN = (
    Verb.FILE,
    Verb.DISPATCH,
    Verb.FINISH,
    Verb.ORDER_CHECK,
    Verb.PASS,
    Verb.CLOSE,
    Verb.VERIFY,
    Verb.RESUME,
    Verb.CALL_BACK,
)


@require_http_methods(["GET", "HEAD", "POST"])
@desk(*STAFF)
def show(request: Request, number: str) -> HttpResponseBase:
    """A case with its photos, its place, its log, its deadline, and the moves open to me.

    Numbers of phones and identity cards are masked but for those who work on it in the street, or ask for them (POST);
    each look is a line of the logger "access".
    """
    case, book, at = _case(request, number), rulebook.current(), now()
    asked = request.method == "POST"
    shown = showing.shows(book, case, request.user, asked=asked)
    said = {
        "case": case,
        "at": at,
        "buttons": _buttons(book, case, refusals.acting(case, request.user), at),
        "deadline": _deadline(book, case),
        "contact_due_at": callers.owed(case.log),
        "late_overall": promise.late(case, at),
        "late": lateness.of_case(book, case, case.log, at),
        "forecast": _forecast(book, case, at),
        "personal": showing.hides(case) and ("shown" if shown else "masked"),
        "open": shown,
    }
    return render(request, "console/case.html", said | _log(request, book, case) | _around(request, book, case, at))


def _log(request: Request, book: Rulebook, case: Case) -> dict[str, Any]:
    """What happened, with what was shown; flags for whom they are."""
    asked = flags.shown_to(request.user, case)
    shown = telling.pictures(case, case.log, request.user)
    before, after = telling.sides(case.log, shown)
    return {
        "before": before,
        "after": after,
        "lines": telling.told(book, case.log, shown, flags_too=asked),
        "flags": list(case.flags.select_related("answered_by", "other").order_by("id")) if asked else [],
    }


def _around(request: Request, book: Rulebook, case: Case, at: datetime) -> dict[str, Any]:
    """Where it is, and what else is there; the centre also hears of other cases, and why it went where it went."""
    centre = request.user.holds(*CENTRE)
    return {
        "place": place.draw(case),
        "roads": drawing.tiles("roads") if request.user.holds(*drawing.ROLES) else "",
        "attribution": drawing.attribution(),
        "route": _route(book, case) if centre else [],
        "similar": showing.nearby(book, case, at, by=request.user) if centre else [],
        "kin": showing.kin(case, request.user, case.log),
        "duplicates": list(links.waiting(case)) if centre else [],
    }


def _case(request: Request, number: str) -> Case:
    """Raises Case.DoesNotExist."""
    return Case.objects.visible_to(request.user).select_related(*docket.RELATED, "same_as").get(number=number)


def _buttons(book: Rulebook, case: Case, acting: Officer, at: datetime) -> list[tuple[Verb, str]]:
    """The moves open now, the one that leads on first, each with how its button looks."""
    moves = [move.verb for move in showing.moves(book, case, acting, case.log, at) if forms.known(move)]
    ordered = sorted(moves, key=lambda verb: verb not in MAIN)
    return [(verb, "main" if verb in MAIN else "danger" if verb == Verb.VOID else "") for verb in ordered]


def _deadline(book: Rulebook, case: Case) -> dict[str, Any]:
    return {
        "clock": Unit(case.clock).label if case.clock else "",
        "plain": case.clock == Unit.URGENT_MINUTE,  # what runs is told in minutes anyway
        "why": [reasons.say(reason) for reason in showing.why_due(case.log)],
        "trace": stint.explain(book, case),
    }


def _forecast(book: Rulebook, case: Case, at: datetime) -> dict[str, Any] | None:
    if not forecast.foretells(case):
        return None
    found = forecast.of(book, case, at)
    if found is None:
        return {"says": forecast.few()}
    return {"chance": round(100 * found.chance), "at_risk": found.at_risk, "says": found.says(book)}


def _route(book: Rulebook, case: Case) -> list[str]:
    """Why it was dispatched where it is, by the system's own words; before that, where it would be."""
    sent = next((event for event in reversed(case.log) if event.verb == Verb.DISPATCH), None)
    why = sent.facts.get("why", ()) if sent else ()
    if not sent and case.stage in (Stage.FILING, Stage.VERIFY, Stage.DISPATCH):
        why = rules.route(book, case)[1]
    return [reasons.say(reason) for reason in why if not reason["code"].startswith("limit")]


@require_http_methods(["GET", "HEAD", "POST"])
@desk(*STAFF)
def move(request: Request, number: str, verb: str) -> HttpResponseBase:
    """The form of a move, and the move. Where somebody else was faster, what happened is told and nothing is done."""
    case = _case(request, number)
    here = reverse("console:case", args=[case.number])
    if _again(request, case):
        return onward(request, here)
    try:
        about = _about(request, case, verb)
        form = forms.MoveForm(about, request.POST or None, request.FILES or None)
        if request.method == "POST" and form.is_valid():
            return _make(request, about, form)
    except (Refused, docket.Conflict) as refused:
        messages.error(request, _happened(request, case) or str(refused))
        return onward(request, here)
    return _form(request, about, form, 422 if form.errors else 200)


def _again(request: Request, case: Case) -> bool:
    """Whether this very move was made already: the same form, sent twice."""
    key = request.POST.get("key")
    return bool(key) and any(str(event.key) == key and event.by_id == request.user.pk for event in case.log)


def _about(request: Request, case: Case, verb: str) -> forms.About:
    """Raises Refused where this officer may not make this move now, whatever he says."""
    book, at = rulebook.current(), now()
    step, acting = flow.move(case.stage, verb), refusals.acting(case, request.user)
    if refusal := refusals.standing(book, case, step, acting, case.log, at):
        raise refusal
    return forms.About(book, case, step, acting, at)


def _happened(request: Request, case: Case) -> str:
    """What others did since the form was opened; nothing where nobody did."""
    seen = whole(request.POST.get("seen"))
    try:
        stale.overtaken(case, case.log[-1].pk if seen is None else seen)
    except Refused as refused:
        return refused.detail
    return ""


def _make(request: Request, about: forms.About, form: forms.MoveForm) -> HttpResponseBase:
    """Make the move. A fact that is wrong is told beside its field; what somebody did meanwhile, above the form.

    Raises Refused where the move is no longer to be made at all.
    """
    case, said = about.case, form.cleaned_data
    try:
        facts = form.facts(request.user)
        moved = docket.move(
            case.uuid, about.move.verb, by=request.user, facts=facts, key=said["key"], seen=said["seen"], limited=True
        )
    except Case.DoesNotExist:
        form.add_error("number", _("没有这个案卷，或您无权查看。"))
    except Unusable as unusable:
        form.add_error(_field(form, "limit"), str(unusable))
    except PhotoRefused as refused:
        if _part(request):  # else keep() tells it beside its field
            form.add_error(None, str(refused))
    except Refused as refused:
        if refused.code == "overtaken":
            return _overtaken(request, case, about.move.verb, refused)
        form.add_error(_field(form, refused.field), refused.detail)
    else:
        messages.success(request, _("%(verb)s：已办理。") % {"verb": about.move.verb.label})
        return onward(request, reverse("console:case", args=[moved.number]))
    return _form(request, about, form, 422)


def _field(form: forms.MoveForm, fact: str) -> str | None:
    """Where a form asks for a fact; above the form where it does not."""
    asked = {"limit": "limit_value"}.get(fact, fact)
    return asked if asked in form.fields else None


def _overtaken(request: Request, case: Case, verb: str, refused: Refused) -> HttpResponseBase:
    """The same words in a form that knows what happened. Raises Refused where the move is no longer possible."""
    case = _case(request, case.number)
    about = _about(request, case, verb)
    said = request.POST.copy()
    said["seen"] = str(case.log[-1].pk)
    form = forms.MoveForm(about, said, request.FILES or None)
    form.add_error(None, refused.detail)
    return _form(request, about, form, 409)


def _part(request: Request) -> bool:
    """Whether the form alone is asked for, and its page stays."""
    return "HX-Request" in request.headers and "HX-Boosted" not in request.headers


def _form(request: Request, about: forms.About, form: forms.MoveForm, status: int) -> HttpResponseBase:
    part = _part(request)
    if form.is_bound and not part:
        chosen.keep(form, forms.PURPOSES, request.user)
    template = "console/part/move.html" if part else "console/move.html"
    said = {"case": about.case, "move": about.move, "form": form}
    return render(request, template, said, status=status)
