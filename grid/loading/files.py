"""Rows out of GeoJSON, Shapefile, CSV and JSON: their columns as text, their shape in WGS84. No database here.

A file that cannot be read at all is Refused; a shape that cannot be read is a fault of its row, so that the row's code
still counts as listed.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from django.contrib.gis.gdal import DataSource, GDALException, OGRGeometry
from django.contrib.gis.geos import GEOSGeometry
from django.utils.translation import gettext as _

from ..crs import Crs
from .city import Source
from .outcome import Refused
from .shapes import Placing, listening, placing

LIST = "|"  # between the values of one cell of a table


@dataclass(frozen=True)
class Row:
    """One row: its number is the line in a CSV file, the place of the feature or object, from 1, in the others."""

    file: str
    number: int
    fields: Mapping[str, str]
    shape: GEOSGeometry | None = None
    fault: Refused | None = None

    def list(self, column: str) -> list[str]:
        """The values of a column that holds several, each once, in their order."""
        said = (value.strip() for value in self.fields.get(column, "").split(LIST))
        return list(dict.fromkeys(value for value in said if value))


def read(source: Source, needs: Iterable[str]) -> list[Row]:
    """All rows of a file. Raises Refused where it is missing, unreadable, empty or lacks a column of `needs`."""
    if not source.path.is_file():
        raise Refused("file_missing", _("没有这个文件：city.json 里列了它"))
    reader = READERS.get(source.path.suffix.lower(), _features)
    rows = list(reader(source))
    if not rows:
        raise Refused("file_empty", _("文件里一行也没有。若不想改动这一类，请从 city.json 的 files 中去掉它"))
    if missing := [column for column in needs if column not in rows[0].fields]:
        raise Refused("column_missing", _("缺少列：%(columns)s") % {"columns": _("、").join(missing)})
    return rows


def _table(source: Source) -> Iterator[Row]:
    """CSV; a shape is in a column wkt, or in lon and lat, in WGS84 unless city.json says otherwise."""
    reader = csv.DictReader(StringIO(_text(source.path), newline=""), strict=True)
    place = placing(source.crs or Crs.WGS84, None)
    try:
        for said in reader:
            fields = _renamed(source, said)
            fault = Refused("row_ragged", _("这一行的列比表头多")) if None in said else None
            yield _placed_row(source, reader.line_num, fields, _wkt(fields), place, fault)
    except csv.Error as error:
        raise Refused("file_unreadable", _("CSV 第 %(line)d 行读不下去：%(reason)s") % _at(reader, error)) from None


def _at(reader: Any, error: Exception) -> dict[str, Any]:
    return {"line": reader.line_num, "reason": error}


def _wkt(fields: Mapping[str, str]) -> str:
    if wkt := fields.get("wkt", ""):
        return wkt
    lon, lat = fields.get("lon", ""), fields.get("lat", "")
    return f"POINT ({lon} {lat})" if lon or lat else ""


def _placed_row(
    source: Source, number: int, fields: dict[str, str], wkt: str, place: Placing, fault: Refused | None
) -> Row:
    shape = None
    if wkt and not fault:
        try:
            with listening():
                drawn = OGRGeometry(wkt)
            shape = place(drawn)
        except (GDALException, ValueError):
            fault = Refused("shape_unreadable", _("坐标读不出来：%(wkt)s") % {"wkt": wkt[:80]})
        except Refused as refusal:
            fault = refusal
    return Row(source.path.name, number, fields, shape, fault)


def _objects(source: Source) -> Iterator[Row]:
    """JSON: a list of objects."""
    try:
        said = json.loads(_text(source.path))
    except ValueError as error:
        raise Refused("file_unreadable", _("读不出来：%(reason)s") % {"reason": error}) from None
    if not isinstance(said, list) or not all(isinstance(one, dict) for one in said):
        raise Refused("file_unreadable", _("应是由 JSON 对象组成的列表"))
    columns = dict.fromkeys(name for one in said for name in one)
    for number, one in enumerate(said, 1):
        yield Row(source.path.name, number, _renamed(source, columns | one))


def _features(source: Source) -> Iterator[Row]:
    """Whatever GDAL reads: GeoJSON, Shapefile (text in the encoding that its .cpg names), GeoPackage."""
    if source.path.suffix.lower() == ".geojson":
        _text(source.path)
    with listening() as heard:
        try:
            layers = DataSource(source.path)
            layer = layers[0]
            place = placing(source.crs, layer.srs)
            for number, feature in enumerate(layer, 1):
                fields = _renamed(source, {name: feature.get(name) for name in layer.fields})
                yield _feature_row(source, number, fields, feature, place)
        except (GDALException, IndexError):
            reason = heard[-1] if heard else _("GDAL 打不开它")
            raise Refused("file_unreadable", _("读不出来：%(reason)s") % {"reason": reason}) from None
        except UnicodeDecodeError:
            raise Refused("file_not_utf8", _("文字不是 UTF-8：请在旁边的 .cpg 文件里写明编码，例如 GBK")) from None


def _feature_row(source: Source, number: int, fields: dict[str, str], feature: Any, place: Placing) -> Row:
    try:
        return Row(source.path.name, number, fields, place(feature.geom))
    except GDALException:  # a feature without a geometry
        return Row(source.path.name, number, fields)
    except Refused as fault:
        return Row(source.path.name, number, fields, None, fault)


READERS = {".csv": _table, ".json": _objects}


def _text(path: Path) -> str:
    said = path.read_bytes()
    try:
        return said.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = said.count(b"\n", 0, error.start) + 1
        raise Refused("file_not_utf8", _("第 %(line)d 行起不是 UTF-8：请另存为 UTF-8") % {"line": line}) from None


def _renamed(source: Source, said: Mapping[str, Any]) -> dict[str, str]:
    names = {name: name.strip() for name in said if name}
    return {source.columns.get(name, name): _word(said[raw]) for raw, name in names.items()}


def _word(value: Any) -> str:
    """As text: whole numbers without a point (a table may keep codes as numbers), dates as 2026-01-31."""
    if value is None:
        return ""
    if isinstance(value, (list, tuple)):
        return LIST.join(map(_word, value))
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value.isoformat() if hasattr(value, "isoformat") else str(value).strip()
