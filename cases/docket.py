"""The one write path. Every change of a case is a line in its log, or it did not happen.

report()   opens a case
move()     takes it one step along flow.MOVES, and then as many as the policies say
own()      makes the system's own move, in memory; write_all() writes many such
retime()   computes provisional deadlines again

Each case is written in one transaction: on return everything is written, on a raise nothing is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, time
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Max, OuterRef, Q, Subquery
from django.utils.translation import gettext as _

from grid import quota
from grid.locate import cell_at
from grid.models import Officer
from grid.moment import local_day, now

from . import (
    callers,
    cowork,
    draw,
    flags,
    flow,
    links,
    outbox,
    refusals,
    reporting,
    rulebook,
    rules,
    stale,
    stint,
    succession,
    supervision,
)
from .facts import meaning
from .flow import NOTHING, Facts, Move, Refused, Stage, Verb
from .models import Case, CaseEvent, CaseQuerySet, Evidence
from .promise import kept
from .reporting import Report
from .rulebook import Rulebook
from .rules import Why

Hold = Callable[[Case, Verb, CaseEvent], Why]
Give = Callable[[Case, Verb, Facts, CaseEvent], Facts]
# Facts of an event that its author did not say.
OURS = ("why", "waits", "refuses", "promise_at", "promise_kept", *callers.FROZEN)


class Conflict(Exception):
    """The phone's UUID has been used before, for something else. Nothing was written."""

    code = "uuid_used"


def report(uuid: UUID, said: Report, *, by: Officer | None, limited: bool = False) -> tuple[Case, bool]:
    """Open a case (上报), and say whether it is new: the same UUID with the same content is the same case.

    `by` is None for a machine. What the policies allow follows in the same transaction: filing, dispatching.
    `limited`: as a door asks, it counts against what the officer may report (quota).
    Raises Conflict for the same UUID with other content, OutsideTheCity, Refused, Overspent.
    """
    try:
        with transaction.atomic():
            if again := _again(uuid, said, by):
                return again
            case = _open(uuid, said, by)
            if limited and by:
                quota.spend(by, quota.Kind.REPORTS)
            return case, True
    except IntegrityError:  # the same report came in at the same moment and was faster
        if again := _again(uuid, said, by):
            return again
        raise


def _again(uuid: UUID, said: Report, by: Officer | None) -> tuple[Case, bool] | None:
    same = Case.objects.filter(uuid=uuid)
    if not same.exists():  # as nearly always: to plan all those joins for nothing would cost 3 ms
        return None
    case = same.select_related(*RELATED).get()
    if bytes(case.digest) not in said.digests(by):
        raise Conflict(_("这个上报标识（id）已用于案卷 %(number)s。新的上报请用新的标识。") % {"number": case.number})
    return case, False


def _open(uuid: UUID, said: Report, by: Officer | None) -> Case:
    reporting.entitled(said, by)
    located = cell_at(said.lon, said.lat)
    at, book = now(), rulebook.current()  # read after the cell, so that it knows the cell's area
    component = reporting.component(said, reporting.subclass(book, said))
    number = reporting.number(at)
    case = reporting.draft(book, uuid, said, by=by, located=located, component=component, number=number, at=at)
    facts = Facts(photos=said.photos, origin=said.origin)
    event = take(book, case, flow.REPORT, by=by, facts=facts, at=at)
    if said.handled:
        step = flow.move(case.stage, Verb.SELF_HANDLE)
        refusals.needed(case, step, facts)
        events = [event, take(book, case, step, by=by, facts=NOTHING, at=at)]
    else:
        events = [event, *follow(book, case, event, at)]
    write(case, events)
    case.log = events
    return case


RELATED = (
    "category__parent",
    "condition",
    "component",
    "cell__area__parent__parent",
    "department",
    "holder",
    "reporter",
)


