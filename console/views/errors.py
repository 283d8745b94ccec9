"""Where there is no page, or none can be made: a page of the desk; for programs Django's plain one."""

from __future__ import annotations

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views import defaults

from ..door import told
from ..middleware import OTHERS

SUSPECT = (RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent)


def unreadable(request: HttpRequest, exception: Exception) -> HttpResponse:
    """A form with more than a form holds, or a request that is none. What it says is not looked at again."""
    if request.path.startswith(OTHERS) or not isinstance(exception, SUSPECT):
        return defaults.bad_request(request, exception)
    status = 413 if isinstance(exception, RequestDataTooBig) else 400
    return told(request, _("表单内容过大，或栏目过多，什么也没有保存。"), status)


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
