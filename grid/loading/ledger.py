"""Writing a draft: rows are added or changed by their code, what vanished is closed by date, nothing is deleted.

The caller's transaction holds it all. Each kind takes a handful of statements, however many rows it has.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.utils.translation import gettext as _

from .. import reorganising
from ..models import Beat, Department
from .draft import Draft, Kind, Line
from .kinds import BEATS, CELLS, DEPARTMENTS, OFFICERS
from .outcome import Counts, Refused

BATCH = 1000
Ids = dict[str, dict[str, int]]  # kind → code → primary key


def write(kind: Kind, draft: Draft, ids: Ids) -> Counts:
    """Make the database say of a kind what its lines say; adds the kind's keys to `ids`, which has those before it."""
    present, lines = draft.present[kind.name], draft.lines.get(kind.name, {})
    known = ids[kind.name] = {code: row.pk for code, row in present.items()}
    changed: set[str] = set()
    for wave in _waves(kind, list(lines.values()), known):
        wanted = {line.code: _wanted(kind, line, ids, draft) for line in wave}
        fresh = [kind.model(**{kind.key: code}, **values) for code, values in wanted.items() if code not in present]
        stale = [code for code, values in wanted.items() if code in present and _differs(present[code], values)]
        changed.update(stale)
        kind.model._default_manager.bulk_create(fresh, batch_size=BATCH)
        _update(kind, [present[code] for code in stale], wanted)
        known.update((getattr(row, kind.key), row.pk) for row in fresh)
    for name in kind.lists:
        changed |= _link(kind, name, lines, ids) & present.keys()
    added = len(lines.keys() - present.keys())
    return Counts(added, len(changed), 0, len(lines) - added - len(changed))


def retire(kind: Kind, draft: Draft) -> int:
    """Close by date the city's rows that its file no longer lists. Returns how many.

    Where a row was refused nothing is closed: it may be what seems to have vanished, under a mistyped code. What
    something current still belongs to is kept, with a warning. Beats have no dates: they lose what they hold.
    """
    if kind.name not in draft.listed or kind.name in draft.spoilt or kind is OFFICERS:
        return 0
    listed = draft.listed[kind.name]
    gone = {row.pk: row for code, row in draft.present[kind.name].items() if code not in listed}
    if kind is BEATS:
        return _emptied(gone)
    gone = {pk: row for pk, row in gone.items() if not row.closed_on}
    if kind is DEPARTMENTS:
        _without_heirs(gone, draft)
    closed: set[int] = set()
    while free := gone.keys() - closed - _needed(kind, gone):
        kind.model._default_manager.filter(pk__in=free).update(closed_on=draft.today)
        closed |= free
    for pk in gone.keys() - closed:
        names = {"kind": kind.title, "code": gone[pk].code}
        message = _("%(kind)s“%(code)s”已不在文件里，但仍有在用的下级属于它，故未停用")
        draft.warn_file(kind, f"{kind.model_name}_still_needed", message % names)
    if kind is CELLS:
        Beat.cells.through.objects.filter(cell__in=closed).delete()
    return len(closed)


def _without_heirs(gone: dict[int, Any], draft: Draft) -> None:
    """Refuse to close what still has work: it stays, and is taken out of what is gone."""
    for pk, words in reorganising.owed(gone.keys()).items():
        row = gone.pop(pk)
        said = {"name": row.name, "code": row.code, "owed": _("；").join(words)}
        sentence = _("%(name)s（%(code)s）已不在文件里，但还有%(owed)s：请保留这一行，并在 heir 列写明承接单位的代码")
        draft.refuse(draft.city.sources[DEPARTMENTS.name].path.name, 0, Refused("heir_missing", sentence % said))


