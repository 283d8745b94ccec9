"""The photos of the play: parts of real scenes, each in a light of its own, so that no two are the same picture."""

from __future__ import annotations

import hashlib
import io
import random
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from PIL import Image, ImageChops, ImageDraw

from cases import photos
from grid.models import Officer

SCENES = sorted(Path(settings.BASE_DIR, "fixtures", "photos").glob("DSCN*.jpg"))  # a street, and a field
SMALL = 240


def draw(dice: random.Random, caption: str, size: int) -> bytes:
    """A JPEG, scaled as a phone app does: a part of a scene in a light of its own. The same one twice would rightly
    be doubted; of 600 of these no two look alike to `cases.photos.alike`."""
    photo = _part(dice, _scene(dice.choice(SCENES), 2 * size), size)
    if dice.random() < 0.5:
        photo = photo.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    photo = ImageChops.multiply(photo, _light(dice, photo.size))
    ImageDraw.Draw(photo).text((8, 8), f"{caption} {dice.getrandbits(64):x}", fill=(255, 255, 0))
    out = io.BytesIO()
    photo.save(out, "JPEG", quality=70)
    return out.getvalue()


def _part(dice: random.Random, scene: Image.Image, size: int) -> Image.Image:
    """From a third to three quarters of a scene's sides, as if somebody had stepped nearer."""
    share = dice.uniform(0.3, 0.75)
    wide, high = share * scene.width, share * scene.height
    left, top = dice.uniform(0, scene.width - wide), dice.uniform(0, scene.height - high)
    shape = size, size * scene.height // scene.width
    return scene.resize(shape, Image.Resampling.BILINEAR, (left, top, left + wide, top + high))


def _light(dice: random.Random, shape: tuple[int, int]) -> Image.Image:
    """Sun and shade, softly."""
    spots = Image.frombytes("L", (4, 3), bytes(dice.randint(110, 255) for _spot in range(12)))
    return Image.merge("RGB", [spots.resize(shape, Image.Resampling.BICUBIC)] * 3)


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
