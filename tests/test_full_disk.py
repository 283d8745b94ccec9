"""A disk without room, and a disk that has lost something: nothing half written, told in time, mended by what comes."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django_q.models import OrmQ

from cases import photos
from cases.models import Photo

from . import acts, pictures
from . import city as town
from .desk import desk

SNAP = pictures.snap()
SHA = hashlib.sha256(SNAP).hexdigest()
ORIGINAL = f"evidence/{SHA[:2]}/{SHA}"
PREVIEWS = [f"previews/{size}/{SHA[:2]}/{SHA}.webp" for size in (1280, 320)]


@pytest.fixture
def folder(settings: Any, tmp_path: Path) -> Path:
    kept = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": tmp_path}}
    settings.STORAGES = settings.STORAGES | {"default": kept}
    return tmp_path


@pytest.fixture
def tiny(folder: Path) -> Iterator[Path]:
    """The photos' folder is a disk of its own, smaller than a photo."""
    if os.geteuid():
        pytest.skip("only root can mount a small disk")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8k", "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def put(phone: Client, body: bytes = SNAP) -> Any:
    return phone.put(f"/api/mobile/v1/photos/{hashlib.sha256(body).hexdigest()}", body, content_type="image/jpeg")


def get(phone: Client, size: str) -> Any:
    return phone.get(f"/api/mobile/v1/photos/{SHA}", {"size": size})


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def work() -> None:
    """What the queue holds is done."""
    for entry in OrmQ.objects.all():
        assert entry.task["func"] == "cases.photos.shrink"
        photos.shrink(*entry.task["args"])
    OrmQ.objects.all().delete()


# No room


def test_a_photo_for_which_there_is_no_room_is_not_taken_and_nothing_of_it_is_left(
    city: SimpleNamespace, tiny: Path
) -> None:
    assert len(SNAP) > 8192 - 4096
    (tiny / "others").write_bytes(b"x" * 4096)
    phone = town.phone(city.ann)
    answer = put(phone)
    assert (answer.status_code, answer["Content-Type"]) == (507, "application/problem+json")
    assert (answer.json()["code"], answer.json()["title"]) == ("disk_full", "存储空间已满")
    assert (files(tiny), Photo.objects.count(), OrmQ.objects.count()) == (["others"], 0, 0)
    (tiny / "others").unlink()
    subprocess.run(["mount", "-o", "remount,size=1m", tiny], check=True)
    assert put(phone).status_code == 201
    assert get(phone, "original").getvalue() == SNAP


def test_a_preview_is_seen_also_where_it_cannot_be_kept(city: SimpleNamespace, tiny: Path) -> None:
    subprocess.run(["mount", "-o", "remount,size=1m", tiny], check=True)
    phone, browser = town.phone(city.ann), desk(city.ann)
    assert put(phone).status_code == 201
    with suppress(OSError), (tiny / "others").open("wb") as file:
        file.write(bytes(1 << 21))
    shown = get(phone, "1280")
    assert (shown.status_code, shown.content[:4]) == (200, b"RIFF")
    assert browser.get(f"/photo/{SHA}/320/").status_code == 200
    assert files(tiny) == sorted(["others", ORIGINAL])


def test_a_database_without_room_says_so_and_not_that_it_is_away(city: SimpleNamespace) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION pg_temp.full_disk() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$;"
            "CREATE TRIGGER full_disk BEFORE INSERT ON cases_photo EXECUTE FUNCTION pg_temp.full_disk()"
        )
    answer = put(town.phone(city.ann))
    assert (answer.status_code, answer.json()["code"]) == (507, "disk_full")


# Lost


@pytest.mark.parametrize("harm", ["lost", "cut", "other bytes"])
def test_the_same_bytes_again_bring_back_an_original(
    harm: str, city: SimpleNamespace, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    phone = town.phone(city.ann)
    assert put(phone).status_code == 201
    work()
    for name in (ORIGINAL, *PREVIEWS):
        place = folder / name
        damaged = {"lost": b"", "cut": place.read_bytes()[:99], "other bytes": bytes(len(place.read_bytes()))}[harm]
        place.unlink() if harm == "lost" else place.write_bytes(damaged)
    again = put(town.phone(city.ines))
    assert again.status_code == 200
    assert get(phone, "original").getvalue() == SNAP
    work()
    assert files(folder) == sorted([ORIGINAL, *PREVIEWS])
    assert get(phone, "320").content[:4] == b"RIFF"
    assert f"the file of photo {SHA} was lost or damaged, and came again" in caplog.messages
    assert Photo.objects.get().uploader == city.ann


def test_the_same_bytes_again_bring_back_a_preview(city: SimpleNamespace, folder: Path) -> None:
    phone = town.phone(city.ann)
    put(phone)
    work()
    (folder / PREVIEWS[0]).unlink()
    assert put(phone).status_code == 200
    work()
    assert files(folder) == sorted([ORIGINAL, *PREVIEWS])


def test_a_whole_photo_that_comes_again_costs_the_worker_nothing(city: SimpleNamespace, folder: Path) -> None:
    phone = town.phone(city.ann)
    put(phone)
    work()
    stamps = {name: (folder / name).stat().st_mtime_ns for name in files(folder)}
    assert (put(phone).status_code, OrmQ.objects.count()) == (200, 0)
    assert {name: (folder / name).stat().st_mtime_ns for name in files(folder)} == stamps


def test_a_photo_in_the_log_of_a_case_is_seen_again_after_it_was_lost(city: SimpleNamespace, folder: Path) -> None:
    """What the phone still has is all that is needed."""
    phone = town.phone(city.ann)
    put(phone)
    case = town.report(city, photos=((SHA, "near"),))
    (folder / ORIGINAL).unlink()
    browser = desk(city.carl)
    assert browser.get(f"/photo/{SHA}/320/").status_code == 404
    put(phone)
    assert browser.get(f"/photo/{SHA}/320/").status_code == 200
    assert acts.seen(phone, case)["missing"] == []
