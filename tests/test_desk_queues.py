"""What waits at a desk: queues by post, filters in the URL, pages, many at once."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from playwright.sync_api import expect

from cases import queues
from cases.flow import Source, Stage, Verb
from cases.models import Case, Duty, Flag, Policy
from grid.models import Officer

from . import city as town
from .acts import move, passed
from .desk import Visit, desk


def numbers(browser: Client, path: str, **asked: Any) -> list[str]:
    """The numbers of the cases on a page, in its order."""
    answer = browser.get(path, asked)
    assert answer.status_code == 200, answer.content.decode()
    return re.findall(r'href="/case/([^/"]+)/"', answer.content.decode())


def queue(name: str) -> str:
    return reverse("console:queue", args=[name])


@pytest.fixture
def day(city: SimpleNamespace, clock) -> dict[str, Case]:
    """A case for each queue, a minute after the other."""
    Policy.objects.filter(verb=Verb.ORDER_CHECK).update(automatic=False)
    smoke = {"category": city.orphan.pk, "condition": city.smoke.pk}

    def closing() -> Case:
        case = move(town.finish(town.report(city), city.hugo), Verb.ORDER_CHECK, city.carl)
        return passed(case, city.ivan)

    def flagged() -> Case:
        case = closing()
        Flag.objects.create(case=case, code=Flag.Code.MOCK, raised_at=town.MONDAY)
        return case

    makers: dict[str, Callable[[], Case]] = {
        "file": lambda: town.report(city, condition=None, text="异响"),
        "dispatch": lambda: town.report(city, **smoke, place="扎西大街8号"),
        "verify": lambda: town.report(city, by=city.carl, source=Source.PUBLIC),
        "handle": lambda: town.report(city),
        "order-check": lambda: town.finish(town.report(city), city.hugo),
        "check": lambda: move(town.finish(town.report(city), city.hugo), Verb.ORDER_CHECK, city.carl),
        "close": closing,
        "asks": lambda: move(town.report(city), Verb.ASK, city.hugo, asks=Verb.DECLINE, note="不属市政"),
        "flags": flagged,
        "supervised": lambda: move(town.report(city), Verb.SUPERVISE, city.lena, note="请速办"),
        "shelved": lambda: move(
            town.report(city), Verb.SHELVE, city.dora, note="待料", until=town.MONDAY + timedelta(days=9)
        ),
    }
    cases = {}
    for name, make in makers.items():
        cases[name] = make()
        clock.shift(timedelta(minutes=1))
    return cases


WHOSE = {
    "file": "carl",
    "dispatch": "dora",
    "verify": "ann",
    "handle": "hugo",
    "order-check": "carl",
    "check": "ivan",
    "close": "carl",
    "asks": "dora",
    "flags": "sina",
    "supervised": "hugo",
    "shelved": "dora",
}
ALSO = {"handle": {"asks", "supervised"}, "close": {"flags"}}  # which others stand at the same stage


@pytest.mark.parametrize("name", WHOSE)
def test_each_post_finds_what_waits_for_it(city: SimpleNamespace, day: dict[str, Case], name: str) -> None:
    expected = {day[name].number, *(day[other].number for other in ALSO.get(name, ()))}
    assert set(numbers(desk(getattr(city, WHOSE[name])), queue(name))) == expected


def test_no_post_finds_the_queue_of_another(city: SimpleNamespace) -> None:
    assert desk(city.hugo).get(queue("dispatch")).status_code == 404
    assert desk(city.adam).get(queue("dispatch")).status_code == 403


def test_every_queue_is_of_a_post_and_counts_what_it_shows(city: SimpleNamespace, day: dict[str, Case]) -> None:
    for name in ("carl", "dora", "hugo", "lena", "sina", "ann", "aude"):
        officer = getattr(city, name)
        told = queues.counts(officer)
        assert told == {one.name: queues.within(one, officer).count() for one in queues.of(officer)}


def test_many_are_counted_as_many(city: SimpleNamespace, day: dict[str, Case], monkeypatch: Any) -> None:
    monkeypatch.setattr(queues, "MANY", 2)
    assert queues.counts(city.hugo)["handle"] == 3
    assert "<b>2+</b>" in desk(city.hugo).get(queue("handle")).content.decode()


def test_what_is_due_first_stands_on_top(city: SimpleNamespace, clock) -> None:
    slow, quick = (town.report(city, condition=row.pk) for row in (city.rattling, city.missing))
    assert numbers(desk(city.hugo), queue("handle")) == [quick.number, slow.number]
    assert numbers(desk(city.hugo), queue("handle"), sort="new") == [quick.number, slow.number]


def test_the_day_begins_in_a_queue_where_something_waits(city: SimpleNamespace, clock) -> None:
    town.report(city, category=city.orphan.pk, condition=city.smoke.pk)
    assert desk(city.dora).get("/")["Location"] == "/queue/"
    assert desk(city.dora).get("/queue/")["Location"] == queue("dispatch")
    assert desk(city.carl).get("/queue/")["Location"] == queue("file")
    assert desk(city.aude).get("/queue/")["Location"] == "/cases/"


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"stage": "dispatch"}, {"dispatch"}),
        ({"source": "public"}, {"verify"}),
        ({"q": "扎西"}, {"dispatch"}),
        ({"asks": "1"}, {"asks"}),
        ({"stage": "handling", "asks": "0"}, {"handle", "supervised"}),
        ({"since": "2026-03-03"}, set()),
    ],
)
def test_filters_live_in_the_url(
    city: SimpleNamespace, day: dict[str, Case], asked: dict[str, str], found: set[str]
) -> None:
    assert set(numbers(desk(city.aude), "/cases/", **asked)) == {day[name].number for name in found}


def test_a_filter_that_makes_no_sense_is_told_and_left_out(city: SimpleNamespace, day: dict[str, Case]) -> None:
    answer = desk(city.aude).get("/cases/", {"since": "yesterday", "department": "x"})
    assert answer.status_code == 200
    assert answer.content.decode().count('class="error"') == 2
    assert len(numbers(desk(city.aude), "/cases/", since="yesterday")) == len(day)


def test_a_cursor_that_was_not_given_by_us_is_refused(city: SimpleNamespace) -> None:
    assert desk(city.aude).get("/cases/", {"cursor": "x"}).status_code == 409


def test_pages_follow_by_key_and_keep_the_filters(city: SimpleNamespace, clock, monkeypatch: Any) -> None:
    monkeypatch.setattr("console.views.lists.PAGE", 2)
    cases = [town.report(city) for _ in range(3)]
    page = desk(city.hugo).get("/cases/", {"stage": "handling"}).content.decode()
    following = re.search(r'rel="next" href="([^"]+)"', page)
    assert following and "stage=handling" in following[1]
    assert numbers(desk(city.hugo), "/cases/" + following[1].replace("&amp;", "&")) == [cases[2].number]


def test_an_empty_queue_says_what_would_fill_it(city: SimpleNamespace) -> None:
    page = desk(city.dora).get(queue("dispatch")).content.decode()
    assert "都办完了" in page and "没有找到唯一责任单位" in page
    assert "没有符合条件" in desk(city.dora).get(queue("dispatch"), {"q": "无"}).content.decode()


def test_many_are_dispatched_as_the_system_suggests_each_told_by_itself(city: SimpleNamespace, clock) -> None:
    Policy.objects.filter(verb=Verb.DISPATCH).delete()
    clear, unclear = town.report(city), town.report(city, category=city.orphan.pk, condition=city.smoke.pk)
    browser = desk(city.dora)
    chosen = {"case": [str(clear.uuid), str(unclear.uuid), "nonsense"], f"to.{clear.uuid}": str(city.roads.pk)}
    assert f'name="to.{clear.uuid}" value="{city.roads.pk}"' in browser.get(queue("dispatch")).content.decode()
    page = browser.post(queue("dispatch") + "bulk/", chosen).content.decode()
    clear.refresh_from_db()
    unclear.refresh_from_db()
    assert (clear.stage, clear.department) == (Stage.HANDLING, city.roads)
    assert unclear.stage == Stage.DISPATCH
    assert "选中 2 件，办理 1 件" in page and "还需要：责任单位" in page
    assert "选中 2 件，办理 0 件" in browser.post(queue("dispatch") + "bulk/", chosen).content.decode()


def test_who_would_send_it_elsewhere_than_the_page_said_is_told_so(city: SimpleNamespace, clock) -> None:
    """The duties changed between the page and the click: what he did not see is not done in his name."""
    Policy.objects.filter(verb=Verb.DISPATCH).delete()
    moved, same = town.report(city), town.report(city, category=city.refuse.pk, condition=city.heap.pk)
    browser = desk(city.dora)
    page = browser.get(queue("dispatch")).content.decode()
    assert page.count("建议") >= 2 and "市政所" in page
    shown = dict(re.findall(r'name="(to\.[^"]+)" value="(\d+)"', page))
    Duty.objects.filter(department=city.roads).update(department=city.parks)
    chosen = shown | {"case": [str(moved.uuid), str(same.uuid)]}
    told = browser.post(queue("dispatch") + "bulk/", chosen).content.decode()
    assert "选中 2 件，办理 1 件" in told and "由“市政所”变为“园林所”" in told
    moved.refresh_from_db()
    same.refresh_from_db()
    assert (moved.stage, moved.department, same.department) == (Stage.DISPATCH, None, city.office)


def test_many_are_closed_but_not_with_flags(city: SimpleNamespace, day: dict[str, Case]) -> None:
    chosen = {"case": [str(day[name].uuid) for name in ("close", "flags", "handle")]}
    page = desk(city.sina).post(queue("close") + "bulk/", chosen).content.decode()
    stages = {name: Case.objects.get(pk=day[name].pk).stage for name in ("close", "flags", "handle")}
    assert stages == {"close": Stage.CLOSED, "flags": Stage.CLOSING, "handle": Stage.HANDLING}
    assert "办理 1 件" in page and "疑点" in page


def test_what_one_may_not_see_is_not_done_either(city: SimpleNamespace, clock) -> None:
    Policy.objects.filter(verb=Verb.DISPATCH).delete()
    case = town.report(city)
    Officer.objects.filter(pk=city.dora.pk).update(area=None, roles=["handler"])
    assert desk(city.dora).post(queue("dispatch") + "bulk/", {"case": [str(case.uuid)]}).status_code == 404


def test_only_what_is_safe_is_done_to_many(city: SimpleNamespace) -> None:
    assert desk(city.carl).post(queue("file") + "bulk/", {}).status_code == 404
    assert desk(city.dora).get(queue("dispatch") + "bulk/").status_code == 405


def test_a_page_of_cases_costs_the_same_however_many_they_are(
    city: SimpleNamespace, clock, django_assert_num_queries: Any
) -> None:
    browser = desk(city.hugo)
    for count in (1, 5):
        for _ in range(count):
            town.report(city)
        browser.get(queue("handle"))
        with django_assert_num_queries(7):  # session, officer, edition, departments, keys, rows, counts
            browser.get(queue("handle"))


def test_counts_are_asked_for_as_a_part_of_the_page(
    city: SimpleNamespace, day: dict[str, Case], django_assert_num_queries: Any
) -> None:
    browser = desk(city.carl)
    with django_assert_num_queries(3):
        part = browser.get("/queue/counts/", {"here": "close"}, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in part and 'href="/queue/close/" aria-current="page"' in part


def test_a_page_may_wait_at_the_waiting_room_and_nowhere_else(city: SimpleNamespace, settings: Any) -> None:
    browser = desk(city.carl)
    assert "data-live" not in browser.get(queue("file")).content.decode()
    settings.LIVE_URL = ":8001"
    answer = browser.get(queue("file"))
    assert 'data-live="http://testserver:8001/api/mobile/v1/inbox/stream"' in answer.content.decode()
    assert "connect-src 'self' http://testserver:8001" in answer["Content-Security-Policy"]
    settings.LIVE_URL = "/live"
    answer = browser.get(queue("file"))
    assert 'data-live="/live/api/mobile/v1/inbox/stream"' in answer.content.decode()
    assert "connect-src" not in answer["Content-Security-Policy"]


def test_a_list_is_walked_by_the_keyboard(visit: Visit) -> None:
    city = town.build()
    Policy.objects.filter(verb=Verb.DISPATCH).delete()
    first, second = (town.report(city, text=text) for text in ("一", "二"))
    page = visit(city.dora, queue("dispatch"))
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("x")
    page.get_by_role("button", name="按系统建议派遣 1").wait_for()
    page.keyboard.press("?")
    page.get_by_role("heading", name="快捷键").wait_for()
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "id_q"
    page.keyboard.insert_text("ann")
    page.locator("#found a").wait_for()
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.textContent").startswith("Ann")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.value") == "ann"
    assert page.locator("#found > *").count() == 0
    page.get_by_role("button", name="按系统建议派遣 1").click()
    page.get_by_text("选中 1 件，办理 1 件").wait_for()
    assert {Case.objects.get(pk=case.pk).stage for case in (first, second)} == {Stage.DISPATCH, Stage.HANDLING}


@pytest.mark.django_db(transaction=True)
def test_whom_the_system_suggests_is_shown_whole(visit: Visit) -> None:
    city = town.build()
    Policy.objects.filter(verb=Verb.DISPATCH).update(automatic=False)
    town.report(city)
    page = visit(city.dora, queue("dispatch"), language="en-GB")
    told = page.locator(".case .whose")
    expect(told).to_contain_text("Suggested")
    assert told.evaluate("said => said.scrollWidth <= said.clientWidth")
