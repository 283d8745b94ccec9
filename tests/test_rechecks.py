"""Closed cases are looked at again, by lot and unknown to those whose work it is."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from django.apps import apps
from django.db.models import Q
from django.test import Client

from cases import docket, draw, outbox, photos, rechecks
from cases.flow import Purpose, Stage, Verb
from cases.models import Case, CaseEvent, Evidence, Recheck, Sampling
from grid.models import Leave, Officer
from grid.moment import now
from grid.roles import Role
from mobile_api.models import Message

from . import acts, log
from . import city as town

MINE, TOLD = "/api/mobile/v1/me/rechecks", "/api/mobile/v1/rechecks"


@pytest.fixture
def every(city: SimpleNamespace, clock) -> SimpleNamespace:
    """Every closed case is re-checked; besides those of the city, ivy and ilse are inspectors, of no beat."""
    Sampling.objects.create(share=1, days=7, value=1, unit="urgent_day")
    for name in ("ivy", "ilse"):
        person = {"username": name, "name": name.title(), "password": city.ann.password}
        setattr(city, name, Officer.objects.create(roles=[Role.INSPECTOR], **person))
    return city


def closed(city: SimpleNamespace, **said: Any) -> Case:
    """Reported by ann, finished by hugo, passed by ivan, closed by carl; the worker has been at it."""
    case = acts.passed(town.finish(town.report(city, **said), city.hugo), city.ivan)
    case = acts.move(case, Verb.CLOSE, city.carl)
    outbox.drain()
    return case


def drawn(case: Case) -> Officer:
    officer = Recheck.objects.get(case=case).inspector
    assert officer
    return officer


def post(phone: Client, path: str, **body: Any) -> Any:
    return phone.post(path, json.dumps(body), content_type="application/json")


def said(officer: Officer, verdict: str, **more: Any) -> dict[str, Any]:
    photo = {"sha256": town.photo(officer, uuid4().hex * 2), "purpose": "near"}
    return {"verdict": verdict, "photos": [photo], "note": "井盖仍响动" if verdict == "fails" else ""} | more


def answered(case: Case, verdict: str) -> Recheck:
    """Answered by whoever was drawn."""
    recheck, by = Recheck.objects.get(case=case), drawn(case)
    answer = post(town.phone(by), f"{MINE}/{recheck.pk}", **said(by, verdict))
    assert answer.status_code == 200, answer.content
    outbox.drain()
    return Recheck.objects.get(pk=recheck.pk)


def decided(recheck: Recheck, by: Officer, **body: Any) -> Any:
    return post(town.phone(by), f"{TOLD}/{recheck.pk}/decision", **({"note": "已核对照片"} | body))


def unread(officer: Officer) -> list[str]:
    return list(Message.objects.filter(officer=officer).order_by("number").values_list("event__verb", flat=True))


# The lot


def test_a_share_of_the_closed_cases_is_drawn(every: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    Sampling.objects.update(share="0.25")
    lots = iter([0.9, 0.25, 0.2, 0.0])
    monkeypatch.setattr(draw.LOT, "random", lambda: next(lots))
    cases = [closed(every) for _n in range(4)]
    assert [Recheck.objects.filter(case=case).exists() for case in cases] == [False, False, True, True]


def test_the_most_particular_row_says_the_share(every: SimpleNamespace) -> None:
    row = {"days": 7, "value": 1, "unit": "urgent_day"}
    Sampling.objects.create(area=every.street, share=0, **row)
    assert not Recheck.objects.filter(case=closed(every)).exists()
    Sampling.objects.create(category=every.manhole.parent, share=1, **row)
    assert Recheck.objects.filter(case=closed(every)).exists()
    Sampling.objects.create(category=every.manhole, source="inspector", share=0, **row)
    assert not Recheck.objects.filter(case=closed(every)).exists()


def test_without_a_row_nobody_re_checks(city: SimpleNamespace, clock) -> None:
    closed(city)
    assert not Recheck.objects.exists()


def test_nobody_is_drawn_who_had_a_hand_in_the_case(every: SimpleNamespace) -> None:
    jack = Officer.objects.create(username="jack", roles=[Role.INSPECTOR, Role.HANDLER], department=every.roads)
    fallen = {drawn(closed(every)) for _case in range(24)}  # to miss one of three: once in 6,000 runs
    assert fallen == {every.ines, every.ivy, every.ilse}
    assert jack not in fallen


def test_those_of_the_beat_go_where_there_is_a_choice(every: SimpleNamespace) -> None:
    case = closed(every)
    every.cells[0].beats.get().officers.add(every.ivy, every.ilse)
    assert set(rechecks.among(case, town.MONDAY)) == {every.ivy.pk, every.ilse.pk}


def test_a_lot_is_drawn_once_for_a_closing(every: SimpleNamespace) -> None:
    case = closed(every)
    closing = case.events.get(verb=Verb.CLOSE)
    rechecks.pay([closing])
    assert Recheck.objects.filter(case=case).count() == 1
    assert CaseEvent.sealed.filter(case=case, verb=Verb.DRAW).count() == 1


# Nobody knows


def test_nobody_but_the_drawn_one_learns_of_it(every: SimpleNamespace) -> None:
    case = closed(every)
    by = drawn(case)
    assert log.verbs(case) == "report file dispatch finish order_check pass close"
    for officer in (every.hugo, every.ann, every.ivan, every.carl, every.sina, every.dora, every.lena, every.aude):
        phone = town.phone(officer)
        assert {"draw", "doubt", "recheck"} & set(unread(officer)) == set()
        assert [line["verb"]["code"] for line in acts.seen(phone, case)["log"]][-1] == "close"
        if officer.holds(Role.INSPECTOR):
            assert phone.get(MINE).json() == []
        else:
            assert phone.get(MINE).status_code == 403
    assert town.phone(every.aude).get(TOLD).json()["items"] == []
    assert town.phone(every.hugo).get(TOLD).status_code == 403
    assert unread(by) == ["draw"]


def test_web_hooks_do_not_hear_of_it(every: SimpleNamespace, settings) -> None:
    settings.HOOKS = True
    known = dict(outbox.CONSUMERS)
    try:
        apps.get_app_config("mobile_api")._hooks()
        case = closed(every)
        draws = CaseEvent.sealed.get(case=case, verb=Verb.DRAW)
        assert not outbox.CONSUMERS["hooks"].wants(draws)
        assert outbox.CONSUMERS["hooks"].wants(case.events.get(verb=Verb.CLOSE))
    finally:
        outbox.CONSUMERS.clear()
        outbox.CONSUMERS.update(known)


def test_the_drawn_one_finds_what_he_needs_and_no_names(every: SimpleNamespace) -> None:
    case = closed(every, place="民主路口")
    by = drawn(case)
    phone = town.phone(by)
    (errand,) = phone.get(MINE, {"crs": "wgs84"}).json()
    assert (errand["number"], errand["place"], errand["text"]) == (case.number, "民主路口", "井盖响动")
    assert datetime.fromisoformat(errand["due_at"]) == town.MONDAY + timedelta(days=1)
    assert {photo["purpose"]["code"] for photo in errand["photos"]} == {"after", "near"}
    assert not {"Hugo", "Ivan", "Ann", "Carl"} & set(json.dumps(errand).split('"'))
    assert phone.get("/api/mobile/v1/inbox").json()["items"][0]["case_number"] == case.number


def test_the_drawn_one_may_look_at_the_photos_until_it_is_over(every: SimpleNamespace) -> None:
    case = closed(every)
    by, shown = drawn(case), case.evidence.order_by("id").first()
    assert shown
    assert photos.may_see(by, shown.photo_id)
    answered(case, "holds")
    if by != every.ines:
        assert not Case.objects.visible_to(by).filter(pk=case.pk).exists()
        assert not photos.may_see(by, shown.photo_id)


# It holds


def test_when_it_holds_the_log_tells_all_at_once(every: SimpleNamespace, clock) -> None:
    case = closed(every)
    clock.shift(timedelta(hours=3))
    recheck = answered(case, "holds")
    line = acts.last(case)
    assert (line.verb, line.by, line.holder, line.department) == (Verb.RECHECK, drawn(case), drawn(case), every.roads)
    assert (line.since, line.late_s, line.facts["verdict"]) == (town.MONDAY, 0, "holds")
    lot = line.facts["why"][0]
    assert lot["candidates"][lot["nth"] - 1] == recheck.inspector_id
    assert Case.objects.get(pk=case.pk).stage == Stage.CLOSED
    assert acts.seen(town.phone(every.hugo), case)["log"][-1]["verb"] == {"code": "recheck", "label": "复查"}
    assert unread(every.carl).count("doubt") == 0
    (item,) = town.phone(every.aude).get(TOLD).json()["items"]
    assert (item["verdict"]["code"], item["waits"], item["upheld"]) == ("holds", False, None)


def test_an_answer_needs_photos_and_a_doubt_a_word(every: SimpleNamespace) -> None:
    case = closed(every)
    by, recheck = drawn(case), Recheck.objects.get(case=case)
    phone, path = town.phone(by), f"{MINE}/{recheck.pk}"
    for body, code, field in (
        (said(by, "holds", photos=[]), "facts_missing", "photos"),
        (said(by, "fails", note=" "), "facts_missing", "note"),
        (said(by, "holds", photos=[{"sha256": "0f" * 32, "purpose": "near"}]), "photos_missing", "photos"),
        (said(by, "perhaps"), "invalid", "verdict"),
    ):
        refusal = post(phone, path, **body)
        assert (refusal.status_code, refusal.json()["code"]) == (422, code)
        assert field in refusal.json()["field"]
    assert Recheck.objects.get(case=case).done_at is None


def test_the_same_answer_again_is_the_same_and_another_is_not(every: SimpleNamespace) -> None:
    case = closed(every)
    by, recheck = drawn(case), Recheck.objects.get(case=case)
    phone, path, body = town.phone(by), f"{MINE}/{recheck.pk}", said(by, "holds", key=str(uuid4()))
    first, again = post(phone, path, **body), post(phone, path, **body)
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json() == again.json()
    assert case.events.filter(verb=Verb.RECHECK).count() == 1
    assert post(phone, path, **(body | {"verdict": "fails", "note": "不"})).json()["code"] == "uuid_used"
    assert post(phone, path, **said(by, "holds")).json()["code"] == "recheck_over"


def test_only_the_drawn_one_answers(every: SimpleNamespace) -> None:
    case = closed(every)
    recheck = Recheck.objects.get(case=case)
    for officer in (every.ann, every.ivan):
        refusal = post(town.phone(officer), f"{MINE}/{recheck.pk}", **said(officer, "holds"))
        assert (refusal.status_code, refusal.json()["code"]) == (404, "not_found")
    assert post(town.phone(every.hugo), f"{MINE}/{recheck.pk}", **said(every.hugo, "holds")).status_code == 403


def test_flags_look_at_its_photos_too(every: SimpleNamespace) -> None:
    case = closed(every)
    by, recheck = drawn(case), Recheck.objects.get(case=case)
    known = Evidence.objects.filter(case=case, purpose=Purpose.NEAR).get().photo_id
    body = said(by, "holds", photos=[{"sha256": known, "purpose": "near"}])
    Evidence.objects.get(photo=known).photo.__class__.objects.filter(pk=known).update(looks=12345678901, bands=[1, 2])
    assert post(town.phone(by), f"{MINE}/{recheck.pk}", **body).status_code == 200
    outbox.drain()
    assert list(case.flags.values_list("code", flat=True)) == ["photo_same"]


# It does not hold


@pytest.fixture
def doubt(every: SimpleNamespace) -> Recheck:
    return answered(closed(every), "fails")


def test_a_doubt_is_told_to_who_decides_and_not_to_the_handler(doubt: Recheck, every: SimpleNamespace) -> None:
    case = doubt.case
    assert [unread(officer)[-1] for officer in (every.carl, every.sina)] == ["doubt", "doubt"]
    for officer in (every.hugo, every.ann, every.ivan, every.hedi):
        assert "doubt" not in unread(officer)
    assert acts.seen(town.phone(every.hugo), case)["log"][-1]["verb"]["code"] == "close"
    for officer in (every.carl, every.aude, every.lena):
        (item,) = town.phone(officer).get(TOLD, {"view": "waiting"}).json()["items"]
        assert (item["waits"], item["note"], item["verdict"]["code"]) == (True, "井盖仍响动", "fails")
    assert Case.objects.get(pk=case.pk).stage == Stage.CLOSED


def test_whoever_decides_sees_the_photos(doubt: Recheck, every: SimpleNamespace) -> None:
    ((sha, _purpose),) = doubt.photos
    assert photos.may_see(every.carl, sha)
    assert not photos.may_see(every.hugo, sha)
    assert decided(doubt, every.carl, upheld=False).status_code == 200
    assert photos.may_see(every.hugo, sha)  # now it is evidence


def test_an_upheld_doubt_reopens_the_case(doubt: Recheck, every: SimpleNamespace) -> None:
    answer = decided(doubt, every.carl, upheld=True, note="请返修")
    assert (answer.status_code, answer.json()["upheld"], answer.json()["decided_by"]) == (200, True, "Carl")
    case = Case.objects.get(pk=doubt.case_id)
    assert (case.stage, log.verbs(case).split()[-2:]) == (Stage.HANDLING, ["recheck", "reopen"])
    told, reopened = list(case.events.order_by("id"))[-2:]
    assert (told.facts["verdict"], told.facts["accepted"], told.holder) == ("fails", True, doubt.inspector)
    assert reopened.facts["why"][0] == {"code": "recheck_failed", "recheck": doubt.pk, "note": "井盖仍响动"}
    seen = acts.seen(town.phone(every.hugo), case)
    assert "复查认为不属实：井盖仍响动" in [why["says"] for why in seen["log"][-1]["why"]]
    outbox.drain()
    assert Recheck.objects.get(pk=doubt.pk).over_at


def test_a_dismissed_doubt_leaves_the_case_closed(doubt: Recheck, every: SimpleNamespace) -> None:
    assert decided(doubt, every.sina, upheld=False, note="照片拍的是另一处").status_code == 200
    line = acts.last(doubt.case)
    assert (line.verb, line.by, line.facts["note"]) == (Verb.RECHECK, every.sina, "照片拍的是另一处")
    assert "accepted" not in line.facts
    assert Case.objects.get(pk=doubt.case_id).stage == Stage.CLOSED
    assert town.phone(every.carl).get(TOLD, {"view": "waiting"}).json()["items"] == []


def test_a_doubt_is_decided_once_by_another_hand(doubt: Recheck, every: SimpleNamespace) -> None:
    assert decided(doubt, every.dora, upheld=True).status_code == 403
    Officer.objects.filter(pk=every.ivan.pk).update(roles=[Role.INSPECTOR, Role.CLERK])
    assert decided(doubt, every.ivan, upheld=False).json()["code"] == "same_hand"
    assert decided(doubt, every.carl, upheld=False, note="").status_code == 422
    key = str(uuid4())
    first = decided(doubt, every.carl, upheld=False, key=key)
    assert decided(doubt, every.carl, upheld=False, key=key).json() == first.json()
    assert decided(doubt, every.carl, upheld=True, key=key).json()["code"] == "uuid_used"
    again = decided(doubt, every.sina, upheld=True)
    assert (again.status_code, again.json()["code"]) == (409, "nothing_doubted")


def test_a_reopening_for_another_reason_ends_it(every: SimpleNamespace) -> None:
    asked, doubted = closed(every), closed(every)
    answered(doubted, "fails")
    for case in (asked, doubted):
        acts.move(case, Verb.REOPEN, every.carl, note="市民来电")
    outbox.drain()
    assert [recheck.upheld for recheck in Recheck.objects.order_by("pk")] == [None, True]
    assert not Recheck.objects.filter(over_at=None).exists()
    assert log.verbs(asked).endswith("reopen recheck")
    assert acts.codes(acts.last(asked))[-1] == "recheck_withdrawn"


# Who does not go


def test_who_has_not_gone_in_time_is_replaced(every: SimpleNamespace, clock) -> None:
    case = closed(every)
    first = drawn(case)
    assert rechecks.tend() == 0
    clock.shift(timedelta(days=1, minutes=1))
    assert rechecks.tend() == 1
    recheck = Recheck.objects.get(case=case)
    assert recheck.missed == [first.pk]
    assert recheck.inspector not in (first, None)
    outbox.drain()
    assert unread(drawn(case)) == ["draw"]
    late = post(town.phone(first), f"{MINE}/{recheck.pk}", **said(first, "holds"))
    assert (late.status_code, late.json()["code"]) == (409, "recheck_over")
    answered(case, "holds")
    assert {"recheck_drawn", "recheck_missed"} == set(acts.codes(acts.last(case)))
    assert acts.codes(acts.last(case)).count("recheck_drawn") == 2


def test_two_runs_at_once_draw_one(every: SimpleNamespace, clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both have seen that somebody did not go; the second waited for the first at the case."""
    case = closed(every)
    clock.shift(timedelta(days=1, minutes=1))
    at, locked = now(), docket.locked

    def after_another(cases: Any, **how: Any) -> Any:
        monkeypatch.setattr(docket, "locked", locked)
        assert rechecks.tend() == 1
        return locked(cases, **how)

    monkeypatch.setattr(docket, "locked", after_another)
    assert rechecks.tend() == 0
    assert len(Recheck.objects.get(case=case, ordered_at=at).missed) == 1


