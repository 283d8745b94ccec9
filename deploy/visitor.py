"""Who comes to the waiting room, and what he asks: read from a request's headers, without a question to anybody."""

from __future__ import annotations

import os
from collections.abc import Sequence
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import urlsplit

PORTS = {"http": 80, "https": 443}
PROXIES = int(os.environ.get("TRUSTED_PROXIES", "0"))
COOKIE = "sessionid"  # Django's name for it
ORIGINS = frozenset(filter(None, os.environ.get("LIVE_ORIGINS", "").replace(" ", "").split(",")))


def later(since: str, last_seen: str) -> str:
    """The later of two numbers, either of which may be missing: what a browser asks when a line broke names where it
    began in its address, and where it was in its header. What is no number is for the web server to refuse.
    """
    if since and not number(since):
        return since
    return max(filter(number, (since, last_seen)), key=int, default="")


def number(said: str) -> bool:
    return said.isascii() and said.isdecimal() and len(said) < 20


def session(cookies: str) -> str:
    """The session's token that a browser's cookies hold; empty without one."""
    try:
        found = SimpleCookie(cookies).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found else ""


def address(client: Sequence[Any] | None, forwarded: str) -> str:
    """Where a visitor comes from: as our own proxies say, where there are any."""
    hops = [hop.strip() for hop in forwarded.split(",")]
    if PROXIES and len(hops) >= PROXIES:
        return hops[-PROXIES]
    return str(client[0]) if client else ""


def ours(origin: str, host: str, web_port: int | None) -> bool:
    """Whether a page is the city's own: of LIVE_ORIGINS, or without those of the web server on this very host."""
    if ORIGINS:
        return origin in ORIGINS
    try:
        page, here = urlsplit(origin), urlsplit(f"{origin.partition(':')[0]}://{host}")
        doors = (web_port, here.port or PORTS.get(here.scheme))
        return page.hostname == here.hostname and (page.port or PORTS.get(page.scheme)) in doors
    except ValueError:  # what is no address
        return False


def readable(origin: str) -> dict[str, str]:
    """What lets a page of that origin read the answer, and send its cookie."""
    return {"access-control-allow-origin": origin, "access-control-allow-credentials": "true"}
