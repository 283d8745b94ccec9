"""When the network is slow or gone, the server fails, the session is over, or somebody else was faster."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from django.contrib.sessions.models import Session
from playwright.sync_api import Page, expect

from cases.flow import Stage, Verb
from cases.models import Case

from . import acts, pictures
from . import city as town
from .desk import Visit

PHOTO = {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": pictures.snap()}
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def city(transactional_db: None) -> SimpleNamespace:
    city = town.build()
    city.case = town.report(city)
    return city


def finishing(visit: Visit, city: SimpleNamespace, width: int = 390) -> Page:
    """Hugo, about to say on his phone that it is done: the photo is chosen, the note typed."""
    page = visit(city.hugo, f"/case/{city.case.number}/", width=width)
    page.evaluate("console.error = () => null")  # htmx tells its troubles there too
    page.locator("#act").get_by_role("link", name="处置").click()
    page.set_input_files("form.move input[type=file]", [PHOTO])
    page.locator("form.move [name=note]").fill("井盖已更换")
    return page


def send(page: Page) -> None:
    page.locator("form.move button.main").click()


def keeps(page: Page) -> None:
    """Nothing that was typed or chosen is lost."""
    expect(page.locator("form.move [name=note]")).to_have_value("井盖已更换")
    assert page.evaluate("document.querySelector('form.move input[type=file]').files.length") == 1


def moved(page: Page, city: SimpleNamespace) -> None:
    expect(page.locator(".note.success")).to_be_visible()
    assert made(city) == 1


def made(city: SimpleNamespace) -> int:
    return Case.objects.get(pk=city.case.pk).events.filter(verb=Verb.FINISH).count()


def test_a_double_click_over_a_slow_network_is_one_move(visit: Visit, city: SimpleNamespace) -> None:
    page = finishing(visit, city)
    slow = {"offline": False, "latency": 700, "downloadThroughput": -1, "uploadThroughput": 40_000}
    page.context.new_cdp_session(page).send("Network.emulateNetworkConditions", slow)
    page.locator("form.move button.main").dblclick()
    expect(page.locator("form.move button.main")).to_be_disabled()
    expect(page.locator("progress.sending")).to_be_visible()
    moved(page, city)


def test_without_a_network_nothing_is_lost(visit: Visit, city: SimpleNamespace) -> None:
    page = finishing(visit, city)
    page.context.set_offline(True)
    send(page)
    expect(page.locator("#trouble")).to_contain_text("连不上服务器")
    keeps(page)
    page.context.set_offline(False)
    send(page)
    moved(page, city)


def test_an_answer_that_was_lost_is_no_second_move(visit: Visit, city: SimpleNamespace) -> None:
    """The server made the move, but the phone never heard of it, and sends the form again."""
    page = finishing(visit, city)
    address = f"**/case/{city.case.number}/finish/"
    page.route(address, lambda route: (route.fetch(max_redirects=0), route.abort()))
    send(page)
    expect(page.locator("#trouble")).to_be_visible()
    page.unroute(address)
    send(page)
    page.wait_for_url(f"**/case/{city.case.number}/")
    expect(page.locator("#act form")).to_have_count(0)
    assert made(city) == 1


def test_a_server_that_fails_is_told_and_nothing_is_lost(visit: Visit, city: SimpleNamespace) -> None:
    page = finishing(visit, city)
    address = f"**/case/{city.case.number}/finish/"
    page.route(address, lambda route: route.fulfill(status=500, body="<h1>Server Error (500)</h1>"))
    send(page)
    expect(page.locator("#trouble")).to_contain_text("服务器出错")
    keeps(page)
    page.unroute(address)
    send(page)
    moved(page, city)


def test_who_is_signed_out_meanwhile_signs_in_beside_and_goes_on(visit: Visit, city: SimpleNamespace) -> None:
    page = finishing(visit, city)
    Session.objects.all().delete()
    send(page)
    expect(page.locator("#trouble")).to_contain_text("您的登录已结束")
    keeps(page)
    with page.expect_popup() as opened:
        page.locator("#trouble a").click()
    beside = opened.value
    beside.locator("[name=login]").fill("hugo")
    beside.locator("[name=password]").fill(town.PASSWORD)
    beside.get_by_role("button", name="登录").click()
    beside.wait_for_url("**/queue/**")
    send(page)
    moved(page, city)


def test_a_second_actor_is_told_and_keeps_his_photos(visit: Visit, city: SimpleNamespace) -> None:
    page = finishing(visit, city)
    acts.move(city.case, Verb.SUPERVISE, city.lena, note="请速办")
    send(page)
    expect(page.locator("form.move .note.error")).to_contain_text("督办")
    keeps(page)
    send(page)
    moved(page, city)


def test_a_mistake_costs_neither_words_nor_photos(visit: Visit, city: SimpleNamespace) -> None:
    page = finishing(visit, city)
    page.locator("form.move [name=seen]").evaluate("field => { field.value = 'x' }")
    send(page)
    expect(page.locator("form.move .error")).to_be_visible()
    keeps(page)


def test_a_move_that_is_no_longer_open_is_told_on_a_whole_page(visit: Visit, city: SimpleNamespace) -> None:
    page = visit(city.hugo, f"/case/{city.case.number}/")
    town.finish(city.case, city.hugo)
    page.locator("#act").get_by_role("link", name="处置").click()
    expect(page.locator("main .note.error")).to_be_visible()
    expect(page.locator("main")).to_have_count(1)
    expect(page.locator("header .badge")).to_contain_text(["待核查"])


def test_two_at_once_the_second_hears_what_happened(visit: Visit, city: SimpleNamespace) -> None:
    first, second = finishing(visit, city, 1280), finishing(visit, city, 1280)
    send(first)
    moved(first, city)
    send(second)
    expect(second.locator("main .note.error")).to_contain_text("Hugo")
    assert made(city) == 1


def test_the_way_back_makes_no_second_move(visit: Visit, city: SimpleNamespace) -> None:
    page = visit(city.hugo, "/queue/handle/")
    page.locator("[data-row] a").first.click()
    page.locator("#act").get_by_role("link", name="处置").click()
    page.set_input_files("form.move input[type=file]", [PHOTO])
    send(page)
    moved(page, city)
    page.go_back()
    page.wait_for_url("**/queue/handle/")
    expect(page.locator("[data-row]")).to_have_count(0)
    page.go_forward()
    expect(page.locator("#act form")).to_have_count(0)
    assert Case.objects.get(pk=city.case.pk).stage == Stage.CHECK
    assert made(city) == 1


def test_photos_are_shown_and_taken_away_one_by_one(visit: Visit, city: SimpleNamespace) -> None:
    page = finishing(visit, city)
    more = {"name": "more.jpg", "mimeType": "image/jpeg", "buffer": pictures.snap(quality=60)}
    page.set_input_files("form.move input[type=file]", [more])
    expect(page.locator("form.move .picked img")).to_have_count(2)
    page.get_by_role("button", name="移除 photo.jpg").click()
    expect(page.locator("form.move .picked img")).to_have_count(1)
    acts.move(city.case, Verb.SUPERVISE, city.lena, note="请速办")
    send(page)
    expect(page.locator("form.move .note.error")).to_contain_text("督办")
    expect(page.locator("form.move .picked img")).to_have_count(1)
    send(page)
    moved(page, city)
    (shown,) = Case.objects.get(pk=city.case.pk).events.get(verb=Verb.FINISH).facts["photos"]
    assert shown[1] == "after"
