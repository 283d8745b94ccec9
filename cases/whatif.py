"""试算: what a past period would have been under other limits or duties. Nothing is published, no case is touched.

Each case is lived again from its log (`replay`), by the very functions of rules and clocks. What differs is the
handling: when each stint of it would have been due, whose it would have been, and so what was on time. What people did
and when stays as it was; so does what the centre did afterwards. The rule in words: docs/figures.md.

begin()   ask for a trial; the worker begins at once
reckon()  what the worker does: some seconds of it, until the trial is over
beside()  what came of it: each subject as it is and as it would be
tidy()    forget those of long ago
"""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import islice
from time import monotonic
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _
from django_q.tasks import async_task

from grid import levels
from grid.models import Area, Cell, Officer
from grid.moment import now

from . import evaluation, indicators, looking, rulebook
from .clock import Limit, Unit
from .evaluation import Standing
from .flow import Refused, Stage, Verb
from .indicators import AREAS, Figures
from .models import Basis, Case, CaseEvent, Duty, Scheme, Trial
from .periods import Period
from .replay import NEEDED, Lines, Other, counted, limited, relive
from .rulebook import Rulebook
from .tally import midnight

BATCH = 500
UNREAD = ("text", "place", "point", "cell__shape", "component__shape")
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
        conditions[condition.pk] = limited(condition, limit)
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


Key = tuple[int, int]  # a case, and how many of its stints lie in the period
Differences = MutableMapping[tuple[int, int], Figures]  # by cell and department, 0 for nobody


def _turn(trial: Trial) -> bool:
    """Some batches more; whether it was the last. What was found so far, and where to go on, is the trial's state."""
    book, until = rulebook.current(), monotonic() + TURN_S
    change, edition = _change(book, trial.said), str(book.version)
    if not trial.state or trial.state["edition"] != edition or "line" in trial.state:  # an old trial went by lines
        trial.state = {"edition": edition, "within": _ground(trial), "case": 0, "found": []}
        trial.done, trial.whole = 0, sum(rows.count() for rows in _rows(trial, trial.state))
    difference: Differences = defaultdict(Figures)
    difference.update({(cell, whose): Figures(counts) for cell, whose, counts in trial.state["found"]})
    left = iter(_keys(trial, trial.state))
    while keys := list(islice(left, BATCH)):
        for case, lines in _lives(book, trial.said, [pk for pk, _stints in keys]):
            _differ(difference, case.cell_id, lines, relive(change, case, lines, now()), trial)
        trial.done += sum(stints for _pk, stints in keys)
        trial.state |= {"case": keys[-1][0]}
        if monotonic() > until:
            trial.state["found"] = [[*key, counts] for key, counts in difference.items()]
            return False
    trial.found = _by_subject(trial.scheme.kind, difference)
    trial.done, trial.state["found"] = trial.whole, []
    return True


def _change(book: Rulebook, said: Mapping[str, Any]) -> Other:
    """What is to be different, as a value. Raises Refused."""
    return Other(book, other(book, said), _limits(said), bool(said.get("duties")))


def _limits(said: Mapping[str, Any]) -> dict[int, Limit]:
    return {row["condition"]: Limit(Decimal(row["value"]), Unit(row["unit"])) for row in said.get("limits", ())}


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


def _keys(trial: Trial, state: Mapping[str, Any]) -> list[Key]:
    """The cases that are left, in order: each is lived again as a whole, once."""
    over, still = _rows(trial, state)
    left: Counter[int] = Counter()
    for rows, name in ((over, "case"), (still, "pk")):
        later = rows.filter(**{f"{name}__gt": state["case"]}).order_by().values_list(name)
        left.update(dict(later.annotate(stints=Count("pk"))))
    return sorted(left.items())


def _lives(book: Rulebook, said: Mapping[str, Any], pks: Sequence[int]) -> Iterator[tuple[Case, list[CaseEvent]]]:
    """Those of some cases that a trial may touch, each with its lines: two statements."""
    limits, tried = list(_limits(said)), [row["category"] for row in said.get("duties", ())]
    filed = CaseEvent.objects.filter(case=OuterRef("pk"), verb=Verb.FILE, facts__condition__in=limits)
    touched = Q(condition__in=limits) | Exists(filed) | Q(category__in=tried) | Q(category__parent__in=tried)
    cases = Case.objects.filter(touched, pk__in=pks).select_related("cell", "component").defer(*UNREAD).in_bulk()
    lines: dict[int, list[CaseEvent]] = defaultdict(list)
    for line in CaseEvent.objects.filter(NEEDED, case__in=cases).order_by("id"):
        lines[line.case_id].append(line)
    for pk, case in cases.items():
        case.cell.area = book.areas[case.cell.area_id]
        yield case, lines[pk]


def _differ(difference: Differences, cell: int, was: Lines, would: Lines, trial: Trial) -> None:
    """What the lines of a case would have counted, less what they counted."""
    if was is would:
        return
    for sign, lines in ((-1, was), (1, would)):
        for code, department, day in counted(lines):
            if trial.since <= day <= trial.until:
                difference[cell, department][code] += sign


def _by_subject(kind: str, difference: Mapping[tuple[int, int], Figures]) -> dict[str, dict[str, int]]:
    """The differences by the subjects of a scheme."""
    cells = _subjects_of_cells(kind)
    parents = indicators.above()
    found: dict[int, Figures] = defaultdict(Figures)
    for (cell, department), counts in difference.items():
        whole = (
            indicators.upward(department or None, parents) if kind == Scheme.Kind.DEPARTMENT else cells.get(cell, [])
        )
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
