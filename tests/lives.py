"""The same acts lived twice: once as they came by lot, once more in a city that had other limits or duties from the
start. What is refused there and was not here parts a case from its other life: it is left out of the comparison."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from random import Random
from types import SimpleNamespace
from typing import Any

import time_machine
from django.db import connection

from cases import alarm, docket, rulebook, rules, whatif
from cases.clock import Limit, Unit
from cases.flow import Facts, Purpose, Refused, Source, Stage, Verb
from cases.metrics import METRIC, facts
from cases.models import Case, Condition, Duty
from grid.models import Area, Officer
from grid.moment import now

from . import city as town

Name = tuple[int, int]  # which report, and 0, or which of those who help with it
Counts = Counter[tuple[str, int, date]]  # metric, department, day

BY_DUTY, ELSEWHERE = "by duty", "elsewhere"
STEPS = (7, 45, 130, 310, 700, 1500)  # minutes

# What may be done at a stage: verb, who (None: whoever handles it there), and what is said.
AT: Mapping[str, list[tuple[Verb, str | None, Mapping[str, Any]]]] = {
    Stage.FILING: [(Verb.FILE, "carl", {}), (Verb.FILE, "carl", {}), (Verb.ORDER_VERIFY, "carl", {})],
    Stage.VERIFY: [(Verb.VERIFY, "ivan", {"verdict": "true"}), (Verb.VERIFY, "ines", {"verdict": "true"})],
    Stage.DISPATCH: [
        *[(Verb.DISPATCH, "dora", {"department": BY_DUTY})] * 4,
        (Verb.DISPATCH, "dora", {"department": ELSEWHERE}),
        (Verb.ASSIST, "dora", {"department": "office"}),
    ],
    Stage.HANDLING: [
        *[(Verb.FINISH, None, {})] * 6,
        *[(Verb.EXTEND, "dora", {"limit": Limit(1, Unit.WORK_DAY)})] * 2,
        (Verb.EXTEND, "dora", {"limit": Limit(3, Unit.WORK_HOUR)}),
        *[(Verb.SHELVE, "dora", {"days": 3})] * 3,
        *[(Verb.DECLINE, "dora", {})] * 4,
        (Verb.ACCEPT, None, {}),
        (Verb.HASTEN, "carl", {}),
        (Verb.SUPERVISE, "lena", {}),
        (Verb.ASSIST, "dora", {"department": "office"}),
        (Verb.ASSIST, "dora", {"department": "office", "limit": Limit(5, Unit.WORK_HOUR)}),
        (Verb.VOID, "sina", {}),
        (Verb.LINK, "carl", {}),
    ],
    Stage.SHELVED: [(Verb.RESUME, "dora", {})],
    Stage.LINKED: [(Verb.UNLINK, "carl", {})],
    Stage.CHECK: [
        *[(Verb.PASS, who, {}) for who in ("ivan", "ines", "ann")],
        *[(Verb.REWORK, who, {}) for who in ("ivan", "ines", "ann")],
    ],
    Stage.CLOSING: [(Verb.CLOSE, "carl", {}), (Verb.CLOSE, "sina", {})],
    Stage.CLOSED: [
        *[(Verb.REOPEN, "carl", {})] * 2,
        *[(Verb.ASK, None, {"asks": Verb.EXEMPT})] * 2,
        *[(Verb.EXEMPT, "sina", {})] * 2,
    ],
}
NOTED = {
    *(Verb.ASSIST, Verb.EXTEND, Verb.SHELVE, Verb.DECLINE, Verb.HASTEN, Verb.SUPERVISE, Verb.VOID),
    *(Verb.REWORK, Verb.REOPEN, Verb.ASK, Verb.EXEMPT),
}
SHOWS = {Verb.FINISH: Purpose.AFTER, Verb.VERIFY: Purpose.NEAR, Verb.PASS: Purpose.NEAR}


@dataclass
class Act:
    """What somebody tried at a moment. `case` None: it was a report."""

    at: datetime
    case: int | None = None
    child: bool = False
    verb: Verb = Verb.REPORT
    who: str | None = None
    said: Mapping[str, Any] = field(default_factory=dict)
    made: bool = True


@dataclass
class Life:
    """All that happened in a city. `parted`: which cases went another way than in the life that is lived again."""

    city: SimpleNamespace
    clock: time_machine.Traveller
    cases: list[Case] = field(default_factory=list)
    acts: list[Act] = field(default_factory=list)
    parted: set[int] = field(default_factory=set)

    def by_lot(self, seed: int, steps: int, edited: Mapping[int, Mapping[int, Limit]] | None = None) -> Life:
        """So many steps. `edited`: before which of them which limits are changed."""
        chance = Random(seed)
        for n in range(steps):
            for condition, limit in (edited or {}).get(n, {}).items():
                limit_to(condition, limit)
            at = now() + timedelta(minutes=chance.choice(STEPS), seconds=chance.randrange(3, 58))
            self._wait(at)
            act = self._report(chance, at) if n % 6 == 0 else self._some(chance, at)
            act.made = self._do(act)
            self.acts.append(act)
        return self

    def again(self, acts: Iterable[Act]) -> Life:
        """What was done in another life, at the same moments; what was refused there is not tried."""
        for act in acts:
            self._wait(act.at)
            if act.made and not self._do(act):
                self.parted.add(-1 if act.case is None else act.case)
            if act.verb == Verb.LINK and {act.case, act.said["same_as"]} & self.parted:
                self.parted |= {act.case or 0, act.said["same_as"]}
        return self

    def _wait(self, at: datetime) -> None:
        self.clock.move_to(at)
        alarm.ring()

    def _report(self, chance: Random, at: datetime) -> Act:
        who = chance.choice(("ann", "ines", "carl"))
        return Act(at, who=who, said={"cell": chance.randrange(4), "heap": chance.random() < 0.4})

    def _some(self, chance: Random, at: datetime) -> Act:
        n, child = chance.randrange(len(self.cases)), chance.random() < 0.3
        case = self._case(n, child)
        verb, who, said = chance.choice(AT.get(case.stage, [(Verb.HASTEN, "carl", {})]))
        if verb == Verb.LINK:
            said = {"same_as": chance.randrange(len(self.cases))}
        return Act(at, n, child, verb, who, said)

    def _case(self, n: int, child: bool) -> Case:
        case = Case.objects.get(pk=self.cases[n].pk)
        return (case.children.order_by("-pk").first() if child else None) or case

    def _do(self, act: Act) -> bool:
        city = self.city
        if act.case is None:
            by = getattr(city, act.who or "")
            what = {"category": city.refuse.pk, "condition": city.heap.pk} if act.said["heap"] else {}
            source = Source.HOTLINE if by == city.carl else Source.INSPECTOR
            lon = town.LON + (act.said["cell"] + 0.5) * town.STEP
            self.cases.append(town.report(city, by=by, source=source, lon=lon, **what))
            return True
        case = self._case(act.case, act.child)
        handlers = {city.roads.pk: city.hugo, city.parks.pk: city.hana, city.works.pk: city.hedi}
        by = getattr(city, act.who) if act.who else handlers.get(case.department_id, city.otto)
        try:
            docket.move(case.uuid, act.verb, by=by, facts=self._facts(act, case, by))
        except (Refused, Case.DoesNotExist):
            return False
        return True

    def _facts(self, act: Act, case: Case, by: Officer) -> Facts:
        city, said = self.city, dict(act.said)
        match act.verb:
            case Verb.FILE:
                said["condition"] = (city.heap if case.category_id == city.refuse.pk else city.rattling).pk
            case Verb.SHELVE:
                said["until"] = now() + timedelta(days=said.pop("days"))
            case Verb.ASSIST:
                said["department"] = city.office.pk
            case Verb.DISPATCH:
                routed, _why = rules.route(rulebook.current(), case)
                said["department"] = city.works.pk if said["department"] == ELSEWHERE or not routed else routed.pk
            case Verb.LINK:
                said["same_as"] = str(self.cases[said["same_as"]].uuid)
        if act.verb in SHOWS:
            said["photos"] = town.shown(by, SHOWS[act.verb]).photos
        return Facts(**({"note": "因故"} if act.verb in NOTED else {}), **said)

    # What came of it

    def named(self) -> dict[int, Name]:
        """The name of each case that can be compared, by its key."""
        found: dict[int, Name] = {}
        for n, case in enumerate(self.cases):
            if n not in self.parted:
                found[case.pk] = (n, 0)
                children = case.children.order_by("pk").values_list("pk", flat=True)
                found |= {pk: (n, nth) for nth, pk in enumerate(children, 1)}
        return found

    def counts(self) -> dict[Name, Counts]:
        """What each case counts, by the conditions by which figures are counted."""
        names, found = self.named(), defaultdict[Name, Counts](Counter)
        with connection.cursor() as cursor:
            cursor.execute(COUNTED)
            for pk, *what in cursor.fetchall():
                if pk in names:
                    found[names[pk]][tuple(what)] += 1  # type: ignore[index]
        return dict(found)


COUNTED = f"""
    SELECT e.case_id, fact.metric, coalesce(e.department_id, 0),
           (CASE fact.moment WHEN 'at' THEN e.at ELSE e.due_at END AT TIME ZONE 'Asia/Shanghai')::date
    FROM cases_caseevent e JOIN cases_case c ON c.id = e.case_id, {facts(METRIC[code] for code in whatif.MOVED)}
    WHERE fact.moment = 'at' OR e.late
"""  # noqa: S608 (our own names alone)


def limit_to(condition: int, limit: Limit) -> None:
    """Edit the limit of a condition, as an administrator may."""
    Condition.objects.filter(pk=condition).update(limit_value=limit.value, limit_unit=limit.unit)


def ruled(said: Mapping[str, Any]) -> None:
    """The city as a trial would have it, from now on."""
    for row in said.get("limits", ()):
        limit_to(row["condition"], Limit(row["value"], Unit(row["unit"])))
    for row in said.get("duties", ()):
        area = Area.objects.filter(code=row["area"]).first()
        Duty.objects.filter(category=row["category"], area=area).delete()
        Duty.objects.create(category_id=row["category"], area=area, department_id=row["department"])
