"""Files that a city is loaded from come from anywhere: they lead nowhere else, and cost what they are worth."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from django.core.management import CommandError, call_command
from openpyxl import Workbook

from grid import loading
from grid.loading.patterns import compiled

from .folders import HERE, city, everything, features, folder, refusals

__all__ = ["folder"]  # a fixture


@pytest.fixture
def host() -> Iterator[tuple[str, list[str]]]:
    """A server on loopback that answers with a city's cells, and what it was asked for."""
    asked: list[str] = []

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write((HERE / "cities" / "small" / "cells.geojson").read_bytes())

        def do_HEAD(self) -> None:
            self.do_GET()

        def log_message(self, *said: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()


def virtual(source: str) -> str:
    """A file of GDAL that only says where another one is."""
    layer = f'<SrcDataSource relativeToVRT="0">{source}</SrcDataSource><SrcLayer>cells</SrcLayer>'
    return f'<OGRVRTDataSource><OGRVRTLayer name="cells">{layer}</OGRVRTLayer></OGRVRTDataSource>'


@pytest.mark.django_db
@pytest.mark.parametrize(("name", "code"), [("cells.geojson", "not_json"), ("cells.shp", "file_unreadable")])
def test_a_virtual_file_reads_no_other_file_and_calls_no_host(
    folder: Path, host: tuple[str, list[str]], tmp_path: Path, name: str, code: str
) -> None:
    address, asked = host
    (folder / "cells.geojson").rename(tmp_path / "cells.geojson")
    city(folder, files={"cells": name})
    for source in (f"/vsicurl/{address}/cells.geojson", str(tmp_path / "cells.geojson")):
        (folder / name).write_text(virtual(source))
        outcome = loading.load(folder)
        assert (name, 0, code) in refusals(outcome)
        assert not outcome.written
    assert asked == []


@pytest.mark.django_db
def test_a_coordinate_system_is_never_fetched(folder: Path, host: tuple[str, list[str]]) -> None:
    address, asked = host
    path, said = folder / "cells.geojson", json.loads((folder / "cells.geojson").read_text())
    for crs in (
        {"type": "name", "properties": {"name": f"{address}/crs"}},
        {"type": "link", "properties": {"href": f"{address}/crs", "type": "proj4"}},
        {"type": "name", "properties": {"name": "+proj=longlat +nadgrids=/etc/passwd"}},
    ):
        path.write_text(json.dumps(said | {"crs": crs}))
        assert ("cells.geojson", 0, "crs_unknown") in refusals(loading.load(folder))
    path.write_text(json.dumps(said))
    for words in (f"{address}/crs", "/etc/passwd", "+proj=longlat +nadgrids=/etc/passwd"):
        city(folder, crs=words)
        assert ("cells.geojson", 0, "crs_unknown") in refusals(loading.load(folder))
    assert asked == []


@pytest.mark.django_db
def test_a_geojson_may_name_its_system_by_number(folder: Path) -> None:
    path, said = folder / "cells.geojson", json.loads((folder / "cells.geojson").read_text())
    for name in ("urn:ogc:def:crs:OGC:1.3:CRS84", "EPSG:4490", "urn:ogc:def:crs:EPSG::4490"):
        path.write_text(json.dumps(said | {"crs": {"type": "name", "properties": {"name": name}}}))
        assert loading.load(folder).written


@pytest.mark.django_db
@pytest.mark.parametrize(
    "said",
    [
        "http://127.0.0.1:9/crs",
        '{"$schema": "https://proj.org/schemas/v0.4/projjson.schema.json"}',
        'GEOGCS["x",EXTENSION["PROJ4","+proj=longlat +nadgrids=/etc/passwd"]]',
        'GEOGCS["' + "x" * 20_000 + '"]',
    ],
)
def test_a_shapefile_s_system_leads_nowhere(folder: Path, said: str) -> None:
    for part in (HERE / "cities" / "shapefile").iterdir():
        (folder / part.name).write_bytes(part.read_bytes())
    (folder / "cells.prj").write_text(said)
    city(folder, crs="", files={"cells": {"file": "cells.shp", "columns": {"region_class": "region_cla"}}})
    assert ("cells.shp", 0, "crs_unknown") in refusals(loading.load(folder))


@pytest.mark.django_db
def test_a_folder_s_files_lie_in_it(folder: Path, tmp_path: Path) -> None:
    (folder / "areas.csv").rename(tmp_path / "areas.csv")
    (folder / "areas.csv").symlink_to(tmp_path / "areas.csv")
    for name in ("areas.csv", "../areas.csv", str(tmp_path / "areas.csv")):
        city(folder, files={"areas": name})
        assert refusals(loading.load(folder)) == [("city.json", 0, "file_elsewhere")]


@pytest.mark.django_db
def test_files_of_other_kinds_are_not_tried(folder: Path) -> None:
    (folder / "cells.gpkg").write_bytes(b"SQLite format 3\0")
    city(folder, files={"cells": "cells.gpkg"})
    assert ("cells.gpkg", 0, "file_kind_unknown") in refusals(loading.load(folder))


HEAVY = [
    r"^(\d+)+x$",
    r"^(\d|\d\d)*x$",
    r"^(?:\d?){40}x$",
    r"^\d*\d*\d*\d*x$",
    r"^(\d)\1*$",
    "a" * 201,
    r"\d{99999999999}",
]


@pytest.mark.django_db
@pytest.mark.parametrize("key", ["cell_code", "component_code"])
@pytest.mark.parametrize("pattern", [*HEAVY, "(", 5, ["x"]], ids=str)
def test_a_pattern_that_would_stand_still_is_refused(folder: Path, key: str, pattern: Any) -> None:
    city(folder, **{key: pattern})
    (found,) = loading.load(folder).refusals
    assert (found.file, found.code) == ("city.json", "city_invalid")
    if pattern == HEAVY[0]:
        assert "不要在重复里再写重复" in found.message


@pytest.mark.parametrize(
    "pattern", [r"^\d{15}$", r"^[A-Z]+-\d+$", "^IC/[0-9]{4}(-[AB])?$", "^(LP|KP)-", r"^\d{6}(\d{9})?$"]
)
def test_a_pattern_as_cities_write_them_is_taken(pattern: str) -> None:
    assert compiled(pattern).pattern == pattern


@pytest.mark.django_db
@pytest.mark.parametrize("crs", ["EPSG:4978", "EPSG:5773"])
def test_a_system_that_does_not_lie_on_the_ground_is_refused(folder: Path, crs: str) -> None:
    city(folder, crs=crs)
    found = next(found for found in loading.load(folder).refusals if found.file == "cells.geojson")
    assert (found.row, found.code) == (0, "crs_unknown")
    assert f"“{crs}”不在地面上" in found.message


ENCODINGS = [
    "rot13",
    "zlib_codec",
    "undefined",
    "unicode_escape",
    "raw_unicode_escape",
    "idna",
    "punycode",
    "5",
    5,
    [1],
]
NAMES = ["c" * 5_000, "样" * 100, "cells\0.csv", "\ud800", "a/" * 3_000, 5, ["cells.geojson"]]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("named", "code"),
    [
        *(({"file": "cells.geojson", "encoding": said}, "encoding_unknown") for said in ENCODINGS),
        *(({"file": said}, "file_name_invalid") for said in NAMES),
        *(({"file": "cells.geojson", "crs": said}, "city_invalid") for said in ([1], 4490, {"a": 1})),
    ],
    ids=lambda said: str(said)[:60].encode("unicode_escape").decode(),
)
def test_what_names_no_file_is_refused_by_a_sentence(folder: Path, named: Any, code: str) -> None:
    city(folder, files={"cells": named})
    (found,) = loading.load(folder).refusals
    assert (found.file, found.row, found.code) == ("city.json", 0, code)
    assert found.message and "\0" not in found.message


