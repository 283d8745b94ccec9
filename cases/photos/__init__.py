"""Photos as evidence: what a phone sends is checked, kept untouched under the hash of its bytes, and shown small.

It promises: a photo that was acknowledged is on the disk, is never changed and never written twice; the same bytes
again are the same photo, whoever sends them. An original is shown to few, and each look at it is logged. What the
EXIF says is information beside a report, never a verdict on it.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.gis.geos import Point
from django.core.files import File
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django_q.tasks import async_task

from grid import crs, quota
from grid.crs import Crs
from grid.models import SRID, Officer
from grid.moment import now
from grid.roles import CENTRE, SUPERVISION, Role

from ..flow import Verb
from ..models import Case, Evidence, Photo, Recheck
from . import alike, picture, store
from .hands import again_s, hand
from .refused import PhotoRefused

__all__ = [
    "PhotoRefused",
    "again_s",
    "flags",
    "keep",
    "may_see",
    "missing",
    "original",
    "preview",
    "shrink",
    "sweep",
    "weigh",
]

access = logging.getLogger("access")
log = logging.getLogger(__name__)

ORIGINALS = (*SUPERVISION, Role.LEADER, Role.AUDITOR)  # the posts that may look at any original they may see
LEAST_COUNTED = 200_000  # bytes that a photo counts as at least, so that small ones are not without number
SWEEP_AFTER = timedelta(minutes=2)  # by then the queue has had its turn
SWEEP_FOR = timedelta(hours=24)  # a photo that could not be shrunk for so long is left alone
SWEEP_AT_ONCE = 50
CLOCKS_AGREE = timedelta(minutes=1)  # EXIF has whole seconds, and clocks differ a little


def keep(sha256: str, body: bytes, *, by: Officer, limited: bool = False) -> tuple[Photo, bool]:
    """The photo of these bytes, and whether it is new. Idempotent; the first uploader stays.

    Bytes that come at the same time wait for each other at the row. The original is written before the row is
    committed: what fails between leaves a file without a row, which the next attempt replaces. A known photo whose
    file was lost or damaged is whole again after it. Raises PhotoRefused, and where `limited`, Overspent.
    """
    weigh(len(body))
    found = hashlib.sha256(body).hexdigest()
    if found != sha256:
        raise PhotoRefused("photo_hash_mismatch", found=found)
    if known := Photo.objects.filter(pk=sha256).first():
        _repair(known, body)
        return known, False
    with hand():
        seen = picture.look(body)
    with transaction.atomic():
        photo, created = Photo.objects.get_or_create(
            sha256=sha256,
            defaults={
                "uploader": by,
                "received_at": now(),
                "kind": seen.kind,
                "size": len(body),
                "width": seen.width,
                "height": seen.height,
                "taken_at": seen.taken_at,
                "point": Point(*seen.point, srid=SRID) if seen.point else None,
                "datum": seen.datum,
                "device": seen.device,
                "looks": seen.looks,
                "bands": alike.bands(seen.looks),
            },
        )
        if created and limited:
            quota.spend(by, quota.Kind.PHOTO_KB, max(len(body), LEAST_COUNTED) // 1000)
        if created:
            store.write(original_name(sha256), body)
            async_task("cases.photos.shrink", sha256)
            if Evidence.objects.filter(photo=sha256).exists():  # named before it came
                async_task("cases.flags.arrived", sha256)
    return photo, created


def _repair(photo: Photo, body: bytes) -> None:
    """Bring back what the disk has lost of a photo: the original from its bytes, the previews by the worker."""
    sha256 = photo.pk
    if not _holds(original_name(sha256), body):
        with transaction.atomic():
            Photo.objects.select_for_update().get(pk=sha256)
            store.write(original_name(sha256), body)
            Photo.objects.filter(pk=sha256).update(shrunk_at=None)  # what took one may have taken the others
            async_task("cases.photos.shrink", sha256)
        log.warning("the file of photo %s was lost or damaged, and came again", sha256)
    elif photo.shrunk_at and not all(_has_preview(sha256, size) for size in settings.PREVIEW_SIZES):
        async_task("cases.photos.shrink", sha256)


def _holds(name: str, body: bytes) -> bool:
    try:
        return _read(name) == body
    except FileNotFoundError:
        return False


def weigh(size: int) -> None:
    """Raises PhotoRefused for a body of so many bytes, so that a door need not read it."""
    if not size:
        raise PhotoRefused("photo_empty")
    if size > settings.PHOTO_BYTES:
        raise PhotoRefused("photo_too_large", limit=settings.PHOTO_BYTES, size=size)


def missing(hashes: Iterable[str]) -> list[str]:
    """Those of the hashes whose photos have not arrived, in their order, each once."""
    asked = list(dict.fromkeys(hashes))
    arrived = set(Photo.objects.filter(pk__in=asked).values_list("pk", flat=True))
    return [sha256 for sha256 in asked if sha256 not in arrived]


def may_see(officer: Officer, sha256: str) -> bool:
    """Whether the officer sent the photo, or sees a case that it was shown in, or that helps with what was reported."""
    return _visible_to(officer).filter(pk=sha256).exists()


def preview(sha256: str, size: int, *, to: Officer) -> bytes:
    """WebP of one of settings.PREVIEW_SIZES; made at once where the worker has not come to it.

    Raises Photo.DoesNotExist, for a photo unseen and unknown alike, and PhotoRefused where its file is lost, or where
    it would have to be made and too many are being made.
    """
    photo, name = _visible_to(to).get(pk=sha256), _preview_name(sha256, size)
    if photo.shrunk_at:
        with suppress(FileNotFoundError):  # previews may be thrown away to save space
            return _read(name)
    with hand():
        try:
            shrink(sha256)
            return _read(name)
        except FileNotFoundError:
            raise _lost(sha256) from None
        except PhotoRefused as refused:
            if refused.code == "disk_full":  # to be seen it need not be kept
                return picture.previews(_read(original_name(sha256)), [size])[size]
            raise _lost(sha256) from None


def original(sha256: str, *, to: Officer) -> tuple[Photo, File[bytes]]:
    """The photo and its bytes as they came. Each look is one line of the log "access".

    Raises Photo.DoesNotExist, for a photo unseen and unknown alike, and PhotoRefused to one who may see previews only,
    and where its file is lost.
    """
    photo = _visible_to(to).get(pk=sha256)
    if photo.uploader_id != to.pk and not to.holds(*ORIGINALS):
        raise PhotoRefused("photo_original_closed")
    shown = Case.objects.visible_to(to).filter(evidence__photo=photo).order_by("number")
    numbers = ",".join(shown.values_list("number", flat=True).distinct())
    access.info("original officer=%s sha256=%s case=%s", to.pk, sha256, numbers or "-")
    try:
        return photo, default_storage.open(original_name(sha256))
    except FileNotFoundError:
        raise _lost(sha256) from None


def _lost(sha256: str) -> PhotoRefused:
    """Told to who keeps the machine as well: only he can bring the file back."""
    log.error("the file of photo %s is lost or damaged", sha256)
    return PhotoRefused("photo_lost")


def flags(photo: Photo, point: Point, at: datetime) -> list[tuple[str, float]]:
    """What in a photo's EXIF does not go with a report made at a WGS84 point and a moment. Nobody is accused by it.

    photo_far: metres beyond settings.PHOTO_FAR_M. photo_old: minutes before, beyond settings.PHOTO_OLD_MINUTES.
    photo_ahead: minutes after it, so that one of two clocks is wrong. A photo that says nothing has no flags.
    """
    found: list[tuple[str, float]] = []
    if photo.point and (far := _metres_off(photo, (point.x, point.y))) > settings.PHOTO_FAR_M:
        found.append(("photo_far", round(far)))
    if photo.taken_at and (before := at - photo.taken_at) > timedelta(minutes=settings.PHOTO_OLD_MINUTES):
        found.append(("photo_old", round(before.total_seconds() / 60)))
    if photo.taken_at and (ahead := photo.taken_at - at) > CLOCKS_AGREE:
        found.append(("photo_ahead", round(ahead.total_seconds() / 60)))
    return found


def _metres_off(photo: Photo, here: crs.Position) -> float:
    """How far from here a photo was taken. Where its EXIF names no datum, many phones in China mean GCJ-02: the nearer
    of the two readings, so that nobody is doubted for his phone."""
    assert photo.point
    read = [(photo.point.x, photo.point.y)]
    if not photo.datum:
        read.append(crs.to_wgs84(*read[0], Crs.GCJ02))
    return min(crs.metres(position, here) for position in read)


def shrink(sha256: str) -> None:
    """Make the previews that are missing. Idempotent; at the same time as another it waits, then finds them made."""
    with transaction.atomic():
        photo = Photo.objects.select_for_update().get(pk=sha256)
        if photo.looks is None:
            alike.remember(photo, picture.look(_read(original_name(sha256))).looks)
        sizes = [size for size in settings.PREVIEW_SIZES if not (photo.shrunk_at and _has_preview(sha256, size))]
        if not sizes:
            return
        for size, webp in picture.previews(_read(original_name(sha256)), sizes).items():
            store.write(_preview_name(sha256, size), webp)
        photo.shrunk_at = now()
        photo.save(update_fields=["shrunk_at"])


def sweep() -> int:
    """Shrink what the queue has forgotten; how many were made. The newest first, so that no bad photo blocks others."""
    at, made = now(), 0
    forgotten = Photo.objects.filter(shrunk_at=None, received_at__range=(at - SWEEP_FOR, at - SWEEP_AFTER)).order_by(
        "-received_at"
    )
    for sha256 in list(forgotten.values_list("pk", flat=True)[:SWEEP_AT_ONCE]):
        try:
            shrink(sha256)
            made += 1
        except Exception:  # one bad photo must not keep the others
            log.exception("no previews of photo %s", sha256)
    return made


def _visible_to(officer: Officer) -> QuerySet[Photo]:
    """His own, and what was shown in a case that he sees or is to re-check, or in the report of what he helps with."""
    errands = Recheck.objects.filter(inspector=officer, over_at=None).values("case")
    visible, shown = Case.objects.visible_to(officer), Evidence.objects.filter(photo=OuterRef("pk"))
    seen = shown.filter(Q(case__in=visible) | Q(case__in=errands))
    reported = shown.filter(event__verb=Verb.REPORT, case__children__in=visible)
    return Photo.objects.filter(Q(uploader=officer) | Exists(seen) | Exists(reported) | Q(pk__in=_doubted(officer)))


def _doubted(officer: Officer) -> list[str]:
    """The photos of the doubts that wait for the centre: they are evidence only when these are answered."""
    if not officer.holds(*CENTRE):
        return []
    waiting = Recheck.objects.filter(verdict=Recheck.Verdict.FAILS, over_at=None)
    known = waiting.filter(case__in=Case.objects.visible_to(officer)).values_list("photos", flat=True)
    return [sha for shown in known for sha, _purpose in shown]


def original_name(sha256: str) -> str:
    """Under which name the storage holds a photo as it came."""
    return f"evidence/{sha256[:2]}/{sha256}"


def _preview_name(sha256: str, size: int) -> str:
    return f"previews/{size}/{sha256[:2]}/{sha256}.webp"


def _has_preview(sha256: str, size: int) -> bool:
    return bool(default_storage.exists(_preview_name(sha256, size)))


def _read(name: str) -> bytes:
    with default_storage.open(name) as file:
        return bytes(file.read())
