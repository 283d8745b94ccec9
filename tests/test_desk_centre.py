"""Oversight at the desk: doubts are decided, pairs looked at, people on duty seen; and each one's own pages."""

from __future__ import annotations

import logging
import re
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from django.urls import reverse

from cases import outbox, pairing, queues, rechecks
from cases.flow import Stage, Verb
from cases.models import Case, Opinion, Recheck
from cases.pairs import Check, compare
from grid import duty
from grid.models import Leave, Officer
from grid.roles import Role
from mobile_api.models import Message, Preference

from . import acts
from . import city as town
from .acts import move
from .desk import Visit, desk

DOUBTS, PAIRS, DUTY = "/oversight/doubts/", "/oversight/pairs/", "/oversight/duty/"
INBOX, PREFERENCES, LEAVE = "/me/inbox/", "/me/preferences/", "/me/leave/"


def said(page: str, recheck: Recheck, upheld: bool, note: str = "已核对照片") -> dict[str, str]:
    key = re.search(f'name="{recheck.pk}-key" value="([^"]+)"', page)
    assert key
    return {f"{recheck.pk}-key": key[1], f"{recheck.pk}-note": note, f"{recheck.pk}-upheld": "1" if upheld else "0"}


# Doubts


@pytest.mark.parametrize(("upheld", "stage"), [(True, Stage.HANDLING), (False, Stage.CLOSED)])
def test_a_clerk_decides_a_doubt(city: SimpleNamespace, clock, upheld: bool, stage: Stage) -> None:
    recheck, browser = acts.doubt(city), desk(city.sina)
    assert queues.counts(city.sina)["doubts"] == 1
    assert browser.get("/queue/doubts/")["Location"] == DOUBTS
    page = browser.get(DOUBTS).content.decode()
    assert "井盖仍响动" in page and recheck.case.number in page
    words = said(page, recheck, upheld)
    assert browser.post(f"{DOUBTS}{recheck.pk}/", words)["Location"] == DOUBTS
    assert browser.post(f"{DOUBTS}{recheck.pk}/", words)["Location"] == DOUBTS  # a second click
    assert Case.objects.get(pk=recheck.case_id).stage == stage
    assert recheck.case.number not in browser.get(DOUBTS).content.decode()
    assert "已核对照片" in browser.get(DOUBTS, {"view": "all"}).content.decode()
    assert queues.counts(city.sina)["doubts"] == 0


def test_who_was_slower_is_told_and_nothing_is_done(city: SimpleNamespace, clock) -> None:
    recheck = acts.doubt(city)
    words = said(desk(city.sina).get(DOUBTS).content.decode(), recheck, True)
    rechecks.decide(recheck.pk, by=city.carl, upheld=False, note="看过")
    answer = desk(city.sina).post(f"{DOUBTS}{recheck.pk}/", words)
    assert answer.status_code == 422 and "没有待答复的疑问" in answer.content.decode()
    assert Case.objects.get(pk=recheck.case_id).stage == Stage.CLOSED


def test_a_decision_needs_a_word(city: SimpleNamespace, clock) -> None:
    recheck, browser = acts.doubt(city), desk(city.carl)
    answer = browser.post(f"{DOUBTS}{recheck.pk}/", said(browser.get(DOUBTS).content.decode(), recheck, True, "  "))
    assert answer.status_code == 422 and 'role="alert"' in answer.content.decode()
    assert Recheck.objects.get(pk=recheck.pk).doubted


def test_auditors_read_doubts_and_departments_do_not(city: SimpleNamespace, clock) -> None:
    recheck = acts.doubt(city)
    page = desk(city.aude).get(DOUBTS).content.decode()
    assert recheck.case.number in page and "<textarea" not in page
    assert desk(city.aude).post(f"{DOUBTS}{recheck.pk}/", {}).status_code == 403
    for other in (city.hugo, city.ann, city.adam):
        assert desk(other).get(DOUBTS).status_code == 403
    assert desk(city.sina).post(f"{DOUBTS}{recheck.pk + 1}/", said_any(recheck.pk + 1)).status_code == 404


def said_any(pk: int) -> dict[str, str]:
    return {f"{pk}-key": str(uuid4()), f"{pk}-note": "不", f"{pk}-upheld": "1"}


