"""How a bulletin writes names, moments and how late work is."""

from __future__ import annotations

from datetime import datetime

from django import template

from grid import levels, words

from .. import lateness
from ..exports.sheets import local
from ..lateness import Lateness

register = template.Library()


@register.filter
def name(row: words.Named) -> str:
    """A row's name in the reader's language."""
    return words.named(row)


@register.simple_tag
def area_level(name: str, *, sentence: bool = False) -> str:
    """What people call a level of areas: as a heading, or for the middle of a sentence."""
    return levels.word_in_sentence(name) if sentence else levels.word(name)


@register.filter
def stamp(at: datetime | None) -> str:
    """The moment on the city's clock, to the minute."""
    return f"{local(at):%Y-%m-%d %H:%M}" if at else ""


@register.filter
def late(found: Lateness | None) -> str:
    """How late work was in the end, or is."""
    return lateness.say(found) if found else ""
