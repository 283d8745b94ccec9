"""Rows out of GeoJSON, Shapefile, CSV and JSON: their columns as text, their shape in WGS84. No database here.

A file that cannot be read at all is Refused; a shape that cannot be read is a fault of its row, so that the row's code
still counts as listed. Rows in which nothing is written are passed over, as spreadsheets leave them.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from io import StringIO
from typing import Any

from django.contrib.gis.gdal import GDALException, OGRGeometry, SpatialReference
from django.contrib.gis.geos import GEOSGeometry
from django.utils.translation import gettext as _

from ..crs import Crs
from ..models import SRID
from ..typed_text import is_blank, one_line
from . import bounds, encodings, geojson, shapefile
from .city import Source
from .outcome import Refused
from .shapes import Placing, listening, placing
from .tables import Table, any_word

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


Warn = Callable[[str, str], object]  # a code and a sentence, about the whole file


def read(source: Source, needs: Iterable[str], *, warn: Warn) -> list[Row]:
    """All rows of a file. Raises Refused where it is missing, unreadable, empty or lacks a column of `needs`."""
    if not source.path.is_file():
        raise Refused("file_missing", _("没有这个文件：city.json 里列了它"))
    reader = READERS.get(source.path.suffix.lower())
    if reader is None:
        known = {"known": _("、").join(READERS)}
        raise Refused("file_kind_unknown", _("不认识这种文件：可用 %(known)s") % known)
    bounds.weighed(source.path)
    rows = list(reader(source, warn))
    if not rows:
        raise Refused("file_empty", _("文件里一行也没有。若不想改动这一类，请从 city.json 的 files 中去掉它"))
    if missing := [column for column in needs if column not in rows[0].fields]:
        raise Refused("column_missing", _("缺少列：%(columns)s") % {"columns": _("、").join(missing)})
    return rows


def _table(source: Source, _warn: Warn) -> Iterator[Row]:
    """CSV; a shape is in a column wkt, or in lon and lat, in WGS84 unless city.json says otherwise."""
    place = placing(source.crs or Crs.WGS84, None)
    table = None
    try:
        table = Table(StringIO(_text(source), newline=""))
        for said in table.rows():
            fields = _renamed(source, said)
            fault = Refused("row_ragged", _("这一行的列比表头多")) if any_word(said.get(None, ())) else None
            yield _placed_row(source, table.line, fields, _wkt(fields), place, fault)
    except csv.Error as error:
        names = {"line": table.line if table else 1, "reason": error}
        raise Refused("file_unreadable", _("CSV 第 %(line)d 行读不下去：%(reason)s") % names) from None


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


def _objects(source: Source, _warn: Warn) -> Iterator[Row]:
    """JSON: a list of objects."""
    said = bounds.parsed(_text(source))
    if not isinstance(said, list) or not all(isinstance(one, dict) for one in said):
        raise Refused("file_unreadable", _("应是由 JSON 对象组成的列表"))
    columns = dict.fromkeys(name for one in said for name in one)
    for number, one in enumerate(said, 1):
        yield Row(source.path.name, number, _renamed(source, columns | one))


def _features(source: Source, _warn: Warn) -> Iterator[Row]:
    """GeoJSON, in WGS84 unless it or city.json says otherwise."""
    crs, found = geojson.read(_text(source))
    place = placing(source.crs or crs, SpatialReference(SRID))
    for number, (said, shape) in enumerate(geojson.features(found), 1):
        fields = _renamed(source, said)
        if shape or any(fields.values()):
            yield _placed_row(source, number, fields, shape, place, None)


def _shapes(source: Source, warn: Warn) -> Iterator[Row]:
    """A Shapefile; its texts are read by what their bytes are, unless city.json says in which encoding they are."""
    with listening() as heard:
        try:
            layer = shapefile.opened(source.path)[0]
            place = placing(source.crs, shapefile.system(layer))
            found = list(shapefile.rows(layer))
            names = [name.encode(shapefile.RAW) for name in layer.fields]
            encoding = _encoding(source, names, [values for _feature, values in found], warn)
            columns = [name.decode(encoding, "ignore") for name in names]  # a name may be cut within a sign
            for number, (feature, values) in enumerate(found, 1):
                if any(values):
                    yield _feature_row(source, number, columns, feature, values, encoding, place)
        except (GDALException, IndexError):
            reason = heard[-1] if heard else _("GDAL 打不开它")
            raise Refused("file_unreadable", _("读不出来：%(reason)s") % {"reason": reason}) from None


def _encoding(source: Source, names: list[bytes], rows: list[list[Any]], warn: Warn) -> str:
    texts = [value for values in rows for value in values if isinstance(value, bytes)]
    table = source.path.with_suffix(".dbf")
    told = encodings.declared(table) if table.is_file() else ""
    reading = encodings.decide([*texts, *names], said=source.encoding, told=told)
    if reading.doubt:
        message = _("文字按 %(encoding)s 读出，例如“%(example)s”。若不对，请在 city.json 里给这个文件写上 encoding")
        warn("encoding_guessed", message % {"encoding": encodings.title(reading.encoding), "example": reading.doubt})
    return reading.encoding


def _feature_row(
    source: Source, number: int, columns: list[str], feature: Any, values: list[Any], encoding: str, place: Placing
) -> Row:
    fault, said = None, {}
    for name, value in zip(columns, values, strict=True):
        try:
            said[name] = value.decode(encoding) if isinstance(value, bytes) else value
        except UnicodeDecodeError as error:  # the table's column was too narrow for it
            said[name] = value[: error.start].decode(encoding, "ignore")
            fault = Refused("text_cut", _("“%(column)s”列的文字被截断了半个字：请加宽这一列") % {"column": name})
    fields = _renamed(source, said)
    try:
        return Row(source.path.name, number, fields, place(feature.geom), fault)
    except GDALException:  # a feature without a geometry
        return Row(source.path.name, number, fields, None, fault)
    except Refused as refusal:
        return Row(source.path.name, number, fields, None, fault or refusal)


READERS = {".csv": _table, ".json": _objects, ".geojson": _features, ".shp": _shapes}


def _text(source: Source) -> str:
    """UTF-8, or what city.json says."""
    said = source.path.read_bytes()
    try:
        return said.decode(source.encoding or "utf-8-sig")
    except UnicodeError as error:
        start = error.start if isinstance(error, UnicodeDecodeError) else 0
        names = {"line": said.count(b"\n", 0, start) + 1, "encoding": encodings.title(source.encoding)}
        message = _("第 %(line)d 行起不是 %(encoding)s：请另存为 UTF-8，或在 city.json 里给这个文件写上 encoding")
        raise Refused("file_not_utf8", message % names) from None


def _renamed(source: Source, said: Mapping[Any, Any]) -> dict[str, str]:
    names = {name: name.strip() for name in said if name}
    return {source.columns.get(name, name): _word(said[raw]) for raw, name in names.items()}


def _word(value: Any) -> str:
    """As text in one line, without unseen signs.

    Whole numbers have no point (a table may keep codes as numbers), dates are as 2026-01-31.
    """
    if value is None:
        return ""
    if isinstance(value, (list, tuple)):
        return LIST.join(map(_word, value))
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    said = value.isoformat() if hasattr(value, "isoformat") else str(value)
    return "" if is_blank(said) else one_line(said)
