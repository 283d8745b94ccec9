"""Each post's day at the desk, from signing in to signing out, in both languages: what it looks for, it finds."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
import time_machine
from django.conf import settings
from playwright.sync_api import Browser, expect

from cases import exports, outbox
from cases.flow import Stage, Verb
from cases.loading import evaluation
from cases.models import Case, Export, Opinion, Policy, Recheck
from grid.moment import now

from . import acts, audit, shipped
from . import city as town
from .days import Day
from .desk import Visit, visits
from .test_desk_factor import code

DAYS = timedelta(days=10)
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(params=["zh-hans", "en"])
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def city(transactional_db: None, language: str) -> SimpleNamespace:
    """One case is late with the roads department since days; one of today waits there too."""
    city = town.build()
    evaluation.load(Path(settings.BASE_DIR) / "fixtures/evaluation")
    if language == "en":
        audit.speak_english(city)
    with time_machine.travel(now() - DAYS, tick=False):
        city.late = town.report(city, text="…")
    city.fresh = town.report(city, text="…")
    outbox.drain()
    return city


def at_closing(city: SimpleNamespace) -> Case:
    return acts.passed(town.finish(town.report(city, text="…"), city.hugo), city.ivan)


def stage(case: Case) -> str:
    return Case.objects.get(pk=case.pk).stage


# The centre


def test_a_clerk(visit: Visit, city: SimpleNamespace, language: str, tmp_path: Path) -> None:
    new = [town.report(city, by=city.carl, source="hotline", text="…") for _n in range(2)]
    closing = [at_closing(city) for _n in range(2)]
    day = Day(visit, city.carl, language)
    page = day.page
    assert page.url.endswith("/queue/file/") and day.queue("file") == 2

    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#help")).to_be_hidden()
    for key in "jjk":
        page.keyboard.press(key)
    expect(page.locator("[data-row].at")).to_have_count(1)
    page.keyboard.press("Enter")
    day.move(Verb.FILE)
    assert {stage(case) for case in new} == {Stage.FILING, Stage.HANDLING}
    assert day.queue("file") == 1

    assert day.queue("close") == 2
    for key in "jxjx":
        page.keyboard.press(key)
    expect(page.locator("[data-count]")).to_have_text("2")
    page.locator("[data-chosen]").click()
    expect(page.locator("main tbody tr")).to_have_count(2)
    assert {stage(case) for case in closing} == {Stage.CLOSED}

    day.open("/cases/")
    shown = day.rows()
    page.get_by_role("button", name="CSV").click()
    page.wait_for_url("**/exports/")
    export = Export.objects.get()
    while Export.objects.get().status in exports.UNDER_WAY:
        exports.write(export.pk)
    with page.expect_download() as caught:
        page.get_by_role("link", name=day.word("下载")).click()
    caught.value.save_as(tmp_path / "cases.csv")
    with (tmp_path / "cases.csv").open(encoding="utf-8-sig") as file:
        assert len(list(csv.reader(file))) == 1 + shown == 1 + Case.objects.count()
    day.sign_out()


def test_a_dispatcher(visit: Visit, city: SimpleNamespace, language: str) -> None:
    Policy.objects.filter(verb=Verb.DISPATCH).delete()
    waits = [town.report(city, text="…") for _n in range(3)]
    acts.move(city.fresh, Verb.ASK, city.hugo, asks=Verb.EXTEND, note="…")
    day = Day(visit, city.dora, language)
    page = day.page
    assert page.url.endswith("/queue/dispatch/") and day.queue("dispatch") == 3

    page.locator("[name=late]").select_option("1")
    day.press("筛选")
    day.sees("没有符合条件的案卷。")
    day.follow("清除")
    page.locator("[data-row] a").first.click()
    day.move(Verb.DISPATCH, department=str(city.parks.pk))
    day.queue("dispatch")
    page.locator("[data-all]").check()
    page.locator("[data-chosen]").click()
    expect(page.locator("main tbody tr")).to_have_count(2)
    assert {stage(case) for case in waits} == {Stage.HANDLING}

    assert day.queue("asks") == 1
    page.locator("[data-row] a").first.click()
    day.move(Verb.EXTEND, limit_value="1")
    assert day.queue("asks") == 0
    day.open("/map/table/")
    link = page.locator("tbody td a").first
    told = int(link.text_content() or "")
    link.click()
    expect(page.locator("[data-row]")).to_have_count(told)
    day.sign_out()


def test_a_shift_leader(visit: Visit, city: SimpleNamespace, language: str) -> None:
    recheck = acts.doubt(city, note="…")
    case = at_closing(city)
    Case.objects.update(text="…")
    day = Day(visit, city.sina, language)
    page = day.page
    day.go("监督")
    assert page.locator(".doubt").count() == 1
    page.locator(".doubt textarea").fill("…")
    day.press("驳回疑问")
    day.done()
    day.sees("没有待答复的疑问。")
    assert Recheck.objects.get(pk=recheck.pk).upheld is False
    day.follow("核查组合")
    day.follow("在岗")
    day.sees("现在没有人在岗。")

    assert day.queue("close") == 1
    page.locator("[data-row] a").first.click()
    day.move(Verb.CLOSE)
    assert stage(case) == Stage.CLOSED
    before = (now() - timedelta(days=now().day + 1)).date().isoformat()
    day.open(f"/scores/?scheme=department&span=month&day={before}")
    day.press("发布这一期")
    expect(page.locator(".note.success").first).to_be_visible()
    day.sees("按现在的数据重算，与发布时一致。")
    day.sign_out()


def test_a_leader(visit: Visit, city: SimpleNamespace, language: str) -> None:
    """What is late, who answers, and the cases behind a percentage: each is two clicks from where his day begins."""
    at_closing(city)
    with time_machine.travel(now() - DAYS, tick=False):
        slow = town.report(city, text="…")
    town.finish(slow, city.hugo)
    outbox.drain()
    day = Day(visit, city.lena, language)
    page = day.page
    assert page.url.endswith("/board/")
    for name, listed in (("现在超时", 1), ("现在未结", 4)):
        card = page.locator(".one", has_text=day.word(name))
        expect(card.locator("b")).to_have_text(str(listed))
        card.click()
        expect(page.locator("[data-row]")).to_have_count(listed)
        page.go_back()
    page.locator(".one", has_text=day.word("现在超时")).click()
    expect(page.locator("[data-row] .whose")).to_contain_text(city.roads.name)
    page.locator("[data-row] a").first.click()
    page.locator("summary", has_text=day.word("怎样算出来的")).click()
    expect(page.locator(".trace tbody tr").first).to_be_visible()
    day.move(Verb.SUPERVISE)
    outbox.drain()

    day.open("/board/")
    row = page.locator("#by-department ~ * tr", has_text=city.roads.name)
    told = re.findall(r"\d+", row.locator("td").last.get_attribute("title") or "")
    assert told == ["1", "3"]  # finished on time ÷ due
    row.locator("td a").last.click()
    expect(page.locator("tbody tr")).to_have_count(int(told[1]))
    expect(page.locator("tbody td.late")).to_have_count(2)

    day.open("/scores/?scheme=department")
    page.locator("tr", has_text=city.roads.name).locator("td a").last.click()
    expect(page.locator("nav.places a[aria-current]")).to_be_visible()
    page.go_back()
    page.locator("tr", has_text=city.roads.name).locator("th a").click()
    expect(page.locator("#rates svg")).to_be_visible()
    day.follow("月报")
    expect(page.locator("h1").first).to_be_visible()
    day.open("/board/?wall=1")
    day.follow("退出大屏")
    day.sign_out()


def test_an_auditor(visit: Visit, city: SimpleNamespace, language: str) -> None:
    day = Day(visit, city.aude, language)
    page = day.page
    assert page.url.endswith("/cases/")
    page.locator("[name=q]").fill(city.late.number)
    page.keyboard.press("Enter")
    expect(page.locator("[data-row]")).to_have_count(1)
    page.locator("[data-row] a").first.click()
    day.sees("本案目前没有需要您办理的操作。")
    expect(page.locator(".log > li")).to_have_count(city.late.events.count())
    day.open("/oversight/pairs/")
    day.go("考核")
    day.follow("指标词典")
    assert page.locator("tbody tr").count() > 40
    day.sign_out()


# Departments and inspectors, on a phone


def test_a_handler(visit: Visit, city: SimpleNamespace, language: str) -> None:
    Opinion.objects.create(verb=Verb.FINISH, text="Done" if language == "en" else "已办结")
    day = Day(visit, city.hugo, language, 390)
    page = day.page
    assert page.url.endswith("/queue/handle/") and day.queue("handle") == 2
    expect(page.locator("[data-row] a").first).to_be_visible()
    page.locator("[data-row] a").first.click()  # what is late stands on top
    assert city.late.number in page.url
    page.locator("#act").get_by_role("link", name=day.word(Verb.FINISH), exact=True).click()
    page.locator(".opinion").first.click()
    expect(page.locator("form.move [name=note]")).not_to_have_value("")
    page.locator("[data-cancel]").click()
    day.move(Verb.FINISH, photo=True)
    assert day.queue("handle") == 1
    page.locator("[data-row] a").first.click()
    day.move(Verb.ASK, asks=Verb.EXTEND.value, limit_value="1")

    unread = page.locator("#unread")
    expect(unread).not_to_be_empty()
    before = int(unread.text_content() or "")
    day.open("/me/inbox/")
    page.locator(".messages .unread a").first.click()
    expect(page.locator(".onecase")).to_be_visible()
    expect(unread).to_have_text(str(before - 1) if before > 1 else "")
    if before > 1:
        day.open("/me/inbox/")
        day.press("全部标为已读")
    expect(unread).to_be_empty()
    day.open("/me/preferences/")
    page.locator("[name=quiet_from]").fill("22:00")
    page.locator("[name=quiet_to]").fill("07:00")
    day.press("保存")
    day.done()
    day.sign_out()


def test_a_head(visit: Visit, city: SimpleNamespace, language: str) -> None:
    day = Day(visit, city.hedi, language)
    page = day.page
    assert day.queue("handle") == 2  # the roads department is below the works
    day.go("看板")
    card = page.locator(".one", has_text=day.word("现在超时"))
    expect(card.locator("b")).to_have_text("1")
    day.open("/me/leave/")
    soon = now() + timedelta(days=1)
    for name, at in (("since", soon), ("until", soon + timedelta(days=2))):
        page.locator(f"[name={name}]").fill(at.strftime("%Y-%m-%dT%H:%M"))
    day.press("登记")
    expect(page.locator("tbody tr")).to_have_count(1)
    day.press("撤回")
    expect(page.locator("tbody tr")).to_have_count(0)
    day.sign_out()


def test_an_inspector(visit: Visit, city: SimpleNamespace, language: str) -> None:
    town.finish(city.fresh, city.hugo)
    day = Day(visit, city.ivan, language, 390)
    page = day.page
    assert day.queue("check") == 1
    page.locator("[data-row] a").first.click()
    day.move(Verb.PASS, photo=True)
    assert stage(city.fresh) == Stage.CLOSING
    day.open("/me/track/")
    day.sees("这一天没有轨迹。")
    day.sign_out()


# Who keeps the rules


@pytest.fixture
def strict(visit: Visit, chromium: Browser) -> Iterator[Visit]:
    """As `visit`, at a server that asks administrators for a second factor: without DEMO it is so by itself."""
    with shipped.serving(SECOND_FACTOR_ROLES="administrator") as address, visits(chromium, address) as visit:
        yield visit


def test_an_administrator(strict: Visit, city: SimpleNamespace, language: str) -> None:
    day = Day(strict, city.adam, language)
    page = day.page
    page.locator("[name=password]").fill(town.PASSWORD)
    day.press("确认")
    day.sees("您的岗位必须启用两步验证，启用之前不能使用其他页面。")
    page.locator("[name=code]").fill(code(page.locator("code.secret").inner_text()))
    day.press("启用")
    spare = page.locator(".codes code").first.inner_text()

    day.open("/settings/")
    day.follow("常用意见")
    day.follow("新增")
    page.locator("[name=text]").fill("before")
    day.press("保存")
    day.done()
    day.open(f"/settings/opinions/{Opinion.objects.get().pk}/")
    page.locator("[name=text]").fill("after")
    day.press("保存")
    day.open("/settings/changes/")
    first = page.locator(".change").first
    expect(first.locator("td.before")).to_have_text("before")
    expect(first.locator("td").last).to_have_text("after")

    day.open("/settings/year/2027/")
    page.locator("#d2027-05-04").click()
    page.locator("dialog [name=name]").fill("…")
    page.locator("dialog [value=off]").click()
    expect(page.locator("#d2027-05-04")).to_have_class(re.compile("holiday"))
    day.open("/settings/duties/new/")
    page.locator("[name=category]").select_option(str(city.manhole.pk))
    page.locator("[name=department]").select_option(str(city.parks.pk))
    day.press("用上月案卷试算")
    expect(page.locator("#trial tbody tr")).to_have_count(1)
    day.sign_out()

    day.sign_in()
    page.locator("[name=code]").fill(spare)
    day.press("登录")
    expect(page.locator("header nav")).to_be_visible()
