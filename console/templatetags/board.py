"""What the board draws in a table, and where its figures lead."""

from __future__ import annotations

from datetime import date
from urllib.parse import urlencode

from django import template
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from ..board import Row, Scope

register = template.Library()


@register.simple_tag
def bars(row: Row) -> SafeString:
    """The open work of a row as a bar: late, at risk, the rest. As a drawing, for a style of its own is not allowed."""
    x, parts = 0.0, []
    for name, width in row.shares.items():
        parts.append((name, x, width))
        x += width
    drawn = format_html_join("", '<rect class="{}" x="{}" y="0" width="{}" height="8"/>', parts)
    return format_html('<svg viewBox="0 0 100 8" preserveAspectRatio="none">{}</svg>', drawn)


@register.simple_tag
def behind(codes: str, scope: Scope | Row, since: date, until: date, indicator: str = "") -> SafeString:
    """The link to the cases behind a figure; none where no such page is mounted.

    Where the city has the `indicator`, its page tells the rate with both of its sides, else the `codes`.
    """
    said: dict[str, object] = {"codes": codes, "kind": scope.kind, "subject": scope.subject, "from": since, "to": until}
    if indicator:
        said |= {"indicator": indicator, "part": "denominator"}
    if isinstance(scope, Row) and scope.kind == "department":
        said["alone"] = 1
    try:
        return format_html(' href="{}?{}"', reverse("console:behind"), urlencode(said))
    except NoReverseMatch:
        return SafeString("")
