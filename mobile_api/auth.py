"""Who comes in: the officer behind a session token.

Signing in is django-allauth's (headless, the app client); `signin` lists which of its operations stand open, and
`backend.accounts` the city's own rules.
"""

from __future__ import annotations

import logging

from allauth.headless.contrib.ninja.security import XSessionTokenAuth
from allauth.headless.tokens.strategies.sessions import SessionTokenStrategy
from allauth.usersessions.models import UserSession
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest
from django.utils.translation import gettext as _

from cases.flow import Refused
from grid import factor
from grid.models import Officer
from grid.roles import Role

HEADER = "X-Session-Token"
access = logging.getLogger("access")


class Request(HttpRequest):
    """A request that has passed `officer()`."""

    auth: Officer


class Forbidden(Refused):
    """A logged-in officer none of whose posts may do this. Nothing was done."""

    def __init__(self, *roles: Role):
        posts = _("、").join(str(role.label) for role in roles)
        super().__init__("not_your_post", _("这项操作由以下岗位办理：%(posts)s。") % {"posts": posts})


def officer(*roles: Role) -> SessionToken:
    """Who may call an operation: officers with one of these roles; none named, every logged-in officer."""
    return SessionToken(*roles)


class SessionToken(XSessionTokenAuth):
    """The ninja side of a session: two statements, one for the session and one for the officer; nothing is written.

    A session that was ended, an officer who was disabled and a password that was changed count from the next request.
    """

    openapi_name = HEADER
    openapi_in = "header"
    openapi_description = "The session_token that POST /api/auth/app/v1/auth/login answers with."

    def __init__(self, *roles: Role):
        super().__init__()
        self.roles = roles

    def __call__(self, request: HttpRequest) -> Officer | None:
        """The officer, or None for somebody who is not logged in. Raises Forbidden, Refused (second_factor_missing)."""
        found: Officer | None = super().__call__(request)
        if found and factor.lacking(found):
            raise Refused("second_factor_missing", _("您的岗位须先在工作台启用两步验证。"))
        if found and self.roles and not found.holds(*self.roles):
            raise Forbidden(*self.roles)
        return found


class Tokens(SessionTokenStrategy):
    """A session token is the key of a Django session."""

    def lookup_session(self, session_token: str) -> SessionStore | None:
        """The session, found by one statement; allauth's own asks twice. None if it was ended or is too old."""
        if not session_token.isalnum():
            return None
        session = SessionStore(session_token)
        session.keys()  # reads it; one that is not there loses its key
        return session if session.session_key else None


def session_of(request: HttpRequest) -> UserSession | None:
    """The session that a request speaks from."""
    return UserSession.objects.filter(session_key=request.headers[HEADER]).first()
