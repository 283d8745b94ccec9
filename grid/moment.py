"""What time it is. Everything that asks, asks here.

In production this is the machine's clock. In the demo a day can be played in minutes: while a *tape* runs,
every process sees the same faster clock, which starts in the past and meets real time when the tape ends,
so that no recorded moment ever lies in the future. A past that is planted for the demo is told moment by moment.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.utils import timezone

_told: ContextVar[datetime | None] = ContextVar("told", default=None)


def now() -> datetime:
    """The present moment, aware, in UTC."""
    real = timezone.now()
    return (_told.get() or _taped(real)) if settings.DEMO else real


@contextmanager
def standing(at: datetime) -> Iterator[None]:
    """In the demo alone: while the block lasts, this thread's time stands at a moment."""
    token = _told.set(at.astimezone(UTC))
    try:
        yield
    finally:
        _told.reset(token)


def today() -> date:
    """The city's local day."""
    return local_day(now())


def local_day(at: datetime) -> date:
    """The city's local day of an aware moment."""
    return at.astimezone(timezone.get_default_timezone()).date()


def reckonable(day: date) -> bool:
    """Whether a day lies so far from both ends of the calendar that sixty years more or less of it are days too."""
    return date.min.year + 100 < day.year < date.max.year - 100


def tape() -> Path:
    """Where the demo's faster clock is written: {"ends": epoch seconds, "speed": factor}."""
    return Path(settings.DATA_DIR) / "tape.json"


def _taped(real: datetime) -> datetime:
    try:
        changed = tape().stat().st_mtime_ns
    except FileNotFoundError:
        return real
    ends, speed = _read(tape(), changed)
    left = ends - real.timestamp()
    return real if left <= 0 else datetime.fromtimestamp(ends - left * speed, UTC)


@lru_cache(maxsize=1)
def _read(path: Path, changed: int) -> tuple[float, float]:
    written = json.loads(path.read_text())
    return float(written["ends"]), float(written["speed"])
