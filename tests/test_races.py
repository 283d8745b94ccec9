"""Many at once: real threads, real transactions, and whatever the order, one truth."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from itertools import cycle
from threading import Barrier, Event
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django_q.models import OrmQ

from cases import alarm, docket, exports, indicators, outbox, tally
from cases.clock import Limit, Unit
from cases.docket import Conflict
from cases.flow import Facts, Purpose, Refused, Verb
from cases.models import Basis, Case, CaseEvent, Condition, Duty, Export, Outbox, Policy
from cases.outbox import Consumer
from grid.moment import now, today
from mobile_api import inbox
from mobile_api.models import Message

from . import city as town
from . import log
from .cluster import PATIENCE_S, until, waiting

pytestmark = pytest.mark.django_db(transaction=True)

Act = Callable[[], Any]


def together(*acts: Act) -> list[Any]:
    """All acts at the same moment, each in a thread with a connection of its own. What came of each, or its error."""
    start = Barrier(len(acts), timeout=PATIENCE_S)
    with ThreadPoolExecutor(len(acts)) as pool:
        return [outcome(future) for future in [pool.submit(alone, act, start) for act in acts]]


def alone(act: Act, start: Barrier | None = None) -> Any:
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"SET lock_timeout = '{PATIENCE_S}s'; SET statement_timeout = '{PATIENCE_S}s'")
        if start:
            start.wait()
        return act()
    finally:
        connection.close()


def outcome(future: Future[Any]) -> Any:
    return future.exception() or future.result()


def overtaken(first: Act, second: Act) -> tuple[Any, Any]:
    """`second` comes while `first` is done but not committed, and waits for it. What came of both."""
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            won, rival = first(), pool.submit(alone, second)
            until(lambda: rival.done() or waiting(), "it waits")
            assert not rival.done(), f"it did not wait: {outcome(rival)!r}"
        return won, outcome(rival)


def the(kind: type, outcomes: Sequence[Any]) -> list[Any]:
    return [outcome for outcome in outcomes if isinstance(outcome, kind)]


# One case, many hands


def test_one_of_twenty_finishes_a_case(city: SimpleNamespace) -> None:
    case, facts = town.report(city), town.shown(city.hugo)
    outcomes = together(*[lambda: docket.move(case.uuid, Verb.FINISH, by=city.hugo, facts=facts)] * 20)
    refusals = the(Refused, outcomes)
    assert (len(the(Case, outcomes)), len(refusals)) == (1, 19), outcomes
    assert {refusal.code for refusal in refusals} == {"not_now"}
    assert all("待核查" in refusal.detail and refusal.allowed for refusal in refusals)
    assert log.verbs(case) == "report file dispatch finish order_check"


def test_a_move_said_twenty_times_at_once_is_made_once(city: SimpleNamespace) -> None:
    case, facts, key = town.report(city), town.shown(city.hugo), uuid4()
    outcomes = together(*[lambda: docket.move(case.uuid, Verb.FINISH, by=city.hugo, facts=facts, key=key)] * 20)
    assert [moved.pk for moved in outcomes] == [case.pk] * 20
    assert log.verbs(case) == "report file dispatch finish order_check"


def test_a_note_said_twice_at_once_is_written_once(city: SimpleNamespace) -> None:
    case, facts, key = town.report(city), Facts(note="请加快"), uuid4()
    say = lambda: docket.move(case.uuid, Verb.SUPERVISE, by=city.lena, facts=facts, key=key)  # noqa: E731
    assert [moved.pk for moved in overtaken(say, say)] == [case.pk] * 2
    assert log.verbs(case) == "report file dispatch supervise"


@pytest.mark.parametrize("first", [Verb.EXTEND, Verb.FINISH])
def test_an_extension_and_a_finish_have_one_order(first: Verb, city: SimpleNamespace) -> None:
    case, shown = town.report(city), town.shown(city.hugo)
    granted = Facts(note="缺材料", limit=Limit(1, Unit.WORK_DAY))
    acts = {
        Verb.EXTEND: lambda: docket.move(case.uuid, Verb.EXTEND, by=city.dora, facts=granted),
        Verb.FINISH: lambda: docket.move(case.uuid, Verb.FINISH, by=city.hugo, facts=shown),
    }
    won, rival = overtaken(acts.pop(first), acts.popitem()[1])
    assert isinstance(won, Case)
    if first == Verb.EXTEND:
        assert isinstance(rival, Case)
        assert log.verbs(case) == "report file dispatch extend finish order_check"
    else:
        assert isinstance(rival, Refused)
        assert log.verbs(case) == "report file dispatch finish order_check"
    finish = case.events.get(verb=Verb.FINISH)
    assert finish.allowed_s == (3 if first == Verb.EXTEND else 2) * 8 * 3600
    assert log.flaws() == []


def test_who_waited_sees_what_was_done_meanwhile(city: SimpleNamespace) -> None:
    Policy.objects.filter(verb=Verb.DISPATCH).update(automatic=False)
    case = town.report(city)
    _sent, supervised = overtaken(
        lambda: docket.move(case.uuid, Verb.DISPATCH, by=city.dora, facts=Facts(department=city.roads.pk)),
        lambda: docket.move(case.uuid, Verb.SUPERVISE, by=city.lena, facts=Facts(note="请加快")),
    )
    assert supervised.department == city.roads
    assert case.events.get(verb=Verb.SUPERVISE).department == city.roads
    assert log.flaws() == []


def test_everybody_at_one_case_at_once(city: SimpleNamespace) -> None:
    shown, note, later = town.shown(city.hugo), Facts(note="说明"), now() + timedelta(days=9)
    day = Limit(1, Unit.WORK_DAY)
    for _ in range(8):
        case = ringing(city, 1)[0]
        acts = [
            (Verb.ACCEPT, city.hugo, Facts()),
            (Verb.ASK, city.hugo, Facts(note="缺材料", asks=Verb.EXTEND)),
            (Verb.EXTEND, city.dora, Facts(note="同意", limit=day)),
            (Verb.SHELVE, city.dora, Facts(note="待拆迁", until=later)),
            (Verb.RESUME, city.dora, Facts()),
            (Verb.DECLINE, city.dora, note),
            (Verb.DISPATCH, city.dora, Facts(department=city.parks.pk)),
            (Verb.VOID, city.carl, note),
            (Verb.FINISH, city.hugo, shown),
            (Verb.REWORK, city.ivan, note),
            (Verb.SUPERVISE, city.lena, note),
            (Verb.REPLY, city.hugo, note),
        ]
        outcomes = together(alarm.ring, *[mover(case, *act) for act in acts])
        assert not [error for error in the(Exception, outcomes) if not isinstance(error, (Refused, Case.DoesNotExist))]
        moved = len(the(Case, outcomes))
        assert moved
        assert case.events.filter(by=None).exclude(verb__in=(Verb.ESCALATE, Verb.ORDER_CHECK)).count() == 2
        assert case.events.exclude(by=None).count() == 1 + moved
    assert log.flaws() == []


def mover(case: Case, verb: Verb, by: Any, facts: Facts) -> Act:
    return lambda: docket.move(case.uuid, verb, by=by, facts=facts)


# Many phones


def test_twenty_phones_send_one_report(city: SimpleNamespace) -> None:
    uuid, seen = uuid4(), town.seen(city, photos=((town.SHA, Purpose.NEAR),))
    outcomes = together(*[lambda: docket.report(uuid, seen, by=city.ann)] * 20)
    assert sorted(new for _case, new in outcomes) == [False] * 19 + [True]
    assert {case.number for case, _new in outcomes} == {Case.objects.get().number}
    assert log.verbs(Case.objects.get()) == "report file dispatch"
    assert Case.objects.get().evidence.count() == 1


def test_twenty_phones_use_one_uuid_for_different_things(city: SimpleNamespace) -> None:
    uuid, seen = uuid4(), [town.seen(city, text=f"第{n}处") for n in range(20)]
    outcomes = together(*[lambda said=said: docket.report(uuid, said, by=city.ann) for said in seen])
    assert (len(the(tuple, outcomes)), len(the(Conflict, outcomes))) == (1, 19), outcomes
    case, new = the(tuple, outcomes)[0]
    assert (Case.objects.get(), new) == (case, True)
    assert all(case.number in str(conflict) for conflict in the(Conflict, outcomes))
    assert log.verbs(case) == "report file dispatch"


def test_fifty_reports_get_fifty_numbers(city: SimpleNamespace) -> None:
    outcomes = together(*[lambda: [town.report(city).number for _ in range(2)]] * 25)
    numbers = [number for pair in outcomes for number in pair]
    assert len(set(numbers)) == 50
    assert set(Case.objects.values_list("number", flat=True)) == set(numbers)
    assert log.flaws() == []


def test_a_report_asks_nothing_of_the_queue(city: SimpleNamespace) -> None:
    """However many come, what is ordered there, say an export, waits behind none of them."""
    with transaction.atomic():
        town.report(city)
        transaction.set_rollback(True)
    assert Outbox.objects.count() == 0
    town.finish(town.report(city), city.hugo)
    assert outbox.owing() >= {"inbox", "tally"}
    assert not OrmQ.objects.exists()


# Alarms


def ringing(city: SimpleNamespace, count: int) -> list[Case]:
    """Cases whose alarm is past."""
    cases = [town.report(city) for _ in range(count)]
    Case.objects.filter(pk__in=[case.pk for case in cases]).update(alarm_at=now() - timedelta(seconds=1))
    return cases


def test_two_hands_ring_each_alarm_once(city: SimpleNamespace) -> None:
    ringing(city, 200)
    rung = together(lambda: alarm.ring(batch=20), lambda: alarm.ring(batch=20))
    assert sum(rung) == 200
    assert all(rung), "only one hand rang: nothing was shown"
    escalated = CaseEvent.objects.filter(verb=Verb.ESCALATE).values_list("case", flat=True)
    assert (len(escalated), len(set(escalated))) == (200, 200)
    assert set(Case.objects.values_list("level", flat=True)) == {1}
    assert log.flaws() == []


def test_alarms_ring_while_cases_move(city: SimpleNamespace) -> None:
    cases, shown = ringing(city, 60), town.shown(city.hugo)

    def finish(mine: list[Case]) -> None:
        for case in mine:
            docket.move(case.uuid, Verb.FINISH, by=city.hugo, facts=shown)

    ring = lambda: sum(alarm.ring(batch=3) for _ in range(20))  # noqa: E731
    *done, rung, rung_too = together(lambda: finish(cases[:30]), lambda: finish(cases[:29:-1]), ring, ring)
    assert done == [None, None]
    assert set(Case.objects.values_list("stage", flat=True)) == {"check"}
    escalated = Counter(CaseEvent.objects.filter(verb=Verb.ESCALATE).values_list("case", flat=True))
    assert sum(escalated.values()) == rung + rung_too
    assert set(escalated.values()) <= {1}
    assert log.flaws() == []


def test_an_alarm_passes_over_a_case_that_is_just_moved(city: SimpleNamespace) -> None:
    case, other = ringing(city, 2)
    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        town.finish(case, city.hugo)
        assert outcome(pool.submit(alone, alarm.ring)) == 1
    assert alarm.ring() == 0
    assert log.verbs(case) == "report file dispatch finish order_check"
    assert log.verbs(other) == "report file dispatch escalate"


def test_a_move_waits_for_the_alarm_and_knows_its_rung(city: SimpleNamespace) -> None:
    case, shown = ringing(city, 1)[0], town.shown(city.hugo)
    rung, moved = overtaken(alarm.ring, lambda: docket.move(case.uuid, Verb.FINISH, by=city.hugo, facts=shown))
    assert (rung, moved.level) == (1, 0)
    assert case.events.get(verb=Verb.FINISH).level == 1
    assert log.flaws() == []


# What follows from events


def test_two_drains_pay_each_debt_once(city: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    paid: list[int] = []
    ledger = Consumer(pay=lambda events: paid.extend(event.pk for event in events), wants=lambda event: True)
    monkeypatch.setitem(outbox.CONSUMERS, "ledger", ledger)
    for _ in range(40):
        town.report(city)
    owed = Outbox.objects.count()
    assert sum(together(*[lambda: outbox.drain(batch=5)] * 2)) == owed
    assert sorted(paid) == sorted(CaseEvent.objects.values_list("pk", flat=True))
    assert Outbox.objects.count() == 0
    assert Message.objects.filter(officer=city.hugo).count() == 40


def test_an_older_count_never_lands_last(city: SimpleNamespace) -> None:
    """One has counted and not yet written; another case comes, and is counted by another."""
    town.report(city)
    rivals: list[Future[Any]] = []

    def meanwhile(execute: Act, sql: str, *more: Any) -> Any:
        done = execute(sql, *more)
        if "fresh" in sql and not rivals:
            rivals.append(pool.submit(alone, lambda: (town.report(city), recount())))
            until(lambda: rivals[0].done() or waiting(), "it is counted")
        return done

    def recount() -> int:
        with transaction.atomic():
            return tally.count({(city.cells[0].pk, today(), basis) for basis in Basis.values})

    with ThreadPoolExecutor(1) as pool, connection.execute_wrapper(meanwhile):
        assert recount()
    assert outcome(rivals[0])[1]
    assert indicators.figures("department", today(), today())[city.roads.pk]["dispatched"] == 2
    assert tally.rebuild(today(), today()) == 0


def test_figures_are_right_whoever_drains(city: SimpleNamespace) -> None:
    def work() -> None:
        for _ in range(5):
            town.finish(town.report(city), city.hugo)
            outbox.drain(batch=3)

    town.photo(city.hugo)
    assert together(*[work] * 4) == [None] * 4
    outbox.drain()
    figures = indicators.figures("department", today(), today())[city.roads.pk]
    assert (figures["dispatched"], figures["finished"], figures["on_time"]) == (20, 20, 20)
    assert Outbox.objects.count() == 0


def test_who_polls_the_inbox_misses_nothing(city: SimpleNamespace) -> None:
    for _ in range(30):
        town.report(city)
    events = list(CaseEvent.objects.filter(verb=Verb.DISPATCH).select_related("case"))

    def poll() -> list[int]:
        heard: list[int] = []
        until = time.monotonic() + PATIENCE_S
        while len(heard) < len(events) and time.monotonic() < until:
            since = heard[-1] if heard else 0
            mine = Message.objects.filter(officer=city.hugo, number__gt=since).order_by("number")
            heard += mine.values_list("number", flat=True)
        return heard

    deliveries = [lambda mine=events[n::6]: [inbox.deliver([event]) for event in mine] for n in range(6)]
    heard, *_delivered = together(poll, *deliveries)
    assert heard == list(Message.objects.filter(officer=city.hugo).order_by("number").values_list("number", flat=True))
    assert len(heard) == len(events)
    assert together(lambda: inbox.deliver(events), lambda: inbox.deliver(events)) == [None] * 2
    assert Message.objects.filter(officer=city.hugo).count() == len(events)


# One file


def test_an_export_ordered_six_times_at_once_is_made_once(city: SimpleNamespace) -> None:
    town.report(city)
    orders = together(
        *[lambda: exports.ask(city.carl, "cases", "csv", {})] * 6, lambda: exports.ask(city.lena, "cases", "csv", {})
    )
    assert len({order.pk for order in orders[:6]}) == 1
    assert [Export.objects.filter(officer=who).count() for who in (city.carl, city.lena)] == [1, 1]
    assert OrmQ.objects.count() == 2


# Rules that change meanwhile


def test_each_case_is_judged_by_one_edition(city: SimpleNamespace) -> None:
    """Two rows change in one transaction; no case may see one of them new and the other old."""
    editions = [(2, city.roads), (3, city.parks)]
    done = Event()

    def edit() -> None:
        for limit, department in cycle(editions):
            if done.wait(0.02):  # no city writes rules without a pause: each makes every process read them anew
                return
            with transaction.atomic():
                Condition.objects.filter(pk=city.rattling.pk).update(limit_value=limit)
                Duty.objects.filter(category=city.manhole.parent).update(department=department)

    def work() -> None:
        for _ in range(30):
            town.report(city)

    with ThreadPoolExecutor(1) as pool:
        editor = pool.submit(alone, edit)
        outcomes = together(*[work] * 4)
        done.set()
    assert [*outcomes, outcome(editor)] == [None] * 5
    judged = set(Case.objects.values_list("allowed_s", "department"))
    assert judged == {(limit * 8 * 3600, department.pk) for limit, department in editions}
    assert log.flaws() == []
