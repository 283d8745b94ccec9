"""One case at a desk: what it shows, and how it is taken a step."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client

from cases import docket, flow, outbox, photos
from cases.flow import Purpose, Source, Stage, Verb
from cases.models import Case, Flag, Ground, Photo, Policy
from console import telling
from console.forms import FIELDS

from . import city as town
from . import pictures
from .acts import last, move, passed
from .desk import Visit, desk


def path(case: Case, verb: str = "") -> str:
    return f"/case/{case.number}/{verb and verb + '/'}"


def page(browser: Client, case: Case) -> str:
    answer = browser.get(path(case))
    assert answer.status_code == 200, answer.content.decode()
    return answer.content.decode()


def buttons(browser: Client, case: Case) -> set[str]:
    return set(re.findall(rf'hx-get="/case/{case.number}/(\w+)/"', page(browser, case)))


def blank(browser: Client, case: Case, verb: str) -> dict[str, str]:
    """What the form of a move holds before anybody writes in it."""
    answer = browser.get(path(case, verb))
    assert answer.status_code == 200, answer.content.decode()
    return dict(re.findall(r'type="hidden" name="(key|seen)" value="([^"]*)"', answer.content.decode()))


def send(browser: Client, case: Case, verb: str, form: dict[str, Any] | None = None, **said: Any) -> HttpResponse:
    return browser.post(path(case, verb), (form or blank(browser, case, verb)) | said)


def test_every_fact_that_a_move_needs_or_takes_has_its_field() -> None:
    assert {fact for step in flow.MOVES if step.by for fact in (*step.needs, *step.takes)} <= FIELDS.keys()


def test_the_centres_minutes_are_told_once(city: SimpleNamespace) -> None:
    told = page(desk(city.carl), town.report(city, condition=None))
    assert "起计 15 分钟</p>" in told and "（分钟）" not in told


def test_a_page_tells_all_of_a_case(city: SimpleNamespace, clock) -> None:
    case = town.report(city, text="井盖缺失，\n请速处理", place="扎西大街8号")
    clock.shift(timedelta(hours=3))
    town.finish(case, city.hugo)
    told = page(desk(city.carl), case)
    for words in ("上水井盖", case.number, "井盖缺失，", "扎西大街8号", "结古街道", "市政所", "上水井盖条件2"):
        assert words in told, words
    assert "责任清单第" in told and "派遣依据" in told
    assert "待处置 · 市政所" in told and "按时" in told
    assert "怎样算出来的" in told and "data-place" in told


def test_who_was_late_and_by_how_much_stands_in_the_log(city: SimpleNamespace, clock) -> None:
    case = town.report(city, condition=city.missing.pk)
    clock.shift(timedelta(hours=5))
    town.finish(case, city.hugo)
    told = page(desk(city.carl), case)
    assert re.search(r"待处置 · 市政所.*超时 3 小时", told)


def test_what_one_may_not_see_looks_like_what_is_not_there(city: SimpleNamespace, clock) -> None:
    case = town.report(city)
    unseen, absent = desk(city.hana).get(path(case)), desk(city.hana).get("/case/WG0/")
    assert unseen.status_code == absent.status_code == 404
    assert "您无权查看" in unseen.content.decode()


def test_each_post_has_its_buttons_and_an_auditor_none(city: SimpleNamespace, clock) -> None:
    case = town.report(city)
    assert buttons(desk(city.hugo), case) == {"accept", "ask", "finish"}
    assert buttons(desk(city.dora), case) >= {"decline", "extend", "shelve", "hasten"}
    assert buttons(desk(city.aude), case) == set()
    assert "没有需要您办理的操作" in page(desk(city.aude), case)


def test_a_clerk_files_with_a_condition(city: SimpleNamespace, clock) -> None:
    case = town.report(city, condition=None)
    answer = send(desk(city.carl), case, "file", condition=str(city.missing.pk))
    assert answer["Location"] == path(case)
    case.refresh_from_db()
    assert (case.condition, case.stage, case.department) == (city.missing, Stage.HANDLING, city.roads)


def test_a_dispatcher_sees_the_suggestion_and_its_reason(city: SimpleNamespace, clock) -> None:
    Policy.objects.filter(verb=Verb.DISPATCH).delete()
    case = town.report(city)
    form = desk(city.dora).get(path(case, "dispatch"), headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in form and f'<option value="{city.roads.pk}" selected>' in form and "责任清单第" in form
    send(desk(city.dora), case, "dispatch", department=str(city.parks.pk))
    assert Case.objects.get(pk=case.pk).department == city.parks


def test_a_department_finishes_with_a_photo(city: SimpleNamespace, clock) -> None:
    case, body = town.report(city), pictures.snap()
    file = SimpleUploadedFile("after.jpg", body, "image/jpeg")
    assert send(desk(city.hugo), case, "finish", after=file, note="已补盖").status_code == 302
    case.refresh_from_db()
    shown = last(case).facts if last(case).verb == Verb.FINISH else case.events.get(verb=Verb.FINISH).facts
    ((sha, purpose),) = shown["photos"]
    assert purpose == Purpose.AFTER and Photo.objects.get(pk=sha).size == len(body)
    assert f"/photo/{sha}/1280/" in page(desk(city.carl), case)


def test_what_came_in_the_off_hours_after_its_due_moment_is_late(city: SimpleNamespace, clock) -> None:
    case = town.report(city)
    evening = town.MONDAY + timedelta(hours=9)
    Case.objects.filter(pk=case.pk).update(clock="work_hour", due_at=evening)
    clock.move_to(evening + timedelta(minutes=30))
    town.finish(case, city.hugo)
    outbox.drain()
    day = evening.date().isoformat()
    told = page(desk(city.carl), case)
    assert "超时 不到 1 分钟" in told and "按时" not in told.partition("处置</b>")[2].partition("</li>")[0]
    behind = desk(city.lena).get("/scores/cases/", {"codes": "overdue", "kind": "city", "from": day, "to": day})
    assert "不到 1 分钟" in behind.content.decode()


def test_photos_stand_on_the_side_of_before_or_after(city: SimpleNamespace, clock) -> None:
    case = town.report(city, by=city.carl, source=Source.PUBLIC, photos=((town.photo(city.carl), Purpose.FAR),))
    verified = town.shown(city.ann, Purpose.NEAR)
    docket.move(case.uuid, Verb.VERIFY, by=city.ann, facts=replace(verified, verdict="true"))
    move(case, Verb.FILE, city.carl, condition=city.missing.pk)
    town.finish(case, city.hugo)
    case = Case.objects.select_related("holder").get(pk=case.pk)
    checker = case.holder  # whomever of the beat the lot fell on
    passed(case, checker)
    case = Case.objects.get(pk=case.pk)
    before, after = telling.sides(case.log, telling.pictures(case, case.log, city.carl))
    assert [(one.purpose, one.by) for one in before] == [("far", "Carl"), ("near", "Ann")]
    assert [(one.purpose, one.by) for one in after] == [("after", "Hugo"), ("near", str(checker))]


def test_who_helps_stands_with_the_case_and_sees_what_was_reported(city: SimpleNamespace, clock) -> None:
    case = town.report(city, photos=((town.photo(city.ann), Purpose.NEAR),))
    answer = send(desk(city.dora), case, "assist", department=str(city.parks.pk), note="清运")
    assert answer.status_code == 302, re.findall(r"error[^<]*>([^<]+)<", answer.content.decode())
    (child,) = case.children.all()
    assert child.number in page(desk(city.dora), case) and "协办案卷" in page(desk(city.dora), case)
    told = page(desk(city.hana), child)
    assert "主办案卷" in told and f'href="{path(case)}"' not in told and "近景" in told


def test_a_photo_that_is_none_is_refused_beside_the_form(city: SimpleNamespace, clock) -> None:
    case = town.report(city)
    answer = send(desk(city.hugo), case, "finish", after=SimpleUploadedFile("x.jpg", b"no photo"), note="完成")
    assert answer.status_code == 422 and "完成" in answer.content.decode()
    assert Case.objects.get(pk=case.pk).stage == Stage.HANDLING


def test_a_form_without_what_it_needs_says_so(city: SimpleNamespace, clock) -> None:
    case = town.report(city)
    answer = send(desk(city.hugo), case, "finish")
    assert answer.status_code == 422 and "id_after_error" in answer.content.decode()


def test_a_wish_is_made_with_its_ground_and_granted(city: SimpleNamespace, clock) -> None:
    Ground.objects.create(verb=Verb.EXTEND, code="material", name="等待材料", name_en="Waiting for material")
    case = town.report(city)
    form = desk(city.hugo).get(path(case, "ask")).content.decode()
    assert "等待材料" in form and 'data-when="extend"' in form
    wish = {"asks": "extend", "note": "缺料", "ground_extend": "material", "limit_value": "1", "limit_unit": "work_day"}
    assert send(desk(city.hugo), case, "ask", **wish).status_code == 302
    assert "等待材料" in page(desk(city.dora), case)
    due = Case.objects.get(pk=case.pk).due_at
    send(desk(city.dora), case, "extend", note="同意", limit_value="1", limit_unit="work_day")
    granted = Case.objects.get(pk=case.pk)
    assert granted.asks == "" and granted.due_at > due


def test_an_extension_runs_on_the_cases_own_clock(city: SimpleNamespace, clock) -> None:
    form = desk(city.dora).get(path(town.report(city), "extend")).content.decode()
    assert 'value="work_day"' in form and 'value="urgent_hour"' not in form


def test_it_is_shelved_until_a_moment_of_the_citys_day(city: SimpleNamespace, clock) -> None:
    case = town.report(city)
    send(desk(city.dora), case, "shelve", note="待料", until="2026-03-11T09:00")
    assert Case.objects.get(pk=case.pk).due_at == town.MONDAY + timedelta(days=9)


def test_a_check_is_ordered_from_an_inspector_of_the_beat(city: SimpleNamespace, clock) -> None:
    Policy.objects.filter(verb=Verb.ORDER_CHECK).update(automatic=False)
    case = town.finish(town.report(city), city.hugo)
    form = desk(city.carl).get(path(case, "order_check")).content.decode()
    assert form.index("Ivan") < form.index("Ines")
    send(desk(city.carl), case, "order_check", holder=str(city.ivan.pk))
    assert Case.objects.get(pk=case.pk).holder == city.ivan


def test_a_duplicate_is_linked_by_the_list_or_the_number(city: SimpleNamespace, clock) -> None:
    master, near, far = town.report(city), town.report(city), town.report(city)
    form = desk(city.carl).get(path(near, "link")).content.decode()
    assert str(master.uuid) in form
    send(desk(city.carl), near, "link", same_as=str(master.uuid))
    send(desk(city.carl), far, "link", number=master.number)
    assert set(master.duplicates.all()) == {near, far}
    told = page(desk(city.carl), master)
    assert near.number in told and "并入本案的案卷" in told


def test_a_duplicate_of_nothing_is_told_beside_the_number(city: SimpleNamespace, clock) -> None:
    case = town.report(city)
    answer = send(desk(city.carl), case, "link", number="WG0")
    assert answer.status_code == 422 and "id_number_error" in answer.content.decode()


def test_a_flag_is_answered_before_the_case_is_closed(city: SimpleNamespace, clock) -> None:
    case = passed(town.finish(town.report(city), city.hugo), city.ivan)
    flag = Flag.objects.create(case=case, code=Flag.Code.MOCK, raised_at=town.MONDAY)
    assert "模拟" in page(desk(city.carl), case) and "close" not in buttons(desk(city.carl), case)
    send(desk(city.carl), case, "answer", flag=str(flag.pk), accepted="1", note="已电话核实")
    assert "close" in buttons(desk(city.carl), case)
    assert "已电话核实" in page(desk(city.carl), case)


def test_flags_are_not_shown_to_whom_they_may_concern(city: SimpleNamespace, clock) -> None:
    case = town.report(city)
    Flag.objects.create(case=case, code=Flag.Code.MOCK, raised_at=town.MONDAY)
    assert "模拟" not in page(desk(city.hugo), case)


def test_a_second_click_is_the_same_move(city: SimpleNamespace, clock) -> None:
    case, browser = town.report(city), desk(city.lena)
    form = blank(browser, case, "supervise") | {"note": "请速办"}
    assert [send(browser, case, "supervise", form).status_code for _ in range(2)] == [302, 302]
    assert case.events.filter(verb=Verb.SUPERVISE).count() == 1


def test_who_comes_second_is_told_and_may_still_act(city: SimpleNamespace, clock) -> None:
    case, browser = town.report(city), desk(city.lena)
    form = blank(browser, case, "supervise")
    move(case, Verb.ACCEPT, city.hugo)
    answer = send(browser, case, "supervise", form, note="请速办")
    told = answer.content.decode()
    assert answer.status_code == 409 and "Hugo“签收”" in told and "请速办" in told
    again = dict(re.findall(r'type="hidden" name="(key|seen)" value="([^"]*)"', told))
    assert send(browser, case, "supervise", again, note="请速办").status_code == 302


def test_photos_stay_chosen_when_a_form_without_scripts_comes_back(city: SimpleNamespace, clock) -> None:
    case, browser = town.report(city), desk(city.hugo)
    form = blank(browser, case, "finish")
    move(case, Verb.SUPERVISE, city.lena, note="请速办")
    files = [SimpleUploadedFile(f"{n}.jpg", pictures.snap(quality=n), "image/jpeg") for n in (60, 80)]
    answer = browser.post(path(case, "finish"), form | {"after": files, "note": "已补盖"})
    told = answer.content.decode()
    kept = re.findall(r'name="after_kept" value="(\w{64})" checked', told)
    assert answer.status_code == 409 and len(kept) == 2 and f"/photo/{kept[0]}/320/" in told
    field = re.search(r'<input type="file" name="after"[^>]*>', told)
    assert field and "required" not in field[0]
    assert browser.get(f"/photo/{kept[0]}/320/").status_code == 200
    again = dict(re.findall(r'type="hidden" name="(key|seen)" value="([^"]*)"', told))
    answer = browser.post(path(case, "finish"), again | {"after_kept": kept[1:]})  # the first is taken away
    assert answer.status_code == 302
    assert case.events.get(verb=Verb.FINISH).facts["photos"] == [[kept[1], Purpose.AFTER]]


def test_a_file_that_is_no_photo_is_told_and_the_others_stay(city: SimpleNamespace, clock) -> None:
    case, browser = town.report(city), desk(city.hugo)
    files = [SimpleUploadedFile("a.jpg", pictures.snap(), "image/jpeg"), SimpleUploadedFile("b.jpg", b"no photo")]
    answer = send(browser, case, "finish", after=files)
    told = answer.content.decode()
    assert answer.status_code == 422 and told.count('name="after_kept"') == 1
    assert not case.events.filter(verb=Verb.FINISH).exists()


def test_a_hash_that_nobody_sent_is_no_photo(city: SimpleNamespace, clock) -> None:
    case, browser = town.report(city), desk(city.hugo)
    for made_up in ("5f" * 32, "../../x"):
        assert send(browser, case, "finish", after_kept=made_up).status_code == 422
    assert not case.events.filter(verb=Verb.FINISH).exists()


def test_who_comes_too_late_is_told_what_happened_instead(city: SimpleNamespace, clock) -> None:
    Policy.objects.filter(verb=Verb.DISPATCH).delete()
    case = town.report(city)
    first, second = desk(city.dora), desk(city.dora)
    late = blank(second, case, "dispatch")
    send(first, case, "dispatch", department=str(city.roads.pk))
    answer = second.post(path(case, "dispatch"), late | {"department": str(city.parks.pk)}, follow=True)
    assert "Dora“派遣”" in answer.content.decode()
    assert Case.objects.get(pk=case.pk).department == city.roads


def test_what_the_clock_did_meanwhile_stops_nobody(city: SimpleNamespace, clock) -> None:
    from cases import alarm

    case, browser = town.report(city, condition=city.missing.pk), desk(city.hugo)
    form = blank(browser, case, "accept")
    clock.shift(timedelta(hours=3))
    alarm.ring()
    assert last(case).verb == Verb.ESCALATE
    assert send(browser, case, "accept", form).status_code == 302


def test_a_move_of_another_post_is_refused_in_words(city: SimpleNamespace, clock) -> None:
    case = town.report(city)
    answer = desk(city.hugo).get(path(case, "dispatch"), follow=True)
    assert "不能“派遣”" in answer.content.decode()
    answer = desk(city.carl).get(path(case, "finish"), follow=True)
    assert "“处置”由市政所的处置员、部门负责人办理" in answer.content.decode()


def test_a_form_without_its_token_is_not_taken(city: SimpleNamespace, clock) -> None:
    case = town.report(city)
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(city.hugo)
    answer = browser.post(path(case, "accept"), urlencode({}), "application/x-www-form-urlencoded")
    assert answer.status_code == 403 and "页面已过期" in answer.content.decode()


def test_originals_are_for_who_judges_and_each_look_is_logged(city: SimpleNamespace, clock, caplog: Any) -> None:
    case, body = town.report(city), pictures.snap()
    send(desk(city.hugo), case, "finish", after=SimpleUploadedFile("after.jpg", body, "image/jpeg"))
    sha = Photo.objects.get().pk
    caplog.set_level("INFO", "access")
    assert desk(city.hana).get(f"/photo/{sha}/320/").status_code == 404
    assert desk(city.dora).get(f"/photo/{sha}/original/").status_code == 403
    answer = desk(city.aude).get(f"/photo/{sha}/original/")
    assert b"".join(answer) == body and answer["Content-Disposition"].startswith("attachment")
    assert f"sha256={sha} case={case.number}" in caplog.text
    small = desk(city.dora).get(f"/photo/{sha}/320/")
    assert small["Content-Type"] == "image/webp" and "immutable" in small["Cache-Control"]
    assert desk(city.dora).get(f"/photo/{sha}/320/", headers={"If-None-Match": small["ETag"]}).status_code == 304
    assert desk(city.dora).get(f"/photo/{sha}/640/").status_code == 404


@pytest.mark.parametrize(("who", "statements"), [("hugo", 11), ("carl", 13)])
def test_a_page_costs_so_many_statements(
    city: SimpleNamespace, clock, django_assert_max_num_queries: Any, who: str, statements: int
) -> None:
    case = town.report(city)
    town.finish(case, city.hugo)
    browser = desk(getattr(city, who))
    page(browser, case)
    with django_assert_max_num_queries(statements):
        page(browser, case)


def test_numbers_of_people_are_masked_and_each_look_is_logged(city: SimpleNamespace, clock, caplog: Any) -> None:
    case = town.report(city, text="联系电话 13812345678，身份证 63270119900101123X", place=city.cells[0].code)
    told = page(desk(city.carl), case)
    assert "138****5678" in told and "13812345678" not in told and "19900101" not in told
    assert city.cells[0].code in told
    assert "13812345678" not in desk(city.carl).get("/cases/").content.decode()
    caplog.set_level("INFO", "access")
    shown = desk(city.carl).post(path(case)).content.decode()
    assert "13812345678" in shown and "63270119900101123X" in shown
    assert f"personal officer={city.carl.pk} case={case.number}" in caplog.text
    assert desk(city.hana).post(path(case)).status_code == 404


def test_english_readers_read_english(city: SimpleNamespace, clock) -> None:
    case = town.report(city)
    told = page(desk(city.dora, **{"Accept-Language": "en"}), case)
    for words in ("To handle", "2 days left", "What you can do", "How it was reckoned", "Why it went there"):
        assert words in told, words
    chrome = re.sub(r"玉树市|结古街道|民主社区|上水井盖\w*|井盖响动|公用设施|中文|全市作息", "", told)
    assert not re.search(r"[\u4e00-\u9fff，。：]", chrome)


def test_a_case_is_handled_in_a_real_browser(visit: Visit) -> None:
    city = town.build()
    case = town.report(city, text="井盖缺失")
    page = visit(city.hugo, path(case))
    page.get_by_role("link", name="处置", exact=True).click()
    page.get_by_label("处置后照片").set_input_files(
        files=[{"name": "after.jpg", "mimeType": "image/jpeg", "buffer": pictures.snap()}]
    )
    page.get_by_label("说明").fill("已补盖")
    page.get_by_role("button", name="处置", exact=True).click()
    page.get_by_text("处置：已办理").wait_for()
    page.locator("[data-zoom]").first.click()
    page.get_by_role("button", name="关闭").click()
    assert photos.missing([Photo.objects.get().pk]) == []
