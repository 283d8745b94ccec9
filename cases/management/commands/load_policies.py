"""manage.py load_policies FOLDER: what the system does by itself, stage limits, alarms and working hours."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from cases.loading import policies
from cases.loading.command import refusing, said


class Command(BaseCommand):
    help = "Load policies, stage limits, rungs and timetables from a folder; each file is all of its table."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path)

    def handle(self, *args: Any, folder: Path, **options: Any) -> None:
        with refusing():
            loaded = policies.load(folder)
        for file, counts in loaded.items():
            self.stdout.write(said(file, counts))
