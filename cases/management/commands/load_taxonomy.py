"""manage.py load_taxonomy FOLDER: the classes of every generation, and their sample conditions."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand
from django.utils.translation import gettext as _

from cases.loading import taxonomy
from cases.loading.command import refusing, said


class Command(BaseCommand):
    help = "Load classes and conditions from a folder of CSV files; all or nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path)
        parser.add_argument("--valid-from", type=date.fromisoformat, help="when new conditions come into force")

    def handle(self, *args: Any, folder: Path, valid_from: date | None, **options: Any) -> None:
        with refusing():
            classes, conditions = taxonomy.load(folder, valid_from=valid_from or taxonomy.beginning())
        self.stdout.write(said(_("问题类别"), classes))
        self.stdout.write(said(_("立案条件"), conditions))
