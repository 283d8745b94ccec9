"""A demonstration started in the night after a month: what it publishes is of now, not of the morning to come."""

from __future__ import annotations

from datetime import datetime
from io import StringIO
from typing import Any

import time_machine
from django.core.management import call_command

from cases.models import CaseEvent, Issue, Publication
from mobile_api.models import Message

NIGHT = datetime.fromisoformat("2026-12-01T02:00+08:00")


def test_nothing_lies_ahead(db: None, settings: Any) -> None:
    settings.DEMO_CASES = 60
    with time_machine.travel(NIGHT, tick=False):
        call_command("demo", stdout=StringIO(), stderr=StringIO())
    published = list(Publication.objects.values_list("until", "at"))
    assert max(until for until, _at in published).isoformat() == "2026-11-30"
    assert max(at for _until, at in published) == NIGHT
    assert Issue.objects.filter(at=NIGHT).exists() and not Issue.objects.filter(at__gt=NIGHT).exists()
    assert not CaseEvent.objects.filter(at__gt=NIGHT).exists()
    assert not Message.objects.filter(written_at__gt=NIGHT).exists()
