"""What a photo costs: milliseconds and peak memory of taking it (`look`) and of making its previews (`shrink`).

Each line is measured in processes of their own, that have nothing else in memory; the base is what Python, Django and
the decoders take before. Writes nothing.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import django
from django.conf import settings
from PIL import Image

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend.settings")
django.setup()

from cases.photos import picture  # noqa: E402 (needs the settings)

SHAPES: dict[str, tuple[str, tuple[int, int], dict[str, object]]] = {
    "JPEG 12 MP": ("JPEG", (4000, 3000), {"quality": 90}),
    "JPEG 12 MP, progressive": ("JPEG", (4000, 3000), {"quality": 90, "progressive": True}),
    "JPEG 50 MP": ("JPEG", (8160, 6120), {"quality": 80}),
    "HEIC 12 MP": ("HEIF", (4032, 3024), {"quality": 60, "tile_size": 512, "enc_params": {"preset": "ultrafast"}}),
    "HEIC 24 MP": ("HEIF", (5712, 4284), {"quality": 60, "tile_size": 512, "enc_params": {"preset": "ultrafast"}}),
    "PNG 5 MP (screen)": ("PNG", (1440, 3200), {"compress_level": 1}),
    "WebP 8 MP": ("WEBP", (3264, 2448), {"quality": 85, "method": 0}),
}


def street(size: tuple[int, int], seed: int) -> Image.Image:
    """Streets, walls and leaves as far as an encoder cares: noise of every coarseness."""
    dice, image = random.Random(seed), Image.new("RGB", size, "grey")
    for coarse in (400, 100, 25, 6, 2):
        grain = (max(1, size[0] // coarse), max(1, size[1] // coarse))
        noise = Image.frombytes("RGB", grain, dice.randbytes(3 * grain[0] * grain[1]))
        image = Image.blend(image, noise.resize(size), 0.25 if coarse > 6 else 0.1)
    return image


def photo(name: str) -> bytes:
    kind, size, options = SHAPES[name]
    out = io.BytesIO()
    street(size, seed=1).save(out, kind, **options)
    return out.getvalue()


def peak() -> float:
    """The most memory this process ever had, in megabytes of a million bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1_000_000


def child(step: str, path: str, times: int) -> None:
    """In a process of its own: one line of JSON."""
    body = Path(path).read_bytes()
    base, taken = peak(), []
    for _again in range(times):
        began = time.perf_counter()
        STEPS[step](body)
        taken.append(1000 * (time.perf_counter() - began))
    print(json.dumps({"ms": statistics.median(taken), "mb": peak() - base, "base": base}))


def naive(body: bytes) -> None:
    """For comparison: verify, decode whole, and shrink twice."""
    Image.open(io.BytesIO(body)).verify()
    for size in (320, 1280):
        image = Image.open(io.BytesIO(body))
        image.load()
        small = image.convert("RGB").resize((size, size * image.height // image.width), Image.Resampling.LANCZOS)
        small.save(io.BytesIO(), "WEBP", quality=80)


STEPS: dict[str, Callable[[bytes], object]] = {
    "look": picture.look,
    "shrink": lambda body: picture.previews(body, settings.PREVIEW_SIZES),
    "naive": naive,
}


def measured(step: str, path: str, times: int) -> dict[str, float]:
    """A process inherits the peak of the one that started it: this one makes no picture itself."""
    command = [sys.executable, "-m", "bench.photos", "--step", step, "--path", path, "--times", str(times)]
    return dict(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout or "{}"))


def table(times: int) -> None:
    print(f"{'':26}{'file':>8}{'look':>17}{'shrink':>17}{'naive':>17}")
    base = 0.0
    for name in SHAPES:
        file = os.memfd_create("photo")  # in memory: nothing is written
        path = f"/proc/{os.getpid()}/fd/{file}"
        measured(name, path, times)
        costs = [measured(step, path, times) for step in STEPS]
        base = max(base, *(cost["base"] for cost in costs))
        cells = "".join(f"{cost['ms']:7.0f} ms {cost['mb']:4.0f} MB" for cost in costs)
        print(f"{name:26}{os.fstat(file).st_size / 1_000_000:5.1f} MB{cells}", flush=True)
        os.close(file)
    print(f"Median of {times}; memory on top of a base of up to {base:.0f} MB, which has the photo's own bytes in it.")


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.photos", description=__doc__)
    parser.add_argument("--times", type=int, default=7)
    parser.add_argument("--step", help=argparse.SUPPRESS)
    parser.add_argument("--path", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.step in SHAPES:
        Path(given.path).write_bytes(photo(given.step))
    elif given.step:
        child(given.step, given.path, given.times)
    else:
        table(given.times)


if __name__ == "__main__":
    main()
