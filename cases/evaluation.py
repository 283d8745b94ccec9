"""评价: who stands where, by a scheme, over some days; and the publishing of it.

standings()  the figures, score and rank of every subject of a scheme, live
beside()     the same, and as it would be under other items or grades
publish()    the same, frozen; again only as a revision with its reason
drift()      what has changed since
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import cache
from typing import Any

from django.db import connection, transaction
from django.db.models import BigIntegerField, Q, QuerySet
from django.db.models.functions import Cast
from django.utils.translation import gettext as _

from grid import levels
from grid.models import Area, Beat, Cell, Change, Department, Officer
from grid.moment import now, today

from . import indicators, looking, scores
from .flow import Refused
from .indicators import AREAS, Figures
from .metrics import METRICS
from .models import Category, Indicator, Publication, Result, Scheme
from .periods import Period
from .scores import Plan, Rate, Score
from .tally import midnight

GROUND = tuple(metric.code for metric in METRICS if metric.ground)
FEW = 200  # so many subjects are asked for by name, more all together: each way has its index
PUBLISHING = 0x9B11  # the advisory lock of whoever publishes


@dataclass(frozen=True)
class Subject:
    """Whom or what a scheme judges. `gone`: closed or disabled since, so that only what was counted still stands."""

    pk: int
    code: str
    name: str
    name_en: str = ""
    region_class: str = ""
    gone: bool = False


@dataclass(frozen=True)
class Standing:
    """One subject's line. `rank` is None without a score; subjects with the same score share one."""

    subject: Subject
    figures: Figures
    score: Score
    rank: int | None


def rates() -> dict[str, Rate]:
    """The dictionary of indicators, as values."""
    return {row.code: row.rate for row in Indicator.objects.all()}


def plan_of(scheme: Scheme, said: Mapping[str, Any] | None = None) -> Plan:
    """A scheme as a value, or what would be if it said something else. Raises Refused."""
    try:
        return scores.plan(scheme.said if said is None else {**scheme.said, **said}, rates())
    except scores.Unfit as unfit:
        raise Refused(unfit.code, unfit.detail, field="items") from None


def in_force(code: str, day: date) -> Scheme:
    """The version of a scheme that is valid on a day. Raises Scheme.DoesNotExist."""
    found: Scheme = Scheme.objects.filter(code=code, valid_from__lte=day).latest("valid_from", "version")
    return found


def subjects(kind: str, only: Collection[int] | None = None, since: date | None = None) -> list[Subject]:
    """All whom a scheme of a kind judges, or some of them, with those who are gone: of a post also who has left it, on
    the day `since` or later."""
    some = Q() if only is None else Q(pk__in=only)
    if kind in AREAS:
        areas = Area.objects.filter(some, code__regex=rf"^.{{{levels.width(kind)}}}$").order_by("code")
        rows = areas.only("code", "name", "name_en", "closed_on")
        return [Subject(row.pk, row.code, row.name, row.name_en, gone=bool(row.closed_on)) for row in rows]
    if kind == Scheme.Kind.CELL:
        cells = Cell.objects.filter(some).order_by("code").values_list("pk", "code", "region_class", "closed_on")
        return [Subject(pk, code, code, region_class=region, gone=bool(gone)) for pk, code, region, gone in cells]
    if kind == Scheme.Kind.BEAT:
        return [Subject(row.pk, row.code, row.name) for row in Beat.objects.filter(some).order_by("code")]
    if kind == Scheme.Kind.DEPARTMENT:
        departments = Department.objects.filter(some).order_by("code")
        return [Subject(row.pk, row.code, row.name, row.name_en, gone=bool(row.closed_on)) for row in departments]
    held = Q(roles__contains=[kind]) | Q(pk__in=_left(kind, since)) if since else Q(roles__contains=[kind])
    officers = Officer.objects.filter(some, held).order_by("username")
    return [
        Subject(row.pk, row.username, str(row), gone=not row.is_active or kind not in row.roles) for row in officers
    ]


def _left(post: str, since: date) -> QuerySet[Any, Any]:
    """Who held a post on a day and lost it since, as far as that was written down. Asked within another statement."""
    changed = Change.objects.filter(what=Officer._meta.label_lower, at__gte=midnight(since))
    return changed.filter(before__roles__contains=[post]).values(officer=Cast("row", BigIntegerField()))


def named(kind: str, pks: Collection[int]) -> list[Subject]:
    """What to call subjects of any kind of figures, also of those closed."""
    if kind == "category":
        rows = Category.objects.filter(pk__in=pks)
        return [Subject(row.pk, row.code, row.name, row.name_en) for row in rows]
    if kind == "officer" or kind in Scheme.POSTS:
        return [Subject(row.pk, row.username, str(row)) for row in Officer.objects.filter(pk__in=pks)]
    return subjects(kind, pks)


