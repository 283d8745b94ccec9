"""The pages of a trial: what another limit or duty would have made of a month, asked for and read at the desk."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from cases import alarm, evaluation, outbox, tally, whatif
from cases.loading import evaluation as loading
from cases.models import Publication, Scheme, Trial
from cases.periods import of

from . import city as town
from .desk import desk, typed

NEW = "/scores/trials/new/"
MARCH = of("month", town.MONDAY.date())


@pytest.fixture
def april(city: SimpleNamespace, clock: Any) -> SimpleNamespace:
    """Three cases of the roads department in March, with two working days each: the last was done after three days.
    Now it is April."""
    loading.load(Path(settings.BASE_DIR) / "fixtures/evaluation")
    cases = [town.report(city, lon=town.LON + (n + 0.5) * town.STEP) for n in (0, 1, 2)]
    for case, hours in zip(cases, (1, 29, 72), strict=True):
        clock.move_to(town.MONDAY + timedelta(hours=hours))
        alarm.ring()
        town.finish(case, city.hugo)
    outbox.drain()
    clock.move_to(town.MONDAY.replace(month=4))
    tally.night()
    return city


def press(browser: Client, page: Any, do: str, **said: Any) -> Any:
    return browser.post(NEW, {**typed(page), **said, "do": do})


def begun(browser: Client, city: SimpleNamespace, *, value: Any = 24, unit: str = "work_hour") -> Trial:
    page = browser.get(f"{NEW}?scheme=department&condition={city.rattling.pk}")
    answer = press(browser, page, "start", **{"limits-0-value": value, "limits-0-unit": unit})
    assert answer.status_code == 302, answer.content.decode()
    return Trial.objects.get(pk=answer["Location"].split("/")[-2])


def sentences(answer: Any) -> str:
    return answer.content.decode()


def test_a_trial_is_made_without_writing_json(april: SimpleNamespace) -> None:
    lena = desk(april.lena)
    page = lena.get(NEW)
    assert page.context["form"].initial["day"].isoformat() == "2026-03-31"
    page = press(lena, page, "find", q="井盖")
    assert april.rattling in page.context["found"]
    page = press(lena, page, f"add.{april.rattling.pk}", q="井盖")
    (row,) = page.context["limit_rows"]
    assert (row["value"].value(), row["unit"].value()) == ("2", "work_day")
    page = press(lena, page, "more.duties", **{"limits-0-value": 24, "limits-0-unit": "work_hour"})
    assert page.context["limit_rows"][0]["value"].value() == "24" and len(page.context["duty_rows"].forms) == 1
    page = press(lena, page, "drop.duties.0")
    assert not page.context["duty_rows"].forms
    answer = press(lena, page, "start", scheme="department")
    trial = Trial.objects.get()
    assert answer["Location"] == f"/scores/trials/{trial.pk}/"
    assert trial.said == {
        "limits": [{"condition": april.rattling.pk, "value": "24", "unit": "work_hour"}],
        "duties": [],
    }
    assert (trial.since, trial.until, trial.scheme.code) == (MARCH.since, MARCH.until, "department")


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("井盖", True),
        ("0101", True),
        ("01-01", True),
        ("井盖 条件2", True),
        ("\x00井盖", True),
        ("月亮", False),
        ("0909", False),
    ],
)
def test_a_condition_is_found_by_name_code_or_text(april: SimpleNamespace, q: str, found: bool) -> None:
    lena = desk(april.lena)
    page = press(lena, lena.get(NEW), "find", q=q)
    assert (april.rattling in page.context["found"]) == found


def test_it_tells_how_far_it_is_and_then_both_sides(april: SimpleNamespace) -> None:
    lena = desk(april.lena)
    trial = begun(lena, april)
    waiting = sentences(lena.get(f"/scores/trials/{trial.pk}/"))
    assert 'hx-trigger="every 2s"' in waiting and "排队中" in waiting and "只供参考" in waiting
    whatif.reckon(trial.pk)
    part = lena.get(f"/scores/trials/{trial.pk}/", headers={"HX-Request": "true"})
    told = sentences(part)
    assert "hx-trigger" not in told and "<html" not in told
    roads = next(line for line in part.context["page"] if line.now.subject.code == "roads")
    assert (roads.now.figures["overdue"], roads.then.figures["overdue"], roads.moved) == (1, 0, True)
    assert '<span class="was">66.7%</span> <span aria-hidden="true">→</span>' in told and "<b>100.0%</b>" in told
    assert not Publication.objects.exists()


def test_what_was_published_stands_beside_it(april: SimpleNamespace) -> None:
    scheme = Scheme.objects.get(code="department")
    evaluation.publish(scheme, MARCH, april.lena)
    lena = desk(april.lena)
    trial = begun(lena, april)
    whatif.reckon(trial.pk)
    page = lena.get(f"/scores/trials/{trial.pk}/")
    roads = next(line for line in page.context["page"] if line.now.subject.code == "roads")
    assert roads.published.exact == roads.now.score.points != roads.then.score.points
    assert "已发布" in sentences(page) and Publication.objects.count() == 1


def test_lines_are_sorted_and_narrowed(april: SimpleNamespace) -> None:
    lena = desk(april.lena)
    trial = begun(lena, april)
    whatif.reckon(trial.pk)

    def codes(query: str) -> list[str]:
        return [line.now.subject.code for line in lena.get(f"/scores/trials/{trial.pk}/?{query}").context["page"]]

    whole = codes("sort=name")
    assert whole == sorted(whole) and codes("sort=-name") == whole[::-1]
    assert codes("sort=change")[:2] == ["roads", "works"] or codes("sort=change")[:2] == ["works", "roads"]
    assert set(codes("only=1")) == {"roads", "works"} < set(whole)
    page = sentences(lena.get(f"/scores/trials/{trial.pk}/?sort=rate"))
    assert 'aria-sort="descending"' in page
    assert codes("sort=nonsense") and codes("page=99")


def test_a_scheme_that_handling_does_not_touch_says_so(april: SimpleNamespace) -> None:
    lena = desk(april.lena)
    page = lena.get(f"{NEW}?scheme=street&condition={april.rattling.pk}")
    answer = press(lena, page, "start", **{"limits-0-value": 1, "limits-0-unit": "work_hour"})
    whatif.reckon(Trial.objects.get().pk)
    told = sentences(lena.get(answer["Location"]))
    assert "没有一项与处置时限或责任单位有关" in told and "→" in told


def test_a_trial_that_changes_nothing_says_so(april: SimpleNamespace) -> None:
    lena = desk(april.lena)
    trial = begun(lena, april, value=2, unit="work_day")
    whatif.reckon(trial.pk)
    told = sentences(lena.get(f"/scores/trials/{trial.pk}/"))
    assert "与现在完全一样" in told and 'class="was"' not in told


def test_my_trials_are_listed_and_begun_from_again(april: SimpleNamespace) -> None:
    lena = desk(april.lena)
    assert "还没有试算过" in sentences(lena.get("/scores/trials/"))
    trial = begun(lena, april)
    duty = {"category": april.refuse.pk, "area": april.street.code, "department": april.parks.pk}
    Trial.objects.filter(pk=trial.pk).update(said={**trial.said, "duties": [duty]})
    told = sentences(lena.get("/scores/trials/"))
    assert "时限 1 项" in told and "责任 1 项" in told
    page = lena.get(f"{NEW}?from={trial.pk}")
    (limit,), (row,) = page.context["limit_rows"], page.context["duty_rows"]
    assert (limit["value"].value(), row["area"].value()) == ("24", april.street.pk)
    answer = press(lena, page, "start")
    again = Trial.objects.latest("pk")
    assert answer["Location"].endswith(f"/{again.pk}/") and again.said["duties"] == [duty]
    dora = desk(april.dora)
    assert "还没有试算过" in sentences(dora.get("/scores/trials/"))
    assert dora.get(f"/scores/trials/{trial.pk}/").status_code == dora.get(f"{NEW}?from={trial.pk}").status_code == 404


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"limits-0-value": ""}, "这个字段是必填项"),
        ({"limits-0-value": "-1"}, "0.01"),
        ({"limits-0-value": "NaN"}, "输入一个数字"),
        ({"limits-0-unit": "moon"}, "moon"),
        ({"limits-0-condition": "999999"}, "没有这一行"),
        ({"limits-TOTAL_FORMS": "0"}, "请写明要改动的时限或责任"),
        ({"scheme": "inspector"}, "inspector"),
        ({"day": "1999-01-01"}, "没有这一天的数据"),
        ({"day": "2020-01-01"}, "还没有这个评分方案"),
        ({"day": "soon"}, "日期"),
    ],
)
def test_what_cannot_be_tried_is_told_where_it_stands(april: SimpleNamespace, wrong: dict[str, str], says: str) -> None:
    lena = desk(april.lena)
    page = lena.get(f"{NEW}?scheme=department&condition={april.rattling.pk}")
    answer = press(lena, page, "start", **wrong)
    assert answer.status_code == 422 and says in sentences(answer)
    assert not Trial.objects.exists()


def test_the_same_condition_twice_is_refused(april: SimpleNamespace) -> None:
    lena = desk(april.lena)
    page = lena.get(f"{NEW}?scheme=department&condition={april.rattling.pk}")
    page = press(lena, page, f"add.{april.rattling.pk}")
    answer = press(lena, page, "start")
    assert answer.status_code == 422 and "前面已有同样的一行" in sentences(answer)


def test_a_trial_that_failed_says_what_to_do(april: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    lena = desk(april.lena)
    trial = begun(lena, april)
    monkeypatch.setattr(whatif, "_lives", lambda *_said: 1 / 0)
    whatif.reckon(trial.pk)
    told = sentences(lena.get(f"/scores/trials/{trial.pk}/"))
    assert "没有完成" in told and f"?from={trial.pk}" in told and "every 2s" not in told


@pytest.mark.parametrize("said", ["drop.limits.99", "drop.limits.-1", "drop", "add.x", "add.99999999999999", "", "x.y"])
def test_a_button_that_nobody_made_changes_nothing(april: SimpleNamespace, said: str) -> None:
    lena = desk(april.lena)
    page = lena.get(f"{NEW}?condition={april.rattling.pk}")
    answer = press(lena, page, said)
    assert answer.status_code == 200 and len(answer.context["limit_rows"].forms) == 1


def many(name: str, count: int) -> dict[str, Any]:
    """So many rows that were sent, none of them filled in."""
    return {f"{name}-TOTAL_FORMS": count, f"{name}-INITIAL_FORMS": 0}


@pytest.mark.parametrize(("do", "status"), [("more", 200), ("start", 422)])
def test_too_many_rows_are_refused_by_a_sentence(april: SimpleNamespace, do: str, status: int) -> None:
    lena = desk(april.lena)
    page = lena.get(f"{NEW}?condition={april.rattling.pk}")
    answer = press(lena, page, do, **many("duties", 200))
    assert answer.status_code == status and "最多 40 行：请删去一些，或分几次做。" in sentences(answer)
    assert len(answer.context["duty_rows"].forms) <= 42
    answer = press(lena, page, do, **many("duties", 39))
    assert "最多 40 行" not in sentences(answer)


def test_lists_to_choose_from_are_read_once(
    april: SimpleNamespace, django_assert_max_num_queries: Any, settings: Any
) -> None:
    lena = desk(april.lena)
    page = lena.get(NEW)
    with django_assert_max_num_queries(25):
        assert "请选择" in sentences(press(lena, page, "more", **many("duties", 30)))
    page = lena.get("/scores/what-if/?scheme=department")
    with django_assert_max_num_queries(60):
        answer = lena.post("/scores/what-if/?scheme=department", typed(page) | many("items", 30) | {"do": "more.items"})
    assert len(answer.context["plan"].items.forms) == 31


@pytest.mark.parametrize("who", ["ann", "hugo", "hedi", "adam"])
def test_trials_are_the_centres(april: SimpleNamespace, who: str) -> None:
    browser = desk(getattr(april, who))
    assert {browser.get(path).status_code for path in (NEW, "/scores/trials/", "/scores/trials/1/")} == {403}


def test_old_trials_are_forgotten(april: SimpleNamespace, clock: Any) -> None:
    trial = begun(desk(april.lena), april)
    clock.shift(timedelta(days=settings.TRIAL_DAYS - 1))
    whatif.tidy()
    assert Trial.objects.filter(pk=trial.pk).exists()
    clock.shift(timedelta(days=2))
    whatif.tidy()
    assert not Trial.objects.exists()
