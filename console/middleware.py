"""What holds for every page of the desk: what a browser may load, and how a refusal looks."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from django.core.exceptions import ObjectDoesNotExist
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from cases.calendar import Unusable
from cases.flow import Refused
from grid import factor, room
from grid.models import Officer
from grid.quota import Overspent

from .door import told
from .vocabulary import readable

# All that a page needs comes from this host. MapLibre makes pictures of bytes (blob), its sheet holds some (data).
POLICY = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' data: blob:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
WITHOUT_FACTOR = {
    "account_login",
    "account_logout",
    "account_reauthenticate",
    "console:language",
    "healthz",
    "mfa_activate_totp",
}
OTHERS = ("/api/",)  # other doors have their own rules


class Desk:
    """Sets the Content-Security-Policy, and tells a refusal as a page."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        answer = self.get_response(request)
        if not request.path.startswith(OTHERS):
            answer.headers.setdefault("Content-Security-Policy", _policy(request))
            # Files, tiles and pictures say themselves how long they keep.
            answer.headers.setdefault("Cache-Control", "private, no-store")
            answer.headers.setdefault("Permissions-Policy", "camera=(self), geolocation=(self), microphone=()")
        return answer

    def process_view(self, request: HttpRequest, *view: object) -> HttpResponse | None:
        """Who has to have a second factor finds no other page open until he has. What is typed is read here, once."""
        here = request.resolver_match
        if not request.path.startswith(OTHERS):
            request.GET, request.POST = readable(request.GET), readable(request.POST)  # type: ignore[assignment]
        if request.path.startswith(OTHERS) or here is None or here.view_name in WITHOUT_FACTOR:
            return None
        if "\x00" in request.path:
            raise Http404  # no text of ours holds it, and the database takes none that does
        if isinstance(request.user, Officer) and factor.lacking(request.user):
            if "HX-Request" in request.headers:  # the page that asks for it would be put into a part of itself
                return HttpResponse(status=204)
            return redirect("mfa_activate_totp")
        return None

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if request.resolver_match is None or request.resolver_match.app_name != "console":
            return None
        if isinstance(exception, Refused):
            return told(request, exception.detail, 409)
        if isinstance(exception, Unusable):
            return told(request, str(exception), 409)
        if isinstance(exception, Overspent):
            answer = told(request, str(exception), 429)
            answer.headers["Retry-After"] = str(exception.after_s)
            return answer
        if isinstance(exception, ObjectDoesNotExist):
            return told(request, _("没有找到，或您无权查看。"), 404)
        return None


def _policy(request: HttpRequest) -> str:
    """With the origin of the waiting room, where it is another one than this."""
    there = urlsplit(room.address(request))
    return f"{POLICY}; connect-src 'self' {there.scheme}://{there.netloc}" if there.netloc else POLICY
