"""Parents and children at once: whatever the order, a parent ends once, and after its children."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from cases import docket
from cases.flow import Facts, Purpose, Refused, Stage, Verb
from cases.models import Case, CaseEvent

from . import acts, log
from . import city as town
from .acts import last, move
from .test_cowork import assisted, by_policy, ended, worked
from .test_races import overtaken, the, together

MANY_HANDS = pytest.mark.django_db(transaction=True)


@MANY_HANDS
@pytest.mark.parametrize("automatic", [True, False])
def test_the_last_two_children_end_at_once(automatic: bool, city: SimpleNamespace) -> None:
    if automatic:
        by_policy()
    for _again in range(4):
        parent = town.report(city)
        children = [(assisted(parent, city), city.hana), (assisted(parent, city, city.office), city.otto)]
        worked(parent, city.hugo, city)
        ready = [town.finish(child, by) if automatic else worked(child, by, city) for child, by in children]
        ends = [
            lambda child=child: acts.passed(child, child.holder) if automatic else move(child, Verb.CLOSE, city.carl)
            for child in ready
        ]
        outcomes = together(*ends)
        assert [outcome.stage for outcome in the(Case, outcomes)] == [Stage.CLOSED] * 2, outcomes
        parent.refresh_from_db()
        assert (parent.stage, last(parent).verb) == (
            (Stage.CLOSED, Verb.CLOSE) if automatic else (Stage.CLOSING, Verb.RESUME)
        )
        assert parent.events.filter(verb__in=(Verb.CLOSE, Verb.RESUME)).count() == 1
    assert log.flaws() == []


@MANY_HANDS
def test_a_parent_that_is_closed_waits_for_who_ends_its_last_child(city: SimpleNamespace) -> None:
    parent = town.report(city)
    child = worked(assisted(parent, city), city.hana, city)
    worked(parent, city.hugo, city)
    close = lambda case: lambda: move(case, Verb.CLOSE, city.carl)  # noqa: E731
    first, second = overtaken(close(child), close(parent))
    assert (first.stage, second.stage) == (Stage.CLOSED, Stage.CLOSED)
    assert log.flaws() == []


@MANY_HANDS
@pytest.mark.parametrize("first", [Verb.REOPEN, Verb.CLOSE])
def test_a_child_is_reopened_while_its_parent_is_closed(first: Verb, city: SimpleNamespace) -> None:
    parent = town.report(city)
    child = ended(assisted(parent, city), city.hana, city)
    worked(parent, city.hugo, city)
    deeds = {
        Verb.CLOSE: lambda: move(parent, Verb.CLOSE, city.carl),
        Verb.REOPEN: lambda: move(child, Verb.REOPEN, city.sina, note="根又长"),
    }
    _done, refusal = overtaken(deeds.pop(first), deeds.popitem()[1])
    assert isinstance(refusal, Refused)
    assert refusal.code == ("children_open" if first == Verb.REOPEN else "parent_done")
    assert log.flaws() == []


@MANY_HANDS
def test_a_parent_is_void_while_its_child_ends(city: SimpleNamespace) -> None:
    for _again in range(4):
        parent = town.report(city)
        child = assisted(parent, city)
        shown, note = town.shown(city.hana, Purpose.AFTER), Facts(note="报错")
        outcomes = together(
            lambda: docket.move(parent.uuid, Verb.VOID, by=city.sina, facts=note),  # noqa: B023  at once
            lambda: docket.move(child.uuid, Verb.VOID, by=city.sina, facts=note),  # noqa: B023
            lambda: docket.move(child.uuid, Verb.FINISH, by=city.hana, facts=shown),  # noqa: B023
        )
        assert not [error for error in the(Exception, outcomes) if not isinstance(error, Refused)], outcomes
        parent.refresh_from_db()
        child.refresh_from_db()
        assert parent.stage == Stage.VOID
        assert child.stage in (Stage.VOID, Stage.CHECK)
        assert CaseEvent.objects.filter(case=child, verb=Verb.VOID).count() <= 1
    assert log.flaws() == []


@MANY_HANDS
def test_two_dispatchers_call_the_same_department(city: SimpleNamespace) -> None:
    parent = town.report(city)
    call = lambda: move(parent, Verb.ASSIST, city.dora, department=city.parks.pk, note="协助")  # noqa: E731
    _called, refusal = overtaken(call, call)
    assert (refusal.code, parent.children.count()) == ("already_assists", 1)
