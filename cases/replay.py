"""A case lived again from its log, under other limits or duties: what each line would freeze, and what that counts.

The lines are taken again in their order by `docket.take`, the step of the write path itself, on a case in memory. Up to
the first line for which anything would be different they are the log's own, so that what a trial does not change is
never reckoned anew: it stays as it was, whatever has become of rules and calendars since. From there on each line is
wound by the limit that the log says it was wound by, unless that limit is tried.

Nothing here touches the database. The handling alone is lived again: the clocks of the other stages, the ladder and
what callers are owed are left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

from django.db.models import Q

from grid.moment import local_day

from . import docket, flow, rules, stint
from .clock import Limit, Unit
from .flow import NOTHING, Facts, Move, Stage, Verb
from .models import Case, CaseEvent, Condition
from .rulebook import Rulebook

Lines = Sequence[CaseEvent]

NEEDED = Q(left=Stage.HANDLING) | Q(entered=Stage.HANDLING) | Q(verb__in=(Verb.FILE, Verb.UNLINK, Verb.EXEMPT))
"""The lines of a case that are to be known; what happens at other stages moves nothing here."""

SAYS_LIMIT = ("limit_condition", "limit_given", "limit_stage", "limit_none")
"""Reasons that say by which limit a stage's clock was wound; others say what else became of it."""

SAME_WORD = {
    Unit.WORK_DAY: Unit.URGENT_DAY,
    Unit.WORK_HOUR: Unit.URGENT_HOUR,
    Unit.URGENT_DAY: Unit.WORK_DAY,
    Unit.URGENT_HOUR: Unit.WORK_HOUR,
}


@dataclass(frozen=True)
class Other:
    """What is to be different: limits of conditions, and duties, which stand in `then` with no key of their own.

    book: the rules as they are.
    """

    book: Rulebook
    then: Rulebook
    limits: Mapping[int, Limit]
    duties: bool
    _books: dict[tuple[int | None, Limit | None], Rulebook] = field(default_factory=dict, init=False, repr=False)

    @property
    def bare(self) -> Rulebook:
        """The rules of the handling alone, as they are."""
        return self.book_of(None, None)

    def book_of(self, condition: int | None, limit: Limit | None) -> Rulebook:
        """The rules by which a handling is wound: a condition's limit, or without a condition that of its stage."""
        key = condition, limit
        if key not in self._books:
            self._books[key] = self._made(condition, limit)
        return self._books[key]

    def _made(self, condition: int | None, limit: Limit | None) -> Rulebook:
        rows = self.book.conditions
        if condition and limit:
            rows = {**rows, condition: limited(rows[condition], limit)}
        own: dict[tuple[str, str, bool], Limit] = {}
        if limit and not condition:
            own[Stage.HANDLING, "", False] = limit
        return replace(self.book, conditions=rows, limits=own, ladders={}, terms={})


class Wound(NamedTuple):
    """By which limit a line wound the clock of a handling: the code of the reason that says it, and whose limit it is,
    a condition's or the stage's."""

    code: str
    condition: int | None
    limit: Limit | None


def limited(row: Condition, limit: Limit) -> Condition:
    """A condition with another limit."""
    changed = copy(row)
    changed.limit_value, changed.limit_unit = Decimal(limit.value), limit.unit
    return changed


def relive(other: Other, case: Case, lines: Lines, at: datetime) -> Lines:
    """The lines of a case as they would be by a moment; the same where nothing would be different.

    It needs those that are NEEDED. From the first different one on those are there that move the handling.

    Work that is under way and past due ends with the line of an alarm. Raises calendar.Unusable.
    """
    life = _Life(other, case)
    for line in lines:
        life.go_on(line)
    if life.standing is None:
        return lines
    life.ring(life.standing, at)
    return life.lived


