"""Settings follow the ground of the administrator: two cities in one installation do not open each other's."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client

from cases.models import Duty
from grid import changes
from grid.models import Area, Beat, Change, Department, Officer

from . import city as town
from .desk import desk
from .test_settings import save


@pytest.fixture
def local(city: SimpleNamespace, clock: Any) -> SimpleNamespace:
    """Adam keeps the city; another city has its people, units, beats and duties."""
    area = Area.objects.get(code=city.street.code[:6])
    root = Department.objects.create(code="ROOT", name="玉树城管委")
    Department.objects.filter(parent=None).exclude(pk=root.pk).update(parent=root)
    Officer.objects.filter(pk=city.adam.pk).update(area=area, department=root)
    city.area = area
    city.there = Area.objects.create(code="440304", name="福田")
    city.bureau = Department.objects.create(code="FT01", name="福田市政所")
    city.fay = Officer.objects.create_user(
        "fay", password=town.PASSWORD, name="Fay", area=city.there, department=city.bureau, roles=["clerk"]
    )
    city.duty = Duty.objects.create(category=city.refuse, area=city.there, department=city.bureau)
    city.beat = Beat.objects.create(code="FT-B01", name="福田一号")
    return city


@pytest.fixture
def adam(local: SimpleNamespace) -> Client:
    return desk(Officer.objects.get(pk=local.adam.pk))


def test_another_citys_rows_are_neither_listed_nor_opened(adam: Client, local: SimpleNamespace) -> None:
    for slug, row, says in (
        ("officers", local.fay, "fay"),
        ("departments", local.bureau, "FT01"),
        ("duties", local.duty, "福田市政所"),
    ):
        assert says not in adam.get(f"/settings/{slug}/").content.decode()
        assert adam.get(f"/settings/{slug}/{row.pk}/").status_code == 404
        assert adam.post(f"/settings/{slug}/{row.pk}/", {"name": "x"}).status_code == 404
    assert adam.post(f"/settings/duties/{local.duty.pk}/remove/").status_code == 404
    assert adam.post(f"/settings/duties/trial/?row={local.duty.pk}", {}).status_code == 404
    assert Duty.objects.filter(pk=local.duty.pk).exists()


def test_the_password_of_another_citys_officer_stays(adam: Client, local: SimpleNamespace) -> None:
    before = Officer.objects.get(pk=local.fay.pk).password
    assert adam.post(f"/settings/officers/{local.fay.pk}/password/").status_code == 404
    assert Officer.objects.get(pk=local.fay.pk).password == before
    assert adam.post(f"/settings/officers/{local.hugo.pk}/password/").status_code == 200


def test_ones_own_rows_are_kept_as_ever(adam: Client, local: SimpleNamespace) -> None:
    assert save(adam, "officers", local.hugo, name="Hugo Neu").status_code == 302
    assert (
        save(adam, "duties", Duty.objects.filter(area=local.street).first(), department=local.parks.pk).status_code
        == 302
    )


def test_nobody_is_given_a_ground_beyond_ones_own(adam: Client, local: SimpleNamespace) -> None:
    """An account that sees more than who made it would open what the maker may not."""
    said = {"username": "spy", "roles": ["administrator"], "is_active": "on"}
    for more in ({}, {"area": local.there.pk}, {"area": local.area.pk, "department": local.bureau.pk}):
        assert save(adam, "officers", **said, **more).status_code == 422, more
    assert not Officer.objects.filter(username="spy").exists()
    assert save(adam, "officers", **said, area=local.area.pk).status_code == 302


def test_who_sees_the_whole_installation_is_kept_by_who_does(adam: Client, local: SimpleNamespace) -> None:
    """Lena is a leader of every city."""
    Officer.objects.filter(pk=local.lena.pk).update(area=None)
    assert adam.get(f"/settings/officers/{local.lena.pk}/").status_code == 404
    Officer.objects.filter(pk=local.adam.pk).update(area=None)
    assert adam.get(f"/settings/officers/{local.lena.pk}/").status_code == 200


def test_a_unit_is_put_under_ones_own_alone(adam: Client, local: SimpleNamespace) -> None:
    said = {"code": "NEW", "name": "新单位"}
    assert save(adam, "departments", **said, parent=local.bureau.pk).status_code == 422
    assert save(adam, "departments", **said).status_code == 422
    assert save(adam, "departments", **said, parent=local.roads.pk).status_code == 302


def test_cells_of_another_city_come_into_no_beat(adam: Client, local: SimpleNamespace) -> None:
    cell = local.cells[0]
    community = Area.objects.create(code="440304901001", name="那边的社区", parent=local.there)
    type(cell).objects.create(code="440304901001001", area=community, shape=cell.shape, area_m2=cell.area_m2)
    answer = save(adam, "beats", code="B-NEW", name="新", cells="440304901001001")
    assert answer.status_code == 422 and not Beat.objects.filter(code="B-NEW").exists()
    assert "440304901" not in adam.get("/settings/beats/streets/").content.decode()
    assert adam.get("/settings/beats/cells/?street=440304901").json()["features"] == []
    local.beat.cells.set(type(cell).objects.filter(code="440304901001001"))
    assert adam.get(f"/settings/beats/{local.beat.pk}/").status_code == 404


def test_the_log_tells_no_changes_of_another_city(adam: Client, local: SimpleNamespace) -> None:
    local.fay.name = "Fay Neu"
    change = changes.keep(local.fay, by=None)
    assert change and "Fay Neu" not in adam.get("/settings/changes/").content.decode()
    assert "Fay Neu" not in adam.get("/settings/").content.decode()
    assert adam.get(f"/settings/changes/{change.pk}/back/").status_code == 404
    assert adam.get(f"/settings/officers/new/?back={change.pk}").status_code == 404
    save(adam, "officers", local.hugo, name="Hugo Neu")
    assert "Hugo Neu" in adam.get("/settings/changes/").content.decode()
    removed = changes.remove(local.duty, by=local.fay)
    assert adam.get(f"/settings/changes/{removed.pk}/back/").status_code == 404
    assert Change.objects.count() == 3


def test_leave_is_set_for_ones_own_people(adam: Client, local: SimpleNamespace) -> None:
    page = adam.get("/me/leave/").content.decode()
    assert "Hugo" in page and "Fay" not in page
