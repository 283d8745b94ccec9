"""The sessions of an officer, one for each device, at whichever door."""

from __future__ import annotations

from collections.abc import Iterable

from allauth.usersessions.adapter import get_adapter
from allauth.usersessions.models import UserSession
from django.http import HttpRequest

from .models import Officer


def keep_only(before: str | None, request: HttpRequest) -> None:
    """After a change of password: the session of the request goes on, the officer's others end.

    Its key is a new one, and `before` was the old; it has so, from allauth, a second row: the first is kept, with its
    device.
    """
    key = request.session.session_key
    if key != before:
        UserSession.objects.filter(session_key=key).delete()
        UserSession.objects.filter(session_key=before).update(session_key=key)
    others = UserSession.objects.filter(user=request.user).exclude(session_key=key)
    get_adapter().end_sessions(others)


def end_all(officers: Iterable[Officer]) -> None:
    """At every device of theirs."""
    get_adapter().end_sessions(UserSession.objects.filter(user__in=officers))
