"""Which inspectors and departments look as if they had arranged their checks. Nothing here touches the database.

Each pair of an inspector and a department is compared, fact by fact, with what chance would give. A fact gives a
chance to see so much or more of it (p); Fisher's method makes one of them, and Benjamini and Hochberg's rule says
which pairs stand out of all that were compared. Who stands out is worth looking at; that is no finding.

Formulas: hypergeometric upper tail (Fisher's exact test) for shares; Poisson-binomial upper tail for how often the lot
should have brought the two together; −2 Σ ln p against χ² with 2k degrees of freedom (R. A. Fisher 1932);
p₍ᵢ₎ ≤ i·q/m (Y. Benjamini, Y. Hochberg 1995).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import exp, lgamma, log

TELLING = 0.05  # a fact whose chance is not below it is no reason
LEAST_P = 1e-300


@dataclass(frozen=True, slots=True)
class Check:
    """One check, as the log has it. `lot`: among whom it was drawn, empty where it was not."""

    case: int
    inspector: int
    department: int
    passed: bool
    minutes: float | None = None  # between the finish and the answer
    metres: float | None = None  # the photo from the case
    flagged: bool = False
    held: bool | None = None  # what a re-check found of a pass
    lot: tuple[int, ...] = ()


@dataclass(frozen=True)
class Bounds:
    """From where a fact counts. `least`: with fewer checks a pair is not judged, and a comparison is not made.

    quick_minutes: answered so soon after the finish that hardly anybody went. far_m: the photo was taken elsewhere.
    rate: of the pairs listed, the share that chance may have put there.
    """

    least: int
    quick_minutes: float
    far_m: float
    rate: float


class Fact(StrEnum):
    """What is looked at."""

    PASSED = "passed"
    MET = "met"
    QUICK = "quick"
    FAR = "far"
    FLAGGED = "flagged"
    FAILED = "failed"


@dataclass(frozen=True)
class Sum:
    """So many of so many."""

    k: int = 0
    n: int = 0

    @property
    def share(self) -> float | None:
        return self.k / self.n if self.n else None

    def __sub__(self, other: Sum) -> Sum:
        return Sum(self.k - other.k, self.n - other.n)


@dataclass(frozen=True)
class Finding:
    """One fact about a pair: its own count, that of the other inspectors, his own elsewhere, and the chance of it.

    expected: how often the lot would have brought them together, of MET alone. p None: there is nothing to compare.
    """

    fact: Fact
    own: Sum
    others: Sum
    elsewhere: Sum
    expected: float | None
    p: float | None

    @property
    def telling(self) -> bool:
        return self.p is not None and self.p < TELLING


@dataclass(frozen=True)
class Pair:
    """An inspector and a department. `judged` False: too few checks. `stands_out`: worth looking at."""

    inspector: int
    department: int
    checks: tuple[Check, ...]
    findings: tuple[Finding, ...]
    p: float
    judged: bool
    stands_out: bool = False

    @property
    def score(self) -> float:
        """−log₁₀ p: 0 is what chance gives, 3 is one in a thousand."""
        return max(0.0, -log(max(self.p, LEAST_P)) / log(10))


def compare(checks: Sequence[Check], bounds: Bounds) -> list[Pair]:
    """Every pair that met, those that stand out first, then by score."""
    by_pair: defaultdict[tuple[int, int], list[Check]] = defaultdict(list)
    by_department: defaultdict[int, list[Check]] = defaultdict(list)
    for check in checks:
        by_pair[check.inspector, check.department].append(check)
        by_department[check.department].append(check)
    sums = Sums(checks, bounds)
    found = [
        _pair(inspector, department, own, by_department[department], sums, bounds)
        for (inspector, department), own in by_pair.items()
    ]
    return _mark(found, bounds.rate)


class Sums:
    """Each fact counted by pair, by department, by inspector and in all, once for all pairs."""

    def __init__(self, checks: Iterable[Check], bounds: Bounds):
        counted: defaultdict[tuple[Fact, int | None, int | None], list[int]] = defaultdict(lambda: [0, 0])
        for check in checks:
            for fact, says in FACTS.items():
                if (said := says(check, bounds)) is None:
                    continue
                for key in (
                    (fact, check.inspector, check.department),
                    (fact, None, check.department),
                    (fact, check.inspector, None),
                    (fact, None, None),
                ):
                    counted[key][0] += said
                    counted[key][1] += 1
        self._counted = counted

    def of(self, fact: Fact, inspector: int | None, department: int | None) -> Sum:
        found = self._counted.get((fact, inspector, department))
        return Sum(*found) if found else Sum()


FACTS: Mapping[Fact, Callable[[Check, Bounds], bool | None]] = {
    Fact.PASSED: lambda check, bounds: check.passed,
    Fact.QUICK: lambda check, bounds: (
        check.minutes < bounds.quick_minutes if check.passed and check.minutes is not None else None
    ),
    Fact.FAR: lambda check, bounds: check.metres > bounds.far_m if check.metres is not None else None,
    Fact.FLAGGED: lambda check, bounds: check.flagged,
    Fact.FAILED: lambda check, bounds: None if check.held is None else not check.held,
}
"""Of which checks a fact can be said, and of which it is true."""

HABITS = (Fact.PASSED, Fact.QUICK, Fact.FAR)
"""What may be an inspector's own way with everybody: it counts only as far as he does not do it elsewhere."""


