"""Figures, each with its formula and the cases behind it."""

from __future__ import annotations

import base64
import json
from collections.abc import Collection
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from django.utils.translation import gettext as _
from ninja import Query, Router, Schema
from pydantic import Field

from cases import behind, evaluation, indicators, metrics, periods, scores
from cases.flow import Refused
from cases.indicators import CITY, Figures
from cases.looking import LOOKERS, alone, ground, looked_at
from cases.models import Basis, Indicator
from cases.periods import Span, fitting
from grid.models import Department
from grid.moment import today
from grid.roles import CENTRE, DEPARTMENT
from grid.words import named, phrased

from ..auth import Request, officer
from ..problems import Problem
from ..schemas import Named, Said
from ..vocabulary import Code, Cursor, Day, Key, KeyOrNone

router = Router(tags=["stats"])

ANSWERS = {401: Problem, 403: Problem, 422: Problem}
TOLD = ("dispatched", "on_time", "overdue", "exempt", "finished", "rework", "passed", "closed")
Kind = Literal[
    "city",
    "district",
    "street",
    "community",
    "cell",
    "beat",
    "department",
    "officer",
    "category",
    "inspector",
    "clerk",
    "shift_leader",
    "dispatcher",
]
BASIS = "flow: on the day it happened; cohort: on the day its case was reported"


class Days(Said):
    """Local days, both included; this month so far where they are not said."""

    since: Day | None = Field(None, alias="from")
    until: Day | None = Field(None, alias="to")

    def span(self) -> tuple[date, date]:
        """Raises Refused (bad_period)."""
        until = self.until or today()
        since = self.since or until.replace(day=1)
        return fitting(since, until)


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
    buck_passing: int = Field(description="declines that were refused, and each further one of a case")
    passed: int = Field(
        json_schema_extra={"deprecated": True}, description="buck_passing, by its older name: until 0.2"
    )
    closed: int = Field(description="cases closed")


class Departments(Schema):
    """The figures of every department that had any."""

    since: date
    until: date
    items: list[DepartmentFigures]


@router.get("stats/departments", auth=officer(*CENTRE, *DEPARTMENT), response={200: Departments, **ANSWERS})
def departments(request: Request, days: Query[Days]) -> Departments:
    """What each department was given and did, by local days, both included; by default this month so far.

    The centre sees all, on the ground of its area; a department itself and, as its head, those below. Counted from the
    log by the worker, a second or so behind it.
    """
    since, until = days.span()
    only, within = looked_at(request.auth, "department"), ground(request.auth)
    counted = indicators.figures("department", since, until, subjects=only, codes=TOLD, tree=False, within=within)
    rows = Department.objects.filter(pk__in=counted).order_by("code")
    return Departments(since=since, until=until, items=[_of_department(row, counted[row.pk]) for row in rows])


def _of_department(row: Department, figures: Figures) -> DepartmentFigures:
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
        buck_passing=figures["passed"],
        passed=figures["passed"],
        rework_rate=figures.rework_rate,
        closed=figures["closed"],
    )


class MetricOut(Schema):
    """统计项: one counted thing."""

    code: str
    name: str
    counted_on: str = Field(description="at: the day it happened; due_at: the day it fell due; promise_at: promised by")


class IndicatorOut(Schema):
    """指标: one sum of metrics over another; a count where it has no denominator."""

    code: str
    name: str
    numerator: str = Field(examples=["on_time"])
    denominator: str = Field(examples=["on_time + overdue - exempt"])
    better: str = Field(description="higher or lower")
    counted_by: str
    exclusions: str


class Dictionary(Schema):
    """What is counted, and what is made of it."""

    metrics: list[MetricOut]
    indicators: list[IndicatorOut]


@router.get("stats/indicators", auth=officer(*LOOKERS), response={200: Dictionary, **ANSWERS})
def dictionary(request: Request) -> Dictionary:
    """The dictionary: every metric and every indicator with its formula."""
    return Dictionary(
        metrics=[MetricOut(code=each.code, name=named(each), counted_on=each.when) for each in metrics.METRICS],
        indicators=[_indicator(row) for row in Indicator.objects.all()],
    )


