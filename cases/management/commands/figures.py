"""Makes the dictionary of docs/figures.md anew."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from cases import dictionary
from cases.loading import evaluation


class Command(BaseCommand):
    help = "Make the dictionary of docs/figures.md from cases/metrics.py and the sample indicators."

    def handle(self, *args: Any, **options: Any) -> None:
        path = Path(settings.BASE_DIR, "docs", "figures.md")
        indicators = evaluation.dictionary(Path(settings.BASE_DIR, "fixtures", "evaluation"))
        path.write_text(dictionary.page(path.read_text(encoding="utf8"), indicators), encoding="utf8")
