"""Inspectors and departments whose checks are worth looking at."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.translation import gettext as _
from ninja import Query, Router, Schema
from pydantic import Field

from cases import pairing
from cases.flow import Refused
from cases.models import Case
from cases.pairs import Check, Fact, Finding, Pair
from grid.models import Department, Officer
from grid.moment import today
from grid.words import named

from ..auth import Request, officer
from ..problems import Problem
from ..schemas import Named, Said
from .stats import LONGEST_DAYS

router = Router(tags=["stats"])

SHOWN = 50  # cases of a pair


class FactOut(Schema):
    """One fact about a pair, beside what it is compared with."""

    fact: Fact
    count: int
    of: int
    others: float | None = Field(description="the same share of the other inspectors; of `met` what the lot would give")
    elsewhere: float | None = Field(description="his own share with other departments")
    chance: float | None = Field(description="to see so much by chance; null where there is nothing to compare")


class Behind(Schema):
    """A case behind a line, and what is to be seen in it."""

    id: UUID
    number: str
    marks: list[Fact]


class PairOut(Schema):
    """An inspector and a department. It is worth looking at; it is no finding."""

    inspector: Named
    department: Named
    checks: int
    score: float = Field(description="−log₁₀ of the chance of all facts together: 3 is one in a thousand")
    reasons: list[str]
    facts: list[FactOut]
    cases: list[Behind] = Field(description="at most 50: those with marks first")


class Pairs(Schema):
    """What was compared, and what stands out."""

    since: date
    until: date
    compared: int = Field(description="pairs with enough checks")
    too_few: int = Field(description="pairs that met, but too seldom to be judged")
    least: int = Field(description="checks that a pair needs")
    items: list[PairOut]


class Days(Said):
    """Local days, both included; the last PAIR_DAYS where they are not said."""

    since: date | None = Field(None, alias="from")
    until: date | None = Field(None, alias="to")


@router.get(
    "stats/pairs", auth=officer(*pairing.LOOKERS), response={200: Pairs, 401: Problem, 403: Problem, 422: Problem}
)
def pairs(request: Request, days: Query[Days]) -> Pairs:
    """Pairs of inspector and department whose checks look arranged, of the cases that I see. Each look is logged.

    Compared by the formula in docs/honest-work.md; some of those listed are there by chance. Look at the cases.
    """
    until = days.until or today()
    since = days.since or until - timedelta(days=settings.PAIR_DAYS - 1)
    if not 0 <= (until - since).days < LONGEST_DAYS:
        raise Refused("bad_period", _("起始日期不能晚于截止日期，跨度不超过一年。"), field="from")
    found = pairing.look(_midnight(since), _midnight(until + timedelta(days=1)), by=request.auth)
    judged = [pair for pair in found if pair.judged]
    listed = [pair for pair in judged if pair.stands_out]
    return Pairs(
        since=since,
        until=until,
        compared=len(judged),
        too_few=len(found) - len(judged),
        least=settings.PAIR_LEAST,
        items=list(_told(listed, request.auth)),
    )


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, ZoneInfo(settings.TIME_ZONE))


def _told(listed: list[Pair], by: Officer) -> Iterator[PairOut]:
    officers = Officer.objects.in_bulk({pair.inspector for pair in listed})
    departments = Department.objects.in_bulk({pair.department for pair in listed})
    shown = {pair: sorted(pair.checks, key=lambda check: not _marks(check))[:SHOWN] for pair in listed}
    cases = (
        Case.objects.visible_to(by)
        .only("uuid", "number")
        .in_bulk({check.case for some in shown.values() for check in some})
    )
    for pair in listed:
        inspector, department = officers[pair.inspector], departments[pair.department]
        yield PairOut(
            inspector=Named(id=inspector.pk, name=str(inspector)),
            department=Named(id=department.pk, code=department.code, name=named(department)),
            checks=len(pair.checks),
            score=round(pair.score, 1),
            reasons=[_reason(finding) for finding in pair.findings if finding.telling],
            facts=[_fact(finding) for finding in pair.findings if finding.own.n],
            cases=[
                Behind(id=cases[check.case].uuid, number=cases[check.case].number, marks=_marks(check))
                for check in shown[pair]
            ],
        )


def _marks(check: Check) -> list[Fact]:
    found = {
        Fact.QUICK: check.passed and check.minutes is not None and check.minutes < settings.PAIR_QUICK_MINUTES,
        Fact.FAR: check.metres is not None and check.metres > settings.PHOTO_FAR_M,
        Fact.FLAGGED: check.flagged,
        Fact.FAILED: check.held is False,
    }
    return [fact for fact, there in found.items() if there]


def _fact(finding: Finding) -> FactOut:
    others = finding.others.share
    if finding.expected is not None:
        others = finding.expected / finding.own.n
    return FactOut(
        fact=finding.fact,
        count=finding.own.k,
        of=finding.own.n,
        others=others,
        elsewhere=finding.elsewhere.share,
        chance=finding.p,
    )


def _reason(finding: Finding) -> str:
    said = {
        "k": finding.own.k,
        "n": finding.own.n,
        "others": f"{finding.others.share or 0:.0%}",
        "expected": f"{finding.expected or 0:.1f}",
    }
    sentences = {
        Fact.PASSED: _("%(n)s 次核查通过 %(k)s 次；其他监督员对该单位的通过率为 %(others)s。"),
        Fact.MET: _("%(n)s 次抽签中由其核查 %(k)s 次；按抽签应约 %(expected)s 次。"),
        Fact.QUICK: _("%(n)s 次通过中有 %(k)s 次紧接着处置完成；其他监督员为 %(others)s。"),
        Fact.FAR: _("%(n)s 次核查照片中有 %(k)s 次拍摄地过远；其他监督员为 %(others)s。"),
        Fact.FLAGGED: _("%(n)s 次核查中有 %(k)s 次照片有疑点；其他监督员为 %(others)s。"),
        Fact.FAILED: _("%(n)s 次复查中有 %(k)s 次不属实；其他核查为 %(others)s。"),
    }
    return sentences[finding.fact] % said
