"""A month's bulletin as PDF, made by the worker at once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from grid.models import Officer
from grid.roles import CENTRE, DEPARTMENT

from .. import bulletin
from ..bulletin import paper
from ..flow import Refused
from .sheets import SHEETS, Sheet


def _fit(officer: Officer, terms: Mapping[str, Any]) -> None:
    """A draft is for those who look at the whole city."""
    try:
        bulletin.period_of(str(terms.get("month", "")))
        revision = int(terms["revision"]) if terms.get("revision") else None
    except ValueError:
        raise Refused("bad_period", _("请写明月份，如 2026-10。"), field="month") from None
    if not bulletin.may_read(officer, str(terms["month"]), revision=revision, live=bool(terms.get("live"))):
        raise Refused("not_issued", _("这个月的月报还没有发布；草稿供负责全市的中心岗位查看。"), field="month")


def _whole(officer: Officer, terms: Mapping[str, Any], path: Path) -> None:
    _fit(officer, terms)
    revision = int(terms["revision"]) if terms.get("revision") else None
    paper.write(bulletin.read(terms["month"], revision=revision, live=bool(terms.get("live"))), officer, path)


def _told(terms: Mapping[str, Any]) -> list[str]:
    if revision := terms.get("revision"):
        return [str(terms["month"]), _("第 %(n)d 次修订") % {"n": int(revision)}]
    return [str(terms["month"])]


SHEETS["bulletin"] = Sheet(
    gettext_lazy("月报"),
    (*CENTRE, *DEPARTMENT),
    lambda terms: [],
    lambda officer, terms: 0,
    lambda officer, terms, cursor: ([], None),
    forms=("pdf",),
    whole=_whole,
    fit=_fit,
    told=_told,
)
