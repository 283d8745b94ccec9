"""Codes of the second factor, asked for at either door: guarded as passwords are, each account with chances of its own.

The right password does not give them back, the right code does: who knows the password alone cannot go on guessing.
"""

from __future__ import annotations

import logging
from typing import Any

from allauth.headless.internal.restkit import inputs
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from django.core.exceptions import ValidationError

from . import lock

access = logging.getLogger("access")


class Guarded:
    """Takes a chance before a code is looked at. Refuses a locked account, whatever the code."""

    user: Any

    def clean_code(self) -> str:
        name = self.user.username
        if not lock.take(name, lock.CODE):
            access.info("code refused, locked: %r", name)
            raise lock.closed(name)
        try:
            code: str = super().clean_code()  # type: ignore[misc]  # of the form that it is mixed into
        except ValidationError:
            locks = lock.wasted(name, lock.CODE)
            access.info("%s: %r", "code failed, account locked" if locks else "code failed", name)
            raise
        lock.clear(name, lock.CODE)
        return code


class Code(Guarded, AuthenticateForm):  # type: ignore[misc]  # allauth ships no types
    """Signing in at a browser."""


class CodeAgain(Guarded, ReauthenticateForm):  # type: ignore[misc]  # allauth ships no types
    """Asked for once more, before something grave."""


class CodeInput(Guarded, AuthenticateForm, inputs.Input):  # type: ignore[misc]  # allauth ships no types
    """Signing in with an app."""
