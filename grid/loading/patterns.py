"""Patterns of codes that city.json may say: no code makes one stand still. Nothing here touches the database.

Python's matcher tries every way in which the parts of a pattern can share a text out, and cannot be stopped. So the
ways are counted before: a repeat has as many as it has lengths, a choice as many as it has branches, and what stands
in a repeat multiplies by itself. What comes through takes a part of a second at the very worst.
"""

from __future__ import annotations

import re
from re import _constants as op  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any

from django.utils.translation import gettext as _

LONGEST = 64  # characters of a code that is matched; no code of ours may be longer
PATTERN = 200  # characters
WAYS = LONGEST**2  # two repeats without an end, or many that have one
REPEATS = (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT)
ONE = (op.LITERAL, op.NOT_LITERAL, op.IN, op.ANY, op.AT)


def compiled(said: str) -> re.Pattern[str]:
    """The pattern. Raises ValueError with a sentence, or re.error, for what is none or may stand still."""
    if not isinstance(said, str) or len(said) > PATTERN:
        raise ValueError(_("编码的规则应是一段文字，最多 %(most)d 个字符") % {"most": PATTERN})
    try:
        ways = _ways(_parser.parse(said))
        if ways <= WAYS:
            return re.compile(said)
    except (OverflowError, RecursionError):
        pass
    message = _("规则“%(pattern)s”的重复太多，核对会停不下来：不要在重复里再写重复，请写明位数，例如 ^[0-9]{15}$")
    raise ValueError(message % {"pattern": said[:80]})


def fits(pattern: re.Pattern[str], code: str) -> bool:
    """Whether a code is as the pattern says; one that is too long is not."""
    return len(code) <= LONGEST and pattern.search(code) is not None


def _ways(parts: Any) -> int:
    """In how many ways a sequence may match one text; more than WAYS is as good as without end."""
    ways = 1
    for kind, said in parts:
        ways = min(ways * _ways_of_part(kind, said), WAYS + 1)
    return ways


def _ways_of_part(kind: Any, said: Any) -> int:
    if kind in ONE:
        return 1
    if kind is op.BRANCH:
        return sum(map(_ways, said[1]))
    if kind is op.SUBPATTERN:
        return _ways(said[-1])
    if kind in (op.ASSERT, op.ASSERT_NOT):
        return _ways(said[1])
    if kind is op.ATOMIC_GROUP:
        return _ways(said)
    if kind in REPEATS:
        least, most, inner = said
        return _repeated(_ways(inner), least, min(int(most), LONGEST))
    return WAYS + 1  # a reference back, a condition: no code needs them


def _repeated(ways: int, least: int, most: int) -> int:
    """Of something that is there `least` to `most` times."""
    if ways == 1:
        return max(most - least, 0) + 1
    every = 0
    for times in range(min(least, LONGEST), max(most, least) + 1):
        every += ways**times
        if every > WAYS:
            return WAYS + 1
    return every
