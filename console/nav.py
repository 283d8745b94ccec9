"""The places of the desk, and for whom each is. A page that is not mounted is not shown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from cases import pairing
from cases.looking import LOOKERS
from cases.queues import QUEUES
from grid import duty, factor, room
from grid.models import Officer
from grid.roles import CENTRE, DEPARTMENT, Role

from .door import STAFF


@dataclass(frozen=True)
class Place:
    """An entry of the bar at the top, or of a row of tabs. `name` is of the URL; without roles it is for everybody."""

    name: str
    label: Promise
    roles: tuple[Role, ...]


PLACES = (
    Place("console:queues", gettext_lazy("待办"), tuple({role for queue in QUEUES for role in queue.roles})),
    Place("console:cases", gettext_lazy("查询"), STAFF),
    Place("console:map", gettext_lazy("地图"), (*CENTRE, *DEPARTMENT)),
    Place("console:oversight", gettext_lazy("监督"), CENTRE),
    Place("console:board", gettext_lazy("看板"), (*CENTRE, *DEPARTMENT)),
    Place("console:scores", gettext_lazy("考核"), LOOKERS),
    Place("console:settings", gettext_lazy("设置"), (Role.ADMINISTRATOR,)),
)

OVERSIGHT = (
    Place("console:doubts", gettext_lazy("复查疑问"), CENTRE),
    Place("console:pairs", gettext_lazy("核查组合"), pairing.LOOKERS),
    Place("console:on_duty", gettext_lazy("在岗"), duty.WATCH),
)
MINE = (
    Place("console:inbox", gettext_lazy("收件箱"), ()),
    Place("console:preferences", gettext_lazy("消息偏好"), ()),
    Place("console:leave", gettext_lazy("请假"), ()),
    Place("console:my_track", gettext_lazy("我的轨迹"), (Role.INSPECTOR,)),
)
TABS = (OVERSIGHT, MINE)


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
        "places": list(_shown(PLACES, user, request.path)),
        "second_factor_forced": factor.forced(user),
        "room": room.address(request),
    }


def tabs(request: HttpRequest) -> list[Shown]:
    """The pages that stand beside this one; none where it stands alone for this officer."""
    assert isinstance(request.user, Officer)
    every = (list(_shown(group, request.user, request.path)) for group in TABS)
    return next((group for group in every if any(shown.here for shown in group)), [])


def _shown(places: Iterable[Place], officer: Officer, path: str) -> Iterator[Shown]:
    for place in places:
        if place.roles and not officer.holds(*place.roles):
            continue
        try:
            url = reverse(place.name)
        except NoReverseMatch:
            continue
        yield Shown(url, place.label, path.startswith(url))
