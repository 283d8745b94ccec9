"""manage.py install: what any installation needs once its database is migrated. Idempotent."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.utils.translation import gettext as _

from cases import schedules
from cases.loading import demo


class Command(BaseCommand):
    help = "Make the cache's table and the worker's schedules; where this is no demonstration, end its logins."

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("createcachetable", verbosity=0)
        schedules.install()
        if not settings.DEMO and (closed := demo.close()):
            said = {"count": len(closed), "first": closed[0]}
            self.stdout.write(_("已停用 %(count)d 个演示账号的公开密码，记入变更记录。") % said)
            self.stdout.write(_("要让谁登录，请另设密码：./dev manage changepassword %(first)s") % said)
