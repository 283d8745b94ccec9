"""A city from a folder of files: areas, departments, cells, components, beats and officers.

Everything is read and checked first, and tried in one transaction. Unless all is well, or a partial load is wanted,
it is rolled back. Loading again is an update: the same folder twice changes nothing the second time. What a file no
longer lists is closed on the city's local day, never deleted, so that past cases keep their cell, component and
department.

- A file that city.json does not name leaves its kind as it is; so does a column that a file does not have.
- A cell's code names one piece of ground for good. Redrawn, it keeps at least half of its ground, or is refused. Once
  closed, its code opens again only for exactly the same shape: that undoes a mistake, anything else is another cell.
- Where rows of a kind are refused, nothing of that kind is closed by a partial load.
- Officers are neither deleted nor disabled by absence, and passwords are never set: whoever is new has none yet.
- Vanished beats keep their row, without cells and officers.
- A department that still has work is closed only for an heir, which its row names in the column `heir`; who moved and
  still had work, and cells that were redrawn with open cases in them, are followed in the same transaction: each such
  consequence is a warning with counts and numbers, also of a `dry_run`. See docs/reorganising.md.
- Only what bears the codes of the city's districts is touched: cities live side by side.

`duties` in city.json belongs to `cases` and is not read here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from django.db import connection, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from .. import moment, reorganising
from ..models import Officer
from . import ledger, notices, roads
from .city import NAME, City, read_city
from .draft import Draft, Kind
from .kinds import AREAS, CELLS, DEPARTMENTS, KINDS, OFFICERS, area_shapes, heirs
from .outcome import Counts, Finding, Outcome, Refused

__all__ = ["Counts", "Finding", "Outcome", "load"]

LOCK = 30428  # of the transaction that loads: one at a time
Listener = Callable[[str], object]


def load(folder: str | Path, *, partial: bool = False, dry_run: bool = False, on: Listener | None = None) -> Outcome:
    """Load a city's folder, and say what was found and done.

    With refusals nothing is written, unless `partial`: then the good rows are, and a refused row leaves what the
    database has of it. `dry_run` writes nothing and counts what it would have done. `on` hears a sentence at each step.
    Bad input never raises: it is in the outcome's refusals, by file and row. Loads wait for each other.
    """
    tell = on or (lambda _sentence: None)
    try:
        city = read_city(Path(folder), ["area_shapes", *(kind.name for kind in KINDS)])
    except Refused as refusal:
        return Outcome(refusals=[Finding(NAME, 0, refusal.code, str(refusal))])
    with transaction.atomic():
        _lock()
        draft = _drafted(city, tell)
        lines, faults = roads.read(city)
        draft.refusals += faults
        counts = _entered(draft, tell)
        for code, sentence in reorganising.settle(ground=True):
            draft.warn(NAME, 0, f"work_{code}", sentence)
        roads.write(city, lines)
        written = not dry_run and (partial or not draft.refusals)
        if not written:
            transaction.set_rollback(True)
    return Outcome(city.name, written, counts, sorted(draft.refusals, key=_place), sorted(draft.warnings, key=_place))


def _lock() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])


def _drafted(city: City, tell: Listener) -> Draft:
    """Every file read and checked, the ground of the cells measured."""
    draft = Draft(city, moment.today())
    for kind in KINDS:
        draft.fill(kind, _present(kind, city))
        if kind is AREAS:
            area_shapes(draft)
        if kind is DEPARTMENTS:
            heirs(draft)
        if kind.name in draft.lines:
            names = {"file": city.sources[kind.name].path.name, "good": len(draft.lines[kind.name])}
            tell(_("已检查 %(file)s：%(good)d 行可用") % names)
    if CELLS.name in draft.lines:
        tell(_("正在测量单元网格的面积、重叠与空隙"))
        notices.measure(draft)
    return draft


def _present(kind: Kind, city: City) -> Iterable[Any]:
    """What the database has of a kind: the city's own by their codes; of officers, whose names are common, all."""
    if kind is OFFICERS:
        return Officer.objects.select_related("department", "area")
    mine = Q(*(("code__startswith", district) for district in city.districts), _connector=Q.OR)
    return kind.model._default_manager.filter(mine)


def _entered(draft: Draft, tell: Listener) -> dict[str, Counts]:
    """The draft written, and what vanished closed."""
    tell(_("正在写入"))
    ids: ledger.Ids = {}
    counts = {kind.name: ledger.write(kind, draft, ids) for kind in KINDS}
    closed = ledger.inherit(draft, ids)
    for kind in reversed(KINDS):
        counts[kind.name].retired = ledger.retire(kind, draft)
    counts[DEPARTMENTS.name].retired += closed
    notices.after(draft)
    return {kind.name: counts[kind.name] for kind in KINDS if kind.name in draft.lines}


def _place(found: Finding) -> tuple[str, int]:
    return found.file, found.row
