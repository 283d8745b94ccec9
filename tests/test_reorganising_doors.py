"""What follows for open work is told before it is done: on the pages of the settings, and by the loader of a city."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from cases import docket
from cases.flow import Stage, Verb
from cases.models import Case, Category, Condition, Duty, Policy
from grid import changes, loading
from grid.models import Beat, Cell, Change, Department, Officer

from . import city as town
from . import log
from .acts import codes, last, move
from .desk import desk
from .folders import CELL, edit, features, folder, refusals, square, warnings

__all__ = ["folder"]  # a fixture


# On the pages


@pytest.fixture
def accepted(city: SimpleNamespace, clock: Any) -> Case:
    return move(town.report(city), Verb.ACCEPT, city.hugo)


def send(browser: Client, slug: str, row: Any, **said: Any) -> Any:
    """The form of a row as a browser sends it, but for what is said; None unticks or empties a field."""
    path = f"/settings/{slug}/{row.pk}/"
    shown: dict[str, Any] = {"was": changes.edition(type(row).objects.get(pk=row.pk))}
    for each in browser.get(path).context["form"]:
        if (value := each.value()) not in (None, False, ""):
            shown[each.name] = "on" if value is True else value
    return browser.post(path, {name: value for name, value in {**shown, **said}.items() if value is not None})


def test_a_page_shows_what_is_open_and_does_it_once_agreed(accepted: Case, city: SimpleNamespace) -> None:
    adam = desk(city.adam)
    answer = send(adam, "officers", city.hugo, is_active=None)
    assert (answer.status_code, answer.context["settled"].found["released"]) == (200, [accepted.number])
    assert accepted.number in answer.content.decode()
    city.hugo.refresh_from_db()
    assert (city.hugo.is_active, last(accepted).verb) == (True, Verb.ACCEPT), "nothing is done yet"
    mark = answer.context["settled"].mark

    another = move(town.report(city), Verb.ACCEPT, city.hugo)
    answer = send(adam, "officers", city.hugo, is_active=None, agreed=mark)
    assert sorted(answer.context["settled"].found["released"]) == [accepted.number, another.number]

    answer = send(adam, "officers", city.hugo, is_active=None, agreed=answer.context["settled"].mark)
    assert answer.status_code == 302
    city.hugo.refresh_from_db()
    assert (city.hugo.is_active, last(accepted).verb, codes(last(accepted))) == (False, Verb.HAND_OVER, ["holder_gone"])
    assert log.flaws() == []


def test_a_page_asks_nothing_where_nothing_is_open(accepted: Case, city: SimpleNamespace) -> None:
    assert send(desk(city.adam), "officers", city.hana, is_active=None).status_code == 302


def test_a_page_closes_a_unit_for_an_heir(accepted: Case, city: SimpleNamespace) -> None:
    adam = desk(city.adam)
    answer = send(adam, "departments", city.roads, closed_on="2026-03-02")
    assert (answer.status_code, list(answer.context["form"].errors)) == (422, ["heir"])
    assert accepted.number in answer.content.decode()
    answer = send(adam, "departments", city.roads, heir=city.parks.pk)
    assert list(answer.context["form"].errors) == ["heir"], "an open unit has none"
    answer = send(adam, "departments", city.works, closed_on="2026-03-02", heir=city.parks.pk)
    assert list(answer.context["form"].errors) == ["heir"], "it lies below"
    said = {"closed_on": "2026-03-02", "heir": city.parks.pk}
    answer = send(adam, "departments", city.roads, **said)
    assert answer.context["settled"].found["inherited"] == [accepted.number]
    assert send(adam, "departments", city.roads, **said, agreed=answer.context["settled"].mark).status_code == 302
    accepted.refresh_from_db()
    city.hugo.refresh_from_db()
    assert (accepted.department, city.hugo.department) == (city.parks, city.parks)
    moved = Change.objects.get(what="grid.officer", row=str(city.hugo.pk))
    assert (moved.by, moved.after["department"]) == (city.adam, f"{city.parks.pk} 园林所")
    assert Change.objects.filter(what="cases.duty", by=city.adam).count() == 1


def test_a_page_of_beats_gives_back_errands(city: SimpleNamespace, clock: Any) -> None:
    Policy.objects.filter(verb=Verb.ORDER_CHECK).delete()
    case = move(town.finish(town.report(city), city.hugo), Verb.ORDER_CHECK, city.carl)
    beat = Beat.objects.get(code="B1")
    answer = send(desk(city.adam), "beats", beat, officers=None)
    assert answer.context["settled"].found["recalled"] == [case.number]


# From a folder


@pytest.fixture
def loaded(folder: Path, db: None, clock: Any) -> Path:
    """The small city with a class, a duty and somebody who reports at the desk."""
    loading.load(folder)
    major = Category.objects.create(scheme=town.SCHEME, kind="event", major="01", name="市容")
    refuse = Category.objects.create(scheme=town.SCHEME, kind="event", major="01", sub="10", name="垃圾", parent=major)
    row = {"limit_value": 4, "limit_unit": "urgent_hour", "valid_from": "2020-01-01"}
    Condition.objects.create(category=refuse, no=1, text="有垃圾", **row)
    Duty.objects.create(category=major, department=Department.objects.get(code="654321-lamps"))
    Policy.objects.create(verb=Verb.FILE, automatic=True)
    Policy.objects.create(verb=Verb.DISPATCH, automatic=True)
    Policy.objects.create(verb=Verb.ORDER_CHECK, automatic=True)
    Officer.objects.create(username="hilda", name="希", roles=["handler"], department=Department.objects.last())
    return folder


def report(lon: float = 114.0002) -> Case:
    refuse = Category.objects.get(sub="10")
    said = docket.Report(category=refuse.pk, lon=lon, lat=22.5002)
    case, _new = docket.report(docket.UUID(int=Case.objects.count() + 1), said, by=Officer.objects.get(username="ann"))
    return case


def ran(folder: Path, **options: bool) -> str:
    out = StringIO()
    call_command("load_city", str(folder), stdout=out, **options)
    return out.getvalue()


def test_a_load_releases_what_somebody_held_and_says_so_before(loaded: Path) -> None:
    case = move(report(), Verb.ACCEPT, Officer.objects.get(username="hugo"))
    edit(loaded / "officers.csv", ("handler|head,654321-lamps", "handler,654321-east"))
    told = ran(loaded, dry_run=True)
    assert f"[work_released] 1 件已签收的案卷解除承办，由责任单位重新签收：{case.number}" in told
    assert last(case).verb == Verb.ACCEPT
    assert "[work_released]" in ran(loaded)
    assert (last(case).verb, codes(last(case))) == (Verb.HAND_OVER, ["holder_gone"])
    assert "work_" not in ran(loaded)
    assert log.flaws() == []


def test_a_unit_that_still_has_work_is_not_dropped(loaded: Path) -> None:
    case = report()
    Duty.objects.all().delete()
    edit(loaded / "departments.csv", ("654321-lamps,路灯所,Street lighting,654321-works,,lighting\n", ""))
    edit(loaded / "officers.csv", ("654321-lamps", "654321-works"))
    edit(loaded / "components.csv", *[("654321-lamps", "654321-works")] * lamps(loaded))
    with pytest.raises(CommandError):
        ran(loaded)
    outcome = loading.load(loaded)
    assert (refusals(outcome), outcome.written) == ([("departments.csv", 0, "heir_missing")], False)
    assert Officer.objects.get(username="hugo").department.code == "654321-lamps", "nothing is written"
    assert case.number in outcome.refusals[0].message
    assert Department.objects.get(code="654321-lamps").closed_on is None


def lamps(folder: Path) -> int:
    return (folder / "components.csv").read_text().count("654321-lamps")


def heirs(folder: Path, lamps: str = "654321-works", works: str = "") -> None:
    (folder / "departments.csv").write_text(
        "code,name,name_en,parent,area,line,heir\n"
        f"654321-lamps,路灯所,Street lighting,654321-works,,lighting,{lamps}\n"
        f"654321-works,城管局,City works,,,,{works}\n"
        "654321-east,河东街道办,East Bank office,,654321001,,\n"
    )


def test_an_heir_in_the_file_has_all(loaded: Path) -> None:
    case = move(report(), Verb.ACCEPT, Officer.objects.get(username="hugo"))
    heirs(loaded)
    edit(loaded / "officers.csv", ("654321-lamps", "654321-works"))
    edit(loaded / "components.csv", *[("654321-lamps", "654321-works")] * lamps(loaded))
    outcome = loading.load(loaded)
    assert (refusals(outcome), outcome.counts["departments"].retired) == ([], 1)
    assert ("city.json", 0, "work_inherited") in warnings(outcome)
    works = Department.objects.get(code="654321-works")
    case.refresh_from_db()
    assert (case.department, case.holder.username, Duty.objects.get().department) == (works, "hugo", works)
    again = loading.load(loaded)
    assert (again.touched, [code for _f, _n, code in warnings(again) if code.startswith("work_")]) == (0, [])

    heirs(loaded, lamps="")
    assert loading.load(loaded).counts["departments"].changed == 1
    lamps_ = Department.objects.get(code="654321-lamps")
    assert (lamps_.closed_on, lamps_.heir) == (None, None)


@pytest.mark.parametrize(
    ("lamps", "works", "found"),
    [
        ("654321-lamps", "", [("departments.csv", 2, "heir_below")]),
        ("654321-gone", "", [("departments.csv", 2, "department_unknown")]),
        ("", "654321-lamps", [("departments.csv", 3, "heir_below")]),
        ("654321-works", "654321-lamps", [("departments.csv", 3, "heir_below")]),
    ],
)
def test_an_heir_that_cannot_be_is_refused(
    lamps: str, works: str, found: list[tuple[str, int, str]], loaded: Path
) -> None:
    heirs(loaded, lamps, works)
    outcome = loading.load(loaded)
    assert (refusals(outcome), outcome.written) == (found, False)


def test_a_split_cell_gives_its_cases_to_the_cell_that_holds_them(loaded: Path) -> None:
    case = report()

    def halve(cells: list[dict[str, Any]]) -> None:
        first = next(cell for cell in cells if cell["properties"]["code"] == CELL)
        for n, (west, east) in enumerate(((114.0, 114.0005), (114.0005, 114.001)), start=901):
            shape = square(west, east)
            cells.append(
                {**first, "properties": {**first["properties"], "code": f"654321001001{n}"}, "geometry": shape}
            )
        cells.remove(first)

    features(loaded / "cells.geojson", halve)
    edit(loaded / "beats.json", (f'"{CELL}"', '"654321001001901",\n   "654321001001902"'))
    components = (loaded / "components.csv").read_text()
    (loaded / "components.csv").write_text(components.replace(CELL, "654321001001902"))
    outcome = loading.load(loaded, dry_run=True)
    assert [found.message for found in outcome.warnings if found.code == "work_relocated"] == [
        f"1 件在办案卷改属现在的单元网格：{case.number}"
    ], refusals(outcome)
    loading.load(loaded)
    case.refresh_from_db()
    assert (case.cell.code, Cell.objects.get(code=CELL).closed_on is None) == ("654321001001901", False)
    case = town.finish(case, Officer.objects.get(username="hugo"))
    assert (case.stage, case.holder.username in ("ann", "ivan")) == (Stage.CHECK, True)
