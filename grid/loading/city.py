r"""city.json: which city a folder describes, and how its files are to be read. Nothing here touches the database.

    {"name": "试验区", "districts": ["654321"],
     "centre": [87.6, 43.8],         # lon, lat: what lies far from it is refused
     "crs": "EPSG:4490",             # of all files; what is said here is believed before what a file declares
     "cell_code": "^\\d{15}$",          # in place of settings.CELL_CODE
     "component_code": "^LP-",       # in place of the standard's: district, major, sub, number
     "cell_area_m2": [5000, 40000],  # outside of it a cell is warned of
     "tolerance_m2": 1,
     "files": {"areas": "areas.csv",
               "cells": {"file": "cells.shp", "crs": "gcj02", "encoding": "GBK", "columns": {"code": "BGID"}}},
     "base_map": "roads.geojson", "attribution": "…"}  # the lines under the map, and of whom they are

The kinds of files are area_shapes and those of `kinds.KINDS`. Other entries are other readers'.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from ..crs import Position
from ..typed_text import one_line
from . import bounds, encodings, patterns
from .outcome import Refused

NAME = "city.json"
ELSEWHERE = {"duties"}  # read by `cases`, from the same folder


@dataclass(frozen=True)
class Source:
    """One file, its coordinate system and encoding where city.json says them, and our names for its columns."""

    path: Path
    crs: str = ""
    encoding: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class City:
    """What city.json says. Codes are the city's own when they begin with one of its districts'."""

    name: str
    districts: tuple[str, ...]
    cell_code: re.Pattern[str]
    component_code: re.Pattern[str] | None
    cell_area_m2: tuple[float, float]  # a cell outside of it is odd, not wrong
    tolerance_m2: float  # overlaps and gaps up to this are the noise of digitising
    sources: Mapping[str, Source]
    base_map: Source | None = None
    attribution: str = ""  # of whom the base map is
    centre: Position | None = None

    def holds(self, code: str) -> bool:
        return code.startswith(self.districts)


def read_city(folder: Path, kinds: Iterable[str]) -> City:
    """The city that a folder's city.json describes, with the files it names for `kinds`. Raises Refused."""
    said = _json(folder / NAME)
    try:
        return City(
            name=_line(said["name"]),
            districts=_districts(said["districts"]),
            cell_code=patterns.compiled(said.get("cell_code", "")),
            component_code=patterns.compiled(own) if (own := said.get("component_code")) else None,
            cell_area_m2=_band(said.get("cell_area_m2", (0, float("inf")))),
            tolerance_m2=float(said.get("tolerance_m2", 1)),
            sources=_sources(folder, said, kinds),
            base_map=_source(folder, base, said.get("crs", "")) if (base := said.get("base_map")) else None,
            attribution=_line(said.get("attribution", "")),
            centre=_centre(said["centre"]) if said.get("centre") else None,
        )
    except KeyError as missing:
        raise Refused("city_invalid", _("city.json 缺少 %(key)s") % {"key": missing}) from None
    except (TypeError, ValueError, AttributeError, OverflowError, re.error) as error:
        raise Refused("city_invalid", _("city.json 的内容不对：%(reason)s") % {"reason": error}) from None


def _json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise Refused("city_missing", _("没有找到 %(path)s：城市文件夹里要有一份 city.json") % {"path": path})
    try:
        said = bounds.parsed(bounds.weighed(path).read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError as error:
        raise Refused("city_invalid", _("city.json 不是 UTF-8 的 JSON：%(reason)s") % {"reason": error}) from None
    except Refused as refusal:
        raise Refused("city_invalid", _("city.json 不是 UTF-8 的 JSON：%(reason)s") % {"reason": refusal}) from None
    if not isinstance(said, dict):
        raise Refused("city_invalid", _("city.json 应是一个 JSON 对象"))
    return said


def _districts(codes: Any) -> tuple[str, ...]:
    """Never none: a city without districts would hold every row of the database, or no row."""
    wide = settings.AREA_WIDTHS[0]
    if (
        isinstance(codes, list)
        and codes
        and all(re.fullmatch(rf"[0-9A-Za-z_.-]{{{wide}}}", str(code)) for code in codes)
    ):
        return tuple(str(code) for code in codes)
    raise ValueError(_("districts 应列出 %(wide)d 位的最上级区域代码，至少一个") % {"wide": wide})


def _centre(said: Any) -> Position:
    lon, lat = map(float, said)
    if not (abs(lon) <= 180 and abs(lat) <= 90):
        raise ValueError(_("centre 应写成 [经度, 纬度]"))
    return lon, lat


def _band(said: Any) -> tuple[float, float]:
    least, most = said
    return float(least), float(most)


def _sources(folder: Path, said: dict[str, Any], kinds: Iterable[str]) -> dict[str, Source]:
    files = said["files"]
    if unknown := set(files) - set(kinds) - ELSEWHERE:
        raise ValueError(_("files 里有不认识的项：%(names)s") % {"names": _("、").join(sorted(unknown))})
    return {kind: _source(folder, files[kind], said.get("crs", "")) for kind in kinds if kind in files}


def _source(folder: Path, named: str | dict[str, Any], crs: str) -> Source:
    named = {"file": named} if isinstance(named, str) else named
    crs = named.get("crs", crs)
    if not isinstance(crs, str):
        raise ValueError(_("crs 应是一段文字，例如 EPSG:4490"))
    columns = {theirs: ours for ours, theirs in named.get("columns", {}).items()}
    encoding = encodings.known(named["encoding"]) if named.get("encoding") else ""
    return Source(bounds.inside(folder, named["file"]), crs, encoding, columns)


def _line(said: Any) -> str:
    """A name for people, without what cannot be kept: unseen signs and half ones."""
    return one_line(str(said).encode("utf-8", "ignore").decode())
