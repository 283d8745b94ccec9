"""What the demo and the tests stand on: the taxonomy and two cities, whole and of one piece. No database here."""

from __future__ import annotations

import csv
import gzip
import json
import re
from collections import Counter, defaultdict
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from django.contrib.gis.geos import GEOSGeometry, Polygon

from cases.clock import Unit
from cases.loading import demo
from fixtures.make import make
from grid.roles import Role

ROOT = Path(__file__).parents[1] / "fixtures"
CITIES = ["futian", "yushu"]
CURRENT, OLDER = "gbt30428-2013", "cjt214-2007"
LATIN = re.compile(r"[A-Za-z]{2}")
HAN = re.compile(r"[\u4e00-\u9fff]")

Code = tuple[str, str, str]  # kind, major, sub
every_city = pytest.mark.parametrize("city", CITIES)


@cache
def table(path: str) -> list[dict[str, str]]:
    with (ROOT / path).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@cache
def features(city: str, name: str) -> dict[str, tuple[dict[str, Any], GEOSGeometry]]:
    said = json.loads((ROOT / "cities" / city / f"{name}.geojson").read_text(encoding="utf-8"))
    return {
        each["properties"]["code"]: (each["properties"], GEOSGeometry(json.dumps(each["geometry"])))
        for each in said["features"]
    }


def of_city(city: str, name: str) -> list[dict[str, str]]:
    return table(f"cities/{city}/{name}.csv")


def codes(city: str, name: str) -> list[str]:
    return [row["code"] for row in of_city(city, name)]


def categories(scheme: str) -> dict[Code, dict[str, str]]:
    rows = [*table("taxonomy/categories.csv"), *table("taxonomy/categories_2007.csv")]
    return {
        (row["kind"], row["major_code"], row["sub_code"]): row
        for row in rows
        if row["scheme"] == scheme and row["sub_code"]
    }


def conditions(scheme: str) -> dict[Code, list[dict[str, str]]]:
    found: dict[Code, list[dict[str, str]]] = defaultdict(list)
    for row in table("taxonomy/conditions.csv"):
        if row["scheme"] == scheme:
            found[row["kind"], row["major"], row["sub"]].append(row)
    return found


# The taxonomy


def test_both_generations_are_complete_and_apart() -> None:
    new, old = categories(CURRENT), categories(OLDER)
    assert len(new) == 236 + 26 and len(old) == 136
    assert new["event", "01", "10"]["sub_zh"] == "暴露生活垃圾" and old["event", "01", "02"]["sub_zh"] == "暴露垃圾"
    assert sum(row["sub_code"] == "" for row in table("taxonomy/categories_2007.csv")) == 2  # majors kept for cities
    assert len(new) == sum(row["scheme"] == CURRENT for row in table("taxonomy/categories.csv"))


def test_every_class_is_named_in_both_languages() -> None:
    for row in [*table("taxonomy/categories.csv"), *table("taxonomy/categories_2007.csv")]:
        assert row["major_zh"] and LATIN.search(row["major_en"])
        assert not row["sub_code"] or (row["sub_zh"] and LATIN.search(row["sub_en"]) and not HAN.search(row["sub_en"]))
        assert row["sub_en"] != "Other"


def test_local_rows_stand_in_the_range_kept_for_them() -> None:
    for _kind, major, sub in (code for code, row in categories(CURRENT).items() if row["basis"] == "local-extension"):
        assert int(sub) >= 80, (major, sub)


def test_emergencies_are_urgent_in_either_generation() -> None:
    assert all(
        row["urgent"] == "1"
        for (kind, major, _), row in categories(CURRENT).items()
        if (kind, major) == ("event", "05")
    )
    assert all(
        row["urgent"] == "1" for (kind, major, _), row in categories(OLDER).items() if (kind, major) == ("event", "04")
    )
    assert categories(CURRENT)["event", "96", "99"]["urgent"] == "1"
    assert categories(CURRENT)["event", "04", "10"]["urgent"] == "0"


@pytest.mark.parametrize("scheme", [CURRENT, OLDER])
def test_every_sub_class_has_a_condition(scheme: str) -> None:
    assert set(conditions(scheme)) == set(categories(scheme))
    for code, rows in conditions(scheme).items():
        assert [row["no"] for row in rows] == [str(no) for no in range(1, len(rows) + 1)], code


def test_the_sources_limits_are_kept_each_with_its_original() -> None:
    rows = [row for rows in conditions(CURRENT).values() for row in rows]
    sourced = [row for row in rows if row["basis"] in ("city-practice", "local-extension") and int(row["major"]) < 90]
    assert len(sourced) == 519
    assert Counter(row["limit_unit"] for row in sourced) == {
        "work_day": 412,
        "work_hour": 61,
        "urgent_hour": 42,
        "urgent_day": 4,
    }
    assert all(row["original"].startswith(row["limit_value"]) for row in sourced)
    assert conditions(CURRENT)["component", "01", "01"][0]["original"] == "2紧急工作时"
    assert all(row["original"] == "" for row in rows if row["basis"] == "default")


