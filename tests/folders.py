"""A city as a folder of files, to be spoilt by the tests of loading."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from grid.loading import Outcome
from grid.models import Area, Beat, Cell, Component, Department, Officer

HERE = Path(__file__).parent
DEMO = [HERE.parent / "fixtures" / "cities" / name for name in ("futian", "yushu")]
KINDS = (Area, Department, Cell, Component, Beat, Officer)
CELL = "654321001001001"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A city of one street, two communities, four cells in a row; a copy to be spoilt."""
    return Path(shutil.copytree(HERE / "cities" / "small", tmp_path / "small"))


def edit(path: Path, *changes: tuple[str, str]) -> None:
    text = path.read_text(encoding="utf8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    path.write_text(text, encoding="utf8")


def features(path: Path, change: Callable[[list[dict[str, Any]]], object]) -> None:
    said = json.loads(path.read_text(encoding="utf8"))
    change(said["features"])
    path.write_text(json.dumps(said), encoding="utf8")


def city(folder: Path, **changes: Any) -> None:
    said = json.loads((folder / "city.json").read_text(encoding="utf8"))
    files = said["files"] | changes.pop("files", {})
    said |= changes | {"files": {kind: named for kind, named in files.items() if named}}
    (folder / "city.json").write_text(json.dumps(said), encoding="utf8")


def square(west: float, east: float, south: float = 22.5, north: float = 22.501) -> dict[str, Any]:
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


def reshape(folder: Path, number: int, geometry: object) -> None:
    features(folder / "cells.geojson", lambda cells: cells[number - 1].update(geometry=geometry))


def refusals(outcome: Outcome) -> list[tuple[str, int, str]]:
    return [(found.file, found.row, found.code) for found in outcome.refusals]


def warnings(outcome: Outcome) -> list[tuple[str, int, str]]:
    return [(found.file, found.row, found.code) for found in outcome.warnings]


def everything() -> dict[str, list[Any]]:
    return {kind.__name__: list(kind._default_manager.order_by("pk").values()) for kind in KINDS}
