"""Somebody was faster: what an officer decided upon is no longer so. That is a matter of the time, not of his post."""

from __future__ import annotations

from django.db.models import F
from django.utils.translation import gettext as _

from grid.models import Officer

from . import flow
from .flow import Move, Refused, Verb
from .models import Case

SILENT = (Verb.EXPIRE, Verb.ESCALATE, Verb.RETIME)  # what the clock does changes nothing that a person decided upon


def overtaken(case: Case, seen: int) -> None:
    """Raise Refused (overtaken) if somebody has acted since the line of the log that the officer saw last."""
    since = case.events.filter(pk__gt=seen).exclude(verb__in=SILENT).select_related("by").order_by("pk")
    if acts := list(since):
        said = _("、").join(
            _("%(by)s“%(verb)s”") % {"by": event.by or _("系统"), "verb": Verb(event.verb).label} for event in acts
        )
        sentence = _("您打开之后，该案卷已有新的操作：%(acts)s。您的操作没有写入，请看过现状再办理。")
        raise Refused("overtaken", sentence % {"acts": said}, allowed=flow.at(case.stage))


def outrun(case: Case, step: Move, by: Officer, refusal: Refused) -> Refused | None:
    """The refusal (overtaken) of a move that was this officer's to make until somebody else took the case further.

    A clerk voids a report that another clerk has filed meanwhile. None where the move never was his to make, or where
    it was he who took the case there: then `refusal` stands.
    """
    if by.holds(*step.by):
        return None
    his = [stage for move in flow.MOVES if move.verb == step.verb and by.holds(*move.by) for stage in move.at]
    left = case.events.filter(left__in=his, by__isnull=False).exclude(entered=F("left")).select_related("by")
    last = left.order_by("pk").last()
    if last is None or last.by_id == by.pk:
        return None
    said = {"by": last.by, "act": Verb(last.verb).label, "stage": flow.Stage(case.stage).label, "why": refusal.detail}
    sentence = _("%(by)s已先办理“%(act)s”，案卷现处于“%(stage)s”；%(why)s您的操作没有写入。")
    return Refused("overtaken", sentence % said, allowed=refusal.allowed)
