"""Who hears of what, and by which ways, is rows."""

from __future__ import annotations

import csv
from datetime import time, timedelta
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings

from cases import audience, outbox, rulebook
from cases.audience import Who
from cases.checks import the_rules_have_no_holes
from cases.flow import Verb
from cases.loading import policies
from cases.loading.reading import NotLoaded
from cases.models import Case, CaseEvent, Category, Hearing, Outbox
from grid.models import Officer
from grid.roles import Role
from mobile_api import sms
from mobile_api.models import Preference

from . import city as town
from .acts import last, move
from .test_hooks import Receiver

PUSH, MAIL, SMS = Hearing.Channel
SHIPPED = settings.BASE_DIR / "fixtures" / "policies" / "hearings.csv"
HEADING = "verb,entered,who,urgent,channels\n"


@pytest.fixture
def case(city: SimpleNamespace, clock: Any) -> Case:
    """A rattling cover with the roads department."""
    return town.report(city)


def names(event: CaseEvent, by: str = "") -> set[str]:
    return set(Officer.objects.filter(pk__in=audience.of(event, by)).values_list("username", flat=True))


def row(who: Who, *channels: str, **more: Any) -> Hearing:
    return Hearing.objects.create(who=who, channels=list(channels), **more)


# What a row does


def test_an_upgraded_city_hears_as_before(db: None) -> None:
    """The rows of the migration are those that are shipped."""
    with SHIPPED.open() as file:
        shipped = {(*list(said.values())[:3], said["urgent"] == "1", said["channels"]) for said in csv.DictReader(file)}
    rows = Hearing.objects.values_list("verb", "entered", "who", "urgent", "channels")
    assert {(*said, " ".join(channels)) for *said, channels in rows} == shipped


def test_a_row_more_is_a_hearer_more(case: Case, city: SimpleNamespace) -> None:
    event = last(move(case, Verb.HASTEN, city.carl, note="请尽快"))
    assert names(event) == {"hugo"}
    row(Who.HEAD, verb=Verb.HASTEN)
    row(Who.LEADER, MAIL, verb=Verb.HASTEN)
    assert (names(event), names(event, PUSH), names(event, MAIL)) == (
        {"hugo", "hedi", "lena"},
        {"hugo"},
        {"hugo", "lena"},
    )


def test_a_row_less_is_a_hearer_less(case: Case, city: SimpleNamespace) -> None:
    event = last(move(case, Verb.VOID, city.sina, note="重复"))
    assert names(event) == {"ann", "hugo"}
    Hearing.objects.get(verb=Verb.VOID, who=Who.REPORTER).delete()
    assert names(event) == {"hugo"}


def test_the_more_particular_row_wins(case: Case, city: SimpleNamespace) -> None:
    """By verb before by stage before any, and that of emergencies before all."""
    event = last(case)
    for more, ways in (
        ({}, {PUSH, MAIL}),
        ({"entered": "handling"}, {SMS, MAIL}),
        ({"verb": "dispatch"}, {PUSH}),
        ({"verb": "dispatch", "entered": "handling"}, set()),
        ({"urgent": True}, set()),
    ):
        if more:
            row(Who.OWING, *ways, **more)
        assert {way for way in Hearing.Channel if names(event, way)} == ways, more
    assert names(event) == {"hugo"}, "his inbox has it all the same"
    Category.objects.filter(pk=city.manhole.pk).update(urgent=True)
    assert {way for way in Hearing.Channel if names(event, way)} == {PUSH, MAIL, SMS}, "the dispatch's of emergencies"


def test_a_row_of_a_stage_holds_for_every_way_into_it(case: Case, city: SimpleNamespace) -> None:
    row(Who.SHIFT_LEADER, entered="handling")
    assert names(last(case)) == {"hugo", "sina"}
    accepted = last(move(case, Verb.ACCEPT, city.hugo))
    assert names(accepted) == set(), "nothing was entered"
    assert names(last(move(case, Verb.DECLINE, city.dora, note="不属市政"))) == {"hugo"}


def test_of_emergencies_alone(case: Case, city: SimpleNamespace) -> None:
    row(Who.LEADER, verb=Verb.DISPATCH, urgent=True)
    assert names(last(case)) == {"hugo"}
    Category.objects.filter(pk=city.manhole.pk).update(urgent=True)
    assert names(last(case)) == {"hugo", "lena"}


def test_the_nearest_head_hears(case: Case, city: SimpleNamespace) -> None:
    row(Who.HEAD, verb=Verb.VOID)
    event = last(move(case, Verb.VOID, city.sina, note="重复"))
    assert names(event) == {"ann", "hugo", "hedi"}
    Officer.objects.create(username="rosa", roles=[Role.HEAD], department=city.roads)
    assert names(event) == {"ann", "hugo", "rosa"}


def test_who_asked_hears_of_the_grant(case: Case, city: SimpleNamespace) -> None:
    row(Who.ASKING, verb=Verb.VOID)
    move(case, Verb.ASK, city.carl, asks=Verb.VOID, note="误报")
    assert names(last(move(case, Verb.VOID, city.sina, note="误报"))) == {"ann", "hugo", "carl"}


def test_where_nobody_had_asked_nobody_is_told_so(case: Case, city: SimpleNamespace) -> None:
    row(Who.ASKING, verb=Verb.VOID)
    assert names(last(move(case, Verb.VOID, city.sina, note="误报"))) == {"ann", "hugo"}


