"""The dictionary in docs/figures.md: every metric, and the sample indicators. Nothing here touches the database."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .metrics import CHECKER, METRICS, NOBODY, REPORTER, WORKER
from .models import Indicator

BEGINS = "<!-- made by ./dev docs: from here -->"
ENDS = "<!-- to here -->"
DAYS = {"at": "it happened", "due_at": "it fell due", "promise_at": "promised by, once over"}
WHOSE = {
    NOBODY: "–",
    REPORTER: "the reporter",
    WORKER: "who had taken it on, else who did it",
    CHECKER: "who had checked it, or handled it on the spot",
}


def page(standing: str, indicators: Iterable[Indicator]) -> str:
    """The page with its dictionary made anew; the words around it stay."""
    before, _begins, rest = standing.partition(BEGINS)
    _old, _ends, after = rest.partition(ENDS)
    return "\n".join([before + BEGINS, *metrics(), "", *formulas(indicators), ENDS]) + after


def metrics() -> Iterator[str]:
    """A row for each metric."""
    yield "| metric | | | counts on the day | for the officer |"
    yield "|---|---|---|---|---|"
    for each in METRICS:
        whose = "of the beat" if each.ground else WHOSE.get(each.officer, "who did it")
        yield f"| `{each.code}` | {each.name} | {each.name_en} | {DAYS[each.when]} | {whose} |"


def formulas(indicators: Iterable[Indicator]) -> Iterator[str]:
    """A row for each indicator."""
    yield "| indicator | | | formula | better | left out |"
    yield "|---|---|---|---|---|---|"
    for row in indicators:
        formula = f"`{row.numerator}` / `{row.denominator}`" if row.denominator else f"`{row.numerator}`"
        yield f"| `{row.code}` | {row.name} | {row.name_en} | {formula} | {row.better} | {row.exclusions_en or '–'} |"
