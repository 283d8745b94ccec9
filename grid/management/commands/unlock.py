"""manage.py unlock NAME: open an account that wrong passwords have closed, before its time."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from grid import lock


class Command(BaseCommand):
    help = "Open accounts that wrong passwords have closed."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("names", nargs="+", metavar="NAME")

    def handle(self, *, names: list[str], **options: Any) -> None:
        for name in names:
            was = lock.until(name)
            lock.clear(name)
            self.stdout.write(f"{name}: {'open again' if was else 'was not locked'}")
