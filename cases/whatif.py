"""试算: what a past period would have been under other limits or duties. Nothing is published, no case is touched.

Reckoned from the log by the very functions of rules and clocks, with another rulebook as their value. What differs is
the handling: when each stint of it would have been due, whose it would have been, and so what was on time. What people
did and when stays as it was; so does what the centre did afterwards. An extension granted keeps its length.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import F
from django.utils.translation import gettext as _
from django_q.tasks import async_task

from grid.models import Area, Cell, Department, Officer
from grid.moment import local_day, now

from . import clock, evaluation, indicators, looking, rulebook, rules
from .clock import Limit, Unit
from .evaluation import Standing
from .flow import Refused, Stage, Verb
from .indicators import AREAS, Figures
from .models import Basis, Case, CaseEvent, Condition, Duty, Scheme, Trial
from .periods import Period
from .rulebook import Rulebook
from .schedules import LONGEST_S, busy
from .tally import midnight

BATCH = 500
MOVED = ("dispatched", "finished", "on_time", "overdue", "exempt")
"""The metrics that other limits and duties change."""

KINDS = (Scheme.Kind.DEPARTMENT, Scheme.Kind.CELL, *AREAS)


def begin(scheme: Scheme, period: Period, said: Mapping[str, Any], by: Officer) -> Trial:
    """Ask the worker to reckon: {"limits": [{"condition", "value", "unit"}], "duties": [{"category", "area",
    "department"}]}. Raises Refused for what is not there, and for schemes of people, whom neither changes."""
    if scheme.kind not in KINDS or scheme.basis != Basis.FLOW:
        raise Refused("trial_unfit", _("只有按发生日统计的区域和责任单位方案可以这样试算。"), field="scheme")
    if not (said.get("limits") or said.get("duties")):
        raise Refused("trial_unfit", _("请写明要改动的时限或责任。"), field="limits")
    if scheme.kind == Scheme.Kind.DEPARTMENT and looking.ground(by):
        raise Refused(
            "not_your_ground", _("各单位全市的数据由负责全市的岗位试算；您可以试算辖区之内的区域。"), field="scheme"
        )
    other(rulebook.current(), said)
    trial = Trial.objects.create(
        scheme=scheme, said=dict(said), since=period.since, until=period.until, by=by, at=now()
    )
    async_task("cases.whatif.reckon", trial.pk, timeout=LONGEST_S)
    return trial


def other(book: Rulebook, said: Mapping[str, Any]) -> Rulebook:
    """The rulebook that would be. Raises Refused."""
    conditions, duties = dict(book.conditions), dict(book.duties)
    for row in said.get("limits", ()):
        limit = Limit(row["value"], Unit(row["unit"]))
        conditions[row["condition"]] = _limited(_known(book.conditions, row["condition"], "condition_unfit"), limit)
    for row in said.get("duties", ()):
        category = _known(book.categories, row["category"], "category_unknown")
        department = _known(book.departments, row["department"], "department_unknown")
        area = next((area for area in book.areas.values() if area.code == row.get("area")), None)
        if row.get("area") and area is None:
            raise Refused("area_unknown", _("没有这个区域：%(code)s") % {"code": row["area"]}, field="duties")
        key = (category.pk, area.code if area else "")
        duties[key] = Duty(category=category, area=area, department=department)
    return replace(book, conditions=conditions, duties=duties)


def _known(rows: Mapping[int, Any], pk: int, code: str) -> Any:
    if pk not in rows:
        raise Refused(code, _("没有这一行：%(pk)s") % {"pk": pk}, field="limits")
    return rows[pk]


def _limited(row: Condition, limit: Limit) -> Condition:
    changed = copy(row)
    changed.limit_value, changed.limit_unit = limit.value, limit.unit
    return changed


@dataclass(frozen=True)
class Stint:
    """A stretch of handling: whose, since when, until when it lasted, and with how much time."""

    case: Case
    department: int
    since: datetime
    ended: datetime | None
    verb: str  # which ended it
    clock: str
    allowed_s: int | None
    due_at: datetime | None
    first: bool  # begun by a dispatch
    appealed: bool


@busy()
def reckon(pk: int) -> None:
    """Reckon a trial, telling how far it is. Run by the worker; idempotent: from the start each time."""
    trial = Trial.objects.select_related("scheme").get(pk=pk)
    book = rulebook.current()
    then = other(book, trial.said)
    keys = list(_keys(trial.since, trial.until))
    trial.whole = len(keys)
    difference: dict[tuple[int, int], Figures] = defaultdict(Figures)
    for start in range(0, len(keys), BATCH):
        for stint in _stints(book, keys[start : start + BATCH]):
            _differ(difference, book, then, stint, trial)
        trial.done = min(start + BATCH, len(keys))
        trial.save(update_fields=["done", "whole"])
    trial.found = _by_subject(trial.scheme.kind, difference)
    trial.done, trial.finished_at = trial.whole, now()
    trial.save(update_fields=["done", "whole", "found", "finished_at"])


Key = tuple[int, int | None]  # a case, and the line that ended its stint; None: it is under way


def _keys(since: date, until: date) -> Iterator[Key]:
    """The stints that lasted into the period, or began in it: due then, or done then."""
    begins, ends = midnight(since), midnight(until + timedelta(days=1))
    left = CaseEvent.objects.filter(left=Stage.HANDLING, at__gte=begins, since__lt=ends).exclude(entered=F("left"))
    yield from left.order_by("pk").values_list("case", "pk")
    still = Case.objects.filter(stage=Stage.HANDLING, entered_at__lt=ends).order_by("pk")
    yield from ((pk, None) for pk in still.values_list("pk", flat=True))


def _stints(book: Rulebook, keys: Sequence[Key]) -> Iterator[Stint]:
    case = Case.objects.select_related("cell", "component").in_bulk([pk for pk, _event in keys])
    appealed = set(CaseEvent.objects.filter(case__in=case, verb=Verb.EXEMPT).values_list("case", flat=True))
    event = CaseEvent.objects.in_bulk([pk for _case, pk in keys if pk])
    begun = set(CaseEvent.objects.filter(case__in=case, verb=Verb.DISPATCH).values_list("case", "at"))
    for pk, line in keys:
        one = case[pk]
        one.cell.area = book.areas[one.cell.area_id]
        over = event[line] if line else None
        frozen: Any = over or one
        since = over.since if over else one.entered_at
        if since is None or frozen.department_id is None:
            continue
        yield Stint(
            case=one,
            department=frozen.department_id,
            since=since,
            ended=over.at if over else None,
            verb=over.verb if over else "",
            clock=frozen.clock,
            allowed_s=frozen.allowed_s,
            due_at=frozen.due_at,
            first=(pk, since) in begun,
            appealed=pk in appealed,
        )


def _differ(
    difference: dict[tuple[int, int], Figures], book: Rulebook, then: Rulebook, stint: Stint, trial: Trial
) -> None:
    """What a stint would have counted, less what it counted."""
    department, due_at = _would(book, then, stint)
    if (department, due_at) == (stint.department, stint.due_at):
        return
    cell = stint.case.cell_id
    for sign, whose, due in ((-1, stint.department, stint.due_at), (1, department, due_at)):
        for code, day in _counts(stint, due):
            if trial.since <= day <= trial.until:
                difference[cell, whose][code] += sign


def _would(book: Rulebook, then: Rulebook, stint: Stint) -> tuple[int, datetime | None]:
    """Whose it would have been, and when due."""
    routed, _why = rules.route(book, stint.case)
    instead, _why = rules.route(then, stint.case)
    by_duty = routed is not None and routed.pk == stint.department  # what somebody dispatched by hand stays there
    department = instead.pk if by_duty and instead else stint.department
    condition = stint.case.condition_id
    if not condition or stint.allowed_s is None or not stint.clock:
        return department, stint.due_at
    was, now_is = (
        Limit(row.limit_value, Unit(row.limit_unit)) for row in (book.conditions[condition], then.conditions[condition])
    )
    if was == now_is and department == stint.department:
        return department, stint.due_at
    calendar = then.calendar(department)
    same = was.continuous == now_is.continuous
    spare = stint.allowed_s - was.seconds(book.calendar(stint.department)) if same else 0
    allowed = max(0, now_is.seconds(calendar) + spare)
    return department, clock.deadline(stint.since, allowed, now_is.unit, calendar).due_at


def _counts(stint: Stint, due_at: datetime | None) -> Iterator[tuple[str, date]]:
    """The metrics of a stint, each with its day, as `metrics` defines them."""
    if stint.first:
        yield "dispatched", local_day(stint.since)
    late = due_at is not None and (stint.ended or now()) > due_at
    if stint.verb == Verb.FINISH and stint.ended:
        yield "finished", local_day(stint.ended)
        if not late and stint.allowed_s != 0:
            yield "on_time", local_day(stint.ended)
    if late and due_at and stint.allowed_s != 0:
        yield "overdue", local_day(due_at)
        if stint.appealed:
            yield "exempt", local_day(due_at)


def _by_subject(kind: str, difference: Mapping[tuple[int, int], Figures]) -> dict[str, dict[str, int]]:
    """The differences by the subjects of a scheme."""
    cells = _subjects_of_cells(kind)
    parents = dict(Department.objects.values_list("pk", "parent"))
    found: dict[int, Figures] = defaultdict(Figures)
    for (cell, department), counts in difference.items():
        whole = indicators.upward(department, parents) if kind == Scheme.Kind.DEPARTMENT else cells.get(cell, [])
        for subject in whole:
            found[subject].add(counts)
    return {
        str(pk): {code: n for code, n in counts.items() if n} for pk, counts in found.items() if any(counts.values())
    }


def _subjects_of_cells(kind: str) -> Mapping[int, list[int]]:
    if kind not in AREAS:
        return {pk: [pk] for pk in Cell.objects.values_list("pk", flat=True)}
    area = dict(Area.objects.filter(code__regex=rf"^.{{{AREAS[kind]}}}$").values_list("code", "pk"))
    codes = Cell.objects.values_list("pk", "area__code")
    return {pk: [area[code[: AREAS[kind]]]] for pk, code in codes if code[: AREAS[kind]] in area}


def beside(trial: Trial) -> list[tuple[Standing, Standing]]:
    """Each subject as it is and as it would be, the best of today first, of those whose figures are for whoever asked.

    Only of a trial that is finished.
    """
    own = looking.seen(trial.by, trial.scheme.kind)
    plan, judged = evaluation.plan_of(trial.scheme), evaluation.subjects(trial.scheme.kind)
    found = evaluation.counted(trial.scheme.kind, trial.scheme.basis, trial.since, trial.until, {*plan.codes, *MOVED})
    would = {pk: Figures(counts) for pk, counts in found.items()}
    for subject, counts in (trial.found or {}).items():
        would.setdefault(int(subject), Figures()).add(counts)
    then = {row.subject.pk: row for row in evaluation.ranked(judged, would, plan)}
    now_ = evaluation.ranked(judged, found, plan)
    return [(row, then[row.subject.pk]) for row in now_ if own is None or row.subject.pk in own]
