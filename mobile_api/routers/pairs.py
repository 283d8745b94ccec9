"""Inspectors and departments whose checks are worth looking at."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from uuid import UUID

from django.conf import settings
from ninja import Query, Router, Schema
from pydantic import Field

from cases import pairing
from cases.models import Case
from cases.pairs import Fact, Finding, Pair
from grid.models import Department, Officer
from grid.words import named

from ..auth import Request, officer
from ..problems import Problem
from ..schemas import Named, Said
from ..vocabulary import Day

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


class PairCheck(Schema):
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
    cases: list[PairCheck] = Field(description="at most 50: those with marks first")


class Pairs(Schema):
    """What was compared, and what stands out."""

    since: date
    until: date
    compared: int = Field(description="pairs with enough checks")
    too_few: int = Field(description="pairs that met, but too seldom to be judged")
    least: int = Field(description="checks that a pair needs")
    items: list[PairOut]


class PairDays(Said):
    """Local days, both included; the last PAIR_DAYS where they are not said."""

    since: Day | None = Field(None, alias="from")
    until: Day | None = Field(None, alias="to")


@router.get(
    "stats/pairs", auth=officer(*pairing.LOOKERS), response={200: Pairs, 401: Problem, 403: Problem, 422: Problem}
)
def pairs(request: Request, days: Query[PairDays]) -> Pairs:
    """Pairs of inspector and department whose checks look arranged, of the cases that I see. Each look is logged.

    Compared by the formula in docs/honest-work.md; some of those listed are there by chance. Look at the cases.
    """
    since, until = pairing.period(days.since, days.until)
    found = pairing.look(since, until, by=request.auth)
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


def _told(listed: list[Pair], by: Officer) -> Iterator[PairOut]:
    officers = Officer.objects.in_bulk({pair.inspector for pair in listed})
    departments = Department.objects.in_bulk({pair.department for pair in listed})
    shown = {pair: sorted(pair.checks, key=lambda check: not pairing.marks(check))[:SHOWN] for pair in listed}
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
            reasons=[pairing.reason(finding) for finding in pair.findings if finding.telling],
            facts=[_fact(finding) for finding in pair.findings if finding.own.n],
            cases=[
                PairCheck(id=cases[check.case].uuid, number=cases[check.case].number, marks=pairing.marks(check))
                for check in shown[pair]
            ],
        )


def _fact(finding: Finding) -> FactOut:
    return FactOut(
        fact=finding.fact,
        count=finding.own.k,
        of=finding.own.n,
        others=pairing.others(finding),
        elsewhere=finding.elsewhere.share,
        chance=finding.p,
    )
