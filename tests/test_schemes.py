"""Schemes in the settings: read, written as new versions, tried before they are saved, and withdrawn."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from cases import alarm, evaluation, outbox, schemes, tally
from cases.flow import Refused
from cases.loading import evaluation as loading
from cases.models import Publication, Scheme
from cases.periods import of
from grid.models import Change
from grid.roles import Role

from . import city as town
from .desk import desk, typed

MARCH = of("month", town.MONDAY.date())


@pytest.fixture
def april(city: SimpleNamespace, clock: Any) -> SimpleNamespace:
    """Two cases of the roads department in March, the second too late. Now it is the second of April."""
    loading.load(Path(settings.BASE_DIR) / "fixtures/evaluation")
    cases = [town.report(city, lon=town.LON + (n + 0.5) * town.STEP) for n in (0, 1)]
    for case, hours in zip(cases, (1, 72), strict=True):
        clock.move_to(town.MONDAY + timedelta(hours=hours))
        alarm.ring()
        town.finish(case, city.hugo)
    outbox.drain()
    clock.move_to(town.MONDAY.replace(month=4))
    tally.night()
    city.scheme = Scheme.objects.get(code="department")
    return city


@pytest.fixture
def adam(april: SimpleNamespace) -> Client:
    return desk(april.adam)


def sentences(answer: Any) -> str:
    return answer.content.decode()


def write(browser: Client, row: Scheme, do: str = "save", **said: str) -> Any:
    """Send the form of a new version with something else in it; "__" stands for the hyphens of a row's field."""
    path = f"/settings/schemes/{row.pk}/next/"
    wanted = {name.replace("__", "-"): value for name, value in said.items()}
    return browser.post(path, {**typed(browser.get(path)), **wanted, "do": do})


def test_a_scheme_reads_as_people_read_it(adam: Client) -> None:
    row = Scheme.objects.get(code="cell")
    told = sentences(adam.get(f"/settings/schemes/{row.pk}/"))
    assert "第 1 版" in told and "生效中" in told and "按发生日" in told
    assert "<span>9 及以上</span>" in told and "区域分类 2" in told and "<b>100%</b>" in told
    assert "≥ 75" in told and "&lt; 90" in told and "swatch green" in told
    listed = sentences(adam.get("/settings/schemes/"))
    assert "单元网格评价" in listed and f'href="/settings/schemes/{row.pk}/"' in listed


def test_a_new_version_leaves_the_old_one_as_it_was(adam: Client, april: SimpleNamespace) -> None:
    before = dict(Scheme.objects.filter(pk=april.scheme.pk).values().get())
    answer = write(adam, april.scheme, items__2__weight="40", items__3__weight="20", valid_from="2026-05-01")
    new = Scheme.objects.get(code="department", version=2)
    assert answer["Location"] == f"/settings/schemes/{new.pk}/"
    weights = {item["indicator"]: item["weight"] for item in new.said["items"]}
    assert weights == {"assigned_count": 10, "close_rate": 30, "handle_on_time": 40, "rework_rate": 20}
    assert new.said["items"][0] == april.scheme.said["items"][0] and new.said["grades"] == april.scheme.said["grades"]
    assert dict(Scheme.objects.filter(pk=april.scheme.pk).values().get()) == before
    assert evaluation.in_force("department", date(2026, 4, 30)) == april.scheme
    assert evaluation.in_force("department", date(2026, 5, 31)) == new
    change = Change.objects.get()
    assert (change.by, change.what, change.row) == (april.adam, "cases.scheme", str(new.pk))
    assert (change.before["version"], change.after["version"]) == (1, 2)
    told = sentences(adam.get("/settings/changes/?what=schemes"))
    assert "按期处置率" in told and "30%" in told and "40%" in told and "结案率" not in told
    page = sentences(adam.get(f"/settings/schemes/{new.pk}/"))
    assert "未开始" in page and "撤回" in page


