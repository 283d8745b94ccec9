"""A download of a photo that broke goes on where it was."""

from __future__ import annotations

import hashlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client

from . import city as town
from . import pictures

SNAP = pictures.snap()
SHA = hashlib.sha256(SNAP).hexdigest()
PHOTO = f"/api/mobile/v1/photos/{SHA}"
SIZE = len(SNAP)


@pytest.fixture
def ann(city: SimpleNamespace, settings: Any, tmp_path: Path) -> Client:
    """Her phone, whose photo has arrived."""
    storage = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": tmp_path}}
    settings.STORAGES = settings.STORAGES | {"default": storage}
    phone = town.phone(city.ann)
    assert phone.put(PHOTO, SNAP, content_type="image/jpeg").status_code == 201
    return phone


def part(phone: Client, size: str, **headers: str) -> Any:
    return phone.get(PHOTO, {"size": size}, headers=headers)


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("0-0", 0, 0),
        ("0-99", 0, 99),
        ("100-", 100, SIZE - 1),
        ("-7", SIZE - 7, SIZE - 1),
        (f"9-{SIZE * 2}", 9, SIZE - 1),
    ],
)
def test_a_part_of_the_original(ann: Client, asked: str, first: int, last: int) -> None:
    answer = part(ann, "original", Range=f"bytes={asked}")
    assert answer.status_code == 206
    assert answer["Content-Range"] == f"bytes {first}-{last}/{SIZE}"
    assert (answer["Content-Length"], answer["Content-Type"]) == (str(last - first + 1), "image/jpeg")
    assert answer.content == SNAP[first : last + 1]
    assert answer["Content-Disposition"].startswith("attachment")


def test_two_halves_of_a_preview_are_the_whole(ann: Client) -> None:
    whole = part(ann, "320")
    assert (whole.status_code, whole["Accept-Ranges"]) == (200, "bytes")
    half = len(whole.content) // 2
    halves = [part(ann, "320", Range=said).content for said in (f"bytes=0-{half - 1}", f"bytes={half}-")]
    assert b"".join(halves) == whole.content


def test_what_lies_beyond_the_end_is_told_with_the_length(ann: Client) -> None:
    for asked in (f"{SIZE}-", "9-8", "-0"):
        answer = part(ann, "original", Range=f"bytes={asked}")
        assert (answer.status_code, answer.json()["code"]) == (416, "range_unfit")
        assert answer["Content-Range"] == f"bytes */{SIZE}"


@pytest.mark.parametrize(
    "asked", ["bytes=0-1,3-4", "lines=0-1", "bytes=-", "bytes=x-", "bytes=--5", "bytes=1_0-", "0-1"]
)
def test_what_is_no_range_gets_the_whole(ann: Client, asked: str) -> None:
    answer = part(ann, "original", Range=asked)
    assert (answer.status_code, b"".join(answer)) == (200, SNAP)


def test_another_file_begins_anew(ann: Client) -> None:
    tag = part(ann, "original", Range="bytes=0-0")["ETag"]
    assert part(ann, "original", Range="bytes=5-", If_Range=tag).status_code == 206
    assert b"".join(part(ann, "original", Range="bytes=5-", If_Range='"another"')) == SNAP
    assert ann.head(PHOTO, {"size": "original"})["Content-Length"] == str(SIZE)
    assert part(ann, "1280", If_None_Match=part(ann, "1280")["ETag"], Range="bytes=5-").status_code == 304


def test_a_stranger_gets_no_part(ann: Client) -> None:
    assert part(Client(), "original", Range="bytes=0-1").status_code == 401
