"""The board: today in one look, each number with the list behind it."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from types import SimpleNamespace

import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from playwright.sync_api import expect

from cases import load, outbox
from cases.flow import Verb
from cases.models import Case, Outlook
from grid.models import Area, Officer
from grid.moment import now
from grid.roles import Role

from . import acts
from . import city as town
from .desk import Visit, desk

STATEMENTS = 16  # of the page, whatever the number of cases


@pytest.fixture
def works(city: SimpleNamespace, clock) -> SimpleNamespace:
    """Monday, ten o'clock: one case closed, one with the roads department, one with the office, one late in filing."""
    done = town.finish(town.report(city), city.hugo)
    acts.move(done, Verb.PASS, city.ivan, photos=town.shown(city.ivan, "after").photos)
    acts.move(done, Verb.CLOSE, city.carl)
    city.late = town.report(city, by=city.carl, source="hotline")
    clock.shift(timedelta(hours=1))
    city.open = town.report(city)
    city.heaped = town.report(city, by=city.ines, category=city.refuse.pk, condition=city.heap.pk)
    outbox.drain()
    return city


def said(browser: Client, query: str = "") -> dict[str, str]:
    """The large numbers by their labels."""
    page = browser.get(f"/board/{query}").content.decode()
    return dict(re.findall(r"<span>([^<]+)</span><b>([\d.—]+)", page))


# What it says


def test_today_in_one_look(works: SimpleNamespace) -> None:
    assert said(desk(works.lena)) == {
        "今日上报": "4",
        "今日立案": "3",
        "今日结案": "1",
        "按期处置率": "100.0",
        "现在超时": "1",
        "可能超时": "0",
        "现在未结": "3",
    }


def test_at_risk_is_what_the_forecast_says(works: SimpleNamespace) -> None:
    Outlook.objects.update_or_create(case=works.open, defaults={"risk_at": now()})
    assert said(desk(works.lena))["可能超时"] == "1"
    standing = load.standing(works.lena, now())
    assert standing.departments[works.roads.pk].risk == standing.areas[works.street.pk].risk == 1


def test_a_rate_without_cases_is_not_applicable(city: SimpleNamespace, clock) -> None:
    assert said(desk(city.lena))["按期处置率"] == "—"


def test_open_work_by_department_area_stage_and_rung(works: SimpleNamespace) -> None:
    standing = load.standing(works.lena, now())
    assert {pk: work.open for pk, work in standing.departments.items()} == {
        None: 1,
        works.roads.pk: 1,
        works.office.pk: 1,
    }
    assert (standing.areas[works.street.pk].open, standing.areas[works.street.pk].late) == (3, 1)
    assert {stage: work.open for stage, work in standing.stages.items()} == {"filing": 1, "handling": 2}
    assert sum(work.open for work in standing.rungs.values()) == standing.all.open == 3
    assert standing.departments[None].late == standing.all.late == 1


def test_each_number_is_as_long_as_its_list(works: SimpleNamespace) -> None:
    browser = desk(works.lena)
    page = browser.get("/board/").content.decode()
    links = re.findall(r'href="(/cases/\?[^"]+)"[^>]*>(?:<span>[^<]*</span>)?(?:<b[^>]*>)?(\d+)<', page)
    assert len(links) > 12
    for link, number in links:
        listed = browser.get(link.replace("&amp;", "&")).content.decode()
        assert listed.count("data-row>") == int(number), link


def test_a_figure_of_the_past_leads_to_what_was_counted(works: SimpleNamespace) -> None:
    browser = desk(works.lena)
    page = browser.get("/board/").content.decode()
    links = re.findall(r'href="(/scores/cases/[^"]+)"[^>]*><span>([^<]+)</span><b>([\d.]+)', page)
    assert [(name, number) for _link, name, number in links] == [
        ("今日立案", "3"),
        ("今日结案", "1"),
        ("按期处置率", "100.0"),
    ]
    for link, _name, _number in links:
        assert browser.get(link.replace("&amp;", "&")).status_code == 200


def test_each_figure_of_a_row_and_of_a_day_is_as_long_as_what_it_opens(works: SimpleNamespace) -> None:
    """Also of a department with others below it: its row tells what is its own."""
    own = town.report(works)
    acts.move(own, Verb.DECLINE, works.dora, note="改派")
    acts.move(own, Verb.DISPATCH, works.dora, department=works.works.pk)
    outbox.drain()
    browser = desk(works.lena)
    page = unescape(browser.get("/board/").content.decode())
    links = re.findall(r'<td class="num[^"]*"[^>]*><a href="(/scores/cases/[^"]+)">(\d+)</a>', page)
    assert len(links) > 120  # four a day, and those of the rows
    told = [(link, int(number)) for link, number in links if int(number) or "alone" in link]
    assert any("alone=1" in link and f"subject={works.works.pk}&" in link and number == 1 for link, number in told)
    for link, number in told:
        listed = browser.get(link).content.decode()
        lines = listed.partition("<tbody>")[2].partition("</tbody>")[0]
        assert lines.count("<tr>") == number, link


# Whose it is


