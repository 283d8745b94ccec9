"""manage.py hands: the worker's hands, until a signal ends them. deploy/worker.py starts it and looks after it."""

from __future__ import annotations

import signal
from threading import Event
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand
from django.db import connections

from cases import hands

PATIENCE = "-c lock_timeout=20s"
"""So long a hand waits for a lock, say of the night's recount; then it comes back later, and is not taken for dead."""


class Command(BaseCommand):
    help = "Ring alarms and pay what is owed to consumers, each by a hand of its own."

    def handle(self, *args: Any, **options: Any) -> None:
        said = connections.settings["default"].setdefault("OPTIONS", {})
        said["options"] = f"{said.get('options', '')} {PATIENCE}".strip()
        over = Event()

        def end(number: int, frame: FrameType | None) -> None:
            over.set()

        for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(ending, end)
        hands.work(over)
