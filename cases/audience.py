"""Who should hear of an event, and by which ways beside his inbox: as the rows say (`Hearing`).

The rows name relations to the event; here stands who that is. Quiet hours and preferences are the channels' own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from django.db.models import Q, QuerySet

from grid import leave, levels
from grid.models import Officer
from grid.moment import now
from grid.roles import CENTRE, DEPARTMENT, Role

from . import flow, rulebook, succession
from .clock import Unit
from .flow import OWED, OWED_BY, Outcome, Stage, Verb
from .models import Case, CaseEvent, Hearing
from .rulebook import Rulebook

Who = Hearing.Who


def of(event: CaseEvent, by: str = "") -> set[int]:
    """Primary keys of the active officers who should hear of an event: see hearers()."""
    return hearers([event], by)[event]


def hearers(events: Sequence[CaseEvent], by: str = "") -> dict[CaseEvent, set[int]]:
    """Who should hear of each event, `by` a channel or, without one, by his inbox; never its own author.

    Who is on leave is replaced by his stand-in. Needs event.case. Whoever owes the work of a stage that a step led to
    hears of it only while the case stands there: a case that moved on is nobody's news. A lot that fell on somebody
    is his alone: while he is away the next lot falls on another.
    """
    book, away, nobody = rulebook.current(), leave.away(now()), leave.Away({})
    return {
        event: (nobody if event.verb == Verb.DRAW else away).replaced(_told(book, event, by)) - {event.by_id}
        for event in events
    }


def heard(event: CaseEvent, by: str = "") -> bool:
    """Whether anybody can have to hear of an event. Needs event.case as the move's last step has left it.

    Asked while a move is written, by the rules that the move was made by: makes no statement.
    """
    return any(_rows(rulebook.at_hand(), event, by))


def urgent(book: Rulebook, event: CaseEvent) -> bool:
    """Whether an event is nobody's to sleep through. Needs event.case.

    Those of an urgent class, and escalations: as the rung said when it rang, else where the clock runs day and night.
    """
    if book.categories[event.case.category_id].urgent:
        return True
    if event.verb != Verb.ESCALATE:
        return False
    why = {reason["code"] for reason in event.facts.get("why", ())}
    if why & {"rung_at_night", "rung_by_day"}:
        return "rung_at_night" in why
    return event.clock != "" and Unit(event.clock).continuous


def silent(book: Rulebook) -> list[tuple[Verb, Stage]]:
    """Steps that should reach somebody and reach nobody, each with the stage it leads to or is made at."""
    return sorted(
        {
            (move.verb, stage)
            for move in (flow.REPORT, *flow.MOVES)
            for stage in ((move.to,) if move.to else move.at)
            for needed in _needed(move.verb, stage, bool(move.to))
            if not any(who in needed for who in _best(book, move.verb, stage, moved=bool(move.to), pressing=False))
        }
    )


def _needed(verb: Verb, stage: Stage, moved: bool) -> Iterator[tuple[Who, ...]]:
    """Of each group, somebody should hear."""
    if verb in NEEDED:
        yield NEEDED[verb]
    if moved and stage in OWED:
        yield (Who.OWING,)


NEEDED: Mapping[Verb, tuple[Who, ...]] = {
    **dict.fromkeys(flow.ASKABLE, (Who.ASKING, Who.DEPARTMENT, Who.HEAD)),
    Verb.ASK: (Who.GRANTING,),
    Verb.REFUSE: (Who.ASKING, Who.DEPARTMENT, Who.HEAD),
    Verb.SUPERVISE: (Who.OWING,),
    Verb.REMIND: (Who.OWING,),
    Verb.HAND_OVER: (Who.OWING,),
    Verb.EXPIRE: (Who.OWING,),
    Verb.HASTEN: (Who.OWING,),
    Verb.REPLY: (Who.LEADER,),
    Verb.ESCALATE: (Who.WOKEN,),
    Verb.DRAW: (Who.DRAWN,),
    Verb.DOUBT: (Who.CLERK, Who.SHIFT_LEADER),
}


def _best(book: Rulebook, verb: str, stage: str, *, moved: bool, pressing: bool) -> dict[str, Hearing]:
    """Of each relation the most particular row that speaks of a step."""
    own = book.hearings.get(verb, ())
    rows = (*book.hearings.get("", ()), *own) if moved else own
    fit = [row for row in rows if row.entered in ("", stage) and row.urgent <= pressing]
    return {row.who: row for row in sorted(fit, key=lambda row: row.urgent)}


def _rows(book: Rulebook, event: CaseEvent, by: str) -> Iterator[Hearing]:
    """The rows by which somebody may have to hear of an event. A call that nobody answered is nobody's news."""
    if event.facts.get("outcome") == Outcome.UNREACHED:
        return
    moved, pressing = event.left != event.entered, urgent(book, event)
    for row in _best(book, event.verb, event.entered, moved=moved, pressing=pressing).values():
        news = row.who != Who.OWING or not moved or (event.entered == event.case.stage and event.entered in OWED)
        if news and (not by or by in row.channels):
            yield row


def _told(book: Rulebook, event: CaseEvent, by: str) -> set[int]:
    return {officer for row in _rows(book, event, by) for officer in RELATIONS[Who(row.who)](book, event)}


