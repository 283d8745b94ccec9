"""Who hears of what, and how he reads it."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client

from cases import alarm, audience, outbox
from cases.clock import Limit, Unit
from cases.flow import Source, Verb
from cases.models import Case, CaseEvent, Outbox, Policy
from grid.models import Area, Officer
from grid.roles import Role
from mobile_api import inbox
from mobile_api.models import Message

from . import acts
from . import city as town
from .acts import move

INBOX = "/api/mobile/v1/inbox"


@pytest.fixture
def case(city: SimpleNamespace, clock) -> Case:
    """A rattling cover with the roads department."""
    return town.report(city)


def hearers(case: Case, verb: Verb) -> set[str]:
    """Who has a message of the last such line of the log, once all debts are paid."""
    outbox.drain()
    event = case.events.filter(verb=verb).latest("id")
    return set(Message.objects.filter(event=event).values_list("officer__username", flat=True))


# Who hears


def test_who_owes_the_work_hears_of_it(case: Case, city: SimpleNamespace) -> None:
    assert hearers(case, Verb.DISPATCH) == {"hugo"}
    assert Message.objects.count() == 1  # a case that moved on at once is nobody's news


def test_the_centre_hears_of_a_call_but_not_who_took_it(city: SimpleNamespace, clock) -> None:
    case = town.report(city, by=city.carl, source=Source.HOTLINE)
    assert hearers(case, Verb.REPORT) == {"sina"}


def test_a_post_hears_of_its_own_territory(city: SimpleNamespace, clock) -> None:
    other = Area.objects.create(code="632701002", name="扎西科街道")
    county = Area.objects.get(code="632701")
    for name, area in (("far", other), ("near", city.street), ("nearer", city.community), ("over", county)):
        Officer.objects.create(username=name, roles=[Role.CLERK], area=area)
    case = town.report(city, condition=None)
    assert hearers(case, Verb.REPORT) == {"carl", "sina", "near", "nearer", "over"}


def test_an_errand_is_heard_on_the_beat(case: Case, city: SimpleNamespace) -> None:
    Policy.objects.filter(verb=Verb.ORDER_CHECK).update(automatic=False)
    town.finish(case, city.hugo)
    move(case, Verb.ORDER_CHECK, city.carl)
    assert hearers(case, Verb.ORDER_CHECK) == {"ann", "ivan"}
    assert hearers(case, Verb.FINISH) == set()


def test_an_errand_given_to_one_is_heard_by_one(city: SimpleNamespace, clock) -> None:
    Policy.objects.filter(verb=Verb.ORDER_CHECK).update(automatic=False)
    case = town.finish(town.report(city), city.hugo)
    assert hearers(case, Verb.FINISH) == {"carl"}
    move(case, Verb.ORDER_CHECK, city.carl, holder=city.ines.pk)
    assert hearers(case, Verb.ORDER_CHECK) == {"ines"}
    move(case, Verb.SUPERVISE, city.lena, note="市长关注")
    assert hearers(case, Verb.SUPERVISE) == {"ines"}
    clock.shift(timedelta(minutes=24))
    alarm.ring()
    assert hearers(case, Verb.ESCALATE) == {"ines", "sina"}  # the check is not the department's


def test_when_the_holder_has_left_the_others_hear(city: SimpleNamespace, clock) -> None:
    case = town.report(city, by=city.carl, source=Source.HOTLINE)
    move(case, Verb.ORDER_VERIFY, city.carl, holder=city.ines.pk)
    Officer.objects.filter(pk=city.ines.pk).update(is_active=False)
    assert hearers(case, Verb.ORDER_VERIFY) == {"ann", "ivan"}


def test_who_accepted_is_pressed_alone(case: Case, city: SimpleNamespace) -> None:
    Officer.objects.create(username="hans", roles=[Role.HANDLER], department=city.roads)
    move(case, Verb.SUPERVISE, city.lena, note="市长关注")
    assert hearers(case, Verb.SUPERVISE) == {"hugo", "hans"}
    move(case, Verb.ACCEPT, city.hugo)
    move(case, Verb.SUPERVISE, city.lena, note="再催", until=town.MONDAY + timedelta(days=1))
    assert hearers(case, Verb.SUPERVISE) == {"hugo"}


def test_a_wish_and_its_answer(case: Case, city: SimpleNamespace) -> None:
    later, day = datetime(2026, 3, 20, 9, tzinfo=town.CHINA), Limit(1, Unit.WORK_DAY)
    move(case, Verb.ASK, city.hugo, asks=Verb.EXTEND, note="缺材料")
    assert hearers(case, Verb.ASK) == {"dora"}
    for verb, facts in ((Verb.REFUSE, {}), (Verb.EXTEND, {"limit": day}), (Verb.SHELVE, {"until": later})):
        move(case, verb, city.dora, note="答复", **facts)
        assert hearers(case, verb) == {"hugo"}, verb
    move(case, Verb.RESUME, city.dora)
    assert hearers(case, Verb.RESUME) == {"hugo"}
    move(case, Verb.DECLINE, city.dora, note="不属市政")
    assert hearers(case, Verb.DECLINE) == {"hugo"}  # dora owes the work now, and did it herself


def test_a_call_is_answered_to_the_leader(case: Case, city: SimpleNamespace) -> None:
    move(case, Verb.SUPERVISE, city.lena, note="市长关注")
    move(case, Verb.REPLY, city.hugo, note="今日修好")
    assert hearers(case, Verb.REPLY) == {"lena"}


def test_each_rung_wakes_its_post_and_who_owes(case: Case, city: SimpleNamespace, clock) -> None:
    clock.shift(timedelta(days=30))
    assert alarm.ring() == 3
    outbox.drain()
    woken = [
        set(Message.objects.filter(event=event).values_list("officer__username", flat=True))
        for event in case.events.filter(verb=Verb.ESCALATE).order_by("id")
    ]
    assert woken == [{"hugo", "hedi"}, {"hugo", "dora"}, {"hugo", "lena"}]


def test_the_end_is_told_to_who_reported(case: Case, city: SimpleNamespace) -> None:
    acts.passed(town.finish(case, city.hugo), city.ivan)
    move(case, Verb.CLOSE, city.carl)
    assert hearers(case, Verb.CLOSE) == {"ann"}


def test_who_works_at_it_hears_that_it_is_void(case: Case, city: SimpleNamespace) -> None:
    move(case, Verb.VOID, city.sina, note="重复")
    assert hearers(case, Verb.VOID) == {"ann", "hugo"}


def test_void_without_a_department_is_told_to_the_reporter_alone(city: SimpleNamespace, clock) -> None:
    Officer.objects.create(username="lost", roles=[Role.HANDLER])  # of no department yet
    case = town.report(city, condition=None)
    move(case, Verb.VOID, city.sina, note="重复")
    assert hearers(case, Verb.VOID) == {"ann"}


def test_who_has_left_hears_nothing(case: Case, city: SimpleNamespace) -> None:
    Officer.objects.filter(username__in=("ann", "hugo")).update(is_active=False)
    move(case, Verb.VOID, city.sina, note="重复")
    assert (hearers(case, Verb.DISPATCH), hearers(case, Verb.VOID)) == (set(), set())


def test_to_accept_is_nobody_s_news(case: Case, city: SimpleNamespace) -> None:
    move(case, Verb.ACCEPT, city.hugo)
    event = acts.last(case)
    assert not audience.heard(event)
    assert not Outbox.objects.filter(event=event, consumer="inbox").exists()


def test_late_news_of_a_stage_that_was_left_is_none(case: Case, city: SimpleNamespace) -> None:
    town.finish(case, city.hugo)  # before the worker came
    assert hearers(case, Verb.DISPATCH) == set()


# How it is read


def messages(phone: Client, **asked: Any) -> dict[str, Any]:
    answer = phone.get(INBOX, asked)
    assert answer.status_code == 200, answer.content
    return answer.json()


def read(phone: Client, upto: int) -> dict[str, Any]:
    return phone.post(f"{INBOX}/read", json.dumps({"upto": upto}), content_type="application/json").json()


@pytest.fixture
def hugo(city: SimpleNamespace, clock) -> Client:
    """Hugo's phone, with five messages for him among others."""
    for _n in range(5):
        town.report(city)
        town.report(city, category=city.refuse.pk, condition=city.heap.pk)
        outbox.drain()
    return town.phone(city.hugo)


