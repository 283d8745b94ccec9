"""Lead and assisting departments (主办, 协办): what an assisting department has to do is a case of its own, a child.

It has its own number, clock, ladder, check and log, and takes what, where and who reported from its parent. A parent is
closed only after its children; a void parent voids what they have still to do; a child has no children.

A parent is locked before its children, and by every move that opens, ends or reopens a child: so a parent that is to be
closed knows of all of them, and nobody waits for somebody who waits for him.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from uuid import UUID, uuid4

from django.db.models import F, Q, QuerySet

from . import flags, rules
from .flow import Facts, Stage, Verb
from .models import Case, CaseQuerySet, Evidence
from .rulebook import Rulebook
from .rules import Why

TOUCHING = (Verb.PASS, Verb.CLOSE, Verb.VOID, Verb.REOPEN)  # what may end a child, or open it again
GIVEN = ("source", "category", "component", "cell", "off_cell_m", "point", "place", "text", "reporter", "reported_at")


def lead(uuid: UUID, verb: str) -> CaseQuerySet:
    """The case that a child helps, to be locked before it; nothing where the verb does not concern it."""
    return Case.objects.filter(children__uuid=uuid) if verb in TOUCHING else Case.objects.none()


def child(book: Rulebook, parent: Case, facts: Facts, number: str, at: datetime) -> Case:
    """The case of an assisting department, not saved and not yet dispatched.

    No report has an empty digest: its uuid is nobody's to report under.
    """
    return Case(
        uuid=uuid4(),
        number=number,
        digest=b"",
        parent=parent,
        condition=book.conditions[facts.condition] if facts.condition else parent.condition,
        stage="",
        entered_at=at,
        **{name: getattr(parent, name) for name in GIVEN},
    )


def task(parent: Case, facts: Facts) -> Facts:
    """What the dispatch of a child says."""
    why = ({"code": "assists", "number": parent.number},)
    return Facts(note=facts.note, department=facts.department, limit=facts.limit, why=why)


def unfinished(case: Case) -> CaseQuerySet:
    """The children that are not over."""
    found: CaseQuerySet = case.children.open().order_by("pk")
    return found


def family(case: Case) -> CaseQuerySet:
    """A case's parent and its children, over or not, the parent first."""
    found: CaseQuerySet = Case.objects.filter(Q(pk=case.parent_id) | Q(parent=case.pk)).select_related("department")
    return found.order_by("pk")


def shown(case: Case) -> QuerySet[Evidence]:
    """The photos of a case with their events, in the order of the log; of a child with those of the report before."""
    reported = Q(case=case.parent_id, event__verb=Verb.REPORT) if case.parent_id else Q(pk__in=[])
    return Evidence.objects.filter(Q(case=case) | reported).select_related("event", "case").order_by("id")


def hold(case: Case, verb: Verb) -> Why:
    """Why the system does not make a move by itself; empty if it may."""
    if verb != Verb.CLOSE or not (numbers := [child.number for child in unfinished(case)]):
        return ()
    return ({"code": "children_open", "numbers": numbers},)


def voided(child: Case) -> Iterator[Verb]:
    """The steps that end the child of a void parent; none where its work is done: that is checked as ever."""
    if child.stage == Stage.SHELVED:
        yield Verb.RESUME
    if child.stage in (Stage.DISPATCH, Stage.HANDLING):
        yield Verb.VOID


def freed(book: Rulebook, parent: Case, on: date) -> tuple[Verb, Facts] | None:
    """What becomes of a parent now that a child has ended; None if it does not wait for its children, or still does.

    It is closed if they were all that kept the system from it; else the clock of its closing starts.
    """
    if parent.stage != Stage.CLOSING or unfinished(parent).exists():
        return None
    entered = parent.events.exclude(left=F("entered")).latest("id")
    waited = [reason["code"] for reason in entered.facts.get("waits", ())]
    decided = rules.next_move(book, parent, Verb(entered.verb), on) if waited == ["children_open"] else None
    verb, facts = (Verb.RESUME, Facts()) if decided is None or flags.unanswered(parent) else decided
    return verb, Facts(why=({"code": "children_over"}, *facts.why))
