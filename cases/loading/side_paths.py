"""The terms and grounds of the side paths, and what counts as similar, from rows of a file."""

from __future__ import annotations

from decimal import Decimal

from ..models import Ground, Terms
from .reading import Row, limit, whole, word, yes


def terms(row: Row) -> Terms:
    """Raises Refused for a word or figure that is not understood."""
    within = limit(row, "within_value", "within_unit") if row["within_value"] else None
    return Terms(
        verb=word(row, "verb"),
        at_most=whole(row, "at_most") if row["at_most"] else None,
        within_value=Decimal(within.value) if within else None,
        within_unit=within.unit.value if within else "",
        when_late=yes(row, "when_late"),
        longest_days=whole(row, "longest_days") if row["longest_days"] else None,
    )


def ground(row: Row) -> Ground:
    """Raises Refused for a blank."""
    return Ground(
        verb=word(row, "verb"), code=word(row, "code"), name=word(row, "name"), name_en=row.get("name_en", "")
    )
