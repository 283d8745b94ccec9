"""A bulletin in words, tables and drawings, in the language of whoever reads: for a page, and for paper."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.template.loader import render_to_string
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from grid import levels
from grid.models import Officer
from grid.words import in_sentence, named

from ..indicators import Figures, rate
from ..metrics import METRIC
from . import Bulletin, Line, Place, Ranking, Reading, draw, ground, overdue

BARS = 20  # of streets; all are in the table
SMALL = 16


@dataclass(frozen=True)
class Measure:
    """One of the figures at the top: in words, with its changes against the month before and the year before."""

    name: str
    value: str
    before: str
    last_year: str


def context(reading: Reading, by: Officer) -> dict[str, Any]:
    """All that the template asks for. The late cases are those that this reader may see."""
    told = reading.bulletin
    drawings, legend = ground.drawings(told.communities)
    return {
        "bulletin": told,
        "issue": reading.issue,
        "title": date_format(told.period.since, "YEAR_MONTH_FORMAT"),
        "measures": measures(told.city),
        "facts": facts(told),
        "months": _months(told),
        "flow": _flow(told),
        "rates": _rates(told),
        "streets": _table(told.streets),
        "bars": _bars(told.streets),
        "departments": _table(told.departments),
        "small": _small(told.departments),
        "classes": _table(told.classes),
        "rankings": [_ranking(each) for each in told.rankings],
        "drawings": drawings,
        "legend": legend,
        "late": overdue.listed(told.period, reading.issue, by),
        "late_fixed": overdue.is_fixed(reading.issue),
    }


def html(reading: Reading, by: Officer) -> str:
    """The article alone, to be bound into a page or on paper."""
    return render_to_string("bulletin/article.html", context(reading, by))


# Figures


def on_time(counts: Figures) -> float | None:
    return counts.on_time_rate


def closed(counts: Figures) -> float | None:
    """结案率: closed / (closed + unclosed)."""
    return rate(counts["closed"], counts["closed"] + counts["unclosed"])


def percent(value: float | None) -> str:
    return "—" if value is None else f"{value * 100:.1f}%"


def measures(city: Line) -> list[Measure]:
    """The city's figures of the month."""
    counted = [(code, named(METRIC[code])) for code in ("reports", "filed", "closed", "overdue")]
    found = [
        Measure(
            name,
            str(city.now[code]),
            grown(city.now[code], city.before[code]),
            grown(city.now[code], city.last_year[code]),
        )
        for code, name in counted
    ]
    rates = ((_("按期处置率"), on_time), (_("结案率"), closed), (_("返工率"), lambda counts: counts.rework_rate))
    for name, of in rates:
        value = of(city.now)
        found.append(Measure(name, percent(value), moved(value, of(city.before)), moved(value, of(city.last_year))))
    return found


def grown(now: int, before: int) -> str:
    """By how much more or less than before, in percent of before; a dash where there was nothing."""
    if not before:
        return "—"
    change = (now - before) / before * 100
    return _("持平") if now == before else f"{change:+.1f}%"


def moved(now: float | None, before: float | None) -> str:
    """The change of a rate, in points of percent."""
    if now is None or before is None:
        return "—"
    if now == before:
        return _("持平")
    return _("%(points)s 个百分点") % {"points": f"{(now - before) * 100:+.1f}"}


# Sentences


def facts(told: Bulletin) -> list[str]:
    """What is worth a sentence. What did not happen is not told."""
    city = told.city
    if not any(city.now.values()):
        return [_("本月没有记录。")]
    return [
        said
        for said in (
            *(_filed(city), _rate(city), _callers(city), _most(told), _risen(told), _slow(told)),
            *_places(told),
        )
        if said
    ]


def _filed(city: Line) -> str:
    said = {"filed": city.now["filed"], "closed": city.now["closed"]}
    if not city.before["filed"]:
        return _("本月立案 %(filed)d 件，结案 %(closed)d 件。") % said
    change = grown(city.now["filed"], city.before["filed"])
    return _("本月立案 %(filed)d 件，比上月 %(change)s；结案 %(closed)d 件。") % {**said, "change": change}


def _rate(city: Line) -> str:
    now, before = on_time(city.now), on_time(city.before)
    if now is None:
        return ""
    said = {"rate": percent(now), "on_time": city.now["on_time"], "due": city.now.due}
    if before is None:
        return _("按期处置率 %(rate)s（%(on_time)d ÷ %(due)d）。") % said
    said["change"] = moved(now, before)
    return _("按期处置率 %(rate)s（%(on_time)d ÷ %(due)d），比上月 %(change)s。") % said


def _callers(city: Line) -> str:
    """三率: what those who called say of it."""
    now = city.now
    if not now["called_back"]:
        return ""
    said = {
        "n": now["called_back"],
        "contacted": percent(rate(now["contacted"], now["contacts_due"])),
        "solved": percent(rate(now["solved"], now["called_back"])),
        "satisfied": percent(rate(now["satisfied"], now["called_back"])),
    }
    return _("回访到来电人 %(n)d 位：响应率 %(contacted)s，解决率 %(solved)s，满意率 %(satisfied)s。") % said


def _most(told: Bulletin) -> str:
    line = max(told.streets, key=lambda line: line.now["filed"], default=None)
    if line is None or not line.now["filed"]:
        return ""
    share = percent(rate(line.now["filed"], told.city.now["filed"]))
    return _("立案最多的%(level)s是%(name)s，%(n)d 件，占 %(share)s。") % {
        "level": levels.word_in_sentence("street"),
        "name": in_sentence(line),
        "n": line.now["filed"],
        "share": share,
    }


