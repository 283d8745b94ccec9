"""How commands speak to whoever keeps the machine: in his language."""

from __future__ import annotations

import os
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils import translation


def tongue() -> str:
    """WANGGE_LANG, or else the terminal's locale; the city's language where neither names one that there is."""
    for name in ("WANGGE_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        said = os.environ.get(name, "").partition(".")[0].replace("_", "-").lower()
        if said.startswith("zh"):
            return "zh-hans"
        if said and said not in ("c", "posix"):
            return next((code for code, _name in settings.LANGUAGES if said.startswith(code)), "en")
    return settings.LANGUAGE_CODE


class OperatorCommand(BaseCommand):
    """A command whose sentences follow `tongue`."""

    def execute(self, *args: Any, **options: Any) -> str | None:
        with translation.override(tongue()):
            return super().execute(*args, **options)