@pytest.mark.parametrize(
    ("said", "where", "says"),
    [
        ({"items__1__weight": "31"}, "", "现为 101.0%"),
        ({"items__1__weight": "0"}, "id_items-1-weight_error", "权重须大于零"),
        ({"items__1__weight": "lots"}, "id_items-1-weight_error", "数字"),
        ({"items__1__indicator": "nonsense"}, "id_items-1-indicator_error", "nonsense"),
        ({"items__1__indicator": "rework_rate"}, "id_items-3-indicator_error", "前面已有同样的一行"),
        ({"items__1__bands": "0- 100"}, "id_items-1-bands_error", "比率不分档"),
        ({"items__0__bands": ""}, "id_items-0-bands_error", "计数须分档"),
        ({"items__0__bands": "0-50 100\n52- 0"}, "id_items-0-bands_error", "不能留空"),
        ({"items__0__bands": "0-50 100\n50- 0"}, "id_items-0-bands_error", "不能重叠"),
        ({"items__0__bands": "1-50 100\n51- 0"}, "id_items-0-bands_error", "须从 0 起"),
        ({"items__0__bands": "0-50 100\n51-90 0"}, "id_items-0-bands_error", "最后一档不设上限"),
        ({"items__0__bands": "0- 101"}, "id_items-0-bands_error", "0 到 100 之间"),
        ({"items__0__bands": "2: 0- 100"}, "id_items-0-bands_error", "不限区域类别"),
        ({"items__0__bands": "many few"}, "id_items-0-bands_error", "看不懂“many few”"),
        ({"grades__1__low": "95"}, "", "等级须从高到低"),
        ({"grades__4__low": "1"}, "", "从 0 分起"),
        ({"grades__1__letter": "A"}, "id_grades-1-letter_error", "前面已有同样的一行"),
        ({"grades__1__colour": "sky"}, "id_grades-1-colour_error", "sky"),
        ({"valid_from": "2024-01-01"}, "id_valid_from_error", "不能早于 2024-01-02"),
        ({"valid_from": "1066-10-14"}, "id_valid_from_error", "2000 年至 2100 年"),
        ({"name": ""}, "id_name_error", "必填"),
    ],
)
def test_what_is_wrong_is_told_at_its_field(
    adam: Client, april: SimpleNamespace, said: dict[str, str], where: str, says: str
) -> None:
    answer = write(adam, april.scheme, **said)
    told = sentences(answer)
    assert answer.status_code == 422 and says in told
    assert f'id="{where}"' in told if where else 'role="alert"' in told
    assert Scheme.objects.filter(code="department").count() == 1 and not Change.objects.exists()


def test_bands_are_written_as_people_write_them(adam: Client, april: SimpleNamespace) -> None:
    said = "0 100\n1—20  90.5\n21-  0\n2：0-30 100\n2: 31- 12"
    answer = write(adam, april.scheme, items__0__bands=said, valid_from="2026-05-01")
    assert answer.status_code == 302, sentences(answer)
    bands = Scheme.objects.get(version=2).said["items"][0]["bands"]
    assert bands == {
        "": [[0, 0, 100], [1, 20, 90.5], [21, None, 0]],
        "2": [[0, 30, 100], [31, None, 12]],
    }
    again = typed(adam.get(f"/settings/schemes/{Scheme.objects.get(version=2).pk}/next/"))
    assert again["items-0-bands"].splitlines() == ["0 100", "1-20 90.5", "21- 0", "2: 0-30 100", "2: 31- 12"]


def test_what_was_published_is_never_judged_anew(adam: Client, april: SimpleNamespace) -> None:
    publication = evaluation.publish(april.scheme, MARCH, april.lena)
    answer = write(adam, april.scheme, valid_from="2026-03-31")
    assert answer.status_code == 422 and "不能早于 2026-04-01" in sentences(answer)
    assert write(adam, april.scheme, name="另一个名称", valid_from="2026-04-01").status_code == 302
    assert not evaluation.drift(publication)
    again = evaluation.publish(evaluation.in_force("department", MARCH.until), MARCH, april.lena, "更正")
    assert again.scheme == april.scheme and Publication.objects.count() == 2