def numbers(told: dict[str, Any]) -> list[int]:
    return [item["number"] for item in told["items"]]


def test_numbers_ascend_and_the_newest_come_first(hugo: Client, city: SimpleNamespace) -> None:
    told = messages(hugo)
    assert (len(told["items"]), told["unread"], told["last"]) == (5, 5, max(numbers(told)))
    assert numbers(told) == sorted(numbers(told), reverse=True)
    every = list(Message.objects.order_by("event_id").values_list("number", flat=True))
    assert every == sorted(set(every))
    assert numbers(messages(hugo, limit=2)) == numbers(told)[:2]


def test_a_phone_reads_on_from_where_it_was(hugo: Client) -> None:
    heard, since = [], 0
    for _page in range(3):
        told = messages(hugo, since=since, limit=2)
        heard, since = heard + numbers(told), told["last"]
    assert heard == sorted(numbers(messages(hugo)))
    assert messages(hugo, since=since) == {"items": [], "last": since, "unread": 5, "reset": False}


def test_what_came_since_is_all_that_came_since(hugo: Client, city: SimpleNamespace) -> None:
    since = messages(hugo, limit=1)["last"]
    case = town.report(city)
    outbox.drain()
    (item,) = messages(hugo, since=since)["items"]
    assert (item["case"], item["case_number"]) == (str(case.uuid), case.number)
    assert (item["verb"]["code"], item["stage"]["code"], item["category"]) == ("dispatch", "handling", "上水井盖")
    assert (item["due_at"], item["level"], item["read"]) == ("2026-03-04T01:00:00Z", 0, False)


def test_reading_is_remembered_and_again_is_no_harm(hugo: Client, city: SimpleNamespace) -> None:
    newest = numbers(messages(hugo))
    assert read(hugo, newest[2])["unread"] == 2
    assert read(hugo, newest[2])["unread"] == 2
    assert numbers(messages(hugo, unread=True)) == newest[:2]
    assert [item["read"] for item in messages(hugo)["items"]] == [False] * 2 + [True] * 3
    assert read(hugo, newest[0])["unread"] == 0
    assert messages(hugo, unread=True) == {"items": [], "last": newest[0], "unread": 0, "reset": False}


def test_each_reads_his_own(hugo: Client, city: SimpleNamespace) -> None:
    otto = town.phone(city.otto)
    assert not set(numbers(messages(hugo))) & set(numbers(messages(otto)))
    read(hugo, 10_000)
    assert messages(otto)["unread"] == 5
    assert otto.get("/api/mobile/v1/me").json()["unread"] == 5


def test_a_debt_paid_twice_is_told_once(hugo: Client) -> None:
    before = messages(hugo)
    inbox.deliver(list(CaseEvent.objects.select_related("case").order_by("id")))
    assert messages(hugo) == before


def test_the_inbox_costs_so_many_statements(hugo: Client, django_assert_num_queries) -> None:
    for limit in (1, 5):
        with django_assert_num_queries(4):  # session, officer, what is known, the messages
            messages(hugo, limit=limit)
