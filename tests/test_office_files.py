"""Files as offices keep them: GBK under any name, blanks around, spoilt numbers, exchanged axes."""

from __future__ import annotations

import csv
import shutil
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from cases.models import Category, Duty
from grid import loading
from grid.models import Cell, Department, Officer

from .folders import CELL, DEMO, HERE, city, edit, features, folder, refusals, warnings

__all__ = ["folder"]  # a fixture
pytestmark = pytest.mark.django_db


# Blanks


def blank(path: Path, where: str) -> None:
    """Rows of commas, as a spreadsheet leaves them."""
    head, *rows = path.read_text(encoding="utf8").splitlines()
    commas = "," * head.count(",")
    lines = {"below": [head, *rows, commas, commas], "between": [head, commas, *rows], "above": [commas, head, *rows]}
    path.write_text("\n".join(lines[where]) + "\n", encoding="utf8")


@pytest.mark.parametrize("where", ["below", "between", "above"])
def test_rows_of_blanks_are_passed_over(folder: Path, where: str) -> None:
    for name in ("areas", "departments", "components", "officers"):
        blank(folder / f"{name}.csv", where)

    outcome = loading.load(folder)

    assert (outcome.written, refusals(outcome)) == (True, [])
    assert Officer.objects.count() == 4


def test_columns_of_blanks_are_passed_over(folder: Path) -> None:
    path = folder / "officers.csv"
    path.write_text("".join(f"{line},, ,\n" for line in path.read_text(encoding="utf8").splitlines()), encoding="utf8")

    assert loading.load(folder).refusals == []
    edit(path, ("ann,", "ann,"), (",, ,\n", ",, ,stray\n"))
    assert loading.load(folder).refusals == []
    edit(path, (",, ,\n", ",, ,,stray\n"))
    assert [code for _file, _row, code in refusals(loading.load(folder))] == ["row_ragged"]


@pytest.mark.parametrize("where", ["below", "between", "above"])
def test_rows_of_blanks_in_a_list_of_duties_are_passed_over(folder: Path, where: str) -> None:
    loading.load(folder)
    major = Category.objects.create(scheme="s", kind="component", major="01", name="x", name_en="x")
    path = folder / "duties.csv"
    path.write_text("scheme,kind,major,sub,area,department\ns,component,01,,,654321-works\n")
    blank(path, where)

    call_command("load_duties", path, stdout=StringIO())

    assert Duty.objects.get().category == major


# Texts of Shapefiles


@pytest.fixture
def shapefile(folder: Path) -> Path:
    """Four cells whose land use is 居住, in GBK, with a .cpg that says so."""
    shutil.copytree(HERE / "cities" / "shapefile", folder, dirs_exist_ok=True)
    city(folder, crs="", files={"cells": {"file": "cells.shp", "columns": {"region_class": "region_cla"}}})
    return folder


def declare(folder: Path, cpg: str | None, driver: int) -> None:
    """What the table says of its encoding: in a file beside it, and in its own head."""
    page, table = folder / "cells.cpg", folder / "cells.dbf"
    page.unlink(missing_ok=True)
    if cpg:
        page.write_text(cpg)
    said = bytearray(table.read_bytes())
    said[29] = driver
    table.write_bytes(said)


def rewrite(folder: Path, *texts: tuple[str, str]) -> None:
    """Other bytes of the same length in place of the table's 居住."""
    table = folder / "cells.dbf"
    said = table.read_bytes()
    for text, encoding in texts:
        raw, old = text.encode(encoding), "居住".encode("gbk")
        at = said.index(old)
        said = said[:at] + raw.ljust(len(old)) + said[at + max(len(old), len(raw)) :]
    table.write_bytes(said)


def land_uses() -> set[str]:
    return set(Cell.objects.values_list("land_use", flat=True))


@pytest.mark.parametrize(("cpg", "driver"), [("GBK", 0), ("936", 0), ("ANSI 936", 0x57), (None, 0x4D)])
def test_gbk_that_is_declared_is_read(shapefile: Path, cpg: str | None, driver: int) -> None:
    declare(shapefile, cpg, driver)
    outcome = loading.load(shapefile)
    assert (outcome.written, land_uses(), warnings(outcome)) == (True, {"居住"}, [])


