"""A picture is decoded to its last byte, by its content, and for less than 200 MB, whatever somebody made of it."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from cases.photos import PhotoRefused, picture

from . import pictures

MEGABYTE = 1_000_000


def refusal(body: bytes) -> str:
    """The code of the refusal, or nothing."""
    try:
        picture.look(body)
    except PhotoRefused as refused:
        return refused.code
    return ""


def shown(body: bytes, size: int = 320) -> Image.Image:
    return Image.open(BytesIO(picture.previews(body, [size])[size]))


def close(colour: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    return all(abs(a - b) < 40 for a, b in zip(colour, wanted, strict=True))


@pytest.mark.parametrize("kind", pictures.KINDS)
def test_photos_of_four_kinds_are_taken_by_their_content(kind: str) -> None:
    seen = picture.look(pictures.snap(kind))
    assert (seen.kind, seen.width, seen.height) == (kind, 400, 300)


def test_photos_of_real_cameras() -> None:
    nikon = picture.look(pictures.real("DSCN0010.jpg"))
    assert (nikon.width, nikon.height, nikon.device) == (640, 480, "NIKON COOLPIX P6000")
    assert nikon.taken_at == datetime.fromisoformat("2008-10-22T16:28:39+08:00")
    assert nikon.point == pytest.approx((11.885127, 43.467448), abs=1e-6)
    iphone = picture.look(pictures.real("zPug_3.heic"))
    assert (iphone.kind, iphone.width, iphone.height, iphone.point) == ("heic", 64, 64, None)
    for orientation in (1, 3, 6, 8):
        seen = picture.look(pictures.real(f"landscape_{orientation}.jpg"))
        assert (seen.width, seen.height) == (600, 450)


@pytest.mark.parametrize("kind", pictures.KINDS)
def test_wherever_a_photo_is_cut_it_is_refused(kind: str) -> None:
    body = pictures.snap(kind)
    cuts = {len(body) - 1, len(body) - 2, *range(40, len(body), len(body) // 60)}
    assert {cut: refusal(body[:cut]) for cut in cuts if refusal(body[:cut]) != "photo_truncated"} == {}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"GIF89a",
        b"<html><body>",
        b"%PDF-1.7\n",
        b"\xff\xd8",
        b"\0" * 5000,
        pictures.saved(pictures.street(), "gif"),
        pictures.animated("gif"),
        pictures.saved(pictures.street(), "bmp"),
        pictures.saved(pictures.street(), "tiff"),
        pictures.saved(pictures.street(), "ico"),
        pictures.archive(),
        b"<html>" + pictures.snap(),
    ],
    ids=lambda body: body[:8].hex(),
)
def test_other_files_are_no_photos(body: bytes) -> None:
    assert refusal(body) == "photo_not_an_image"


@pytest.mark.parametrize("kind", ["png", "webp"])
def test_films_are_no_photos(kind: str) -> None:
    assert refusal(pictures.animated(kind)) == "photo_animated"


@pytest.mark.parametrize(
    "body",
    [
        pictures.snap() + pictures.film(),
        pictures.snap("heic") + b"\0\0\x0f\xb0mpvd" + pictures.film()[:4008],
        pictures.samsung(),
        pictures.multi_picture(),
        pictures.snap() + bytes(5000),
        pictures.snap() + b'\n{"vivo": {"watermark": 1}}',
        pictures.snap() + pictures.snap(exif=pictures.camera("2026:03:02 09:00:00")),
        pictures.snap(xmp=b'<x:xmpmeta xmlns:x="adobe:ns:meta/"/>'),
        pictures.snap(progressive=True),
        pictures.snap("png") + b"\r\n",
    ],
    ids=["motion", "heic motion", "samsung", "mpf", "padding", "notes", "gain map", "xmp", "progressive", "line end"],
)
def test_what_phones_append_is_no_reason_to_lose_a_photo(body: bytes) -> None:
    assert refusal(body) == ""
    assert shown(body).size == (320, 240)


@pytest.mark.parametrize("kind", pictures.KINDS)
@pytest.mark.parametrize(
    "other",
    [
        b"<HTML><body>",
        b"\n<!DOCTYPE  html>",
        b"..<script src=x>",
        b"<svg xmlns='http://www.w3.org/2000/svg'>",
        b"<?php system($_GET[0]);",
        b"%PDF-1.7\n",
        b"\n\nRar!\x1a\x07\x01\0",
        b"7z\xbc\xaf\x27\x1c",
        b"#!/bin/sh\n",
        pictures.archive(),
        bytes(3000) + pictures.archive(),
    ],
    ids=["html", "doctype", "script", "svg", "php", "pdf", "rar", "7z", "shell", "zip", "zip further"],
)
def test_a_photo_that_is_something_else_too_is_refused(kind: str, other: bytes) -> None:
    assert refusal(pictures.snap(kind) + other) == "photo_suspicious"


def test_what_is_hidden_inside_is_found_where_readers_would_find_it() -> None:
    assert refusal(pictures.hidden_archive()) == "photo_suspicious"
    assert refusal(pictures.snap(comment=b"%PDF-1.7")) == "photo_suspicious"
    assert refusal(pictures.endless()) == "photo_suspicious"


def test_headers_that_lie() -> None:
    honest = pictures.snap()
    assert refusal(pictures.framed(honest, 65_000, 65_000)) == "photo_too_many_pixels"
    assert refusal(pictures.framed(honest, 0, 0)) != ""
    assert refusal(pictures.canvas(16_384, 16_384)) == "photo_too_many_pixels"
    assert refusal(pictures.canvas(200, 200)) == "photo_truncated"
    assert refusal(pictures.extent(pictures.snap("heic"), 1, 1)) == "photo_truncated"
    assert refusal(pictures.extent(pictures.snap("heic"), 60_000, 60_000)) == "photo_too_many_pixels"
    assert refusal(pictures.png(65_000, 65_000, b"few")) == "photo_too_many_pixels"
    assert refusal(pictures.png(100, 100, bytes(300 * 99))) == "photo_truncated"


def test_more_pixels_than_the_city_wants(settings: object) -> None:
    settings.PHOTO_PIXELS = 400 * 300 - 1  # type: ignore[attr-defined]
    assert refusal(pictures.snap()) == "photo_too_many_pixels"


def test_the_largest_of_each_kind() -> None:
    """One that would be decoded fails for want of pixels, one too large before."""

    def png(pixels: int) -> bytes:
        return pictures.png(pixels // 1000, 1000, b"few")

    def heic(pixels: int) -> bytes:
        return pictures.extent(pictures.snap("heic"), pixels // 1000, 1000)

    def webp(pixels: int) -> bytes:
        return pictures.huge("webp", pixels // 1000, 1000)

    def jpeg(pixels: int) -> bytes:
        return pictures.framed(pictures.snap(), pixels // 1000, 1000)

    def progressive(pixels: int) -> bytes:
        return pictures.framed(pictures.snap(progressive=True, subsampling=0), pixels // 1000, 1000)

    limits = {png: 20, heic: 27, webp: 9.52, jpeg: 64, progressive: 28.5}
    for make, megapixels in limits.items():
        assert refusal(make(round(megapixels * 1_000_000 * 1.01))) == "photo_too_many_pixels", make
        assert refusal(make(round(megapixels * 1_000_000 * 0.99))) != "photo_too_many_pixels", make
    assert refusal(png(19_000_000)) != refusal(png(19_000_000) + bytes(8_000_000)) == "photo_too_many_pixels"


def test_a_huge_picture_beside_a_small_one_counts() -> None:
    album = pictures.saved(pictures.street(), "heic", save_all=True, append_images=[pictures.street(80, 64)])
    at = album.index(struct.pack(">LL", 80, 64))
    assert refusal(album) == ""
    assert refusal(album[:at] + struct.pack(">LL", 9_000, 9_000) + album[at + 8 :]) == "photo_too_many_pixels"


TAKEN: dict[str, Callable[[], bytes]] = {
    "largest png": lambda: pictures.bomb(4_400, 4_400),
    "largest webp": lambda: pictures.huge("webp", 3_300, 2_600, lossless=True),
    "largest heic": lambda: pictures.huge("heic", 5_712, 4_284),
    "largest jpeg": lambda: pictures.huge("jpeg", 8_160, 6_120),
    "progressive": lambda: pictures.huge("jpeg", 5_712, 4_284, progressive=True, subsampling=0),
    "progressive ink": lambda: pictures.huge("jpeg", 5_000, 4_000, "CMYK", progressive=True),
    "wide": lambda: pictures.huge("jpeg", 65_000, 700),
    "crowded": lambda: pictures.png(9, 9, bytes(300), pictures.chunk(b"eXIf", pictures.crowded())),
}
TOO_MANY: dict[str, Callable[[], bytes]] = {
    "bomb": lambda: pictures.bomb(7_000, 7_000),
    "heic": lambda: pictures.extent(pictures.snap("heic"), 8_064, 6_048),
    "webp": lambda: pictures.canvas(16_384, 16_384),
}
OTHERS: dict[str, Callable[[], bytes]] = {
    "text": lambda: pictures.png(9, 9, bytes(300), *[pictures.long_text()] * 90),
}
MEASURE = """
import json, os, resource, sys, warnings
import django; django.setup()
from cases.photos import PhotoRefused, picture
warnings.simplefilter("ignore")
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
for path in sys.argv[1:]:
    if not os.fork():
        body = open(path, "rb").read()
        before, said = peak(), "taken"
        try:
            for again in range(4 if "heic" in path else 1):
                picture.look(body), picture.previews(body, (320, 1280))
        except PhotoRefused as refused:
            said = refused.code
        print(json.dumps([os.path.basename(path), said, peak() - before]), flush=True)
        os._exit(0)
    os.wait()
