"""A ranking as a page shows it: live or as published, each figure beside the subject's own past."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict

from cases import evaluation, looking, periods, scores
from cases.evaluation import Standing
from cases.looking import Sight
from cases.models import Basis, Indicator, Publication, Result, Scheme
from cases.periods import Period, Span
from grid.models import Officer
from grid.moment import today
from grid.roles import CENTRE, DEPARTMENT
from grid.words import named

Values = Mapping[str, Fraction | None]


@dataclass(frozen=True)
class Chosen:
    """What the address asks for. What it does not say, or says wrongly, is what most people want."""

    schemes: list[Scheme]
    scheme: Scheme
    period: Period
    basis: str

    @property
    def query(self) -> str:
        return self.at(self.period)

    def at(self, period: Period) -> str:
        """The same of another period, as the end of an address."""
        said = {"scheme": self.scheme.code, "span": period.span, "day": period.since, "basis": self.basis}
        return urlencode(said)

    @property
    def before(self) -> str:
        return self.at(self.period.before)

    @property
    def next(self) -> str:
        """Empty where it has not begun."""
        following = self.period.next
        return self.at(following) if following.since <= today() else ""

    @property
    def over(self) -> bool:
        return self.period.until < today()


def places(by: Officer) -> dict[str, bool]:
    """Which of the pages of the scores are for him."""
    return {"may_try": by.holds(*CENTRE), "may_read": by.holds(*CENTRE, *DEPARTMENT)}


def chosen(said: QueryDict, by: Officer) -> Chosen | None:
    """None where there is no scheme that he may look at."""
    span = said.get("span") if said.get("span") in Span.values else Span.MONTH
    period = periods.of(str(span), _day(said.get("day", "")))
    schemes = _schemes(period.until, by)
    if not schemes:
        return None
    scheme = next((row for row in schemes if row.code == said.get("scheme")), schemes[0])
    basis = said.get("basis") if said.get("basis") in Basis.values else scheme.basis
    return Chosen(schemes, scheme, period, str(basis))


def _day(said: str) -> date:
    try:
        day = date.fromisoformat(said)
    except ValueError:
        return today()
    return day if 2000 <= day.year <= 2100 else today()


def _schemes(day: date, by: Officer) -> list[Scheme]:
    """The version of each that is valid on a day: of streets first; of posts all for the centre, else one's own."""
    found: dict[str, Scheme] = {}
    for row in Scheme.objects.filter(valid_from__lte=day).order_by("valid_from", "version"):
        if row.kind not in Scheme.POSTS or by.holds(*CENTRE) or row.kind in by.roles:
            found[row.code] = row
    first = (Scheme.Kind.STREET, Scheme.Kind.DEPARTMENT, Scheme.Kind.DISTRICT, Scheme.Kind.COMMUNITY)
    rest = [kind for kind in Scheme.Kind.values if kind not in first]
    order = {str(kind): n for n, kind in enumerate((*first, *rest))}
    return sorted(found.values(), key=lambda row: (order[row.kind], row.code))


@dataclass(frozen=True)
class Cell:
    """What one indicator gave a subject. `change`: by how much it is more than in the period before."""

    code: str
    value: Fraction | None
    points: Fraction | None
    weight: Fraction
    before: Fraction | None

    @property
    def change(self) -> Fraction | None:
        return None if self.value is None or self.before is None else self.value - self.before


@dataclass(frozen=True)
class Row:
    """One subject's line. `own`: its details are for this reader to see."""

    pk: int
    code: str
    name: str
    rank: int | None
    points: Fraction | None
    grade: str
    before: Fraction | None
    last_year: Fraction | None
    cells: Sequence[Cell]
    own: bool

    @property
    def change(self) -> Fraction | None:
        return None if self.points is None or self.before is None else self.points - self.before


@dataclass(frozen=True)
class Head:
    """A column: an indicator with its weight in percent."""

    row: Indicator
    weight: str
    higher: bool
    counts: bool


@dataclass(frozen=True)
class Ranking:
    """All of it. `publication` is what it shows, None: live; `latest` what was published of this period."""

    heads: Sequence[Head]
    rows: Sequence[Row]
    grades: Sequence[tuple[str, str]]
    publication: Publication | None = None
    revisions: Sequence[Publication] = field(default_factory=tuple)


def ranking(asked: Chosen, by: Officer, said: QueryDict) -> Ranking:
    """The period as it was published, unless the live one is asked for or nothing was."""
    revisions = _revisions(asked)
    wanted = next((row for row in revisions if str(row.revision) == said.get("revision")), None)
    shown = None if "live" in said else wanted or (revisions[0] if revisions else None)
    sight, within = looking.sight(by, asked.scheme.kind, published=shown is not None), looking.ground(by)
    past = _pasts(asked, within)
    told = _frozen(shown, past, sight) if shown else _live(asked, past, sight, within)
    rows = [row for row in told if sight.line(row.pk)]
    document = shown.said if shown else asked.scheme.said
    grades = [(str(letter), str(low)) for letter, low, _colour in document["grades"]]
    return Ranking(_heads(document), _sorted(rows, said.get("sort", "")), grades, shown, revisions)


def _revisions(asked: Chosen) -> list[Publication]:
    if asked.basis != asked.scheme.basis:
        return []
    rows = Publication.objects.filter(code=asked.scheme.code, span=asked.period.span, since=asked.period.since)
    return list(rows.select_related("by", "scheme").order_by("-revision"))


