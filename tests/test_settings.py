"""The settings in the desk: who may change them, what is refused, and what is written down."""

from __future__ import annotations

from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django_q.models import OrmQ

from cases import rulebook
from cases.models import Condition, Duty, Holiday, Opinion, Policy, Rung, Timetable
from console.settings.nouns import GROUPS, NOUNS
from grid import changes
from grid.models import Beat, Change, Officer

from . import city as town
from .desk import desk

LATER = "2026-04-01"


@pytest.fixture
def adam(city: SimpleNamespace, clock: Any) -> Client:
    return desk(city.adam)


def save(browser: Client, slug: str, row: Any = None, **said: Any) -> Any:
    """Send the form of a row as a browser does: with everything it holds, but for what is said."""
    path = f"/settings/{slug}/{row.pk}/" if row else f"/settings/{slug}/new/"
    form = browser.get(path).context["form"]
    shown: dict[str, Any] = {"was": changes.edition(type(row).objects.get(pk=row.pk)) if row else ""}
    for field in form:
        value = field.value()
        if value is not None and value is not False and value != "":
            shown[field.name] = "on" if value is True else value
    return browser.post(path, {**shown, **said})


def sentences(answer: Any) -> str:
    return answer.content.decode()


# Who


@pytest.mark.parametrize("who", ["ann", "carl", "dora", "hugo", "lena", "aude"])
def test_settings_are_the_administrators(city: SimpleNamespace, clock: Any, who: str) -> None:
    browser = desk(getattr(city, who))
    for path in ("/settings/", "/settings/duties/", "/settings/duties/new/", "/settings/changes/"):
        assert browser.get(path).status_code == 403
    assert browser.post("/settings/year/day/", {"day": "2026-03-03", "kind": "off"}).status_code == 403
    assert not Change.objects.exists()


def test_every_setting_has_its_list_and_its_form(adam: Client) -> None:
    assert {slug for _label, slugs in GROUPS for slug in slugs} == {noun.slug for noun in NOUNS}
    adam.get("/settings/")
    for noun in NOUNS:
        assert adam.get(f"/settings/{noun.slug}/").status_code == 200
        row = noun.rows().first()
        if row:
            assert adam.get(f"/settings/{noun.slug}/{row.pk}/").status_code == 200
        assert adam.get(f"/settings/{noun.slug}/new/").status_code == (200 if noun.addable else 404)
    assert adam.get("/settings/nonsense/").status_code == 404


# A change is written down


def test_a_change_says_what_was_before_and_what_is_after(adam: Client, city: SimpleNamespace) -> None:
    duty = Duty.objects.get(category=city.refuse)
    answer = save(adam, "duties", duty, department=city.parks.pk)
    assert answer.status_code == 302
    change = Change.objects.get()
    assert (change.by, change.what, change.row) == (city.adam, "cases.duty", str(duty.pk))
    assert change.before == {"department": f"{city.office.pk} 结古街道办"}
    assert change.after == {"department": f"{city.parks.pk} 园林所"}
    assert rulebook.current().duties[city.refuse.pk, city.street.code].department_id == city.parks.pk
    told = sentences(adam.get("/settings/changes/"))
    assert "结古街道办" in told and "园林所" in told and "Adam" in told


def test_what_is_saved_unchanged_is_no_change(adam: Client, city: SimpleNamespace) -> None:
    for slug, row in (
        ("duties", Duty.objects.first()),
        ("timetables", Timetable.objects.get()),
        ("ladders", Rung.objects.first()),
        ("officers", city.hugo),
        ("beats", Beat.objects.first()),
        ("policies", Policy.objects.first()),
    ):
        answer = save(adam, slug, row)
        assert answer.status_code == 302, sentences(answer)
    assert not Change.objects.exists()


def test_a_row_is_added_and_removed_and_both_stay_known(adam: Client) -> None:
    assert save(adam, "opinions", text="已核实，属实", place=1).status_code == 302
    row = Opinion.objects.get()
    assert adam.post(f"/settings/opinions/{row.pk}/remove/").status_code == 302
    added, removed = Change.objects.order_by("id")
    assert (added.before, removed.after) == (None, None)
    assert added.after["text"] == removed.before["text"] == "已核实，属实"
    assert "已核实，属实" in sentences(adam.get("/settings/changes/?what=opinions"))


