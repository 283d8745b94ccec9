"""The figures of a kind of subject over some days, as a sheet."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from grid.models import Area, Beat, Cell, Department, Officer
from grid.words import english, named

from .. import indicators, looking
from ..flow import Refused
from ..metrics import METRICS
from ..models import Basis, Category, Scheme
from ..periods import fitting
from .sheets import SHEETS, Rows, Sheet
from .titles import days_told

MODEL: Mapping[str, Any] = {
    "district": Area,
    "street": Area,
    "community": Area,
    "cell": Cell,
    "beat": Beat,
    "department": Department,
    "officer": Officer,
    "category": Category,
}


def _fit(officer: Officer, terms: Mapping[str, Any]) -> None:
    """Whose figures one looks at, one may have as a file."""
    try:
        since, until = date.fromisoformat(terms["since"]), date.fromisoformat(terms["until"])
    except (KeyError, ValueError):
        raise Refused("bad_period", _("请写明起止日期。"), field="since") from None
    fitting(since, until, field="since")
    if terms.get("kind") not in MODEL or terms.get("basis", Basis.FLOW) not in Basis.values:
        raise Refused("kind_unknown", _("统计对象只能是：%(kinds)s。") % {"kinds": " ".join(MODEL)}, field="kind")
    looking.looked_at(officer, terms["kind"])


def _heads(terms: Mapping[str, Any]) -> list[Any]:
    return [_("代码"), _("名称"), *(metric.name_en if english() else metric.name for metric in METRICS)]


def _rows(officer: Officer, terms: Mapping[str, Any], cursor: str) -> tuple[Rows, str | None]:
    since, until = date.fromisoformat(terms["since"]), date.fromisoformat(terms["until"])
    kind = terms["kind"]
    only, within = looking.looked_at(officer, kind), looking.ground(officer)
    basis = terms.get("basis", Basis.FLOW)
    tree = not looking.alone(officer)
    found = indicators.figures(kind, since, until, subjects=only, basis=basis, within=within, tree=tree)
    rows = MODEL[kind].objects.in_bulk(found)
    told = [
        [_code(rows[pk]), _name(rows[pk]), *(counts[metric.code] for metric in METRICS)]
        for pk, counts in found.items()
        if pk in rows
    ]
    return sorted(told, key=lambda row: str(row[0])), None


def _code(row: Any) -> str:
    return str(getattr(row, "code", "") or getattr(row, "username", ""))


def _name(row: Any) -> str:
    return named(row) if hasattr(row, "name_en") else str(row)


def _told(terms: Mapping[str, Any]) -> list[str]:
    days = days_told(date.fromisoformat(terms["since"]), date.fromisoformat(terms["until"]))
    kind = dict(Scheme.Kind.choices).get(terms["kind"]) or MODEL[terms["kind"]]._meta.verbose_name
    return [str(kind), days, str(Basis(terms.get("basis", Basis.FLOW)).label)]


SHEETS["figures"] = Sheet(
    gettext_lazy("统计数"), looking.LOOKERS, _heads, lambda officer, terms: 0, _rows, fit=_fit, told=_told
)
