"""Texts that people type, paste or load from files: cleaned when taken, and fit for every file when written.

A text is never refused for a character. What no screen shows and no file keeps is dropped: control characters,
halves of surrogate pairs, non-characters, marks that turn the direction of all that follows. Line breaks of every
kind become LF, composed letters are NFC. What writing needs stays: joiners of Uyghur and of emoji, direction marks,
variants of ideographs, private characters of GBK. Nothing here touches the database.
"""

from __future__ import annotations

import re
import unicodedata

# The last two of each plane; the other thirty-two non-characters stand in the middle of the first.
_PLANE_ENDS = "".join(chr(plane << 16 | end) for plane in range(17) for end in (0xFFFE, 0xFFFF))
_DIRECTION = "\u202a-\u202e\u2066-\u2069\u206a-\u206f"  # embeddings, overrides, isolates, and what came before them
_WIDTHLESS = "\u00ad\u200b\u2060-\u2065\ufeff\ufff9-\ufffb"  # soft hyphens, blanks and joiners of no width, annotations
_CONTROLS = "\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f"
DROPPED = re.compile(
    f"[{_CONTROLS}{_WIDTHLESS}{_DIRECTION}\ud800-\udfff\ufdd0-\ufdef{_PLANE_ENDS}\U000e0000-\U000e007f]"
)
BREAKS = re.compile("\r\n|[\r\v\f\x85\u2028\u2029]")
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Mn", "Me", "Zs", "Zl", "Zp"})
# Letters and signs that show nothing: fillers of Hangul, the empty pattern of Braille.
_EMPTY_SIGNS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")


def cleaned(text: str) -> str:
    """The text as it is kept: NFC, with line breaks and tabs, without what cannot be shown. Idempotent."""
    if text.isascii() and text.isprintable():
        return text
    return unicodedata.normalize("NFC", DROPPED.sub("", BREAKS.sub("\n", text)))


def one_line(text: str) -> str:
    """The same for a name or a number: no line breaks, every run of blanks is one, none at the ends."""
    return " ".join(cleaned(text).split())


def is_blank(text: str) -> bool:
    """Whether nothing of a text would be seen, however many characters of no width it has."""
    return not any(map(_seen, cleaned(text)))


def _seen(char: str) -> bool:
    """Letters, digits, signs; neither blanks nor formats, and no mark without the letter that it stands on."""
    return unicodedata.category(char) not in _UNSEEN and char not in _EMPTY_SIGNS
