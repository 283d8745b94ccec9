"""Who checks a case, drawn by lot, so that nobody can arrange by whom his work is looked at.

The lot is the system's own and cannot be foretold; among whom it was drawn and on whom it fell stands in the log.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from django.db.models import BooleanField, ExpressionWrapper, Q

from grid import duty
from grid.models import Leave

from . import flow, inspectors, refusals
from .flow import Facts, Verb
from .models import Case, CaseEvent

if TYPE_CHECKING:
    from .reasons import Reason

LOT = secrets.SystemRandom()
Among = Callable[[Case, CaseEvent], tuple[list[int], bool]]


def give(case: Case, verb: Verb, facts: Facts, last: CaseEvent) -> Facts:
    """The facts of a move that the system makes after the last line: an order to check comes with who is to do it."""
    return drawn(case, facts, last, among) if verb == Verb.ORDER_CHECK else facts


def drawn(case: Case, facts: Facts, last: CaseEvent, among: Among) -> Facts:
    """The same facts with on whom the lot fell of those who may check, and why."""
    candidates, on_duty = among(case, last)
    if not candidates:
        return replace(facts, why=(*facts.why, {"code": "drawn_none"}))
    nth = LOT.randrange(len(candidates))
    code = "drawn_on_duty" if on_duty else "drawn"
    why: Reason = {"code": code, "candidates": candidates, "count": len(candidates), "nth": nth + 1}
    return replace(facts, holder=candidates[nth], why=(*facts.why, why))


def none(facts: Facts) -> tuple[Reason, ...]:
    """Why the system does not order a check: nobody could be drawn, and it would lie on nobody's desk."""
    return tuple(reason for reason in facts.why if reason["code"] == "drawn_none")


def among(case: Case, last: CaseEvent) -> tuple[list[int], bool]:
    """The inspectors who may check, by primary key, and whether they are those on duty.

    First those on duty of the beat or near by, then all of the beat who are not away; never a hand that did the work.
    The reporter is among them only where there is nobody else. `last`: the case's last line, perhaps not yet written.
    """
    barred = refusals.barring(flow.move(case.stage, Verb.ORDER_CHECK))
    away = Leave.objects.filter(since__lte=last.at, until__gt=last.at)
    worked = case.events.filter(verb__in=barred, by__isnull=False)
    people = (
        inspectors.of_district(case)
        .exclude(pk__in=away.values("officer"))
        .exclude(pk__in=worked.values("by"))
        .exclude(pk__in=[last.by_id] if last.by_id and last.verb in barred else [])
        .order_by("pk")
    )
    beat, near = Q(beats__cells=case.cell_id), Q(pk__in=duty.at_hand(case.point, last.at).values("officer"))
    working = Q(pk__in=duty.present(last.at).values("officer"))
    ready = ExpressionWrapper(near | working, BooleanField())
    able = dict(people.filter(beat | near).annotate(ready=ready).values_list("pk", "ready"))
    for on_duty in (True, False):
        chosen = [pk for pk, ready in able.items() if ready or not on_duty]
        others = [pk for pk in chosen if pk != case.reporter_id]
        if others:
            return others, on_duty
    return list(able), False
