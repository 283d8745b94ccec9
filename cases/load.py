"""Open work, counted: how much there is, how much of it is late, by place, by department, by rung of the ladder.

It reads the index of open cases alone: what is done is never looked at, and however long the history, it costs the
same. What is late is the same as in every list: due before the moment asked about.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from django.db.models import Count, Q

from grid.models import Officer

from .models import Case

BY = {"cell": "cell", "community": "cell__area", "street": "cell__area__parent"}


class Place(NamedTuple):
    """A cell or an area, how many open cases lie there, and how many of them are late."""

    code: str
    name: str
    name_en: str
    load: int
    late: int


def places(officer: Officer, at: datetime, by: str, within: str, most: int) -> list[Place]:
    """The places with the most open cases, the fullest first; `within` an area's code, "" for everywhere."""
    cases = Case.objects.visible_to(officer).open().matching({"area": within} if within else {}, at)
    path = BY[by]
    name = "cell__area" if by == "cell" else path
    columns = (f"{path}__code", f"{name}__name", f"{name}__name_en")
    counted = cases.values(*columns).annotate(load=Count("pk"), late=Count("pk", filter=Q(due_at__lt=at)))
    return [Place(*row) for row in counted.order_by("-load", columns[0]).values_list(*columns, "load", "late")[:most]]
