"""What a change of the duties (责任清单) would have done to the cases of late. Nothing is written."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from grid.models import Department

from . import docket, rulebook, rules
from .models import Case, Duty
from .models.taxonomy import in_class

DAYS = 30  # of late
MOST = 20_000  # cases are tried, the newest first: more would take longer than anybody waits
SHOWN = 20  # numbers of cases for each way


@dataclass
class Way:
    """From which department to which (None: nobody answers), how many cases, and the numbers of the newest."""

    before: Department | None
    after: Department | None
    count: int = 0
    numbers: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Rerouting:
    """How many cases of late a change concerns, how many would go elsewhere, which ways. `whole`: all were tried."""

    tried: int
    elsewhere: int
    ways: list[Way]
    whole: bool


def of(new: Duty | None, old: Duty | None, at: datetime) -> Rerouting:
    """Route the cases of the DAYS before a moment with one duty in another's place, added (no old) or gone (no new)."""
    book = rulebook.current()
    changed = {key: row for key, row in book.duties.items() if old is None or row.pk != old.pk}
    if new:
        changed[new.category_id, new.area.code if new.area else ""] = new
    found = list(_concerned(at, [row for row in (new, old) if row])[: MOST + 1])
    ways: dict[tuple[int | None, int | None], Way] = {}
    for case in found[:MOST]:
        _try(book, replace(book, duties=changed), case, ways)
    ordered = sorted(ways.values(), key=lambda way: -way.count)
    return Rerouting(len(found[:MOST]), sum(way.count for way in ordered), ordered, len(found) <= MOST)


def _concerned(at: datetime, duties: list[Duty]) -> QuerySet[Case]:
    told = Q(pk__in=[])
    for row in duties:
        where = Q(cell__area__code__startswith=row.area.code) if row.area else Q()
        told |= where & in_class(row.category_id)
    late = Case.objects.filter(told, reported_at__gt=at - timedelta(days=DAYS), reported_at__lte=at)
    return late.select_related(*docket.RELATED).order_by("-id")


def _try(
    before: rulebook.Rulebook,
    after: rulebook.Rulebook,
    case: Case,
    ways: dict[tuple[int | None, int | None], Way],
) -> None:
    old, new = rules.route(before, case)[0], rules.route(after, case)[0]
    if old == new:
        return
    way = ways.setdefault((old.pk if old else None, new.pk if new else None), Way(old, new))
    way.count += 1
    if len(way.numbers) < SHOWN:
        way.numbers.append(case.number)
