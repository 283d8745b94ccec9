"""manage.py unlock NAME_OR_ADDRESS …: open what wrong passwords have closed, before its time."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from grid import lock


class Command(BaseCommand):
    help = "Open accounts, and addresses, that wrong passwords have closed."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("names", nargs="+", metavar="NAME_OR_ADDRESS")

    def handle(self, *, names: list[str], **options: Any) -> None:
        for name in names:
            was = lock.address_until(name, "") if _is_address(name) else lock.until(name)
            if _is_address(name):
                lock.open_address(name)
            else:
                lock.clear(name)
            self.stdout.write(f"{name}: {'open again' if was else 'was not locked'}")


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
