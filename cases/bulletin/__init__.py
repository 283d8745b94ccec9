"""月报: a month of the city as one value, live or as it was issued.

compose()  the month counted now, from totals alone
issue()    the same, frozen; again only as a revision with its reason
read()     what was issued last, or a revision; else the month as it is now, a draft

The value holds both languages and no cases: which of these a reader may see, `overdue.listed()` says when he reads.
What is issued is compared with what was issued: a month or a ranking before it that is published stands as published.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from fractions import Fraction
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from grid.models import Officer
from grid.moment import now, today
from grid.roles import CENTRE, DEPARTMENT

from .. import evaluation, indicators, looking, periods, scores
from ..flow import Refused
from ..indicators import CITY, Figures
from ..models import Basis, Issue, Publication, Scheme
from ..periods import Period, Span
from . import overdue

CODES = (
    "reports",
    "filed",
    "dispatched",
    "finished",
    "on_time",
    "overdue",
    "exempt",
    "rework",
    "closed",
    "closed_on_time",
    "unclosed",
    "self_handled",
    "void",
    "supervised",
    *("contacts_due", "contacted", "called_back", "solved", "satisfied"),
)
JUDGED = (Scheme.Kind.STREET, Scheme.Kind.DEPARTMENT)  # whose rankings a bulletin tells
RUN = 12  # months of the city's own past
CLASSES = 10
ISSUING = 0x9B12  # the advisory lock of whoever issues


@dataclass(frozen=True)
class Line:
    """A subject's counts in the month, the month before and the same month a year ago."""

    code: str
    name: str
    name_en: str
    now: Figures
    before: Figures
    last_year: Figures


@dataclass(frozen=True)
class Place:
    """A subject's place in a ranking. Points are rounded to two digits; None: nothing to rate."""

    code: str
    name: str
    name_en: str
    rank: int | None
    points: float | None
    grade: str
    before: float | None


@dataclass(frozen=True)
class Ranking:
    """By which scheme, with its grades from the best downward: letter and colour; `revision` of its publication, None
    where the month's scores are not published."""

    name: str
    name_en: str
    kind: str
    revision: int | None
    places: tuple[Place, ...]
    grades: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Bulletin:
    """Everything that a month's bulletin tells. `run`: the city's months, the oldest first; `risen`: the class that was
    filed more often than before by most, of all classes."""

    month: str
    city: Line
    run: tuple[tuple[str, Figures], ...]
    streets: tuple[Line, ...]
    departments: tuple[Line, ...]
    classes: tuple[Line, ...]
    communities: Mapping[str, int]  # code → filed
    rankings: tuple[Ranking, ...]
    risen: Line | None = None

    @property
    def period(self) -> Period:
        return period_of(self.month)


@dataclass(frozen=True)
class Reading:
    """A bulletin, and which issue of it: None is a draft."""

    bulletin: Bulletin
    issue: Issue | None


def period_of(month: str) -> Period:
    """Of "2026-10". Raises ValueError."""
    year, _dash, number = month.partition("-")
    if len(month) != 7 or not 2000 <= int(year) <= 2100:
        raise ValueError(month)
    return periods.of(Span.MONTH, date(int(year), int(number), 1))


def compose(month: str) -> Bulletin:
    """The month as it is counted now. Raises ValueError."""
    period = period_of(month)
    past = period.past(RUN)
    issued = _issued([*(each.since for each in past[:-1]), period.last_year.since])
    classes = sorted(_lines("category", period, issued), key=lambda line: (-line.now["filed"], line.code))
    return Bulletin(
        month=month,
        city=next(iter(_lines("city", period, issued)), Line("", "", "", Figures(), Figures(), Figures())),
        run=tuple(
            (f"{each.since:%Y-%m}", issued[each.since].city.now if each.since in issued else _told(counts))
            for each, counts in evaluation.trend("city", CITY, Basis.FLOW, past)
        ),
        streets=tuple(_lines("street", period, issued)),
        departments=tuple(_lines("department", period, issued, tree=False)),
        classes=tuple(classes[:CLASSES]),
        communities=_communities(period),
        rankings=tuple(found for kind in JUDGED for found in _ranking(kind, period)),
        risen=max(classes, key=lambda line: line.now["filed"] - line.before["filed"], default=None),
    )


def _issued(months: Collection[date]) -> dict[date, Bulletin]:
    """The bulletins of some months as they were issued last, by the first of the month."""
    rows = Issue.objects.filter(since__in=months).order_by("revision")
    return {row.since: thaw(row.said) for row in rows}


def _told(counts: Mapping[str, int]) -> Figures:
    return Figures({code: counts[code] for code in CODES if counts.get(code)})


def _lines(kind: str, period: Period, issued: Mapping[date, Bulletin], *, tree: bool = True) -> list[Line]:
    """Every subject with anything in one of the three months, by code; what was issued of the two before, as it was."""
    now_, before, last_year = (
        indicators.figures(kind, each.since, each.until, codes=CODES, tree=tree)
        for each in (period, period.before, period.last_year)
    )
    pks = {pk for pk in {*now_, *before, *last_year} if pk or kind == "city"}
    nothing = Figures()
    if kind == "city":
        named = {CITY: ("", "", "")}
    else:
        named = {row.pk: (row.code, row.name, row.name_en) for row in evaluation.named(kind, pks)}
    earlier = [_of_issue(kind, issued.get(each.since)) for each in (period.before, period.last_year)]
    lines = [
        Line(
            *named[pk],
            Figures(now_.get(pk, nothing)),
            *(
                Figures(told.get(named[pk][0], live.get(pk, nothing)))
                for told, live in zip(earlier, (before, last_year), strict=True)
            ),
        )
        for pk in pks
        if pk in named
    ]
    return sorted(lines, key=lambda line: line.code)


