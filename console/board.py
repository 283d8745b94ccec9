"""The board: today in one look, and the lists behind each number.

What is open now comes from `cases.load`, what was done on which day from the totals of `cases.indicators`. Neither
reads a case that is done.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _

from cases import indicators, load, looking, rulebook
from cases.flow import OPEN, Stage
from cases.indicators import CITY, Figures
from cases.load import Standing, Work
from cases.metrics import METRIC
from cases.rulebook import Rulebook
from grid import levels
from grid.models import Area, Department, Officer
from grid.moment import local_day, now
from grid.roles import CENTRE, DEPARTMENT, Role
from grid.words import named

ROLES = (*CENTRE, *DEPARTMENT)
DAYS = 30
CODES = ("reports", "filed", "dispatched", "closed", "on_time", "overdue", "exempt", "finished", "rework")
Found = dict[int, Figures]


@dataclass(frozen=True)
class Scope:
    """Whose figures an officer's board tells: a kind of subject and which one, and into which areas it is divided."""

    kind: str
    subject: int
    prefix: str
    by: str
    departments: tuple[int, ...] | None  # none: all
    within: str = ""  # the ground that narrows what departments did

    @property
    def area(self) -> bool:
        return self.kind != "department"

    @property
    def came(self) -> str:
        """The metric of what came in: nothing is reported to a department or filed by it, cases are dispatched."""
        return "filed" if self.area else "dispatched"


@dataclass(frozen=True)
class Row:
    """A department or an area: its open work, what it did in the last days, and where its lists are."""

    name: str
    work: Work
    figures: Figures
    query: str
    widest: int  # the open work of the row that has most
    kind: str = ""  # of the subject whose figures these are, a department's without those below it
    subject: int = 0

    @property
    def rate(self) -> float | None:
        return None if self.figures.on_time_rate is None else 100 * self.figures.on_time_rate

    @property
    def shares(self) -> dict[str, float]:
        """How long its bar is, in percent of the longest: what is late, at risk, and neither."""
        late, risk = self.work.late, self.work.risk
        parts = {"late": late, "risk": risk, "fine": max(self.work.open - late - risk, 0)}
        return {name: round(100 * n / max(self.widest, 1), 1) for name, n in parts.items()}


def board(officer: Officer) -> dict[str, Any]:
    """All that the page tells."""
    at, book = now(), rulebook.current()
    day = local_day(at)
    since = day - timedelta(days=DAYS - 1)
    scope = scope_of(officer, book)
    standing = load.standing(officer, at, scope.by)
    days = _days(scope, since, day)
    past = Figures()
    for counts in days.values():
        for code, n in counts.items():
            past[code] += n
    return {
        "at": at,
        "day": day,
        "since": since,
        "scope": scope,
        "standing": standing,
        "today": days.get(day, Figures()),
        "past": past,
        "rate": None if past.on_time_rate is None else 100 * past.on_time_rate,
        "average": {code: past[code] / DAYS for code in CODES},
        "departments": _rows(standing.departments, _by_department(scope, since, day), _departments(book), "department"),
        "areas": _rows(standing.areas, _by_area(scope, book, since, day), _areas(book, scope), "area"),
        "stages": [(stage.value, stage.label, standing.stages.get(stage, Work())) for stage in OPEN],
        "rungs": [(n, standing.rungs.get(n, Work())) for n in range(1, max([3, *standing.rungs]) + 1)],
        "chart": chart(days, since, day, standing, scope.came),
        "came": METRIC[scope.came],
        "daily": [(on, figures[scope.came], figures) for on, figures in reversed(series(days, since, day))],
    }


def scope_of(officer: Officer, book: Rulebook) -> Scope:
    """A post of the centre looks at its area, or the city; one of a department at that department, a head below it."""
    if officer.holds(*CENTRE):
        code = officer.area.code if officer.area else ""
        level, wide = levels.name(code), levels.between()
        streets = [area for area in book.areas.values() if len(area.code) == wide and area.code.startswith(code)]
        by = levels.name(streets[0].code) if len(streets) > 1 else "community"
        if officer.area is None or not level:  # a top above the districts is the whole city
            return Scope("city", CITY, "", by, None)
        return Scope(level, officer.area.pk, code, by, None, looking.ground(officer))
    own = officer.department_id or 0
    below = _below(own, book.departments) if officer.holds(Role.HEAD) else (own,)
    return Scope("department", own, "", levels.above(), below)


