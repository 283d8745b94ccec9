"""What a camera wrote into its photo: which way is up, when, where, with which device.

It was written by a stranger's device and perhaps changed by a stranger's hand: what cannot be read is absent, and
nothing here fails. Nothing here touches the database.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from typing import Any, TypeVar

from django.utils.timezone import get_default_timezone
from PIL import Image
from PIL.ExifTags import GPS, IFD, Base

T = TypeVar("T")
Tags = Mapping[int, Any]

DEVICE = 80  # characters
YEARS = range(2000, 2100)  # an unset clock begins earlier


@dataclass(frozen=True)
class Exif:
    """orientation: 1 to 8. taken_at: aware. point: (lon, lat) in degrees, WGS84 as the standard has it."""

    orientation: int = 1
    taken_at: datetime | None = None
    point: tuple[float, float] | None = None
    device: str = ""


def read(image: Image.Image) -> Exif:
    """All that can be read, of an image that has been decoded."""
    tags = _try(image.getexif)
    if tags is None:
        return Exif()
    return Exif(
        orientation=_try(lambda: _orientation(tags)) or 1,
        taken_at=_try(lambda: _taken_at(tags.get_ifd(IFD.Exif))),
        point=_try(lambda: _point(tags.get_ifd(IFD.GPSInfo))),
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


def _taken_at(tags: Tags) -> datetime | None:
    """DateTimeOriginal with its offset; without one, in the city's zone."""
    taken = datetime.strptime(_text(tags[Base.DateTimeOriginal]), "%Y:%m:%d %H:%M:%S")  # noqa: DTZ007 -- zone follows
    zone = _try(lambda: datetime.strptime(_text(tags[Base.OffsetTimeOriginal]), "%z").tzinfo)
    return taken.replace(tzinfo=zone or get_default_timezone()) if taken.year in YEARS else None


def _point(tags: Tags) -> tuple[float, float] | None:
    """Nowhere is written as 0, 0 by phones without a fix, and a position without its hemisphere is none."""
    lon = _degrees(tags[GPS.GPSLongitude]) * {"E": 1, "W": -1}[_text(tags[GPS.GPSLongitudeRef]).upper()]
    lat = _degrees(tags[GPS.GPSLatitude]) * {"N": 1, "S": -1}[_text(tags[GPS.GPSLatitudeRef]).upper()]
    return (lon, lat) if abs(lon) <= 180 and abs(lat) <= 90 and (lon or lat) else None


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