def _of_issue(kind: str, issued: Bulletin | None) -> dict[str, Figures]:
    """The figures of the subjects of a kind as they were issued, by code."""
    if issued is None:
        return {}
    held = {
        "city": (issued.city,),
        "street": issued.streets,
        "department": issued.departments,
        "category": issued.classes,
    }
    return {line.code: line.now for line in held[kind]}


def _communities(period: Period) -> dict[str, int]:
    found = indicators.figures("community", period.since, period.until, codes=("filed",))
    return {row.code: found[row.pk]["filed"] for row in evaluation.named("community", found.keys())}


def _ranking(kind: str, period: Period) -> list[Ranking]:
    """As it was published last, else as it stands: of the scheme that is valid on the last day."""
    scheme = Scheme.objects.filter(kind=kind, valid_from__lte=period.until).order_by("valid_from", "version").last()
    if scheme is None:
        return []
    months = (period.since, period.before.since)
    rows = Publication.objects.filter(code=scheme.code, span=Span.MONTH, since__in=months).order_by("revision")
    last = {row.since: row for row in rows}
    published = last.get(period.since)
    before = _points(scheme, period.before, last.get(period.before.since))
    if published:
        places = [
            Place(row.code, row.name, row.name_en, row.rank, _shown(row.exact), row.grade, before.get(row.subject))
            for row in published.results.order_by("rank", "code")
        ]
    else:
        places = [
            Place(
                row.subject.code,
                row.subject.name,
                row.subject.name_en,
                row.rank,
                _shown(row.score.points),
                row.score.letter,
                before.get(row.subject.pk),
            )
            for row in evaluation.standings(scheme, period.since, period.until)
        ]
    revision = published.revision if published else None
    said = published.said if published else scheme.said
    grades = tuple((str(letter), str(colour)) for letter, _low, colour in said["grades"])
    return [Ranking(scheme.name, scheme.name_en, scheme.kind, revision, tuple(places), grades)]


def _points(scheme: Scheme, period: Period, published: Publication | None) -> dict[int, float | None]:
    """The points of a month by subject, as they were published, else as they stand."""
    if published:
        return {row.subject: _shown(row.exact) for row in published.results.all()}
    rows = evaluation.standings(scheme, period.since, period.until)
    return {row.subject.pk: _shown(row.score.points) for row in rows}


def _shown(points: Fraction | None) -> float | None:
    return None if points is None else scores.shown(points)


@transaction.atomic
def issue(month: str, by: Officer, reason: str = "") -> Issue:
    """Freeze the bulletin of a month that is over. The first is revision 0; each further one needs its reason.

    Raises Refused. Takes the lock of whoever issues, so that revisions are numbered one after the other.
    """
    looking.publishing(by)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ISSUING])
    period = period_of(month)
    if period.until >= today():
        raise Refused("period_open", _("该周期尚未结束，不能发布。"), field="month")
    before = Issue.objects.filter(since=period.since).first()
    if before and not reason:
        raise Refused("published_already", _("该周期已经发布；如需更正，请写明修订理由。"), field="reason")
    return Issue.objects.create(
        since=period.since,
        revision=before.revision + 1 if before else 0,
        reason=reason if before else "",
        said=asdict(compose(month)) | {"late": overdue.fixed(period, by)},
        by=by,
        at=now(),
    )


def read(month: str, *, revision: int | None = None, live: bool = False) -> Reading:
    """The last issue of a month, or that revision; the draft where there is none or the live one is asked for.

    Raises ValueError for what is no month, Issue.DoesNotExist for a revision that is not there.
    """
    issues = Issue.objects.select_related("by").filter(since=period_of(month).since)
    found = None if live else (issues.get(revision=revision) if revision is not None else issues.first())
    return Reading(thaw(found.said) if found else compose(month), found)


def may_read(officer: Officer, month: str, *, revision: int | None = None, live: bool = False) -> bool:
    """What was issued, the centre and the departments read; a draft who looks at the whole city. Raises ValueError."""
    if looking.everywhere(officer):
        return True
    issues = Issue.objects.filter(since=period_of(month).since)
    known = issues if revision is None else issues.filter(revision=revision)
    return officer.holds(*CENTRE, *DEPARTMENT) and not live and known.exists()


def thaw(said: Mapping[str, Any]) -> Bulletin:
    """A bulletin as it was written down."""
    return Bulletin(
        month=said["month"],
        city=_line(said["city"]),
        run=tuple((month, Figures(counts)) for month, counts in said["run"]),
        streets=tuple(map(_line, said["streets"])),
        departments=tuple(map(_line, said["departments"])),
        classes=tuple(map(_line, said["classes"])),
        communities=said["communities"],
        rankings=tuple(
            Ranking(
                **{
                    **each,
                    "places": tuple(Place(**place) for place in each["places"]),
                    "grades": tuple((letter, colour) for letter, colour in each.get("grades", ())),
                }
            )
            for each in said["rankings"]
        ),
        risen=_line(said["risen"]) if said.get("risen") else None,
    )


def _line(said: Mapping[str, Any]) -> Line:
    counts = {name: Figures(said[name]) for name in ("now", "before", "last_year")}
    return Line(said["code"], said["name"], said["name_en"], **counts)
