"""What claims a format is read by somebody else's reader: tables by pandas, tiles and outlines by GDAL."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas
from django.contrib.gis.gdal import DataSource

from grid.typed_text import cleaned

from . import city as town
from .desk import desk
from .test_exports import BREAKING, fetched
from .test_tiles import NEAR, ask

CODE = "440304001001001"  # fifteen digits: what a spreadsheet takes for a number, and rounds


def planted(city: SimpleNamespace) -> list[str]:
    """Cases with texts that break tables; their numbers, the newest first."""
    texts = ["=1+1", "-5℃路面结冰", '第一行\n第二行,“引号”"', CODE, *BREAKING]
    return [town.report(city, text=cleaned(text)).number for text in texts][::-1]


def test_pandas_reads_a_csv(city: SimpleNamespace, clock: Any) -> None:
    numbers = planted(city)
    read = pandas.read_csv(io.BytesIO(fetched(town.phone(city.carl))), dtype=str)
    assert list(read["案卷号"]) == numbers
    assert CODE in read.stack().tolist()
    assert '第一行\n第二行,“引号”"' in read.stack().tolist()


def test_pandas_reads_an_xlsx(city: SimpleNamespace, clock: Any) -> None:
    numbers = planted(city)
    read = pandas.read_excel(io.BytesIO(fetched(town.phone(city.carl), form="xlsx")))
    assert list(read["案卷号"]) == numbers
    assert read["上报时间"].dtype.kind == "M"
    said = [str(text) for text in read.stack().tolist()]
    assert CODE in said and "-5℃路面结冰" in said and "=1+1" in said
    assert not [text for text in said if re.search("[\x00-\x08\x0b\x0c\ufffe\uffff]", text)]


def test_gdal_reads_a_tile(city: SimpleNamespace, clock: Any, tmp_path: Path) -> None:
    town.report(city)
    tile = tmp_path / "tile.pbf"
    tile.write_bytes(ask(desk(city.lena), "cells", 14, NEAR).content)
    (layer,) = [layer for layer in DataSource(f"MVT:{tile}") if layer.name == "cells"]
    assert {feature.get("code") for feature in layer} <= {cell.code for cell in city.cells}
    assert len(layer) > 0


def test_gdal_reads_the_outlines_that_a_phone_keeps(city: SimpleNamespace, clock: Any, tmp_path: Path) -> None:
    told = town.phone(city.ivan).get("/api/mobile/v1/city").json()["cells"]
    path = tmp_path / "cells.geojson"
    path.write_text(json.dumps(told), encoding="utf8")
    (layer,) = DataSource(path)
    codes = [each["properties"]["code"] for each in told["features"]]
    assert [feature.get("code") for feature in layer] == codes and codes
    assert all(feature.geom.geos.valid for feature in layer)
