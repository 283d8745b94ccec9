"""A city comes in its own coordinate system, and lands in the right place."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from django.contrib.gis.gdal import CoordTransform, OGRGeometry, SpatialReference

from grid import loading
from grid.crs import from_wgs84
from grid.models import Beat, Cell, Component

from .folders import CELL, HERE, city, features, folder, refusals

__all__ = ["folder"]  # a fixture
pytestmark = pytest.mark.django_db


def placed() -> dict[str, Any]:
    return {cell.code: cell.shape for cell in Cell.objects.all()}


def test_the_same_city_in_another_coordinate_system_lands_in_the_same_place(folder: Path) -> None:
    loading.load(folder)
    wanted = placed()
    for crs in ("gcj02", "bd09", "EPSG:4547"):
        Beat.objects.all().delete()
        Component.objects.all().delete()
        Cell.objects.all().delete()
        shutil.copyfile(HERE / "cities" / "small" / "cells.geojson", folder / "cells.geojson")
        features(folder / "cells.geojson", lambda cells, crs=crs: [moved(cell, crs) for cell in cells])
        city(folder, files={"cells": {"file": "cells.geojson", "crs": crs}})

        assert loading.load(folder).refusals == []
        for code, shape in placed().items():
            assert near(shape, wanted[code])


def near(one: Any, other: Any) -> bool:
    """Within a centimetre, corner by corner."""
    return all(a == pytest.approx(b, abs=1e-7) for a, b in zip(one.coords[0], other.coords[0], strict=True))


def moved(cell: dict[str, Any], crs: str) -> None:
    [ring] = cell["geometry"]["coordinates"]
    if crs.startswith("EPSG"):
        shape = OGRGeometry(json.dumps(cell["geometry"]))
        shape.transform(CoordTransform(SpatialReference(4326), SpatialReference(crs)))
        cell["geometry"] = json.loads(shape.json)
    else:
        cell["geometry"]["coordinates"] = [[from_wgs84(*at, crs) for at in ring]]


def test_components_may_be_in_a_system_of_their_own(folder: Path) -> None:
    lon, lat = from_wgs84(114.0005, 22.5005, "bd09")
    (folder / "components.csv").write_text(
        "code,name,scheme,major,sub,cell,wkt\n"
        f"6543210120000001,路灯,gbt30428-2013,01,20,{CELL},POINT({lon!r} {lat!r})\n"
    )
    city(folder, files={"components": {"file": "components.csv", "crs": "bd09"}})

    assert loading.load(folder).refusals == []
    assert Component.objects.get().shape.coords == pytest.approx((114.0005, 22.5005), abs=1e-7)


def test_an_unknown_system_is_refused(folder: Path) -> None:
    city(folder, crs="mars")

    assert ("cells.geojson", 0, "crs_unknown") in refusals(loading.load(folder))


@pytest.fixture
def shapefile(folder: Path) -> Path:
    """The same cells in metres (EPSG:4547), text in GBK, column names cut to ten characters."""
    shutil.copytree(HERE / "cities" / "shapefile", folder, dirs_exist_ok=True)
    city(folder, crs="", files={"cells": {"file": "cells.shp", "columns": {"region_class": "region_cla"}}})
    return folder


def test_a_shapefile_is_read_in_the_system_and_encoding_that_it_declares(shapefile: Path) -> None:
    assert loading.load(shapefile).refusals == []
    cell = Cell.objects.get(code=CELL)
    assert (cell.region_class, cell.land_use) == ("A", "居住")
    assert cell.shape.extent == pytest.approx((114.0, 22.5, 114.001, 22.501), abs=1e-7)


def test_a_shapefile_that_does_not_say_its_system_is_refused(shapefile: Path) -> None:
    (shapefile / "cells.prj").unlink()

    assert ("cells.shp", 0, "crs_unknown") in refusals(loading.load(shapefile))
