"""What an inspector handled himself and is reopened finds a department, and its end."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest

from cases import handover, outbox, rechecks, unattended
from cases.flow import Purpose, Stage, Verb
from cases.models import Case, Policy, Recheck, Sampling

from . import acts, log
from . import city as town
from .acts import move, refused
from .desk import desk


@pytest.fixture
def handled(city: SimpleNamespace, clock: Any) -> Case:
    """Closed by carl after ann handled it on the spot."""
    photos = town.shown(city.ann, Purpose.BEFORE, Purpose.AFTER).photos
    return move(town.report(city, handled=True, photos=photos), Verb.CLOSE, city.carl)


def bare(case: Case, **more: Any) -> None:
    Case.objects.filter(pk=case.pk).update(condition=None, **more)


def by_hand() -> None:
    Policy.objects.filter(verb=Verb.DISPATCH).update(automatic=False)


def test_reopened_it_is_dispatched_and_finished(handled: Case, city: SimpleNamespace) -> None:
    case = move(handled, Verb.REOPEN, city.carl, note="又响了")
    assert (case.stage, case.department) == (Stage.HANDLING, city.roads)
    assert log.verbs(case) == "report self_handle close reopen decline dispatch"
    assert case.due_at and case.promise_at
    case = acts.passed(town.finish(case, city.hugo), city.ivan)
    assert move(case, Verb.CLOSE, city.carl).stage == Stage.CLOSED


def test_where_no_policy_dispatches_it_the_dispatcher_does(handled: Case, city: SimpleNamespace) -> None:
    by_hand()
    case = move(handled, Verb.REOPEN, city.carl, note="又响了")
    assert (case.stage, acts.codes(acts.last(case))[0]) == (Stage.DISPATCH, "no_department")
    page = desk(city.dora).get(f"/case/{case.number}/").content.decode()
    assert "没有责任单位（原为自处置），转入待派遣" in page
    assert Case.objects.owed_by(city.dora).filter(pk=case.pk).exists()
    assert move(case, Verb.DISPATCH, city.dora, department=city.roads.pk).stage == Stage.HANDLING


def test_what_was_never_filed_gets_its_condition_with_its_department(handled: Case, city: SimpleNamespace) -> None:
    bare(handled)
    case = move(handled, Verb.REOPEN, city.carl, note="又响了")
    assert case.stage == Stage.DISPATCH, "two conditions are possible: a person chooses"
    assert refused(case, Verb.DISPATCH, city.dora, department=city.roads.pk).field == "condition"
    form = desk(city.dora).get(f"/case/{case.number}/dispatch/").content.decode()
    assert city.rattling.text in form
    said = {"department": city.roads.pk, "condition": city.rattling.pk}
    case = move(case, Verb.DISPATCH, city.dora, **said)
    assert case.condition == city.rattling and case.due_at
    case = move(case, Verb.DECLINE, city.dora, note="改派")
    assert refused(case, Verb.DISPATCH, city.dora, **said).code == "fact_unfit"


def test_the_only_condition_is_the_system_s(city: SimpleNamespace, clock: Any) -> None:
    photos = town.shown(city.ann, Purpose.BEFORE, Purpose.AFTER).photos
    said = {"category": city.refuse.pk, "condition": None, "handled": True, "photos": photos}
    case = move(town.report(city, **said), Verb.CLOSE, city.carl)
    case = move(case, Verb.REOPEN, city.carl, note="又有了")
    assert (case.department, case.condition) == (city.office, city.heap)


@pytest.mark.parametrize("automatic", [True, False])
def test_what_stands_with_nobody_already_is_put_right(automatic: bool, handled: Case, city: SimpleNamespace) -> None:
    if not automatic:
        by_hand()
    Case.objects.filter(pk=handled.pk).update(stage=Stage.HANDLING)
    assert unattended.numbers() == [handled.number]
    settled = handover.settle()
    assert [names for kind, names in settled.found.items() if kind == "undirected"] == [[handled.number]]
    assert f"1 件待处置的案卷没有责任单位，转入待派遣：{handled.number}" in [says for _kind, says in settled.in_words()]
    case = Case.objects.get(pk=handled.pk)
    assert case.stage == (Stage.HANDLING if automatic else Stage.DISPATCH)
    assert unattended.numbers() == []
    assert not handover.settle()


def test_an_upheld_doubt_dispatches_it(city: SimpleNamespace, clock: Any) -> None:
    Sampling.objects.create(share=1, days=7, value=1, unit="urgent_day")
    photos = town.shown(city.ann, Purpose.BEFORE, Purpose.AFTER).photos
    case = move(town.report(city, handled=True, photos=photos), Verb.CLOSE, city.carl)
    outbox.drain()
    recheck = Recheck.objects.select_related("inspector").get(case=case)
    shown = ((town.photo(recheck.inspector, uuid4().hex * 2), "near"),)
    rechecks.answer(recheck.pk, by=recheck.inspector, verdict="fails", shown=shown, note="仍响动")
    rechecks.decide(recheck.pk, by=city.sina, upheld=True, note="重办")
    case.refresh_from_db()
    assert (case.stage, case.department) == (Stage.HANDLING, city.roads)