@pytest.mark.parametrize("scheme", [CURRENT, OLDER])
def test_conditions_speak_both_languages_and_never_twice_the_same(scheme: str) -> None:
    for code, rows in conditions(scheme).items():
        assert len({row["text"] for row in rows}) == len({row["text_en"] for row in rows}) == len(rows), code
        for row in rows:
            assert row["limit_unit"] in Unit.values and int(row["limit_value"]) > 0
            for column in ("text", "closing", "guidance"):
                assert HAN.search(row[column]), (code, column)
                assert LATIN.search(row[f"{column}_en"]) and not HAN.search(row[f"{column}_en"]), (code, column)
            assert "{" not in "".join(row.values())


@pytest.mark.parametrize("scheme", [CURRENT, OLDER])
def test_guidance_says_what_to_photograph_and_what_to_leave(scheme: str) -> None:
    for code, rows in conditions(scheme).items():
        for row in rows:
            assert "拍" in row["guidance"] and "photo" in row["guidance_en"].lower(), code
            assert re.search("不报|选“|不要|不拍|不作|先|严禁|避免", row["guidance"]), code


@pytest.mark.parametrize("scheme", [CURRENT, OLDER])
def test_guidance_leads_only_to_classes_that_exist(scheme: str) -> None:
    rows = [row for rows in conditions(scheme).values() for row in rows]
    names = {row[column] for row in categories(scheme).values() for column in ("sub_zh", "major_zh")}
    english = {row[column] for row in categories(scheme).values() for column in ("sub_en", "major_en")}
    for row in rows:
        for named in re.findall("选“([^”]+)”", row["guidance"]):
            assert named in names, named
        for sentence in re.findall("[Cc]hoose[^.]*", row["guidance_en"]):
            for named in re.findall("“([^”]+)”", sentence):
                assert any(known.startswith(named) for known in english), named


# The cities


@every_city
def test_city_json_names_files_that_are_there(city: str) -> None:
    said = json.loads((ROOT / "cities" / city / "city.json").read_text(encoding="utf-8"))
    assert said["name"] and said["name_en"] and said["attribution"] and said["synthetic"]
    assert all((ROOT / "cities" / city / name).is_file() for name in said["files"].values())
    least, most = said["cell_area_m2"]
    assert least < most and re.fullmatch(said["cell_code"], next(iter(features(city, "cells"))))


@every_city
def test_every_code_stands_under_its_parent_and_once(city: str) -> None:
    areas = codes(city, "areas")
    assert len(areas) == len(set(areas))
    assert all(len(code) == 6 or code[:-3] in areas for code in areas)
    assert all(code[:12] in areas for code in features(city, "cells"))
    departments = codes(city, "departments")
    assert len(departments) == len(set(departments))
    for row in of_city(city, "departments"):
        assert row["parent"] in {*departments, ""} and row["area"] in {*areas, ""}
        assert row["name_en"] and row["code"].startswith(areas[0])
    assert sum(row["parent"] == "" for row in of_city(city, "departments")) == 1


def test_yushu_has_its_real_streets_and_communities() -> None:
    widths = Counter(len(code) for code in codes("yushu", "areas"))
    assert widths == {6: 1, 9: 12, 12: 80}
    names = {row["code"]: (row["name"], row["name_en"]) for row in of_city("yushu", "areas")}
    assert names["632701001"] == ("结古街道", "Jiegu Subdistrict")
    assert names["632701400503"] == ("云塔村委会", "Yunta Village")


def test_futian_has_all_its_cells() -> None:
    cells = features("futian", "cells")
    assert len(cells) == 991
    assert set(Counter(code[:12] for code in cells).values()) == {165, 166}


@every_city
def test_cells_cover_their_community_without_gap_or_overlap(city: str) -> None:
    """Where every inner edge is walked once in each direction, there is neither: what is left is the border."""
    edges: Counter[tuple[Any, Any]] = Counter()
    for _said, shape in features(city, "cells").values():
        assert shape.valid and isinstance(shape, Polygon)
        ring = list(shape.exterior_ring.coords)
        edges.update(pairwise(ring))
    assert max(edges.values()) == 1
    for code, (_said, shape) in features(city, "areas").items():
        assert shape.valid
        own = [cell for name, (_said, cell) in features(city, "cells").items() if name.startswith(code)]
        assert sum(cell.area for cell in own) == pytest.approx(shape.area, rel=1e-9), code


