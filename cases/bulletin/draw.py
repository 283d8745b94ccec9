"""Charts as SVG: bars, lines, many small lines, a map. Plain functions of numbers and words; nothing is fetched.

Each has a title and a description for who does not see it; what it shows stands in a table beside it as well. Colours
are attributes, for pages allow no styles, and paper knows none of the page's.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

INK, MUTED, LINE, NOW, BEFORE = "#16232e", "#55677a", "#dde4ea", "#2f6f9f", "#e2a63d"
HUES = (NOW, "#c2740c", "#12734a", "#7a4fa0")
DASHES = ("none", "6 3", "2 3", "8 3 2 3")
SHADES = ("#e9f2f8", "#bcd8ea", "#82b4d5", "#4484b2", "#1b4f78")
FONT = (
    "Noto Sans CJK SC, Noto Sans SC, PingFang SC, Microsoft YaHei, "
    "Noto Serif Tibetan, Noto Sans Mongolian, Noto Sans Arabic, Noto Sans Yi, sans-serif"
)
Values = Sequence[float | None]


def _svg(key: str, title: str, told: str, width: float, height: float, drawn: Iterable[SafeString]) -> SafeString:
    return format_html(
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {0} {1}" width="{0}" height="{1}" role="img"'
        ' aria-labelledby="{2}-t {2}-d" font-family="{5}" font-size="11"><title id="{2}-t">{3}</title>'
        '<desc id="{2}-d">{4}</desc>{6}</svg>',
        _n(width),
        _n(height),
        key,
        title,
        told,
        FONT,
        format_html_join("", "{}", ((each,) for each in drawn)),
    )


def _n(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")


def _text(x: float, y: float, said: object, *, anchor: str = "start", fill: str = MUTED) -> SafeString:
    return format_html('<text x="{}" y="{}" text-anchor="{}" fill="{}">{}</text>', _n(x), _n(y), anchor, fill, said)


def _rule(x1: float, y1: float, x2: float, y2: float, colour: str = LINE, width: float = 1) -> SafeString:
    return format_html(
        '<line x1="{}" y1="{}" x2="{}" y2="{}" stroke="{}" stroke-width="{}"/>',
        *map(_n, (x1, y1, x2, y2)),
        colour,
        width,
    )


def _chart(look: str, title: str, told: str, drawn: Iterable[SafeString]) -> SafeString:
    """Small drawings with names in HTML: WeasyPrint sets the text of an SVG letter by letter, by which Tibetan, Uyghur
    and all other scripts whose letters join fall apart."""
    parts = format_html_join("", "{}", ((each,) for each in drawn))
    return format_html('<div class="{}" role="img" aria-label="{} {}">{}</div>', look, title, told, parts)


def _named(name: str, most: int, width: float, height: float, drawn: Iterable[SafeString]) -> SafeString:
    return format_html(
        '<div><bdi>{0}</bdi><svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {1} {2}" width="{1}" height="{2}"'
        ' aria-hidden="true" font-family="{3}" font-size="11">{4}</svg></div>',
        _short(name, most),
        _n(width),
        _n(height),
        FONT,
        format_html_join("", "{}", ((each,) for each in drawn)),
    )


def bars(title: str, told: str, rows: Sequence[tuple[str, int, int]]) -> SafeString:
    """A bar for each name: this month's number; a mark where the month before was."""
    wide = 410.0
    most = max((n for _name, *both in rows for n in both), default=0) or 1
    drawn = []
    for name, n, before in rows:
        end, mark = wide * n / most, wide * before / most
        bar = (
            format_html('<rect x="0" y="5" width="{}" height="14" rx="2" fill="{}"/>', _n(end), NOW),
            _rule(mark, 3, mark, 21, BEFORE, 3),
            _text(max(end, mark) + 6, 16, n, fill=INK),
        )
        drawn.append(_named(name, 12, wide + 60, 24, bar))
    return _chart("bars", title, told, drawn)


def _short(name: str, most: int) -> str:
    """A name that fits: a Latin letter takes half the room of a Chinese character."""
    room = float(most)
    for n, letter in enumerate(name):
        room -= 1 if ord(letter) > 0x2E80 else 0.55
        if room < 0:
            return name[: _letter(name, n)] + "…"
    return name


def _letter(name: str, n: int) -> int:
    """Where the letter begins that the sign at `n` belongs to: what stands above or below is not cut off."""
    while n and unicodedata.category(name[n]).startswith("M"):
        n -= 1
    return n


