"""What a photo may cost: work by its bytes and no more, memory within bounds, and never all threads of the server."""

from __future__ import annotations

import hashlib
import struct
import sys
import tracemalloc
import zlib
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace

import pytest

from cases import photos
from cases.photos import anatomy, hands
from cases.photos.refused import PhotoRefused

from . import city as town
from . import pictures
from .desk import desk

PHOTOS = "/api/mobile/v1/photos"
SNAP = pictures.snap()
SIZE = 6_000_000


@pytest.fixture(autouse=True)
def folder(settings, tmp_path: Path) -> Path:
    """Where this test's photos are kept."""
    settings.STORAGES = settings.STORAGES | {
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": tmp_path}}
    }
    return tmp_path


def sha(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def put(phone, body: bytes):
    return phone.put(f"{PHOTOS}/{sha(body)}", body, content_type="image/jpeg")


def segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, 2 + len(content)) + content


def riff(chunks: bytes) -> bytes:
    body = b"WEBP" + pictures.snap("webp")[12:] + chunks
    return b"RIFF" + struct.pack("<L", len(body)) + body


def behind_the_start(filling: bytes, kind: str = "jpeg") -> bytes:
    """A photo with something between its head and all that follows."""
    body, at = pictures.snap(kind), {"jpeg": 2, "png": 33}[kind]
    return body[:at] + filling + body[at:]


def profile() -> bytes:
    return pictures.chunk(b"iCCP", b"name\0\0" + zlib.compress(bytes(900_000), 9))


