"""溯源: the lines of the log behind a figure, and through them its cases.

A figure's own tallies say on which days and in which cells it was counted; there the same condition that counted
lists. So the cost follows the figure, not the log.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import chain
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import F, Q, Sum
from django.db.models.functions import Coalesce

from grid.models import Area, Beat, Cell, Officer
from grid.moment import now

from . import indicators, lateness, rulebook, tally
from .indicators import AREAS
from .lateness import Lateness
from .metrics import METRIC, facts
from .models import Basis, Case, CaseEvent, Scheme, Tally


class Key(NamedTuple):
    """Where a page ends: the newest day first, and within it the newest line."""

    day: date
    event: int


@dataclass(frozen=True)
class Counted:
    """A line of the log that a metric counted, on which day. `exempt`: an appeal took it out of what is due; `late`:
    how late the work was in the end, or is."""

    day: date
    metric: str
    event: CaseEvent
    exempt: bool
    late: Lateness | None

    @property
    def key(self) -> Key:
        return Key(self.day, self.event.pk)


@dataclass(frozen=True)
class Figure:
    """Which figure is asked about: metrics of a subject over some days; `within` an area's code, of that ground;
    `alone`, of a department without those below it."""

    codes: tuple[str, ...]
    kind: str
    subject: int
    since: date
    until: date
    basis: str = Basis.FLOW
    within: str = ""
    alone: bool = False


LIST = """
    WITH {units}, {lines}
    SELECT line.day, line.event, fact.metric, fact.metric = 'overdue' AND k.appealed
    FROM line, {read}, {facts}
    WHERE fact.moment = line.moment AND {credit}
    ORDER BY line.day DESC, line.event DESC, fact.metric
"""


def behind(figure: Figure, by: Officer, *, limit: int, after: Key | None = None) -> tuple[list[Counted], Key | None]:
    """A page of what stands behind a figure, as far as the officer may see it, and the key of the next page or None."""
    parts = [_first(part, by, limit, after) for part in _parts(figure)]
    found = sorted(chain(*parts), key=lambda counted: counted.key, reverse=True)
    page = found[:limit]
    while len(page) < len(found) and found[len(page)].key == page[-1].key:  # one line, counted twice: on one page
        page.append(found[len(page)])
    return page, page[-1].key if len(found) > len(page) else None


def _parts(figure: Figure) -> list[Figure]:
    """What is nobody's act counts for an inspector as it does for his beats, all else as he did it."""
    sides = [tuple(code for code in figure.codes if METRIC[code].ground == ground) for ground in (False, True)]
    some = figure.kind == Scheme.Kind.INSPECTOR and all(sides)
    return [replace(figure, codes=codes) for codes in sides] if some else [figure]


def _first(figure: Figure, by: Officer, limit: int, after: Key | None) -> list[Counted]:
    """What comes after a key, in order: all of it, or more than `limit`."""
    where, credit = _narrowed(figure)
    found: list[Counted] = []
    for units in _chunks(figure, where, limit + 1, after):
        rows = [row for row in _listed(figure, credit, units) if after is None or (row[0], row[1]) < after]
        found += _seen(rows, by)
        if len(found) > limit and found[-1].key != found[limit - 1].key:
            break
    return found


def _narrowed(figure: Figure) -> tuple[Q, Mapping[str, Collection[int]]]:
    """Which tallies make up the figure; and of the lines there, whose count: by department, officer or class."""
    where, credit = _subject(figure)
    return (where & Q(cell__in=indicators.cells(figure.within)) if figure.within else where), credit


