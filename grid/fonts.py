"""Which characters this machine can print: those that an installed font has.

What the fonts of the style sheet lack, Pango takes from any other that fontconfig knows. So a look at all of them tells
what would stand on paper as an empty box.
"""

from __future__ import annotations

import subprocess
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable

UNSEEN = {"Cc", "Cf", "Zs", "Zl", "Zp"}  # categories of characters that are not drawn
PATIENCE_S = 30  # the first look after fonts were installed reads them all


def missing_characters(texts: Iterable[str]) -> list[str]:
    """The characters that no installed font has, each once. Raises OSError where fontconfig cannot be asked."""
    asked = {letter for text in texts for letter in text if unicodedata.category(letter) not in UNSEEN}
    if all(map(str.isascii, asked)):
        return []
    starts, ends = _covered()
    return sorted(letter for letter in asked if ends[bisect_right(starts, ord(letter)) - 1] < ord(letter))


def listed(letters: Iterable[str]) -> str:
    """For who looks for a font: each letter with its number, for it may be a box on the screen as well."""
    return " ".join(f"{letter} (U+{ord(letter):04X})" for letter in letters)


def _covered() -> tuple[list[int], list[int]]:
    """Where runs of characters begin that some font has, and how far one run or an earlier one has reached there."""
    asked = ("fc-list", "--format", "%{charset}\n")
    try:
        said = subprocess.run(asked, check=True, capture_output=True, text=True, timeout=PATIENCE_S).stdout  # noqa: S603
    except subprocess.SubprocessError as error:
        raise OSError(f"fc-list: {error}") from error
    runs = sorted({_run(words) for line in set(said.splitlines()) for words in line.split()})
    starts, ends = [-1], [-1]
    for start, end in runs:
        starts.append(start)
        ends.append(max(end, ends[-1]))
    return starts, ends


def _run(words: str) -> tuple[int, int]:
    start, _, end = words.partition("-")
    return int(start, 16), int(end or start, 16)