def test_who_publishes_by_a_version_that_was_followed_is_told(adam: Client, april: SimpleNamespace) -> None:
    assert write(adam, april.scheme, name="另一个名称", valid_from="2026-03-10").status_code == 302
    with pytest.raises(Refused) as refused:
        evaluation.publish(april.scheme, MARCH, april.lena)
    assert refused.value.code == "version_followed" and not Publication.objects.exists()


def test_rows_are_added_and_taken_away(adam: Client, april: SimpleNamespace) -> None:
    page = write(adam, april.scheme, "more.items")
    assert typed(page)["items-TOTAL_FORMS"] == "5" and "必填" not in sentences(page)
    page = write(adam, april.scheme, "drop.items.0", items__1__weight="40", name="新名称")
    kept = typed(page)
    assert (kept["items-TOTAL_FORMS"], kept["items-0-indicator"], kept["items-0-weight"]) == ("3", "close_rate", "40")
    assert kept["name"] == "新名称"
    page = write(adam, april.scheme, "drop.grades.1")
    assert [typed(page)[f"grades-{n}-letter"] for n in range(4)] == ["A", "C", "D", "E"]
    assert Scheme.objects.filter(code="department").count() == 1


def test_a_version_is_tried_on_last_month_before_it_is_saved(adam: Client, april: SimpleNamespace) -> None:
    """The administrator is told how many would stand where, not who: figures are not his to look at."""
    weights = {"items__1__weight": "10", "items__2__weight": "10", "items__3__weight": "70"}
    answer = write(adam, april.scheme, "try", **weights)
    preview = answer.context["preview"]
    assert (preview.period.since, preview.lines) == (MARCH.since, [])
    assert preview.judged == sum(now for _letter, now, _then in preview.spread)
    assert preview.grades == 2 and "没有保存" in sentences(answer) and "市政所" not in sentences(answer)
    assert Scheme.objects.filter(code="department").count() == 1 and not Change.objects.exists()
    april.adam.roles = [Role.ADMINISTRATOR, Role.LEADER]
    april.adam.save(update_fields=["roles"])
    told = write(desk(april.adam), april.scheme, "try", **weights)
    assert told.context["preview"].lines and "市政所" in sentences(told)
    wrong = write(adam, april.scheme, "try", items__1__weight="10")
    assert wrong.status_code == 422 and wrong.context["preview"] is None


def test_who_writes_after_another_is_told(adam: Client, april: SimpleNamespace) -> None:
    path = f"/settings/schemes/{april.scheme.pk}/next/"
    mine = typed(adam.get(path))
    assert write(adam, april.scheme, name="甲", valid_from="2026-05-01").status_code == 302
    answer = adam.post(path, {**mine, "name": "乙", "valid_from": "2026-06-01", "do": "save"})
    assert answer.status_code == 422 and "刚刚有人写了第 2 版" in sentences(answer)
    assert typed(answer)["name"] == "乙"
    assert adam.post(path, {**typed(answer), "do": "save"}).status_code == 302
    assert Scheme.objects.get(version=3).name == "乙"


def test_a_version_that_has_not_begun_is_withdrawn(adam: Client, april: SimpleNamespace, clock: Any) -> None:
    write(adam, april.scheme, name="甲", valid_from="2026-05-01")
    new = Scheme.objects.get(version=2, code="department")
    assert adam.get(f"/settings/schemes/{new.pk}/withdraw/").status_code == 405
    assert adam.post(f"/settings/schemes/{new.pk}/withdraw/").status_code == 302
    assert not Scheme.objects.filter(pk=new.pk).exists()
    gone = Change.objects.latest("pk")
    assert gone.after is None and gone.before["name"] == "甲"
    assert "甲" in sentences(adam.get("/settings/changes/?what=schemes"))
    write(adam, april.scheme, name="乙", valid_from="2026-05-01")
    clock.move_to(town.MONDAY.replace(month=5))
    adam = desk(april.adam)
    begun = Scheme.objects.get(version=2, code="department")
    page = sentences(adam.get(f"/settings/schemes/{begun.pk}/"))
    assert "生效中" in page and "确认撤回" not in page
    assert "不能撤回" in sentences(adam.post(f"/settings/schemes/{begun.pk}/withdraw/", follow=True))
    with pytest.raises(Refused):
        schemes.withdraw(april.scheme, by=april.adam)
    assert Scheme.objects.filter(code="department").count() == 2


