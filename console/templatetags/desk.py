"""How moments, stretches of time and states look on a page."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django import template
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html, json_script
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from cases import lateness, reasons, showing
from cases.flow import Stage
from cases.lateness import Lateness
from cases.models import Condition, Flag
from grid import levels, privacy, words
from grid.moment import now

register = template.Library()
SOON_S = 4 * 3600  # from when on a deadline is shown as near
HUES = {
    Stage.FILING: "new",
    Stage.VERIFY: "street",
    Stage.DISPATCH: "new",
    Stage.HANDLING: "work",
    Stage.SHELVED: "rest",
    Stage.LINKED: "rest",
    Stage.FEEDBACK: "street",
    Stage.CHECK: "street",
    Stage.CLOSING: "near",
    Stage.CLOSED: "done",
    Stage.VOID: "rest",
}


@register.filter
def named(row: words.Named | None) -> str:
    """A row's name in the reader's language."""
    return words.in_sentence(row) if row else ""


@register.simple_tag
def area_level(name: str) -> str:
    """What people call a level of areas, as a heading."""
    return levels.word(name)


@register.filter
def isolated(name: object) -> str:
    """A name for the middle of a sentence, where no element keeps it apart."""
    return words.isolated(str(name))


@register.filter
def masked(text: str) -> str:
    """A text without the middle of phone and identity card numbers."""
    return privacy.masked(text)


@register.filter
def phrased(row: object, field: str) -> str:
    """A row's text in the reader's language."""
    return words.phrased(row, field)


@register.filter
def short(at: datetime) -> str:
    """The moment in the city's zone without the year: 03-02 09:00."""
    return timezone.localtime(at).strftime("%m-%d %H:%M")


@register.filter
def clock(at: datetime) -> str:
    """The time of day in the city's zone; midnight as the end of its day."""
    return timezone.localtime(at).strftime("%H:%M").replace("00:00", "24:00")


@register.filter
def local(at: datetime | None) -> str:
    """The moment in the city's zone: 2026-03-02 09:00."""
    return timezone.localtime(at).strftime("%Y-%m-%d %H:%M") if at else ""


@register.filter
def day(at: datetime | None) -> str:
    """The day in the city's zone, as the reader writes it."""
    return date_format(timezone.localtime(at), "DATE_FORMAT") if at else ""


@register.filter
def span(seconds: float | None) -> str:
    """A stretch of time in its two largest units: 2 天 3 小时."""
    return "" if seconds is None else lateness.span(seconds)


@register.filter
def late(found: Lateness | None) -> str:
    """How late work was in the end, or is."""
    return lateness.say(found) if found else ""


@register.filter
def percent(share: float | None) -> str:
    """A share of one: 12 %; a dash where there is nothing to divide."""
    return "—" if share is None else f"{share:.0%}"


@register.filter
def degrees(angle: float) -> str:
    """A longitude or latitude, to a metre or so."""
    return f"{angle:.5f}"


@register.simple_tag
def ago(at: datetime | None) -> SafeString | str:
    """How long since, or until, with the moment itself under the pointer and for machines."""
    if at is None:
        return ""
    off = (now() - at).total_seconds()
    says = _("%(span)s前") if off >= 0 else _("%(span)s后")
    return _time("ago", at, says % {"span": span(off)})


@register.simple_tag
def moment(at: datetime | None) -> SafeString | str:
    """The moment, with how long since under the pointer."""
    return _time("moment", at, local(at)) if at else ""


@register.simple_tag
def due(at: datetime | None) -> SafeString | str:
    """How long is left, or how late it is: in words and in colour."""
    if at is None:
        return format_html('<span class="due none">{}</span>', _("无时限"))
    left = (at - now()).total_seconds()
    says = _("超时 %(span)s") if left < 0 else _("剩 %(span)s")
    return _time(f"due {'late' if left < 0 else 'soon' if left < SOON_S else 'fine'}", at, says % {"span": span(left)})


def _time(kind: str, at: datetime, says: str) -> SafeString:
    return format_html(
        '<time class="{}" datetime="{}" title="{}">{}</time>', kind, at.isoformat(timespec="seconds"), local(at), says
    )


@register.simple_tag
def stage(of: str) -> SafeString:
    """The badge of a stage."""
    here = Stage(of)
    return format_html('<span class="badge {}">{}</span>', HUES[here], here.label)


@register.simple_tag
def level(n: int) -> SafeString | str:
    """The badge of the rungs climbed; nothing where none was."""
    if not n:
        return ""
    return format_html('<span class="badge level" title="{}">▲{}</span>', _("已升级 %(n)d 级") % {"n": n}, n)


@register.simple_tag
def flag(raised: Flag) -> str:
    """The sentence of a flag on the evidence."""
    return showing.flag(raised.code, raised.figure)


@register.filter
def limit(row: Condition) -> str:
    """A condition's limit: 4 工作时."""
    return reasons.limit(row.limit_value, row.limit_unit)


@register.filter
def allowed(value: str, unit: str) -> str:
    """So much of a unit: 4 工作时."""
    return reasons.limit(value, unit)


@register.simple_tag
def map_words() -> SafeString:
    """What a map says itself, in the reader's language, for its script."""
    words = {
        "Map.Title": _("地图"),
        "NavigationControl.ZoomIn": _("放大"),
        "NavigationControl.ZoomOut": _("缩小"),
        "AttributionControl.ToggleAttribution": _("地图数据来源"),
        "Popup.Close": _("关闭"),
        "CooperativeGesturesHandler.WindowsHelpText": _("按住 Ctrl 并滚动，可以缩放地图"),
        "CooperativeGesturesHandler.MacHelpText": _("按住 ⌘ 并滚动，可以缩放地图"),
        "CooperativeGesturesHandler.MobileHelpText": _("用两根手指移动地图"),
    }
    return json_script(words, "map-words")


@register.simple_tag
def grade(letter: str, colours: Mapping[str, str]) -> SafeString | str:
    """The badge of a grade, in the colour that its scheme says; nothing where there is none."""
    hue = colours.get(letter, "")
    return format_html('<span class="badge hue-{}">{}</span>', hue, letter) if letter else ""