def _indicator(row: Indicator) -> IndicatorOut:
    return IndicatorOut(
        code=row.code,
        name=named(row),
        numerator=row.numerator,
        denominator=row.denominator,
        better=row.better,
        counted_by=phrased(row, "counted_by"),
        exclusions=phrased(row, "exclusions"),
    )


class Asked(Days):
    """Whose figures."""

    kind: Kind
    subject: Key | None = Field(None, description="its id; none: all that I may look at")
    basis: Basis = Field(Basis.FLOW, description=BASIS)


class FiguresOut(Schema):
    """One subject's counts and rates. A rate without cases is null: there is nothing to rate."""

    subject: Named
    figures: dict[str, int] = Field(description="by metric; what did not happen is left out")
    rates: dict[str, float | None] = Field(description="by indicator; unrounded")


class FiguresPage(Schema):
    """Every subject that had any figures."""

    since: date
    until: date
    basis: Basis
    items: list[FiguresOut]


@router.get("stats/figures", auth=officer(*LOOKERS), response={200: FiguresPage, **ANSWERS})
def figures(request: Request, asked: Query[Asked]) -> FiguresPage:
    """The figures of regions, departments, posts or classes, by local days.

    The centre looks at its area, or the city: at what lies there, and at what departments and people did there; a
    department at its own and those below; an inspector at himself, his beats and cells.
    """
    since, until = asked.span()
    only = looked_at(request.auth, asked.kind, asked.subject)
    seen: dict[str, Any] = {"within": ground(request.auth), "alone": alone(request.auth)}
    found = evaluation.counted(asked.kind, asked.basis, since, until, metrics.CODES, only, **seen)
    names = _names(asked.kind, found.keys())
    rates = evaluation.rates()
    items = [_figures(names[pk], found[pk], rates) for pk in sorted(found, key=lambda pk: names[pk].code)]
    return FiguresPage(since=since, until=until, basis=asked.basis, items=items)


def _figures(subject: Named, counts: Figures, rates: dict[str, scores.Rate]) -> FiguresOut:
    return FiguresOut(subject=subject, figures=dict(counts), rates=_rates(counts, rates))


def _rates(counts: Figures, rates: dict[str, scores.Rate]) -> dict[str, float | None]:
    told = {code: rate.of(counts) for code, rate in rates.items() if rate.denominator}
    return {code: None if value is None else float(value) for code, value in told.items()}


def _names(kind: str, pks: Collection[int]) -> dict[int, Named]:
    """What to call subjects; 0 is nobody, or the whole city."""
    nobody = Named(id=0, name=_("全市") if kind == "city" else "—")
    found = {row.pk: Named(id=row.pk, code=row.code, name=named(row)) for row in evaluation.named(kind, pks)}
    return {pk: found.get(pk, nobody if pk == CITY else Named(id=pk, name=str(pk))) for pk in pks}


class Run(Said):
    """Whose figures over how many periods."""

    kind: Kind
    subject: KeyOrNone = Field(CITY, description="its id; the city's is 0")
    basis: Basis = Field(Basis.FLOW, description=BASIS)
    span: Span = Span.MONTH
    day: Day | None = Field(None, description="any day of the last period; none: today")
    last: int = Field(12, ge=1, le=60, description="so many periods, this one last")


class PeriodOut(Schema):
    """One period's figures."""

    since: date
    until: date
    figures: dict[str, int]
    rates: dict[str, float | None]


class Series(Schema):
    """A subject's own past, the oldest period first; and the same period a year ago."""

    subject: Named
    items: list[PeriodOut]
    last_year: PeriodOut


@router.get("stats/series", auth=officer(*LOOKERS), response={200: Series, **ANSWERS})
def series(request: Request, run: Query[Run]) -> Series:
    """The trend of one subject: day, week, month, quarter, half-year or year."""
    looked_at(request.auth, run.kind, run.subject)
    seen: dict[str, Any] = {"within": ground(request.auth), "alone": alone(request.auth)}
    this = periods.asked(run.span, run.day)
    rates = evaluation.rates()
    told = [
        PeriodOut(since=each.since, until=each.until, figures=dict(counts), rates=_rates(counts, rates))
        for each, counts in evaluation.trend(
            run.kind, run.subject, run.basis, [*this.past(run.last), this.last_year], **seen
        )
    ]
    return Series(subject=_names(run.kind, [run.subject])[run.subject], items=told[:-1], last_year=told[-1])


