"""Nobody is sent to another city's case: an errand shows its holder all of it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.gis.geos import Polygon

from cases import inspectors, rechecks
from cases.flow import Source, Stage, Verb
from cases.models import Case, Policy
from grid.models import Area, Beat, Cell, Department, Officer
from grid.moment import now
from grid.roles import Role

from . import city as town
from .acts import move, passed, refused
from .desk import desk


@pytest.fixture
def away(city: SimpleNamespace) -> list[Officer]:
    """Inspectors of Futian: on a beat, by their area, by their department."""
    county = Area.objects.create(code="440304", name="福田区")
    street = Area.objects.create(code="440304001", name="园岭街道", parent=county)
    community = Area.objects.create(code="440304001001", name="园岭社区", parent=street)
    shape = Polygon.from_bbox((114, 22, 114.001, 22.001))
    cell = Cell.objects.create(code="440304001001001", area=community, shape=shape, area_m2=10_000)
    unit = Department.objects.create(code="fu", name="园岭办", area=street)
    people = [
        Officer.objects.create(username="feng", name="Feng", roles=[Role.INSPECTOR]),
        Officer.objects.create(username="fang", name="Fang", roles=[Role.INSPECTOR], area=street),
        Officer.objects.create(username="fei", name="Fei", roles=[Role.INSPECTOR], department=unit),
    ]
    beat = Beat.objects.create(code="F1", name="F1")
    beat.cells.add(cell)
    beat.officers.add(people[0])
    return people


@pytest.mark.parametrize("verb", [Verb.ORDER_VERIFY, Verb.ORDER_CHECK])
def test_who_is_offered_is_who_is_accepted(verb: Verb, away: list[Officer], city: SimpleNamespace, clock: Any) -> None:
    Policy.objects.filter(verb__in=[Verb.ORDER_CHECK, Verb.ORDER_VERIFY]).update(automatic=False)
    free = Officer.objects.create(username="free", name="Free", roles=[Role.INSPECTOR])
    if verb == Verb.ORDER_VERIFY:
        case = town.report(city, by=city.carl, source=Source.HOTLINE)
    else:
        case = town.finish(town.report(city), city.hugo)
    page = desk(city.carl).get(f"/case/{case.number}/{verb}/").content.decode()
    for one in away:
        assert one.name not in page
        refusal = refused(case, verb, city.carl, holder=one.pk)
        assert (refusal.code, refusal.field) == ("holder_unfit", "holder")
        assert "只能指定责任网格或辖区在玉树市的监督员" in refusal.detail
        assert not Case.objects.visible_to(one).exists()
    assert all(name in page for name in ("Ann", "Ivan", "Ines", "Free"))
    assert move(case, verb, city.carl, holder=free.pk).holder == free


def test_no_lot_falls_on_them(away: list[Officer], city: SimpleNamespace, clock: Any) -> None:
    Officer.objects.filter(pk__in=[city.ines.pk]).update(is_active=False)
    case = move(passed(town.finish(town.report(city), city.hugo), city.ivan), Verb.CLOSE, city.carl)
    assert case.stage == Stage.CLOSED
    assert rechecks.among(case, now()) == []
    assert set(inspectors.of_district(case)) == {city.ann, city.ivan}
