"""Makes docs/rights.md anew."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from grid import rights


class Command(BaseCommand):
    help = "Draw docs/rights.md: what the application's database role may do with each table."

    def handle(self, *args: Any, **options: Any) -> None:
        Path(settings.BASE_DIR, "docs", "rights.md").write_text(rights.page(), encoding="utf8")
