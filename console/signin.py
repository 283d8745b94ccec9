"""Where officers sign in at a browser: what stands open of allauth's pages.

Only these. Nobody signs up, and nothing is sent by mail: an account is the city's to give.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from allauth.account import views as account
from allauth.mfa.base import views as mfa
from allauth.mfa.recovery_codes import views as recovery
from allauth.mfa.totp import views as totp
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.views import login_cancelled
from allauth.usersessions.views import list_usersessions
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.urls import path
from requests import RequestException

from grid import sessions, sign_on
from grid.codes import Enrolment

View = Callable[[HttpRequest, str], HttpResponseBase]
log = logging.getLogger(__name__)


def password(request: HttpRequest) -> HttpResponseBase:
    """Change one's password. This session goes on; the officer's others, phones too, end."""
    before = request.session.session_key
    answer: HttpResponseBase = account.password_change(request)
    if request.method == "POST" and answer.status_code == 302:
        sessions.keep_only(before, request)
    return answer


def _city(view: View) -> View:
    """A step of the city's own sign-on; where that does not answer, or not with sense, a page that says so."""

    def step(request: HttpRequest, provider_id: str) -> HttpResponseBase:
        try:
            return view(request, provider_id)
        except (RequestException, OAuth2Error, RecursionError) as error:
            log.warning("the city's sign-on: %s", error)
            return render(request, "socialaccount/authentication_error.html", status=503)

    return step


urlpatterns = [
    path("login/", account.login, name="account_login"),
    path("logout/", account.logout, name="account_logout"),
    path("inactive/", account.account_inactive, name="account_inactive"),
    path("again/", account.reauthenticate, name="account_reauthenticate"),
    path("password/", password, name="account_change_password"),
    path("city/cancelled/", login_cancelled, name="socialaccount_login_cancelled"),
    path("sessions/", list_usersessions, name="usersessions_list"),
    path("second/", mfa.index, name="mfa_index"),
    path("second/login/", mfa.authenticate, name="mfa_authenticate"),
    path("second/again/", mfa.reauthenticate, name="mfa_reauthenticate"),
    path("second/app/", Enrolment.as_view(), name="mfa_activate_totp"),
    path("second/app/off/", totp.deactivate_totp, name="mfa_deactivate_totp"),
    path("second/codes/", recovery.view_recovery_codes, name="mfa_view_recovery_codes"),
    path("second/codes/new/", recovery.generate_recovery_codes, name="mfa_generate_recovery_codes"),
    path("second/codes/file/", recovery.download_recovery_codes, name="mfa_download_recovery_codes"),
    # Last, for any word fits here: the name of the city's own sign-on.
    path("<slug:provider_id>/login/", _city(sign_on.login), name="openid_connect_login"),
    path("<slug:provider_id>/back/", _city(sign_on.callback), name="openid_connect_callback"),
]
