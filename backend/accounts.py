"""How accounts are treated at every door: nobody signs up, wrong passwords close an account, a session is a device's.

Signing in is django-allauth's; these are the city's own rules. All of it is written to the logger "access": who, from
which address, with which device; never a password, never a token.
"""

from __future__ import annotations

import logging
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.utils import perform_login
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.core.internal import ratelimit
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialLogin
from allauth.usersessions.adapter import DefaultUserSessionsAdapter
from allauth.usersessions.models import UserSession
from cryptography.fernet import Fernet
from django.conf import settings
from django.contrib.auth.password_validation import MinimumLengthValidator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from grid import lock, quota
from grid.models import Officer
from grid.sign_on import CitySignOn

access = logging.getLogger("access")
RATE_S = "60"  # of LOGINS_A_MINUTE

# Who comes while allauth counts another of the same address waits his turn. It would wait for a second, and then refuse
# as if he had come too often: twenty people of one office, or one process killed while it counted, are enough for that.
ratelimit.CACHE_LOCK_WAIT_TIMEOUT = ratelimit.CACHE_LOCK_TIMEOUT + 2  # so long a killed one's lock may lie, and a bit


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
        name = credentials["username"]
        opens = None if request.user.is_authenticated else lock.address_until(self.get_client_ip(request), name)
        if opens:
            self._log("login refused, address closed", request, name)
            request.opens_at = opens  # type: ignore[attr-defined]  # for Later
            raise lock.address_closed(opens)
        if lock.until(name) or not lock.take(name):
            self._log("login refused, locked", request, name)
            request.opens_at = lock.until(name)  # type: ignore[attr-defined]
            raise lock.closed(name)

    def authenticate(self, request: HttpRequest, **credentials: Any) -> Officer | None:
        found: Officer | None = super().authenticate(request, **credentials)
        if found is None:
            return None
        lock.clear(credentials["username"], lock.PASSWORD)
        if not found.is_active:
            self._log("login refused, disabled", request, found.pk)
            raise self.validation_error("account_inactive")
        return found

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        lock.missed(self.get_client_ip(request))
        locks = lock.wasted(credentials["username"])
        self._log("login failed, account locked" if locks else "login failed", request, credentials["username"])

    def login(self, request: HttpRequest, user: Officer) -> None:
        super().login(request, user)
        lock.remember(self.get_client_ip(request), user.username)
        self._log("login", request, user.pk)

    def logout(self, request: HttpRequest) -> None:
        """Ends the session; its device hears nothing more."""
        if request.user.is_authenticated:
            self._log("logout", request, request.user.pk)
        UserSession.objects.filter(session_key=request.session.session_key).delete()
        super().logout(request)

    def set_password(self, user: Officer, password: str) -> None:
        super().set_password(user, password)
        self._log("password changed", self.request, user.pk)

    def _log(self, what: str, request: HttpRequest, who: int | str) -> None:
        access.info("%s: %r from %s, %r", what, who, self.get_client_ip(request), self.get_http_user_agent(request))


class Later:
    """Middleware: whoever is refused for a while hears for how long in Retry-After as well, at both doors."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        answer = self.get_response(request)
        if opens := getattr(request, "opens_at", None):
            answer.headers["Retry-After"] = str(quota.seconds_until(opens))
        elif answer.status_code == 429:
            answer.headers.setdefault("Retry-After", RATE_S)
        return answer


class Sessions(DefaultUserSessionsAdapter):
    """How allauth ends the sessions that an officer revokes."""

    def end_sessions(self, sessions: Iterable[UserSession]) -> None:
        """Their tokens stop working at once; their devices hear nothing more."""
        for session in sessions:
            access.info("session revoked: %r from %s, %r", session.user_id, session.ip, session.user_agent)
        super().end_sessions(sessions)


class MinimumLength(MinimumLengthValidator):
    """Django's own, whose Chinese sentence was lost between two of its releases."""

    def get_error_message(self) -> str:
        return _("密码太短，至少要有 %(length)d 个字符。") % {"length": self.min_length}


class SecondFactor(DefaultMFAAdapter):
    """How allauth keeps second factors: what makes codes is of no use to who reads the database alone."""

    def get_totp_label(self, user: Officer) -> str:
        return user.username

    def encrypt(self, text: str) -> str:
        return _cipher().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return _cipher().decrypt(encrypted_text.encode()).decode()


class SingleSignOn(DefaultSocialAccountAdapter):
    """How allauth treats who comes from the city's own sign-on (OpenID Connect): an officer of ours, or nobody.

    The provider's claim named by OIDC_CLAIM is matched to the account's name each time; no tie is kept, so an account
    that the provider gives to somebody else opens nothing here. A second factor of ours is asked for as ever.
    """

    def get_provider(self, request: HttpRequest, provider: str, client_id: str | None = None) -> CitySignOn:
        """Raises SocialApp.DoesNotExist where the city has none of that name."""
        return CitySignOn(request, app=super().get_provider(request, provider, client_id).app)

    def on_authentication_error(
        self, request: HttpRequest, provider: CitySignOn, exception: Exception | None = None, **more: Any
    ) -> None:
        access.info("sign-on refused: %s", exception)

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        claims = sociallogin.account.extra_data["userinfo"]
        officer = _officer(claims)
        if officer is None:
            access.info("sign-on refused, unknown: %r", claims.get(settings.OIDC_CLAIM))
            page = render(request, "socialaccount/unknown.html", status=403)
            raise ImmediateHttpResponse(page)
        answer = perform_login(request, officer, redirect_url=sociallogin.get_redirect_url(request))
        raise ImmediateHttpResponse(answer)


def _officer(claims: Mapping[str, Any]) -> Officer | None:
    """Whose the claims are: by the account's name, or by an e-mail address that the provider has verified."""
    said = claims.get(settings.OIDC_CLAIM)
    if not isinstance(said, str) or not said or not said.isprintable():  # the database takes no NUL and no surrogate
        return None
    if settings.OIDC_CLAIM == "email":
        found = list(Officer.objects.filter(email__iexact=said)[:2]) if claims.get("email_verified") is True else []
    else:
        found = list(Officer.objects.filter(username__iexact=said)[:2])
    return found[0] if len(found) == 1 else None


def _cipher() -> Fernet:
    """With a key of SECRET_KEY: under another one, people enrol again."""
    return Fernet(urlsafe_b64encode(sha256(b"second factor:" + settings.SECRET_KEY.encode()).digest()))