def test_what_an_inspector_writes_is_text(city: SimpleNamespace, clock) -> None:
    acts.doubt(city, "<script>alert(1)</script>")
    page = desk(city.sina).get(DOUBTS).content.decode()
    assert "&lt;script&gt;alert(1)" in page and "<script>alert" not in page


def test_pages_of_re_checks_follow_by_key(city: SimpleNamespace, clock, monkeypatch: Any) -> None:
    monkeypatch.setattr("console.views.doubts.PAGE", 1)
    first, second = acts.doubt(city), acts.doubt(city)
    page = desk(city.sina).get(DOUBTS, {"view": "all"}).content.decode()
    assert second.case.number in page and first.case.number not in page
    following = re.search(r'rel="next" href="([^"]+)"', page)
    assert following
    page = desk(city.sina).get(DOUBTS + following[1].replace("&amp;", "&")).content.decode()
    assert first.case.number in page and second.case.number not in page
    assert desk(city.sina).get(DOUBTS, {"view": "all", "cursor": "9" * 30}).status_code == 200


# Pairs


def test_pairs_are_told_with_reasons_numbers_and_cases(
    city: SimpleNamespace, clock, monkeypatch: Any, caplog: pytest.LogCaptureFixture
) -> None:
    case = town.report(city)
    mild = [Check(case.pk, city.ivan.pk, city.roads.pk, True) for _n in range(40)]
    strict = [Check(case.pk, other.pk, city.roads.pk, n < 30) for other in (city.ann, city.ines) for n in range(50)]
    monkeypatch.setattr(pairing, "compare", lambda _made, bounds: compare([*mild, *strict], bounds))
    with caplog.at_level(logging.INFO, "access"):
        page = desk(city.aude).get(PAIRS).content.decode()
    assert f"pairs officer={city.aude.pk}" in caplog.text
    assert "Ivan × 市政所" in page and "40 次核查通过 40 次" in page and case.number in page
    assert "40 / 40 · 100%" in page and "60%" in page


def test_pairs_are_for_few_and_a_wrong_span_is_told(city: SimpleNamespace, clock) -> None:
    for officer, status in ((city.lena, 200), (city.sina, 200), (city.carl, 403), (city.hugo, 403), (city.ann, 403)):
        assert desk(officer).get(PAIRS).status_code == status
    browser = desk(city.aude)
    for since, until in (("x", ""), ("2026-03-02", "2026-03-01"), ("", "9999-12-31"), ("0001-01-01", "2026-01-01")):
        answer = browser.get(PAIRS, {"since": since, "until": until})
        assert answer.status_code == 422 and 'role="alert"' in answer.content.decode()


# On duty


def test_the_centre_sees_who_is_on_duty_and_few_the_track(
    city: SimpleNamespace, clock, caplog: pytest.LogCaptureFixture
) -> None:
    duty.begin(city.ann)
    duty.follow(city.ann, [duty.Fix(town.MONDAY, town.LON, town.LAT)])
    track = reverse("console:track", args=[city.ann.pk])
    page = desk(city.dora).get(DUTY).content.decode()
    assert "Ann" in page and "97.00000" in page and track not in page
    with caplog.at_level(logging.INFO, "access"):
        assert track in desk(city.sina).get(DUTY).content.decode()
        page = desk(city.sina).get(track).content.decode()
    assert "97.00000" in page and f"track of={city.ann.pk} day=2026-03-02 officer={city.sina.pk}" in caplog.text
    for other in (city.dora, city.carl, city.ivan, city.hugo):
        assert desk(other).get(track).status_code == 403
    assert desk(city.ann).get("/me/track/").status_code == 200
    assert desk(city.hugo).get(DUTY).status_code == 403


@pytest.mark.parametrize("day", ["2026-03-03", "2020-01-01"])
def test_a_day_without_a_track_says_so(city: SimpleNamespace, clock, day: str) -> None:
    answer = desk(city.sina).get(reverse("console:track", args=[city.ann.pk]), {"day": day})
    assert answer.status_code == 200 and "这一天没有轨迹" in answer.content.decode()


