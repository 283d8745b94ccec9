"""Where an officer's day begins."""

from __future__ import annotations

from django.http import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch

from grid.roles import Role

from ..door import Request, desk


@desk()
def home(request: Request) -> HttpResponseBase:
    """Leaders begin with the board, auditors with all cases, administrators with the settings, others with their work.

    A place that is not mounted yet gives way to a page that says so.
    """
    try:
        return redirect(_first(request))
    except NoReverseMatch:
        return render(request, "console/home.html")


def _first(request: Request) -> str:
    holds = request.user.holds
    if holds(Role.LEADER):
        return "console:board"
    if holds(Role.AUDITOR):
        return "console:cases"
    return "console:settings" if request.user.roles == [Role.ADMINISTRATOR] else "console:queues"