def move(
    uuid: UUID,
    verb: str,
    *,
    by: Officer,
    facts: Facts = NOTHING,
    key: UUID | None = None,
    seen: int | None = None,
    limited: bool = False,
) -> Case:
    """Take a case one step, and then as many as the policies say.

    `seen`: the last line of the log that the officer had before him. Where somebody has acted since, it is refused.
    Locks the case. Idempotent by `key`: the same move again returns the case as it is. Raises Case.DoesNotExist if
    the officer may not see it, Refused if the step is not to be made, Conflict for a key used for another move.
    """
    try:
        with transaction.atomic():
            moved = _move(uuid, verb, by, facts, key, seen)
            if limited:  # last, for whoever holds that row waits for no case
                quota.spend(by, quota.Kind.MOVES)
            return moved
    except IntegrityError:
        if key and CaseEvent.objects.filter(key=key).exists():  # at this moment, for another case
            raise _key_used() from None
        raise


def _move(uuid: UUID, verb: str, by: Officer, facts: Facts, key: UUID | None, seen: int | None) -> Case:
    master = links.master(by, facts) if verb == Verb.LINK else None
    parent = locked(cowork.lead(uuid, verb)).first()
    case = locked(Case.objects.visible_to(by).filter(uuid=uuid)).first()
    if key and (again := _made(key, uuid, verb, by, facts)):
        if case is None:  # what has happened to it since is not for him
            raise Refused("made_unseen", _("该操作此前已经完成，无需重发；案卷现已不在您的可见范围内。"))
        return again
    if case is None:
        raise Case.DoesNotExist
    if seen is not None:
        stale.overtaken(case, seen)
    if parent:
        case.parent = parent
    book, at = rulebook.current(), moment(case, now())
    step = flow.move_of_people(case.stage, verb)
    log = list(case.events.all()) if refusals.recalls(step) else []
    refusals.examine(book, case, step, by, facts, log, at)
    if step.verb == Verb.LINK:
        case.same_as = links.fit(book, case, master)
        facts = replace(facts, why=({"code": "linked_to", "number": case.same_as.number},))
    child = cowork.child(book, case, facts, reporting.number(at), at) if step.verb == Verb.ASSIST else None
    if child:
        task = cowork.task(case, facts)
        facts = replace(facts, why=({"code": "child_opened", "number": child.number},))
    event = take(book, case, step, by=by, facts=facts, at=at, key=key)
    write(case, [event, *follow(book, case, event, at)])
    if child:
        write(child, [take(book, child, flow.TASK, by=by, facts=task, at=at)])
    if case.stage in flow.DONE:
        _end_others(book, case, at)
    return case


def _end_others(book: Rulebook, ended: Case, at: datetime) -> None:
    """What follows for other cases, in the transaction in which one ended. Its parent is locked already."""
    verb, facts = links.ending(ended)
    for case in locked(links.ending_with(ended)):
        write(case, [own(book, case, verb, facts, at)])
    if ended.stage == Stage.VOID:
        facts = Facts(why=({"code": "with_parent", "number": ended.number},))
        for case in locked(cowork.unfinished(ended)):
            if events := [own(book, case, verb, facts, at) for verb in cowork.voided(case)]:
                write(case, events)
    parent = ended.parent
    if parent and (decided := cowork.freed(book, parent, local_day(at))):
        write(parent, [own(book, parent, *decided, at)])
        if parent.stage in flow.DONE:
            _end_others(book, parent, at)


def _made(key: UUID, uuid: UUID, verb: str, by: Officer, facts: Facts) -> Case | None:
    """The case moved by the move of this key. Asked under the case's lock: the same move may be just under way."""
    done = CaseEvent.objects.filter(key=key).select_related("case").first()
    if done is None:
        return None
    said = {name: fact for name, fact in done.facts.items() if name not in OURS}
    if (done.case.uuid, done.verb, done.by_id, meaning(said)) != (uuid, verb, by.pk, meaning(facts.said())):
        raise _key_used()
    case: Case = Case.objects.select_related(*RELATED).get(pk=done.case_id)
    return case


