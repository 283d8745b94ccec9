"""manage.py load_evaluation FOLDER: the dictionary of indicators, and the schemes by which figures are judged."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from cases.loading import evaluation
from cases.loading.command import refusing, said


class Command(BaseCommand):
    help = "Load indicators.csv and schemes.json from a folder."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path)

    def handle(self, *args: Any, folder: Path, **options: Any) -> None:
        with refusing():
            loaded = evaluation.load(folder)
        for file, counts in loaded.items():
            self.stdout.write(said(file, counts))
