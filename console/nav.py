"""The places of the desk, and for whom each is. A page that is not mounted is not shown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from cases.queues import QUEUES
from grid import factor, room
from grid.models import Officer
from grid.roles import CENTRE, DEPARTMENT, Role

from .door import STAFF


@dataclass(frozen=True)
class Place:
    """An entry of the bar at the top. `name` is of the URL, `label` what people read."""

    name: str
    label: Promise
    roles: tuple[Role, ...]


PLACES = (
    Place("console:queues", gettext_lazy("待办"), tuple({role for queue in QUEUES for role in queue.roles})),
    Place("console:cases", gettext_lazy("查询"), STAFF),
    Place("console:map", gettext_lazy("地图"), (*CENTRE, *DEPARTMENT)),
    Place("console:board", gettext_lazy("看板"), (*CENTRE, *DEPARTMENT)),
    Place("console:scores", gettext_lazy("考核"), (*CENTRE, *DEPARTMENT)),
    Place("console:settings", gettext_lazy("设置"), (Role.ADMINISTRATOR,)),
)


@dataclass(frozen=True)
class Shown:
    """A place as the bar shows it."""

    url: str
    label: Promise
    here: bool


def desk(request: HttpRequest) -> dict[str, Any]:
    """For every template: the places of this officer, what his posts ask for, and where his messages are waited for."""
    user = getattr(request, "user", None)
    if not isinstance(user, Officer):
        return {}
    return {
        "places": list(_shown(user, request.path)),
        "second_factor_forced": factor.forced(user),
        "room": room.address(request),
    }


def _shown(officer: Officer, path: str) -> Iterator[Shown]:
    for place in PLACES:
        if not officer.holds(*place.roles):
            continue
        try:
            url = reverse(place.name)
        except NoReverseMatch:
            continue
        yield Shown(url, place.label, path.startswith(url))