def _below(own: int, departments: Mapping[int, Department]) -> tuple[int, ...]:
    found = [own]
    for pk in found:  # it grows as we go
        found += [row.pk for row in departments.values() if row.above_id == pk and row.pk not in found]
    return tuple(found)


def _days(scope: Scope, since: date, until: date) -> dict[date, Figures]:
    if scope.departments is not None:
        found: dict[date, Figures] = {}
        told = indicators.series("department", since, until, subjects=scope.departments, codes=CODES, tree=False)
        for days in told.values():
            for day, counts in days.items():
                for code, n in counts.items():
                    found.setdefault(day, Figures())[code] += n
        return found
    subjects = None if scope.kind == "city" else [scope.subject]
    return indicators.series(scope.kind, since, until, subjects=subjects, codes=CODES).get(scope.subject, {})


def _by_department(scope: Scope, since: date, until: date) -> Found:
    """Each department's own, without those below it, as far as it lies on the ground that is looked at."""
    return indicators.figures(
        "department", since, until, subjects=scope.departments, codes=CODES, tree=False, within=scope.within
    )


def _by_area(scope: Scope, book: Rulebook, since: date, until: date) -> Found:
    if not scope.area:
        return {}
    return indicators.figures(scope.by, since, until, subjects=[*_areas(book, scope)], codes=CODES)


def _areas(book: Rulebook, scope: Scope) -> dict[int, Area]:
    wide, rows = levels.width(scope.by), book.areas.values()
    return {area.pk: area for area in rows if len(area.code) == wide and area.code.startswith(scope.prefix)}


def _departments(book: Rulebook) -> dict[int, Department]:
    return {row.pk: row for row in book.departments.values()}


def _rows(works: Mapping[Any, Work], figures: Found, names: Mapping[int, Any], key: str) -> list[Row]:
    """Those with the most late work first, then at risk. What nobody is charged with yet stands at the end."""
    widest = max((work.open for work in works.values()), default=0)
    rows = []
    for pk in {*works, *figures} - {0, None}:
        row = names.get(pk)
        if row:
            said = {key: row.pk if key == "department" else row.code}
            found = works.get(pk, Work()), figures.get(pk, Figures())
            kind = levels.name(row.code) if key == "area" else key
            rows.append(Row(named(row), *found, urlencode(said), widest, kind, row.pk))
    rows.sort(key=lambda row: (-row.work.late, -row.work.risk, -row.work.open, row.name))
    nobody = works.get(None)
    return rows + (
        [Row(_("尚未派遣"), nobody, Figures(), urlencode({key: 0}), widest)] if nobody and nobody.open else []
    )


def series(days: Mapping[date, Figures], since: date, until: date) -> list[tuple[date, Figures]]:
    """Every day, those without anything too."""
    return [(day, days.get(day, Figures())) for n in range((until - since).days + 1) for day in [since + timedelta(n)]]


def chart(
    days: Mapping[date, Figures], since: date, until: date, standing: Standing, came: str = "filed"
) -> dict[str, Any]:
    """What board.js draws; a table beside it says the same."""
    told = series(days, since, until)
    list_of = reverse("console:cases")
    return {
        "days": [day.isoformat() for day, _figures in told],
        "came": [figures[came] for _day, figures in told],
        "closed": [figures["closed"] for _day, figures in told],
        "rate": [
            None if figures.on_time_rate is None else round(100 * figures.on_time_rate, 1) for _day, figures in told
        ],
        "stages": [
            {
                "name": str(stage.label),
                "late": standing.stages.get(stage, Work()).late,
                "fine": standing.stages.get(stage, Work()).open - standing.stages.get(stage, Work()).late,
                "url": f"{list_of}?stage={stage.value}",
            }
            for stage in reversed(OPEN)
            if stage != Stage.LINKED or stage in standing.stages
        ],
        "list": list_of,
        "words": {
            "came": named(METRIC[came]),
            "closed": _("结案数"),
            "rate": _("按期处置率"),
            "late": _("超时数"),
            "fine": _("未超时"),
        },
    }
