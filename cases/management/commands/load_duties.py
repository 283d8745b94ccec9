"""manage.py load_duties FILE: who answers for what in a city."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand
from django.utils.translation import gettext as _

from cases.loading import duties
from cases.loading.command import refusing, said


class Command(BaseCommand):
    help = "Load a city's duties from a CSV file, which replaces those it had; all or nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, file: Path, **options: Any) -> None:
        with refusing():
            counts = duties.load(file)
        self.stdout.write(said(_("责任清单"), counts))
