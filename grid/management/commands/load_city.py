"""Load a city from a folder: its areas, departments, cells, components, beats and officers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from grid import loading
from grid.loading import Finding, Outcome
from grid.loading.bounds import bounded_memory
from grid.loading.kinds import KINDS
from grid.loading.outcome import Refused

SHOWN = 20  # of the findings of one code; the rest are counted


class Command(BaseCommand):
    """Exit codes: 0 all is loaded (or would be), 1 nothing was, 2 the good rows were and others refused."""

    help = "Load a city from a folder. Nothing is written unless every row is good, or --partial is given."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder")
        parser.add_argument("--partial", action="store_true", help="load the good rows, list the refused (exit code 2)")
        parser.add_argument("--dry-run", action="store_true", help="check and count only")

    def handle(self, *, folder: str, partial: bool, dry_run: bool, **_options: Any) -> None:
        try:
            with bounded_memory():
                outcome = loading.load(folder, partial=partial, dry_run=dry_run, on=self.stdout.write)
        except Refused as refused:
            raise CommandError(str(refused)) from None
        self._list(outcome.warnings, _("警告"), self.style.WARNING)
        self._list(outcome.refusals, _("退回"), self.style.ERROR)
        self._sum_up(outcome)
        if outcome.refusals:
            raise CommandError(_ending(outcome), returncode=2 if outcome.written else 1)
        self.stdout.write(self.style.SUCCESS(_ending(outcome)))

    def _list(self, findings: Sequence[Finding], title: str, style: Any) -> None:
        shown: Counter[str] = Counter()
        for found in findings:
            shown[found.code] += 1
            if shown[found.code] <= SHOWN:
                self.stdout.write(style(f"{title} {found}"))
        for code, n in shown.items():
            if n > SHOWN:
                self.stdout.write(
                    style(
                        _("%(title)s [%(code)s] 共 %(n)d 处，以上列出 %(shown)d 处")
                        % {"title": title, "code": code, "n": n, "shown": SHOWN}
                    )
                )

    def _sum_up(self, outcome: Outcome) -> None:
        titles = {kind.name: kind.title for kind in KINDS}
        for name, counts in outcome.counts.items():
            said = {"kind": titles[name], **vars(counts)}
            self.stdout.write(
                _("%(kind)s：新增 %(added)d，变更 %(changed)d，停用 %(retired)d，未变 %(unchanged)d") % said
            )


def _ending(outcome: Outcome) -> str:
    said = {"city": outcome.city, "refused": len(outcome.refusals), "warned": len(outcome.warnings)}
    if outcome.refusals and outcome.written:
        return _("%(city)s：已导入可用的行，退回 %(refused)d 处，请改正后再次导入") % said
    if outcome.refusals:
        return _("什么也没有改动：退回 %(refused)d 处。请改正后重来，或用 --partial 先导入可用的行") % said
    if not outcome.written:
        return _("%(city)s：检查通过，警告 %(warned)d 处；试运行，什么也没有改动") % said
    return _("%(city)s：导入完成，警告 %(warned)d 处") % said
