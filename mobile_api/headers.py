"""What every answer of the phones' door says to browsers and to caches on its way, whoever gives it."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

DOOR = "/api/"
NOTHING = "default-src 'none'; frame-ancestors 'none'; sandbox"
MANUAL = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' data:",
        "style-src 'self' 'unsafe-inline'",  # its viewer writes styles into what it draws
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
"""The page that shows the manual: all that it loads comes from this host."""


class Headers:
    """Unless an operation says otherwise, an answer is for one person and is kept by nobody; a browser that shows it
    runs nothing of it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        answer = self.get_response(request)
        if request.path.startswith(DOOR):
            page = answer.headers.get("Content-Type", "").startswith("text/html")
            answer.headers.setdefault("Cache-Control", "private, no-store")
            answer.headers.setdefault("Content-Security-Policy", MANUAL if page else NOTHING)
        return answer