def test_a_change_is_taken_back(adam: Client, city: SimpleNamespace) -> None:
    """The form says again what was before; saved, it is a change like any other."""
    duty = Duty.objects.get(category=city.refuse)
    was = duty.department_id
    save(adam, "duties", duty, department=city.parks.pk)
    page = adam.get(f"/settings/changes/{Change.objects.get().pk}/back/", follow=True)
    assert page.context["form"]["department"].value() == str(was)
    assert page.context["form"]["category"].value() == duty.category_id
    assert "这次改动之前" in sentences(page)


def test_a_row_removed_is_put_back(adam: Client) -> None:
    save(adam, "ladders", level=7, share="1.5", role="leader")
    row = Rung.objects.get(level=7)
    adam.post(f"/settings/ladders/{row.pk}/remove/")
    removed = Change.objects.latest("id")
    page = adam.get(f"/settings/changes/{removed.pk}/back/", follow=True)
    assert page.redirect_chain[-1][0] == f"/settings/ladders/new/?back={removed.pk}"
    said = {name: value for name, value in page.context["form"].initial.items() if value is not None}
    assert save(adam, "ladders", **said).status_code == 302
    assert Rung.objects.get(level=7).share == row.share


def test_what_was_added_has_nothing_before(adam: Client) -> None:
    save(adam, "opinions", text="同意", place=1)
    change = Change.objects.get()
    assert adam.get(f"/settings/changes/{change.pk}/back/").status_code == 404
    assert f"{change.pk}/back" not in adam.get("/settings/changes/").content.decode()
    assert adam.get("/settings/opinions/new/?back=x").status_code == 404


def test_the_record_of_changes_is_kept(adam: Client) -> None:
    save(adam, "opinions", text="同意")
    with pytest.raises(IntegrityError), transaction.atomic():
        Change.objects.update(name="x")
    with pytest.raises(IntegrityError), transaction.atomic():
        Change.objects.all().delete()


def test_who_changes_what_another_just_changed_is_told(adam: Client, city: SimpleNamespace) -> None:
    duty = Duty.objects.get(category=city.refuse)
    old = changes.edition(duty)
    save(adam, "duties", duty, department=city.parks.pk)
    duty.refresh_from_db()
    answer = save(adam, "duties", duty, department=city.roads.pk, was=old)
    assert answer.status_code == 422 and "Adam刚刚改过这一行" in sentences(answer)
    duty.refresh_from_db()
    assert duty.department == city.parks


def test_a_second_row_for_the_same_is_refused(adam: Client, city: SimpleNamespace) -> None:
    answer = save(adam, "duties", category=city.refuse.pk, area=city.street.pk, department=city.parks.pk)
    assert answer.status_code == 422 and Duty.objects.filter(category=city.refuse).count() == 1
    answer = save(adam, "policies", verb="dispatch", automatic="on")  # no source, no area: nulls count as equal
    assert answer.status_code == 422 and not Change.objects.exists()


def test_what_others_need_is_not_removed(adam: Client, city: SimpleNamespace) -> None:
    assert adam.post(f"/settings/departments/{city.roads.pk}/remove/").status_code == 404
    assert adam.get(f"/settings/duties/{Duty.objects.first().pk}/remove/").status_code == 405


# Conditions begin anew


def test_a_condition_in_use_is_followed_by_a_new_one(adam: Client, city: SimpleNamespace) -> None:
    answer = save(adam, "conditions", city.heap, limit_value=2)
    assert answer.status_code == 422 and "请写新的生效日期" in sentences(answer)
    answer = save(adam, "conditions", city.heap, limit_value=2, valid_from="2026-01-01")
    assert answer.status_code == 422
    assert save(adam, "conditions", city.heap, limit_value=2, valid_from=LATER).status_code == 302
    city.heap.refresh_from_db()
    assert city.heap.limit_value == 4
    new = Condition.objects.get(category=city.refuse, valid_from=date(2026, 4, 1))
    book = rulebook.current()
    assert book.in_force(city.refuse.pk, date(2026, 3, 31))[0] == city.heap
    assert book.in_force(city.refuse.pk, date(2026, 4, 1))[0] == new