HOSTILE: dict[str, Callable[[], bytes]] = {
    "seemingly pages": lambda: SNAP + b"<svg " * (SIZE // 5),
    "a page far behind": lambda: SNAP + b"<?xml" * (SIZE // 5) + b"<svg width='1' xmlns='x'>",
    "empty segments": lambda: behind_the_start(segment(0xFE, b"") * (SIZE // 4)),
    "empty markers": lambda: behind_the_start(b"\xff\x01" * (SIZE // 2)),
    "filling": lambda: behind_the_start(b"\xff" * SIZE),
    "EXIF again and again": lambda: behind_the_start(segment(0xE1, b"Exif\0\0" + bytes(6_000)) * (SIZE // 6_000)),
    "empty chunks": lambda: behind_the_start(pictures.chunk(b"teSt", b"") * (SIZE // 12), "png"),
    "profiles": lambda: behind_the_start(profile() * 2_000, "png"),
    "boxes": lambda: pictures.snap("heic") + struct.pack(">L4s", 8, b"free") * (SIZE // 8),
    "extents": lambda: pictures.snap("heic") + struct.pack(">L4s", 8 + SIZE, b"meta") + b"ispe" * (SIZE // 4),
    "RIFF chunks": lambda: riff(b"teSt\0\0\0\0" * (SIZE // 8)),
}
HARMLESS: dict[str, Callable[[], bytes]] = {
    "stuffed": lambda: SNAP[:-2] + b"\xff\x00" * (SIZE // 2) + SNAP[-2:],
    "filled scan": lambda: SNAP[:-2] + b"\xff" * SIZE + SNAP[-2:],
    "brackets": lambda: SNAP + b"<" * SIZE,
    "half words": lambda: SNAP + b"<!doctyp" * (SIZE // 8),
}


def refusal(body: bytes) -> str:
    """The code by which the container is refused, or nothing."""
    try:
        anatomy.dissect(body)
    except PhotoRefused as refused:
        return refused.code
    return ""


def steps(act: Callable[[], object]) -> int:
    """How many functions were called meanwhile, ours and those of the interpreter."""
    calls = 0

    def count(_frame: object, event: str, _what: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        act()
    finally:
        sys.setprofile(before)
    return calls


@pytest.mark.parametrize("name", HOSTILE | HARMLESS)
def test_a_container_is_walked_in_few_steps_and_little_memory(name: str) -> None:
    body = (HOSTILE | HARMLESS)[name]()
    tracemalloc.start()
    try:
        said = refusal(body)
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert said == ("photo_suspicious" if name in HOSTILE else "")
    assert peak < 2_000_000
    assert steps(lambda: refusal(body)) < 100_000


@pytest.mark.parametrize("name", HOSTILE)
def test_a_photo_built_to_cost_time_is_refused(city: SimpleNamespace, name: str) -> None:
    answer = put(town.phone(city.ann), HOSTILE[name]())
    assert (answer.status_code, answer.json()["code"]) == (422, "photo_suspicious")


def test_as_many_parts_as_honest_photos_have_are_taken() -> None:
    """The largest photo in segments and chunks of the usual sizes; notes as programs leave them."""
    segments = behind_the_start(segment(0xE2, bytes(65_500)) * 300)
    chunks = behind_the_start(pictures.chunk(b"teSt", bytes(8_192)) * 2_400, "png")
    notes = behind_the_start(segment(0xE1, b"Exif\0\0" + bytes(60_000)) * 8 + segment(0xED, b"Photoshop 3.0\0") * 6)
    assert [refusal(body) for body in (segments, chunks, notes)] == ["", "", ""]


# Threads


@pytest.fixture
def busy(settings):
    """Every hand of this process works on somebody's slow photo."""
    settings.PHOTO_WAIT_S = 0.01
    with ExitStack() as taken:
        for _hand in range(settings.PHOTO_HANDS):
            taken.enter_context(hands.hand())
        yield taken


def test_fewer_photos_are_decoded_at_a_time_than_a_server_has_threads(settings) -> None:
    front = Path(settings.BASE_DIR, "backend", "front.py").read_text()
    assert int(front.partition('"WEB_THREADS", "')[2].partition('"')[0]) > settings.PHOTO_HANDS


def test_slow_photos_leave_threads_for_others(city: SimpleNamespace, busy: ExitStack, settings) -> None:
    phone = town.phone(city.ann)
    answer = put(phone, SNAP)
    assert (answer.status_code, answer.json()["code"], answer["Retry-After"]) == (503, "photo_busy", "2")
    assert phone.get("/api/mobile/v1/me").status_code == 200
    busy.close()
    assert put(phone, SNAP).status_code == 201


def test_a_preview_that_is_made_needs_no_hand_and_one_that_is_not_waits(city: SimpleNamespace, settings) -> None:
    phone, browser, other = town.phone(city.ann), desk(city.ann), pictures.snap("png")
    assert [put(phone, body).status_code for body in (SNAP, other)] == [201, 201]
    photos.shrink(sha(SNAP))
    settings.PHOTO_WAIT_S = 0.01
    with ExitStack() as taken:
        for _hand in range(settings.PHOTO_HANDS):
            taken.enter_context(hands.hand())
        assert phone.get(f"{PHOTOS}/{sha(SNAP)}", {"size": "320"}).status_code == 200
        answer = phone.get(f"{PHOTOS}/{sha(other)}", {"size": "320"})
        assert (answer.status_code, answer.json()["code"], answer["Retry-After"]) == (503, "photo_busy", "2")
        shown = browser.get(f"/photo/{sha(other)}/320/")
        assert (shown.status_code, shown["Content-Type"], shown["Retry-After"]) == (503, "image/svg+xml", "2")
        assert "正在处理的照片太多" in shown.content.decode()
    assert phone.get(f"{PHOTOS}/{sha(other)}", {"size": "320"}).status_code == 200


def test_a_refused_photo_gives_its_hand_back(city: SimpleNamespace, settings) -> None:
    settings.PHOTO_WAIT_S = 0.01
    phone = town.phone(city.ann)
    for cut in range(settings.PHOTO_HANDS + 1):
        assert put(phone, SNAP[: -100 - cut]).json()["code"] == "photo_truncated"
    assert put(phone, SNAP).status_code == 201
