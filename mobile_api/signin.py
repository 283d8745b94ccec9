"""Where officers sign in, look at their sessions and change their password: what stands open of allauth's headless API.

Only these. What the city does not use (e-mail, phone numbers, password reset, codes) is not mounted, so that nobody
learns from it which accounts exist, and an upgrade opens no door by itself. Answers keep allauth's own form.
"""

from __future__ import annotations

import json
from typing import Any

from allauth.core.exceptions import ImmediateHttpResponse
from allauth.headless.account.views import ChangePasswordView, LoginView, SessionView
from allauth.headless.base.response import ForbiddenResponse
from allauth.headless.base.views import APIView, ConfigView
from allauth.headless.constants import Client
from allauth.headless.mfa.views import AuthenticateView
from allauth.headless.usersessions.views import SessionsView
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.urls import path
from django.views.decorators.http import require_http_methods

from grid import sessions
from grid.codes import CodeInput


class SignupView(APIView):  # type: ignore[misc]  # allauth ships no types
    """Accounts are given by the city: whatever is said, the answer is the same."""

    handle_json_input = False

    def post(self, request: HttpRequest) -> HttpResponse:
        answer: HttpResponse = ForbiddenResponse(request)
        return answer


class PasswordView(ChangePasswordView):  # type: ignore[misc]  # allauth ships no types
    """Change one's password. This session goes on under a new token; the officer's others end."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        before = request.session.session_key
        answer: HttpResponse = super().post(request, *args, **kwargs)
        sessions.keep_only(before, request)
        return answer


class CodeView(AuthenticateView):  # type: ignore[misc]  # allauth ships no types
    """The code of the second factor, after the password."""

    input_class = CodeInput


class Unbroken:
    """JSON with what no text can hold (halves of surrogate pairs, numbers of thousands of digits) is none: 400."""

    def _parse_json(self, request: HttpRequest) -> Any:
        try:
            said = super()._parse_json(request)  # type: ignore[misc]  # of the view that it is mixed into
            json.dumps(said, ensure_ascii=False).encode()
        except (ValueError, RecursionError):
            raise ImmediateHttpResponse(response=HttpResponseBadRequest()) from None
        return said


def _door(route: str, view: type[APIView]) -> Any:
    """What a view has no method for is refused before it: allauth reads the body first, whatever is asked."""
    methods = [name.upper() for name in ("get", "post", "put", "patch", "delete") if hasattr(view, name)]
    unbroken: Any = type(view.__name__, (Unbroken, view), {"__doc__": view.__doc__})
    return path(f"app/v1/{route}", require_http_methods(methods)(unbroken.as_api_view(client=Client.APP)))


urlpatterns = [
    _door("config", ConfigView),
    _door("auth/login", LoginView),
    _door("auth/2fa/authenticate", CodeView),
    _door("auth/session", SessionView),
    _door("auth/sessions", SessionsView),
    _door("auth/signup", SignupView),
    _door("account/password/change", PasswordView),
]
