"""manage.py load_conditions WORKBOOK.xlsx: a city's own filing conditions."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import date
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from cases.loading import conditions
from cases.loading.command import refusing, said
from cases.loading.workbook import ROWS
from grid.moment import today


class Command(BaseCommand):
    """Exit codes: 0 all is loaded (or would be), 1 nothing was, 2 whole sub-classes were and others refused."""

    help = "Load filing conditions from a workbook with a sheet for 部件 and one for 事件; all or nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("workbook", type=Path)
        parser.add_argument("--scheme", default=settings.CATEGORY_SCHEME)
        parser.add_argument("--valid-from", type=date.fromisoformat, help="when new conditions come into force; today")
        parser.add_argument("--rows", type=int, default=ROWS, help="filled rows that a sheet may have")
        parser.add_argument("--partial", action="store_true", help="leave out sub-classes of which a row is refused")
        parser.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")

    def handle(self, *args: Any, workbook: Path, valid_from: date | None, **options: Any) -> None:
        asked = {name: options[name] for name in ("scheme", "rows", "partial", "dry_run")}
        with refusing():
            counts, refusals = conditions.load(workbook, valid_from=valid_from or today(), **asked)
        self.stdout.write(said(_("立案条件"), counts))
        if options["dry_run"]:
            self.stdout.write(_("只是试运行，什么也没有写入。"))
        if refusals:
            lines = "\n".join(map(str, refusals))
            raise CommandError(_("其余已载入，这些没有：\n%(refusals)s") % {"refusals": lines}, returncode=2)
