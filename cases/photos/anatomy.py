"""Where a picture ends inside its file, and what it will cost to decode, read from the bytes alone.

A decoder stops at the end of the picture and says nothing of what follows. Much of what follows is honest: phones
append a film (motion photo), a second picture (MPF, gain maps) or notes of their own. Such a trailer is kept. Only
what makes the file a second thing as well, a page, a script, a document or an archive, is refused.

The bytes are a stranger's. Each is looked at a fixed number of times, a piece at a time, so that other threads get
their turn; and the parts of a container are counted, because decoders take far longer for a part than for a byte.
Nothing here decodes, and nothing here touches the database.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from struct import error, unpack_from

from .refused import PhotoRefused

SCANS = 32  # of one JPEG; encoders write about ten, and each costs a pass over the whole picture
SEGMENTS = 1_000  # of one JPEG; the largest photo in the largest segments has some 300
NOTES = 16  # parts of which a picture has one or two, and Pillow's time for each is long
WRITTEN = (b"Exif\0\0", b"Photoshop 3.0\0")
PARTS = 10_000  # chunks or boxes; the largest photo in the smallest usual chunks has some 2,500
EXTENTS = 1_000  # pictures in one HEIC; a photo of 48 megapixels has about a hundred tiles, which share one extent
META = 4 * 2**20  # bytes of the directory of a HEIC; of a photo it has some kilobytes
PIECE = 2**16  # bytes looked at in one go

# Markup is sought in the trailer only: inside compressed pixels any few bytes turn up by chance.
MARKUP = (b"<!doctype", b"<html", b"<script", b"<svg", b"<?php", b"__halt_compiler", b"%pdf-")
REMARKABLE = re.compile(
    rb"<!doctype\s|<html[\s>]|<script[\s>]|<svg\s[^>]{0,200}xmlns|<\?php\s|__halt_compiler|%pdf-[12]\."
)
MARKUP_BYTES = 256  # that are looked at from where markup seems to begin
SEEMINGLY = 100  # beginnings that turned out to be nothing: more of them are no chance
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
    beginning = body[end : end + MARKUP_BYTES].lstrip(b"\0 \t\r\n")
    return (
        beginning.startswith(ARCHIVES)
        or b"%PDF-" in body[:PDF_STARTS_WITHIN]
        or _ends_as_zip(body[-ZIP_END - ZIP_COMMENT :])
        or _has_markup(body, end)
    )


def _has_markup(body: bytes, end: int) -> bool:
    """Whether a page or a script stands behind the picture."""
    for seen, start in enumerate(_beginnings(body, end)):
        if seen == SEEMINGLY or REMARKABLE.match(body[start : start + MARKUP_BYTES].lower()):
            return True
    return False


def _beginnings(body: bytes, end: int) -> Iterator[int]:
    """Where markup seems to begin. The pieces overlap by a word less one byte, so that none is cut."""
    for start in range(end, len(body), PIECE):
        piece = body[start : start + PIECE + max(map(len, MARKUP)) - 1].lower()
        for word in MARKUP:
            at = piece.find(word)
            while at >= 0:
                yield start + at
                at = piece.find(word, at + len(word))


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
    at, frame, per_pixel, scans, notes = 2, (0, b""), 1.0, 0, 0
    for _segment in range(SEGMENTS):
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
            at = _scan_end(body, at)
        notes += body.startswith(WRITTEN, start)
        if scans > SCANS or notes > NOTES:
            break
    raise PhotoRefused("photo_suspicious")


def _scan_end(body: bytes, at: int) -> int:
    """Where the next marker stands behind a scan that begins at `at`."""
    for start in range(at, len(body), PIECE):
        if found := AFTER_SCAN.search(body, start, start + PIECE + 1):
            return found.start()
    return len(body)


def _marker(body: bytes, at: int) -> tuple[int, int]:
    """The marker at `at`, and where what belongs to it begins. Any number of 0xFF up to a piece may fill up before."""
    if body[at] != 0xFF:
        raise PhotoRefused("photo_truncated")
    filling = body[at : at + PIECE]
    at += len(filling) - len(filling.lstrip(b"\xff"))
    if body[at] == 0xFF:
        raise PhotoRefused("photo_suspicious")
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
    at, animated, profiles = 8, False, 0
    for _part in range(PARTS):
        length, name = unpack_from(">I4s", body, at)
        at += 12 + length
        animated |= name == b"acTL"
        profiles += name == b"iCCP"
        if profiles > NOTES:
            break
        if name == b"IEND":
            return Anatomy("png", at, per_pixel=10, animated=animated)
    raise PhotoRefused("photo_suspicious")


# WebP: one RIFF container


def _webp(body: bytes) -> Anatomy:
    size, chunk, flags = unpack_from("<I4x4s4xB", body, 4)
    at, end = 12, min(8 + size, len(body))
    for _part in range(PARTS):
        if at + 8 > end:
            return Anatomy("webp", 8 + size, per_pixel=21, animated=chunk == b"VP8X" and bool(flags & 0x02))
        length = unpack_from("<4xI", body, at)[0]
        at += 8 + length + length % 2
    raise PhotoRefused("photo_suspicious")


# HEIC: boxes of ISO/IEC 14496-12, pictures of ISO/IEC 23008-12

BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1")
BOXES = (b"ftyp", b"meta", b"mdat", b"moov", b"free", b"skip", b"wide", b"uuid", b"mpvd", b"sefd", b"idat")
EXTENT = re.compile(rb"ispe.{4}(.{8})", re.DOTALL)


def _heic(body: bytes) -> Anatomy:
    at, inner = 0, 0
    for _part in range(PARTS):
        size, name = unpack_from(">I4s", body, at) if at + 8 <= len(body) else (0, b"")
        if name not in BOXES:
            return Anatomy("heic", at, per_pixel=7.4, inner=inner)
        size = {0: len(body) - at, 1: unpack_from(">Q", body, at + 8)[0] if size == 1 else 0}.get(size, size)
        if size < 8 or at + size > len(body):
            raise PhotoRefused("photo_truncated")
        if name == b"meta":
            inner = max(inner, _largest(body, at, at + size))
        at += size
    raise PhotoRefused("photo_suspicious")


def _largest(body: bytes, start: int, end: int) -> int:
    """Pixels of the largest picture that a directory names."""
    if end - start > META or body.count(b"ispe", start, end) > EXTENTS:
        raise PhotoRefused("photo_suspicious")
    extents = (unpack_from(">II", found[1]) for found in EXTENT.finditer(body, start, end))
    return max((width * height for width, height in extents), default=0)


Reader = tuple[Callable[[bytes], bool], Callable[[bytes], Anatomy]]
READERS: tuple[Reader, ...] = (
    (lambda body: body.startswith(b"\xff\xd8\xff"), _jpeg),
    (lambda body: body.startswith(b"\x89PNG\r\n\x1a\n"), _png),
    (lambda body: body.startswith(b"RIFF") and body[8:12] == b"WEBP", _webp),
    (lambda body: body[4:8] == b"ftyp" and body[8:12] in BRANDS, _heic),
)