# Time


def test_working_hours_are_written_as_people_write_them(adam: Client, city: SimpleNamespace) -> None:
    row = Timetable.objects.get()
    said = "05-01 08:30-12:00 15:00-18:30\n10-01 9:00—12:00 14:00至18:00"
    assert save(adam, "timetables", row, seasons=said, day_s="7").status_code == 302
    row.refresh_from_db()
    assert row.day_s == 7 * 3600
    assert row.seasons == [
        {"start": "05-01", "periods": [["08:30", "12:00"], ["15:00", "18:30"]]},
        {"start": "10-01", "periods": [["09:00", "12:00"], ["14:00", "18:00"]]},
    ]
    assert "cases.docket.retime" in [task.func() for task in OrmQ.objects.all()]


@pytest.mark.parametrize("said", ["nonsense", "05-01 12:00-08:00", "05-01 25:00-26:00", "13-40 08:00-12:00", ""])
def test_hours_that_cannot_be_meant_are_refused(adam: Client, city: SimpleNamespace, said: str) -> None:
    row = Timetable.objects.get()
    answer = save(adam, "timetables", row, seasons=said)
    assert answer.status_code == 422 and not Change.objects.exists()


def test_a_day_of_the_year_is_changed_and_given_back(adam: Client, city: SimpleNamespace) -> None:
    page = sentences(adam.get("/settings/year/2026/"))
    assert 'data-day="2026-10-01" data-why="holiday"' in page and 'data-day="2026-03-07" data-why="rest"' in page
    adam.post("/settings/year/day/", {"day": "2026-03-07", "kind": "work", "name": "补班"})
    assert 'data-day="2026-03-07" data-why="makeup" data-name="补班"' in sentences(adam.get("/settings/year/2026/"))
    adam.post("/settings/year/day/", {"day": "2026-03-07", "kind": "week"})
    assert not Holiday.objects.filter(day=date(2026, 3, 7)).exists()
    assert Change.objects.count() == 2
    assert adam.post("/settings/year/day/", {"day": "2026-02-30", "kind": "off"}).status_code == 422
    assert adam.get("/settings/year/1066/").status_code == 404


def test_the_year_offers_the_working_hours_on_ones_own_ground(city: SimpleNamespace) -> None:
    """In the reader's language: of a district's administrator, those that his district keeps."""
    for department, name in ((city.office, "Street office"), (city.roads, "Roads")):
        type(department).objects.filter(pk=department.pk).update(name_en=name)
        row = Timetable.objects.filter(department=None).get()
        row.pk, row.department = None, department
        row.save()
    english = {"Accept-Language": "en"}
    page = sentences(desk(city.adam, **english).get("/settings/year/2026/"))
    assert "Street office</option>" in page and "Roads</option>" in page
    city.adam.area = city.street
    city.adam.save()
    page = sentences(desk(city.adam, **english).get("/settings/year/2026/"))
    assert "Street office</option>" in page and "Roads</option>" not in page
    assert "<title>Year calendar" in page


def test_a_year_that_is_not_known_says_so(adam: Client, city: SimpleNamespace) -> None:
    assert "还没有登记" not in sentences(adam.get("/settings/year/2026/"))
    assert "还没有登记" in sentences(adam.get("/settings/year/2027/"))


# Duties


def test_a_duty_is_tried_on_last_months_cases_before_it_is_saved(adam: Client, city: SimpleNamespace) -> None:
    heaps = [town.report(city, category=city.refuse.pk, condition=city.heap.pk) for _n in range(3)]
    town.report(city)
    duty = Duty.objects.get(category=city.refuse)
    said = {"category": city.refuse.pk, "area": city.street.pk, "department": city.parks.pk}
    answer = adam.post(f"/settings/duties/trial/?row={duty.pk}", said)
    found = answer.context["rerouting"]
    assert (found.tried, found.elsewhere, found.whole) == (3, 3, True)
    (way,) = found.ways
    assert (way.before, way.after, way.count) == (city.office, city.parks, 3)
    assert set(way.numbers) == {case.number for case in heaps}
    duty.refresh_from_db()
    assert duty.department == city.office and not Change.objects.exists()


