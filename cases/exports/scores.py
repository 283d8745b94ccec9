"""A ranking over a period, live, as a sheet: places, points and grades, and what each indicator gave."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from fractions import Fraction
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from grid.models import Officer
from grid.words import named

from .. import evaluation, looking, periods
from ..flow import Refused
from ..models import Basis, Indicator, Scheme
from ..periods import Period
from ..scores import shown
from .sheets import SHEETS, Rows, Sheet
from .titles import days_told


def _asked(terms: Mapping[str, Any]) -> tuple[Scheme, Period]:
    """The version valid on the period's last day. Raises Refused."""
    try:
        period = periods.asked(terms.get("span", "month"), date.fromisoformat(terms["day"]))
        scheme = evaluation.in_force(terms["scheme"], period.until)
        basis = Basis(terms.get("basis") or scheme.basis)
    except (KeyError, ValueError):
        raise Refused("bad_period", _("请写明评分方案和周期。"), field="day") from None
    except Scheme.DoesNotExist:
        raise Refused("scheme_unknown", _("该周期没有这个评分方案。"), field="scheme") from None
    return scheme.counted(basis), period


def _fit(officer: Officer, terms: Mapping[str, Any]) -> None:
    _asked(terms)


def _heads(terms: Mapping[str, Any]) -> list[Any]:
    scheme, _period = _asked(terms)
    names = {row.code: named(row) for row in Indicator.objects.all()}
    indicators = [names.get(item["indicator"], item["indicator"]) for item in scheme.said["items"]]
    return [_("名次"), _("代码"), _("名称"), _("得分"), _("等级"), _("上期得分"), *indicators]


def _rows(officer: Officer, terms: Mapping[str, Any], cursor: str) -> tuple[Rows, str | None]:
    """Places, points and what is behind them, live, of those whose figures the officer looks at."""
    scheme, period = _asked(terms)
    sight, within = looking.sight(officer, scheme.kind, published=False), looking.ground(officer)
    past = evaluation.standings(scheme, period.before.since, period.before.until, within=within)
    before = {row.subject.pk: row.score.points for row in past}
    told = []
    for row in evaluation.standings(scheme, period.since, period.until, within=within):
        if sight.line(row.subject.pk):
            values = [_value(line.value, not line.item.rate.denominator) for line in row.score.lines]
            grade = row.score.letter
            points = [_value(row.score.points, False), grade, _value(before.get(row.subject.pk), False)]
            told.append([row.rank or "", row.subject.code, named(row.subject), *points, *values])
    return told, None


def _value(number: Fraction | None, whole: bool) -> int | float | str:
    """A number for a spreadsheet; nothing where there was nothing to rate."""
    return "" if number is None else int(number) if whole else shown(number, 4)


def _told(terms: Mapping[str, Any]) -> list[str]:
    scheme, period = _asked(terms)
    return [named(scheme), days_told(period.since, period.until), str(Basis(scheme.basis).label)]


SHEETS["scores"] = Sheet(
    gettext_lazy("考核排名"), looking.LOOKERS, _heads, lambda officer, terms: 0, _rows, fit=_fit, told=_told
)
