"""The second factor (两步验证): who has to have one before a door lets him do anything."""

from __future__ import annotations

from allauth.mfa.models import Authenticator
from django.conf import settings

from .models import Officer


def forced(officer: Officer) -> bool:
    """Whether one of his posts is among SECOND_FACTOR_ROLES."""
    return officer.holds(*settings.SECOND_FACTOR_ROLES)


def lacking(officer: Officer) -> bool:
    """Whether he has to have one and has none yet. No statement for whom it is not forced on, one for others."""
    return forced(officer) and not Authenticator.objects.filter(user=officer, type=Authenticator.Type.TOTP).exists()
