"""What follows for open work when people move or leave, and units and cells are closed (移交): docs/reorganising.md.

settle()   puts right, in the caller's transaction, all that nobody can carry any more, and says what that was
owed()     what a department still has that needs an heir

The desk, the loader of a city and the worker call the same settle(); who wants to know beforehand calls it and rolls
back. It looks at what is, not at what was changed: it may be run at any time, and a second run does nothing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Model, Q
from django.utils.translation import gettext as _

from grid import changes, leave
from grid.models import Beat, Component, Department, Leave, Officer
from grid.moment import local_day, now
from grid.roles import Role

from . import docket, draw, flow, rechecks, rulebook, rules, succession
from .flow import Facts, Stage, Verb
from .models import Case, CaseEvent, Duty
from .reasons import Reason
from .rulebook import Rulebook
from .succession import ERRANDS

BATCH = 200
SHOWN = 20  # names in one sentence
POSTS = ("owner", "maintainer", "supervisor")
MOVED = """
    SELECT c.id FROM cases_case c JOIN grid_cell g ON g.id = c.cell_id
    WHERE c.stage = ANY(%s) AND (g.closed_on IS NOT NULL OR %s AND NOT ST_Covers(g.shape, c.point))
"""
ORDERS = {Stage.VERIFY: (Verb.REPORT, Verb.ORDER_VERIFY), Stage.CHECK: (Verb.FINISH, Verb.ORDER_CHECK)}
"""Of an errand: after which verb the system may have ordered it, and by which it orders it again."""


@dataclass
class Settled:
    """What was put right: by kind, the numbers of cases or the names of rows."""

    found: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def __bool__(self) -> bool:
        return any(self.found.values())

    @property
    def mark(self) -> str:
        """A word for exactly this: who agrees to it says which he saw."""
        said = sorted((kind, *sorted(names)) for kind, names in self.found.items() if names)
        return sha256(repr(said).encode()).hexdigest()[:16]

    def in_words(self) -> list[tuple[str, str]]:
        """A stable code and a sentence for each kind, with how many and the first of them."""
        return [
            (kind, sentence % {"count": len(names), "names": listed(names)})
            for kind, sentence in _sentences().items()
            if (names := self.found.get(kind))
        ]


def listed(names: Collection[str]) -> str:
    """The first names, and a mark where there are more."""
    return _("、").join(sorted(names)[:SHOWN]) + ("…" if len(names) > SHOWN else "")


def _sentences() -> dict[str, str]:
    return {
        "inherited": _("%(count)s 件在办案卷移交承接单位：%(names)s"),
        "orphaned": _("%(count)s 件在办案卷的单位已撤销且没有承接单位，退回待派遣：%(names)s"),
        "undirected": _("%(count)s 件待处置的案卷没有责任单位，转入待派遣：%(names)s"),
        "released": _("%(count)s 件已签收的案卷解除承办，由责任单位重新签收：%(names)s"),
        "recalled": _("%(count)s 件核实、核查任务收回：%(names)s"),
        "relocated": _("%(count)s 件在办案卷改属现在的单元网格：%(names)s"),
        "duties": _("%(count)s 条责任清单改归承接单位：%(names)s"),
        "components": _("%(count)s 个部件改归承接单位：%(names)s"),
        "people": _("%(count)s 名人员转入承接单位：%(names)s"),
        "stand_ins": _("%(count)s 人请假期间的代岗人不再合适，代岗取消：%(names)s"),
        "rechecks": _("%(count)s 件复查抽中的人已不能前往，另行抽取。"),
    }


@transaction.atomic
def settle(*, by: Officer | None = None, ground: bool = False) -> Settled:
    """Put right all that nobody can carry any more, and say what that was. Idempotent.

    `by`: who changed the settings that this follows from. `ground`: the map was changed, so the point of every open
    case is looked at, not of those in closed cells alone.
    """
    at, settled = now(), Settled()
    _inherit_settings(rulebook.current(), settled, by)
    _end_stand_ins(settled, at)
    book = rulebook.current()  # with the duties as they are now
    pks = sorted({*_held_in_vain(book), *_closed(), *_elsewhere(ground), *_unpatrolled()})
    for n in range(0, len(pks), BATCH):
        _settle(book, pks[n : n + BATCH], settled, at)
    settled.found["rechecks"] += map(str, rechecks.replace_gone())
    return settled


def tend() -> int:
    """The worker's round, for what slipped through between two transactions. Says how many things were put right."""
    return sum(map(len, settle().found.values()))


def owed(departments: Collection[int]) -> dict[int, str]:
    """What departments still have that needs an heir, in words; those that have nothing are left out."""
    words: dict[int, list[str]] = defaultdict(list)
    numbers: dict[int, list[str]] = defaultdict(list)
    for pk, number in Case.objects.open().filter(department__in=departments).values_list("department", "number"):
        numbers[pk].append(number)
    for pk, held in numbers.items():
        words[pk].append(_("%(count)s 件在办案卷（%(names)s）") % {"count": len(held), "names": listed(held)})
    for pk, n in Counter(Duty.objects.filter(department__in=departments).values_list("department", flat=True)).items():
        words[pk].append(_("%(count)s 条责任清单") % {"count": n})
    registered = Component.objects.filter(closed_on=None)
    posts = (registered.filter(**{f"{post}__in": departments}).values_list(post, flat=True) for post in POSTS)
    for pk, n in Counter(pk for post in posts for pk in post if pk).items():
        words[pk].append(_("%(count)s 项部件登记") % {"count": n})
    return {pk: _("、").join(said) for pk, said in words.items()}


