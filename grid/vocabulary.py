"""Numbers, days, moments and addresses as they come in from outside: one vocabulary for every door.

Each reader gives the value, or None for what cannot be meant; none raises, whatever was said. Bounds are those of the
database and of the calendar, so what passed here overflows nowhere. Texts are `typed_text`'s. Nothing here touches the
database.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from urllib.parse import SplitResult, urlsplit

from .moment import reckonable

KEY_MOST = 2**63 - 1  # of a row
COUNT_MOST = 2**31 - 1  # of what is counted, and kept in four bytes
ADDRESS_LONGEST = 500
FURTHEST_OFFSET = timedelta(hours=14)  # the database takes no more than sixteen

_DIGITS = re.compile(r"[0-9]{1,19}")
_HOST = re.compile(r"[A-Za-z0-9.:_-]+")  # names in other scripts come as punycode, so that nobody takes one for another
_UNPRINTED = re.compile(r"[\x00-\x20\x7f]")


def whole(said: str | None, *, least: int = 0, most: int = KEY_MOST) -> int | None:
    """A whole number in plain digits."""
    if not said or not _DIGITS.fullmatch(said):
        return None
    return number if least <= (number := int(said)) <= most else None


def day(said: str | None) -> date | None:
    """A day as 2026-03-02, so far from the ends of the calendar that one can reckon with it."""
    try:
        found = date.fromisoformat(said or "")
    except ValueError:
        return None
    return found if reckonable(found) else None


def moment(at: datetime) -> datetime | None:
    """An aware moment that can be reckoned with in every time zone; with an offset that there is, as it came."""
    try:
        in_utc = at.astimezone(UTC)
    except OverflowError:
        return None
    if not reckonable(in_utc.date()):
        return None
    return at if abs(at.utcoffset() or timedelta()) <= FURTHEST_OFFSET else in_utc


def web_address(said: str) -> SplitResult | None:
    """The parts of an absolute http(s) address with a host and a port that can be called, of plain characters."""
    if len(said) > ADDRESS_LONGEST or _UNPRINTED.search(said):
        return None
    try:
        parts = urlsplit(said)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return None
    fits = parts.scheme in ("http", "https") and _HOST.fullmatch(host) and port != 0
    return parts if fits else None
