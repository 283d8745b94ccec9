"""How figures, points and their changes look on a page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any
from urllib.parse import urlencode

from django import template
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.evaluation import Standing
from cases.models import Indicator
from cases.periods import Period, Span
from cases.scores import Grade, shown

from ..ranking import Cell, Chosen, Head
from ..trials import Line
from .desk import grade

register = template.Library()
NONE = "—"
WHENS = {
    "at": gettext_lazy("发生日"),
    "due_at": gettext_lazy("到期日"),
    "promise_at": gettext_lazy("整案时限日"),
}


@register.filter
def points(value: Fraction | None) -> str:
    """A score with two digits, or a dash."""
    return NONE if value is None else f"{shown(value):.2f}"


@register.simple_tag
def value(number: Fraction | None, counts: bool) -> str:
    """A rate in percent or a count; a dash where there is nothing to rate."""
    if number is None:
        return NONE
    return f"{int(number)}" if counts else f"{shown(number * 100, 1):.1f}%"


@register.simple_tag
def change(number: Fraction | None, *, higher: bool = True, kind: str = "points") -> SafeString | str:
    """By how much more or less than before, with a sign; its hue says whether that is better."""
    if number is None:
        return ""
    told = shown(number * 100, 1) if kind == "rate" else shown(number, 0 if kind == "count" else 2)
    if not told:
        return format_html('<span class="change">{}</span>', _("持平")) if kind == "points" else ""
    says = f"{abs(told):.0f}" if kind == "count" else f"{abs(told):.1f}" if kind == "rate" else f"{abs(told):.2f}"
    hue, word = ("better", _("变好")) if (told > 0) == higher else ("worse", _("变差"))
    sign = "▲" if told > 0 else "▼"
    return format_html('<span class="change {}" title="{}">{}{}</span>', hue, word, sign, says)


@register.filter
def period(of: Period) -> str:
    """2026 年 10 月; 2026-10-05 至 2026-10-11."""
    if of.span == Span.MONTH:
        return date_format(of.since, "YEAR_MONTH_FORMAT")
    if of.span == Span.DAY:
        return date_format(of.since, "DATE_FORMAT")
    if of.span == Span.YEAR:
        return _("%(year)d 年") % {"year": of.since.year}
    return _("%(since)s 至 %(until)s") % {"since": of.since.isoformat(), "until": of.until.isoformat()}


@register.filter
def when(moment: str) -> str:
    """By which moment of its line a metric counts."""
    return str(WHENS[moment])


@register.filter
def beside(cells: Sequence[Cell], heads: Sequence[Head]) -> list[tuple[Head, Cell]]:
    """Each cell with the head of its column."""
    return list(zip(heads, cells, strict=False))


@register.simple_tag
def figure(asked: Chosen, head: Head, cell: Cell, subject: int) -> str:
    """The address of the cases behind a figure: of a rate that is good when high, all it is reckoned of."""
    said = {
        "indicator": cell.code,
        "part": "denominator" if head.higher and not head.counts else "numerator",
        "kind": asked.scheme.kind,
        "subject": subject,
        "from": asked.period.since,
        "to": asked.period.until,
        "basis": asked.basis,
    }
    return urlencode(said)


@register.simple_tag(takes_context=True)
def sorts(context: template.Context, column: str) -> str:
    """The query that sorts by a column, or the other way round where it is sorted so."""
    said = context["request"].GET.copy()
    said["sort"] = f"-{column}" if said.get("sort") == column else column
    said.pop("page", None)
    return f"?{said.urlencode()}"


@register.simple_tag(takes_context=True)
def heading(context: template.Context, column: str, label: str) -> SafeString:
    """The head of a column by which the page can be sorted; it says whether it is."""
    sort = context["request"].GET.get("sort", "")
    down, up = ("ascending", "descending") if column in ("name", "rank") else ("descending", "ascending")
    state = {column: down, f"-{column}": up}.get(sort, "")
    said = format_html(' aria-sort="{}"', state) if state else ""
    kind = "" if column == "name" else "num"
    return format_html(
        '<th scope="col" class="{}"{}><a href="{}">{}</a></th>', kind, said, sorts(context, column), label
    )


@register.filter
def counted(row: Standing, code: str) -> int:
    """A count of a subject; 0 where it did not happen."""
    return row.figures[code]


SHOWN: Mapping[str, Callable[[Any], str]] = {
    "rate": lambda number: f"{shown(Fraction(number) * 100, 1):.1f}%",
    "count": lambda number: f"{int(number)}",
    "points": lambda number: f"{shown(Fraction(number)):.2f}",
    "rank": str,
}


@register.simple_tag
def both(was: Any, will: Any, kind: str) -> SafeString | str:
    """A number as it is, and behind an arrow as it would be, where that is different."""
    before, after = (NONE if number is None else SHOWN[kind](number) for number in (was, will))
    if before == after:
        return before
    arrow = '<span class="was">{}</span> <span aria-hidden="true">→</span><span class="unseen">{}</span> <b>{}</b>'
    return format_html(arrow, before, _("变为"), after)


@register.simple_tag
def badge(of: Grade | None) -> SafeString | str:
    """A grade with the colour that its scheme says; a dash where there is none."""
    return grade(of.letter, {of.letter: of.colour}) if of else NONE


@register.simple_tag
def grades(row: Standing, then: Standing) -> SafeString | str:
    """The grade of a subject as it is, and behind an arrow as it would be, where that is different."""
    was, will = (badge(each.score.grade) for each in (row, then))
    if was == will:
        return was
    return format_html('{} <span aria-hidden="true">→</span><span class="unseen">{}</span> {}', was, _("变为"), will)


@register.simple_tag
def item(line: Line, head: Indicator) -> SafeString | str:
    """An indicator of a subject as it is and as it would be."""
    return both(*line.values(head.code), "rate" if head.denominator else "count")
