"""Is the house in order? For the load balancer, the supervisor, and whoever is on call."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import DatabaseError, connection
from django.db.models import Min
from django.http import HttpRequest, JsonResponse
from django_q.models import OrmQ, Schedule

from cases import outbox
from cases.models import Case
from grid.moment import now

LATE_S = 180  # a debt or a schedule that is so late has nobody who sees to it


def healthz(request: HttpRequest) -> JsonResponse:
    """200 while people can work, 503 when they cannot. `status` is "ok", "late" or "down".

    oldest_debt_s: how long the oldest debt to a consumer has been owed that was not put off. away: by consumer, how
    many debts wait for a server out there that does not take them now, and how long the oldest has been owed.
    schedule_late_s: by how much the worker's most overdue schedule is late. queued: tasks not yet taken. ringing:
    alarms that are past and have not rung. alarm_late_s: by how much the oldest of them is late.
    """
    try:
        connection.ensure_connection()
        said = _look(now())
    except DatabaseError:
        return _answer({"status": "down"}, 503)
    waits = [each["oldest_s"] for each in said["away"].values()]
    late = max(said["oldest_debt_s"], said["schedule_late_s"], said["alarm_late_s"], *waits) > LATE_S
    return _answer({"status": "late" if late else "ok", **said}, 200)


def _look(at: datetime) -> dict[str, Any]:
    ringing = Case.objects.ringing(at)
    next_run = Schedule.objects.order_by("next_run").values_list("next_run", flat=True).first()
    return {
        "oldest_debt_s": _since(outbox.oldest(), at),
        "away": {name: {"debts": n, "oldest_s": _since(first, at)} for name, (n, first) in outbox.away().items()},
        "schedule_late_s": _since(next_run, at),
        "queued": OrmQ.objects.count(),
        "ringing": ringing.count(),
        "alarm_late_s": _since(ringing.aggregate(first=Min("alarm_at"))["first"], at),
    }


def _since(moment: datetime | None, at: datetime) -> int:
    return max(0, int((at - moment).total_seconds())) if moment else 0


def _answer(said: dict[str, object], status: int) -> JsonResponse:
    return JsonResponse(said, status=status, headers={"Cache-Control": "no-store"})
