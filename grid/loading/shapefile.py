"""Shapefiles through GDAL's own driver for them and no other, texts as bytes. Nothing here touches the database.

GDAL opens by content: a file that is named .shp may be a virtual one, which reads other files and calls hosts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from ctypes import c_char_p, c_int
from pathlib import Path
from typing import Any

from django.contrib.gis.gdal import DataSource, Driver, SpatialReference
from django.contrib.gis.gdal.libgdal import lgdal
from django.contrib.gis.gdal.prototypes import ds as gdal
from django.utils.translation import gettext as _

from .bounds import COLUMNS, weighed
from .outcome import Refused

RAW = "latin-1"  # each byte a sign, and back
PARTS = (".shp", ".shx", ".dbf", ".prj", ".cpg")
PRJ_BYTES = 16_384
# Well-known text of a system; what leads to files of shifts or to addresses is none of it
SYSTEM = re.compile(r"\s*(PROJCS|GEOGCS|PROJCRS|GEOGCRS|GEODCRS|BASEGEOGCRS)\s*\[", re.IGNORECASE)
LEADS_AWAY = re.compile(r"grids=(?!@null)|PARAMETERFILE|COORDINATEOPERATION|://|/vsi", re.IGNORECASE)

lgdal.OSRSetPROJEnableNetwork.argtypes = [c_int]
lgdal.OSRSetPROJEnableNetwork(0)  # grids of shifts are never fetched


def opened(path: Path) -> DataSource:
    """The file, with its texts undecoded: `encoding` is RAW. Raises Refused, or GDALException."""
    for part in map(path.with_suffix, PARTS):
        if part.exists():
            weighed(part)
    _weigh_system(path.with_suffix(".prj"))
    Driver.ensure_registered()
    flags = gdal.GDAL_OF_READONLY | gdal.GDAL_OF_VECTOR
    only, options = _words(b"ESRI Shapefile"), _words(b"ENCODING=")
    pointer = gdal.open_ds(str(path.absolute()).encode(), flags, only, options, None)
    return DataSource(pointer, Driver("ESRI Shapefile").ptr, encoding=RAW)


def rows(layer: Any) -> Iterator[tuple[Any, list[Any]]]:
    """Each feature with the values of its columns, in their order; texts as bytes."""
    if len(layer.fields) > COLUMNS:
        raise Refused("columns_many", _("列太多：最多 %(most)d 列") % {"most": COLUMNS})
    for feature in layer:
        values = [feature[at].value for at in range(feature.num_fields)]
        yield feature, [value.encode(RAW) if isinstance(value, str) else value for value in values]


def system(layer: Any) -> SpatialReference | None:
    """What the file declares."""
    found: SpatialReference | None = layer.srs
    return found


def _weigh_system(prj: Path) -> None:
    if not prj.is_file():
        return
    said = prj.read_bytes()[: PRJ_BYTES + 1]
    text = said.decode(RAW)
    if len(said) > PRJ_BYTES or not SYSTEM.match(text.lstrip("\xef\xbb\xbf")) or LEADS_AWAY.search(text):
        raise Refused("crs_unknown", _(".prj 里的坐标系看不懂：请在 city.json 里写明 crs，例如 EPSG:4490"))


def _words(*said: bytes) -> Any:
    return (c_char_p * (len(said) + 1))(*said, None)
