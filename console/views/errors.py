"""Where there is no page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.defaults import page_not_found

from ..middleware import OTHERS


def missing(request: HttpRequest, exception: Exception) -> HttpResponse:
    """A page of the desk; for programs Django's plain one."""
    if request.path.startswith(OTHERS):
        return page_not_found(request, exception)
    return render(request, "console/missing.html", status=404)
