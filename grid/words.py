"""Names in the reader's language."""

from __future__ import annotations

import unicodedata
from typing import Protocol

from django.utils.translation import get_language


class Named(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def name_en(self) -> str: ...


def english() -> bool:
    return (get_language() or "").startswith("en")


def named(row: Named) -> str:
    """The English name for an English reader where there is one, else the Chinese."""
    return (english() and row.name_en) or row.name


def phrased(row: object, field: str) -> str:
    """The same for a text that stands in `field` and `field`_en."""
    return str((english() and getattr(row, f"{field}_en")) or getattr(row, field))


FIRST_STRONG_ISOLATE, POP_ISOLATE = "\u2068", "\u2069"


def in_sentence(row: Named) -> str:
    """The name for the middle of a sentence, or beside figures."""
    return isolated(named(row))


def isolated(text: str) -> str:
    """A text that takes along nothing beside it where it is written from right to left.

    Without that, the figure behind a Uyghur name is drawn before it. Other texts stay as they are, to the letter.
    """
    if any(unicodedata.bidirectional(letter) in ("R", "AL", "AN") for letter in text):
        return f"{FIRST_STRONG_ISOLATE}{text}{POP_ISOLATE}"
    return text
