"""Where a picture ends inside its file, and what it will cost to decode, read from the bytes alone.

A decoder stops at the end of the picture and says nothing of what follows. Much of what follows is honest: phones
append a film (motion photo), a second picture (MPF, gain maps) or notes of their own. Such a trailer is kept. Only
what makes the file a second thing as well, a page, a script, a document or an archive, is refused.

Nothing here decodes, and nothing here touches the database.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from struct import error, unpack_from

from .refused import PhotoRefused

SCANS = 32  # of one JPEG; encoders write about ten, and each costs a pass over the whole picture

# Markup is sought in the trailer only: inside compressed pixels any few bytes turn up by chance.
MARKUP = re.compile(
    rb"<!doctype\s+html|<html[\s>]|<script[\s>]|<svg\s[^>]{0,200}xmlns|<\?php\s|__halt_compiler|%pdf-[12]\.",
    re.IGNORECASE,
)
ARCHIVES = (b"PK\x03\x04", b"PK\x05\x06", b"Rar!\x1a\x07", b"7z\xbc\xaf\x27\x1c", b"\x1f\x8b\x08", b"#!/")
PDF_STARTS_WITHIN = 1024  # readers look no further for a document's head
ZIP_END, ZIP_COMMENT = 22, 65_535  # bytes of the last record, and of the longest comment after it


@dataclass(frozen=True)
class Anatomy:
    """What a file says of its picture.

    end: bytes up to the end of the picture. per_pixel: bytes of memory that decoding and shrinking take for each
    pixel, measured. inner: pixels of the largest picture inside, where the file can hold several.
    """

    kind: str
    end: int
    per_pixel: float
    animated: bool = False
    inner: int = 0


def dissect(body: bytes) -> Anatomy:
    """The anatomy of a picture, by its content. Raises PhotoRefused: not an image, truncated or suspicious."""
    read = next((read for looks_like, read in READERS if looks_like(body)), None)
    if read is None:
        raise PhotoRefused("photo_not_an_image")
    try:
        found = read(body)
    except (error, IndexError, ZeroDivisionError):  # the structure runs past the end, or a field makes no sense
        raise PhotoRefused("photo_truncated") from None
    if found.end > len(body):
        raise PhotoRefused("photo_truncated")
    if _is_something_else_too(body, found.end):
        raise PhotoRefused("photo_suspicious")
    return found


def _is_something_else_too(body: bytes, end: int) -> bool:
    trailer = memoryview(body)[end:]
    beginning = bytes(trailer[:256]).lstrip(b"\0 \t\r\n")
    return (
        MARKUP.search(trailer) is not None
        or beginning.startswith(ARCHIVES)
        or b"%PDF-" in body[:PDF_STARTS_WITHIN]
        or _ends_as_zip(body[-ZIP_END - ZIP_COMMENT :])
    )


def _ends_as_zip(tail: bytes) -> bool:
    """Whether the file ends with a directory of a ZIP archive, whose comment reaches exactly to the end."""
    at = tail.rfind(b"PK\x05\x06")
    while at >= 0:
        if at + ZIP_END <= len(tail) and at + ZIP_END + unpack_from("<H", tail, at + 20)[0] == len(tail):
            return True
        at = tail.rfind(b"PK\x05\x06", 0, at)
    return False


# JPEG: ITU-T T.81, annex B

EOI, SOS = 0xD9, 0xDA
FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
PROGRESSIVE = {0xC2, 0xC6, 0xCA, 0xCE}
ALONE = {0x01, *range(0xD0, 0xD9)}  # markers without a length
AFTER_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")  # neither a stuffed byte, nor a restart, nor filling


def _jpeg(body: bytes) -> Anatomy:
    at, frame, per_pixel, scans = 2, (0, b""), 1.0, 0
    while True:
        marker, at = _marker(body, at)
        if marker == EOI:
            return Anatomy("jpeg", at, per_pixel)
        if marker in ALONE:
            continue
        start, at = at + 2, at + unpack_from(">H", body, at)[0]
        if marker in FRAMES:
            frame = marker, body[start:at]
        elif marker == SOS:
            per_pixel, scans = max(per_pixel, _coefficients(*frame, body[start])), scans + 1
            if scans > SCANS:
                raise PhotoRefused("photo_suspicious")
            found = AFTER_SCAN.search(body, at)
            at = found.start() if found else len(body)


def _marker(body: bytes, at: int) -> tuple[int, int]:
    """The marker at `at`, and where what belongs to it begins. Any number of 0xFF may fill up before it."""
    if body[at] != 0xFF:
        raise PhotoRefused("photo_truncated")
    while body[at] == 0xFF:
        at += 1
    return body[at], at + 1


def _coefficients(marker: int, frame: bytes, in_scan: int) -> float:
    """Bytes a pixel that the decoder must hold back: none (1) when one scan says all, else every coefficient."""
    if marker not in PROGRESSIVE and in_scan == frame[5]:
        return 1
    sampling = [(byte >> 4, byte & 15) for byte in frame[7::3]]
    whole = max(h for h, v in sampling) * max(v for h, v in sampling)
    return 1 + 2 * sum(h * v for h, v in sampling) / whole


# PNG: chunks until IEND


def _png(body: bytes) -> Anatomy:
    at, name, animated = 8, b"", False
    while name != b"IEND":
        length, name = unpack_from(">I4s", body, at)
        at += 12 + length
        animated |= name == b"acTL"
    return Anatomy("png", at, per_pixel=10, animated=animated)


# WebP: one RIFF container


def _webp(body: bytes) -> Anatomy:
    size, chunk, flags = unpack_from("<I4x4s4xB", body, 4)
    return Anatomy("webp", 8 + size, per_pixel=21, animated=chunk == b"VP8X" and bool(flags & 0x02))


# HEIC: boxes of ISO/IEC 14496-12, pictures of ISO/IEC 23008-12

BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1")
BOXES = (b"ftyp", b"meta", b"mdat", b"moov", b"free", b"skip", b"wide", b"uuid", b"mpvd", b"sefd", b"idat")
EXTENT = re.compile(rb"ispe.{4}(.{8})", re.DOTALL)


def _heic(body: bytes) -> Anatomy:
    at, inner = 0, 0
    while at + 8 <= len(body):
        size, name = unpack_from(">I4s", body, at)
        if name not in BOXES:
            break
        size = {0: len(body) - at, 1: unpack_from(">Q", body, at + 8)[0] if size == 1 else 0}.get(size, size)
        if size < 8 or at + size > len(body):
            raise PhotoRefused("photo_truncated")
        if name == b"meta":
            extents = (unpack_from(">II", found[1]) for found in EXTENT.finditer(body, at, at + size))
            inner = max((width * height for width, height in extents), default=inner)
        at += size
    return Anatomy("heic", at, per_pixel=7.4, inner=inner)


Reader = tuple[Callable[[bytes], bool], Callable[[bytes], Anatomy]]
READERS: tuple[Reader, ...] = (
    (lambda body: body.startswith(b"\xff\xd8\xff"), _jpeg),
    (lambda body: body.startswith(b"\x89PNG\r\n\x1a\n"), _png),
    (lambda body: body.startswith(b"RIFF") and body[8:12] == b"WEBP", _webp),
    (lambda body: body[4:8] == b"ftyp" and body[8:12] in BRANDS, _heic),
)
