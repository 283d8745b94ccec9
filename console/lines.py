"""Where the lines of a ranking come from: what is counted now, or what was published.

Either knows the order of all, a column of all, and the whole line of some: a page shows a hundred of 40,000.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

from cases import evaluation
from cases.models import Publication, Scheme
from cases.periods import Period
from grid.words import named


@dataclass(frozen=True)
class Line:
    """One subject's own, as it is live or was published."""

    pk: int
    code: str
    name: str
    rank: int | None
    points: Fraction | None
    grade: str
    items: Sequence[tuple[str, Fraction | None, Fraction | None, Fraction]]  # indicator, value, points, weight


class Source(Protocol):
    """Where the lines of a ranking come from: the order of all, one column of all, and the whole of some."""

    order: Sequence[int]

    def codes(self) -> Mapping[int, str]: ...
    def points(self) -> Mapping[int, Fraction | None]: ...
    def values(self, indicator: str) -> Mapping[int, Fraction | None]: ...
    def lines(self, subjects: Sequence[int]) -> list[Line]: ...


class Live:
    """As it stands now, on a ground."""

    def __init__(self, scheme: Scheme, period: Period, within: str):
        rows = evaluation.standings(scheme, period.since, period.until, within=within)
        self.rows = {row.subject.pk: row for row in rows}
        self.order: Sequence[int] = list(self.rows)

    def codes(self) -> Mapping[int, str]:
        return {pk: row.subject.code for pk, row in self.rows.items()}

    def points(self) -> Mapping[int, Fraction | None]:
        return {pk: row.score.points for pk, row in self.rows.items()}

    def values(self, indicator: str) -> Mapping[int, Fraction | None]:
        return {pk: row.score.value(indicator) for pk, row in self.rows.items()}

    def lines(self, subjects: Sequence[int]) -> list[Line]:
        return [
            Line(
                pk=row.subject.pk,
                code=row.subject.code,
                name=named(row.subject),
                rank=row.rank,
                points=row.score.points,
                grade=row.score.letter,
                items=[(line.item.rate.code, line.value, line.points, line.weight) for line in row.score.lines],
            )
            for row in (self.rows[pk] for pk in subjects)
        ]


class Frozen:
    """As it was published: rows, of which those that are looked at are read."""

    def __init__(self, shown: Publication):
        self.results = shown.results.order_by("rank", "code")
        self.items = [item["indicator"] for item in shown.said["items"]]
        self.order: Sequence[int] = list(self.results.values_list("subject", flat=True))

    def codes(self) -> Mapping[int, str]:
        return dict(self.results.values_list("subject", "code"))

    def points(self) -> Mapping[int, Fraction | None]:
        return {pk: _exact(said or None) for pk, said in self.results.values_list("subject", "points")}

    def values(self, indicator: str) -> Mapping[int, Fraction | None]:
        if indicator not in self.items:
            return {}
        said = self.results.values_list("subject", f"lines__{self.items.index(indicator)}__value")
        return {pk: _exact(value) for pk, value in said}

    def lines(self, subjects: Sequence[int]) -> list[Line]:
        rows = {row.subject: row for row in self.results.defer("figures").filter(subject__in=subjects)}
        return [
            Line(
                pk=row.subject,
                code=row.code,
                name=named(row),
                rank=row.rank,
                points=row.exact,
                grade=row.grade,
                items=[
                    (line["indicator"], _exact(line["value"]), _exact(line["points"]), Fraction(line["weight"]))
                    for line in row.lines
                ],
            )
            for row in (rows[pk] for pk in subjects)
        ]


def _exact(said: str | None) -> Fraction | None:
    return None if said is None else Fraction(said)
