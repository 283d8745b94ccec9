"""A case of a planted past, from its report to its end: lived in memory, written later with all others.

Each step is taken by the write path's own `docket.take` and `follow`, each alarm by `alarm.due_step`, each refusal is
that of `refusals`: only where they would ask the database does the life answer from what it remembers. What is refused
is not done, as in life. Nothing here touches the database; the photos are written to the disk.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import takewhile
from typing import Any
from uuid import UUID

from grid.locate import Located
from grid.models import Cell, Component, Officer
from grid.moment import standing

from .. import alarm, clock, docket, draw, flags, flow, refusals, reporting, rules, stint, terms
from ..flow import Facts, Move, Purpose, Refused, Source, Stage, Verb
from ..line import Line
from ..models import Case, CaseEvent, Category, Flag
from ..reporting import Report
from ..rulebook import Rulebook
from ..rules import Why
from .acts import CENTRE, OFFICE, Act, Acts, Days, Story, soon
from .cast import Cast
from .film import Film

RINGS = timedelta(seconds=20)  # so long after its moment the worker rings an alarm
LIKE = 10  # numbers that a case has for its flags
SHOTS = 10  # and for its photos
GLANCE = Act(Stage.CHECK, Verb.PASS, "1m", {})  # at a case from afar, as a friend of whoever did the work
LEADING = {(stage, move.verb) for move in flow.MOVES for stage in move.at if move.to not in (None, stage)}


@dataclass(frozen=True)
class World:
    """All that lives are lived by; read before, never changed."""

    book: Rulebook
    cast: Cast
    line: Line
    film: Film
    acts: Acts
    days: Days
    until: datetime
    cells: Mapping[str, Cell]
    components: Mapping[str, Component]
    sorts: Mapping[tuple[str, str, str], Category]


@dataclass(frozen=True)
class Birth:
    """Which case a story is to become: the primary key and the number stand before it is lived. n: of its photos.
    count: what the number counts."""

    story: Story
    at: datetime
    uuid: UUID
    pk: int
    number: str
    n: int
    count: int
    twin: Birth | None = None
    aid: Birth | None = None


@dataclass
class Step:
    """What somebody did, as it would be said to the docket."""

    at: datetime
    verb: Verb
    by: Officer | None
    facts: Facts


@dataclass
class Life:
    """One case with what hangs on it. `steps` are those of people: made through the docket they give the same case."""

    world: World
    birth: Birth
    case: Case = field(init=False)
    said: Report = field(init=False)
    lines: list[CaseEvent] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    photos: list[dict[str, Any]] = field(default_factory=list)
    flags: list[Flag] = field(default_factory=list)

    @property
    def last_at(self) -> datetime:
        return self.lines[-1].at

    @property
    def ready_at(self) -> datetime:
        """From when the next act may be made."""
        return self.last_at + timedelta(seconds=1)

    @property
    def shown(self) -> Iterator[tuple[int, str, str]]:
        """Which photos were shown for what, each with the number of its line."""
        for n, event in enumerate(self.lines):
            for sha, purpose in dict.fromkeys(map(tuple, event.facts.get("photos", ()))):
                yield n, sha, purpose

    # Report

    def open(self, source: Source) -> bool:
        """Report it; False where nobody could have."""
        world, story, birth = self.world, self.birth.story, self.birth
        cell = world.cells[story.place]
        by = self._reporter(source, cell)
        if by is None and source != Source.SENSOR:
            return False
        category, component = world.sorts[story.sort], world.components.get(story.component)
        self.said = self._report(source, category, cell, by)
        self.case = reporting.draft(
            world.book,
            birth.uuid,
            self.said,
            by=by,
            located=Located(cell),
            component=component,
            number=birth.number,
            at=birth.at,
        )
        self.case.lived = self.lines
        self._start(by)
        return True

    def _reporter(self, source: Source, cell: Cell) -> Officer | None:
        cast, hand = self.world.cast, self.birth.story.hand
        if source == Source.INSPECTOR:
            return cast.reporter(cell.pk, hand)
        area = self.world.book.areas[cell.area_id].code
        by = flow.REPORTERS[source]
        return cast.post(by[0], area, hand) if by else None

    def _report(self, source: Source, category: Category, cell: Cell, by: Officer | None) -> Report:
        story = self.birth.story
        patrolled = source == Source.INSPECTOR
        handled = patrolled and story.handled
        shows = [Purpose.BEFORE, Purpose.AFTER] if handled else [Purpose.NEAR] * patrolled
        origin = {"crs": "wgs84", "provider": "gps", "captured_at": self.birth.at.isoformat()} if patrolled else {}
        return Report(
            category=category.pk,
            lon=story.lon,
            lat=story.lat,
            source=source,
            condition=self._condition(category, cell) if patrolled else None,
            component=story.component,
            text=category.name,
            photos=tuple((self._shoot(by, self.birth.at), purpose) for purpose in shows if by),
            handled=handled,
            origin=origin | ({"mock": True} if story.mock and patrolled else {}),
        )

    def _condition(self, category: Category, cell: Cell) -> int | None:
        day = self.birth.at.astimezone(self.world.days.zone).date()
        possible = self.world.book.in_force(category.pk, day, cell.region_class)
        return next((row.pk for row in possible if row.no == self.birth.story.no), None)

    def _start(self, by: Officer | None) -> None:
        book, case, at = self.world.book, self.case, self.birth.at
        facts = Facts(photos=self.said.photos, origin=self.said.origin)
        event = self.add(docket.take(book, case, flow.REPORT, by=by, facts=facts, at=at))
        for code, figure in flags.reported(event):
            self._doubt(code, at, figure=figure)
        if self.said.handled:
            self.add(docket.take(book, case, flow.move(case.stage, Verb.SELF_HANDLE), by=by, facts=Facts(), at=at))
        else:
            self._follow(event, at)

    # Acts

    def run(self) -> None:
        """Live it until nothing is left to do, or the past ends."""
        acts = list(self.birth.story.acts)
        while acts:
            group = _stretch(acts)
            del acts[: len(group)]
            self._do_all(group)
        self.ring(self.world.until)

    def _do_all(self, group: Sequence[Act]) -> None:
        """Do what is done in one stay at a stage, in the order of its time; passed over if it does not stand there."""
        case, stage = self.case, group[0].stage
        while case.stage == Stage.SHELVED != stage:
            if not self.ring(self.world.until, once=True):
                return
        if case.stage != stage:
            return
        entered_at, made = case.entered_at, True
        for planned, act in sorted(self._timed(group), key=lambda pair: pair[0]):
            at = max(planned, self.ready_at)
            if at >= self.world.until:
                return
            self.ring(at)
            if (case.stage, case.entered_at) != (stage, entered_at):
                return
            if made or not act.when.startswith("+"):
                made = self.do(act, at)

    def _timed(self, group: Sequence[Act]) -> Iterator[tuple[datetime, Act]]:
        before = self.case.entered_at
        for act in [GLANCE] if self._friendly(group[0].stage) else group:
            before = self._moment(act, before)
            yield before, act

    def _friendly(self, stage: Stage) -> bool:
        """Whether an inspector checks the work of a department that is his friend, and mostly does not go there."""
        case, mostly = self.case, self.birth.story.hand % 5
        who = (case.holder and case.holder.username, case.department and case.department.code)
        return bool(stage == Stage.CHECK and mostly and who in self.world.acts.friends)

    def _moment(self, act: Act, before: datetime) -> datetime:
        entered_at, zone = self.case.entered_at, self.world.days.zone
        if act.when.endswith("%"):
            return self._when_used(int(act.when[:-1]) / 100)
        since = before if act.when.startswith("+") else entered_at
        minutes = int(act.when.strip("+m"))
        return soon(since, minutes, zone, OFFICE if act.stage == Stage.CLOSED else CENTRE)

    def _when_used(self, share: float) -> datetime:
        """When a share of the limit is used up, on its own clock: sooner or later as the department works, but what
        comes after the limit anyway."""
        case, department = self.case, self.case.department
        if share < 1 and department:
            before, after = self.world.acts.habits.get(department.code, (1, 1))
            share *= before + (after - before) * self.world.days.age(case.entered_at)
        if not case.clock or not case.allowed_s:
            return case.entered_at + timedelta(days=share)
        calendar = stint.calendar(self.world.book, case)
        due_at = clock.deadline(case.entered_at, int(share * case.allowed_s), case.clock, calendar).due_at
        assert due_at
        return due_at

    def do(self, act: Act, at: datetime) -> bool:
        """Do one thing; False where it is not possible or not allowed."""
        try:
            step = flow.move(self.case.stage, act.verb)
        except Refused:
            return False
        by = self.world.cast.who(self.case, step, self.birth.story.hand)
        facts = self._facts(step, act.said, by, at) if by else None
        if by is None or facts is None or self._refused(step, by, facts, at):
            return False
        if act.verb == Verb.CLOSE:
            self._answer_all(by, at)
        self.step(step, by, facts, at)
        for sha, _purpose in facts.photos:
            if any(sha == shown for shown, _purpose in self.said.photos):
                self._doubt(Flag.Code.PHOTO_SAME, at, photo_id=sha, figure=0)
        return True

    def step(self, step: Move, by: Officer, facts: Facts, at: datetime) -> None:
        """Take a step that nothing speaks against, and those that the system makes after it."""
        self.steps.append(Step(at, step.verb, by, facts))
        event = self.add(docket.take(self.world.book, self.case, step, by=by, facts=facts, at=at))
        self._follow(event, at)

    def _refused(self, step: Move, by: Officer, facts: Facts, at: datetime) -> bool:
        """As refusals.examine() has it, without what only the database knows: children, and photos under way."""
        book, case = self.world.book, self.case
        log = self.lines if refusals.recalls(step) else []
        try:
            refusals.needed(case, step, facts)
            for rule in refusals.SAID:
                rule(book, case, step, facts, at)
            if step.verb == Verb.ASK:
                terms.asking(book, case, Verb(facts.asks), by, log, at)
            return step.verb != Verb.CLOSE and refusals.standing(book, case, step, by, log, at) is not None
        except Refused:
            return True

    def _facts(self, step: Move, said: Mapping[str, Any], by: Officer, at: datetime) -> Facts | None:
        """What is said with a step; None where there is nothing to say."""
        plain = {
            name: said[name] for name in ("note", "verdict", "asks", "ground", "outcome", "rating") if name in said
        }
        match step.verb:
            case Verb.FILE:
                condition = self.case.condition_id or self._any_condition(at)
                return Facts(condition=condition) if condition else None
            case Verb.DISPATCH:
                department = self._department()
                return Facts(department=department) if department else None
            case Verb.SHELVE:
                return Facts(until=at + timedelta(days=said["days"]), **plain)
            case Verb.EXTEND:
                limit = self._more(said["more"])
                return Facts(limit=limit, **plain) if limit else None
        if purpose := SHOWS.get(step.verb):
            again = said.get("again") and self.said.photos
            sha = self.said.photos[0][0] if again else self._shoot(by, at)
            return Facts(photos=((sha, purpose),), **plain)
        return Facts(**plain)

    def _any_condition(self, at: datetime) -> int | None:
        day = at.astimezone(self.world.days.zone).date()
        possible = self.world.book.in_force(self.case.category_id, day, self.case.cell.region_class)
        return possible[self.birth.story.hand % len(possible)].pk if possible else None

    def _department(self) -> int | None:
        """Whom the duties name; after a decline, or where they name nobody, another of the district."""
        declined = {event.department_id for event in self.lines if event.verb == Verb.DECLINE}
        routed, _why = rules.route(self.world.book, self.case)
        if routed and routed.pk not in declined:
            return routed.pk
        return self.world.cast.answering(self.world.book, self.case, declined, self.birth.story.hand)

    def _more(self, share: float) -> clock.Limit | None:
        """So large a share of the limit again, in whole hours of its clock; None where that is none."""
        case = self.case
        hours = int(share * (case.allowed_s or 0) / 3600)
        if not case.clock or not hours:
            return None
        unit = clock.Unit.URGENT_HOUR if clock.Unit(case.clock).continuous else clock.Unit.WORK_HOUR
        return clock.Limit(Decimal(hours), unit)

    def _answer_all(self, by: Officer, at: datetime) -> None:
        """What is doubted is answered before the case is closed."""
        for flag in self.flags:
            if not flag.answered_at:
                facts = Facts(flag=flag.pk, note="已核对照片。", accepted=flag.code != Flag.Code.PHOTO_SAME)
                self.step(flow.move(self.case.stage, Verb.ANSWER), by, facts, at)
                flag.answered_by, flag.answered_at = by, at
                flag.note, flag.accepted = facts.note, facts.accepted

    # What the system does

    def ring(self, until: datetime, *, once: bool = False) -> bool:
        """Ring every alarm whose turn comes before a moment, or the next one; whether any rang."""
        case, rang = self.case, False
        while case.alarm_at and (at := max(case.alarm_at + RINGS, self.last_at)) < until:
            made = alarm.due_step(self.world.book, self.world.line, case, at)
            if made is None:
                raise RuntimeError(f"the alarm of {case.number} does not ring")
            for event in made[1]:
                self.add(event)
            rang = True
            if once:
                break
        return rang

    def _follow(self, event: CaseEvent, at: datetime) -> None:
        for made in docket.follow(self.world.book, self.case, event, at, hold=self._hold, give=self._give):
            self.add(made)

    def _hold(self, case: Case, verb: Verb, last: CaseEvent) -> Why:
        count = sum(not flag.answered_at for flag in self.flags) if verb == Verb.CLOSE else 0
        return ({"code": "flags_open", "count": count},) if count else ()

    def _give(self, case: Case, verb: Verb, facts: Facts, last: CaseEvent) -> Facts:
        if verb != Verb.ORDER_CHECK:
            return facts
        with standing(last.at):
            return draw.drawn(case, facts, last, self._checkers)

    def _checkers(self, case: Case, last: CaseEvent) -> tuple[list[int], bool]:
        barred = refusals.barring(flow.move(case.stage, Verb.ORDER_CHECK))
        worked = {event.by_id for event in self.lines if event.verb in barred and event.by_id}
        return self.world.cast.checkers(case, worked), False

    # What hangs on it

    def add(self, event: CaseEvent) -> CaseEvent:
        """A line that was just taken: what is asked of the log from now on knows it."""
        event.late = event.at > event.due_at if event.due_at else None
        self.lines.append(event)
        case = self.case
        case.last_at = event.at  # type: ignore[attr-defined]
        if case.holder_id:
            case.holder = self.world.cast.officers[case.holder_id]
        return event

    def _shoot(self, by: Officer, at: datetime) -> str:
        photo = self.world.film.shot(self.birth.n * SHOTS + len(self.photos), by, at)
        self.photos.append(photo)
        return str(photo["sha256"])

    def _doubt(self, code: str, at: datetime, **said: Any) -> None:
        pk = self.birth.pk * LIKE + len(self.flags)
        self.flags.append(Flag(pk=pk, case_id=self.birth.pk, code=code, raised_at=at, **said))


SHOWS = {Verb.VERIFY: Purpose.NEAR, Verb.PASS: Purpose.NEAR, Verb.FINISH: Purpose.AFTER}


def _stretch(acts: Sequence[Act]) -> list[Act]:
    """The first acts that belong to one stay at a stage: up to the one that leads out of it."""
    stage = acts[0].stage
    group = list(takewhile(lambda act: act.stage == stage, acts))
    leads = next((n for n, act in enumerate(group) if (stage, act.verb) in LEADING), len(group))
    return group[: leads + 1]
