"""The rows by which the system decides, from a folder. A file that is there is the whole truth about its table.

policies.csv      verb, source, area, automatic, note   what the system does by itself
stage_limits.csv  stage, source, urgent, value, unit    how long a stage may take; urgent may be left out
rungs.csv         level, share, role; and whose ladder  when the alarm rings, and for whom; at_night: 1 through quiet
                  it is: scheme, kind, major, sub, or   hours, 0 never in them, blank as its clock runs
                  urgent, or department; or everybody's
terms.csv         verb, at_most, within_…, when_late     how often, how soon, how far a side path may be taken
grounds.csv       verb, code, name, name_en             on which grounds
likeness.csv      scheme, kind, major, sub, metres,     what counts as similar; without a class: of all classes
                  days, by_major
hearings.csv      verb, entered, who, urgent, channels  who hears of what, and by which ways beside his inbox
samplings.csv     source, area, scheme, kind, major,    which share of the closed cases is re-checked, within
                  sub, share, days, value, unit         how many days, and how long whoever is drawn has
timetables.json   name, department, workdays, day_s, seasons, as in `Timetable`; no department: the city's

A class is named as in `duties`: without sub, its whole major, or its whole middle by a column of that name.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

from django.db import transaction
from django.db.models import Model
from django.utils.translation import gettext as _

from grid import changes
from grid.loading.outcome import Counts, Refused
from grid.models import Area, Department

from ..models import Category, Ground, Hearing, Likeness, Policy, Rung, Sampling, StageLimit, Terms, Timetable
from ..retiming import after_change
from . import side_paths
from .reading import Refusals, Row, document, fit, limit, number, table, whole, word, yes
from .taxonomy import code, named_by, spelt
from .writing import sync

M = TypeVar("M", Area, Department)


@dataclass(frozen=True)
class Table:
    """A file, the rows that it makes, what tells these apart, and what else they say."""

    file: str
    model: type[Model]
    build: Callable[[Any], Model]
    key: Sequence[str]
    says: Sequence[str]
    needs: Sequence[str] = ()  # columns, of a CSV

    def rows(self, folder: Path, refusals: Refusals) -> list[Model]:
        found: dict[Hashable, Model] = {}
        for line, said in self._read(folder / self.file, refusals):
            with refusals.at(self.file, line):
                row = self.build(said)
                fit(row)
                if found.setdefault(self.identity(row), row) is not row:
                    raise Refused("duplicate", _("前面已有同样的一行"))
        return list(found.values())

    def _read(self, path: Path, refusals: Refusals) -> Iterable[tuple[int, Any]]:
        if path.suffix == ".csv":
            return table(path, self.needs, refusals)
        with refusals.at(path.name):
            return list(enumerate(_entries(document(path)), 1))
        return []

    def identity(self, row: Model) -> Hashable:
        return tuple(getattr(row, name) for name in self.key)

    def write(self, wanted: Sequence[Model]) -> Counts:
        standing = self._standing()
        counts, gone = sync(standing.values(), wanted, key=self.identity, columns=self.says)
        counts.retired = len(gone)
        self.model._default_manager.filter(pk__in=[row.pk for row in gone]).delete()
        if counts.touched:
            after_change([*wanted, *gone])
        if standing and counts.touched:  # to fill an empty table changes nothing that anybody knew
            self._note(standing)
        return counts

    def _standing(self) -> dict[Hashable, Model]:
        return {self.identity(row): row for row in self.model._default_manager.all()}

    def _note(self, before: Mapping[Hashable, Model]) -> None:
        """What was before and is after, as of a change in a page; who ran the command is not known."""
        after = self._standing()
        pairs = ((before.get(key), after.get(key)) for key in {**before, **after})
        changes.note([(old, new) for old, new in pairs if _values(old) != _values(new)], by=None)


def _values(row: Model | None) -> list[object]:
    return [field.value_from_object(row) for field in row._meta.concrete_fields] if row else []


@transaction.atomic
def load(folder: Path) -> dict[str, Counts]:
    """Make each table whose file the folder holds say what that file says; gives what was done, by file.

    Raises `NotLoaded`; nothing is written then.
    """
    refusals = Refusals()
    present = [kind for kind in TABLES if (folder / kind.file).is_file()]
    with refusals.at(folder.name):
        if not present:
            raise Refused("file_missing", _("文件夹里没有规则文件"))
    wanted = [(kind, kind.rows(folder, refusals)) for kind in present]
    for kind, rows in wanted:
        with refusals.at(kind.file):
            if kind.model is Rung:
                for rungs in _ladders(rows):
                    _climb(rungs)
    refusals.settle()
    return {kind.file: kind.write(rows) for kind, rows in wanted}


def _entries(said: Any) -> list[Any]:
    if isinstance(said, list):
        return said
    raise Refused("not_a_list", _("须是一个列表"))


def _ladders(rungs: Iterable[Any]) -> Iterable[list[Any]]:
    found: dict[Hashable, list[Any]] = {}
    for rung in rungs:
        found.setdefault(tuple(getattr(rung, name) for name in Rung.SCOPE), []).append(rung)
    return found.values()


def _climb(rungs: Sequence[Any]) -> None:
    ladder = sorted(rungs, key=lambda rung: rung.level)
    if [rung.level for rung in ladder] != list(range(1, len(ladder) + 1)):
        raise Refused("rung_levels", _("升级阶梯的级别须从 1 起连续"))
    if any(higher.share <= lower.share for lower, higher in pairwise(ladder)):
        raise Refused("rung_shares", _("升级阶梯的时限比例须逐级增大"))


def _policy(row: Row) -> Policy:
    area = _known(Area, row["area"]) if row["area"] else None
    automatic = yes(row, "automatic")
    return Policy(verb=word(row, "verb"), source=row["source"], area=area, automatic=automatic, note=row["note"])


def _stage_limit(row: Row) -> StageLimit:
    asked = limit(row, "value", "unit")
    stage, urgent = word(row, "stage"), yes(row, "urgent")
    return StageLimit(stage=stage, source=row["source"], urgent=urgent, value=asked.value, unit=asked.unit.value)


def _rung(row: Row) -> Rung:
    rung = Rung(
        level=whole(row, "level"),
        share=number(row, "share"),
        role=word(row, "role"),
        category=_category(row) if row.get("major") else None,
        urgent=yes(row, "urgent"),
        department=_known(Department, row["department"]) if row.get("department") else None,
        at_night=yes(row, "at_night") if row.get("at_night") else None,
    )
    if rung.share <= 0:
        raise Refused("rung_shares", _("时限比例须大于零"))
    if sum(map(bool, (rung.category, rung.urgent, rung.department))) > 1:
        raise Refused("rung_scope", _("一级阶梯只能属于一个类别、紧急类别或一个责任单位"))
    return rung


def _likeness(row: Row) -> Likeness:
    category = _category(row) if row["major"] else None
    by_major = yes(row, "by_major")
    return Likeness(category=category, metres=whole(row, "metres"), days=whole(row, "days"), by_major=by_major)


def _hearing(row: Row) -> Hearing:
    channels = row["channels"].split()
    urgent = yes(row, "urgent")
    return Hearing(verb=row["verb"], entered=row["entered"], who=word(row, "who"), urgent=urgent, channels=channels)


def _sampling(row: Row) -> Sampling:
    asked = limit(row, "value", "unit")
    return Sampling(
        source=row["source"],
        area=_known(Area, row["area"]) if row["area"] else None,
        category=_category(row) if row["major"] else None,
        share=number(row, "share"),
        days=whole(row, "days"),
        value=asked.value,
        unit=asked.unit.value,
    )


def _category(row: Row) -> Category:
    """The sub-class that a row names, or the middle or the major where it names no sub-class."""
    said = {name: row.get(name, "") for name in ("scheme", "kind", "major", "middle", "sub")}
    same = Category.objects.filter(scheme=said["scheme"], kind=said["kind"], major=said["major"], closed_on=None)
    if found := named_by(said, {code(known): known for known in same.select_related("parent")}):
        return found
    raise Refused("category_unknown", _("没有类别 %(code)s") % {"code": spelt(said)})


def _timetable(said: Any) -> Timetable:
    """What makes no calendar is refused, as the rulebook would read it."""
    try:
        row = Timetable(
            name=said["name"],
            department=_known(Department, said["department"]) if said.get("department") else None,
            workdays=said["workdays"],
            day_s=said["day_s"],
            seasons=said["seasons"],
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise Refused("timetable_invalid", _("作息写得不对：%(error)s") % {"error": repr(error)}) from None
    row.calendar({}, frozenset())
    return row


def _known(model: type[M], code: str) -> M:
    if row := model._default_manager.filter(code=code, closed_on=None).first():
        return row
    what = model._meta.verbose_name
    raise Refused("code_unknown", _("没有代码为 %(code)s 的%(what)s") % {"code": code, "what": what})


TABLES = (
    Table(
        "terms.csv",
        Terms,
        side_paths.terms,
        key=("verb",),
        says=("at_most", "within_value", "within_unit", "when_late", "longest_days"),
        needs=("verb", "at_most", "within_value", "within_unit", "when_late", "longest_days"),
    ),
    Table(
        "grounds.csv",
        Ground,
        side_paths.ground,
        key=("verb", "code"),
        says=("name", "name_en"),
        needs=("verb", "code", "name"),
    ),
    Table(
        "likeness.csv",
        Likeness,
        _likeness,
        key=("category_id",),
        says=("metres", "days", "by_major"),
        needs=("major", "metres", "days", "by_major"),
    ),
    Table(
        "policies.csv",
        Policy,
        _policy,
        key=("verb", "source", "area_id"),
        says=("automatic", "note"),
        needs=("verb", "source", "area", "automatic", "note"),
    ),
    Table(
        "stage_limits.csv",
        StageLimit,
        _stage_limit,
        key=("stage", "source", "urgent"),
        says=("value", "unit"),
        needs=("stage", "source", "value", "unit"),
    ),
    Table(
        "rungs.csv",
        Rung,
        _rung,
        key=("level", *Rung.SCOPE),
        says=("share", "role", "at_night"),
        needs=("level", "share", "role"),
    ),
    Table(
        "hearings.csv",
        Hearing,
        _hearing,
        key=("verb", "entered", "who", "urgent"),
        says=("channels",),
        needs=("verb", "entered", "who", "urgent", "channels"),
    ),
    Table(
        "samplings.csv",
        Sampling,
        _sampling,
        key=("source", "area_id", "category_id"),
        says=("share", "days", "value", "unit"),
        needs=("source", "area", "major", "share", "days", "value", "unit"),
    ),
    Table(
        "timetables.json",
        Timetable,
        _timetable,
        key=("department_id",),
        says=("name", "workdays", "day_s", "seasons"),
    ),
)
