"""The people of a past that is planted: who sees what, who is punctual, who asks, who forgets.

Everything goes the way of any case: docket.report() and docket.move(), by officers who may do it, with the clock
standing at the moment of the act. What somebody does is thrown by dice of the case's own, so that the same seed
plants the same past.
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from math import exp
from uuid import NAMESPACE_URL, UUID, uuid5

from django.db.models import Min
from django.utils import timezone

from cases import alarm, docket, flags, flow, rulebook, rules
from cases.flow import Facts, Outcome, Purpose, Refused, Source, Stage, Verb
from cases.models import Case
from cases.reporting import Report
from grid import moment
from grid.models import Department, Officer
from grid.roles import Role

from .ground import Ground, Spot
from .labour import handling
from .shots import shoot

Act = Callable[[Case, random.Random], object]

SOURCES = {Source.INSPECTOR: 80, Source.HOTLINE: 12, Source.PUBLIC: 6, Source.DIRECTIVE: 1, Source.SENSOR: 1}
TWINS = 0.03  # of what inspectors report, citizens report too
CENTRE = (7, 22)  # the hours in which the centre and the inspectors work
OFFICE = (8.5, 18)


class Past:
    """What happens, in the order of its time. `counts` says what was done, by verb.

    Of several hands each lives every so many-th case; no case is another's business, but for the duplicates: they are
    linked one at a time until the transaction ends, so the first hand has them all.
    """

    def __init__(
        self,
        seed: str,
        since: datetime,
        until: datetime,
        cases: int,
        ends: datetime | None = None,
        *,
        hand: int = 0,
        hands: int = 1,
    ):
        self.seed, self.since, self.until, self.ends = seed, since, until, ends or until
        self.book = rulebook.current()
        self.ground = Ground(self.book, self.dice("ground"))
        self.counts: Counter[str] = Counter()
        self.queue: list[tuple[datetime, int, Callable[[], object]]] = []
        self.order = itertools.count()
        self.rings: datetime | None = None  # when the next alarm does
        self.stints: dict[UUID, datetime] = {}  # since when a case stands where it was last planned for
        self.turns: Counter[tuple[UUID, str]] = Counter()
        self.notes: dict[UUID, dict[str, str]] = defaultdict(dict)
        self.officers = list(Officer.objects.filter(is_active=True).select_related("area").order_by("username"))
        self.hands: dict[int, list[Officer]] = self._hands()
        dice = self.dice("city")
        self.habit = {pk: dice.gauss(0, 0.45) for pk in sorted(self.book.departments)}
        self.drift = {pk: dice.gauss(0, 0.3) for pk in sorted(self.book.departments)}
        self.forgets = {pk: dice.uniform(0.005, 0.06) for pk in sorted(self.book.departments)}
        for n, at in enumerate(self.arrivals(cases)):
            twin = self.dice("twin", n).random() < TWINS
            if hand == (0 if twin else n % hands):
                self.plan(at, partial(self.see, n, at, twin))

    def dice(self, *about: object) -> random.Random:
        return random.Random(":".join(map(str, (self.seed, *about))))

    def _hands(self) -> dict[int, list[Officer]]:
        """Who works in a department, by its primary key; its heads where it has no handlers."""
        found = {}
        for department in self.book.departments:
            people = [one for one in self.officers if one.department_id == department and one.holds(Role.HANDLER)]
            above = self.book.upward(department)
            heads = [one for one in self.officers if one.department_id in above and one.holds(Role.HEAD)]
            found[department] = people or heads
        return found

    # Time

    @staticmethod
    def now() -> datetime:
        return moment.now()

    @staticmethod
    def today() -> date:
        return moment.today()

    def plan(self, at: datetime, act: Callable[[], object]) -> None:
        if at < self.ends:
            heapq.heappush(self.queue, (at, next(self.order), act))

    def run(self, step: Callable[[datetime], object]) -> None:
        """Live it from beginning to end. `step` hears of each moment."""
        while self.queue:
            at, _n, act = heapq.heappop(self.queue)
            self.ring(at)
            with moment.standing(at):
                try:
                    act()
                except Refused as refusal:  # as in life
                    self.counts[f"refused: {refusal.code}"] += 1
            step(at)
        self.ring(self.ends)

    def ring(self, until: datetime) -> None:
        """Every alarm before a moment rings in its minute."""
        while self.rings and self.rings < until - timedelta(minutes=1):
            at = self.rings + timedelta(minutes=1)
            with moment.standing(at):
                self.counts["rung"] += alarm.ring()
            self.rings = Case.objects.filter(alarm_at__gt=at).aggregate(first=Min("alarm_at"))["first"]

    def arrivals(self, cases: int) -> list[datetime]:
        """When something is seen: by day on working days more than on others, most in the morning."""
        dice, first = self.dice("arrivals"), timezone.localtime(self.since)
        calendar, days = self.book.calendar(), (self.until - self.since).days
        mornings = [first.replace(hour=0, minute=0, second=0) + timedelta(days=n) for n in range(1, days)]
        weights = []
        for n, day in enumerate(mornings):
            works = calendar.between(day, day + timedelta(days=1)) > 0
            weights.append((1.0 if works else 0.55) * dice.uniform(0.75, 1.3) * (1 + 0.2 * n / days))
        found = []
        for day in dice.choices(mornings, weights, k=cases):
            hour = dice.choices(
                [dice.triangular(7, 12, 9), dice.triangular(13, 18.5, 15), dice.uniform(18.5, 21.8)], [6, 5, 1]
            )[0]
            found.append(day + timedelta(hours=hour))
        return sorted(found)

    def soon(self, at: datetime, dice: random.Random, minutes: float, hours: tuple[float, float] = CENTRE) -> datetime:
        """So many minutes later, more or less; the next morning where nobody works then."""
        then = timezone.localtime(at + timedelta(minutes=minutes * exp(dice.gauss(0, 0.7))))
        opens, closes = hours
        day = then.replace(hour=0, minute=0, second=0, microsecond=0)
        hour = (then - day).total_seconds() / 3600
        if hour >= closes:
            return day + timedelta(days=1, hours=opens, minutes=dice.uniform(1, 40))
        return then if hour >= opens else day + timedelta(hours=opens, minutes=dice.uniform(1, 40))

    # Reports

    def see(self, n: int, at: datetime, twin: bool) -> None:
        """Something is seen and reported, perhaps by two."""
        dice = self.dice("see", n)
        spot = self.ground.spot(dice)
        source = dice.choices(list(SOURCES), list(SOURCES.values()))[0]
        seen = source == Source.INSPECTOR
        case = self.patrolled(spot, dice, n) if seen else self.told(spot, source, dice, n)
        if case and seen and twin and case.stage in flow.OPEN:
            calls = self.soon(at, dice, 90)
            self.plan(calls, lambda: self.call(case, spot, n))

    def patrolled(self, spot: Spot, dice: random.Random, n: int) -> Case | None:
        reporter = dice.choice(self.ground.keepers[spot.cell])
        conditions = self.book.in_force(spot.category, self.today(), spot.region_class)
        handled = dice.random() < 0.05
        purposes = [Purpose.BEFORE, Purpose.AFTER] if handled else [Purpose.NEAR, Purpose.FAR][: dice.choice((1, 1, 2))]
        origin = {"crs": "wgs84", "accuracy_m": round(dice.uniform(4, 30), 1), "provider": "gps"}
        if dice.random() < 0.004:
            origin["mock"] = True
        said = self.said(
            spot,
            Source.INSPECTOR,
            condition=dice.choice(conditions).pk if conditions and dice.random() < 0.94 else None,
            photos=tuple((shoot(dice, reporter), purpose) for purpose in purposes),
            handled=handled,
            origin=origin | {"captured_at": self.now().isoformat()},
        )
        return self.report(n, said, reporter)

    def told(self, spot: Spot, source: Source, dice: random.Random, n: object) -> Case | None:
        by = self.post(spot.area, dice, Role.CLERK)
        if source == Source.SENSOR:
            return self.report(n, self.said(spot, source), None)
        return self.report(n, self.said(spot, source), by) if by else None

    def call(self, master: Case, spot: Spot, n: int) -> None:
        """A citizen calls about what an inspector has reported."""
        case = self.told(spot, Source.HOTLINE, self.dice("call", n), f"{n}:call")
        if case:
            self.notes[case.uuid]["master"] = str(master.uuid)

    def said(self, spot: Spot, source: Source, **more: object) -> Report:
        where = {"lon": spot.lon, "lat": spot.lat, "component": spot.component}
        return Report(category=spot.category, source=source, text=spot.name, **where, **more)  # type: ignore[arg-type]

    def report(self, n: object, said: Report, by: Officer | None) -> Case:
        case, _new = docket.report(uuid5(NAMESPACE_URL, f"{self.seed}:{self.since}:{n}"), said, by=by)
        self.counts[Verb.REPORT] += 1
        self.follow(case)
        return case

    # What follows

    def follow(self, case: Case) -> None:
        """Plan what will be done about a case at the stage it has come to."""
        if case.alarm_at:
            self.rings = min(self.rings or case.alarm_at, case.alarm_at)
        if self.stints.get(case.uuid) == case.entered_at:
            return
        self.stints[case.uuid] = case.entered_at
        if plan := PLANS.get(Stage(case.stage)):
            self.turns[case.uuid, case.stage] += 1
            plan(self, case, self.dice(case.uuid, case.stage, self.turns[case.uuid, case.stage]))

    def later(self, case: Case, at: datetime, act: Act) -> None:
        """Plan an act upon a case, if it still stands where it stands now when the time has come."""
        stint, pk = (case.stage, case.entered_at), case.pk
        self.plan(at, lambda: self._act(pk, stint, act))

    def _act(self, pk: int, stint: tuple[str, datetime], act: Act) -> None:
        case = Case.objects.select_related("cell__area", "holder").get(pk=pk)
        if (case.stage, case.entered_at) == stint:
            act(case, self.dice(case.uuid, self.now()))

    def move(self, case: Case, verb: Verb, by: Officer | None, **facts: object) -> None:
        if by is None:
            self.counts["nobody"] += 1
            return
        moved = docket.move(case.uuid, verb, by=by, facts=Facts(**facts))  # type: ignore[arg-type]
        self.counts[verb] += 1
        self.follow(moved)

    def post(self, area: str, dice: random.Random, role: Role) -> Officer | None:
        """Somebody of the centre whose territory holds an area."""
        fit = [one for one in self.officers if one.holds(role) and _covers(one, area)]
        return dice.choice(fit) if fit else None

    def centre(self, case: Case, dice: random.Random, role: Role) -> Officer | None:
        return self.post(case.cell.area.code, dice, role)

    def hand(self, case: Case, dice: random.Random) -> Officer | None:
        """Who handles it: always the same in a case, whose department works as it works."""
        people = self.hands.get(case.department_id or 0)
        return dice.choice(people) if people else None

    def beat(self, case: Case, dice: random.Random) -> Officer:
        """Who of the beat goes: whom it was given to, or another than the reporter if there is one."""
        keepers = self.ground.keepers[case.cell_id]
        return case.holder or dice.choice([one for one in keepers if one.pk != case.reporter_id] or keepers)

    def filing(self, case: Case, dice: random.Random) -> None:
        self.later(case, self.soon(self.now(), dice, 4), self.file)

    def file(self, case: Case, dice: random.Random) -> None:
        clerk, notes = self.centre(case, dice, Role.CLERK), self.notes[case.uuid]
        conditions = self.book.in_force(case.category_id, self.today(), case.cell.region_class)
        master = notes.pop("master", "")
        if master and Case.objects.open().filter(uuid=master, same_as=None).exclude(stage=Stage.LINKED).exists():
            self.move(case, Verb.LINK, clerk, same_as=master)
        elif notes.get("verdict") == "false" or not conditions or (not notes and dice.random() < 0.05):
            self.move(case, Verb.VOID, clerk, note="不符合立案条件。")
        elif not notes and case.source == Source.HOTLINE and dice.random() < 0.4:
            self.move(case, Verb.ORDER_VERIFY, clerk)
        else:
            self.move(case, Verb.FILE, clerk, condition=case.condition_id or dice.choice(conditions).pk)

    def verifying(self, case: Case, dice: random.Random) -> None:
        self.later(case, self.soon(self.now(), dice, 10), self.verify)

    def verify(self, case: Case, dice: random.Random) -> None:
        by, verdict = self.beat(case, dice), "true" if dice.random() < 0.82 else "false"
        self.notes[case.uuid]["verdict"] = verdict
        self.move(case, Verb.VERIFY, by, photos=((shoot(dice, by), Purpose.NEAR),), verdict=verdict)

    def dispatching(self, case: Case, dice: random.Random) -> None:
        self.later(case, self.soon(self.now(), dice, 4), self.dispatch)

    def dispatch(self, case: Case, dice: random.Random) -> None:
        case.cell.area = self.book.areas[case.cell.area_id]
        declined = set(case.events.filter(verb=Verb.DECLINE).values_list("department", flat=True))
        routed, _why = rules.route(self.book, case)
        if routed is None or routed.pk in declined:
            routed = dice.choice(self.answering(case, declined))
        self.move(case, Verb.DISPATCH, self.centre(case, dice, Role.DISPATCHER), department=routed.pk)

    def answering(self, case: Case, declined: set[int | None]) -> Sequence[Department]:
        """Departments of the case's district that have people, without those that gave it back."""
        code = case.cell.area.code
        fit = [one for one in self.book.departments.values() if any(_covers(by, code) for by in self.hands[one.pk])]
        return [one for one in fit if one.pk not in declined] or fit

    def shelved(self, case: Case, dice: random.Random) -> None:
        assert case.due_at
        self.plan(case.due_at + timedelta(minutes=2), lambda: self.follow(Case.objects.get(pk=case.pk)))

    def ordering(self, case: Case, dice: random.Random) -> None:
        self.later(case, self.soon(self.now(), dice, 4), self.order)

    def order(self, case: Case, dice: random.Random) -> None:
        self.move(case, Verb.ORDER_CHECK, self.centre(case, dice, Role.CLERK))

    def checking(self, case: Case, dice: random.Random) -> None:
        self.later(case, self.soon(self.now(), dice, 9), self.check)

    def check(self, case: Case, dice: random.Random) -> None:
        by, careless = self.beat(case, dice), self.habit.get(case.department_id or 0, 0)
        if dice.random() < min(0.3, 0.08 * exp(careless)):
            self.move(case, Verb.REWORK, by, note="现场仍未恢复，请重新处置。")
        else:
            self.move(case, Verb.PASS, by, photos=((shoot(dice, by), Purpose.NEAR),))

    def ending(self, case: Case, dice: random.Random) -> None:
        self.later(case, self.soon(self.now(), dice, 15), self.close)

    def close(self, case: Case, dice: random.Random) -> None:
        clerk = self.centre(case, dice, Role.CLERK)
        for flag in flags.unanswered(case):
            self.move(case, Verb.ANSWER, clerk, flag=flag.pk, note="已核对照片。", accepted=dice.random() < 0.8)
        self.move(case, Verb.CLOSE, clerk)

    def closed(self, case: Case, dice: random.Random) -> None:
        late = case.events.filter(left=Stage.HANDLING, late=True).exists()
        if late and dice.random() < 0.12:
            self.later(case, self.soon(self.now(), dice, 1500, OFFICE), self.appeal)
        if not case.same_as_id and dice.random() < 0.006:
            self.later(case, self.soon(self.now(), dice, 9000, OFFICE), self.reopen)
        if case.call_by:
            self.later(case, self.soon(self.now(), dice, 1500, OFFICE), self.call_back)

    def call_back(self, case: Case, dice: random.Random) -> None:
        """Who waited long is less content; who is not at all may see his case reopened."""
        clerk, late = self.centre(case, dice, Role.CLERK), case.events.filter(left=Stage.HANDLING, late=True).exists()
        if dice.random() < 0.2:
            self.move(case, Verb.CALL_BACK, clerk, outcome=Outcome.UNREACHED)
            self.later(case, self.soon(self.now(), dice, 2000, OFFICE), self.call_back)
        elif dice.random() < (0.72 if late else 0.93):
            rating = dice.choice((2, 3, 4)) if late else dice.choice((3, 4, 5, 5))
            self.move(case, Verb.CALL_BACK, clerk, outcome=Outcome.SOLVED, rating=rating, note="已回访来电人。")
        else:
            said = {"outcome": Outcome.UNSOLVED, "rating": dice.choice((1, 2)), "note": "来电人称问题仍在。"}
            self.move(case, Verb.CALL_BACK, clerk, **said)
            if not case.same_as_id and dice.random() < 0.3:
                self.later(case, self.soon(self.now(), dice, 60, OFFICE), self.reopen)

    def appeal(self, case: Case, dice: random.Random) -> None:
        self.move(case, Verb.ASK, self.hand(case, dice), asks=Verb.EXEMPT, note="因材料供应延误，非本单位原因。")
        self.later(case, self.soon(self.now(), dice, 400, OFFICE), self.judge)

    def judge(self, case: Case, dice: random.Random) -> None:
        verb = Verb.EXEMPT if dice.random() < 0.45 else Verb.REFUSE
        self.move(case, verb, self.centre(case, dice, Role.SHIFT_LEADER), note="经核实。")

    def reopen(self, case: Case, dice: random.Random) -> None:
        self.move(case, Verb.REOPEN, self.centre(case, dice, Role.CLERK), note="问题重复出现。")


def _covers(officer: Officer, area: str) -> bool:
    """Whether an area lies in an officer's territory; who has none has the whole city."""
    return officer.area is None or area.startswith(officer.area.code)


PLANS: dict[Stage, Callable[[Past, Case, random.Random], None]] = {
    Stage.FILING: Past.filing,
    Stage.VERIFY: Past.verifying,
    Stage.DISPATCH: Past.dispatching,
    Stage.HANDLING: handling,
    Stage.SHELVED: Past.shelved,
    Stage.FEEDBACK: Past.ordering,
    Stage.CHECK: Past.checking,
    Stage.CLOSING: Past.ending,
    Stage.CLOSED: Past.closed,
}