def _key_used() -> Conflict:
    return Conflict(_("这个操作标识（key）已用于另一次操作。新的操作请用新的标识。"))


def locked(cases: CaseQuerySet, *, skip: bool = False) -> CaseQuerySet:
    """These cases, locked until the transaction ends and read only then. `skip`: without those that others hold.

    Two statements, for one would be wrong: PostgreSQL gives a row it waited for as it is now, but joined to what it
    pointed at before. A case that was dispatched meanwhile would come without its department.
    """
    held = cases.select_for_update(of=("self",), skip_locked=skip)
    # The latest, not the first backwards by number: that is read through the whole log where the planner guesses so.
    lines = CaseEvent.objects.filter(case=OuterRef("pk")).order_by().values("case")
    last = lines.annotate(latest=Max("at")).values("latest")
    cases = Case.objects.filter(pk__in=[case.pk for case in held.only("pk")])
    return cases.select_related(*RELATED).annotate(last_at=Subquery(last))


def moment(case: Case, at: datetime) -> datetime:
    """How a line of a locked case is dated that is written at `at`: never before its last line, whatever the clock."""
    return max(at, getattr(case, "last_at", case.entered_at))


def take(
    book: Rulebook, case: Case, step: Move, *, by: Officer | None, facts: Facts, at: datetime, key: UUID | None = None
) -> CaseEvent:
    """Take one step in memory: the case stands after it as it shall be, the event tells what was before."""
    event = CaseEvent(
        case=case,
        cell_id=case.cell_id,
        at=at,
        verb=step.verb,
        by=by,
        left=case.stage,
        department=case.department,
        holder=case.holder,
        since=case.entered_at,
        clock=case.clock,
        allowed_s=case.allowed_s,
        due_at=case.due_at,
        late_s=stint.late_s(book, case, at),
        level=case.level,
        key=key,
    )
    case.expired = case.expired or stint.late(case, at)
    if step.verb == Verb.REFUSE:
        facts = replace(facts, refuses=case.asks)
    _change(book, case, step, by, facts)
    keepers = (supervision.keep, stint.keep, callers.keep)
    why = tuple(reason for keep in keepers for reason in keep(book, case, step, facts, at))
    event.entered = case.stage
    event.department = event.department or case.department  # whom it concerns
    said = replace(facts, why=(*facts.why, *why)) if why else facts
    event.facts = said.said() | kept(case, step.verb, at)
    event.facts |= callers.frozen(book, case, step.verb, facts, at)
    return event


def _change(book: Rulebook, case: Case, step: Move, by: Officer | None, facts: Facts) -> None:
    _assign(book, case, step, by, facts)
    if step.verb == Verb.ASK:
        case.asks = facts.asks
    elif step.to or step.verb in (case.asks, Verb.REFUSE):
        case.asks = ""
    case.stage = step.to or case.stage


def _assign(book: Rulebook, case: Case, step: Move, by: Officer | None, facts: Facts) -> None:
    """By which condition, in which department, by whom."""
    if step.verb in (Verb.FILE, Verb.DISPATCH) and facts.condition:
        case.condition = book.conditions[facts.condition]
    if step.verb in (Verb.DISPATCH, Verb.HAND_OVER) and facts.department:
        case.department = book.departments[facts.department]
    if step.verb in (Verb.DECLINE, Verb.UNLINK):
        case.department = None
    if step.verb == Verb.UNLINK:
        case.same_as = None
    if step.verb == Verb.HAND_OVER and facts.cell:
        succession.relocate(book, case, facts.cell)
    if step.verb == Verb.ACCEPT:
        case.holder = by
    elif step.to or step.verb == Verb.HAND_OVER:
        case.holder_id = facts.holder


