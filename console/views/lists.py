"""Lists of cases: the queues of one's posts, and all that one may see."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import Http404, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from cases import docket, exports, paging, queues, rulebook, rules
from cases.flow import NOTHING, Facts, Refused, Verb
from cases.models import Case, CaseQuerySet
from cases.queues import Queue
from grid.models import Department
from grid.moment import now
from grid.quota import Overspent
from grid.vocabulary import whole
from grid.words import named

from .. import finding
from ..door import STAFF, Request, desk
from ..filters import Filters

PAGE = 30
AT_ONCE = 50  # cases of a bulk action


@require_safe
@desk(*STAFF)
def first(request: Request) -> HttpResponseBase:
    """The first of my queues in which something waits."""
    counts = queues.counts(request.user)
    names = [name for name, count in counts.items() if count] or list(counts)
    return redirect("console:queue", names[0]) if names else redirect("console:cases")


@require_safe
@desk(*STAFF)
def queue(request: Request, name: str) -> HttpResponseBase:
    """What waits in one of my queues, what is due first on top."""
    here = _queue(request, name)
    return _list(request, queues.within(here, request.user), here)


@require_safe
@desk(*STAFF)
def every(request: Request) -> HttpResponseBase:
    """All cases that I may see."""
    return _list(request, Case.objects.visible_to(request.user), None)


@require_safe
@desk(*STAFF)
def find(request: Request) -> HttpResponseBase:
    """Areas, officers and cells by what is typed into a list's box: each narrows the list that is shown."""
    said = finding.words(request.GET.get("q", ""))
    kept = {name: value for name, value in request.GET.items() if value and name not in ("q", "cursor")}
    found = finding.find(request.user, said, "area", "officer", "cell")
    links = [hit | {"query": urlencode(kept | hit["terms"])} for hit in found]
    return render(request, "console/part/found.html", {"found": links, "said": said, "narrows": True})


@require_safe
@desk(*STAFF)
def counts(request: Request) -> HttpResponseBase:
    """The queues with their counts, as a part of the page: asked again and again."""
    return render(request, "console/part/queues.html", side(request, request.GET.get("here", "")))


def _queue(request: Request, name: str) -> Queue:
    """Raises Http404 for a queue of another post."""
    for mine in queues.of(request.user):
        if mine.name == name:
            return mine
    raise Http404


def _list(request: Request, found: CaseQuerySet, here: Queue | None) -> HttpResponseBase:
    filters = Filters(request.GET, rulebook.current(), request.user)
    narrowed = found.select_related(*docket.RELATED).matching(filters.terms, now())
    due, cursor = here.due if here else "due_at", request.GET.get("cursor") or None
    cases, following = paging.page(narrowed, sort=filters.order, limit=PAGE, cursor=cursor, due=due)
    suggests = here is not None and here.bulk == Verb.DISPATCH
    said = {
        "rows": [(case, _suggested(case) if suggests else None) for case in cases],
        "next": following,
        "filters": filters,
        "narrowed": bool(filters.terms),
        "queue": here,
        "bulk": Verb(here.bulk) if here and here.bulk else None,
        "opener": request.user.holds(*exports.OPENERS),
    }
    return render(request, "console/list.html", said | side(request, here.name if here else ""))


def _suggested(case: Case) -> Department | None:
    """Where the duties point now. Makes no statement."""
    return rules.route(rulebook.current(), case)[0]


def side(request: Request, here: str) -> dict[str, Any]:
    """For the side of a page: my queues with their counts; `here` is the one that is shown."""
    counted = queues.counts(request.user)
    told = [(queue, counted[queue.name], queue.name == here) for queue in queues.of(request.user)]
    return {"queues": told, "many": queues.MANY, "here": here}


@dataclass(frozen=True)
class Outcome:
    """What became of one case of a bulk action: a refusal's sentence, or nothing where it was done."""

    case: Case
    refused: str = ""


@require_POST
@desk(*STAFF)
def bulk(request: Request, name: str) -> HttpResponseBase:
    """Take the chosen cases of a queue the step that is safe for many; each by itself, and told by itself.

    Each is dispatched to where the page said that it would be: where that has changed since, it is not moved.
    """
    here = _queue(request, name)
    if here.bulk is None:
        raise Http404
    chosen = [UUID(said) for said in request.POST.getlist("case")[:AT_ONCE] if _is_uuid(said)]
    found = Case.objects.visible_to(request.user).filter(uuid__in=chosen).select_related(*docket.RELATED)
    outcomes = [_take(case, here.bulk, request) for case in found.order_by("due_at", "id")]
    said = {"outcomes": outcomes, "queue": here, "verb": here.bulk, "done": _done(outcomes)}
    return render(request, "console/bulk.html", said)


def _done(outcomes: Iterable[Outcome]) -> int:
    return sum(not outcome.refused for outcome in outcomes)


def _take(case: Case, verb: Verb, request: Request) -> Outcome:
    """One case, in a transaction of its own."""
    facts = NOTHING
    if verb == Verb.DISPATCH:
        department = _suggested(case)
        if changed := _changed(request.POST.get(f"to.{case.uuid}", ""), department):
            return Outcome(case, changed)
        facts = Facts(department=department.pk if department else None)  # nobody is refused
    try:
        return Outcome(docket.move(case.uuid, verb, by=request.user, facts=facts, limited=True))
    except Refused as refused:
        return Outcome(case, refused.detail)
    except Overspent as much:
        return Outcome(case, str(much))


def _changed(shown: str, department: Department | None) -> str:
    """What is told where a page suggested another department than the duties do now; nothing where it did not."""
    if shown == (str(department.pk) if department else ""):
        return ""
    was = rulebook.current().departments.get(whole(shown) or 0)
    says = _("页面打开之后，系统建议由“%(was)s”变为“%(now)s”，没有派遣。请核对后再办。")
    return says % {"was": named(was) if was else "—", "now": named(department) if department else "—"}


def _is_uuid(said: str) -> bool:
    try:
        UUID(said)
    except ValueError:
        return False
    return True