"""


def test_no_photo_costs_more_than_200_megabytes(tmp_path: Path) -> None:
    for name, make in (TAKEN | TOO_MANY | OTHERS).items():
        (tmp_path / name).write_bytes(make())
    command = [sys.executable, "-c", MEASURE, *sorted(tmp_path.iterdir())]
    given = os.environ | {"SECRET_KEY": "for the settings"}
    done = subprocess.run(command, env=given, capture_output=True, text=True, check=True)
    measured = [json.loads(line) for line in done.stdout.splitlines()]
    assert {name for name, said, _cost in measured if said == "taken"} == TAKEN.keys()
    assert {name for name, said, _cost in measured if said == "photo_too_many_pixels"} == TOO_MANY.keys()
    assert len(measured) == len(TAKEN | TOO_MANY | OTHERS)
    assert {name: cost for name, _said, cost in measured if cost > 200 * MEGABYTE} == {}
    assert max(cost for _name, _said, cost in measured) > 100 * MEGABYTE, "the measure measures nothing"


@pytest.mark.parametrize("orientation", range(1, 9))
def test_previews_stand_upright(orientation: int) -> None:
    body = pictures.arrow(orientation)
    seen, small = picture.look(body), shown(body)
    assert (seen.width, seen.height) == small.size == (64, 32)
    assert close(small.getpixel((8, 4)), (254, 0, 0))
    assert close(small.getpixel((56, 4)), (255, 255, 255))
    assert close(small.getpixel((8, 28)), (255, 255, 255))


def test_previews_are_small_plain_and_say_nothing() -> None:
    icc, said = pictures.exchanged(), pictures.camera("2026:03:02 09:00:00", make="HUAWEI")
    made = picture.previews(pictures.saved(pictures.street(3000, 2000), exif=said, icc_profile=icc), (320, 1280))
    for size, webp in made.items():
        with Image.open(BytesIO(webp)) as image:
            assert (image.format, image.mode, max(image.size)) == ("WEBP", "RGB", size)
            assert not {"exif", "xmp", "icc_profile"} & image.info.keys()
    assert shown(pictures.saved(pictures.street(100, 50))).size == (100, 50)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_previews_of_every_mode_of_png(mode: str) -> None:
    grey = pictures.street().convert("L")
    body = (
        grey.point(lambda value: value * 256, "I").convert("I;16")
        if mode == "I;16"
        else pictures.street().convert(mode)
    )
    small = shown(pictures.saved(body, "png"))
    middle = small.convert("L").resize((1, 1)).getpixel((0, 0))
    assert (small.mode, small.size) == ("RGB", (320, 240))
    assert middle == pytest.approx(grey.resize((1, 1)).getpixel((0, 0)), abs=12)


def test_colours_are_those_that_were_seen() -> None:
    red = Image.new("RGB", (400, 300), "red")
    assert close(shown(pictures.saved(red)).getpixel((9, 9)), (254, 0, 0))
    assert close(shown(pictures.saved(red.convert("CMYK"))).getpixel((9, 9)), (254, 0, 0))
    assert close(shown(pictures.saved(red, icc_profile=pictures.exchanged())).getpixel((9, 9)), (0, 254, 0))
    broken = shown(pictures.saved(red, icc_profile=b"broken" * 40))
    assert close(broken.getpixel((9, 9)), (254, 0, 0))
    assert "icc_profile" not in broken.info
    assert close(
        shown(pictures.saved(Image.new("RGBA", (40, 30), (255, 0, 0, 0)), "png")).getpixel((9, 9)), (255, 255, 255)
    )


def test_a_thumbnail_inside_is_not_taken_for_the_photo() -> None:
    plain, with_another = pictures.snap("heic"), pictures.snap("heic", thumbnails=(360,))
    assert len(with_another) > len(plain)
    assert picture.previews(with_another, [160]) == picture.previews(plain, [160])
