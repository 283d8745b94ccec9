"""Where there is no page, or none can be made: a page of the desk; for programs Django's plain one."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views import defaults

from ..door import told
from ..middleware import OTHERS


def missing(request: HttpRequest, exception: Exception) -> HttpResponse:
    if request.path.startswith(OTHERS):
        return defaults.page_not_found(request, exception)
    return render(request, "console/missing.html", status=404)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    if request.path.startswith(OTHERS):
        return defaults.permission_denied(request, exception)
    return told(request, _("您无权这样做。"), 403)


def broken(request: HttpRequest) -> HttpResponse:
    """Asks nothing of the database, which may be what is broken."""
    if request.path.startswith(OTHERS):
        return HttpResponse("Server Error (500)", status=500, content_type="text/plain")
    return defaults.server_error(request)
