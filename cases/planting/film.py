"""The photos of a planted past: parts of real scenes, each in a light of its own, so that no two are the same.

A photo costs a quarter of a millisecond, for the views are made beforehand. Its look is not taken: the worker does that
when the photo is first looked at, as for those that came before looks were taken.
"""

from __future__ import annotations

import hashlib
import io
import random
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from PIL import Image, ImageChops

from grid.models import Officer

from .. import photos

SCENES = settings.BASE_DIR / "fixtures" / "photos"
VIEWS = 100
BROAD = (640, 480)
SHAPE = (144, 108)
STEP = 16  # pixels from one photo of a view to the next


class Film:
    """Views of the scenes, each in a light of its own; a photo is a part of one. Each number is another photo."""

    def __init__(self, seed: str) -> None:
        dice = random.Random(seed)  # noqa: S311 (seeded, not secret)
        scenes = [_scene(path) for path in sorted(SCENES.glob("DSCN*.jpg"))]
        self.views = [ImageChops.multiply(_view(dice, dice.choice(scenes)), _light(dice)) for _n in range(VIEWS)]
        self.across, self.down = ((broad - side) // STEP for broad, side in zip(BROAD, SHAPE, strict=True))

    def shot(self, number: int) -> tuple[str, bytes]:
        """A photo, by the hash of its bytes."""
        rest, view = divmod(number, VIEWS)
        down, across = divmod(rest, self.across)
        left, top = STEP * across, STEP * down
        out = io.BytesIO()
        self.views[view].crop((left, top, left + SHAPE[0], top + SHAPE[1])).save(out, "JPEG", quality=60)
        body = out.getvalue()
        return hashlib.sha256(body).hexdigest(), body


def about(sha256: str, body: bytes, by: Officer, at: datetime) -> dict[str, Any]:
    """The columns of a photo that has arrived: its look is not taken yet, and its previews are not made."""
    width, height = SHAPE
    arrived = {"sha256": sha256, "uploader_id": by.pk, "received_at": at, "device": ""}
    return arrived | {"kind": "jpeg", "size": len(body), "width": width, "height": height}


def keep(sha256: str, body: bytes) -> None:
    """Store a photo's bytes under its name, as quickly as the disk allows: nobody waits for the acknowledgement."""
    name = photos.original_name(sha256)
    try:
        path = Path(default_storage.path(name))
    except NotImplementedError:  # not a disk of ours
        default_storage.delete(name)
        default_storage.save(name, ContentFile(body))
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)


def _scene(path: Path) -> Image.Image:
    with Image.open(path) as photo:
        photo.draft("RGB", BROAD)
        photo.thumbnail(BROAD)
        return photo.convert("RGB")


def _view(dice: random.Random, scene: Image.Image) -> Image.Image:
    """Most of a scene, or half of its sides, as if somebody had stepped nearer."""
    share = dice.uniform(0.5, 1)
    wide, high = share * scene.width, share * scene.height
    left, top = dice.uniform(0, scene.width - wide), dice.uniform(0, scene.height - high)
    view = scene.resize(BROAD, Image.Resampling.BILINEAR, (left, top, left + wide, top + high))
    return view.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if dice.random() < 0.5 else view


def _light(dice: random.Random) -> Image.Image:
    """Sun and shade, softly."""
    spots = Image.frombytes("L", (8, 6), bytes(dice.randint(110, 255) for _spot in range(48)))
    return Image.merge("RGB", [spots.resize(BROAD, Image.Resampling.BICUBIC)] * 3)