def _subject(figure: Figure) -> tuple[Q, Mapping[str, Collection[int]]]:
    kind, subject = figure.kind, figure.subject
    if kind == "city":
        return Q(), {}
    if kind == Scheme.Kind.INSPECTOR and all(METRIC[code].ground for code in figure.codes):
        return Q(cell__in=Cell.objects.filter(beats__officers=subject).values("pk")), {}
    if kind in AREAS:
        code = Area.objects.values_list("code", flat=True).get(pk=subject)
        return Q(cell__in=indicators.cells(code)), {}
    if kind == "cell":
        return Q(cell=subject), {}
    if kind == "beat":
        return Q(cell__in=Beat.cells.through.objects.filter(beat=subject).values("cell")), {}
    column = "officer" if kind in Scheme.POSTS else kind
    own = indicators.branch(subject) if kind == "department" and not figure.alone else [subject]
    return Q(**{f"{column}__in": own}), {column: own}


def _chunks(figure: Figure, where: Q, enough: int, after: Key | None) -> Iterator[list[tally.Unit]]:
    """The units of a figure, day by day from the newest, so many days at once as count enough for a page."""
    counted = Q()
    for code in figure.codes:
        counted |= Q(**{f"{code}__gt": 0})
    until = min(after.day, figure.until) if after else figure.until
    rows = Tally.objects.filter(where, counted, basis=figure.basis, day__range=(figure.since, until))
    days = rows.values_list("day").annotate(n=Sum(sum((_n(code) for code in figure.codes[1:]), _n(figure.codes[0]))))
    chunk: list[date] = []
    held = 0
    for day, n in days.order_by("-day"):
        chunk.append(day)
        held += n
        if held >= enough:
            yield _units(rows, chunk)
            chunk, held = [], 0
    if chunk:
        yield _units(rows, chunk)


def _n(code: str) -> Any:
    return Coalesce(F(code), 0)


def _units(rows: Any, days: Collection[date]) -> list[tally.Unit]:
    return list(rows.filter(day__in=days).values_list("cell", "day", "basis").distinct())


CREDIT = {
    "department": "coalesce(e.department_id, 0)",
    "officer": "fact.officer",
    "category": "c.category_id",
}


def _listed(
    figure: Figure, credit: Mapping[str, Collection[int]], units: Sequence[tally.Unit]
) -> list[tuple[date, int, str, bool]]:
    whose = " AND ".join(f"{CREDIT[name]} = ANY(%({name})s)" for name in credit) or "true"
    listed = facts(METRIC[code] for code in figure.codes)
    sql = LIST.format(units=tally.UNITS, lines=tally.LINES, read=tally.READ, facts=listed, credit=whose)
    said = tally.said(units) | {name: list(own) for name, own in credit.items()}
    with connection.cursor() as cursor:
        cursor.execute(sql, said)
        return list(cursor.fetchall())


def _seen(rows: Iterable[tuple[date, int, str, bool]], by: Officer) -> list[Counted]:
    """With their lines and cases, without the cases that the officer may not see."""
    listed = list(rows)
    events = visible_lines({event for _day, event, _metric, _exempt in listed}, by)
    late = _late(event for event in events.values() if event.late)
    return [
        Counted(day, metric, events[event], exempt, late.get(event))
        for day, event, metric, exempt in listed
        if event in events
    ]


def visible_lines(pks: Collection[int], by: Officer) -> dict[int, CaseEvent]:
    """Lines of the log by primary key, without those of cases that the officer may not see. Two statements."""
    events = CaseEvent.objects.select_related("case__category", "by", "department", "holder").in_bulk(pks)
    cases = {event.case_id for event in events.values()}
    visible = set(Case.objects.visible_to(by).filter(pk__in=cases).values_list("pk", flat=True))
    return {pk: event for pk, event in events.items() if event.case_id in visible}


def _late(events: Iterable[CaseEvent]) -> dict[int, Lateness]:
    """How late the work of each of these lines was in the end, or is."""
    found, at = list(events), now()
    if not found:
        return {}
    book, logs = rulebook.current(), lateness.logs(found)
    told = {event.pk: lateness.of_work(book, event, logs[event.case_id], at) for event in found}
    return {pk: late for pk, late in told.items() if late}
