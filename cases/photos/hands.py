"""How many photos one process decodes at a time, so that slow ones never hold all its threads.

A thread that wants to decode takes a hand first, before it locks a row. It waits for one only so long, for the wait
itself holds a thread. The worker decodes one photo at a time and needs none.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from math import ceil
from threading import BoundedSemaphore

from django.conf import settings

from .refused import PhotoRefused

_free = BoundedSemaphore(settings.PHOTO_HANDS)


@contextmanager
def hand() -> Iterator[None]:
    """One of settings.PHOTO_HANDS, given back at the end. Not to be taken twice by one thread.

    Raises PhotoRefused where none becomes free within settings.PHOTO_WAIT_S.
    """
    if not _free.acquire(timeout=settings.PHOTO_WAIT_S):
        raise PhotoRefused("photo_busy", seconds=again_s())
    try:
        yield
    finally:
        _free.release()


def again_s() -> int:
    """After how many seconds one who was refused may try again."""
    return ceil(settings.PHOTO_WAIT_S) + 1