@pytest.mark.django_db
def test_a_whole_city_in_an_odd_system_or_coding_is_refused_once(folder: Path) -> None:
    city(folder, crs=[1])
    assert refusals(loading.load(folder)) == [("city.json", 0, "city_invalid")]
    city(folder, crs="EPSG:4490", name="a\0b")
    assert loading.load(folder, dry_run=True).city == "ab"
    city(folder, files={"areas": {"file": "areas.csv", "encoding": "utf-16"}})
    assert ("areas.csv", 0, "file_not_utf8") in refusals(loading.load(folder))


DEEP = "[" * 200_000


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "said", "code"),
    [
        ("city.json", DEEP, "city_invalid"),
        ("beats.json", DEEP, "file_deep"),
        ("cells.geojson", DEEP, "file_deep"),
        ("cells.geojson", '{"type": "FeatureCollection", "features": [' + '{"a":' * 200_000, "file_deep"),
        ("cells.geojson", '{"type": "FeatureCollection", "features": [{"properties": NaN}]}', "not_json"),
        ("beats.json", "[" + "9" * 5_000 + "]", "not_json"),
    ],
)
def test_json_that_is_nested_too_deep_is_refused_by_its_file(folder: Path, name: str, said: str, code: str) -> None:
    (folder / name).write_text(said)
    assert (name, 0, code) in refusals(loading.load(folder))


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("command", "name"),
    [("load_holidays", "2027.json"), ("load_policies", "timetables.json"), ("load_evaluation", "schemes.json")],
)
def test_every_command_refuses_deep_json_by_its_file(tmp_path: Path, command: str, name: str) -> None:
    (tmp_path / name).write_text(DEEP)
    (tmp_path / "indicators.csv").write_bytes((HERE.parent / "fixtures" / "evaluation" / "indicators.csv").read_bytes())
    with pytest.raises(CommandError, match=rf"{name} \[file_deep\]"):
        call_command(command, tmp_path / name if command == "load_holidays" else tmp_path)


