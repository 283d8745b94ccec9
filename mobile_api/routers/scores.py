"""Who stands where by a scheme, what is published, and what would be."""

from __future__ import annotations

from datetime import date, datetime
from fractions import Fraction
from typing import Annotated, Any

from ninja import Query, Router, Schema, Status
from pydantic import Field

from cases import evaluation, periods, scores
from cases.evaluation import Standing
from cases.indicators import Figures
from cases.looking import LOOKERS, PUBLISHERS, ground, sight
from cases.models import Publication, Result, Scheme
from cases.periods import Period, Span
from grid.roles import CENTRE
from grid.words import named

from ..auth import Request, officer
from ..problems import Problem
from ..schemas import Named, Said
from ..vocabulary import Code, Count, Day, Figure, Key, Line

router = Router(tags=["stats"])

ANSWERS = {401: Problem, 403: Problem, 404: Problem, 422: Problem}
MOST = 5000


class SchemeOut(Schema):
    """评分方案: one version of a scheme."""

    code: str
    version: int
    name: str
    kind: str
    basis: str
    valid_from: date
    items: list[dict[str, Any]] = Field(description="indicator, weight in percent; bands of a count")
    grades: list[Any] = Field(description="letter, lowest points, colour; from the best downward")


@router.get("stats/schemes", auth=officer(*LOOKERS), response={200: list[SchemeOut], **ANSWERS})
def schemes(request: Request) -> list[SchemeOut]:
    """Every version of every scheme, the newest first."""
    return [_scheme(row) for row in Scheme.objects.all()]


def _scheme(row: Scheme) -> SchemeOut:
    return SchemeOut(
        code=row.code,
        version=row.version,
        name=named(row),
        kind=row.kind,
        basis=row.basis,
        valid_from=row.valid_from,
        items=row.said["items"],
        grades=row.said["grades"],
    )


class PeriodIn(Said):
    """Which scheme, and which period of what length."""

    scheme: Code = Field(examples=["department"])
    span: Span = Span.MONTH
    day: Day | None = Field(None, description="any day of the period; none: today")

    @property
    def period(self) -> Period:
        return periods.asked(self.span, self.day)

    def chosen(self) -> Scheme:
        """The version valid on the period's last day. Raises Scheme.DoesNotExist."""
        return evaluation.in_force(self.scheme, self.period.until)


class Part(Said):
    """Which lines of a ranking."""

    limit: int = Field(500, ge=1, le=MOST)
    offset: Count = 0


class Ranking(PeriodIn, Part):
    """A part of a ranking."""


class LineOut(Schema):
    """What one indicator gave. Not applicable: value and points are null, and its weight is shared by the others."""

    indicator: str
    value: float | None
    points: float | None
    weight: float = Field(description="in the end, in percent")


class StandingOut(Schema):
    """One subject's score and place. Its own past stands beside it."""

    subject: Named
    points: float | None = Field(description="rounded to two digits; null where there was nothing to rate")
    grade: str = Field(description="by the unrounded points")
    colour: str
    rank: int | None = Field(description="shared by those with the same score")
    before: float | None = Field(description="its points in the period before")
    last_year: float | None = Field(description="and in the same period a year ago")
    lines: list[LineOut]
    figures: dict[str, int]


class Standings(Schema):
    """A ranking, live: it changes with late closures and appeals until it is published."""

    scheme: SchemeOut
    since: date
    until: date
    total: int
    items: list[StandingOut]


