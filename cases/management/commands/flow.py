"""Draws docs/flow.md."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils.translation import override

from cases import drawing


class Command(BaseCommand):
    help = "Draw docs/flow.md from the table of cases/flow.py."

    def handle(self, *args: Any, **options: Any) -> None:
        with override("zh-hans"):
            Path(settings.BASE_DIR, "docs", "flow.md").write_text(drawing.page(), encoding="utf8")
