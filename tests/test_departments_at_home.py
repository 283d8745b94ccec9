"""Lists and forms offer the departments of the looker's own city."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import pytest

from cases.models import Duty
from grid.models import Area, Department, Officer

from . import city as town
from .desk import desk


@pytest.fixture
def away(city: SimpleNamespace) -> list[Department]:
    """Futian's: a tree that only a street office and a duty place there."""
    county = Area.objects.create(code="440304", name="福田区")
    street = Area.objects.create(code="440304001", name="园岭街道", parent=county)
    top = Department.objects.create(code="F0", name="福田城管委")
    rows = [
        Department.objects.create(code="F1", name="福田市政所", parent=top),
        Department.objects.create(code="F2", name="园岭街道办", parent=top, area=street),
    ]
    Duty.objects.create(category=city.manhole, area=county, department=rows[0])
    return [top, *rows]


def offered(page: str) -> set[str]:
    select = re.search(r'<select name="department".*?</select>', page, re.DOTALL)
    assert select
    return set(re.findall(r"<option[^>]*>([^<]+)</option>", select[0]))


OURS = {"城管局", "市政所", "园林所", "结古街道办"}
THEIRS = {"福田城管委", "福田市政所", "园岭街道办"}


@pytest.mark.parametrize(
    ("who", "area", "sees", "hidden"),
    [
        ("carl", "632701", OURS, THEIRS),
        ("carl", "440304", {"城管局", "市政所", "园林所", *THEIRS}, {"结古街道办"}),
        ("carl", None, OURS | THEIRS, set()),
        ("hedi", None, {"城管局", "市政所", "园林所"}, {"结古街道办", *THEIRS}),
        ("hugo", None, {"市政所"}, {"园林所", *THEIRS}),
        ("ann", None, OURS, THEIRS),
    ],
)
def test_a_filter_offers_whose_cases_he_may_see(
    who: str, area: str | None, sees: set[str], hidden: set[str], away: Any, city: SimpleNamespace, clock: Any
) -> None:
    officer = getattr(city, who)
    Officer.objects.filter(pk=officer.pk).update(area=area and Area.objects.get(code=area))
    town.report(city)
    names = offered(desk(officer).get("/cases/").content.decode())
    assert sees <= names and not hidden & names


def test_a_case_is_dispatched_within_its_district(away: Any, city: SimpleNamespace, clock: Any) -> None:
    case = town.report(city, category=city.orphan.pk, condition=city.smoke.pk)
    names = offered(desk(city.dora).get(f"/case/{case.number}/dispatch/").content.decode())
    assert names - {"—"} == OURS