@pytest.mark.django_db
def test_a_table_of_thousands_of_columns_is_refused(folder: Path) -> None:
    (folder / "areas.csv").write_text("code,name," + ",".join(map(str, range(5_000))) + "\n654321,x\n")
    assert ("areas.csv", 0, "columns_many") in refusals(loading.load(folder))
    (folder / "duties.csv").write_text("scheme," + ",".join(map(str, range(5_000))) + "\n")
    with pytest.raises(CommandError, match=r"\[columns_many\]"):
        call_command("load_duties", folder / "duties.csv")


MEASURE = """
import django; django.setup()
import sys
from pathlib import Path
from grid.loading import bounds, files, outcome
from grid.loading.city import Source
try:
    with bounds.bounded_memory():
        files.read(Source(Path(sys.argv[1])), [], warn=print)
except outcome.Refused as refused:
    print(refused.code)
"""


def test_a_file_that_takes_more_memory_than_a_command_may_is_refused(folder: Path) -> None:
    features(folder / "cells.geojson", lambda cells: cells.extend(cells * 100_000))
    given = os.environ | {"SECRET_KEY": "x", "LOAD_MEMORY_MB": "64", "DJANGO_SETTINGS_MODULE": "backend.settings"}
    child = [sys.executable, "-c", MEASURE, str(folder / "cells.geojson")]
    done = subprocess.run(child, env=given, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["file_costly"]


# Workbooks


def workbook(path: Path, part: str, mark: str, more: str) -> Path:
    """A workbook in one of whose parts `more` was written before `mark`."""
    book = Workbook()
    book.active.title = "部件"  # type: ignore[union-attr]
    book.save(path.with_suffix(".sound"))
    with ZipFile(path.with_suffix(".sound")) as sound, ZipFile(path, "w", ZIP_DEFLATED) as spoilt:
        for name in sound.namelist():
            said = sound.read(name).decode()
            assert name != part or mark in said
            spoilt.writestr(name, said.replace(mark, more + mark, 1) if name == part else said)
    return path


SHEET = "xl/worksheets/sheet1.xml"
NAMED = 'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships" state="visible" r:id="rId1"'
COSTLY: dict[str, tuple[str, str, Callable[[], str]]] = {
    "empty cells": (SHEET, "</sheetData>", lambda: "<row>" + "<c/>" * 4_000_000 + "</row>"),
    "a last row": (SHEET, "</sheetData>", lambda: '<row r="1048576"><c r="A1048576"><v>1</v></c></row>'),
    "rows": (SHEET, "</sheetData>", lambda: "<row/>" * 500_000),
    "depth": (SHEET, "</sheetData>", lambda: "<row>" * 100 + "</row>" * 100),
    "styles": ("xl/styles.xml", "</cellXfs>", lambda: '<xf numFmtId="0"/>' * 100_000),
    "sheets": (
        "xl/workbook.xml",
        "</sheets>",
        lambda: "".join(f'<sheet name="部件{n}" sheetId="{n}" {NAMED}/>' for n in range(2, 20_000)),
    ),
}


@pytest.mark.django_db
@pytest.mark.parametrize("name", COSTLY)
def test_a_workbook_that_costs_more_than_it_says_is_refused(tmp_path: Path, name: str) -> None:
    part, mark, more = COSTLY[name]
    path = workbook(tmp_path / "conditions.xlsx", part, mark, more())
    assert path.stat().st_size < 1_000_000
    with pytest.raises(CommandError, match=r"conditions.xlsx \[file_costly\]"):
        call_command("load_conditions", path)
    assert everything()["Area"] == []


@pytest.mark.django_db
def test_entities_are_not_expanded(tmp_path: Path) -> None:
    path = tmp_path / "conditions.xlsx"
    with ZipFile(path, "w") as parts:
        parts.writestr("xl/workbook.xml", '<!DOCTYPE a [<!ENTITY b "bbbb">]><a>&b;</a>')
    with pytest.raises(CommandError, match=r"conditions.xlsx \[not_xlsx\]"):
        call_command("load_conditions", path)