@pytest.mark.parametrize(("cpg", "driver"), [(None, 0), (None, 0x57), (None, 0x03), ("ISO-8859-1", 0), ("UTF-8", 0)])
def test_gbk_under_another_name_is_read_and_shown_for_confirmation(
    shapefile: Path, cpg: str | None, driver: int
) -> None:
    declare(shapefile, cpg, driver)
    outcome = loading.load(shapefile)
    assert (outcome.written, land_uses(), warnings(outcome)) == (True, {"居住"}, [("cells.shp", 0, "encoding_guessed")])
    assert "GBK" in outcome.warnings[0].message
    assert "居住" in outcome.warnings[0].message


def test_utf8_is_utf8_whatever_is_declared(shapefile: Path) -> None:
    rewrite(shapefile, *[("居住地", "utf8")] * 4)
    declare(shapefile, "GBK", 0x4D)
    outcome = loading.load(shapefile)
    assert (outcome.written, land_uses(), warnings(outcome)) == (
        True,
        {"居住地"},
        [("cells.shp", 0, "encoding_guessed")],
    )


def test_what_may_be_either_is_refused_until_somebody_says(shapefile: Path) -> None:
    """Four letters of Latin in UTF-8 are two characters of GBK each."""
    rewrite(shapefile, *[("ģģ", "utf8")] * 4)
    for driver in (0, 0x57):
        declare(shapefile, None, driver)
        [refused] = [found for found in loading.load(shapefile).refusals if found.code == "file_not_utf8"]
        assert "“ģģģģģģģģ”" in refused.message
        assert "“模模模模模模模模”" in refused.message
    for said, read in (("GBK", "模模"), ("UTF-8", "ģģ")):
        columns = {"region_class": "region_cla"}
        city(shapefile, files={"cells": {"file": "cells.shp", "columns": columns, "encoding": said}})
        assert loading.load(shapefile).refusals == []
        assert land_uses() == {read}


def test_western_text_is_western(shapefile: Path) -> None:
    rewrite(shapefile, *[("créé", "cp1252"), ("été", "cp1252"), ("né à", "cp1252"), ("ville", "cp1252")][:3])
    rewrite(shapefile, ("vide", "cp1252"))
    declare(shapefile, "1252", 0x57)
    outcome = loading.load(shapefile)
    assert (outcome.refusals, land_uses()) == ([], {"créé", "été", "né à", "vide"})


def test_an_encoding_that_nobody_knows_is_refused(shapefile: Path) -> None:
    city(shapefile, files={"cells": {"file": "cells.shp", "encoding": "klingon"}})
    assert refusals(loading.load(shapefile)) == [("city.json", 0, "encoding_unknown")]


def test_a_table_in_gbk_is_read_where_city_json_says_so(folder: Path) -> None:
    path = folder / "areas.csv"
    path.write_bytes(path.read_text(encoding="utf8").encode("gbk"))
    city(folder, files={"areas": {"file": "areas.csv", "encoding": "GBK"}})
    assert loading.load(folder).written


# What spreadsheets do to numbers


def with_phone(folder: Path, phone: str) -> None:
    path = folder / "officers.csv"
    rows = list(csv.reader(StringIO(path.read_text(encoding="utf8"))))
    out = StringIO()
    csv.writer(out).writerows([[*row, phone if n == 1 else "phone" if n == 0 else ""] for n, row in enumerate(rows)])
    path.write_text(out.getvalue(), encoding="utf8")


@pytest.mark.parametrize(
    ("phone", "code"),
    [
        ("1.39E+10", "number_spoilt"),
        ("1.39e+10", "number_spoilt"),
        ("13900000001.0", "number_spoilt"),
        ("'13900000001", "number_spoilt"),
        ("ask Ann", "phone_invalid"),
        ("#REF!", "phone_invalid"),
    ],
)
def test_a_phone_that_a_spreadsheet_spoilt_is_refused_by_its_row(folder: Path, phone: str, code: str) -> None:
    with_phone(folder, phone)
    outcome = loading.load(folder)
    assert refusals(outcome) == [("officers.csv", 2, code)]
    assert phone in outcome.refusals[0].message
    assert not outcome.written


@pytest.mark.parametrize("phone", ["13900000001", "+86 139 0000 0001", "(0755) 8888-8888", "0755-88888888转101", "110"])
def test_phones_as_people_write_them_are_taken(folder: Path, phone: str) -> None:
    with_phone(folder, phone)
    assert loading.load(folder).refusals == []
    assert Officer.objects.get(username="ann").phone == phone


