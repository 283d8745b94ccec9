"""A city is loaded from a folder: what is taken, what is refused and what is warned of."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.contrib.gis.geos import LineString
from django.core.management import CommandError, call_command
from django.db import IntegrityError

from grid import loading
from grid.models import Area, Cell, Component, Department, Officer
from grid.moment import today

from .folders import CELL, DEMO, KINDS, city, edit, everything, features, folder, refusals, reshape, square, warnings

__all__ = ["folder"]  # a fixture
pytestmark = pytest.mark.django_db


def test_a_folder_becomes_a_city(folder: Path) -> None:
    outcome = loading.load(folder)

    assert (outcome.written, refusals(outcome), warnings(outcome)) == (True, [], [])
    assert {kind: counts.added for kind, counts in outcome.counts.items()} == {
        "areas": 4, "departments": 3, "cells": 4, "components": 3, "beats": 2, "officers": 4
    }  # fmt: skip
    cell = Cell.objects.get(code=CELL)
    assert (cell.area.name, cell.area.parent.name, cell.area.parent.parent.name) == ("桥头社区", "河东街道", "试验区")
    assert (cell.region_class, cell.land_use, cell.opened_on, cell.closed_on) == ("A", "居住", today(), None)
    assert cell.area_m2 == pytest.approx(102.89 * 110.74, rel=1e-3)  # a thousandth of a degree each way at 22.5° N
    assert Area.objects.get(code="654321001001").shape.num_geom == 1
    lamps = Department.objects.get(code="654321-lamps")
    assert (lamps.parent.name, lamps.line) == ("城管局", "lighting")
    lamp = Component.objects.get(code="6543210120000001")
    assert (lamp.cell, lamp.owner, lamp.shape.coords) == (cell, lamps, (114.0005, 22.5005))
    assert (lamp.surveyed_on, lamp.synthetic, lamp.state) == (date(2026, 1, 5), True, "intact")


def test_officers_come_with_posts_and_beats_and_without_a_password(folder: Path) -> None:
    loading.load(folder)

    ann, ivan = Officer.objects.get(username="ann"), Officer.objects.get(username="ivan")
    assert [beat.code for beat in ann.beats.all()] == ["654321-b1", "654321-b2"]
    assert (ivan.roles, ivan.area.code) == (["inspector", "clerk"], "654321")
    assert Officer.objects.get(username="hugo").department.name == "路灯所"
    assert not any(officer.has_usable_password() for officer in Officer.objects.all())


ROWS = [
    ("areas.csv", ("654321001002,渡口", "654321001009,渡口"), ("cells.geojson", 3, "area_unknown")),
    ("areas.csv", ("654321001,河东街道", "654321009,河东街道"), ("areas.csv", 4, "area_unknown")),
    ("areas.csv", ("654321001002,", "65432100102,"), ("areas.csv", 5, "code_invalid")),
    ("areas.csv", ("654321001002,", "999999001002,"), ("areas.csv", 5, "code_outside_city")),
    ("areas.csv", ("渡口社区", ""), ("areas.csv", 5, "value_missing")),
    ("areas.csv", ("渡口社区", "渡" * 61), ("areas.csv", 5, "value_invalid")),
    ("areas.csv", ("654321001002,", "654321001001,"), ("areas.csv", 5, "code_duplicate")),
    ("areas.csv", ("Ferry", "Ferry,more"), ("areas.csv", 5, "row_ragged")),
    ("areas.geojson", ("654321001002", "654321001009"), ("areas.geojson", 2, "area_unknown")),
    ("departments.csv", ("works,,lighting", "work,,lighting"), ("departments.csv", 2, "department_unknown")),
    ("departments.csv", ("City works,,,", "City works,654321-lamps,,"), ("departments.csv", 2, "parent_cycle")),
    ("cells.geojson", (CELL, "65432100100100"), ("cells.geojson", 1, "code_invalid")),
    ("cells.geojson", (CELL, "654321001009001"), ("cells.geojson", 1, "area_unknown")),
    ("cells.geojson", (CELL, "654321001002003"), ("cells.geojson", 1, "cell_outside_area")),
    ("cells.geojson", (CELL, "654321001001002"), ("cells.geojson", 2, "code_duplicate")),
    ("cells.geojson", ('"居住"', '"居住", "area": "654321001002"'), ("cells.geojson", 1, "parent_mismatch")),
    ("cells.geojson", ('"居住"', '"居住", "opened_on": "5月1日"'), ("cells.geojson", 1, "value_invalid")),
    ("components.csv", ("114.0005", "114.00151"), ("components.csv", 2, "component_outside_cell")),
    ("components.csv", ("114.0005", "east"), ("components.csv", 2, "shape_unreadable")),
    ("components.csv", ("114.0005,22.5005", ","), ("components.csv", 2, "shape_missing")),
    ("components.csv", ("114.0005,22.5005", "506000,2489000"), ("components.csv", 2, "position_invalid")),
    ("components.csv", ("6543210120000001", "6543220120000001"), ("components.csv", 2, "code_outside_city")),
    ("components.csv", ("6543210120000001", "6543210121000001"), ("components.csv", 2, "code_invalid")),
    ("components.csv", (f",{CELL},", ",654321001001009,"), ("components.csv", 2, "cell_unknown")),
    ("components.csv", (f",{CELL},", ",,"), ("components.csv", 2, "value_missing")),
    ("components.csv", ("654321-lamps", "654321-lamp"), ("components.csv", 2, "department_unknown")),
    ("components.csv", ("intact", "fine"), ("components.csv", 2, "value_invalid")),
    ("beats.json", (CELL, "654321001001009"), ("beats.json", 1, "cell_unknown")),
    ("beats.json", ('"code": "654321-b2",', ""), ("beats.json", 2, "value_missing")),
    ("officers.csv", ("inspector|clerk", "inspector|boss"), ("officers.csv", 3, "role_unknown")),
    ("officers.csv", ("inspector|clerk", ""), ("officers.csv", 3, "role_unknown")),
    ("officers.csv", ("ivan", "ivan the great"), ("officers.csv", 3, "value_invalid")),
    ("officers.csv", ("ivan", "Ann"), ("officers.csv", 3, "code_duplicate")),
    ("officers.csv", ("654321-b2", "654321-b9"), ("officers.csv", 2, "beat_unknown")),
]


@pytest.mark.parametrize(("file", "change", "refused"), ROWS)
def test_a_bad_row_is_refused_by_file_and_row_and_nothing_is_written(
    folder: Path, file: str, change: tuple[str, str], refused: tuple[str, int, str]
) -> None:
    edit(folder / file, change)

    outcome = loading.load(folder)

    assert refused in refusals(outcome)
    assert not outcome.written
    assert everything() == {kind.__name__: [] for kind in KINDS}


SHAPES = [
    ([[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]], "shape_invalid", "Self-intersection"),
    ([[[0, 0], [1, 1], [1, 0], [0, 1]]], "shape_unreadable", "closed"),
    ([[[0, 0], [1, 1], [0, 0], [0, 0]]], "shape_invalid", "Too few points"),
    ([[[506000, 2489000], [506100, 2489000], [506100, 2489100], [506000, 2489000]]], "position_invalid", "crs"),
]


@pytest.mark.parametrize(("rings", "code", "reason"), SHAPES)
def test_a_bad_shape_is_refused_with_the_reason(folder: Path, rings: object, code: str, reason: str) -> None:
    reshape(folder, 4, {"type": "Polygon", "coordinates": rings})

    [refused] = [found for found in loading.load(folder).refusals if found.file == "cells.geojson"]

    assert (refused.row, refused.code) == (4, code)
    assert reason in refused.message


def test_a_cell_of_two_islands_is_one_cell_and_of_one_part_is_a_polygon(folder: Path) -> None:
    west, east = (square(*ends)["coordinates"] for ends in ((114.0, 114.0004), (114.0005, 114.001)))
    reshape(folder, 1, {"type": "MultiPolygon", "coordinates": [west, east]})
    reshape(folder, 2, {"type": "MultiPolygon", "coordinates": [square(114.001, 114.002)["coordinates"]]})

    assert loading.load(folder).refusals == []
    assert Cell.objects.get(code=CELL).shape.num_geom == 2
    assert Cell.objects.get(code="654321001001002").shape.geom_type == "Polygon"


def test_a_cell_that_is_no_ground_is_refused_also_by_the_database(folder: Path) -> None:
    reshape(folder, 1, {"type": "LineString", "coordinates": square(114.0, 114.001)["coordinates"][0]})

    assert ("cells.geojson", 1, "shape_type") in refusals(loading.load(folder, partial=True))
    with pytest.raises(IntegrityError, match="cell_shape_of_ground"):
        Cell.objects.update(shape=LineString((114.0, 22.5), (114.001, 22.5), srid=4326))


def test_heights_are_left_out(folder: Path) -> None:
    flat = square(114.0, 114.001)
    reshape(folder, 1, {"type": "Polygon", "coordinates": [[[*at, 12.5] for at in flat["coordinates"][0]]]})

    assert loading.load(folder).written
    assert not Cell.objects.get(code=CELL).shape.hasz


FILES = [
    ("areas.csv", lambda path: path.unlink(), "file_missing"),
    ("areas.csv", lambda path: path.write_text("code,name\n"), "file_empty"),
    ("areas.csv", lambda path: path.write_text("code\n654321\n"), "column_missing"),
    ("areas.csv", lambda path: path.write_bytes("code,name\n654321,试验区\n".encode("gbk")), "file_not_utf8"),
    ("areas.csv", lambda path: path.write_text('code,name\n654321,"试验区\n'), "file_unreadable"),
    ("cells.geojson", lambda path: path.write_text('{"type": "FeatureCollection", "features": ['), "not_json"),
    ("cells.geojson", lambda path: path.write_bytes(path.read_text().encode("gbk")), "file_not_utf8"),
    ("beats.json", lambda path: path.write_text('{"code": "654321-b1"}'), "file_unreadable"),
    ("city.json", lambda path: path.unlink(), "city_missing"),
    ("city.json", lambda path: path.write_text("{"), "city_invalid"),
    ("city.json", lambda path: path.write_text('{"name": "x", "districts": ["6543"], "files": {}}'), "city_invalid"),
    ("city.json", lambda path: path.write_text('{"name": "x", "files": {}}'), "city_invalid"),
    ("city.json", lambda path: edit(path, ('"654321"', "")), "city_invalid"),
    ("city.json", lambda path: edit(path, ('"beats"', '"beasts"')), "city_invalid"),
    ("city.json", lambda path: edit(path, ('"beats.json"', '"../beats.json"')), "file_elsewhere"),
]


@pytest.mark.parametrize(("file", "spoil", "code"), FILES)
def test_a_bad_file_is_refused(folder: Path, file: str, spoil: Callable[[Path], object], code: str) -> None:
    spoil(folder / file)

    outcome = loading.load(folder)

    assert not outcome.written
    assert code in [found.code for found in outcome.refusals if not found.row]


def test_a_byte_order_mark_is_tolerated(folder: Path) -> None:
    for name in ("areas.csv", "beats.json", "cells.geojson", "city.json"):
        path = folder / name
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())

    assert loading.load(folder).written


def test_codes_of_fourteen_digits_are_taken_where_the_city_has_them(folder: Path) -> None:
    features(folder / "cells.geojson", lambda cells: [cell["properties"].update(code=short(cell)) for cell in cells])
    city(folder, cell_code=r"^\d{14}$", files={"components": None, "beats": None, "officers": None})

    assert loading.load(folder).written
    assert Cell.objects.get(code="65432100100101").area.code == "654321001001"


def short(cell: dict[str, Any]) -> str:
    code: str = cell["properties"]["code"]
    return code[:12] + code[13:]


def test_good_rows_are_loaded_on_request_and_the_bad_left_as_they_were(folder: Path) -> None:
    loading.load(folder)
    edit(folder / "departments.csv", ("路灯所", "照明中心"))
    reshape(folder, 2, {"type": "Polygon", "coordinates": SHAPES[0][0]})

    outcome = loading.load(folder, partial=True)

    assert (outcome.written, refusals(outcome)) == (True, [("cells.geojson", 2, "shape_invalid")])
    assert Department.objects.get(code="654321-lamps").name == "照明中心"
    assert Cell.objects.get(code="654321001001002").closed_on is None  # listed, though badly
    assert Component.objects.get(code="6543210120000002").cell.code == "654321001001002"


def test_what_refers_to_a_refused_row_is_refused_too(folder: Path) -> None:
    edit(folder / "cells.geojson", (CELL, "6543210010010019"))

    outcome = loading.load(folder, partial=True)

    assert refusals(outcome) == [
        ("beats.json", 1, "cell_unknown"),
        ("cells.geojson", 1, "code_invalid"),
        ("components.csv", 2, "cell_unknown"),
        ("officers.csv", 2, "beat_refused"),
        ("officers.csv", 3, "beat_refused"),
    ]
    assert (Cell.objects.count(), Component.objects.count(), Officer.objects.count()) == (3, 2, 2)


def test_nothing_is_closed_for_a_mistyped_code(folder: Path) -> None:
    city(folder, files={"components": None, "beats": None, "officers": None})
    loading.load(folder)
    edit(folder / "cells.geojson", (CELL, "6543210010010011"))

    assert loading.load(folder, partial=True).counts["cells"].retired == 0
    assert Cell.objects.get(code=CELL).closed_on is None


def test_a_file_that_cannot_be_read_leaves_its_kind_alone(folder: Path) -> None:
    loading.load(folder)
    (folder / "components.csv").write_text("code\n")

    assert loading.load(folder, partial=True).written
    assert Component.objects.filter(closed_on=None).count() == 3


def test_a_trial_counts_and_writes_nothing(folder: Path) -> None:
    outcome = loading.load(folder, dry_run=True)

    assert (outcome.written, outcome.refusals, outcome.counts["cells"].added) == (False, [], 4)
    assert not Cell.objects.exists()


def test_overlaps_gaps_odd_areas_and_thin_beats_are_warned_of(folder: Path) -> None:
    reshape(folder, 1, square(114.0, 114.0011))
    reshape(folder, 4, square(114.0035, 114.004))
    city(folder, cell_area_m2=[6000, 20000])
    edit(folder / "officers.csv", ("ivan,伊万,inspector|clerk", "ivan,伊万,clerk"))

    outcome = loading.load(folder)

    assert outcome.written
    assert warnings(outcome) == [
        ("beats.json", 0, "beat_thin"),
        ("cells.geojson", 0, "area_gap"),
        ("cells.geojson", 1, "cells_overlap"),
        ("cells.geojson", 4, "cell_area_odd"),
    ]
    gap, overlap = (found.message for found in outcome.warnings[1:3])
    assert "654321001002" in gap
    assert "654321001001002" in overlap


def test_noise_of_digitising_is_no_overlap_and_no_gap(folder: Path) -> None:
    reshape(folder, 1, square(114.0, 114.00100001))
    reshape(folder, 3, square(114.002, 114.00299999))

    assert warnings(loading.load(folder)) == []


@pytest.mark.parametrize("folder", [pytest.param(demo, id=demo.name) for demo in DEMO if demo.exists()])
def test_a_demo_city_loads_without_a_refusal_and_without_an_overlap(folder: Path) -> None:
    outcome = loading.load(folder)

    assert [str(found) for found in outcome.refusals] == []
    assert "cells_overlap" not in {found.code for found in outcome.warnings}
    assert loading.load(folder).touched == 0


def test_the_command_tells_what_it_did(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("load_city", str(folder))
    assert "单元网格：新增 4，变更 0，停用 0，未变 0" in capsys.readouterr().out

    edit(folder / "areas.csv", ("渡口社区", ""))
    with pytest.raises(CommandError) as refused:
        call_command("load_city", str(folder))
    assert refused.value.returncode == 1
    assert "areas.csv:5 [value_missing]" in capsys.readouterr().out

    with pytest.raises(CommandError) as partly:
        call_command("load_city", str(folder), partial=True)
    assert partly.value.returncode == 2