def _heads(document: Mapping[str, Any]) -> list[Head]:
    known = {row.code: row for row in Indicator.objects.all()}
    formulas = document.get("indicators", {})
    heads = []
    for item in document["items"]:
        code = item["indicator"]
        formula = formulas.get(code, {})
        row = known.get(code) or Indicator(code=code, name=code, name_en=code, numerator=formula.get("numerator", ""))
        below = formula.get("denominator", row.denominator)
        heads.append(Head(row, str(item["weight"]), formula.get("better", row.better) == "higher", not below))
    return heads


@dataclass(frozen=True)
class Past:
    """The same subjects in the period before and a year ago, by primary key."""

    before: Mapping[int, Standing]
    last_year: Mapping[int, Standing]

    def values(self, pk: int) -> Values:
        row = self.before.get(pk)
        return {line.item.rate.code: line.value for line in row.score.lines} if row and row.score.points else {}


def standings(asked: Chosen, period: Period, within: str) -> list[Standing]:
    """Live, counted by the basis that is asked for, on a ground."""
    scheme = asked.scheme
    if asked.basis != scheme.basis:
        scheme = Scheme(kind=scheme.kind, code=scheme.code, said=scheme.said, basis=asked.basis)
    return evaluation.standings(scheme, period.since, period.until, within=within)


def _pasts(asked: Chosen, within: str) -> Past:
    period = asked.period
    before, last_year = (
        {row.subject.pk: row for row in standings(asked, each, within)} for each in (period.before, period.last_year)
    )
    return Past(before, last_year)


def _row(past: Past, sight: Sight, pk: int, cells: Callable[[Values], list[Cell]], **said: Any) -> Row:
    mine = sight.details(pk)  # its past is live too
    before, last_year = (past.before.get(pk), past.last_year.get(pk)) if mine else (None, None)
    return Row(
        pk=pk,
        before=before.score.points if before else None,
        last_year=last_year.score.points if last_year else None,
        cells=cells(past.values(pk)) if mine else [],
        own=mine,
        **said,
    )


def _live(asked: Chosen, past: Past, sight: Sight, within: str) -> list[Row]:
    def cells(row: Standing) -> Callable[[Values], list[Cell]]:
        return lambda values: [
            Cell(line.item.rate.code, line.value, line.points, line.weight, values.get(line.item.rate.code))
            for line in row.score.lines
        ]

    return [
        _row(
            past,
            sight,
            row.subject.pk,
            cells(row),
            code=row.subject.code,
            name=named(row.subject),
            rank=row.rank,
            points=row.score.points,
            grade=row.score.grade.letter if row.score.grade else "",
        )
        for row in standings(asked, asked.period, within)
    ]


def _frozen(shown: Publication, past: Past, sight: Sight) -> list[Row]:
    def cells(row: Result) -> Callable[[Values], list[Cell]]:
        return lambda values: [
            Cell(
                line["indicator"],
                _exact(line["value"]),
                _exact(line["points"]),
                Fraction(line["weight"]),
                values.get(line["indicator"]),
            )
            for line in row.lines
        ]

    return [
        _row(
            past,
            sight,
            row.subject,
            cells(row),
            code=row.code,
            name=named(row),
            rank=row.rank,
            points=row.exact,
            grade=row.grade,
        )
        for row in shown.results.order_by("rank", "code")
    ]


def _exact(said: str | None) -> Fraction | None:
    return None if said is None else Fraction(said)


def _sorted(rows: list[Row], by: str) -> list[Row]:
    """By a column, the greatest first, with "-" the least; who has nothing there stands at the end."""
    down, column = by.startswith("-"), by.removeprefix("-")
    if column == "name":
        return sorted(rows, key=lambda row: row.code, reverse=down)
    keys: dict[str, Callable[[Row], Fraction | None]] = {
        "points": lambda row: row.points,
        "change": lambda row: row.change,
        "before": lambda row: row.before,
        "last_year": lambda row: row.last_year,
    }

    def value(row: Row) -> Fraction | None:
        if column in keys:
            return keys[column](row)
        return next((cell.value for cell in row.cells if cell.code == column), None)

    some = [row for row in rows if value(row) is not None]
    if not some:
        return rows
    some.sort(key=lambda row: value(row) or Fraction(0), reverse=not down)
    return some + [row for row in rows if value(row) is None]


@dataclass(frozen=True)
class Then:
    """One period of a subject's own past."""

    period: Period
    score: scores.Score


def trend(asked: Chosen, subject: int, by: Officer, last: int = 12) -> list[Then]:
    """A subject's last periods, the oldest first, judged by the scheme as it is now, on the reader's ground."""
    plan = evaluation.plan_of(asked.scheme)
    region = "".join(row.region_class for row in evaluation.named(asked.scheme.kind, [subject]))
    past, within = asked.period.past(last), looking.ground(by)
    told = evaluation.trend(asked.scheme.kind, subject, asked.basis, past, within=within)
    return [Then(period, plan.score(counts, region)) for period, counts in told]


def beside(asked: Chosen, said: Mapping[str, Any], by: Officer) -> list[tuple[Standing, Standing]]:
    """Each subject that is his to see as it is, and as it would be under other items or grades. Raises Refused."""
    days = asked.period.since, asked.period.until
    within, own = looking.ground(by), looking.seen(by, asked.scheme.kind)
    now = evaluation.standings(asked.scheme, *days, within=within)
    plan = evaluation.plan_of(asked.scheme, said)
    then = {row.subject.pk: row for row in evaluation.standings(asked.scheme, *days, plan, within=within)}
    return [(row, then[row.subject.pk]) for row in now if own is None or row.subject.pk in own]