class Behind(Days):
    """Which figure: metrics, or the numerator or denominator of an indicator, of one subject."""

    kind: Kind
    subject: KeyOrNone = Field(CITY, description="its id; the city's is 0")
    basis: Basis = Field(Basis.FLOW, description=BASIS)
    metric: list[Code] = Field([], max_length=8)
    indicator: Code = ""
    part: Literal["numerator", "denominator"] = "numerator"
    cursor: Cursor = ""
    limit: int = Field(50, ge=1, le=200)


class CountedOut(Schema):
    """A case behind a figure, and the line of its log that counted."""

    day: date = Field(description="the local day on which it counts")
    metric: str
    exempt: bool = Field(description="overdue, but exempted on appeal: not in what is due, and not gone either")
    id: UUID
    number: str
    category: str
    event: int
    verb: str
    at: datetime
    due_at: datetime | None
    late_s: int = Field(description="how late the work was in the end, or is: in the stage's own clock")
    late_wall_s: int = Field(description="the same on the wall's clock")
    late_still: bool = Field(description="it is late and not done yet")
    department: str
    by: str


class CountedPage(Schema):
    """The newest first; `next` is the cursor of the following page."""

    items: list[CountedOut]
    next: str | None


@router.get("stats/cases", auth=officer(*LOOKERS), response={200: CountedPage, **ANSWERS})
def cases(request: Request, asked: Query[Behind]) -> CountedPage:
    """The cases behind a figure, as far as I may see them. What an appeal exempted is shown."""
    since, until = asked.span()
    looked_at(request.auth, asked.kind, asked.subject)
    seen = ground(request.auth), alone(request.auth)
    figure = behind.Figure(_codes(asked), asked.kind, asked.subject, since, until, asked.basis, *seen)
    after = _read(asked.cursor) if asked.cursor else None
    page, following = behind.behind(figure, request.auth, limit=asked.limit, after=after)
    return CountedPage(items=[_counted(each) for each in page], next=_write(following) if following else None)


def _codes(asked: Behind) -> tuple[str, ...]:
    if asked.indicator:
        rate = evaluation.rates().get(asked.indicator)
        chosen: scores.Sum | None = getattr(rate, asked.part, None)
        if chosen is None:
            raise Refused("indicator_unknown", _("没有指标“%(code)s”。") % {"code": asked.indicator}, field="indicator")
        return tuple(code for sign, code in chosen.parts if sign > 0)
    if not asked.metric or set(asked.metric) - metrics.METRIC.keys():
        codes = _("、").join(sorted(set(asked.metric) - metrics.METRIC.keys()))
        raise Refused("metric_unknown", _("没有统计项：%(codes)s") % {"codes": codes}, field="metric")
    return tuple(dict.fromkeys(asked.metric))


def _counted(each: behind.Counted) -> CountedOut:
    event = each.event
    return CountedOut(
        day=each.day,
        metric=each.metric,
        exempt=each.exempt,
        id=event.case.uuid,
        number=event.case.number,
        category=named(event.case.category),
        event=event.pk,
        verb=event.verb,
        at=event.at,
        due_at=event.due_at,
        late_s=each.late.own_s if each.late else 0,
        late_wall_s=each.late.wall_s if each.late else 0,
        late_still=bool(each.late and each.late.lasting),
        department=named(event.department) if event.department else "",
        by=str(event.by or ""),
    )


def _write(key: behind.Key) -> str:
    return base64.urlsafe_b64encode(json.dumps([key.day.isoformat(), key.event]).encode()).decode()


def _read(cursor: str) -> behind.Key:
    """What was written, and nothing else: a cursor comes back from outside."""
    try:
        day, event = json.loads(base64.urlsafe_b64decode(cursor))
        if type(event) is not int:
            raise ValueError(cursor)
        return behind.Key(date.fromisoformat(day), event)
    except (ValueError, TypeError):
        raise Refused("bad_cursor", _("翻页标记无效，请从第一页重新开始。"), field="cursor") from None
