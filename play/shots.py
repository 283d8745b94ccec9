"""The photos of the play: a real scene, with something of its own on each, so that no two are the same picture."""

from __future__ import annotations

import hashlib
import io
import random
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from PIL import Image, ImageDraw

from cases import photos
from grid.models import Officer

SCENES = sorted(Path(settings.BASE_DIR, "fixtures", "photos").glob("*.jpg"))
SMALL = 240


def draw(dice: random.Random, caption: str, size: int) -> bytes:
    """A JPEG, scaled as a phone app does. The same one twice would rightly be doubted."""
    photo = _scene(dice.choice(SCENES), size).copy()
    brush = ImageDraw.Draw(photo)
    for _patch in range(12):
        x, y = dice.uniform(-0.2, 0.8) * photo.width, dice.uniform(-0.2, 0.8) * photo.height
        wide, high = dice.uniform(0.2, 0.6) * photo.width, dice.uniform(0.2, 0.6) * photo.height
        brush.rectangle((x, y, x + wide, y + high), fill=tuple(dice.choices(range(256), k=3)))
    brush.text((8, 8), f"{caption} {dice.getrandbits(64):x}", fill=(255, 255, 0))
    out = io.BytesIO()
    photo.save(out, "JPEG", quality=70)
    return out.getvalue()


def shoot(dice: random.Random, by: Officer) -> str:
    """A small photo that has arrived; its hash."""
    body = draw(dice, by.username, SMALL)
    return photos.keep(hashlib.sha256(body).hexdigest(), body, by=by)[0].sha256


@lru_cache(maxsize=32)
def _scene(path: Path, size: int) -> Image.Image:
    with Image.open(path) as photo:
        photo.draft("RGB", (size, size))
        photo.thumbnail((size, size))
        return photo.convert("RGB")
