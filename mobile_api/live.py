"""Where an open app waits for its messages: not in the web server's few threads, but in deploy/live.py.

The web server only shows the way there, by a redirect that keeps method, query and, in the phones' HTTP libraries, the
session's header.
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from grid import room

from .problems import problem

AGAIN_S = 2  # what a phone may poll at where there is nowhere to wait


def there(request: HttpRequest) -> HttpResponse:
    """The same question, at the waiting room."""
    base = room.address(request)
    return HttpResponse(status=307, headers={"Location": base + request.get_full_path(), "Cache-Control": "no-store"})


def nowhere() -> HttpResponse:
    """This city runs no deploy/live.py."""
    answer = problem(503, "not_live", _("此处没有实时消息，请定时查询收件箱。"))
    answer["Retry-After"] = str(AGAIN_S)
    return answer
