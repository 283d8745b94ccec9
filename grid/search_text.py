"""What people paste into a box to find something: from a chat, a table, a Chinese keyboard. Nothing here touches the
database.
"""

from __future__ import annotations

import re
import unicodedata

from .typed_text import cleaned

# What stands around a word in a sentence, and is no part of it.
AROUND = " \t\n#＃。．.,，、;；:：!！?？…“”\"'‘’「」『』【】[]()（）<>《》"
NUMBER = re.compile(r"[A-Z]{1,8}[0-9]{14,20}")
END_OF_NUMBER = re.compile(r"[A-Z]{0,8}[0-9]+")
UNSEEN = frozenset({"Cc", "Cf"})


def sought(said: str) -> str:
    """The words that are meant: without what has no width, and without what stands around them."""
    seen = "".join(char for char in cleaned(said) if char.isspace() or unicodedata.category(char) not in UNSEEN)
    return " ".join(seen.strip(AROUND).split()) or " ".join(seen.split())


def spellings(word: str) -> list[str]:
    """A word as it is typed, and in plain letters and signs where that is another: ＡＢ, AB."""
    return list(dict.fromkeys((word, unicodedata.normalize("NFKC", word))))


def compact(said: str) -> str:
    """A code or a number in plain capitals, without blanks and dashes."""
    return re.sub(r"[\s_-]+", "", unicodedata.normalize("NFKC", sought(said))).upper()


def case_number(said: str) -> str:
    """The number of a case, or its end, that is meant; empty where it is none: 案卷WG20261130000152。"""
    plain = compact(said)
    if found := NUMBER.search(plain):
        return found[0]
    return plain if END_OF_NUMBER.fullmatch(plain) else ""
