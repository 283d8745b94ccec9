"""A city is loaded again: an update, and what has vanished is retired by date."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from grid import loading
from grid.models import Area, Beat, Cell, Component, Department, Officer
from grid.moment import today

from .folders import CELL, city, edit, everything, features, folder, refusals, reshape, square, warnings

__all__ = ["folder"]  # a fixture
pytestmark = pytest.mark.django_db


def test_loading_again_changes_nothing(folder: Path) -> None:
    loading.load(folder)
    before = everything()

    with CaptureQueriesContext(
        connection,
    ) as statements:
        outcome = loading.load(folder)

    assert (outcome.touched, {kind: counts.unchanged for kind, counts in outcome.counts.items()}) == (0, {
        "areas": 4, "departments": 3, "cells": 4, "components": 3, "beats": 2, "officers": 4
    })  # fmt: skip
    assert everything() == before
    assert not [one["sql"] for one in statements if one["sql"].startswith(('INSERT INTO "grid', "UPDATE"))]


def test_loading_again_is_an_update(folder: Path) -> None:
    loading.load(folder)
    ids = dict(Cell.objects.values_list("code", "pk"))
    edit(folder / "areas.csv", ("桥头社区", "桥南社区"))
    edit(folder / "departments.csv", ("654321-works,,lighting", ",,lighting"))
    edit(folder / "components.csv", (f"{CELL},114.0005,22.5005,654321-lamps", f"{CELL},114.0006,22.5005,654321-works"))
    edit(folder / "beats.json", ('"654321001001002"', '"654321001002001"'))
    edit(folder / "officers.csv", ("inspector|clerk,,654321", "clerk,,654321001"), ("654321-b1|654321-b2", "654321-b2"))
    reshape(folder, 1, square(114.0, 114.001, north=22.5009))

    outcome = loading.load(folder)

    assert {kind: counts.changed for kind, counts in outcome.counts.items()} == {
        "areas": 1, "departments": 1, "cells": 1, "components": 1, "beats": 1, "officers": 2
    }  # fmt: skip
    assert dict(Cell.objects.values_list("code", "pk")) == ids
    assert Cell.objects.get(code=CELL).area_m2 == pytest.approx(0.9 * 102.89 * 110.74, rel=1e-3)
    assert Area.objects.get(code="654321001001").name == "桥南社区"
    assert Department.objects.get(code="654321-lamps").parent is None
    assert Component.objects.get(code="6543210120000001").owner.code == "654321-works"
    assert [cell.code for cell in Beat.objects.get(code="654321-b1").cells.all()] == [CELL, "654321001002001"]
    ann, ivan = Officer.objects.get(username="ann"), Officer.objects.get(username="ivan")
    assert ([beat.code for beat in ann.beats.all()], ivan.roles) == (["654321-b2"], ["clerk"])


def test_a_column_that_is_not_there_leaves_what_is_known(folder: Path) -> None:
    loading.load(folder)
    (folder / "officers.csv").write_text("username,name,roles\nann,安妮,inspector\n")

    loading.load(folder)

    ann = Officer.objects.get(username="ann")
    assert (ann.name, ann.phone, ann.beats.count()) == ("安妮", "13900000001", 2)


def test_loading_leaves_passwords_and_other_peoples_switches_alone(folder: Path) -> None:
    loading.load(folder)
    ann = Officer.objects.get(username="ann")
    ann.set_password("mani-wall-97-north")
    ann.is_active = False
    ann.save()
    edit(folder / "officers.csv", ("安,", "安妮,"))

    loading.load(folder)

    ann.refresh_from_db()
    assert (ann.name, ann.is_active, ann.check_password("mani-wall-97-north")) == ("安妮", False, True)


def without(folder: Path, *numbers: int) -> None:
    """Cells taken out of the file, and out of what belongs to them."""

    def drop(cells: list[dict[str, Any]]) -> None:
        for number in sorted(numbers, reverse=True):
            del cells[number - 1]

    features(folder / "cells.geojson", drop)


def test_a_vanished_cell_is_retired_and_the_past_keeps_it(folder: Path) -> None:
    loading.load(folder)
    gone = Cell.objects.get(code="654321001002002")
    without(folder, 4)
    edit(folder / "components.csv", ("6543210101000001", "6543210101000009"), (gone.code, "654321001002001"))
    edit(folder / "components.csv", (",114.004,22.501", ",114.0025,22.5005"))
    edit(folder / "beats.json", (f',\n   "{gone.code}"', ""))

    outcome = loading.load(folder)

    assert refusals(outcome) == []
    assert (outcome.counts["cells"].retired, outcome.counts["components"].retired) == (1, 1)
    gone.refresh_from_db()
    assert gone.closed_on == today()
    past = Component.objects.get(code="6543210101000001")
    assert (past.cell, past.closed_on) == (gone, today())
    assert gone.beats.count() == 0
    assert loading.load(folder).touched == 0


def test_a_retired_code_opens_again_only_for_the_same_ground(folder: Path) -> None:
    loading.load(folder)
    original = (folder / "cells.geojson").read_text()
    without(folder, 4)
    city(folder, files={"components": None, "beats": None, "officers": None})
    loading.load(folder)

    (folder / "cells.geojson").write_text(original)
    reshape(folder, 4, square(114.003, 114.0039))
    assert refusals(loading.load(folder)) == [("cells.geojson", 4, "cell_code_retired")]

    (folder / "cells.geojson").write_text(original)
    assert loading.load(folder).counts["cells"].changed == 1
    assert Cell.objects.get(code="654321001002002").closed_on is None


def test_codes_do_not_move_from_one_ground_to_another(folder: Path) -> None:
    loading.load(folder)
    edit(folder / "cells.geojson", (CELL, "-"), ("654321001001002", CELL), ("-", "654321001001002"))

    assert [found for found in refusals(loading.load(folder)) if found[0] == "cells.geojson"] == [
        ("cells.geojson", 1, "cell_code_reused"),
        ("cells.geojson", 2, "cell_code_reused"),
    ]


def test_a_component_left_behind_in_a_retired_cell_is_warned_of(folder: Path) -> None:
    loading.load(folder)
    without(folder, 4)
    city(folder, files={"components": None, "beats": None, "officers": None})

    assert ("cells.geojson", 0, "components_adrift") in warnings(loading.load(folder))


def test_a_department_closes_when_those_below_it_are_gone_too(folder: Path) -> None:
    city(folder, files={"components": None, "officers": None})
    loading.load(folder)
    listed = (folder / "departments.csv").read_text()
    head, _lamps, works, east = listed.splitlines()
    (folder / "departments.csv").write_text(f"{head}\n{east}\n{works}\n")
    loading.load(folder)
    assert Department.objects.get(code="654321-lamps").closed_on == today()

    (folder / "departments.csv").write_text(listed)
    loading.load(folder)
    assert Department.objects.get(code="654321-lamps").closed_on is None

    (folder / "departments.csv").write_text(f"{head}\n{east}\n")
    loading.load(folder)
    assert {row.code for row in Department.objects.filter(closed_on=None)} == {"654321-east"}


def test_an_area_stays_while_cells_belong_to_it(folder: Path) -> None:
    loading.load(folder)
    edit(folder / "areas.csv", ("654321001002,渡口社区,Ferry\n", ""))
    city(folder, files=dict.fromkeys(("area_shapes", "cells", "components", "beats", "officers")))

    assert ("areas.csv", 0, "area_still_needed") in warnings(loading.load(folder))
    assert Area.objects.get(code="654321001002").closed_on is None


def test_officers_who_are_not_listed_stay_and_are_named(folder: Path) -> None:
    loading.load(folder)
    edit(folder / "officers.csv", ("hugo,胡果,handler|head,654321-lamps,,,\n", ""))

    outcome = loading.load(folder)

    assert Officer.objects.get(username="hugo").is_active
    assert "hugo" in next(found.message for found in outcome.warnings if found.code == "officers_absent")


def test_a_vanished_beat_is_emptied(folder: Path) -> None:
    loading.load(folder)
    beats = json.loads((folder / "beats.json").read_text())
    (folder / "beats.json").write_text(json.dumps(beats[:1]))
    edit(folder / "officers.csv", ("|654321-b2", ""), (",654321-b2", ","))

    assert loading.load(folder).counts["beats"].retired == 1
    gone = Beat.objects.get(code="654321-b2")
    assert (gone.cells.count(), gone.officers.count()) == (0, 0)
    assert loading.load(folder).touched == 0


def test_two_cities_live_side_by_side(folder: Path, tmp_path: Path) -> None:
    loading.load(folder)
    other = Path(shutil.copytree(folder, tmp_path / "other"))
    for path in other.iterdir():
        path.write_text(path.read_text().replace("654321", "543210"))
    assert set(refusals(loading.load(other))) == {("officers.csv", row, "officer_elsewhere") for row in (3, 5)}

    for name in ("ann", "ivan", "ines", "hugo"):
        edit(other / "officers.csv", (name, f"{name}2"))
    before = everything()
    assert loading.load(other).counts["cells"].added == 4
    without(other, 4)
    city(other, files={"components": None, "beats": None, "officers": None})
    assert loading.load(other).counts["cells"].retired == 1
    for kind, rows in everything().items():
        assert [row for row in rows if row in before[kind]] == before[kind]
