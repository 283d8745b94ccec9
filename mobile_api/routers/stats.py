"""Figures, each with its formula."""

from __future__ import annotations

from datetime import date

from django.utils.translation import gettext as _
from ninja import Query, Router, Schema
from pydantic import Field

from cases import indicators
from cases.flow import Refused
from cases.indicators import Figures
from grid.models import Department
from grid.moment import today
from grid.roles import CENTRE, DEPARTMENT
from grid.words import named

from ..auth import Request, officer
from ..problems import Problem
from ..schemas import Named, Said

router = Router(tags=["stats"])

LONGEST_DAYS = 366
TOLD = ("dispatched", "on_time", "overdue", "exempt", "finished", "rework", "passed", "closed")


class DepartmentFigures(Schema):
    """The figures of one department. A stint is the time it owes a case without a break."""

    department: Named
    filed: int = Field(description="cases dispatched to it")
    due: int = Field(description="on_time + overdue - exempt: stints that were finished in time, or fell due")
    on_time: int = Field(description="handling finished by its due moment")
    overdue: int = Field(description="stints of handling that were not finished by their due moment")
    exempt: int = Field(description="of the overdue, those of cases whose appeal was granted")
    on_time_rate: float | None = Field(description="on_time / due; null where nothing was due")
    finished: int = Field(description="handling finished, in time or not")
    rework: int = Field(description="sent back after a check")
    rework_rate: float | None = Field(description="rework / finished; null where nothing was finished")
    passed: int = Field(description="buck-passing: declines that were refused, and each further one of a case")
    closed: int = Field(description="cases closed")


class Days(Said):
    """Local days, both included; this month so far where they are not said."""

    since: date | None = Field(None, alias="from")
    until: date | None = Field(None, alias="to")


class Departments(Schema):
    """The figures of every department that had any."""

    since: date
    until: date
    items: list[DepartmentFigures]


@router.get(
    "stats/departments",
    auth=officer(*CENTRE, *DEPARTMENT),
    response={200: Departments, 401: Problem, 403: Problem, 422: Problem},
)
def departments(request: Request, days: Query[Days]) -> Departments:
    """What each department was given and did, by local days, both included; by default this month so far.

    Counted from the log by the worker, a second or so behind it.
    """
    until = days.until or today()
    since = days.since or until.replace(day=1)
    if not 0 <= (until - since).days < LONGEST_DAYS:
        raise Refused("bad_period", _("起始日期不能晚于截止日期，跨度不超过一年。"), field="from")
    counted = indicators.figures("department", since, until, codes=TOLD, tree=False)
    rows = Department.objects.filter(pk__in=counted).order_by("code")
    items = [_told(row, counted[row.pk]) for row in rows]
    return Departments(since=since, until=until, items=items)


def _told(row: Department, figures: Figures) -> DepartmentFigures:
    return DepartmentFigures(
        department=Named(id=row.pk, code=row.code, name=named(row)),
        filed=figures["dispatched"],
        due=figures.due,
        on_time=figures["on_time"],
        overdue=figures["overdue"],
        exempt=figures["exempt"],
        on_time_rate=figures.on_time_rate,
        finished=figures["finished"],
        rework=figures["rework"],
        passed=figures["passed"],
        rework_rate=figures.rework_rate,
        closed=figures["closed"],
    )
