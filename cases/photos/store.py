"""Files of photos, on the disk or in a store: whole or not at all, and there to stay before anybody is told so."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from .refused import PhotoRefused

FULL = (errno.ENOSPC, errno.EDQUOT)


def write(name: str, content: bytes) -> None:
    """Store under exactly this name, in place of what an interrupted attempt may have left there.

    The caller holds the photo's row, so nobody else writes this name. The bytes have reached the disk on return: once
    a photo is acknowledged the phone forgets it. Whoever reads meanwhile sees the file before or the file after.
    Raises PhotoRefused (disk_full); nothing is left then.
    """
    try:
        path = Path(default_storage.path(name))
    except NotImplementedError:  # not a disk of ours: the store answers for it
        default_storage.delete(name)
        default_storage.save(name, ContentFile(content))
        return
    with _room():
        path.parent.mkdir(parents=True, exist_ok=True)
        half = path.with_name(f"{path.name}.half")
        try:
            with half.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            half.replace(path)
        finally:
            half.unlink(missing_ok=True)
        _settle(path.parent)


@contextmanager
def _room() -> Iterator[None]:
    try:
        yield
    except OSError as trouble:
        if trouble.errno in FULL:
            raise PhotoRefused("disk_full") from trouble
        raise


def _settle(folder: Path) -> None:
    """A new name has reached the disk when its folder has."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