def stored(kind: str) -> str:
    """The kind of totals that a kind of scheme is counted by: a post's are those of its officers."""
    return "officer" if kind in Scheme.POSTS else kind


def counted(
    kind: str,
    basis: str,
    since: date,
    until: date,
    codes: Collection[str],
    only: Collection[int] | None = None,
    *,
    within: str = "",
    alone: bool = False,
) -> dict[int, Figures]:
    """The figures by subject. What is nobody's act counts for an inspector as it does for the cells of his beats.

    `within` an area's code: of what happened there alone. `alone`: a department's without those below it.
    """
    if kind in Scheme.POSTS and only is None:
        only = [each.pk for each in subjects(kind, since=since)]
    found = indicators.figures(
        stored(kind), since, until, subjects=only, basis=basis, codes=codes, within=within, tree=not alone
    )
    ground = [code for code in GROUND if code in codes]
    if kind == Scheme.Kind.INSPECTOR and ground:
        beats = indicators.figures("beat", since, until, basis=basis, codes=ground, within=within)
        for beat, officer in Beat.officers.through.objects.values_list("beat", "officer"):
            if beat in beats and officer in (only or ()):
                found.setdefault(officer, Figures()).add(beats[beat])
    return found


def trend(
    kind: str, subject: int, basis: str, past: Sequence[Period], *, within: str = "", alone: bool = False
) -> list[tuple[Period, Figures]]:
    """One subject's figures in each of some periods, in one reading; `within` and `alone` as in counted()."""
    since, until = min(each.since for each in past), max(each.until for each in past)
    told = indicators.series(stored(kind), since, until, subjects=[subject], basis=basis, within=within, tree=not alone)
    days = [told.get(subject, {})]
    if kind == Scheme.Kind.INSPECTOR:
        beats = list(Beat.objects.filter(officers=subject).values_list("pk", flat=True))
        found = indicators.series("beat", since, until, subjects=beats, basis=basis, codes=GROUND, within=within)
        days += found.values()
    return [(each, _within(days, each)) for each in past]


def _within(series: Collection[Mapping[date, Figures]], period: Period) -> Figures:
    found = Figures()
    for days in series:
        for day, counts in days.items():
            if period.since <= day <= period.until:
                found.add(counts)
    return found


def standings(
    scheme: Scheme, since: date, until: date, plan: Plan | None = None, *, within: str = ""
) -> list[Standing]:
    """Every subject with its figures and score, the best first, those without a score last.

    `within` an area's code: departments, people and beats by what happened there, and those alone of whom anything
    did. Regions stand among all regions.
    """
    chosen = plan or plan_of(scheme)
    return ranked(*_figures(scheme, since, until, subjects(scheme.kind, None, since), chosen.codes, within), chosen)


def scored(
    scheme: Scheme, since: date, until: date, only: Collection[int], plan: Plan | None = None, *, within: str = ""
) -> dict[int, Score]:
    """The scores of some subjects, as they are in the standings; without their places, which only all of them have."""
    chosen = plan or plan_of(scheme)
    return _scores(*_figures(scheme, since, until, subjects(scheme.kind, only, since), chosen.codes, within), chosen)


def beside(scheme: Scheme, period: Period, said: Mapping[str, Any], by: Officer) -> list[tuple[Standing, Standing]]:
    """Each subject whose figures an officer looks at as it is, and as it would be under other items or grades.

    The best of today first. Raises Refused.
    """
    within, own = looking.ground(by), looking.seen(by, scheme.kind)
    now = standings(scheme, period.since, period.until, within=within)
    other = standings(scheme, period.since, period.until, plan_of(scheme, said), within=within)
    then = {row.subject.pk: row for row in other}
    return [(row, then[row.subject.pk]) for row in now if own is None or row.subject.pk in own]


def _figures(
    scheme: Scheme, since: date, until: date, judged: Collection[Subject], codes: Collection[str], within: str
) -> tuple[Collection[Subject], Mapping[int, Figures]]:
    """Who is judged, and the figures of those who have any."""
    if scheme.kind in (*AREAS, Scheme.Kind.CELL):
        within = ""
    few = [each.pk for each in judged] if len(judged) <= FEW else None
    found = counted(scheme.kind, scheme.basis, since, until, codes, few, within=within)
    return [each for each in judged if each.pk in found or not within], found


def ranked(judged: Collection[Subject], found: Mapping[int, Figures], plan: Plan) -> list[Standing]:
    """The standings that figures give. Who is gone stands among them with what he did; without, he is left out."""
    nothing, score = Figures(), _scores(judged, found, plan)
    places = scores.ranks({pk: each.points for pk, each in score.items()})
    rows = [
        Standing(each, found.get(each.pk, nothing), score[each.pk], places.get(each.pk))
        for each in judged
        if each.pk in score
    ]
    return sorted(rows, key=lambda row: (row.rank is None, row.rank or 0, row.subject.code))