@pytest.mark.parametrize("how", ["leave", "left"])
def test_who_is_away_or_has_left_is_replaced_without_blame(how: str, every: SimpleNamespace, clock) -> None:
    case = closed(every)
    first = drawn(case)
    if how == "leave":
        Leave.objects.create(officer=first, since=town.MONDAY, until=town.MONDAY + timedelta(days=9))
    else:
        Officer.objects.filter(pk=first.pk).update(is_active=False)
    assert rechecks.tend() == 1
    recheck = Recheck.objects.get(case=case)
    assert (recheck.missed, recheck.inspector == first) == ([], False)
    assert rechecks.tend() == 0


def test_what_nobody_did_lapses_and_the_log_says_so(every: SimpleNamespace, clock) -> None:
    case = closed(every)
    for _day in range(8):
        clock.shift(timedelta(days=1, minutes=1))
        rechecks.tend()
    recheck = Recheck.objects.get(case=case)
    assert recheck.over_at
    assert recheck.verdict == ""
    assert len(recheck.missed) == 3
    assert acts.codes(acts.last(case))[-2:] == ["recheck_missed", "recheck_lapsed"]
    assert acts.last(case).holder is None
    assert rechecks.tend() == 0


def test_where_nobody_can_go_it_waits_for_somebody(every: SimpleNamespace, clock) -> None:
    people = Officer.objects.filter(Q(pk=every.ines.pk) | Q(username__in=["ivy", "ilse"]))
    people.update(is_active=False)
    case = closed(every)
    assert Recheck.objects.get(case=case).inspector is None
    people.filter(username="ivy").update(is_active=True)
    assert rechecks.tend() == 1
    assert drawn(case) == every.ivy
