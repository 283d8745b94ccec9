"""试算: what a past period would have been under other limits or duties. Nothing is published, no case is touched.

Reckoned from the log by the very functions of rules and clocks, with another rulebook as their value. What differs is
the handling: when each stint of it would have been due, whose it would have been, and so what was on time. What people
did and when stays as it was; so does what the centre did afterwards. An extension granted keeps its length.

begin()   ask for a trial; the worker begins at once
reckon()  what the worker does: some seconds of it, until the trial is over
beside()  what came of it: each subject as it is and as it would be
tidy()    forget those of long ago
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import islice
from time import monotonic
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils.translation import gettext as _
from django_q.tasks import async_task

from grid import levels
from grid.models import Area, Cell, Officer
from grid.moment import local_day, now

from . import clock, evaluation, indicators, looking, rulebook, rules
from .clock import Limit, Unit
from .evaluation import Standing
from .flow import Refused, Stage, Verb
from .indicators import AREAS, Figures
from .models import Basis, Case, CaseEvent, Condition, Duty, Scheme, Trial
from .periods import Period
from .rulebook import Rulebook
from .tally import midnight

BATCH = 500
TURN_S = 3.0  # then others have their turn of the worker
MOVED = ("dispatched", "finished", "on_time", "overdue", "exempt")
"""The metrics that other limits and duties change."""

KINDS = (Scheme.Kind.DEPARTMENT, Scheme.Kind.CELL, *AREAS)
logger = logging.getLogger("cases")


def fits(scheme: Scheme) -> bool:
    """Whether a scheme can be tried so: people are judged by other things, and cohorts by other days."""
    return scheme.kind in KINDS and scheme.basis == Basis.FLOW


def of(by: Officer) -> QuerySet[Trial]:
    """An officer's trials, the newest first."""
    return Trial.objects.filter(by=by).select_related("scheme").order_by("-id")


def begin(scheme: Scheme, period: Period, said: Mapping[str, Any], by: Officer) -> Trial:
    """Ask the worker to reckon: {"limits": [{"condition", "value", "unit"}], "duties": [{"category", "area",
    "department"}]}. The same that is still under way is that one. Raises Refused for what is not there, and for
    schemes of people, whom neither changes."""
    if not fits(scheme):
        raise Refused("trial_unfit", _("只有按发生日统计的区域和责任单位方案可以这样试算。"), field="scheme")
    if not (said.get("limits") or said.get("duties")):
        raise Refused("trial_unfit", _("请写明要改动的时限或责任。"), field="limits")
    other(rulebook.current(), said)
    what = {"scheme": scheme, "said": dict(said), "since": period.since, "until": period.until, "by": by}
    same = Trial.objects.filter(finished_at=None, **what).first()
    if same:
        return same
    with transaction.atomic():
        trial = Trial.objects.create(at=now(), **what)
        async_task("cases.whatif.reckon", trial.pk)
    return trial


def other(book: Rulebook, said: Mapping[str, Any]) -> Rulebook:
    """The rulebook that would be. Raises Refused."""
    conditions, duties = dict(book.conditions), dict(book.duties)
    for row in said.get("limits", ()):
        limit = Limit(row["value"], Unit(row["unit"]))
        condition = _known(book.conditions, row["condition"], "condition_unfit", "limits")
        conditions[condition.pk] = _limited(condition, limit)
    for row in said.get("duties", ()):
        category = _known(book.categories, row["category"], "category_unknown", "duties")
        department = _known(book.departments, row["department"], "department_unknown", "duties")
        area = next((area for area in book.areas.values() if area.code == row.get("area")), None)
        if row.get("area") and area is None:
            raise Refused("area_unknown", _("没有这个区域：%(code)s") % {"code": row["area"]}, field="duties")
        key = (category.pk, area.code if area else "")
        duties[key] = Duty(category=category, area=area, department=department)
    return replace(book, conditions=conditions, duties=duties)


def _known(rows: Mapping[int, Any], pk: int, code: str, field: str) -> Any:
    if pk not in rows:
        raise Refused(code, _("没有这一行：%(pk)s") % {"pk": pk}, field=field)
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


def reckon(pk: int) -> None:
    """Reckon for TURN_S seconds, and order the next turn. Idempotent; two at once: one of them does nothing.

    A rule that somebody changes meanwhile begins the trial anew: half of it would be by other rules.
    """
    with transaction.atomic():
        trials = Trial.objects.select_for_update(skip_locked=True, of=("self",)).select_related("scheme")
        trial = trials.filter(pk=pk, finished_at=None).first()
        if trial is None:
            return
        try:
            with transaction.atomic():
                over = _turn(trial)
        except Exception as error:
            logger.exception("trial %s", pk)
            trial.failed = error.code if isinstance(error, Refused) else "broken"
            over = True
        if over:
            trial.finished_at = now()
        trial.save(update_fields=["done", "whole", "found", "state", "failed", "finished_at"])
        if not over:
            async_task("cases.whatif.reckon", pk)