@router.get("stats/scores", auth=officer(*LOOKERS), response={200: Standings, **ANSWERS})
def standings(request: Request, asked: Query[Ranking]) -> Standings:
    """The ranking of a scheme as it stands now, of those whose figures are mine to see: all of my area or the city for
    the centre, a department its own line, people of a post theirs. What is published is for all."""
    scheme, period = asked.chosen(), asked.period
    plan, within = evaluation.plan_of(scheme), ground(request.auth)
    live = evaluation.standings(scheme, period.since, period.until, plan, within=within)
    mine = sight(request.auth, scheme.kind, published=False)
    rows = [row for row in live if mine.line(row.subject.pk)]
    some = rows[asked.offset : asked.offset + asked.limit]
    only = [row.subject.pk for row in some]
    before, last_year = (
        evaluation.scored(scheme, past.since, past.until, only, plan, within=within)
        for past in (period.before, period.last_year)
    )
    items = [_standing(row, before.get(row.subject.pk), last_year.get(row.subject.pk)) for row in some]
    return Standings(scheme=_scheme(scheme), since=period.since, until=period.until, total=len(rows), items=items)


def _standing(row: Standing, before: scores.Score | None, last_year: scores.Score | None) -> StandingOut:
    return StandingOut(
        subject=Named(id=row.subject.pk, code=row.subject.code, name=named(row.subject)),
        points=_shown(row.score.points),
        grade=row.score.letter,
        colour=row.score.grade.colour if row.score.grade else "",
        rank=row.rank,
        before=_shown(before.points if before else None),
        last_year=_shown(last_year.points if last_year else None),
        lines=[_line(line) for line in row.score.lines],
        figures=dict(row.figures),
    )


def _line(line: scores.Line) -> LineOut:
    return LineOut(
        indicator=line.item.rate.code,
        value=None if line.value is None else float(line.value),
        points=_shown(line.points),
        weight=scores.shown(line.weight),
    )


def _shown(points: Fraction | None) -> float | None:
    return None if points is None else scores.shown(points)


Scalar = Figure | Code | None
Row = Annotated[list[Scalar], Field(max_length=3)]
Table = Annotated[list[Row], Field(max_length=200)]
Item = Annotated[dict[Code, Scalar | Table | Annotated[dict[Code, Table], Field(max_length=50)]], Field(max_length=3)]
"""As a scheme's document has it: indicator, weight and bands, these by region class where there are several tables."""


class WhatIf(PeriodIn):
    """A past period under other items or grades, as a scheme writes them; what is not said stays."""

    items: list[Item] | None = Field(None, max_length=50)
    grades: list[Row] | None = Field(None, max_length=20)


class Change(Schema):
    """A subject as it is and as it would be."""

    subject: Named
    points: float | None
    grade: str
    rank: int | None
    points_if: float | None
    grade_if: str
    rank_if: int | None


@router.post("stats/scores/what-if", auth=officer(*CENTRE), response={200: list[Change], **ANSWERS})
def what_if(request: Request, body: WhatIf) -> list[Change]:
    """What other weights, bands or grades would make of a period (试算), side by side. Nothing is written."""
    said = body.model_dump(include={"items", "grades"}, exclude_none=True)
    return [change(*pair) for pair in evaluation.beside(body.chosen(), body.period, said, request.auth)]


def change(row: Standing, then: Standing) -> Change:
    return Change(
        subject=Named(id=row.subject.pk, code=row.subject.code, name=named(row.subject)),
        points=_shown(row.score.points),
        grade=row.score.letter,
        rank=row.rank,
        points_if=_shown(then.score.points),
        grade_if=then.score.letter,
        rank_if=then.rank,
    )


class Publish(PeriodIn):
    """Freeze a period that is over."""

    reason: Line = Field("", description="why it is issued again; needed for a revision")


class ResultOut(Schema):
    """One subject's published line."""

    subject: Named
    points: float | None
    grade: str
    rank: int | None
    lines: list[LineOut] = Field(description="empty where the details are not mine to see")
    figures: dict[str, int]


class PublicationOut(Schema):
    """发布: which period, by which version, who, when; from the second issue on, why."""

    id: int
    scheme: str
    version: int
    span: Span
    since: date
    until: date
    revision: int = Field(description="0 is the first issue")
    reason: str
    by: str
    at: datetime


