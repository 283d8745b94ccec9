"""A photo is sent, kept as evidence, shown small to those who see the case, and as it came to few."""

from __future__ import annotations

import errno
import hashlib
import logging
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Barrier
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.gis.geos import Point
from django.db import connection, transaction
from django.test import Client
from django_q.models import OrmQ

from cases import docket, photos
from cases.flow import Facts, Purpose, Verb
from cases.models import Photo
from cases.photos import PhotoRefused
from grid.crs import from_wgs84
from grid.models import Officer
from grid.moment import now

from . import city as town
from . import pictures
from .desk import desk

PHOTOS = "/api/mobile/v1/photos"
SNAP = pictures.snap()
SHA = hashlib.sha256(SNAP).hexdigest()


@pytest.fixture(autouse=True)
def folder(settings, tmp_path: Path) -> Path:
    """Where this test's photos are kept."""
    settings.STORAGES = settings.STORAGES | {
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": tmp_path}}
    }
    return tmp_path


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def previews() -> list[str]:
    return [f"previews/{size}/{SHA[:2]}/{SHA}.webp" for size in (1280, 320)]


def sha(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def put(phone: Client, body: bytes, name: str | None = None, **headers: str):
    return phone.put(f"{PHOTOS}/{name or sha(body)}", body, content_type="image/jpeg", headers=headers)


def get(phone: Client, size: str | int, name: str = SHA, **headers: str):
    return phone.get(f"{PHOTOS}/{name}", {"size": size}, headers=headers)


@pytest.fixture
def phones(city: SimpleNamespace):
    """The phone on which somebody has logged in."""
    return lambda name: town.phone(getattr(city, name))


def queued() -> list[tuple[str, tuple]]:
    return [(entry.task["func"], entry.task["args"]) for entry in OrmQ.objects.all()]


# Sending


def test_an_inspector_sends_a_photo(city: SimpleNamespace, phones, clock, folder: Path) -> None:
    answer = put(phones("ann"), SNAP)
    assert answer.status_code == 201
    assert answer.json() == {
        "sha256": SHA,
        "kind": "jpeg",
        "size": len(SNAP),
        "width": 400,
        "height": 300,
        "taken_at": None,
        "received_at": "2026-03-02T01:00:00Z",
    }
    assert files(folder) == [f"evidence/{SHA[:2]}/{SHA}"]
    assert (folder / f"evidence/{SHA[:2]}/{SHA}").read_bytes() == SNAP
    assert queued() == [("cases.photos.shrink", (SHA,))]


def test_the_same_bytes_are_the_same_photo_whoever_sends_them(city: SimpleNamespace, phones, folder: Path) -> None:
    assert [put(phones(name), SNAP).status_code for name in ("ann", "ann", "ines")] == [201, 200, 200]
    assert Photo.objects.get().uploader == city.ann
    assert len(files(folder)) == len(queued()) == 1


def test_what_the_camera_wrote_goes_to_columns(city: SimpleNamespace) -> None:
    body = pictures.real("DSCN0010.jpg")
    photo, _new = photos.keep(sha(body), body, by=city.ann)
    photo.refresh_from_db()
    assert (photo.kind, photo.size, photo.device) == ("jpeg", len(body), "NIKON COOLPIX P6000")
    assert photo.taken_at.isoformat() == "2008-10-22T08:28:39+00:00"
    assert photo.point.coords == pytest.approx((11.885127, 43.467448), abs=1e-6)


@pytest.mark.parametrize(
    ("body", "name", "status", "code"),
    [
        (SNAP, "0" * 64, 422, "photo_hash_mismatch"),
        (SNAP, SHA.upper(), 422, "invalid"),
        (SNAP, SHA[:-1], 422, "invalid"),
        (b"", None, 422, "photo_empty"),
        (SNAP[:-100], None, 422, "photo_truncated"),
        (b"<html>", None, 422, "photo_not_an_image"),
        (SNAP + pictures.archive(), None, 422, "photo_suspicious"),
    ],
)
def test_what_is_no_photo_is_refused_with_a_reason(
    phones, folder: Path, body: bytes, name: str | None, status: int, code: str
) -> None:
    answer = put(phones("ann"), body, name)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer["Content-Type"] == "application/problem+json"
    assert (Photo.objects.count(), files(folder), queued()) == (0, [], [])


def test_a_refusal_is_said_in_the_readers_language(phones) -> None:
    assert "SHA-256 不符" in put(phones("ann"), SNAP, "0" * 64).json()["detail"]


def test_a_body_too_large_is_refused_unread(phones, settings, monkeypatch: pytest.MonkeyPatch) -> None:
    phone = phones("ann")
    settings.PHOTO_BYTES = len(SNAP) - 1
    monkeypatch.setattr("django.http.HttpRequest.body", property(lambda request: pytest.fail("the body was read")))
    answer = put(phone, SNAP)
    assert (answer.status_code, answer.json()["code"]) == (413, "photo_too_large")


def test_nobody_sends_without_a_login_and_administrators_not_at_all(phones) -> None:
    assert put(Client(), SNAP).status_code == 401
    assert put(phones("adam"), SNAP).status_code == 403


def test_a_report_may_come_before_its_photos(city: SimpleNamespace) -> None:
    photos.keep(SHA, SNAP, by=city.ann)
    assert photos.missing(["a" * 64, SHA, "b" * 64, "a" * 64]) == ["a" * 64, "b" * 64]


# When something breaks


def test_what_fails_half_way_leaves_no_photo_and_can_be_tried_again(
    city: SimpleNamespace, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(handle: int) -> None:
        raise OSError(errno.EIO, "the disk is broken")

    with monkeypatch.context() as disk:
        disk.setattr(os, "fsync", broken)
        with pytest.raises(OSError, match="broken"):
            photos.keep(SHA, SNAP, by=city.ann)
    assert files(folder) == []
    (folder / f"evidence/{SHA[:2]}/{SHA}").write_bytes(SNAP[:100])  # as a machine leaves it that lost its power
    assert (Photo.objects.count(), queued()) == (0, [])
    assert photos.keep(SHA, SNAP, by=city.ann)[1]
    assert files(folder) == [f"evidence/{SHA[:2]}/{SHA}"]
    assert (folder / files(folder)[0]).read_bytes() == SNAP


def test_the_photo_and_its_task_come_together_or_not_at_all(city: SimpleNamespace) -> None:
    with transaction.atomic():
        photos.keep(SHA, SNAP, by=city.ann)
        assert (Photo.objects.count(), len(queued())) == (1, 1)
        transaction.set_rollback(True)
    assert (Photo.objects.count(), queued()) == (0, [])


def together(act: Callable[[], Any], hands: int = 20) -> list[Any]:
    """Many threads, each with a connection of its own, at the same moment."""
    start = Barrier(hands, timeout=30)

    def one() -> Any:
        try:
            start.wait()
            return act()
        finally:
            connection.close()

    with ThreadPoolExecutor(hands) as pool:
        return [future.result() for future in [pool.submit(one) for _hand in range(hands)]]


@pytest.mark.django_db(transaction=True)
def test_twenty_phones_send_one_photo_and_twenty_look_at_it(folder: Path, settings) -> None:
    settings.PHOTO_WAIT_S = 60
    city = town.build()
    new = together(lambda: photos.keep(SHA, SNAP, by=city.ann)[1])
    assert sorted(new) == [False] * 19 + [True]
    assert files(folder) == [f"evidence/{SHA[:2]}/{SHA}"]
    assert (Photo.objects.count(), len(queued())) == (1, 1)
    assert len(set(together(lambda: photos.preview(SHA, 320, to=city.ann)))) == 1
    assert files(folder) == sorted([f"evidence/{SHA[:2]}/{SHA}", *previews()])


# Small pictures


def test_the_worker_makes_previews_once(city: SimpleNamespace, folder: Path, clock) -> None:
    photos.keep(SHA, SNAP, by=city.ann)
    photos.shrink(SHA)
    made = [(folder / name).stat().st_mtime_ns for name in previews()]
    assert Photo.objects.get().shrunk_at == now()
    photos.shrink(SHA)
    assert made == [(folder / name).stat().st_mtime_ns for name in previews()]


def test_half_a_preview_of_a_killed_worker_is_replaced(city: SimpleNamespace, folder: Path) -> None:
    photos.keep(SHA, SNAP, by=city.ann)
    for name in previews():
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_bytes(b"RIFF")
    photos.shrink(SHA)
    assert len(files(folder)) == 3
    assert all((folder / name).stat().st_size > 100 for name in previews())


def test_a_preview_is_there_before_the_worker_and_after_a_clean_up(phones, folder: Path) -> None:
    phone = phones("ann")
    put(phone, SNAP)
    first = get(phone, 320)
    assert (first.status_code, first["Content-Type"]) == (200, "image/webp")
    (folder / previews()[1]).unlink()
    assert get(phone, 320).content == first.content


def test_a_photo_whose_file_the_disk_lost_is_told_as_lost(
    city: SimpleNamespace, phones, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    phone, browser = phones("ann"), desk(city.ann)
    put(phone, SNAP)
    evidence = folder / f"evidence/{SHA[:2]}/{SHA}"
    for harm in (lambda: evidence.write_bytes(SNAP[:99]), evidence.unlink):
        harm()
        assert [get(phone, 320).status_code, get(phone, 320).json()["code"]] == [404, "photo_lost"]
        shown = browser.get(f"/photo/{SHA}/320/")
        assert (shown.status_code, shown["Content-Type"]) == (404, "image/svg+xml")
        assert "照片文件丢失" in shown.content.decode()
    assert (get(phone, "original").status_code, browser.get(f"/photo/{SHA}/original/").status_code) == (404, 404)
    assert f"the file of photo {SHA} is lost or damaged" in caplog.messages


def test_the_sweep_finds_what_the_queue_forgot(city: SimpleNamespace, folder: Path, clock) -> None:
    other = pictures.snap("png")
    photos.keep(SHA, SNAP, by=city.ann)
    assert photos.sweep() == 0, "the queue has not had its turn"
    clock.shift(timedelta(minutes=3))
    photos.keep(sha(other), other, by=city.ann)
    assert photos.sweep() == 1
    assert len(files(folder)) == 4


def test_a_photo_that_cannot_be_shrunk_keeps_no_other_and_is_left_alone_after_a_day(
    city: SimpleNamespace, folder: Path, clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(photos, "SWEEP_AT_ONCE", 1)
    other = pictures.snap("png")
    photos.keep(SHA, SNAP, by=city.ann)
    clock.shift(timedelta(seconds=1))
    photos.keep(sha(other), other, by=city.ann)
    (folder / f"evidence/{SHA[:2]}/{SHA}").write_bytes(b"the disk forgot it")
    clock.shift(timedelta(minutes=3))
    assert photos.sweep() == 1
    assert list(Photo.objects.filter(shrunk_at=None)) == [Photo.objects.get(pk=SHA)]
    clock.shift(timedelta(hours=24))
    (folder / f"evidence/{SHA[:2]}/{SHA}").write_bytes(SNAP)
    assert photos.sweep() == 0


# Who sees what


@pytest.fixture
def case(city: SimpleNamespace, clock):
    """Ann reports with a photo; it lies with the roads department, and shows in the case's log."""
    photos.keep(SHA, SNAP, by=city.ann)
    return town.report(city, photos=((SHA, Purpose.NEAR),))


def test_those_who_see_the_case_see_its_photos(city: SimpleNamespace, case) -> None:
    seers = {
        name for name in vars(city) if isinstance(who := getattr(city, name), Officer) and photos.may_see(who, SHA)
    }
    assert seers == {"ann", "ivan", "carl", "sina", "dora", "hugo", "hedi", "lena", "aude"}


def test_the_sender_sees_his_photo_before_any_case_shows_it(city: SimpleNamespace) -> None:
    photos.keep(SHA, SNAP, by=city.ann)
    assert photos.may_see(city.ann, SHA)
    assert not photos.may_see(city.lena, SHA)


def test_unseen_and_unknown_look_alike(phones, case) -> None:
    hana = phones("hana")
    answers = [get(hana, size, name) for size in (320, "original") for name in (SHA, "0" * 64)]
    assert [answer.status_code for answer in answers] == [404] * 4
    assert len({answer.content for answer in answers}) == 1


def test_a_preview_may_be_kept_by_the_phone_for_good(phones, case) -> None:
    hugo = phones("hugo")
    answer = get(hugo, 1280)
    assert answer["Cache-Control"] == "private, max-age=31536000, immutable"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert get(hugo, 1280, **{"If-None-Match": answer["ETag"]}).status_code == 304
    assert get(hugo, 320, **{"If-None-Match": answer["ETag"]}).status_code == 200
    assert get(hugo, 640).status_code == 422


def test_originals_are_for_few_and_each_look_is_logged(
    city: SimpleNamespace, phones, case, caplog: pytest.LogCaptureFixture
) -> None:
    few = {"ann", "carl", "sina", "lena", "aude"}
    caplog.set_level(logging.INFO, logger="access")
    for name in (*sorted(few), "ivan", "dora", "hugo", "hedi"):
        phone = phones(name)
        caplog.clear()
        answer = get(phone, "original")
        lines = [record.getMessage() for record in caplog.records if "original" in record.getMessage()]
        if name in few:
            assert b"".join(answer.streaming_content) == SNAP
            assert lines == [f"original officer={getattr(city, name).pk} sha256={SHA} case={case.number}"]
        else:
            assert (answer.status_code, answer.json()["code"], lines) == (403, "photo_original_closed", [])


def test_an_original_is_a_download_and_nothing_else(phones, case) -> None:
    answer = get(phones("ann"), "original")
    assert answer["Content-Type"] == "image/jpeg"
    assert answer["Content-Disposition"] == f'attachment; filename="{SHA}.jpeg"'
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer["Cache-Control"] == "private, no-store"
    answer.close()


def test_a_photo_shown_in_two_cases_is_logged_with_those_one_sees(
    city: SimpleNamespace, case, caplog: pytest.LogCaptureFixture
) -> None:
    elsewhere = town.report(city, photos=((SHA, Purpose.FAR),), lon=town.LON + 2.5 * town.STEP)
    docket.move(case.uuid, Verb.FINISH, by=city.hugo, facts=Facts(photos=((SHA, Purpose.AFTER),)))
    caplog.set_level(logging.INFO, logger="access")
    for who, numbers in ((city.ann, {case.number, elsewhere.number}), (city.lena, {case.number, elsewhere.number})):
        caplog.clear()
        photos.original(SHA, to=who)[1].close()
        assert set(caplog.messages[0].rpartition("case=")[2].split(",")) == numbers
    assert photos.may_see(city.ines, SHA), "it lies in her beat"
    with pytest.raises(PhotoRefused):
        photos.original(SHA, to=city.ines)


# What the EXIF says beside the report


def photo(**said: object) -> Photo:
    return Photo(pk=SHA, **said)


def test_a_photo_from_here_and_now_has_no_flags() -> None:
    here, at = Point(97.0, 33.0, srid=4326), town.MONDAY
    assert photos.flags(photo(), here, at) == []
    assert photos.flags(photo(point=Point(97.0032, 33.0), taken_at=at - timedelta(minutes=60)), here, at) == []
    assert photos.flags(photo(point=here, taken_at=at + timedelta(seconds=60)), here, at) == []


def test_a_photo_that_fits_in_either_system_is_no_doubt() -> None:
    """Many phones in China write GCJ-02 and do not say so."""
    here, at = Point(113.997845, 22.535886, srid=4326), town.MONDAY
    shifted = Point(*from_wgs84(here.x, here.y, "gcj02"))
    assert photos.flags(photo(point=shifted), here, at) == []
    assert [code for code, _figure in photos.flags(photo(point=shifted, datum="wgs84"), here, at)] == ["photo_far"]


def test_a_photo_from_elsewhere_or_another_time_is_flagged() -> None:
    here, at = Point(97.0, 33.0, srid=4326), town.MONDAY
    assert photos.flags(photo(point=Point(97.01, 33.0)), here, at) == [("photo_far", 922)]
    assert photos.flags(photo(taken_at=at - timedelta(days=1)), here, at) == [("photo_old", 1440)]
    assert photos.flags(photo(taken_at=at + timedelta(minutes=8)), here, at) == [("photo_ahead", 8)]
    assert [code for code, _figure in photos.flags(photo(point=Point(0, 1), taken_at=at - timedelta(9)), here, at)] == [
        "photo_far",
        "photo_old",
    ]
