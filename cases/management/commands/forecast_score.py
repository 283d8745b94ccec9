"""manage.py forecast_score --since DAY --until DAY: how good the forecast was, measured on the log."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import date, timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils.translation import gettext as _

from cases import backtest
from cases.backtest import Score
from grid.moment import today

DAYS = 30


class Command(BaseCommand):
    help = "Forecast the stints of some days again from what was known then, and say how that came true."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--since", type=date.fromisoformat, help="first local day; thirty days before today")
        parser.add_argument("--until", type=date.fromisoformat, help="last local day; yesterday")

    def handle(self, *args: Any, since: date | None, until: date | None, **options: Any) -> None:
        found = backtest.score(since or today() - timedelta(days=DAYS), until or today() - timedelta(days=1))
        if not found.told:
            self.stdout.write(_("这段时间没有可评的预测：用到时限一半仍未办结、且同类案卷足够的，一件也没有。"))
            return
        self.stdout.write("\n".join(report(found)))


def report(found: Score) -> list[str]:
    """The score as lines of a page in Markdown."""
    missed, warned = sum(missed for _chance, missed in found.told), found.warned
    return [
        _("用到时限一半仍未办结 %(met)s 件，有预测 %(told)s 件，其中超期 %(missed)s 件。")
        % {"met": len(found.met), "told": len(found.told), "missed": missed},
        "",
        _("| 预测 | Brier 分 |"),
        "|---|---|",
        f"| {_('本预测')} | {found.brier:.4f} |",
        f"| {_('全市一条曲线')} | {found.brier_of(lambda met: met.city):.4f} |",
        f"| {_('只看超期率')} | {found.brier_of(lambda met: met.base):.4f} |",
        "",
        _("预警 %(warned)s 件（概率不低于 %(risk)s），命中 %(hits)s 件；超期案卷中事先预警的占 %(caught)s。")
        % {
            "warned": len(warned),
            "risk": f"{settings.FORECAST_RISK:.0%}",
            "hits": f"{sum(warned)} ({sum(warned) / max(len(warned), 1):.0%})",
            "caught": f"{sum(warned) / max(missed, 1):.0%}",
        },
        "",
        _("| 概率 | 件数 | 平均预测 | 实际超期 |"),
        "|---|---|---|---|",
        *(
            f"| {tenth:.0%}–{tenth + 0.1:.0%} | {count} | {mean:.1%} | {came:.1%} |"
            for tenth, count, mean, came in found.tenths()
        ),
    ]
