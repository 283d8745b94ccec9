"""Who checks a case, drawn by lot, so that nobody can arrange by whom his work is looked at.

The lot is the system's own and cannot be foretold; among whom it was drawn and on whom it fell stands in the log.
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING

from grid.models import Leave, Officer
from grid.roles import Role

from . import flow, refusals
from .flow import Facts, Verb
from .models import Case, CaseEvent

if TYPE_CHECKING:
    from .reasons import Reason

LOT = secrets.SystemRandom()


def give(case: Case, verb: Verb, facts: Facts, last: CaseEvent) -> Facts:
    """The facts of a move that the system makes after the last line: an order to check comes with who is to do it."""
    if verb != Verb.ORDER_CHECK:
        return facts
    candidates = among(case, last)
    if not candidates:
        return replace(facts, why=(*facts.why, {"code": "drawn_none"}))
    nth = LOT.randrange(len(candidates))
    why: Reason = {"code": "drawn", "candidates": candidates, "count": len(candidates), "nth": nth + 1}
    return replace(facts, holder=candidates[nth], why=(*facts.why, why))


def among(case: Case, last: CaseEvent) -> list[int]:
    """The inspectors of the beat who may check, by primary key: not away, and not the hand that did the work.

    The reporter is among them only where there is nobody else. `last`: the case's last line, perhaps not yet written.
    """
    barred = refusals.barring(flow.move(case.stage, Verb.ORDER_CHECK))
    away = Leave.objects.filter(since__lte=last.at, until__gt=last.at)
    worked = case.events.filter(verb__in=barred, by__isnull=False)
    people = (
        Officer.objects.filter(is_active=True, roles__contains=[str(Role.INSPECTOR)], beats__cells=case.cell_id)
        .exclude(pk__in=away.values("officer"))
        .exclude(pk__in=worked.values("by"))
        .distinct()
        .order_by("pk")
    )
    now_worked = {last.by_id} if last.verb in barred else set()
    found = [pk for pk in people.values_list("pk", flat=True) if pk not in now_worked]
    return [pk for pk in found if pk != case.reporter_id] or found