def test_old_cases_are_not_tried(adam: Client, city: SimpleNamespace, clock: Any) -> None:
    town.report(city, category=city.refuse.pk, condition=city.heap.pk)
    clock.shift(timedelta(days=31))
    browser = desk(city.adam)
    said = {"category": city.refuse.pk, "department": city.parks.pk}
    assert browser.post("/settings/duties/trial/", said).context["rerouting"].tried == 0
    assert "必填" in sentences(browser.post("/settings/duties/trial/", {"category": city.refuse.pk}))


# People


def test_an_officer_is_added_given_a_password_and_let_go(adam: Client, city: SimpleNamespace) -> None:
    said = {"username": "nora", "name": "Nora", "roles": ["handler"], "is_active": "on"}
    answer = save(adam, "officers", **said)
    assert answer.status_code == 422 and "须属于一个责任单位" in sentences(answer)
    assert save(adam, "officers", **said, department=city.roads.pk).status_code == 302
    nora = Officer.objects.get(username="nora")
    assert not nora.has_usable_password()
    shown = adam.post(f"/settings/officers/{nora.pk}/password/").context["password"]
    browser = Client()
    assert browser.post("/account/login/", {"login": "nora", "password": shown}).status_code == 302
    assert shown not in str(list(Change.objects.values()))
    nora.refresh_from_db()
    form = {**said, "department": city.roads.pk, "was": changes.edition(nora)}
    form.pop("is_active")
    assert adam.post(f"/settings/officers/{nora.pk}/", form).status_code == 302
    assert browser.get("/").status_code == 302 and "/account/login/" in browser.get("/")["Location"]


def test_nobody_locks_himself_out(adam: Client, city: SimpleNamespace) -> None:
    answer = save(adam, "officers", city.adam, roles=["clerk"])
    assert answer.status_code == 422 and "不能停用自己" in sentences(answer)
    city.adam.refresh_from_db()
    assert city.adam.roles == ["administrator"]


def test_a_look_at_an_officers_data_is_logged(adam: Client, city: SimpleNamespace, caplog: Any) -> None:
    with caplog.at_level("INFO", "access"):
        adam.get(f"/settings/officers/{city.ann.pk}/")
    assert f"personal data of={city.ann.pk} officer={city.adam.pk}" in caplog.text


def test_telephone_numbers_are_masked_in_the_list(adam: Client, city: SimpleNamespace) -> None:
    Officer.objects.filter(pk=city.ann.pk).update(phone="13812341234")
    page = sentences(adam.get("/settings/officers/"))
    assert "138****1234" in page and "13812341234" not in page


def test_a_beat_takes_its_cells_by_code(adam: Client, city: SimpleNamespace) -> None:
    beat = Beat.objects.get(code="B1")
    codes = [cell.code for cell in city.cells]
    answer = save(adam, "beats", beat, cells="\n".join([*codes[:3], "999"]))
    assert answer.status_code == 422 and "999" in sentences(answer)
    assert save(adam, "beats", beat, cells=" ".join(codes[:3])).status_code == 302
    assert list(beat.cells.values_list("code", flat=True)) == codes[:3]
    assert Change.objects.get().after["cells"] == codes[:3]


def test_cells_are_chosen_on_the_map(visit: Any) -> None:
    city = town.build()
    beat = Beat.objects.get(code="B1")
    page = visit(city.adam, f"/settings/beats/{beat.pk}/")
    page.wait_for_selector("#beat[data-shown='4']")
    chart = page.locator("#beat .map")
    box = chart.bounding_box()
    chart.click(position={"x": box["width"] * 0.93, "y": box["height"] / 2})
    assert page.locator("[name=cells]").input_value().split() == [city.cells[n].code for n in (0, 1, 3)]
