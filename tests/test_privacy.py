"""Numbers of people in what was written: masked at every door, shown to who works on it, and each asking is logged."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from django.urls import reverse

from cases import exports, outbox
from cases.flow import Facts, Refused, Verb
from cases.models import Case, CaseEvent, Export
from grid.models import Department, Officer
from grid.moment import now
from mobile_api import hooks
from mobile_api.models import Delivery, Hook

from . import acts
from . import city as town
from .desk import desk

PHONE, HIDDEN = "13812345678", "138****5678"
TEXT = f"井盖响动，联系 {PHONE}"


def reveal(officer: Officer, case: Case) -> Any:
    return town.phone(officer).post(f"{acts.CASES}/{case.uuid}/reveal")


@pytest.fixture
def case(city: SimpleNamespace, clock: Any) -> Case:
    """With the roads department, its number in the text, the place and a note."""
    found = town.report(city, text=TEXT, place=f"门卫 {PHONE}")
    return acts.move(found, Verb.HASTEN, city.carl, note=f"再联系 {PHONE}")


def test_others_see_it_masked(city: SimpleNamespace, case: Case) -> None:
    for officer in (city.carl, city.dora, city.lena, city.ann):
        told = acts.seen(town.phone(officer), case)
        assert told["masked"] and HIDDEN in told["text"] and HIDDEN in told["place"]
        assert PHONE not in json.dumps(told), officer
    assert acts.seen(town.phone(city.carl), case)["log"][-1]["note"] == f"再联系 {HIDDEN}"


def test_lists_show_it_to_nobody(city: SimpleNamespace, case: Case) -> None:
    for officer in (city.carl, city.hugo):
        listed = town.phone(officer).get(acts.CASES, {"view": "all"}).content.decode()
        assert case.number in listed and HIDDEN in listed and PHONE not in listed


def test_who_works_on_it_sees_it_as_written(city: SimpleNamespace, case: Case, caplog: Any) -> None:
    caplog.set_level("INFO", "access")
    head = Officer.objects.create(
        username="hela", roles=["head"], department=city.works, password=city.ann.password, name="Hela"
    )
    for officer in (city.hugo, head):
        told = acts.seen(town.phone(officer), case)
        assert (told["text"], told["masked"], told["log"][-1]["note"]) == (TEXT, False, f"再联系 {PHONE}")
        page = desk(officer).get(reverse("console:case", args=[case.number])).content.decode()
        assert PHONE in page and "显示被遮挡的号码" not in page
        looks = [
            line for line in caplog.messages if line.startswith(f"personal officer={officer.pk} case={case.number}")
        ]
        assert len(looks) == 2  # one at each door
    town.finish(case, city.hugo)
    assert PHONE not in json.dumps(acts.seen(town.phone(city.hugo), case))


def test_the_inspector_who_is_sent_sees_it_the_other_does_not(city: SimpleNamespace, clock: Any) -> None:
    found = town.finish(town.report(city, text=TEXT), city.hugo)
    assert (found.stage, found.holder) == ("check", city.ivan)
    assert acts.seen(town.phone(city.ivan), found)["text"] == TEXT
    assert acts.seen(town.phone(city.ann), found)["text"] == f"井盖响动，联系 {HIDDEN}"


def test_a_department_beside_it_does_not_work_on_it(city: SimpleNamespace, case: Case) -> None:
    sub = Department.objects.create(code="squad", name="抢修班", parent=city.roads)
    Officer.objects.filter(pk=city.hedi.pk).update(department=sub)
    city.hedi.refresh_from_db()
    assert town.phone(city.hedi).get(f"{acts.CASES}/{case.uuid}").status_code == 404


def test_each_asking_is_logged(city: SimpleNamespace, case: Case, caplog: Any) -> None:
    caplog.set_level("INFO", "access")
    told = reveal(city.carl, case).json()
    assert (told["text"], told["place"], told["masked"]) == (TEXT, f"门卫 {PHONE}", False)
    assert told["log"][-1]["note"] == f"再联系 {PHONE}"
    assert f"personal officer={city.carl.pk} case={case.number}" in caplog.text
    assert reveal(city.hana, case).status_code == 404
    assert reveal(city.adam, case).status_code == 403


def test_nothing_to_hide_says_so(city: SimpleNamespace, clock: Any, caplog: Any) -> None:
    caplog.set_level("INFO", "access")
    assert acts.seen(town.phone(city.carl), town.report(city))["masked"] is False
    acts.seen(town.phone(city.hugo), Case.objects.get())
    assert not [line for line in caplog.messages if line.startswith("personal")]


# Files


def rows(officer: Officer, **terms: Any) -> str:
    made = exports.ask(officer, "cases", "csv", terms)
    exports.write(made.pk)
    return exports.fetch(Export.objects.get(pk=made.pk)).read_text(encoding="utf-8-sig")


def test_a_file_is_masked_unless_asked_otherwise_by_who_may(city: SimpleNamespace, case: Case, caplog: Any) -> None:
    caplog.set_level("INFO", "access")
    assert HIDDEN in rows(city.lena) and PHONE not in rows(city.lena) and PHONE not in rows(city.hugo)
    assert "personal" not in caplog.text
    assert rows(city.lena, personal=True).count(PHONE) == 2
    assert f"asked officer={city.lena.pk} terms={{'personal': True}}" in caplog.text
    with pytest.raises(Refused) as refused:
        exports.ask(city.carl, "cases", "csv", {"personal": True})
    assert refused.value.code == "not_your_post" and "值班长、督办领导" in refused.value.detail


def test_a_file_is_masked_for_who_lost_the_post_before_it_was_written(city: SimpleNamespace, case: Case) -> None:
    made = exports.ask(city.lena, "cases", "csv", {"personal": True})
    Officer.objects.filter(pk=city.lena.pk).update(roles=["clerk"])
    exports.write(made.pk)
    written = exports.fetch(Export.objects.get(pk=made.pk)).read_text(encoding="utf-8-sig")
    assert HIDDEN in written and PHONE not in written


def test_it_is_asked_for_at_both_doors(city: SimpleNamespace, case: Case) -> None:
    body = {"sheet": "cases", "personal": True}
    answer = town.phone(city.carl).post("/api/mobile/v1/exports", json.dumps(body), content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (403, "not_your_post")
    sina = town.phone(city.sina)
    assert sina.post("/api/mobile/v1/exports", json.dumps(body), content_type="application/json").status_code == 202
    assert "含完整号码" in desk(city.lena).get("/cases/").content.decode()
    assert "含完整号码" not in desk(city.carl).get("/cases/").content.decode()
    desk(city.lena).post("/exports/cases/?open=1", {"form": "csv", "personal": "on"})
    assert Export.objects.get(officer=city.lena).terms == {"open": True, "personal": True}


def test_a_web_hook_carries_no_words(city: SimpleNamespace, case: Case) -> None:
    hook = Hook.objects.create(url="https://example.org/", secret="s", created_by=city.adam, created_at=now())
    event = CaseEvent.objects.filter(case=case).latest("id")
    said = json.dumps(hooks.said(Delivery(hook=hook, event=event, made_at=event.at)))
    assert case.number in said and "联系" not in said and HIDDEN not in said and PHONE not in said


def test_the_words_stay_as_they_were_written(city: SimpleNamespace, case: Case) -> None:
    outbox.drain()
    case.refresh_from_db()
    assert case.text == TEXT
    assert acts.last(case).facts["note"] == Facts(note=f"再联系 {PHONE}").said()["note"]
