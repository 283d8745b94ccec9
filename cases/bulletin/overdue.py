"""Which overdue work a bulletin lists, the latest first: as it is now, or as it was when the bulletin was issued."""

from __future__ import annotations

from datetime import date
from typing import Any

from grid.models import Officer

from .. import behind
from ..behind import Counted, Figure
from ..indicators import CITY
from ..lateness import Lateness
from ..models import Issue
from ..periods import Period

LATE = 15
TRIED = 200  # of the overdue, the last to fall due
CODE = "overdue"


def listed(period: Period, issue: Issue | None, by: Officer) -> list[Counted]:
    """Of the last overdue work of the month that a reader may see, what was late for longest; of a bulletin that was
    issued, as it was then."""
    return (_thawed(issue.said["late"], by) if issue and is_fixed(issue) else _live(period, by))[:LATE]


def is_fixed(issue: Issue | None) -> bool:
    """Whether an issue holds its list: the first ones did not."""
    return issue is not None and "late" in issue.said


def _live(period: Period, by: Officer) -> list[Counted]:
    figure = Figure((CODE,), "city", CITY, period.since, period.until)
    rows, _following = behind.behind(figure, by, limit=TRIED)
    return sorted(rows, key=lambda row: (row.late.own_s, row.late.wall_s) if row.late else (0, 0), reverse=True)


def fixed(period: Period, by: Officer) -> list[dict[str, Any]]:
    """The list as it is now, for JSON: lines of the log and how late their work is, no words."""
    return [
        {
            "event": row.event.pk,
            "day": row.day.isoformat(),
            "exempt": row.exempt,
            "late": [row.late.own_s, row.late.wall_s, row.late.lasting] if row.late else None,
        }
        for row in _live(period, by)
    ]


def _thawed(said: list[dict[str, Any]], by: Officer) -> list[Counted]:
    """Of what was written down, what the reader may see now."""
    events = behind.visible_lines([row["event"] for row in said], by)
    return [
        Counted(
            date.fromisoformat(row["day"]),
            CODE,
            events[row["event"]],
            row["exempt"],
            Lateness(*row["late"]) if row["late"] else None,
        )
        for row in said
        if row["event"] in events
    ]
