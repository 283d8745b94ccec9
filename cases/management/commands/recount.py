"""manage.py recount FROM [TO]: count days anew from the log, with their totals."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import date, timedelta
from typing import Any

from django.core.management.base import BaseCommand
from django.utils.translation import gettext as _

from cases import tally
from cases.models import Case
from grid.moment import local_day, today


class Command(BaseCommand):
    help = "Count the figures of days anew from the log; without days, of all since the first report."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("since", nargs="?", type=date.fromisoformat)
        parser.add_argument("until", nargs="?", type=date.fromisoformat)

    def handle(self, *args: Any, since: date | None, until: date | None, **options: Any) -> None:
        first = Case.objects.order_by("reported_at").values_list("reported_at", flat=True).first()
        day, last = since or (local_day(first) if first else today()), until or today()
        while day <= last:
            changed = tally.rebuild(day, day)
            self.stdout.write(_("%(day)s：%(count)s 处已更正") % {"day": day, "count": changed})
            day += timedelta(days=1)