class _Life:
    def __init__(self, other: Other, case: Case) -> None:
        self.other, self.case = other, case
        self.condition: int | None = case.condition_id
        self.lived: list[CaseEvent] = []
        self.standing: Case | None = None  # from the first line on that is different

    def go_on(self, line: CaseEvent) -> None:
        """One line more."""
        if line.verb == Verb.FILE:
            self.condition = line.facts.get("condition", self.condition)
        wound, department = self._wound(line), self._department(line)
        would = self._would(wound)
        if self.standing is None:
            if (would, department) == (wound, line.facts.get("department")):
                self.lived.append(line)
                return
            self.standing = self._before(line)
        if not _moves(line):
            self.lived += [line] if line.left != Stage.HANDLING else []  # that it was late, the next one shows as well
            return
        self.standing.stage = line.left
        book = self.other.book_of(would.condition, would.limit) if would else self.other.bare
        step = Move(Verb(line.verb), (), Stage(line.entered) if line.entered != line.left else None, ())
        facts = self._facts(line, department)
        self.lived.append(docket.take(book, self.standing, step, by=None, facts=facts, at=line.at))

    def ring(self, standing: Case, at: datetime) -> None:
        """The alarm of work that is late: no line of the log needs to show it."""
        if standing.stage == Stage.HANDLING and stint.late(standing, at):
            step = flow.move(Stage.HANDLING, Verb.ESCALATE)
            self.lived.append(docket.take(self.other.bare, standing, step, by=None, facts=NOTHING, at=at))

    def _wound(self, line: CaseEvent) -> Wound | None:
        """By which limit a line wound the handling; None where it winds none, or goes on with what was left."""
        if line.entered != Stage.HANDLING or line.left == Stage.HANDLING or line.verb == Verb.RESUME:
            return None
        for reason in line.facts.get("why", ()):
            if reason["code"].startswith(SAYS_LIMIT):
                limit = _limit(reason["limit"]) if "limit" in reason else None
                of_stage = reason["code"].startswith("limit_stage")
                return Wound(reason["code"], None if of_stage else self.condition, limit)
        row = self.other.book.conditions.get(self.condition or 0)  # an old line that does not say it
        return Wound("limit_condition", self.condition, Limit(row.limit_value, Unit(row.limit_unit)) if row else None)

    def _would(self, wound: Wound | None) -> Wound | None:
        """By which limit it would have been wound."""
        if wound is None or wound.code != "limit_condition":
            return wound
        return wound._replace(limit=self.other.limits.get(self.condition or 0, wound.limit))

    def _department(self, line: CaseEvent) -> int | None:
        """To whom a line dispatches the case."""
        own: int | None = line.facts.get("department")
        if line.verb != Verb.DISPATCH or not line.left or not self.other.duties:
            return own
        codes = {reason["code"] for reason in line.facts.get("why", ())}
        if "stood_before" in codes:  # after a link that was undone
            return next((made.department_id for made in reversed(self.lived) if made.verb == Verb.LINK), own)
        if line.by_id is not None:  # the log does not say what the duties told a dispatcher; those of today do
            routed, _why = rules.route(self.other.book, self.case)
            if routed is None or routed.pk != own:
                return own
        instead, why = rules.route(self.other.then, self.case)
        by_trial = instead is not None and "duty" in why[-1] and why[-1]["duty"] is None
        return instead.pk if instead and by_trial else own

    def _before(self, line: CaseEvent) -> Case:
        """The case as a line found it, in memory: each line froze what the one before had left."""
        real = self.case
        owner = None if line.verb == Verb.DISPATCH else line.department_id  # a dispatch tells whom it concerns
        case = Case(
            source=real.source,
            category_id=real.category_id,
            cell_id=real.cell_id,
            parent_id=real.parent_id,
            condition_id=self.condition,
            stage=line.left,
            department=self.other.book.departments[owner] if owner else None,
            entered_at=line.since or line.at,
            clock=line.clock,
            allowed_s=line.allowed_s,
            due_at=line.due_at,
            level=line.level,
        )
        case.lived = self.lived
        return case

    def _facts(self, line: CaseEvent, department: int | None) -> Facts:
        """What was said that moves the clock."""
        said = line.facts
        until = said.get("until")
        limit = _limit(said["limit"]) if said.get("limit") else None
        if limit and line.verb == Verb.EXTEND and self.standing and self.standing.clock:
            limit = _same_word(limit, Unit(self.standing.clock))
        return Facts(
            limit=limit,
            until=datetime.fromisoformat(until) if until else None,
            department=department,
            condition=said.get("condition"),
        )


def _moves(line: CaseEvent) -> bool:
    """Whether a line does anything to a handling: begins or ends it, gives it more time, or says whose it will be."""
    if line.left == line.entered:
        return line.verb == Verb.EXTEND
    return Stage.HANDLING in (line.left, line.entered) or line.verb in (Verb.FILE, Verb.UNLINK)


def _limit(said: Mapping[str, str]) -> Limit:
    return Limit(Decimal(said["value"]), Unit(said["unit"]))


def _same_word(limit: Limit, unit: Unit) -> Limit:
    """An extension on a clock: where it was given on the other kind, an hour stays an hour and a day a day."""
    if limit.continuous == unit.continuous:
        return limit
    if limit.unit == Unit.URGENT_MINUTE:
        return Limit(Decimal(limit.value) / 60, Unit.WORK_HOUR)
    return Limit(limit.value, SAME_WORD[limit.unit])


def counted(lines: Lines) -> Iterator[tuple[str, int, date]]:
    """What the lines of a case count of the handling, as `metrics` defines it: metric, department or 0, day."""
    appealed = any(line.verb == Verb.EXEMPT for line in lines)
    late_since: set[datetime | None] = set()  # the stints of which an earlier line shows that they were late
    for line in lines:
        whose = line.department_id or 0
        if line.verb == Verb.DISPATCH:
            yield "dispatched", whose, local_day(line.at)
        if line.verb == Verb.FINISH:
            yield "finished", whose, local_day(line.at)
        if line.left != Stage.HANDLING:
            continue
        late = line.due_at if stint.late(line, line.at) else None
        if line.since not in late_since and line.allowed_s != 0:
            if line.verb == Verb.FINISH and not late:
                yield "on_time", whose, local_day(line.at)
            if late:
                yield "overdue", whose, local_day(late)
                if appealed:
                    yield "exempt", whose, local_day(late)
        if late:
            late_since.add(line.since)