def _scores(judged: Collection[Subject], found: Mapping[int, Figures], plan: Plan) -> dict[int, Score]:
    """Each subject's score. Of 40,000 cells few differ from all others: the same counts are judged once."""
    codes, nothing = sorted(plan.codes), Figures()

    @cache
    def score(region_class: str, *counts: int) -> Score:
        return plan.score(Figures(zip(codes, counts, strict=True)), region_class)

    def counts(each: Subject) -> list[int]:
        told = found.get(each.pk, nothing)
        return [told.get(code, 0) for code in codes]

    return {each.pk: score(each.region_class, *counts(each)) for each in judged if not each.gone or each.pk in found}


def one_by_one() -> None:
    """Take the lock of whoever publishes or writes a version, until the transaction ends: each knows of the other."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [PUBLISHING])


@transaction.atomic
def publish(scheme: Scheme, period: Period, by: Officer, reason: str = "") -> Publication:
    """Freeze the standings of a period that is over. The first is revision 0; each further one needs its reason.

    Raises Refused; version_followed where a newer version holds by now. Takes the lock of whoever publishes, so that
    revisions are numbered one after the other.
    """
    looking.publishing(by)
    one_by_one()
    if in_force(scheme.code, period.until) != scheme:
        raise Refused("version_followed", _("刚刚有人写了新的版本，请先看那一版。"), field="scheme")
    if period.until >= today():
        raise Refused("period_open", _("该周期尚未结束，不能发布。"), field="day")
    before = Publication.objects.filter(code=scheme.code, span=period.span, since=period.since).first()
    if before and not reason:
        raise Refused("published_already", _("该周期已经发布；如需更正，请写明修订理由。"), field="reason")
    plan = plan_of(scheme)
    publication = Publication.objects.create(
        scheme=scheme,
        code=scheme.code,
        span=period.span,
        since=period.since,
        until=period.until,
        revision=before.revision + 1 if before else 0,
        reason=reason if before else "",
        said={
            "version": scheme.version,
            "kind": scheme.kind,
            "basis": scheme.basis,
            **scheme.said,
            "indicators": _dictionary(plan),
        },
        by=by,
        at=now(),
    )
    rows = standings(scheme, period.since, period.until, plan)
    Result.objects.bulk_create([_result(publication, row) for row in rows], batch_size=1000)
    return publication


def _dictionary(plan: Plan) -> dict[str, Any]:
    """The formulas by which it is reckoned: the rows may be changed later."""
    return {
        item.rate.code: {
            "numerator": item.rate.numerator.text,
            "denominator": item.rate.denominator.text if item.rate.denominator else "",
            "better": "higher" if item.rate.higher else "lower",
        }
        for item in plan.items
    }


def _result(publication: Publication, row: Standing) -> Result:
    return Result(
        publication=publication,
        subject=row.subject.pk,
        code=row.subject.code,
        name=row.subject.name,
        name_en=row.subject.name_en,
        figures=dict(row.figures),
        lines=[line_said(line) for line in row.score.lines],
        points=exactly(row.score.points) or "",
        grade=row.score.letter,
        rank=row.rank,
    )


def line_said(line: scores.Line) -> dict[str, Any]:
    """An item's line for JSON, its numbers exact."""
    return {
        "indicator": line.item.rate.code,
        "value": exactly(line.value),
        "points": exactly(line.points),
        "weight": exactly(line.weight),
    }


def exactly(number: Fraction | None) -> str | None:
    """A fraction as text: "7/13"."""
    return None if number is None else str(number)


@dataclass(frozen=True)
class Drift:
    """A subject whose counts or score are no longer the published ones; `live` is None when it is no longer judged."""

    result: Result
    live: Standing | None


def drift(publication: Publication, some: Collection[Result] | None = None) -> list[Drift]:
    """What has changed since the publication, of all of its lines or of some: late closures, appeals, voids.

    Counted anew by the scheme of then.
    """
    if some is None:
        some = list(publication.results.defer("lines").order_by("rank", "code"))
    if not some:
        return []
    said = publication.said
    formulas = {code: _rate(code, formula) for code, formula in said["indicators"].items()}
    plan = scores.plan(said, formulas)
    live = standings(publication.scheme, publication.since, publication.until, plan)
    standing = {row.subject.pk: row for row in live}
    found = [Drift(result, standing.get(result.subject)) for result in some]
    return [each for each in found if _differs(each)]


def _rate(code: str, formula: Mapping[str, str]) -> Rate:
    below = scores.Sum(formula["denominator"]) if formula["denominator"] else None
    return Rate(code, scores.Sum(formula["numerator"]), below, formula["better"] == "higher")


def _differs(each: Drift) -> bool:
    if each.live is None:
        return True
    return dict(each.live.figures) != each.result.figures or each.live.score.points != each.result.exact