def _risen(told: Bulletin) -> str:
    line = told.risen or max(told.classes, key=lambda line: line.now["filed"] - line.before["filed"], default=None)
    if line is None or not line.before["filed"] or line.now["filed"] <= line.before["filed"]:
        return ""
    said = {"name": in_sentence(line), "before": line.before["filed"], "now": line.now["filed"]}
    return _("增加最多的问题是%(name)s，由 %(before)d 件增至 %(now)d 件。") % said


def _slow(told: Bulletin) -> str:
    """What an appeal exempted is nobody's fault."""
    line = max(told.departments, key=lambda line: (_blamed(line), -line.now["dispatched"]), default=None)
    if line is None or not _blamed(line):
        return ""
    said = {"name": in_sentence(line), "n": _blamed(line)}
    return _("超期最多的单位是%(name)s，%(n)d 件次。") % said


def _blamed(line: Line) -> int:
    return line.now["overdue"] - line.now["exempt"]


def _places(told: Bulletin) -> list[str]:
    found = []
    for ranking in told.rankings:
        best = [place for place in ranking.places if place.rank == 1]
        if best and len(best) <= 3:
            said = {"scheme": in_sentence(ranking), "names": _names(best), "points": f"{best[0].points:.2f}"}
            found.append(_("%(scheme)s第一名：%(names)s，%(points)s 分。") % said)
        letters = [letter for letter, _colour in ranking.grades]
        lower = letters[(len(letters) + 1) // 2 :]  # of five the last two
        low = [place for place in ranking.places if place.grade in lower]
        if low:
            said = {"scheme": in_sentence(ranking), "grades": _("、").join(lower), "names": _names(low[:5])}
            found.append(_("%(scheme)s中得 %(grades)s 等的：%(names)s。") % said)
    return found


def _names(places: Iterable[Place]) -> str:
    return _("、").join(in_sentence(place) for place in places)


# Tables and drawings


@dataclass(frozen=True)
class Told:
    """A subject's row, in words."""

    name: str
    filed: int
    before: int
    change: str
    dispatched: int
    closed: int
    close_rate: str
    on_time: str
    overdue: int
    exempt: int
    rework: str


def _table(lines: Sequence[Line]) -> list[Told]:
    return [
        Told(
            named(line),
            line.now["filed"],
            line.before["filed"],
            grown(line.now["filed"], line.before["filed"]),
            line.now["dispatched"],
            line.now["closed"],
            percent(closed(line.now)),
            percent(on_time(line.now)),
            line.now["overdue"],
            line.now["exempt"],
            percent(line.now.rework_rate),
        )
        for line in lines
        if any(line.now.values()) or any(line.before.values())
    ]


def _months(told: Bulletin) -> list[tuple[str, int, int, str, str]]:
    return [
        (month, counts["filed"], counts["closed"], percent(on_time(counts)), percent(closed(counts)))
        for month, counts in told.run
    ]


def _flow(told: Bulletin) -> Any:
    series = [
        (_("立案数"), [float(counts["filed"]) if counts else None for _month, counts in told.run]),
        (_("结案数"), [float(counts["closed"]) if counts else None for _month, counts in told.run]),
    ]
    says = _("最近十二个月每月的立案数和结案数。")
    return draw.lines("flow", _("立案与结案"), says, [month for month, _counts in told.run], series, percent=False)


def _rates(told: Bulletin) -> Any:
    series = [
        (_("按期处置率"), [_hundred(on_time(c)) for _m, c in told.run]),
        (_("结案率"), [_hundred(closed(c)) for _m, c in told.run]),
    ]
    says = _("最近十二个月每月的按期处置率和结案率；没有发生的月份留空。")
    return draw.lines(
        "rates", _("按期处置率与结案率"), says, [month for month, _counts in told.run], series, percent=True
    )


def _hundred(value: float | None) -> float | None:
    return None if value is None else value * 100


def _bars(lines: Sequence[Line]) -> Any:
    most = sorted(lines, key=lambda line: -line.now["filed"])[:BARS]
    rows = [(named(line), line.now["filed"], line.before["filed"]) for line in most]
    title = _("各%(level)s立案数") % {"level": levels.word_in_sentence("street")}
    return draw.bars(title, _("横条是本月，竖线是上月。"), rows)


def _small(lines: Sequence[Line]) -> Any:
    """Three moments of each department: a year ago, the month before, this month."""
    some = sorted((line for line in lines if line.now["dispatched"]), key=lambda line: -line.now["dispatched"])[:SMALL]
    rows = [
        (
            named(line),
            [_hundred(on_time(c)) for c in (line.last_year, line.before, line.now)],
            percent(on_time(line.now)),
        )
        for line in some
    ]
    says = _("每个单位的按期处置率：去年同月、上月、本月。")
    return draw.multiples(_("各单位按期处置率"), says, rows)


def _ranking(ranking: Ranking) -> dict[str, Any]:
    colours = dict(ranking.grades)
    places = [
        {
            "place": place,
            "colour": colours.get(place.grade, ""),
            "name": named(place),
            "points": "—" if place.points is None else f"{place.points:.2f}",
            "before": "—" if place.before is None else f"{place.before:.2f}",
            "change": "" if place.points is None or place.before is None else f"{place.points - place.before:+.2f}",
        }
        for place in ranking.places
        if place.rank
    ]
    return {"name": named(ranking), "revision": ranking.revision, "places": places}
