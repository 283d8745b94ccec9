"""The board for leaders, and for a screen on the wall."""

from __future__ import annotations

from django.http import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from grid.moment import today

from ..board import ROLES, board
from ..door import Request, desk

REFRESH_S = 60
WALL_S = 30


@require_safe
@desk(*ROLES)
def page(request: Request) -> HttpResponseBase:
    """Today in one look. `wall` makes it dark and large; `part` answers with what changes alone."""
    wall = "wall" in request.GET
    if wall:
        _stay(request)
    said = board(request.user) | {"wall": wall, "every": WALL_S if wall else REFRESH_S}
    return render(request, "console/part/board.html" if "part" in request.GET else "console/board.html", said)


def _stay(request: Request) -> None:
    """A screen on the wall has nobody to log in again: its session is renewed each day that it is looked at."""
    day = today().isoformat()
    if request.session.get("wall") != day:
        request.session["wall"] = day
