"""A new city from nothing: a folder of templates that loads as it is, and a check of it, step by step.

The templates describe a made-up place of two cells around a centre, with one area on each level, so that whoever
fills them in always has something that works to compare with. The check loads the folder and takes it back.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from io import StringIO
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from grid import loading as city
from grid.crs import Position
from grid.loading.kinds import KINDS
from grid.loading.outcome import Finding, Refused

from . import duties, policies, taxonomy
from .reading import NotLoaded

CELL = 0.001  # degrees: about a hundred metres
POLICIES = settings.BASE_DIR / "fixtures" / "policies"
SIDE = 3  # signs of a cell's code behind its community's


COLUMNS = {
    "areas.csv": "code name name_en",
    "departments.csv": "code name name_en parent area",
    "components.csv": "code name scheme major sub cell lon lat owner",
    "beats.csv": "code name cells",
    "officers.csv": "username name roles department area beats phone",
    "duties.csv": "scheme kind major sub area department",
    "taxonomy/categories.csv": "scheme kind major_code major_name major_en sub_code sub_name sub_en",
    "taxonomy/conditions.csv": "scheme kind major sub no text limit_value limit_unit",
}


class Step(NamedTuple):
    """One thing that was checked, and what is wrong with it: nothing, where it is good."""

    title: str
    refusals: Sequence[Finding]


def write(folder: Path, *, name: str, code: str, centre: Position) -> list[Path]:
    """Write the templates of a city into a folder that holds nothing yet. Raises Refused."""
    if folder.exists() and any(folder.iterdir()):
        raise Refused("folder_used", _("文件夹 %(folder)s 里已有文件") % {"folder": folder})
    if len(code) != settings.AREA_WIDTHS[0]:
        names = {"code": code, "wide": settings.AREA_WIDTHS[0]}
        raise Refused("code_invalid", _("最上级区域代码“%(code)s”应为 %(wide)d 位（AREA_WIDTHS）") % names)
    (folder / "taxonomy").mkdir(parents=True)
    (folder / "policies").mkdir()
    for path, text in (*_templates(name, code, centre), *_policies()):
        (folder / path).write_text(text, encoding="utf-8")
    return sorted(path for path in folder.rglob("*") if path.is_file())


def check(folder: Path) -> Iterator[Step]:
    """Each step in its order, to the first that is not good; what follows rests on it. Nothing stays written."""
    with transaction.atomic():
        outcome = city.load(folder)
        source = _files(folder)
        found: dict[str, list[Finding]] = {}
        for finding in outcome.refusals:
            found.setdefault(finding.file, []).append(finding)
        for title, file in source.items():
            yield Step(title, refused := found.pop(file, []))
            if refused:
                break
        else:
            yield from _others(folder, found)
        transaction.set_rollback(True)


def _others(folder: Path, left: Mapping[str, list[Finding]]) -> Iterator[Step]:
    """What does not stand in city.json's files of the city itself."""
    rest = [finding for findings in left.values() for finding in findings]
    acts: dict[str, Callable[[], object]] = {
        _("分类与立案条件（taxonomy/）"): lambda: taxonomy.load(folder / "taxonomy", valid_from=taxonomy.beginning()),
        _("责任清单（duties.csv）"): lambda: duties.load(folder / "duties.csv"),
        _("规则与工作时间（policies/）"): lambda: policies.load(folder / "policies"),
    }
    if rest:
        yield Step(_("其他文件"), rest)
        return
    for title, act in acts.items():
        try:
            with transaction.atomic():
                act()
        except NotLoaded as refused:
            yield Step(title, refused.refusals)
            return
        yield Step(title, [])