@every_city
def test_coordinates_are_kept_to_seven_decimals(city: str) -> None:
    for name in ("areas", "cells", "components"):
        text = (ROOT / "cities" / city / f"{name}.geojson").read_text(encoding="utf-8")
        assert not re.search(r"\d\.\d{8}", text)


@every_city
def test_every_component_stands_in_its_cell(city: str) -> None:
    cells, departments = features(city, "cells"), codes(city, "departments")
    classes = categories(CURRENT)
    assert len(features(city, "components")) == {"futian": 5110, "yushu": 701}[city]
    for code, (said, shape) in features(city, "components").items():
        assert (
            code == f"{cells[said['cell']][0]['code'][:6]}{said['major']}{said['sub']}{code[10:]}" and len(code) == 16
        )
        assert cells[said["cell"]][1].contains(shape), code
        assert ("component", said["major"], said["sub"]) in classes and said["scheme"] == CURRENT
        assert said["synthetic"] is True and said["name"]
        assert said["supervisor"] in departments and said.get("owner", departments[0]) in departments


@every_city
def test_every_beat_hangs_together_and_has_two_inspectors(city: str) -> None:
    walked = Counter(
        beat for row in of_city(city, "officers") if row["roles"] == "inspector" for beat in row["beats"].split("|")
    )
    assert set(walked) == set(codes(city, "beats"))
    assert min(walked.values()) >= 2
    given: Counter[str] = Counter()
    for row in of_city(city, "beats"):
        cells = row["cells"].split("|")
        given.update(cells)
        together = Polygon()
        for cell in cells:
            together = together.union(features(city, "cells")[cell][1])
        assert together.geom_type == "Polygon", row["code"]
        assert 20 <= len(cells) <= 26 or city == "yushu"
    assert given == Counter(dict.fromkeys(features(city, "cells"), 1))


@every_city
def test_every_post_is_filled_and_every_department_can_handle(city: str) -> None:
    officers, areas = of_city(city, "officers"), codes(city, "areas")
    names = [row["username"] for row in officers]
    assert len(names) == len(set(names)) == {"futian": 45, "yushu": 37}[city]
    held = {role for row in officers for role in row["roles"].split("|")}
    assert held == set(Role.values)
    for row in officers:
        assert row["department"] in codes(city, "departments")
        assert row["area"] in areas or row["username"] == demo.WHOLE
        assert re.fullmatch(r"1390000\d{4}", row["phone"]) and row["language"] in ("zh-hans", "en")
    for role in (Role.HANDLER, Role.HEAD):
        able = {row["department"] for row in officers if role in row["roles"].split("|")}
        assert able >= {row["department"] for row in of_city(city, "duties")}


def test_the_two_cities_share_no_name() -> None:
    for name, key in [("officers", "username"), ("officers", "phone"), ("departments", "code"), ("beats", "code")]:
        one, other = ({row[key] for row in of_city(city, name)} for city in CITIES)
        assert one.isdisjoint(other), name


def answers(city: str, scheme: str, code: Code, community: str) -> list[str]:
    """The departments of the duties that apply, the most particular first: the area, then the class."""
    kind, major, sub = code
    duties = {
        tuple(row[key] for key in ("scheme", "kind", "major", "sub", "area")): row for row in of_city(city, "duties")
    }
    assert len(duties) == len(of_city(city, "duties"))
    asked = [(area, own) for area in (community, community[:9], community[:6], "") for own in (sub, "")]
    found = [duties.get((scheme, kind, major, own, area)) for area, own in asked]
    return [row["department"] for row in found if row]


@every_city
@pytest.mark.parametrize("scheme", [CURRENT, OLDER])
def test_every_sub_class_finds_a_department_everywhere(city: str, scheme: str) -> None:
    departments, communities = codes(city, "departments"), {code[:12] for code in features(city, "cells")}
    one_each = {community[:9]: community for community in communities}.values()
    for code in categories(scheme):
        for community in one_each:
            found = answers(city, scheme, code, community)
            assert found and set(found) <= set(departments), (code, community)


def test_the_particular_duty_comes_before_the_general_one() -> None:
    vendor, road = ("event", "04", "01"), ("event", "01", "12")
    assert answers("yushu", CURRENT, vendor, "632701002001") == ["632701S002", "632701D11"]
    assert answers("yushu", CURRENT, vendor, "632701400500") == ["632701S400", "632701D11"]
    assert answers("futian", CURRENT, road, "440304901005") == ["440304S901", "440304D02"]
    assert answers("futian", CURRENT, road, "440304901001") == ["440304D02"]


def test_made_again_everything_is_the_same(tmp_path: Path) -> None:
    make(tmp_path)
    made = [path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()]
    assert len(made) == 3 + 10 + 9 + 1
    assert [str(path) for path in made if content(tmp_path / path) != content(ROOT / path)] == []


def content(path: Path) -> bytes:
    """Unpacked: the same content may be packed otherwise by another zlib."""
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
