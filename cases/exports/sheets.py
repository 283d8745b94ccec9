"""What can be exported: for each sheet its heads, its rows batch by batch, and who may have it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from grid import levels, privacy
from grid.models import Officer
from grid.moment import now
from grid.roles import Role
from grid.words import named

from .. import paging, rulebook
from ..flow import Refused, Source, Stage
from ..models import Case, CaseQuerySet, Kind
from .titles import cases_told

Rows = list[list[Any]]
BATCH = 500
STAFF = tuple(role for role in Role if role != Role.ADMINISTRATOR)


@dataclass(frozen=True)
class Sheet:
    """`batch` gives the rows from a cursor on ("" is the beginning) and the next cursor, None at the end. `whole`, in
    place of rows, makes the file by itself. `fit` raises Refused for terms that cannot be meant. `told` says in words
    which days and which filters the terms are."""

    label: Promise
    roles: tuple[Role, ...]
    heads: Callable[[Mapping[str, Any]], Sequence[Any]]
    count: Callable[[Officer, Mapping[str, Any]], int]
    batch: Callable[[Officer, Mapping[str, Any], str], tuple[Rows, str | None]]
    forms: tuple[str, ...] = ("csv", "xlsx")
    whole: Callable[[Officer, Mapping[str, Any], Path], None] | None = None
    fit: Callable[[Officer, Mapping[str, Any]], None] = lambda officer, terms: None
    told: Callable[[Mapping[str, Any]], Sequence[str]] = lambda terms: ()


AS_TEXT = "spreadsheet"
"""The term that asks for a CSV in which a spreadsheet finds codes as texts."""
APART = ("personal", AS_TEXT)  # terms that say how, not which

# Cases

PLACE, TEXT = _("地点描述"), _("问题描述")
OPENERS = (Role.SHIFT_LEADER, Role.LEADER)
"""Who may have a file in which numbers of people stand as they were written (`personal`): its order and each fetching
of it are lines of the logger "access". In every other they are masked."""


def _fit_cases(officer: Officer, terms: Mapping[str, Any]) -> None:
    if terms.get("personal") and not officer.holds(*OPENERS):
        posts = gettext("、").join(str(role.label) for role in OPENERS)
        raise Refused(
            "not_your_post", gettext("含完整号码的文件由%(posts)s导出。") % {"posts": posts}, field="personal"
        )


def _cases(officer: Officer, terms: Mapping[str, Any]) -> CaseQuerySet:
    said = {
        name: datetime.fromisoformat(value) if name in ("since", "until") else value
        for name, value in terms.items()
        if name not in APART
    }
    return Case.objects.visible_to(officer).matching(said, now())


CASE: Mapping[Any, Callable[[Case], Any]] = {
    _("案卷号"): lambda case: case.number,
    _("问题来源"): lambda case: str(Source(case.source).label),
    _("部件或事件"): lambda case: str(Kind(case.category.kind).label),
    _("大类"): lambda case: named(case.category.lineage[-1]) if case.category.parent else "",
    _("小类"): lambda case: named(case.category),
    levels.lazy_word("street"): lambda case: named(case.cell.area.parent) if case.cell.area.parent else "",
    levels.lazy_word("community"): lambda case: named(case.cell.area),
    _("单元网格"): lambda case: case.cell.code,
    PLACE: lambda case: case.place,
    TEXT: lambda case: case.text,
    _("经度（WGS84）"): lambda case: round(case.point.x, 6),
    _("纬度（WGS84）"): lambda case: round(case.point.y, 6),
    _("环节"): lambda case: str(Stage(case.stage).label),
    _("责任单位"): lambda case: named(case.department) if case.department else "",
    _("上报时间"): lambda case: local(case.reported_at),
    _("到期时间"): lambda case: local(case.due_at),
    _("整案时限"): lambda case: local(case.promise_at),
    _("升级"): lambda case: case.level,
}


MIDDLE = _("中类")


def has_middles(book: rulebook.Rulebook) -> bool:
    """Whether any class stands between a major and its sub-classes."""
    return any(row.middle for row in book.categories.values())


def _heads() -> list[Any]:
    """The middle class stands last, and only where the city has any: so it moves no other column."""
    return [*CASE, *([MIDDLE] if has_middles(rulebook.current()) else ())]


def _cells(case: Case, *, middles: bool) -> list[Any]:
    middle = next((named(row) for row in case.category.lineage if row.middle), "")
    return [*(cell(case) for cell in CASE.values()), *([middle] if middles else ())]


WRITTEN = [n for n, head in enumerate(CASE) if head in (PLACE, TEXT)]  # by people, who write numbers into it


def local(at: datetime | None) -> datetime | str:
    """A moment as the city's clock shows it; nothing where there is none."""
    return timezone.localtime(at).replace(tzinfo=None, microsecond=0) if at else ""


# What the columns need and no more: a row would bring the outlines of its cell, community and street along.
NAMED = ("name", "name_en")
RELATED = ("cell__area__parent", "department")
READ = (
    *("number", "source", "place", "text", "point", "stage", "reported_at", "due_at", "promise_at", "level"),
    *("category", "cell__code"),
    *(f"{path}__{name}" for path in (*RELATED, "cell__area") for name in NAMED),
)


def _case_rows(officer: Officer, terms: Mapping[str, Any], cursor: str) -> tuple[Rows, str | None]:
    found = _cases(officer, terms).select_related(*RELATED).only(*READ)
    cases, following = paging.page(found, sort="new", limit=BATCH, cursor=cursor or None)
    book = rulebook.current()
    for case in cases:
        case.category = book.categories[case.category_id]  # with those above it
    rows = [_cells(case, middles=has_middles(book)) for case in cases]
    if not (terms.get("personal") and officer.holds(*OPENERS)):  # he may have lost the post since he asked
        for row in rows:
            for n in WRITTEN:
                row[n] = privacy.masked(row[n])
    return rows, following


SHEETS: dict[str, Sheet] = {
    "cases": Sheet(
        _("案卷"),
        STAFF,
        lambda terms: _heads(),
        lambda officer, terms: _cases(officer, terms).count(),
        _case_rows,
        fit=_fit_cases,
        told=cases_told,
    ),
}