@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01", "nonsense"])
def test_a_day_that_nobody_can_mean_is_asked_for_again(city: SimpleNamespace, clock, day: str) -> None:
    answer = desk(city.sina).get(reverse("console:track", args=[city.ann.pk]), {"day": day})
    assert answer.status_code == 404 and "请写年-月-日" in answer.content.decode()


def test_a_nonsense_day_is_no_page(city: SimpleNamespace, clock) -> None:
    assert desk(city.sina).get(reverse("console:track", args=[city.ann.pk]), {"day": "x"}).status_code == 404
    assert desk(city.sina).get(reverse("console:track", args=[0])).status_code == 404


# My messages


def test_messages_are_counted_read_one_by_one_and_all_at_once(city: SimpleNamespace, clock) -> None:
    cases = [town.report(city) for _n in range(3)]
    outbox.drain()
    browser = desk(city.hugo)
    waiting = Message.objects.filter(officer=city.hugo, read_at=None)
    assert browser.get("/me/inbox/count/").content.decode() == str(waiting.count()) != "0"
    page = browser.get(INBOX).content.decode()
    assert all(case.number in page for case in cases)
    first = waiting.order_by("number").last()
    assert first
    assert browser.get(f"{INBOX}{first.number}/")["Location"] == f"/case/{cases[2].number}/"
    assert not waiting.filter(pk=first.pk).exists()
    upto = re.search(r'name="upto" value="(\d+)"', browser.get(INBOX).content.decode())
    late = town.report(city)
    outbox.drain()
    assert upto and browser.post(INBOX, {"upto": upto[1]}).status_code == 302
    assert {message.event.case_id for message in waiting.all()} == {late.pk}


def test_a_deadline_stands_beside_the_stage_it_is_of(city: SimpleNamespace, clock) -> None:
    case = town.report(city)
    outbox.drain()
    told = lambda: re.sub(r"<[^>]+>| +", " ", desk(city.hugo).get(INBOX).content.decode())  # noqa: E731
    assert "待处置" in told() and "现为" not in told()
    case = town.finish(case, city.hugo)
    assert re.search(r"待处置\s+现为\s+待核查\s+剩 30", told())
    case = move(acts.passed(case, city.ivan), Verb.CLOSE, city.carl)
    assert re.search(r"待处置\s+现为\s+已结案\s", told())


def test_a_message_of_another_is_not_mine(city: SimpleNamespace, clock) -> None:
    town.report(city)
    outbox.drain()
    message = Message.objects.filter(officer=city.hugo).latest("number")
    assert desk(city.carl).get(f"{INBOX}{message.number}/").status_code == 404
    assert Message.objects.get(pk=message.pk).read_at is None
    assert desk(city.carl).post(INBOX, {"upto": "9" * 40}).status_code == 302


def test_a_page_whose_session_is_over_is_left_alone(client: Any, db: None) -> None:
    answer = client.get("/me/inbox/count/", headers={"HX-Request": "true"})
    assert answer.status_code == 286 and "HX-Redirect" not in answer


# When and how I am rung, and when I am away


def test_i_say_when_i_am_rung(city: SimpleNamespace) -> None:
    browser = desk(city.hugo)
    assert "checked" in browser.get(PREFERENCES).content.decode()
    assert browser.post(PREFERENCES, {"quiet_from": "22:00", "quiet_to": "07:00", "digest": "on"}).status_code == 302
    row = Preference.objects.get(officer=city.hugo)
    assert (f"{row.quiet_from:%H:%M}", row.mail, row.digest) == ("22:00", False, True)
    for since, until in (("22:00", ""), ("22:00", "22:00"), ("25:00", "07:00")):
        answer = browser.post(PREFERENCES, {"quiet_from": since, "quiet_to": until})
        assert answer.status_code == 422
    assert 'value="22:00"' in browser.get(PREFERENCES).content.decode()


