"""manage.py demo: the two demo cities with their last months, and a login for each post.

Says the logins on stdout, its progress on stderr.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from unicodedata import east_asian_width

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from cases import planting
from cases.loading import demo
from cases.loading.command import refusing
from grid.roles import Role


class Command(BaseCommand):
    help = "Load the demo cities, let their people in, plant their last months; nothing of it is done twice."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError(_("这里不是演示环境，不载入演示城市和演示账号。确要演示，请设置 DEMO=1。"))
        call_command("install")
        with refusing():
            demo.load(self._tell)
        planting.plant(settings.DEMO_CASES, self._tell)
        self.stdout.write(_("演示账号，密码都是 %(password)s") % {"password": demo.PASSWORD})
        self.stdout.write(_table([("", *map(demo.name, demo.CITIES)), *map(_logins, Role)]))
        self.stdout.write(_("%(who)s 负责全部辖区，可以发布排名和月报。") % {"who": demo.WHOLE})

    def _tell(self, step: str) -> None:
        self.stderr.write(f"   {step}", style_func=str)


def _logins(role: Role) -> Sequence[str]:
    return str(role.label), *(demo.login(folder, role) for folder in demo.CITIES)


def _table(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def _width(said: str) -> int:
    """On a terminal, where Chinese characters take two places."""
    return sum(2 if east_asian_width(sign) in "WF" else 1 for sign in said)
