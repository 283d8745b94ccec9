"""The demo's faster clock: it starts on a working morning in the past and meets real time when the play ends."""

from __future__ import annotations

import json
import time
from datetime import datetime, timedelta

from django.utils import timezone

from cases import rulebook
from grid import moment

MORNING = timedelta(hours=7, minutes=30)


class Tape:
    """City time while the play runs. All processes of the demo read it from the same file."""

    def __init__(self, starts: datetime, minutes: float):
        self.starts = starts
        self.real = timezone.now().timestamp()
        self.ends = self.real + minutes * 60
        self.speed = (self.ends - starts.timestamp()) / (self.ends - self.real)

    def __enter__(self) -> Tape:
        moment.tape().parent.mkdir(parents=True, exist_ok=True)
        moment.tape().write_text(json.dumps({"ends": self.ends, "speed": self.speed}), encoding="utf8")
        return self

    def __exit__(self, *_: object) -> None:
        moment.tape().unlink(missing_ok=True)

    def now(self) -> datetime:
        return moment.now()

    def wait(self, until: datetime) -> None:
        """Sleep until the city's clock shows a moment."""
        while (left := (until - self.now()).total_seconds()) > 0:
            time.sleep(min(left / self.speed, 1))

    @property
    def over(self) -> bool:
        return time.time() >= self.ends


def last_morning(hours: float) -> datetime:
    """Half past seven of the last working day that is at least so many hours ago."""
    calendar = rulebook.current().calendar()
    latest = timezone.now() - timedelta(hours=hours)
    day = timezone.localtime(latest).replace(hour=0, minute=0, second=0, microsecond=0)
    while day + MORNING > latest or not calendar.between(day, day + timedelta(days=1)):
        day -= timedelta(days=1)
    return day + MORNING
