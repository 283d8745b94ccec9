"""The server's clock is set back by five minutes: nothing rings twice, nothing is dated before what came before it."""

from __future__ import annotations

import os
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings as conf
from django.core import mail as post
from django_q.brokers import get_broker
from django_q.models import OrmQ, Schedule
from django_q.tasks import async_task

from cases import alarm, docket, outbox, schedules
from cases.flow import Verb
from cases.models import Case, CaseEvent, Holiday, Outbox
from grid.models import Officer
from grid.moment import local_day, now
from mobile_api import digest
from mobile_api.models import Message

from . import acts, log
from . import city as town

BACK = -timedelta(minutes=5)


@pytest.fixture
def late(city: SimpleNamespace, clock: Any) -> Case:
    """A case of the roads' department that has just climbed, before the clock was set back."""
    case = town.report(city, condition=city.missing.pk)
    clock.move_to(case.alarm_at)
    assert alarm.ring() == 1
    clock.shift(BACK)
    return case


def escalations() -> int:
    return CaseEvent.objects.filter(verb=Verb.ESCALATE).count()


def test_no_rung_is_climbed_again(late: Case, clock: Any) -> None:
    for _minute in range(8):
        assert alarm.ring() == 0
        clock.shift(timedelta(minutes=1))
    assert escalations() == 1


def test_no_line_is_dated_before_the_one_before(late: Case, city: SimpleNamespace, clock: Any) -> None:
    """By people, by the system, and where an alarm is put off."""
    rung_at = acts.last(late).at
    acts.move(late, Verb.ACCEPT, city.hugo)
    town.finish(late, city.hugo)
    assert {event.at for event in late.events.order_by("-id")[:3]} == {rung_at}
    assert log.flaws() == []
    spans = [event.at - event.since for event in late.events.all() if event.since]
    assert min(spans) >= timedelta(0)
    assert not CaseEvent.objects.filter(late_s__lt=0).exists()


def test_a_deadline_computed_again_is_no_exception(late: Case, clock: Any) -> None:
    rung_at = acts.last(late).at
    Holiday.objects.create(day=local_day(now()), off=True, name="赛马节", statutory=False)
    Case.objects.filter(pk=late.pk).update(allowed_s=100)
    docket.retime(local_day(now()))
    assert (acts.last(late).verb, acts.last(late).at) == (Verb.RETIME, rung_at)


def test_an_alarm_put_off_is_no_exception(late: Case, clock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    rung_at = acts.last(late).at
    Case.objects.update(alarm_at=now())
    monkeypatch.setattr(docket, "own", lambda *what: 1 / 0)
    alarm.ring()
    assert (acts.last(late).verb, acts.last(late).at) == (Verb.RETIME, rung_at)
    assert log.flaws() == []


def test_nobody_waits_for_his_message_until_the_clock_has_caught_up(
    late: Case, city: SimpleNamespace, clock: Any
) -> None:
    acts.move(late, Verb.SUPERVISE, city.lena, note="请加快")
    assert not Outbox.objects.filter(event=acts.last(late), due_at__gt=now()).exists()
    outbox.drain()
    assert Message.objects.filter(event=acts.last(late), officer=city.hugo).count() == 1


def test_a_lease_holds_and_ends(city: SimpleNamespace, clock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    paid: list[int] = []

    def pay(events: Any) -> None:
        paid.extend(event.pk for event in events)
        if len(paid) == 1:
            raise ConnectionError

    ledger = outbox.Consumer(pay, lambda event: event.verb == Verb.DISPATCH)
    monkeypatch.setitem(outbox.CONSUMERS, "ledger", ledger)
    town.report(city)
    outbox.drain()
    clock.shift(BACK)
    outbox.drain()
    assert len(paid) == 1
    clock.shift(-BACK + outbox.LEASE)
    outbox.drain()
    assert (len(paid), Outbox.objects.count()) == (2, 0)


def test_a_session_goes_on(city: SimpleNamespace, clock: Any) -> None:
    phone = town.phone(city.hugo)
    clock.shift(BACK)
    assert phone.get("/api/mobile/v1/me").status_code == 200


def test_no_digest_is_written_twice(city: SimpleNamespace, clock: Any, settings: Any) -> None:
    """Not even when yesterday comes again."""
    settings.EMAIL_URL, settings.DIGEST_HOUR = "smtp://localhost", 0
    Officer.objects.filter(pk=city.hugo.pk).update(email="hugo@example.org")
    town.report(city, condition=city.missing.pk)
    midnight = (town.MONDAY + timedelta(days=1)).replace(hour=0, minute=2)
    for at in (midnight - timedelta(hours=1), midnight, midnight + BACK, midnight):
        clock.move_to(at)
        digest.run()
    assert len(post.outbox) == 2


# The worker


def test_the_rounds_of_the_worker_do_not_wait_for_the_clock(db: None, clock: Any) -> None:
    schedules.install()
    Schedule.objects.update(next_run=now() + timedelta(days=400))
    schedules.install()
    rounds = dict(Schedule.objects.values_list("name", "next_run"))
    assert rounds["cases.alarm.ring"] == now()
    assert now() < rounds["cases.nightly.begin"] <= now() + timedelta(days=1)


def test_what_is_crossed_off_is_a_sign_of_life_and_what_is_taken_is_none(db: None) -> None:
    beat = conf.DATA_DIR / "worker.beat"
    beat.touch()
    os.utime(beat, (0, 0))
    async_task("cases.schedules.beat")
    broker = get_broker()
    ((task, _said),) = broker.dequeue()
    assert beat.stat().st_mtime == 0
    broker.acknowledge(task)
    assert beat.stat().st_mtime > 0
    assert not OrmQ.objects.exists()
