"""What a file is called: of what it is, over which days, by which filters. In the language of whoever reads it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from grid.models import Officer
from grid.moment import local_day
from grid.typed_text import one_line
from grid.words import named

from .. import rulebook
from ..flow import Source, Stage

LONGEST = 120  # characters of a file's name
UNFIT = re.compile(r'[\\/:*?"<>|\s]+')  # what some system does not take in a name; blanks are hard to hand on


def file_name(words: list[str], form: str) -> str:
    """A name that every system takes: 案卷_2026-10_结古街道_待派遣.xlsx."""
    joined = "_".join(UNFIT.sub("-", one_line(word)).strip(".-") for word in words)
    return f"{joined[:LONGEST]}.{form}"


def days_told(since: date | None, until: date | None) -> str:
    """Local days, both included; a whole month by its name: 2026-10, 2026-10-01–2026-10-07."""
    if since and until:
        month = since.day == 1 and until == (since.replace(day=1) + timedelta(days=32)).replace(day=1) - timedelta(1)
        if month:
            return f"{since:%Y-%m}"
        return f"{since}" if since == until else f"{since}–{until}"
    if since:
        return _("%(day)s 起") % {"day": since}
    return _("至 %(day)s") % {"day": until} if until else ""


def cases_told(terms: Mapping[str, Any]) -> list[str]:
    """The days and filters of a list of cases, each as a word."""
    since, until = (datetime.fromisoformat(terms[name]) if terms.get(name) else None for name in ("since", "until"))
    last = local_day(until - timedelta(microseconds=1)) if until else None  # it ends before that moment
    told = [days_told(local_day(since) if since else None, last), *_filters(terms)]
    return [word for word in told if word]


def _filters(terms: Mapping[str, Any]) -> Iterator[str]:
    book = rulebook.current()
    yield from (str(Stage(stage).label) for stage in terms.get("stage", ()))
    if source := terms.get("source"):
        yield str(Source(source).label)
    if area := terms.get("area"):
        yield next((named(row) for row in book.areas.values() if row.code == area), area)
    if category := book.categories.get(int(terms.get("category") or 0)):
        yield named(category)
    if (pk := terms.get("department")) is not None:
        row = book.departments.get(int(pk))
        yield named(row) if row else _("尚未派遣")
    if officer := Officer.objects.filter(pk=terms.get("officer") or 0).first():
        yield str(officer)
    yield from (str(terms[name]) for name in ("cell", "q") if terms.get(name))
    for name, (true, false) in _switches().items():
        if name in terms:
            yield true if terms[name] else false
    if "level" in terms:
        yield _("升级 %(level)s 级") % {"level": terms["level"]}
    if terms.get("personal"):
        yield _("含完整号码")


def _switches() -> dict[str, tuple[str, str]]:
    return {
        "open": (_("未结"), _("已结")),
        "late": (_("已超时"), _("未超时")),
        "late_overall": (_("整案超时"), _("整案未超时")),
        "at_risk": (_("可能超时"), _("不会超时")),
        "asks": (_("有申请"), _("无申请")),
    }


def stamp(at: datetime) -> str:
    """When it was ordered, by the city's clock: two files of the same are told apart."""
    return f"{timezone.localtime(at):%Y%m%d-%H%M}"
