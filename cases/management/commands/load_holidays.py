"""manage.py load_holidays FILE…: the days off and the make-up workdays of one or more years."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand
from django.utils.translation import gettext as _

from cases import docket
from cases.loading import holidays
from cases.loading.command import refusing, said
from cases.loading.reading import day


class Command(BaseCommand):
    help = "Load years of holidays (holiday-cn JSON), and compute the deadlines of open cases again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", type=Path, nargs="+")
        parser.add_argument("--since", type=day, help="compute deadlines from this day again although no day changed")

    def handle(self, *args: Any, files: list[Path], **options: Any) -> None:
        with refusing():
            counts, since = holidays.load(files)
        self.stdout.write(said(_("节假日"), counts))
        moved = docket.retime(options["since"] or since)
        self.stdout.write(_("%(moved)s 个案卷的时限已重算。") % {"moved": moved})
