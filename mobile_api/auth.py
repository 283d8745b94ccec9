"""Who comes in: the officer behind a session token, and how the door treats those who knock.

Signing in is django-allauth's (headless, the app client); `signin` lists which of its operations stand open. Here are
this city's own rules: nobody signs up, wrong passwords close an account (`lock`), and all of it is written to the
logger "access": who, from which address, with which device; never a password, never a token.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import timedelta
from math import ceil
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.headless.contrib.ninja.security import XSessionTokenAuth
from allauth.headless.tokens.strategies.sessions import SessionTokenStrategy
from allauth.usersessions.adapter import DefaultUserSessionsAdapter
from allauth.usersessions.models import UserSession
from django.contrib.auth.password_validation import MinimumLengthValidator
from django.contrib.sessions.backends.db import SessionStore
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.flow import Refused
from grid.models import Officer
from grid.moment import now
from grid.roles import Role

from . import lock
from .models import Device

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
        """The officer, or None for somebody who is not logged in. Raises Forbidden."""
        found: Officer | None = super().__call__(request)
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


class Adapter(DefaultAccountAdapter):
    """How allauth treats accounts here."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "account_inactive": gettext_lazy("此账号已停用，请联系系统管理员。"),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Accounts are given by the city, never taken."""
        return False

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Before the password is looked at, refuses an address with too many failures, and a locked account."""
        super().pre_authenticate(request, **credentials)
        if not lock.take(credentials["username"]):
            self._log("login refused, locked", request, credentials["username"])
            raise _locked(credentials["username"])

    def authenticate(self, request: HttpRequest, **credentials: Any) -> Officer | None:
        found: Officer | None = super().authenticate(request, **credentials)
        if found is None:
            return None
        lock.clear(credentials["username"])
        if not found.is_active:
            self._log("login refused, disabled", request, found.pk)
            raise self.validation_error("account_inactive")
        return found

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        locks = lock.wasted(credentials["username"])
        self._log("login failed, account locked" if locks else "login failed", request, credentials["username"])

    def login(self, request: HttpRequest, user: Officer) -> None:
        super().login(request, user)
        self._log("login", request, user.pk)

    def logout(self, request: HttpRequest) -> None:
        """Ends the session; its device hears nothing more."""
        if request.user.is_authenticated:
            self._log("logout", request, request.user.pk)
        sessions = UserSession.objects.filter(session_key=request.session.session_key)
        forget_devices(sessions)
        sessions.delete()
        super().logout(request)

    def set_password(self, user: Officer, password: str) -> None:
        super().set_password(user, password)
        self._log("password changed", self.request, user.pk)

    def _log(self, what: str, request: HttpRequest, who: int | str) -> None:
        access.info("%s: %r from %s, %r", what, who, self.get_client_ip(request), self.get_http_user_agent(request))


class Sessions(DefaultUserSessionsAdapter):
    """How allauth ends the sessions that an officer revokes."""

    def end_sessions(self, sessions: Iterable[UserSession]) -> None:
        """Their tokens stop working at once; their devices hear nothing more."""
        for session in sessions:
            access.info("session revoked: %r from %s, %r", session.user_id, session.ip, session.user_agent)
        forget_devices(sessions)
        super().end_sessions(sessions)


class MinimumLength(MinimumLengthValidator):
    """Django's own, whose Chinese sentence was lost between two of its releases."""

    def get_error_message(self) -> str:
        return _("密码太短，至少要有 %(length)d 个字符。") % {"length": self.min_length}


def tie_device(request: HttpRequest, token: str) -> None:
    """Remember which device a session speaks from, so that the device is forgotten with the session."""
    UserSession.objects.filter(session_key=request.headers[HEADER]).update(data={"device": token})


def forget_devices(sessions: Iterable[UserSession]) -> None:
    """Forget the devices tied to sessions, unless another officer has logged in on them since."""
    for session in sessions:
        if token := session.data.get("device"):
            Device.objects.filter(officer=session.user_id, token=token).delete()


def _locked(name: str) -> ValidationError:
    until = lock.until(name)
    minutes = ceil((until - now()) / timedelta(minutes=1)) if until else 1
    says = _("账号已锁定，请在 %(minutes)d 分钟后再试。")
    return ValidationError(says, code="too_many_login_attempts", params={"minutes": minutes})
