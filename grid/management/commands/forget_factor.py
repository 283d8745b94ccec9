"""manage.py forget_factor NAME: take an officer's second factor away, where his phone and his codes are lost."""

from __future__ import annotations

import logging
from typing import Any

from allauth.mfa.models import Authenticator
from django.core.management.base import BaseCommand, CommandParser

access = logging.getLogger("access")


class Command(BaseCommand):
    help = "Take the second factor of officers away: they enrol again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("names", nargs="+", metavar="NAME")

    def handle(self, *, names: list[str], **options: Any) -> None:
        for name in names:
            gone, _each = Authenticator.objects.filter(user__username=name).delete()
            access.info("second factor forgotten by command: %r", name)
            self.stdout.write(f"{name}: {'forgotten' if gone else 'had none'}")
