"""The levels of the territorial tree: how long the codes on each are, and what lies above a code.

A child's code begins with its parent's, so a code tells all areas that hold it. How many levels a city has and how
long its codes are on each is settings.AREA_WIDTHS, from the top: 6, 9 and 12 digits in China. Cells lie in areas of
the last level. Figures, boards and maps know the last three by names: district, street and community. A city of two
levels has districts and communities; one of four has a top above its districts. What people call them is
settings.AREA_WORDS, or else as in China. Nothing here touches the database.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.conf import settings
from django.utils.functional import lazy
from django.utils.translation import gettext_lazy

from .words import english

NAMED = {
    1: ("community",),
    2: ("district", "community"),
    3: ("district", "street", "community"),
    4: ("", "district", "street", "community"),
}
MOST = max(NAMED)
USUAL = {"district": gettext_lazy("区"), "street": gettext_lazy("街道"), "community": gettext_lazy("社区")}


def widths() -> Mapping[str, int]:
    """How long codes are, by the names of the levels; a top above the districts has none."""
    return dict(zip(NAMED[len(settings.AREA_WIDTHS)], settings.AREA_WIDTHS, strict=True))


def width(name: str) -> int:
    """How long the codes of a level are; 0 where the city has no such level."""
    return widths().get(name, 0)


def name(code: str) -> str:
    """The name of the level on which an area's code is; none for a top above the districts."""
    return next((name for name, wide in widths().items() if wide == len(code)), "")


def word(name: str) -> str:
    """What people call a level, as a heading: begun with a capital. Where there is no street, what stands for it."""
    said = _own_word(name) or str(USUAL[name])
    return said[:1].upper() + said[1:]


def word_in_sentence(name: str) -> str:
    """The same for the middle of a sentence: as the city writes it."""
    return _own_word(name) or str(USUAL[name]).lower()


lazy_word = lazy(word, str)
"""The heading as it is when it is shown: in the language of the reader."""


def _own_word(name: str) -> str:
    """The city's own word for a level, in English for English readers where it has one."""
    named = NAMED[len(settings.AREA_WIDTHS)]
    own = dict(zip(named, settings.AREA_WORDS, strict=False))
    said, said_en = own.get(name) or own.get(above() if name == "street" else "", ("", ""))
    return (english() and said_en) or said


def lineage(code: str) -> list[str]:
    """The codes of the areas that hold one, from the top down to its own."""
    return [code[:wide] for wide in settings.AREA_WIDTHS if wide <= len(code)]


def parent(code: str) -> str:
    """The code right above an area's; none for the top."""
    return ([""] + lineage(code))[-2]


def depth(code: str) -> int:
    """How many areas hold it."""
    return len(lineage(code)) - 1


def top(code: str) -> str:
    """The code of the city's part, or the whole city, that bears it."""
    return code[: settings.AREA_WIDTHS[0]]


def above() -> str:
    """The name of the level right above the communities, or of these where there is nothing above."""
    return NAMED[len(settings.AREA_WIDTHS)][-2:][0]


def between() -> int:
    """How long the codes of that level are."""
    return width(above())