def test_i_am_away_and_come_back(city: SimpleNamespace, clock) -> None:
    browser, helga = (
        desk(city.hugo),
        Officer.objects.create(username="helga", roles=[Role.HANDLER], department=city.roads),
    )
    words = {"since": "2026-03-03T08:00", "until": "2026-03-05T08:00", "stand_in": str(helga.pk), "note": "培训"}
    assert browser.post(LEAVE, words).status_code == 302
    leave = Leave.objects.get(officer=city.hugo)
    assert leave.stand_in == helga and leave.since == town.MONDAY + timedelta(hours=23)
    assert "重叠" in browser.post(LEAVE, words | {"since": "2026-03-04T08:00"}).content.decode()
    assert browser.post(LEAVE, words | {"until": "2026-03-01T08:00"}).status_code == 422
    assert browser.post(LEAVE, words | {"officer": str(city.dora.pk)}).status_code in (302, 422)
    assert not Leave.objects.filter(officer=city.dora).exists()
    end = reverse("console:leave_end", args=[leave.pk])
    assert desk(city.dora).post(end).status_code == 403
    assert browser.post(end)["Location"] == LEAVE
    assert not Leave.objects.exists()


# Words that are chosen, and rows of the settings


def test_the_form_of_a_move_offers_opinions(city: SimpleNamespace, clock) -> None:
    for verb, text in (("supervise", "请<b>速办</b>"), ("", "已阅"), ("void", "重复")):
        Opinion.objects.create(verb=verb, text=text)
    case = town.report(city)
    page = desk(city.lena).get(f"/case/{case.number}/supervise/").content.decode()
    assert re.findall('<button class="opinion" type="button">(.*?)</button>', page) == [
        "请&lt;b&gt;速办&lt;/b&gt;",
        "已阅",
    ]


def test_an_opinion_goes_into_the_note_by_keyboard(visit: Visit) -> None:
    city = town.build()
    Opinion.objects.create(verb="supervise", text="请速办")
    case = town.report(city)
    page = visit(city.lena, f"/case/{case.number}/")
    page.get_by_role("link", name="督办").click()
    page.get_by_role("button", name="请速办").focus()
    page.keyboard.press("Enter")
    assert page.get_by_label("说明").input_value() == "请速办"
    page.keyboard.type("，今天")
    page.get_by_role("button", name="请速办").click()
    assert page.get_by_label("说明").input_value() == "请速办，今天"


def test_administrators_keep_the_sample(city: SimpleNamespace) -> None:
    browser = desk(city.adam)
    words = {"share": "0.05", "days": "30", "value": "2", "unit": "work_day", "was": ""}
    assert browser.post("/settings/samplings/new/", words).status_code == 302
    assert "5.0%" in browser.get("/settings/samplings/").content.decode()
    assert browser.post("/settings/samplings/new/", words).status_code == 422
    assert browser.post("/settings/samplings/new/", words | {"share": "1.5", "source": "public"}).status_code == 422
    assert browser.post("/settings/samplings/new/", words | {"value": "0", "source": "public"}).status_code == 422


def test_a_track_is_walked_with_a_slider(visit: Visit) -> None:
    city = town.build()
    duty.begin(city.ann)
    now = duty.now()
    duty.follow(city.ann, [duty.Fix(now + timedelta(seconds=n), town.LON + n * 1e-4, town.LAT) for n in range(3)])
    page = visit(city.sina, reverse("console:track", args=[city.ann.pk]))
    page.locator("canvas").wait_for()
    slide = page.get_by_role("slider", name="时间")
    slide.press("Home")
    assert slide.input_value() == "0"
    assert page.locator("#when").inner_text() == page.locator("[data-at]").first.text_content()


# What cannot be


@pytest.mark.parametrize(
    "path",
    [
        "/case/%00/",
        "/cases/?q=%00",
        "/map/table/?area=%00",
        "/cases/?until=9999-12-31",
        "/cases/?since=0001-01-01",
        "/oversight/pairs/?until=0001-01-01",
        "/map/tiles/heat/10/1/1?since=9999-12-31&until=9999-12-31",
        "/map/tiles/heat/10/1/1?until=0001-01-01",
        "/oversight/duty/99999999999999999999999/",
    ],
)
def test_what_cannot_be_is_answered_and_breaks_nothing(city: SimpleNamespace, clock, path: str) -> None:
    assert desk(city.sina).get(path).status_code < 500


def test_my_track_is_there_for_who_has_none(city: SimpleNamespace, clock) -> None:
    assert desk(city.hugo).get("/me/track/").status_code == 200
