"""Pictures for the tests: real ones, honest oddities of real phones, and hostile ones."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import pillow_heif
from PIL import Image, ImageCms

pillow_heif.register_heif_opener()

FOLDER = Path(__file__).parents[1] / "fixtures" / "photos"
KINDS = ("jpeg", "png", "webp", "heic")


def real(name: str) -> bytes:
    return (FOLDER / name).read_bytes()


@cache
def street(width: int = 400, height: int = 300) -> Image.Image:
    """What a camera saw, so that it compresses as photos do."""
    return Image.open(FOLDER / "DSCN0010.jpg").convert("RGB").resize((width, height))


def opened(body: bytes) -> Image.Image:
    return Image.open(io.BytesIO(body)).convert("RGB")


def plain(colour: str) -> Image.Image:
    """A picture on which nothing is to be seen."""
    return Image.new("RGB", (400, 300), colour)


def saved(image: Image.Image, kind: str = "jpeg", **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, "HEIF" if kind == "heic" else kind.upper(), **options)
    return out.getvalue()


@cache
def snap(kind: str = "jpeg", **options: object) -> bytes:
    """A small photo of the street."""
    return saved(street(), kind, **options)


def arrow(orientation: int) -> bytes:
    """Wide, its upper left quarter red, as a camera writes it that was held so."""
    wide = Image.new("RGB", (64, 32), "white")
    wide.paste("red", (0, 0, 32, 16))
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = wide.transpose(undo[orientation]) if orientation in undo else wide
    return saved(stored, quality=95, subsampling=0, exif=exif([(0x0112, SHORT, [orientation])]))


# EXIF, written by hand so that it can be wrong

ASCII, SHORT, LONG, RATIONAL, UNDEFINED = 2, 3, 4, 5, 7
Tag = tuple[int, int, object]


def exif(base: Iterable[Tag] = (), camera: Iterable[Tag] = (), gps: Iterable[Tag] = ()) -> bytes:
    """A big-endian TIFF of three directories. A tag is (number, type, text, bytes or figures)."""
    base, camera, gps = list(base), list(camera), list(gps)
    start = 8 + 2 + 12 * (len(base) + 2) + 4
    written = _directory(camera, start + sum(map(_outside, base)))
    at_camera, at_gps = start + sum(map(_outside, base)), start + sum(map(_outside, base)) + len(written)
    links: list[Tag] = [(0x8769, LONG, [at_camera]), (0x8825, LONG, [at_gps])]
    whole = b"MM\0*" + struct.pack(">L", 8) + _directory([*base, *links], 8) + written + _directory(gps, at_gps)
    return b"Exif\0\0" + whole


def _directory(tags: list[Tag], at: int) -> bytes:
    entries, outside, free = b"", b"", at + 2 + 12 * len(tags) + 4
    for number, kind, value in tags:
        raw, count = _raw(kind, value)
        inside = raw.ljust(4, b"\0") if len(raw) <= 4 else struct.pack(">L", free + len(outside))
        entries += struct.pack(">HHL", number, kind, count) + inside
        outside += raw if len(raw) > 4 else b""
    return struct.pack(">H", len(tags)) + entries + b"\0\0\0\0" + outside


def _outside(tag: Tag) -> int:
    raw, _count = _raw(tag[1], tag[2])
    return len(raw) if len(raw) > 4 else 0


def _raw(kind: int, value: object) -> tuple[bytes, int]:
    if isinstance(value, str):
        value = value.encode()
    if isinstance(value, bytes):
        return (value + b"\0", len(value) + 1) if kind == ASCII else (value, len(value))
    figures = list(value)  # type: ignore[call-overload]
    width = {SHORT: "H", LONG: "L", RATIONAL: "LL"}[kind]
    flat = [part for figure in figures for part in (figure if kind == RATIONAL else (figure,))]
    return struct.pack(f">{len(figures) * width}", *flat), len(figures)


def camera(taken: str | bytes = "", offset: str | bytes = "", make: str | bytes = "", model: str | bytes = "") -> bytes:
    base = [(0x010F, ASCII, make), (0x0110, ASCII, model)]
    return exif(base, [(0x9003, ASCII, taken), (0x9011, ASCII, offset)] if offset else [(0x9003, ASCII, taken)])


def gps(lat: object, lon: object, north: str = "N", east: str = "E") -> bytes:
    """A position as degrees, minutes and seconds, each a (numerator, denominator)."""
    return exif(gps=[(1, ASCII, north), (2, RATIONAL, lat), (3, ASCII, east), (4, RATIONAL, lon)])


# What real phones append or wrap around a picture


def film() -> bytes:
    """The beginning of an MP4, as motion photos carry it after the picture."""
    return (
        struct.pack(">L4s4sL4s", 20, b"ftyp", b"isom", 512, b"mp42") + struct.pack(">L4s", 4008, b"mdat") + bytes(4000)
    )


def multi_picture() -> bytes:
    """A JPEG with a second one behind it (MPF), as phones write for gain maps and depth."""
    out = io.BytesIO()
    street().save(out, "MPO", save_all=True, append_images=[street(80, 60)])
    return out.getvalue()


def samsung() -> bytes:
    return snap() + b"\0\0\x30\x0a\x10\0\0\0MotionPhoto_Data" + film() + b"SEFH\x6b\0\0\0\x01\0\0\0" + b"SEFT"


# Hostile


def archive() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        packed.writestr("payload.html", "<p>hello</p>")
    return out.getvalue()


def hidden_archive() -> bytes:
    """A picture that is the comment of an empty archive: nothing follows its end."""
    start, rest = snap()[:2], snap()[2:]
    record = b"PK\x05\x06" + bytes(16) + struct.pack("<H", len(rest))
    return start + b"\xff\xfe" + struct.pack(">H", 2 + len(record)) + record + rest


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">L", len(content)) + name + content + struct.pack(">L", zlib.crc32(name + content))


def png(width: int, height: int, rows: bytes, *before: bytes, depth: int = 8, colour: int = 2) -> bytes:
    """A PNG that says what it is told to: `rows` are packed as they are."""
    head = chunk(b"IHDR", struct.pack(">LLBBBBB", width, height, depth, colour, 0, 0, 0))
    body = chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(before) + body + chunk(b"IEND", b"")


def bomb(width: int, height: int) -> bytes:
    """A picture of few bytes and many pixels, with alpha."""
    pack = zlib.compressobj(9)
    row = bytes(1 + 4 * width)
    rows = b"".join(pack.compress(row) for _row in range(height)) + pack.flush()
    head = chunk(b"IHDR", struct.pack(">LLBBBBB", width, height, 8, 6, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def long_text() -> bytes:
    """A chunk of a thousand bytes that unpacks to a million."""
    return chunk(b"zTXt", b"note\0\0" + zlib.compress(bytes(1_000_000), 9))


def crowded() -> bytes:
    """EXIF with sixty thousand tags that all claim the same two megabytes of junk."""
    tags = b"".join(struct.pack(">HHLL", number, UNDEFINED, 2_000_000, 0) for number in range(60_000))
    return b"MM\0*" + struct.pack(">LH", 8, 60_000) + tags + bytes(2_000_000)


def animated(kind: str) -> bytes:
    frames = [Image.new("RGB", (40, 30), colour) for colour in ("red", "green")]
    return saved(frames[0], kind, save_all=True, append_images=frames[1:], duration=100)


def framed(body: bytes, width: int, height: int) -> bytes:
    """A JPEG whose frame header lies about its size."""
    at = next(body.index(marker) for marker in (b"\xff\xc0", b"\xff\xc2") if marker in body)
    return body[: at + 5] + struct.pack(">HH", height, width) + body[at + 9 :]


def huge(kind: str, width: int, height: int, mode: str = "RGB", **options: object) -> bytes:
    """In one colour: what it costs to decode hardly depends on what it shows."""
    hurry = {"heic": {"enc_params": {"preset": "ultrafast"}, "tile_size": 512}, "webp": {"method": 0}}.get(kind, {})
    return saved(Image.new(mode, (width, height)), kind, **hurry, **options)


def extent(body: bytes, width: int, height: int) -> bytes:
    """A HEIC whose properties lie about its size."""
    at = body.index(b"ispe")
    return body[: at + 8] + struct.pack(">LL", width, height) + body[at + 16 :]


def canvas(width: int, height: int) -> bytes:
    """A WebP that promises a canvas and holds a small frame."""
    inner = snap("webp")[12:]
    head = struct.pack("<B3x", 0) + struct.pack("<L", width - 1)[:3] + struct.pack("<L", height - 1)[:3]
    content = b"WEBPVP8X" + struct.pack("<L", 10) + head + inner
    return b"RIFF" + struct.pack("<L", len(content)) + content


def endless() -> bytes:
    """A progressive JPEG whose last scan is repeated a thousand times."""
    body = snap(progressive=True)
    at = body.rindex(b"\xff\xda")
    return body[:at] + body[at:-2] * 1000 + body[-2:]


@cache
def exchanged() -> bytes:
    """A colour profile in which red is green and green is red."""
    usual = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return usual.replace(b"rXYZ", b"XXXX").replace(b"gXYZ", b"rXYZ").replace(b"XXXX", b"gXYZ")