def test_an_officer_of_another_street_sees_none_of_it(works: SimpleNamespace) -> None:
    other = Area.objects.create(code="632701002", name="扎西科街道", parent=works.street.parent)
    leader = Officer.objects.create(username="far", roles=[Role.LEADER], area=other, password=works.ann.password)
    told = said(desk(leader))
    assert {told[name] for name in ("今日上报", "今日立案", "今日结案", "现在超时", "现在未结")} == {"0"}
    assert "结古街道" not in desk(leader).get("/board/").content.decode()


def test_an_officer_of_the_street_sees_all_of_it(works: SimpleNamespace) -> None:
    leader = Officer.objects.create(
        username="near", roles=[Role.LEADER], area=works.street, password=works.ann.password
    )
    assert said(desk(leader)) == said(desk(works.lena))
    page = desk(leader).get("/board/").content.decode()
    assert "民主社区" in page and "市政所" in page


def test_a_department_sees_its_own(works: SimpleNamespace) -> None:
    told = said(desk(works.hugo))
    assert (told["现在未结"], told["现在超时"]) == ("1", "0")
    assert (told["今日派遣"], "今日上报" in told) == ("2", False), "nothing is reported to a department"
    assert "立案数" not in desk(works.hugo).get("/board/").content.decode()
    assert "结古街道办" not in desk(works.hugo).get("/board/").content.decode()


def test_a_head_sees_what_is_below(works: SimpleNamespace) -> None:
    assert said(desk(works.hedi))["现在未结"] == "1"
    assert "市政所" in desk(works.hedi).get("/board/").content.decode()


def test_it_is_for_the_centre_and_departments(city: SimpleNamespace) -> None:
    assert desk(city.ann).get("/board/").status_code == 403
    assert desk(city.adam).get("/board/").status_code == 403


def test_a_new_city_has_a_board_too(city: SimpleNamespace, clock) -> None:
    told = said(desk(city.lena))
    assert told["现在未结"] == "0"


# What it costs


def test_it_costs_the_same_however_much_there_is(works: SimpleNamespace) -> None:
    browser = desk(works.lena)
    browser.get("/board/")
    with CaptureQueriesContext(connection) as few:
        browser.get("/board/")
    for n in range(5):
        town.report(works, lon=town.LON + (n % 4 + 0.5) * town.STEP)
    outbox.drain()
    with CaptureQueriesContext(connection) as many:
        browser.get("/board/")
    assert len(few) == len(many) <= STATEMENTS


def test_open_work_is_counted_from_its_index_alone(works: SimpleNamespace) -> None:
    """Of a table so small the planner may take any index, so it has no other."""
    with connection.cursor() as cursor:
        for index in Case._meta.indexes:
            if index.name != "case_on_beat":
                cursor.execute(f"DROP INDEX {index.name}")
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
        seen = Case.objects.visible_to(works.lena).open().values("cell_id", "department_id", "stage", "level", "due_at")
        plan = seen.explain()
    assert "Index Only Scan using case_on_beat" in plan


# On a wall


def test_a_wall_keeps_its_session(works: SimpleNamespace, clock) -> None:
    browser = desk(works.lena)
    browser.get("/board/?wall=1")
    first = Session.objects.get().expire_date
    clock.shift(timedelta(hours=1))
    browser.get("/board/?wall=1&part=1")
    assert Session.objects.get().expire_date == first
    clock.shift(timedelta(days=1))
    browser.get("/board/?wall=1&part=1")
    assert Session.objects.get().expire_date > first + timedelta(days=1)


def test_the_part_is_what_changes(works: SimpleNamespace) -> None:
    page = desk(works.lena).get("/board/?part=1").content.decode()
    assert "今日上报" in page and "<html" not in page


@pytest.mark.django_db(transaction=True)
def test_a_leader_reads_the_board_and_follows_a_number(visit: Visit) -> None:
    city = town.build()
    town.report(city)
    page = visit(city.lena, "/board/")
    expect(page.locator("#trend svg")).to_be_visible()
    expect(page.locator("#stages svg")).to_be_visible()
    page.locator("summary", has_text="图表的数字").click()
    expect(page.get_by_role("columnheader", name="应处置数")).to_be_visible()
    town.report(city)
    page.evaluate(
        "htmx.trigger('#live', 'htmx:abort'); htmx.ajax('GET', '?part=1', {target: '#live', source: '#live'})"
    )
    expect(page.locator(".one", has_text="现在未结").locator("b")).to_have_text("2")
    expect(page.get_by_role("columnheader", name="应处置数")).to_be_visible()
    page.locator(".one", has_text="现在未结").click()
    expect(page.locator("[data-row]")).to_have_count(2)


@pytest.mark.django_db(transaction=True)
def test_a_wall_that_loses_its_server_says_so(visit: Visit) -> None:
    city = town.build()
    page = visit(city.lena, "/board/?wall=1", width=1920)
    expect(page.locator("#trend svg")).to_be_visible()
    page.evaluate("console.error = () => null")  # htmx tells it there too
    page.context.set_offline(True)
    page.evaluate("htmx.ajax('GET', '?part=1&wall=1', {target: '#live', source: '#live'}).catch(() => null)")
    expect(page.locator("#stale")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollHeight <= innerHeight")