class Drifted(Schema):
    """A line that would be different today: a late closure, an appeal, a void case."""

    subject: Named
    points: float | None
    grade: str
    points_now: float | None
    grade_now: str
    figures_now: dict[str, int] = Field(description="counts that differ, as they are now")


class Published(PublicationOut):
    """A publication with some of its lines, and what has changed of these since."""

    said: dict[str, Any] = Field(description="the scheme and its formulas, as they were")
    total: int = Field(description="so many lines are mine to see")
    results: list[ResultOut]
    changed: list[Drifted]


@router.get("stats/publications", auth=officer(*LOOKERS), response={200: list[PublicationOut], **ANSWERS})
def publications(request: Request, scheme: Code = "") -> list[PublicationOut]:
    """What has been published, the newest period first, each revision by itself."""
    rows = Publication.objects.select_related("by", "scheme").order_by("-since", "code", "-revision")
    return [_publication(row) for row in (rows.filter(code=scheme) if scheme else rows)[:MOST]]


@router.post("stats/publications", auth=officer(*PUBLISHERS), response={201: PublicationOut, 409: Problem, **ANSWERS})
def publish(request: Request, body: Publish) -> Status[PublicationOut]:
    """Publish a period that is over. What is published is never changed; the same period again is a revision, with
    its reason."""
    made = evaluation.publish(body.chosen(), body.period, request.auth, body.reason)
    return Status(201, _publication(made))


def _publication(row: Publication) -> PublicationOut:
    return PublicationOut(**_told(row))


def _told(row: Publication) -> dict[str, Any]:
    fields = ("id", "span", "since", "until", "revision", "reason", "at")
    return {name: getattr(row, name) for name in fields} | {
        "scheme": row.code,
        "version": row.said["version"],
        "by": str(row.by),
    }


@router.get("stats/publications/{id}", auth=officer(*LOOKERS), response={200: Published, **ANSWERS})
def publication(request: Request, id: Key, part: Query[Part]) -> Published:
    """One publication, and what has changed since. Regions and departments are ranked for all to see, with details
    for those whose they are; people of a post see their own line, the centre those of its area or the city."""
    row = Publication.objects.select_related("by", "scheme").get(pk=id)
    mine = sight(request.auth, row.said["kind"], published=True)
    lines = row.results.all() if mine.lines is None else row.results.filter(subject__in=mine.lines)
    some = list(lines.order_by("rank", "code")[part.offset : part.offset + part.limit])
    details = [result for result in some if mine.details(result.subject)]
    return Published(
        **_told(row),
        said=row.said,
        total=lines.count(),
        results=[_result(result, mine.details(result.subject)) for result in some],
        changed=[_drifted(each) for each in evaluation.drift(row, details)],
    )


def _result(row: Result, detail: bool) -> ResultOut:
    return ResultOut(
        subject=Named(id=row.subject, code=row.code, name=named(row)),
        points=_shown(row.exact),
        grade=row.grade,
        rank=row.rank,
        lines=[_frozen(line) for line in row.lines] if detail else [],
        figures=row.figures if detail else {},
    )


def _frozen(line: dict[str, str | None]) -> LineOut:
    value, points = (Fraction(said) if (said := line[name]) is not None else None for name in ("value", "points"))
    return LineOut(
        indicator=line["indicator"] or "",
        value=None if value is None else float(value),
        points=_shown(points),
        weight=scores.shown(Fraction(line["weight"] or 0)),
    )


def _drifted(each: evaluation.Drift) -> Drifted:
    live = each.live
    now = live.figures if live else Figures()
    then = each.result.figures
    return Drifted(
        subject=Named(id=each.result.subject, code=each.result.code, name=named(each.result)),
        points=_shown(each.result.exact),
        grade=each.result.grade,
        points_now=_shown(live.score.points) if live else None,
        grade_now=live.score.letter if live else "",
        figures_now={code: now[code] for code in {*now, *then} if now[code] != then.get(code, 0)},
    )
