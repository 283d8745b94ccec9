"""manage.py install: what any installation needs once its database is migrated. Idempotent."""

from __future__ import annotations

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand

from cases import schedules


class Command(BaseCommand):
    help = "Make the cache's table and the worker's schedules."

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("createcachetable", verbosity=0)
        schedules.install()