def lines(
    key: str, title: str, told: str, labels: Sequence[str], series: Sequence[tuple[str, Values]], *, percent: bool
) -> SafeString:
    """A line for each series, with its name above; a gap where there was nothing."""
    left, right, top, bottom = 36.0, 430.0, 30.0, 180.0
    most = 100.0 if percent else _ceiling(max((v for _name, values in series for v in values if v), default=1))
    drawn = []
    for part in range(5):
        y = bottom - (bottom - top) * part / 4
        drawn.append(_rule(left, y, right, y))
        drawn.append(_text(left - 6, y + 4, f"{most * part / 4:g}{'%' if percent else ''}", anchor="end"))
    step = (right - left) / max(len(labels) - 1, 1)
    every = max(1, round(len(labels) / 6))
    for nth, label in enumerate(labels):
        if (len(labels) - 1 - nth) % every == 0:
            drawn.append(_text(left + nth * step, bottom + 16, label, anchor="middle"))
    for nth, (name, values) in enumerate(series):
        points = [
            None if v is None else (left + n * step, bottom - (bottom - top) * v / most) for n, v in enumerate(values)
        ]
        drawn += _path(points, HUES[nth % len(HUES)], DASHES[nth % len(DASHES)])
        drawn += [
            _rule(left + 130 * nth, 8, left + 130 * nth + 20, 8, HUES[nth % len(HUES)], 3),
            _text(left + 130 * nth + 26, 12, _short(name, 9), fill=INK),
        ]
    return _svg(key, title, told, right + 24, bottom + 24, drawn)


def _ceiling(most: float) -> float:
    """A round number not below, that four parts divide."""
    unit = 4.0
    while True:
        for times in (1, 2, 5):
            if most <= unit * times:
                return unit * times
        unit *= 10


def _path(points: Sequence[tuple[float, float] | None], colour: str, dash: str = "none") -> list[SafeString]:
    said, pen = [], "M"
    for point in points:
        if point is None:
            pen = "M"
            continue
        said.append(f"{pen}{_n(point[0])} {_n(point[1])}")
        pen = "L"
    drawn = [
        format_html(
            '<path d="{}" fill="none" stroke="{}" stroke-width="2" stroke-dasharray="{}"/>',
            " ".join(said),
            colour,
            dash,
        )
    ]
    dots = [point for point in points if point]
    return drawn + [format_html('<circle cx="{}" cy="{}" r="2.6" fill="{}"/>', _n(x), _n(y), colour) for x, y in dots]


def multiples(title: str, told: str, rows: Sequence[tuple[str, Values, str]]) -> SafeString:
    """A small line for each name on one scale, with the last value in words."""
    wide, high = 150.0, 46.0
    right, bottom = wide - 50, high - 4
    most = max((v for _name, values, _last in rows for v in values if v), default=1) or 1
    drawn = []
    for name, values, last in rows:
        step = right / max(len(values) - 1, 1)
        points = [None if v is None else (n * step + 3, bottom - (high - 10) * v / most) for n, v in enumerate(values)]
        line = (_rule(0, bottom, right + 6, bottom), *_path(points, NOW), _text(right + 12, bottom - 2, last, fill=INK))
        drawn.append(_named(name, 9, wide, high, line))
    return _chart("multiples", title, told, drawn)


def ground(
    key: str,
    title: str,
    told: str,
    size: tuple[float, float],
    shapes: Sequence[tuple[str, int | None, str]],
    outlines: Sequence[str],
) -> SafeString:
    """Shapes as paths in their own units, each with its shade (None: nothing there) and name; outlines above them."""
    drawn = [
        format_html(
            '<path d="{}" fill="{}" stroke="#ffffff" stroke-width="0.6"><title>{}</title></path>',
            d,
            "#f3f6f8" if shade is None else SHADES[shade],
            name,
        )
        for d, shade, name in shapes
    ]
    drawn += [format_html('<path d="{}" fill="none" stroke="{}" stroke-width="0.9"/>', d, MUTED) for d in outlines]
    room = format_html('<g transform="translate(1 1)">{}</g>', format_html_join("", "{}", ((each,) for each in drawn)))
    return _svg(key, title, told, size[0] + 2, size[1] + 2, [room])


def shades(values: Iterable[int]) -> list[int]:
    """The least number of each shade but the first: by fifths of what is not nought."""
    some = sorted(value for value in values if value)
    return [some[len(some) * part // len(SHADES)] for part in range(1, len(SHADES))] if some else []


def shade(value: int, bounds: Sequence[int]) -> int | None:
    """The shade of a number; None of nought."""
    return sum(value >= bound for bound in bounds) if value else None