# What it costs


def test_what_nobody_hears_by_a_way_is_not_owed_to_it(city: SimpleNamespace, clock: Any, monkeypatch: Any) -> None:
    for way in Hearing.Channel:
        wants = partial(audience.heard, by=way)
        monkeypatch.setitem(outbox.CONSUMERS, way, outbox.Consumer(lambda events: None, wants))
    event = last(town.report(city))
    assert set(Outbox.objects.filter(event=event).values_list("consumer", flat=True)) >= {"inbox", "push", "mail"}
    assert not Outbox.objects.filter(consumer="sms").exists()
    Category.objects.filter(pk=city.manhole.pk).update(urgent=True)
    event = last(town.report(city))
    assert Outbox.objects.filter(consumer="sms", event=event).exists()


def test_whether_anybody_hears_costs_no_statement(case: Case, django_assert_num_queries: Any) -> None:
    events = list(case.events.select_related("case"))
    rulebook.current()
    with django_assert_num_queries(0):
        assert [audience.heard(event) for event in events] == [False, False, True]


def test_many_events_cost_one_look_at_rules_and_leave(
    city: SimpleNamespace, clock: Any, django_assert_num_queries: Any
) -> None:
    events = [last(town.report(city)) for _n in range(5)]
    with django_assert_num_queries(2 + 5):  # and who owes each
        assert set(map(frozenset, audience.hearers(events).values())) == {frozenset({city.hugo.pk})}


# A text that is no emergency


def test_a_text_that_is_no_emergency_waits_for_the_morning(
    case: Case, city: SimpleNamespace, clock: Any, settings: Any, monkeypatch: Any
) -> None:
    row(Who.OWING, SMS, verb=Verb.SUPERVISE, entered="handling")
    wants = partial(audience.heard, by=SMS)
    monkeypatch.setitem(outbox.CONSUMERS, "sms", outbox.Consumer(sms.send, wants))
    settings.HOOK_HOSTS = ["127.0.0.1"]
    Officer.objects.filter(username="hugo").update(phone="13900000000")
    Preference.objects.create(officer=city.hugo, quiet_from=time(22), quiet_to=time(7))
    with Receiver().listening() as receiver:
        settings.SMS_URL, settings.SMS_TOKEN = receiver.url, "secret"
        clock.shift(timedelta(hours=14))
        move(case, Verb.SUPERVISE, city.lena, note="市长关注")
        outbox.drain()
        assert not receiver.sent
        clock.shift(timedelta(hours=8))
        outbox.drain()
        assert len(receiver.sent) == 1
    assert not Outbox.objects.filter(consumer="sms").exists()


# Rows that cannot be meant


def refused(folder: Path, *lines: str) -> list[tuple[int, str]]:
    (folder / "hearings.csv").write_text(HEADING + "\n".join(lines) + "\n")
    with pytest.raises(NotLoaded) as caught:
        policies.load(folder)
    return [(found.row, found.code) for found in caught.value.refusals]


@pytest.mark.parametrize(
    "line",
    [
        "lunch,,owing,0,",
        "dispatch,lunch,owing,0,",
        "dispatch,,mayor,0,",
        "dispatch,,owing,0,pigeon",
        "dispatch,,owing,0,push push",
        "dispatch,check,owing,0,",  # leads elsewhere
        "close,,owing,0,",  # nobody owes what is closed
        ",void,owing,0,",
        "close,,granting,0,",
        "dispatch,,woken,0,",
        ",,asking,0,",
    ],
)
def test_a_row_that_could_tell_nobody_is_refused(line: str, tmp_path: Path, db: None) -> None:
    before = set(Hearing.objects.values_list("pk", flat=True))
    assert refused(tmp_path, "close,,reporter,0,", line) == [(3, "unfit")]
    assert set(Hearing.objects.values_list("pk", flat=True)) == before


def test_odd_cells_and_doubles_are_refused_by_their_row(tmp_path: Path, db: None) -> None:
    assert refused(tmp_path, "close,,reporter,0,", "close,,reporter,0,push") == [(3, "duplicate")]
    assert refused(tmp_path, "close,,reporter,perhaps,", "close,,,0,") == [(2, "not_yes_or_no"), (3, "cell_blank")]


def holes() -> list[str]:
    found = the_rules_have_no_holes(None, databases=["default"])
    return [message.msg for message in found if message.id == "cases.W009"]


@pytest.mark.parametrize(
    ("row", "named"),
    [
        ({"verb": "", "who": "owing"}, "派遣（待处置）"),
        ({"verb": "ask"}, "申请（待处置）"),
        ({"verb": "refuse"}, "驳回（待派遣）"),
        ({"verb": "supervise"}, "督办（待派核查）"),
        ({"verb": "reply"}, "回复（待派核查）"),
        ({"verb": "escalate", "urgent": False}, "升级（待派核查）"),
        ({"verb": "extend"}, "延期（待处置）"),
    ],
)
def test_a_step_that_reaches_nobody_is_found(row: dict[str, Any], named: str, city: SimpleNamespace) -> None:
    assert holes() == []
    Hearing.objects.filter(**row).delete()
    (sentence,) = holes()
    assert named in sentence