def test_a_new_scheme_is_written(adam: Client, april: SimpleNamespace) -> None:
    shown = typed(adam.get("/settings/schemes/new/"))
    said = {"code": "hamlets", "kind": "community", "name": "社区评价", "name_en": "Communities", "basis": "cohort"}
    item = {"items-0-indicator": "close_rate", "items-0-weight": "100"}
    assert adam.post("/settings/schemes/new/", {**shown, **said, "do": "save"}).status_code == 422
    answer = adam.post("/settings/schemes/new/", {**shown, **said, **item, "do": "save"})
    assert answer.status_code == 302, sentences(answer)
    row = Scheme.objects.get(code="hamlets")
    assert (row.version, row.kind, row.basis, row.said["items"]) == (
        1,
        "community",
        "cohort",
        [{"indicator": "close_rate", "weight": 100}],
    )
    answer = adam.post("/settings/schemes/new/", {**shown, **said, **item, "do": "save"})
    assert answer.status_code == 422 and "已有这个代码的方案" in sentences(answer)


@pytest.mark.parametrize("who", ["ann", "lena", "hugo", "sina"])
def test_schemes_are_the_administrators(april: SimpleNamespace, who: str) -> None:
    browser, row = desk(getattr(april, who)), april.scheme.pk
    paths = ("", "new/", f"{row}/", f"{row}/next/")
    assert {browser.get(f"/settings/schemes/{path}").status_code for path in paths} == {403}
    assert browser.post(f"/settings/schemes/{row}/withdraw/").status_code == 403


def test_buttons_work_with_and_without_a_script(visit: Any) -> None:
    city = town.build()
    loading.load(Path(settings.BASE_DIR) / "fixtures/evaluation")
    row = Scheme.objects.get(code="department")
    page = visit(city.adam, f"/settings/schemes/{row.pk}/next/")
    page.fill("[name=name]", "由浏览器写的")
    page.press("[name=items-1-weight]", "Enter")  # tries it, and takes no row away
    page.wait_for_selector("#preview-title")
    assert page.locator("[name$=-indicator]").count() == 4
    page.get_by_role("button", name="加一项指标").click()
    page.wait_for_selector("[name=items-4-weight]")
    assert page.input_value("[name=name]") == "由浏览器写的"
    page.get_by_role("button", name=re.compile("第 5 项指标")).click()
    page.wait_for_selector("[name=items-4-weight]", state="detached")
    page.get_by_role("button", name="用上月试算").click()
    page.wait_for_selector("#preview-title")
    page.get_by_role("button", name="保存").click()
    page.wait_for_url("**/settings/schemes/*/")
    assert Scheme.objects.get(code="department", version=2).name == "由浏览器写的"


def test_a_grade_has_the_colour_that_its_scheme_says(april: SimpleNamespace) -> None:
    lena = desk(april.lena)
    path = "/scores/?scheme=department&span=month&day=2026-03-15"
    assert '<span class="badge hue-red">D</span>' in sentences(lena.get(path))
    april.scheme.said["grades"] = [["A", 90, "green"], ["D", 0, "yellow"]]
    april.scheme.pk, april.scheme.valid_from = None, MARCH.since
    schemes.renew(april.scheme, after=Scheme.objects.get(code="department"), by=april.adam)
    told = sentences(lena.get(path))
    assert '<span class="badge hue-yellow">D</span>' in told and "hue-red" not in told