def test_a_code_that_a_spreadsheet_spoilt_is_told_as_such(folder: Path) -> None:
    edit(folder / "components.csv", (f",{CELL},", ",6.54321E+14,"))
    assert ("components.csv", 2, "number_spoilt") in refusals(loading.load(folder))


@pytest.mark.parametrize("sign", ["\x0b", "\x00", "\x1f", "\x7f", "\x85", "\u200b", "\u202e", "\u2066", "\ufffe"])
def test_signs_that_nobody_sees_are_dropped_from_names_and_codes(folder: Path, sign: str) -> None:
    path = folder / "departments.csv"
    edit(path, ("路灯所", f"路灯所{sign}"), ("654321-works,城管局", f"654321-works{sign},城管局"))
    assert loading.load(folder).refusals == []
    assert Department.objects.get(name="路灯所").parent.code == "654321-works"


def test_a_name_of_which_nothing_is_seen_is_none(folder: Path) -> None:
    edit(folder / "departments.csv", ("路灯所", "\u200b\u2060"))
    assert ("departments.csv", 2, "value_missing") in refusals(loading.load(folder))


def test_a_list_of_duties_is_read_without_signs_that_nobody_sees(folder: Path) -> None:
    loading.load(folder)
    Category.objects.create(scheme="s", kind="component", major="01", name="x", name_en="x")
    path = folder / "duties.csv"
    path.write_text("scheme,kind,major,sub,area,department\ns,component,01,\u200b,,654321-works\x0b\n")
    call_command("load_duties", path, stdout=StringIO())
    assert Duty.objects.get().department.code == "654321-works"


# Where the city lies


def move(folder: Path, lon: float, lat: float, *, exchanged: bool) -> None:
    """The whole city elsewhere: it stands at 114.0, 22.5."""

    def there(x: float, y: float) -> list[float]:
        at = [x - 114.0 + lon, y - 22.5 + lat]
        return at[::-1] if exchanged else at

    def shift(cells: list[dict]) -> None:
        for cell in cells:
            shape = cell["geometry"]
            rings = shape["coordinates"][0] if shape["type"] == "MultiPolygon" else shape["coordinates"]
            rings[:] = [[there(*at) for at in ring] for ring in rings]

    for name in ("cells.geojson", "areas.geojson"):
        features(folder / name, shift)
    city(folder, files={"components": None, "officers": None})


PLACES = {"乌鲁木齐": (87.6, 43.8), "深圳": (114.0, 22.5), "Suva": (178.4, -18.1), "Quito": (-78.5, -0.2)}


@pytest.mark.parametrize("place", PLACES)
def test_exchanged_axes_are_noticed_wherever_the_city_lies(folder: Path, place: str) -> None:
    move(folder, *PLACES[place], exchanged=True)
    city(folder, centre=PLACES[place])
    outcome = loading.load(folder)
    assert {code for file, _row, code in refusals(outcome) if file == "areas.geojson"} == {"axes_exchanged"}
    assert "应先写经度，再写纬度" in outcome.refusals[0].message
    assert not outcome.written


@pytest.mark.parametrize("place", PLACES)
def test_a_city_that_lies_where_it_says_is_taken(folder: Path, place: str) -> None:
    move(folder, *PLACES[place], exchanged=False)
    city(folder, centre=PLACES[place])
    assert loading.load(folder).refusals == []


def test_exchanged_axes_are_noticed_in_china_without_a_centre(folder: Path) -> None:
    move(folder, *PLACES["乌鲁木齐"], exchanged=True)
    assert ("areas.geojson", 1, "axes_exchanged") in refusals(loading.load(folder))


def test_a_city_far_from_its_centre_is_refused(folder: Path) -> None:
    city(folder, centre=[116.4, 39.9])
    assert ("cells.geojson", 1, "far_from_centre") in refusals(loading.load(folder))
    city(folder, centre=[22.5])
    assert refusals(loading.load(folder)) == [("city.json", 0, "city_invalid")]


@pytest.mark.parametrize("demo", DEMO, ids=lambda path: path.name)
def test_the_shipped_cities_lie_at_their_centres(demo: Path) -> None:
    assert loading.load(demo, dry_run=True).refusals == []
