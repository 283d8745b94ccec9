"""Is the house in order? For the load balancer, the supervisor, and whoever is on call."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from datetime import datetime
from math import inf
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.models import Min
from django.http import HttpRequest, JsonResponse
from django_q.models import OrmQ, Schedule

from cases import outbox, unattended
from cases.models import Case
from grid.moment import now

LATE_S = 180  # a debt or a schedule that is so late has nobody who sees to it


def healthz(request: HttpRequest) -> JsonResponse:
    """200 while people can work, 503 when they cannot. `status` is "ok", "late" or "down"; `late` says which parts are.

    oldest_debt_s: how long the oldest debt to a consumer has been owed that was not put off. away: by consumer, how
    many debts wait for a server out there that does not take them now, and how long the oldest has been owed.
    schedule_late_s: by how much the worker's most overdue schedule is late; nobody could run it before `./dev up`
    served. queued: tasks not yet taken. ringing: alarms that are past and have not rung. alarm_late_s: by how much the
    oldest of them is late.
    unattended: open cases that nobody present can move, as counted in the last minutes; `manage.py check` lists them.
    disk_free_percent: of the disk that photos are kept on.
    """
    try:
        connection.ensure_connection()
        said = _look(now())
    except DatabaseError:
        return _answer({"status": "down"}, 503)
    late = _late(said)
    return _answer({"status": "late" if late else "ok", "late": late, **said}, 200)


def _late(said: Mapping[str, Any]) -> list[str]:
    """What has nobody who sees to it, or will stop people soon. `./dev up` has LATE_S to come to what lay before it."""
    waits = {
        "debts": said["oldest_debt_s"],
        "schedules": said["schedule_late_s"],
        "alarms": said["alarm_late_s"],
        "away": max((each["oldest_s"] for each in said["away"].values()), default=0),
    }
    late = [] if _open_s() <= LATE_S else [part for part, waited in waits.items() if waited > LATE_S]
    return late + ["disk"] * (said["disk_free_percent"] <= settings.DISK_FREE_PERCENT)


def _open_s() -> float:
    """How long `./dev up` has served, by the clock that nobody can set. Under systemd nobody says it: long."""
    passed: float = time.monotonic() - settings.OPENED_AT
    return passed if settings.OPENED_AT > 0 and passed >= 0 else inf


def _look(at: datetime) -> dict[str, Any]:
    ringing = Case.objects.ringing(at)
    next_run = Schedule.objects.order_by("next_run").values_list("next_run", flat=True).first()
    return {
        "oldest_debt_s": _since(outbox.oldest(), at),
        "away": {name: {"debts": n, "oldest_s": _since(first, at)} for name, (n, first) in outbox.away().items()},
        "schedule_late_s": int(min(_since(next_run, at), _open_s())),
        "queued": OrmQ.objects.count(),
        "ringing": ringing.count(),
        "alarm_late_s": _since(ringing.aggregate(first=Min("alarm_at"))["first"], at),
        "unattended": unattended.count(),
        "disk_free_percent": _disk_free(settings.MEDIA_ROOT),
    }


def _disk_free(folder: Path) -> float:
    """Of what may be used without being root; of the nearest folder that is there already."""
    found = next(place for place in (folder, *folder.parents) if place.exists())
    disk = shutil.disk_usage(found)
    return round(100 * disk.free / (disk.used + disk.free), 1)


def _since(moment: datetime | None, at: datetime) -> int:
    return max(0, int((at - moment).total_seconds())) if moment else 0


def _answer(said: dict[str, object], status: int) -> JsonResponse:
    return JsonResponse(said, status=status, headers={"Cache-Control": "no-store"})
