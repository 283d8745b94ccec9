"""Hostile bytes to a picture one can trust, and a picture to its previews. Nothing here touches the database.

Every decoding in the house happens here. It stays under MEMORY for any input: pixels are counted before they are
decoded, a JPEG is decoded at the smallest scale that serves, and formats are named, so that no other decoder runs.
"""

from __future__ import annotations

import ctypes
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO

import pillow_heif
from django.conf import settings
from PIL import Image, ImageCms, PngImagePlugin, UnidentifiedImageError

from . import exif
from .anatomy import Anatomy, dissect
from .refused import PhotoRefused

MEMORY = 200_000_000  # bytes that one photo may cost
FORMATS = ("JPEG", "PNG", "WEBP", "HEIF")
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
LYING = range(5, 9)  # orientations that exchange width and height
THUMB = 72  # pixels from which the look of a picture is taken
QUALITY, EFFORT = 80, 2  # of WebP; effort 4 takes twice the time for 6 % fewer bytes


def _give_memory_back() -> None:
    """Return each large block to the system as soon as it is free.

    The allocator of glibc learns from large blocks to keep them: six HEIC of 24 megapixels in a row grew a process
    by 371 MB, with a fixed threshold by 179 MB, as the first one did. Elsewhere than in glibc nothing happens.
    """
    if mallopt := getattr(ctypes.CDLL(None), "mallopt", None):
        mallopt(-3, 4 << 20)  # M_MMAP_THRESHOLD


# An embedded thumbnail may show something else than the photo does: it is never taken for it.
pillow_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False)
_give_memory_back()
warnings.filterwarnings("error", category=Image.DecompressionBombWarning)
PngImagePlugin.MAX_TEXT_MEMORY = 4_000_000


@dataclass(frozen=True)
class Picture:
    """What is known of an accepted picture. width, height: pixels, upright. point, datum: as in exif.Exif.

    looks: 64 bits, much the same for the same picture at another quality or size, however it is turned by its EXIF;
    signed, as PostgreSQL has it. 0 for a picture without any structure, which is like no other.
    """

    kind: str
    width: int
    height: int
    taken_at: datetime | None
    point: tuple[float, float] | None
    datum: str
    device: str
    looks: int


def look(body: bytes) -> Picture:
    """Decode a picture to its last byte, and say what it is. Raises PhotoRefused."""
    with _opened(body) as (image, anatomy):
        width, height = image.size
        if anatomy.kind == "jpeg":
            image.draft(None, (2 * THUMB, 2 * THUMB))  # reads everything all the same, and computes an eighth
        image.load()
        said = exif.read(image)
        if said.orientation in LYING:
            width, height = height, width
        looks = _looks(image, said.orientation)
        return Picture(anatomy.kind, width, height, said.taken_at, said.point, said.datum, said.device, looks)


def _looks(image: Image.Image, orientation: int) -> int:
    """dHash: of each two neighbours in a grid of 9 by 8 greys, whether it grows brighter to the right.

    The source: N. Krawetz, "Kind of Like That", 2013. Of the pictures in fixtures/photos, saved anew at quality 40 to
    95 and a third to the whole of their size, at most 3 of the 64 bits change; two different ones differ in 20 or more.
    """
    image = _smooth(image).resize((THUMB, THUMB), Image.Resampling.LANCZOS, reducing_gap=1.0)
    if image.mode in ("LA", "RGBA"):
        image = _on_white(image)
    if orientation in UPRIGHT:
        image = image.transpose(UPRIGHT[orientation])
    greys = image.convert("L").resize((9, 8), Image.Resampling.LANCZOS).tobytes()
    brighter = [greys[at] < greys[at + 1] for at in range(len(greys)) if at % 9 < 8]
    return int.from_bytes(sum(bit << n for n, bit in enumerate(brighter)).to_bytes(8, "big"), "big", signed=True)