def held(case: Case, verb: Verb, last: CaseEvent) -> Why:
    """Why the system leaves to a person a move that it might make after the last line; empty if it makes it."""
    return (*flags.hold(case, verb, last), *cowork.hold(case, verb))


def follow(
    book: Rulebook, case: Case, last: CaseEvent, at: datetime, *, hold: Hold = held, give: Give = draw.give
) -> Iterator[CaseEvent]:
    """What the system does by itself after a move, in memory; where it stops for a person, the last line says why.

    `hold` and `give` are what it asks the database for.
    """
    if last.verb == Verb.UNLINK:
        for verb, facts in links.back(book, case):
            yield own(book, case, verb, facts, at)
        return
    day = local_day(at)
    if last.verb in succession.BACK:
        for verb, facts in succession.back(book, case, day):
            last = own(book, case, verb, facts, at)
            yield last
    why: Why = ()
    while decided := rules.next_move(book, case, Verb(last.verb), day):
        verb, facts = decided
        if why := hold(case, verb, last):
            break
        facts = give(case, verb, facts, last)
        if why := draw.none(facts):
            break
        last = take(book, case, flow.move(case.stage, verb), by=None, facts=facts, at=at)
        yield last
    if last.left != last.entered and (waits := why or rules.waiting(book, case, Verb(last.verb), day)):
        last.facts["waits"] = list(waits)


def write(case: Case, events: Sequence[CaseEvent]) -> None:
    """One row for the case, one for each event, one for each debt. The caller holds the case's lock."""
    write_all([(case, events)])


def write_all(steps: Sequence[tuple[Case, Sequence[CaseEvent]]]) -> None:
    """Write many cases in as many statements as one. All or nothing; the caller holds the cases' locks."""
    case, *others = [case for case, _events in steps]
    if others:
        Case.objects.bulk_update([case, *others], stint.CHANGING)
    elif case.pk is None:
        case.save(force_insert=True)
    else:
        case.save(update_fields=stint.CHANGING)
    events = [event for _case, written in steps for event in written]
    CaseEvent.objects.bulk_create(events)
    evidence = [
        Evidence(case=event.case, event=event, photo_id=sha, purpose=purpose)
        for event in events
        for sha, purpose in dict.fromkeys(map(tuple, event.facts.get("photos", ())))
    ]
    if evidence:
        Evidence.objects.bulk_create(evidence)
    flags.settle(events)
    outbox.post(events, min(events[-1].at, now()))  # nobody waits until a clock that was set back catches up


def own(book: Rulebook, case: Case, verb: Verb, facts: Facts, at: datetime, *, by: Officer | None = None) -> CaseEvent:
    """The system's own move of a locked case, in memory: whoever calls writes. `by`: for whom it makes it."""
    return take(book, case, flow.move(case.stage, verb), by=by, facts=facts, at=moment(case, at))


def retime(since: date | None = None) -> int:
    """Compute deadlines again after the calendar changed, and say how many moved. Each has its line in the log.

    Which: open cases whose deadline is provisional, and those that are due, or whose next alarm rings, on `since`
    (the earliest changed day) or later.
    """
    touched = Q(provisional=True)
    if since:
        day = datetime.combine(since, time.min, ZoneInfo(settings.TIME_ZONE))
        touched |= Q(due_at__gte=day) | Q(alarm_at__gte=day)
    pks = list(Case.objects.open().exclude(clock="").filter(touched).values_list("pk", flat=True))
    return sum(_retime(pk) for pk in pks)


@transaction.atomic
def _retime(pk: int) -> bool:
    case = locked(Case.objects.open().exclude(clock="").filter(pk=pk)).first()
    if case is None:
        return False
    before = case.due_at, case.alarm_at, case.provisional
    event = own(rulebook.current(), case, Verb.RETIME, Facts(why=({"code": "retimed"},)), now())
    if (case.due_at, case.alarm_at, case.provisional) != before:
        write(case, [event])
    return case.due_at != before[0]
