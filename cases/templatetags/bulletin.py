"""How a bulletin writes names, moments and stretches of time."""

from __future__ import annotations

from datetime import datetime

from django import template
from django.utils.translation import gettext as _

from grid import levels, words

from ..exports.sheets import local

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
def stretch(seconds: int | None) -> str:
    """So many minutes; of an hour and more, hours with a digit; of a day and more, days."""
    hours = (seconds or 0) / 3600
    if hours < 1:
        return _("%(n)s 分钟") % {"n": (seconds or 0) // 60}
    return _("%(n)s 天") % {"n": f"{hours / 24:.1f}"} if hours >= 24 else _("%(n)s 小时") % {"n": f"{hours:.1f}"}
