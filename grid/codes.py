"""Codes of the second factor, asked for at either door: guarded as passwords are, each account with chances of its own.

The right password does not give them back, the right code does: who knows the password alone cannot go on guessing.
A code of an authenticator is good once: with it, every code up to its half minute is used up (RFC 6238, 5.2). The
half minute is kept with the authenticator, under its lock, so that a code read over somebody's shoulder opens nothing.
"""

from __future__ import annotations

import logging
from typing import Any

from allauth.core import context
from allauth.core.internal.cryptokit import compare_user_code
from allauth.headless.internal.restkit import inputs
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from allauth.mfa.totp.views import ActivateTOTPView
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpResponse

from . import lock

access = logging.getLogger("access")
LAST_STEP = "last_step"


class Guarded:
    """Takes a chance before a code is looked at. Refuses a locked account, whatever the code."""

    user: Any
    authenticator: Authenticator

    def clean_code(self) -> str:
        name = self.user.username
        if not lock.take(name, lock.CODE):
            access.info("code refused, locked: %r", name)
            context.request.opens_at = lock.until(name)
            raise lock.closed(name)
        try:
            code: str = super().clean_code()  # type: ignore[misc]  # of the form that it is mixed into
            self._use_up(code)
        except ValidationError:
            locks = lock.wasted(name, lock.CODE)
            access.info("%s: %r", "code failed, account locked" if locks else "code failed", name)
            raise
        lock.clear(name, lock.CODE)
        return code

    def _use_up(self, code: str) -> None:
        """Nothing for a recovery code, which allauth strikes out itself. Raises ValidationError for a used one."""
        found: Authenticator = self.authenticator
        if found.type != Authenticator.Type.TOTP:
            return
        step = step_of(get_adapter().decrypt(found.data["secret"]), code)
        if step is None or not use_step(found.pk, step):
            raise get_adapter().validation_error("incorrect_code")


def step_of(secret: str, code: str) -> int | None:
    """The half minute, counted since 1970, whose code it is; of those that are tolerated now, or None."""
    step: int
    for step in sorted(yield_hotp_counters_from_time(), reverse=True):
        if compare_user_code(actual=code, expected=format_hotp_value(hotp_value(secret, step))):
            return step
    return None


def use_step(authenticator: int, step: int) -> bool:
    """Use up all half minutes of an authenticator (its key) to this one; False where this one was used before."""
    with transaction.atomic():
        locked = Authenticator.objects.select_for_update().get(pk=authenticator)
        if locked.data.get(LAST_STEP, -1) >= step:
            return False
        locked.data[LAST_STEP] = step
        locked.save(update_fields=["data"])
    return True


class Code(Guarded, AuthenticateForm):  # type: ignore[misc]  # allauth ships no types
    """Signing in at a browser."""


class CodeAgain(Guarded, ReauthenticateForm):  # type: ignore[misc]  # allauth ships no types
    """Asked for once more, before something grave."""


class CodeInput(Guarded, AuthenticateForm, inputs.Input):  # type: ignore[misc]  # allauth ships no types
    """Signing in with an app."""


class FirstCode(ActivateTOTPForm):  # type: ignore[misc]  # allauth ships no types
    """Turning the second factor on."""

    step = -1

    def clean_code(self) -> str:
        code: str = super().clean_code()
        self.step = step_of(self.secret, code) or self.step
        return code


class Enrolment(ActivateTOTPView):  # type: ignore[misc]  # allauth ships no types
    """The page on which it is turned on: the code that did it signs nobody in."""

    def form_valid(self, form: FirstCode) -> HttpResponse:
        answer: HttpResponse = super().form_valid(form)
        use_step(Authenticator.objects.get(user=self.request.user, type=Authenticator.Type.TOTP).pk, form.step)
        return answer
