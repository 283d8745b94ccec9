"""Names in the reader's language."""

from __future__ import annotations

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
