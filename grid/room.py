"""Where the waiting room (deploy/live.py) is, for a phone or a page that waits for its next message."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest


def address(request: HttpRequest) -> str:
    """LIVE_URL as whoever sent this request reaches it: a path on this host (/live), a port of it (:8001), or another
    address; empty where the city runs none.
    """
    base = str(settings.LIVE_URL)
    if not base.startswith(":"):
        return base
    here = urlsplit(request.build_absolute_uri("/"))
    return f"{here.scheme}://{here.hostname}{base}"