Key = tuple[int, int | None]  # a case, and the line that ended its stint; None: it is under way
Differences = MutableMapping[tuple[int, int], Figures]  # by cell and department


def _turn(trial: Trial) -> bool:
    """Some batches more; whether it was the last. What was found so far, and where to go on, is the trial's state."""
    book, until = rulebook.current(), monotonic() + TURN_S
    then, edition = other(book, trial.said), str(book.version)
    if not trial.state or trial.state["edition"] != edition:
        trial.state = {"edition": edition, "within": _ground(trial), "line": 0, "case": 0, "found": []}
        trial.done, trial.whole = 0, sum(rows.count() for rows in _rows(trial, trial.state))
    difference: Differences = defaultdict(Figures)
    difference.update({(cell, whose): Figures(counts) for cell, whose, counts in trial.state["found"]})
    left = _keys(trial, trial.state)
    while keys := list(islice(left, BATCH)):
        for stint in _stints(book, keys):
            _differ(difference, book, then, stint, trial)
        trial.done += len(keys)
        case, line = keys[-1]
        trial.state |= {"line": line} if line else {"case": case}
        if monotonic() > until:
            trial.state["found"] = [[*key, counts] for key, counts in difference.items()]
            return False
    trial.found = _by_subject(trial.scheme.kind, difference)
    trial.done, trial.state["found"] = trial.whole, []
    return True


def _rows(trial: Trial, state: Mapping[str, Any]) -> tuple[QuerySet[CaseEvent], QuerySet[Case]]:
    """The stints that lasted into the period, or began in it, due then or done then: those that are over, by the line
    that ended them, and those under way."""
    begins, ends, within = midnight(trial.since), midnight(trial.until + timedelta(days=1)), state["within"]
    over = CaseEvent.objects.filter(left=Stage.HANDLING, at__gte=begins, since__lt=ends).exclude(entered=F("left"))
    still = Case.objects.filter(stage=Stage.HANDLING, entered_at__lt=ends)
    if within:
        over = over.filter(case__cell__area__code__startswith=within)
        still = still.filter(cell__area__code__startswith=within)
    return over, still


def _ground(trial: Trial) -> str:
    """To which area the work of departments is narrowed, as for whoever asked. Regions stand among all regions."""
    return looking.ground(trial.by) if trial.scheme.kind == Scheme.Kind.DEPARTMENT else ""


def _keys(trial: Trial, state: Mapping[str, Any]) -> Iterator[Key]:
    """What is left to reckon. Those under way come last, so that none is met twice."""
    over, still = _rows(trial, state)
    line, case = state["line"], state["case"]
    if not case:
        yield from over.filter(pk__gt=line).order_by("pk").values_list("case", "pk")
    under_way = still.filter(pk__gt=case).order_by("pk")
    yield from ((pk, None) for pk in under_way.values_list("pk", flat=True))


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


def _differ(difference: Differences, book: Rulebook, then: Rulebook, stint: Stint, trial: Trial) -> None:
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
    parents = indicators.above()
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
    wide = levels.width(kind)
    area = dict(Area.objects.filter(code__regex=rf"^.{{{wide}}}$").values_list("code", "pk"))
    codes = Cell.objects.values_list("pk", "area__code")
    return {pk: [area[code[:wide]]] for pk, code in codes if code[:wide] in area}


def beside(trial: Trial) -> list[tuple[Standing, Standing]]:
    """Each subject as it is and as it would be, the best of today first, of those whose figures are for whoever asked.

    Only of a trial that is finished. Raises Refused (not_your_ground) where his ground is another one by now.
    """
    scheme, within = trial.scheme, (trial.state or {}).get("within", "")
    if within != _ground(trial):
        raise Refused("not_your_ground", _("试算之后您的辖区有变动，请重新试算。"))
    own, plan, judged = (
        looking.seen(trial.by, scheme.kind),
        evaluation.plan_of(scheme),
        evaluation.subjects(scheme.kind),
    )
    codes = {*plan.codes, *MOVED}
    found = evaluation.counted(scheme.kind, scheme.basis, trial.since, trial.until, codes, within=within)
    would = {pk: Figures(counts) for pk, counts in found.items()}
    for subject, counts in (trial.found or {}).items():
        would.setdefault(int(subject), Figures()).add(counts)
    if within:
        judged = [each for each in judged if each.pk in would]
    then = {row.subject.pk: row for row in evaluation.ranked(judged, would, plan)}
    rows = evaluation.ranked(judged, found, plan)
    return [(row, then[row.subject.pk]) for row in rows if own is None or row.subject.pk in own]


def tidy() -> None:
    """Forget trials that were asked for more than TRIAL_DAYS ago. Idempotent."""
    Trial.objects.filter(at__lt=now() - timedelta(days=settings.TRIAL_DAYS)).delete()