def _files(folder: Path) -> dict[str, str]:
    """What is checked → its file, in the order in which each rests on those before it."""
    steps = {_("城市（city.json）"): "city.json"}
    try:
        named = json.loads((folder / "city.json").read_text(encoding="utf-8-sig"))["files"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return steps
    titles = {kind.name: kind.title for kind in KINDS} | {"area_shapes": _("区域范围")}
    for kind in ("areas", "area_shapes", "departments", "cells", "components", "beats", "officers"):
        if kind in named:
            file = named[kind]["file"] if isinstance(named[kind], dict) else named[kind]
            steps[f"{titles[kind]}（{file}）"] = str(file)
    return steps


def _templates(name: str, code: str, centre: Position) -> Iterator[tuple[str, str]]:
    levels, (lon, lat), scheme = [code], centre, settings.CATEGORY_SCHEME
    for above, own in pairwise(settings.AREA_WIDTHS):
        levels.append(levels[-1] + "1".rjust(own - above, "0"))
    cells = [f"{levels[-1]}{n:0{SIDE}}" for n in (1, 2)]
    yield "city.json", _json(_city(name, code, centre))
    yield "cells.geojson", _json(_collection([(own, lon + n * CELL, lat) for n, own in enumerate(cells)]))
    lamp = [f"{code}0101000001", "Manhole", scheme, "01", "01", cells[0]]
    rows: dict[str, list[Sequence[object]]] = {
        "areas.csv": [[own, f"{name} {own}", ""] for own in levels],
        "departments.csv": [[f"{code}-works", "Works", "", "", ""]],
        "components.csv": [[*lamp, lon + CELL / 2, lat + CELL / 2, f"{code}-works"]],
        "beats.csv": [[f"{code}-b1", "Beat 1", "|".join(cells)]],
        "officers.csv": [*_people(code)],
        "duties.csv": [[scheme, "component", "01", "", code, f"{code}-works"]],
        "taxonomy/categories.csv": [
            [settings.CATEGORY_SCHEME, "component", "01", "Utilities", "", "01", "Manhole", ""]
        ],
        "taxonomy/conditions.csv": [
            [settings.CATEGORY_SCHEME, "component", "01", "01", 1, "The cover is broken", 4, "work_hour"]
        ],
    }
    for path, columns in COLUMNS.items():
        yield path, _csv(columns.split(), *rows[path])


def _policies() -> Iterator[tuple[str, str]]:
    """Those that are shipped, without the hours of the demonstration's departments."""
    for path in sorted(POLICIES.glob("*.csv")):
        yield f"policies/{path.name}", path.read_text(encoding="utf-8")
    hours = json.loads((POLICIES / "timetables.json").read_text(encoding="utf-8"))
    yield "policies/timetables.json", _json([row for row in hours if not row.get("department")])


def _people(code: str) -> Iterator[list[str]]:
    """Whoever the main job needs: two inspectors, for nobody checks his own work."""
    prefix = code.lower()
    for login, post in (("ann", "inspector"), ("ivan", "inspector")):
        yield [f"{prefix}_{login}", login.title(), post, "", "", f"{code}-b1", ""]
    yield [f"{prefix}_hugo", "Hugo", "handler|head", f"{code}-works", "", "", ""]
    yield [f"{prefix}_carl", "Carl", "clerk", "", code, "", ""]
    yield [f"{prefix}_dora", "Dora", "dispatcher|shift_leader", "", code, "", ""]
    yield [f"{prefix}_adam", "Adam", "administrator", "", code, "", ""]


def _city(name: str, code: str, centre: Position) -> dict[str, Any]:
    kinds = ("areas", "departments", "components", "beats", "officers", "duties")
    return {
        "name": name,
        "districts": [code],
        "centre": list(centre),
        "crs": "EPSG:4326",
        "cell_code": f"^{code}",
        "component_code": f"^{code}",
        "files": {kind: f"{kind}.csv" for kind in kinds} | {"cells": "cells.geojson"},
    }


def _collection(cells: Sequence[tuple[str, float, float]]) -> dict[str, Any]:
    def square(west: float, south: float) -> list[list[list[float]]]:
        corners = [(0, 0), (1, 0), (1, 1), (0, 1), (0, 0)]
        return [[[round(west + x * CELL, 6), round(south + y * CELL, 6)] for x, y in corners]]

    features = [
        {
            "type": "Feature",
            "properties": {"code": code},
            "geometry": {"type": "Polygon", "coordinates": square(west, south)},
        }
        for code, west, south in cells
    ]
    return {"type": "FeatureCollection", "features": features}


def _json(said: object) -> str:
    return json.dumps(said, ensure_ascii=False, indent=1) + "\n"


def _csv(*rows: Sequence[object]) -> str:
    out = StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()
