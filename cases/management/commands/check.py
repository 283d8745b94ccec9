"""`manage.py check` asks the database too, without being told to: most of what can be wrong with a city is a row."""

from __future__ import annotations

from typing import Any

from django.core.management.commands import check
from django.db import DEFAULT_DB_ALIAS, OperationalError, connection
from django.utils.translation import gettext as _


class Command(check.Command):
    def handle(self, *app_labels: Any, **options: Any) -> None:
        plain = not (app_labels or options["tags"] or options["databases"] or options["list_tags"])
        if plain and self._reached():
            options["databases"] = [DEFAULT_DB_ALIAS]
        super().handle(*app_labels, **options)

    def _reached(self) -> bool:
        try:
            connection.ensure_connection()
        except OperationalError:
            self.stderr.write(_("连不上数据库，只检查了代码和设置。"))
            return False
        return True