def previews(body: bytes, sizes: Iterable[int]) -> dict[int, bytes]:
    """WebP of a picture for each size, the longer side in pixels: upright, sRGB, without metadata or alpha.

    A smaller picture is not enlarged. The picture is decoded once. Raises PhotoRefused.
    """
    falling = sorted(sizes, reverse=True)
    with _opened(body) as (image, _anatomy):
        small = _plain(image, falling[0])
    made = {}
    for size in falling:
        small.thumbnail((size, size))
        made[size] = _webp(small)
    return made


@contextmanager
def _opened(body: bytes) -> Iterator[tuple[Image.Image, Anatomy]]:
    """The picture, not yet decoded but known to be affordable. What a decoder raises becomes a refusal."""
    anatomy = dissect(body)
    if anatomy.animated:
        raise PhotoRefused("photo_animated")
    affordable = _affordable(anatomy, len(body))
    too_many = PhotoRefused("photo_too_many_pixels", limit=affordable / 1_000_000)
    try:
        with _identified(body) as image:
            if max(image.width * image.height, anatomy.inner) > affordable:
                raise too_many
            yield image, anatomy
    except (PhotoRefused, MemoryError):
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as exc:
        raise too_many from exc
    except UnidentifiedImageError as exc:
        raise PhotoRefused("photo_not_an_image") from exc
    except Exception as exc:  # decoders raise OSError, ValueError, SyntaxError, RuntimeError and more
        raise PhotoRefused("photo_truncated") from exc


def _identified(body: bytes) -> Image.Image:
    """Pillow looks for a JPEG's resolution in its EXIF when it opens it, and some EXIF breaks it: then without."""
    try:
        return Image.open(BytesIO(body), formats=FORMATS)
    except UnidentifiedImageError:
        return Image.open(BytesIO(body.replace(b"Exif\0\0", b"exif\0\0")), formats=FORMATS)


def _affordable(anatomy: Anatomy, size: int) -> float:
    """Pixels. The bytes themselves are held up to four times: here, by Pillow and by a decoder."""
    return min(settings.PHOTO_PIXELS, (MEMORY - 2 * size) / anatomy.per_pixel)


def _plain(image: Image.Image, size: int) -> Image.Image:
    """The picture within `size`, upright, as plain sRGB."""
    image = _smooth(image)
    image.thumbnail((size, size), reducing_gap=1.0)
    orientation = exif.read(image).orientation
    if image.mode in ("LA", "RGBA"):
        image = _on_white(image)
    image = _srgb(image)
    return image.transpose(UPRIGHT[orientation]) if orientation in UPRIGHT else image


def _smooth(image: Image.Image) -> Image.Image:
    """The same picture in a mode that can be resized: grey of 16 bits becomes 8, a palette its colours."""
    if image.mode.startswith("I"):
        return image.convert("I").point(lambda value: value / 256).convert("L")
    if image.mode in ("1", "P", "PA"):
        return image.convert("L" if image.mode == "1" else "RGBA")
    return image


def _on_white(image: Image.Image) -> Image.Image:
    image, profile = image.convert("RGBA"), image.info.get("icc_profile")
    white = Image.new("RGB", image.size, "white")
    white.paste(image, mask=image.getchannel("A"))
    white.info["icc_profile"] = profile
    return white


def _srgb(image: Image.Image) -> Image.Image:
    """By the embedded profile; where there is none or it is broken, by the mode alone."""
    if profile := image.info.get("icc_profile"):
        try:
            source, target = ImageCms.ImageCmsProfile(BytesIO(profile)), ImageCms.createProfile("sRGB")
            return ImageCms.profileToProfile(image, source, target, outputMode="RGB") or image
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            pass
    return image.convert("RGB")


def _webp(image: Image.Image) -> bytes:
    out = BytesIO()
    image.save(out, "WEBP", quality=QUALITY, method=EFFORT)
    return out.getvalue()
