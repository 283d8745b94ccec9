"""A ranking as a page shows it: live or as published, each figure beside the subject's own past."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from fractions import Fraction
from functools import reduce
from operator import or_
from typing import Any, overload
from urllib.parse import urlencode

from django.db.models import Q
from django.http import QueryDict

from cases import evaluation, looking, periods
from cases.flow import Refused
from cases.looking import LOOKERS, Sight
from cases.models import Basis, Indicator, Publication, Scheme, Total
from cases.periods import Period, Span
from cases.scores import Score
from grid import vocabulary
from grid.models import Officer
from grid.moment import today
from grid.roles import CENTRE, DEPARTMENT

from .lines import Frozen, Line, Live, Source


@dataclass(frozen=True)
class Chosen:
    """What the address asks for. What it does not say, or says wrongly, is what most people want."""

    schemes: list[Scheme]
    scheme: Scheme
    period: Period
    basis: str
    instead_of: Period | None = None  # the present one, where nothing is said and nothing has happened in it yet

    @property
    def present(self) -> str:
        """The present period, as the end of an address."""
        return self.at(self.instead_of or self.period)

    @property
    def counted(self) -> Scheme:
        """The scheme, counted by the basis that is asked for."""
        return self.scheme.counted(self.basis)

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
    return {
        "may_rank": by.holds(*LOOKERS),
        "may_try": by.holds(*CENTRE),
        "may_read": by.holds(*CENTRE, *DEPARTMENT),
    }


def chosen(said: QueryDict, by: Officer) -> Chosen | None:
    """None where there is no scheme that he may look at. Where no day is said, the present period; as long as there is
    nothing in it that the scheme rates, the last one that has something. Outside of the centre, what was published last
    of what one may see, if anything was."""
    day, terms = _day(said.get("day", "")), {name: str(said[name]) for name in said}
    asked = _on(day or today(), terms, by)
    if day or asked is None:
        return asked
    if not by.holds(*CENTRE):
        scheme, issued = _for_reader(asked, terms, by)
        terms["scheme"] = scheme.code
        asked = _on(issued or today(), terms, by) or asked
        if issued:
            return asked
    last = _last_day(asked)
    if last is None or last >= asked.period.since:
        return asked
    before = _on(last, terms, by)
    return replace(before, instead_of=asked.period) if before else asked


def _for_reader(asked: Chosen, said: Mapping[str, str], by: Officer) -> tuple[Scheme, date | None]:
    """The scheme that is said, else the first of which something published, or else something live, is for him; when
    its last published period ended."""
    schemes = [asked.scheme] if asked.scheme.code == said.get("scheme") else asked.schemes
    rows = Publication.objects.filter(span=asked.period.span).order_by("until")
    issued = dict(rows.values_list("code", "until"))
    for scheme in schemes:
        if scheme.code in issued and _something(by, scheme, published=True):
            return scheme, issued[scheme.code]
    live = (scheme for scheme in schemes if _something(by, scheme, published=False))
    return next(live, asked.scheme), None


def _something(by: Officer, scheme: Scheme, *, published: bool) -> bool:
    lines = looking.sight(by, scheme.kind, published=published).lines
    return lines is None or bool(lines)


def _last_day(asked: Chosen) -> date | None:
    """On which something was counted last that the scheme rates."""
    try:
        rated = [Q(**{f"{code}__gt": 0}) for code in evaluation.plan_of(asked.scheme).codes]
    except Refused:  # the page says so, of any period
        return None
    counted = Total.objects.filter(reduce(or_, rated), kind=Total.Kind.AREA, basis=asked.basis)
    return counted.filter(day__lte=asked.period.until).order_by("-day").values_list("day", flat=True).first()


def _on(day: date, said: Mapping[str, str], by: Officer) -> Chosen | None:
    span = said.get("span") if said.get("span") in Span.values else Span.MONTH
    period = periods.of(str(span), day)
    schemes = _schemes(period.until, by)
    if not schemes:
        return None
    scheme = next((row for row in schemes if row.code == said.get("scheme")), schemes[0])
    basis = said.get("basis") if said.get("basis") in Basis.values else scheme.basis
    return Chosen(schemes, scheme, period, str(basis))


def _day(said: str) -> date | None:
    day = vocabulary.day(said)
    return day if day and 2000 <= day.year <= 2100 else None


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


class Rows(Sequence[Row]):
    """Lines in their order. What stands in a line is put together for those that are looked at: a page of 40,000."""

    def __init__(self, order: Sequence[int], told: Callable[[Sequence[int]], list[Row]]):
        self.order, self.told = order, told

    def __len__(self) -> int:
        return len(self.order)

    @overload
    def __getitem__(self, at: int) -> Row: ...
    @overload
    def __getitem__(self, at: slice) -> list[Row]: ...
    def __getitem__(self, at: int | slice) -> Row | list[Row]:
        return self.told(self.order[at]) if isinstance(at, slice) else self.told([self.order[at]])[0]


@dataclass(frozen=True)
class Ranking:
    """All of it. `publication` is what it shows, None: live; `latest` what was published of this period."""

    heads: Sequence[Head]
    rows: Sequence[Row]
    grades: Sequence[tuple[str, str]]
    colours: Mapping[str, str]
    publication: Publication | None = None
    revisions: Sequence[Publication] = field(default_factory=tuple)


def ranking(asked: Chosen, by: Officer, said: QueryDict) -> Ranking:
    """The period as it was published, unless the live one is asked for or nothing was."""
    revisions = _revisions(asked)
    wanted = next((row for row in revisions if str(row.revision) == said.get("revision")), None)
    shown = None if "live" in said else wanted or (revisions[0] if revisions else None)
    sight, within = looking.sight(by, asked.scheme.kind, published=shown is not None), looking.ground(by)
    source: Source = Frozen(shown) if shown else Live(asked.counted, asked.period, within)
    past = Past(asked, within)

    def told(subjects: Sequence[int]) -> list[Row]:
        return _rows(source.lines(subjects), past, sight)

    order = _sorted([pk for pk in source.order if sight.line(pk)], source, past, sight, said.get("sort", ""))
    document = shown.said if shown else asked.scheme.said
    grades, colours = [(str(letter), str(low)) for letter, low, _colour in document["grades"]], coloured(document)
    return Ranking(_heads(document), Rows(order, told), grades, colours, shown, revisions)


def coloured(document: Mapping[str, Any]) -> dict[str, str]:
    """The colour of each grade, as a scheme says it."""
    return {str(letter): str(colour) for letter, _low, colour in document["grades"]}


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


class Past:
    """The same subjects in the period before and a year ago, asked for those that are looked at alone."""

    def __init__(self, asked: Chosen, within: str):
        self.asked, self.within = asked, within

    def before(self, subjects: Sequence[int]) -> Mapping[int, Score]:
        return self._scored(self.asked.period.before, subjects)

    def last_year(self, subjects: Sequence[int]) -> Mapping[int, Score]:
        return self._scored(self.asked.period.last_year, subjects)

    def _scored(self, period: Period, subjects: Sequence[int]) -> Mapping[int, Score]:
        if not subjects:
            return {}
        return evaluation.scored(self.asked.counted, period.since, period.until, subjects, within=self.within)


def _rows(lines: Sequence[Line], past: Past, sight: Sight) -> list[Row]:
    """Some lines, each beside its own past; who does not see of what one is made, does not see its past either."""
    own = [line.pk for line in lines if sight.details(line.pk)]
    before, last_year = past.before(own), past.last_year(own)
    return [
        Row(
            pk=line.pk,
            code=line.code,
            name=line.name,
            rank=line.rank,
            points=line.points,
            grade=line.grade,
            before=before[line.pk].points if line.pk in before else None,
            last_year=last_year[line.pk].points if line.pk in last_year else None,
            cells=[Cell(*item, _then(before.get(line.pk), item[0])) for item in line.items] if line.pk in own else [],
            own=line.pk in own,
        )
        for line in lines
    ]


def _then(before: Score | None, indicator: str) -> Fraction | None:
    return before.value(indicator) if before and before.points is not None else None


def _sorted(order: list[int], source: Source, past: Past, sight: Sight, by: str) -> list[int]:
    """By a column, the greatest first, with "-" the least; who has nothing there stands at the end."""
    down, column = by.startswith("-"), by.removeprefix("-")
    if column == "name":
        codes = source.codes()
        return sorted(order, key=lambda pk: codes[pk], reverse=down)
    own = [pk for pk in order if sight.details(pk)]
    keys: dict[str, Callable[[], Mapping[int, Fraction | None]]] = {
        "points": source.points,
        "change": lambda: _changes(source.points(), past.before(own)),
        "before": lambda: {pk: score.points for pk, score in past.before(own).items()},
        "last_year": lambda: {pk: score.points for pk, score in past.last_year(own).items()},
    }
    if not column:
        return order
    found = keys[column]() if column in keys else _among(own, source.values(column))
    some = {pk: value for pk in order if (value := found.get(pk)) is not None}
    return sorted(some, key=lambda pk: some[pk], reverse=not down) + [pk for pk in order if pk not in some]


def _among(subjects: Sequence[int], values: Mapping[int, Fraction | None]) -> Mapping[int, Fraction | None]:
    return {pk: values.get(pk) for pk in subjects}


def _changes(now: Mapping[int, Fraction | None], before: Mapping[int, Score]) -> Mapping[int, Fraction | None]:
    return {
        pk: points - then
        for pk, points in now.items()
        if points is not None and pk in before and (then := before[pk].points) is not None
    }


@dataclass(frozen=True)
class Then:
    """One period of a subject's own past."""

    period: Period
    score: Score


def trend(asked: Chosen, subject: int, by: Officer, last: int = 12) -> list[Then]:
    """A subject's last periods, the oldest first, judged by the scheme as it is now, on the reader's ground."""
    plan = evaluation.plan_of(asked.scheme)
    region = "".join(row.region_class for row in evaluation.named(asked.scheme.kind, [subject]))
    past, within = asked.period.past(last), looking.ground(by)
    told = evaluation.trend(asked.scheme.kind, subject, asked.basis, past, within=within)
    return [Then(period, plan.score(counts, region)) for period, counts in told]