def _owing(book: Rulebook, event: CaseEvent) -> Iterable[int]:
    """Who owes the work of the stage that an event led to, or found the case at.

    Its holder if it has one who can act, else those on whose desk it lies; where nobody is left in a department, the
    head above.
    """
    stage, case = Stage(event.entered), event.case
    if not (roles := OWED_BY.get(stage, ())):
        return ()
    if holder := _able(book, event, stage):
        return holder
    people = _active(*roles)
    if stage == Stage.HANDLING:
        return list(_people(_concerned(event))) or _head(book, event)
    patrols = roles == (Role.INSPECTOR,)
    people = people.filter(beats__cells=case.cell_id) if patrols else _in_charge_here(people, case)
    return people.values_list("pk", flat=True)


def _holder(event: CaseEvent) -> int | None:
    """Whom a step named for the stage it led to; where the case stayed, who had it already."""
    stayed = event.left == event.entered and event.verb != Verb.HAND_OVER
    return event.holder_id if stayed else event.facts.get("holder")


def _concerned(event: CaseEvent) -> int | None:
    """The department that hears of an event: of a case handed over, the one that has it now."""
    heir: int | None = event.facts.get("department") if event.verb == Verb.HAND_OVER else None
    return heir or event.department_id


def _able(book: Rulebook, event: CaseEvent, stage: Stage) -> list[int]:
    """The holder that a step left the case with, unless he can no longer act on it."""
    if not (pk := _holder(event)):
        return []
    holder = Officer.objects.filter(pk=pk).first()
    return [pk] if holder and succession.able(book, holder, stage, _concerned(event)) else []


def _active(*roles: Role) -> QuerySet[Officer]:
    return Officer.objects.filter(is_active=True, roles__overlap=[str(role) for role in roles])


def _person(pk: int | None) -> list[int]:
    """An officer, unless he has left."""
    return list(Officer.objects.filter(is_active=True, pk=pk).values_list("pk", flat=True)) if pk else []


def _in_charge_here(people: QuerySet[Officer], case: Case) -> QuerySet[Officer]:
    """Those of the centre whose territory holds the case."""
    return people.filter(Q(area=None) | Q(area__code__in=levels.lineage(case.cell.area.code)))


def _reporter(book: Rulebook, event: CaseEvent) -> Iterable[int]:
    """For whom a case is worked on: who reported it; for a child the department that it helps."""
    parent = event.case.parent
    return _people(parent.department_id) if parent else _person(event.case.reporter_id)


def _department(book: Rulebook, event: CaseEvent) -> Iterable[int]:
    return _people(_concerned(event))


def _people(department: int | None) -> Iterable[int]:
    if department is None:
        return ()
    return _active(*DEPARTMENT).filter(department=department).values_list("pk", flat=True)


def _head(book: Rulebook, event: CaseEvent) -> Iterable[int]:
    """The heads of the department, or of the nearest above it that has one."""
    above = book.upward(_concerned(event))
    heads = list(_active(Role.HEAD).filter(department__in=above).values_list("pk", "department_id"))
    nearest = min((above.index(department) for _pk, department in heads), default=None)
    return [pk for pk, department in heads if nearest is not None and department == above[nearest]]


def _asking(book: Rulebook, event: CaseEvent) -> Iterable[int]:
    """Whoever asked for what was granted or refused: a clerk may have. Nobody, where nobody had asked."""
    wish = event.facts.get("refuses") or event.verb
    asks = CaseEvent.objects.filter(case=event.case_id, verb=Verb.ASK, facts__asks=wish, pk__lt=event.pk)
    return _person(asks.order_by("-pk").values_list("by_id", flat=True).first())


def _granting(book: Rulebook, event: CaseEvent) -> Iterable[int]:
    """Those who may grant what was asked for, by making the move."""
    granting = flow.move(event.entered, event.facts["asks"])
    return {officer for role in granting.by for officer in _of_role(book, event, role)}


def _woken(book: Rulebook, event: CaseEvent) -> Iterable[int]:
    """Whom it woke when it rang: the rung's own post, or the next above it, and whoever owes."""
    woken: list[int] = event.facts.get("woken", [])
    return woken


def _drawn(book: Rulebook, event: CaseEvent) -> Iterable[int]:
    """On whom the lot of a re-check fell."""
    return _person(event.facts.get("holder"))


def _of_role(book: Rulebook, event: CaseEvent, role: Role) -> Iterable[int]:
    people = _active(role)
    if role in DEPARTMENT:
        return people.filter(department__in=book.upward(event.department_id)).values_list("pk", flat=True)
    return _in_charge_here(people, event.case).values_list("pk", flat=True)


def _post(role: Role) -> Callable[[Rulebook, CaseEvent], Iterable[int]]:
    return lambda book, event: _of_role(book, event, role)


RELATIONS: Mapping[Who, Callable[[Rulebook, CaseEvent], Iterable[int]]] = {
    Who.OWING: _owing,
    Who.REPORTER: _reporter,
    Who.DEPARTMENT: _department,
    Who.HEAD: _head,
    Who.ASKING: _asking,
    Who.GRANTING: _granting,
    Who.WOKEN: _woken,
    Who.DRAWN: _drawn,
    **{Who(role.value): _post(role) for role in CENTRE},
}