def _inherit_settings(book: Rulebook, settled: Settled, by: Officer | None) -> None:
    """Duties, people and components of closed departments go to their heirs."""
    heirs = {pk: heir for pk, row in book.departments.items() if row.closed_on and (heir := book.heir(pk))}
    if not heirs:
        return
    duties = Duty.objects.filter(department__in=heirs).select_related("category", "area")
    settled.found["duties"] += _given(list(duties), heirs, by)
    people = Officer.objects.filter(is_active=True, department__in=heirs)
    settled.found["people"] += _given(list(people), heirs, by)
    components: set[str] = set()
    for pk, heir in heirs.items():
        for post in POSTS:
            held = Component.objects.filter(**{post: pk, "closed_on": None})
            components.update(held.values_list("code", flat=True))
            held.update(**{post: heir})
    settled.found["components"] += components


def _given(rows: list[Any], heirs: dict[int, Department], by: Officer | None) -> list[str]:
    """Rows with a department, given to its heir and written down; by name."""
    pairs: list[tuple[Model | None, Model | None]] = []
    for row in rows:
        before = copy(row)
        row.department = heirs[row.department_id]
        row.save(update_fields=["department"])
        pairs.append((before, row))
    changes.note(pairs, by=by)
    return [str(row) for row in rows]


def _end_stand_ins(settled: Settled, at: datetime) -> None:
    """Who cannot see the work that would reach him stands in for nobody."""
    standing = Leave.objects.filter(until__gt=at, stand_in__isnull=False)
    for row in standing.select_related("officer__area", "stand_in__area"):
        if row.stand_in and not leave.can_stand_in(row.stand_in, row.officer):
            row.stand_in = None
            row.save(update_fields=["stand_in"])
            settled.found["stand_ins"].append(str(row.officer))


def _held_in_vain(book: Rulebook) -> Iterator[int]:
    for case in Case.objects.open().filter(holder__isnull=False).select_related("holder", "department"):
        heir = succession.successor(book, case)
        if succession.gone(book, case, heir.pk if heir else case.department_id):
            yield case.pk


def _closed() -> Iterable[int]:
    """Work of closed departments and of none, without those that have no heir and whose turn it is not."""
    lost = Q(department__heir__isnull=False) | Q(stage=Stage.HANDLING)
    nobodys = Q(stage=Stage.HANDLING, department=None)
    found = Case.objects.open().filter(nobodys | lost & Q(department__closed_on__isnull=False))
    return found.values_list("pk", flat=True)


def _elsewhere(ground: bool) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(MOVED, [[str(stage) for stage in flow.OPEN], ground])
        return [pk for (pk,) in cursor.fetchall()]


def _unpatrolled() -> Iterable[int]:
    """Errands that are nobody's: given to no one, in a cell where nobody walks."""
    errands = Case.objects.filter(stage__in=ERRANDS, holder=None)
    return errands.exclude(cell__in=_patrolled()).values_list("pk", flat=True)


def _patrolled() -> Any:
    walked = Beat.objects.filter(officers__is_active=True, officers__roles__contains=[str(Role.INSPECTOR)])
    return walked.exclude(cells=None).values("cells")


def _settle(book: Rulebook, pks: Collection[int], settled: Settled, at: datetime) -> None:
    """Duplicates come after their masters and children after their parents, as everywhere they are locked."""
    ordered = Case.objects.filter(pk__in=pks).order_by(F("same_as").asc(nulls_first=True), "pk")
    steps = [(case, list(_steps(book, case, settled, at))) for case in docket.locked(ordered)]
    if written := [(case, events) for case, events in steps if events]:
        docket.write_all(written)


def _steps(book: Rulebook, case: Case, settled: Settled, at: datetime) -> Iterator[CaseEvent]:
    """What is done with one case, in memory. Each step is decided upon what the one before left."""
    kind = "orphaned" if case.department_id else "undirected"
    for verb, facts in succession.orphans(book, case, local_day(at)):
        if verb == Verb.DECLINE:
            settled.found[kind].append(case.number)
        yield docket.own(book, case, verb, facts, at)
    if decided := succession.hand_over(book, case, succession.standing_cell(case)):
        verb, facts = decided
        kinds = {"inherited": facts.department, "relocated": facts.cell}
        kinds["released"] = case.holder_id if facts.holder is None else None
        for kind in (kind for kind, said in kinds.items() if said):
            settled.found[kind].append(case.number)
        yield docket.own(book, case, verb, facts, at)
    if case.stage in ERRANDS and (why := _nobodys(book, case)):
        settled.found["recalled"].append(case.number)
        yield from _recalled(book, case, why, at)


def _nobodys(book: Rulebook, case: Case) -> Reason | None:
    """Why an errand is to be taken back; None if somebody can run it."""
    if succession.gone(book, case, case.department_id):
        return {"code": "holder_gone", "holder": str(case.holder)}
    walked = case.holder_id or _patrolled().filter(cells=case.cell_id).exists()
    return None if walked else {"code": "nobody_patrols"}


def _recalled(book: Rulebook, case: Case, why: Reason, at: datetime) -> Iterator[CaseEvent]:
    """The errand taken back, and given out anew by the lot where the system gives it out."""
    after, order = ORDERS[Stage(case.stage)]
    last = docket.own(book, case, Verb.RECALL, Facts(why=(why,)), at)
    yield last
    decided = rules.next_move(book, case, after, local_day(at))
    if decided is None or decided[0] != order or docket.held(case, order, last):
        return
    facts = draw.give(case, order, decided[1], last)
    if waits := draw.none(facts):
        last.facts["waits"] = list(waits)
    elif order == Verb.ORDER_CHECK or _patrolled().filter(cells=case.cell_id).exists():
        yield docket.own(book, case, order, facts, at)