def inherit(draft: Draft, ids: Ids) -> int:
    """Close the departments that have an heir, and say how many were open. `reorganising` gives it what they had."""
    known, fresh = ids[DEPARTMENTS.name], 0
    for code, heir in draft.heirs.items():
        row = Department.objects.get(pk=known[code])
        if row.closed_on is None or row.heir_id != known[heir]:
            fresh += row.closed_on is None
            row.closed_on, row.heir_id = row.closed_on or draft.today, known[heir]
            row.save(update_fields=["closed_on", "heir"])
    return fresh


def _emptied(beats: Iterable[int]) -> int:
    cells, officers = Beat.cells.through.objects, Beat.officers.through.objects
    held = {pk for links in (cells, officers) for pk in links.filter(beat__in=beats).values_list("beat", flat=True)}
    cells.filter(beat__in=beats).delete()
    officers.filter(beat__in=beats).delete()
    return len(held)


def _waves(kind: Kind, left: list[Line], known: dict[str, int]) -> Iterator[list[Line]]:
    """Lines in the order in which they can be written: a parent has its key before its children ask for it."""
    own = [name for name, other in kind.refers.items() if other is None]
    while left:
        ready: list[Line] = []
        later: list[Line] = []
        for line in left:
            parents = {line.refers.get(name, "") for name in own} - {""}
            (ready if parents <= known.keys() else later).append(line)
        yield ready
        left = later


def _wanted(kind: Kind, line: Line, ids: Ids, draft: Draft) -> dict[str, Any]:
    """The model's fields as the line wants them. Listed is open: what was closed by date opens again."""
    keys = {name: ids[(kind.refers[name] or kind).name] for name in line.refers}
    wanted = line.values | {f"{name}_id": keys[name][code] if code else None for name, code in line.refers.items()}
    if kind is DEPARTMENTS:
        return wanted if line.code in draft.heirs else wanted | {"closed_on": None, "heir_id": None}
    return wanted | ({"closed_on": None} if hasattr(kind.model, "closed_on") else {})


def _differs(row: Any, values: dict[str, Any]) -> bool:
    return any(getattr(row, name) != value for name, value in values.items())


def _update(kind: Kind, rows: list[Any], wanted: dict[str, dict[str, Any]]) -> None:
    """In batches of one statement each; a CASE for each row and column, as bulk_update writes it, is far slower."""
    for row in rows:
        for name, value in wanted[getattr(row, kind.key)].items():
            setattr(row, name, value)
    if rows:
        fields = sorted({name.removesuffix("_id") for row in rows for name in wanted[getattr(row, kind.key)]})
        kind.model._default_manager.bulk_create(
            rows, batch_size=BATCH, update_conflicts=True, unique_fields=["pk"], update_fields=fields
        )


def _needed(kind: Kind, gone: Iterable[int]) -> set[int]:
    """Which of them something current still belongs to."""
    held: set[int] = set()
    for model, name in kind.holders:
        held |= set(
            model._default_manager.filter(**{f"{name}__in": gone, "closed_on": None}).values_list(name, flat=True)
        )
    return held


def _link(kind: Kind, name: str, lines: Mapping[str, Line], ids: Ids) -> set[str]:
    """Give each line exactly what its list names, among the city's own. Returns the codes where that changed."""
    other = kind.lists[name]
    through = getattr(kind.model, name).through
    near, far = f"{kind.model_name}_id", f"{other.model_name}_id"
    mine = {ids[kind.name][code]: code for code, line in lines.items() if name in line.lists}
    wanted = {(ids[kind.name][code], ids[other.name][one]) for code in mine.values() for one in lines[code].lists[name]}
    linked = through.objects.filter(**{f"{near}__in": mine, f"{far}__in": ids[other.name].values()})
    have = {(own, their): pk for pk, own, their in linked.values_list("pk", near, far)}
    through.objects.bulk_create([through(**{near: own, far: their}) for own, their in wanted - have.keys()])
    through.objects.filter(pk__in=[pk for pair, pk in have.items() if pair not in wanted]).delete()
    return {mine[own] for own, _their in wanted ^ have.keys()}
