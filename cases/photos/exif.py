"""What a camera wrote into its photo: which way is up, when, where, with which device.

It was written by a stranger's device and perhaps changed by a stranger's hand: what cannot be read is absent, and
nothing here fails. Nothing here touches the database.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from math import isfinite
from typing import Any, TypeVar

from django.utils.timezone import get_default_timezone
from PIL import Image
from PIL.ExifTags import GPS, IFD, Base

from grid import crs
from grid.crs import Crs
from grid.vocabulary import FURTHEST_OFFSET

T = TypeVar("T")
Tags = Mapping[int, Any]

DEVICE = 80  # characters
YEARS = range(2000, 2100)  # an unset clock begins earlier
MOMENT = re.compile(  # the standard's colons; some write dashes, slashes or ISO 8601
    r"(\d{4})([:/.-])(\d\d)\2(\d\d)[ T](\d\d):(\d\d):(\d\d)(?:[.,]\d{1,9})?(Z|[+-]\d\d:?\d\d)?", re.ASCII
)
# The words of cameras for a map's datum, without what is no letter or digit, in capitals.
DATUMS = {
    "WGS84": Crs.WGS84,
    "WORLDGEODETICSYSTEM1984": Crs.WGS84,
    "CGCS2000": Crs.CGCS2000,
    "GCJ02": Crs.GCJ02,
    "BD09": Crs.BD09,
    "BD09LL": Crs.BD09,
}


@dataclass(frozen=True)
class Exif:
    """orientation: 1 to 8. taken_at: aware. point: (lon, lat) in degrees: brought to WGS84 from the datum that is
    named, as it stands where none is, or an unknown one. datum: a value of Crs, or none."""

    orientation: int = 1
    taken_at: datetime | None = None
    point: tuple[float, float] | None = None
    datum: str = ""
    device: str = ""


def read(image: Image.Image) -> Exif:
    """All that can be read, of an image that has been decoded."""
    tags = _try(image.getexif)
    if tags is None:
        return Exif()
    point, datum = _try(lambda: _point(tags.get_ifd(IFD.GPSInfo))) or (None, "")
    return Exif(
        orientation=_try(lambda: _orientation(tags)) or 1,
        taken_at=_taken_at(tags, _try(lambda: tags.get_ifd(IFD.Exif)) or {}),
        point=point,
        datum=datum,
        device=_try(lambda: _device(tags)) or "",
    )


def _try(say: Callable[[], T | None]) -> T | None:
    try:
        return say()
    except Exception:  # noqa: BLE001 -- of all that a hostile EXIF makes a parser raise, nothing may cost the photo
        return None


def _orientation(tags: Tags) -> int:
    said = tags[Base.Orientation]
    return said if said in range(1, 9) else 1


def _taken_at(base: Tags, camera: Tags) -> datetime | None:
    """When the picture was taken, else digitized, else the file written, whichever can be read first."""
    written = (
        (camera, Base.DateTimeOriginal, Base.OffsetTimeOriginal),
        (camera, Base.DateTimeDigitized, Base.OffsetTimeDigitized),
        (base, Base.DateTime, Base.OffsetTime),
    )
    for tags, said, offset in written:
        if taken := _try(lambda tags=tags, said=said: _moment(_text(tags[said]))):  # type: ignore[misc]
            zone = taken.tzinfo or _try(lambda offset=offset: _zone(_text(camera[offset])))  # type: ignore[misc]
            return taken.replace(tzinfo=zone or get_default_timezone())
    return None


def _moment(text: str) -> datetime | None:
    """With a zone where it names one. The hour 24 is the midnight that follows."""
    if not (found := MOMENT.fullmatch(text)):
        return None
    year, month, day, hour, minute, second = (int(found[n]) for n in (1, 3, 4, 5, 6, 7))
    next_day = timedelta(days=hour == 24 and not minute and not second)
    taken = datetime(
        year, month, day, 0 if next_day else hour, minute, second, tzinfo=_zone(found[8]) if found[8] else None
    )
    return taken + next_day if year in YEARS else None


def _zone(text: str) -> tzinfo | None:
    """None for what no clock on earth shows: the database takes no such offset either."""
    zone = datetime.strptime(text, "%z").tzinfo
    return zone if zone and abs(zone.utcoffset(None) or timedelta()) <= FURTHEST_OFFSET else None


def _point(tags: Tags) -> tuple[tuple[float, float], str] | None:
    """Nowhere is written as 0, 0 by phones without a fix, and a position without its hemisphere is none."""
    lon = _degrees(tags[GPS.GPSLongitude]) * {"E": 1, "W": -1}[_text(tags[GPS.GPSLongitudeRef]).upper()]
    lat = _degrees(tags[GPS.GPSLatitude]) * {"N": 1, "S": -1}[_text(tags[GPS.GPSLatitudeRef]).upper()]
    if abs(lon) > 180 or abs(lat) > 90 or not (lon or lat):
        return None
    said = _try(lambda: _text(tags[GPS.GPSMapDatum])) or ""
    datum = DATUMS.get("".join(filter(str.isalnum, said)).upper(), "")
    return (crs.to_wgs84(lon, lat, datum) if datum else (lon, lat)), datum


def _degrees(parts: tuple[Any, ...]) -> float:
    degrees, minutes, seconds = (float(part) for part in parts)
    said = degrees + minutes / 60 + seconds / 3600
    if not isfinite(said) or min(degrees, minutes, seconds) < 0:
        raise ValueError("not a position")
    return said


def _device(tags: Tags) -> str:
    """Make and model; the make once, where the model begins with it."""
    make, model = (_try(lambda tag=tag: _text(tags[tag])) or "" for tag in (Base.Make, Base.Model))  # type: ignore[misc]
    whole = model if model.lower().startswith(make.lower()) else f"{make} {model}"
    return whole[:DEVICE].strip()


def _text(said: str | bytes) -> str:
    """Up to the first null byte, as UTF-8 where it is that, without what cannot be printed."""
    raw = said.encode("latin-1") if isinstance(said, str) else said
    raw = raw.partition(b"\0")[0]
    text = _try(raw.decode) or raw.decode("latin-1")
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
