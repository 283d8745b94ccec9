"""What in a text is a person's own: numbers of phones and of identity cards. Nothing here touches the database."""

from __future__ import annotations

import re

# Not inside of a longer run of digits, so that the codes of cells, components and cases stay as they are.
MOBILE = re.compile(r"(?<![\dA-Za-z])(1[3-9]\d)[ -]?(\d{4})[ -]?(\d{4})(?!\d)")
CARD = re.compile(r"(?<![\dA-Za-z])([1-9]\d{5})(?:19|20)\d{9}([\dXx])(?![\dA-Za-z])")


def masked(text: str) -> str:
    """The text with the middle of such numbers hidden: 138****5678, 632701**********X."""
    return CARD.sub(r"\1***********\2", MOBILE.sub(r"\1****\3", text))


def holds_any(text: str) -> bool:
    """Whether there is something to hide."""
    return masked(text) != text
