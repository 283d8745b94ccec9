"""GeoJSON (RFC 7946), read by its text alone: GDAL would follow addresses in it, and take other formats for it.

Nothing here touches the database.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.translation import gettext as _

from . import bounds
from .outcome import Refused

CRS = re.compile(r"(?:urn:ogc:def:crs:)?(?:(EPSG):[\d.]*:?(\d{4,6})|(OGC):[\d.]*:?CRS84h?)", re.IGNORECASE)


def read(text: str) -> tuple[str, list[Mapping[str, Any]]]:
    """The coordinate system that a text names, as EPSG:n or nothing, and its features. Raises Refused."""
    said = bounds.parsed(text)
    match said:
        case {"type": "FeatureCollection", "features": [*found]} if all(map(_is_feature, found)):
            return _crs(said.get("crs")), found
        case {"type": "Feature"} if _is_feature(said):
            return "", [said]
    raise Refused("not_geojson", _("不是 GeoJSON：应是由 Feature 组成的 FeatureCollection"))


def features(found: list[Mapping[str, Any]]) -> Iterator[tuple[Mapping[str, Any], str]]:
    """The properties of each, all with the same names, and its geometry as JSON, or nothing."""
    names = dict.fromkeys(name for one in found for name in one["properties"] or ())
    if len(names) > bounds.COLUMNS:
        raise Refused("columns_many", _("列太多：最多 %(most)d 列") % {"most": bounds.COLUMNS})
    for one in found:
        own = {"id": one["id"]} if isinstance(one.get("id"), str) else {}
        yield names | own | (one["properties"] or {}), json.dumps(one["geometry"]) if one.get("geometry") else ""


def _is_feature(said: Any) -> bool:
    match said:
        case {"type": "Feature", "properties": {} | None}:
            return isinstance(said.get("geometry"), dict | None)
    return False


def _crs(said: Any) -> str:
    """Numbers alone, never an address; RFC 7946 knows no other system than WGS84, and files have them all the same."""
    match said:
        case None:
            return ""
        case {"type": "name", "properties": {"name": str(name)}} if found := CRS.fullmatch(name.strip()):
            return f"EPSG:{found[2]}" if found[1] else ""
    raise Refused("crs_unknown", _("文件里的 crs 看不懂：请写成 EPSG:4490 这样的编号，或在 city.json 里写明 crs"))
