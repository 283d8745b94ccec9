"""The photos of a planted past: parts of real scenes, each in a light of its own, so that no two are the same.

A view is compressed once, with a mark after each block, so that any of its blocks can be decoded alone: a photo is some
of them under a header of its own, which costs some 20 µs. Its look is not taken: the worker does that when the photo is
first looked at, as for those that came before looks were taken.
"""

from __future__ import annotations

import hashlib
import io
import random
import re
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
BLOCK = 16  # pixels of a side of what JPEG codes at once, with colours at half of the resolution
ACROSS, DOWN = (
    (broad - side) // BLOCK for broad, side in zip(BROAD, SHAPE, strict=True)
)  # steps that a photo can take
WIDE, HIGH = (-(-side // BLOCK) for side in SHAPE)  # blocks of a photo
MARKS = [bytes((0xFF, 0xD0 + n % 8)) for n in range(WIDE * HIGH - 1)] + [
    b"\xff\xd9"
]  # after each; the last one ends it
MARK = re.compile(rb"\xff[\xd0-\xd7\xd9]")
FRAME = b"\xff\xc0"  # the segment with height and width, three bytes on
SCAN = b"\xff\xda"


class View:
    """A picture of BROAD, from which photos are cut."""

    def __init__(self, image: Image.Image) -> None:
        out = io.BytesIO()
        image.save(out, "JPEG", quality=60, restart_marker_blocks=1)
        body = out.getvalue()
        begins = body.index(SCAN)
        begins += 2 + int.from_bytes(body[begins + 2 : begins + 4])
        size = body.index(FRAME) + 5
        self.head = body[:size] + SHAPE[1].to_bytes(2) + SHAPE[0].to_bytes(2) + body[size + 4 : begins]
        self.blocks = MARK.split(body[begins:])[:-1]

    def part(self, across: int, down: int) -> bytes:
        """A photo of SHAPE, so many blocks from the left and from above."""
        width = BROAD[0] // BLOCK
        firsts = range(down * width + across, (down + HIGH) * width, width)
        parts = [block for first in firsts for block in self.blocks[first : first + WIDE]]
        return self.head + b"".join([piece for pair in zip(parts, MARKS, strict=True) for piece in pair])


class Film:
    """Views of the scenes, each in a light of its own; a photo is a part of one. Each number is another photo."""

    def __init__(self, seed: str) -> None:
        dice = random.Random(seed)  # noqa: S311 (seeded, not secret)
        scenes = [_scene(path) for path in sorted(SCENES.glob("DSCN*.jpg"))]
        lit = (ImageChops.multiply(_view(dice, dice.choice(scenes)), _light(dice)) for _n in range(VIEWS))
        self.views = [View(image) for image in lit]
        self.folders: dict[str, Path] = {}

    def shot(self, number: int, by: Officer, at: datetime) -> dict[str, Any]:
        """Take a photo and store it; gives the columns of one that has arrived: its look is not taken yet, and its
        previews are not made."""
        rest, view = divmod(number, VIEWS)
        down, across = divmod(rest, ACROSS)
        body = self.views[view].part(across, down)
        sha256 = hashlib.sha256(body).hexdigest()
        self._keep(sha256, body)
        width, height = SHAPE
        arrived = {"sha256": sha256, "uploader_id": by.pk, "received_at": at, "datum": "", "device": ""}
        return arrived | {"kind": "jpeg", "size": len(body), "width": width, "height": height}

    def _keep(self, sha256: str, body: bytes) -> None:
        """Store a photo's bytes under its name, as quickly as the disk allows: nobody waits for the acknowledgement."""
        name = photos.original_name(sha256)
        above, _slash, last = name.rpartition("/")
        if (folder := self.folders.get(above)) is None:
            try:
                folder = Path(default_storage.path(above))
            except NotImplementedError:  # not a disk of ours
                default_storage.delete(name)
                default_storage.save(name, ContentFile(body))
                return
            folder.mkdir(parents=True, exist_ok=True)
            self.folders[above] = folder
        with open(f"{folder}/{last}", "wb", buffering=0) as file:  # noqa: PTH123 (half of the cost of Path.open)
            file.write(body)


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