def _pair(
    inspector: int, department: int, own: list[Check], all_checks: list[Check], sums: Sums, bounds: Bounds
) -> Pair:
    findings = [_finding(fact, inspector, department, sums, bounds) for fact in FACTS]
    findings.append(_met(inspector, all_checks))
    compared = [finding.p for finding in findings if finding.p is not None]
    judged = len(own) >= bounds.least
    return Pair(inspector, department, tuple(own), tuple(findings), combined(compared) if judged else 1.0, judged)


def _finding(fact: Fact, inspector: int, department: int, sums: Sums, bounds: Bounds) -> Finding:
    own = sums.of(fact, inspector, department)
    # Re-checks are few: they are compared with those of all.
    all_of_it = sums.of(fact, None, None if fact == Fact.FAILED else department)
    others, elsewhere = all_of_it - own, sums.of(fact, inspector, None) - own
    p = tail(own, others) if own.n and others.n else None
    if p is not None and fact in HABITS and elsewhere.n >= bounds.least:
        p = max(p, tail(own, elsewhere))
    return Finding(fact, own, others, elsewhere, None, p)


def _met(inspector: int, checks: Iterable[Check]) -> Finding:
    """How often the two met, of the times when the lot could have brought them together."""
    could = [check for check in checks if inspector in check.lot]
    chances = [1 / len(check.lot) for check in could]
    own = Sum(sum(check.inspector == inspector for check in could), len(could))
    return Finding(Fact.MET, own, Sum(), Sum(), sum(chances), meeting(own.k, chances) if could else None)


def _mark(pairs: list[Pair], rate: float) -> list[Pair]:
    """Benjamini and Hochberg: the largest i with p₍ᵢ₎ ≤ i·rate/m; it and all before it stand out."""
    ranked = sorted(pairs, key=lambda pair: (not pair.judged, pair.p, pair.inspector, pair.department))
    m = sum(pair.judged for pair in ranked)
    last = max((i for i, pair in enumerate(ranked[:m], 1) if pair.p <= i * rate / m), default=0)
    return [
        Pair(pair.inspector, pair.department, pair.checks, pair.findings, pair.p, pair.judged, i <= last)
        for i, pair in enumerate(ranked, 1)
    ]


def tail(own: Sum, others: Sum) -> float:
    """Fisher's exact test, one-sided: the chance of `own.k` or more, were they dealt out among own and others blindly.

    1 where there is nothing.
    """
    if not own.n or not others.n or not own.k:
        return 1.0
    marked, total = own.k + others.k, own.n + others.n
    most = min(own.n, marked)
    whole = _choose(total, own.n)
    terms = (
        exp(_choose(marked, k) + _choose(total - marked, own.n - k) - whole)
        for k in range(own.k, most + 1)
        if own.n - k <= total - marked
    )
    return min(1.0, max(LEAST_P, sum(terms)))


def _choose(n: int, k: int) -> float:
    """ln of n over k."""
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)


def meeting(k: int, chances: Sequence[float]) -> float:
    """The Poisson-binomial upper tail: the chance of `k` or more hits, each with its own chance."""
    if not k:
        return 1.0
    below = [1.0] + [0.0] * (k - 1)  # the chance of exactly so many so far, fewer than k
    reached = 0.0  # summed as it grows: one less the rest would be nothing but rounding where it is small
    for chance in chances:
        reached += below[k - 1] * chance
        for hits in range(k - 1, 0, -1):
            below[hits] = below[hits] * (1 - chance) + below[hits - 1] * chance
        below[0] *= 1 - chance
    return min(1.0, max(LEAST_P, reached))


def combined(ps: Sequence[float]) -> float:
    """Fisher's method: one chance out of several independent ones; 1 of none."""
    if not ps:
        return 1.0
    half = -sum(log(max(p, LEAST_P)) for p in ps)  # half of χ², with 2 degrees of freedom a fact
    term = total = exp(-half)
    for i in range(1, len(ps)):
        term *= half / i
        total += term
    return min(1.0, total)
