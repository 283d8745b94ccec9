"""What holds for every answer under /api, whoever gives it: refusals are problem details, HEAD and OPTIONS work.

The phones' API tells its own errors (problems.py), and allauth keeps the form that it documents. What neither has met,
a path that is not there, a method that is not, a fault of ours, comes from Django as a page, and leaves here as a
problem.
"""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy

from .headers import DOOR
from .problems import problem, tell
from .ranges import let_go

SAID = {
    400: ("bad_request", gettext_lazy("请求有误，服务器无法理解。")),
    403: ("forbidden", gettext_lazy("您无权这样做。")),
    404: ("not_found", gettext_lazy("没有这个地址。")),
    405: ("method_unfit", gettext_lazy("这个地址不能这样请求，可用的有：%(methods)s。")),
    429: ("too_many", gettext_lazy("请求太频繁，请稍后再试。")),
    500: ("broken", gettext_lazy("系统出错了，已记入日志。请稍后再试。")),
}
KEPT = ("Allow", "Retry-After")


class Answers:
    """Middleware."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path.startswith(DOOR):
            return self.get_response(request)
        asked = request.method
        if asked == "HEAD":
            request.method = "GET"
        answer = _told(self.get_response(request))
        request.method = asked
        if asked == "OPTIONS" and "Allow" in answer.headers:
            return HttpResponse(status=204, headers={"Allow": answer.headers["Allow"]})
        return _bare(answer) if asked == "HEAD" else answer

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """What the core raises is told alike at every door under /api."""
        return tell(exception) if request.path.startswith(DOOR) else None


def _told(answer: HttpResponse) -> HttpResponse:
    if "Allow" in answer.headers:
        methods = {method.strip() for method in answer.headers["Allow"].split(",")} | {"OPTIONS"}
        answer.headers["Allow"] = ", ".join(sorted(methods | ({"HEAD"} if "GET" in methods else set())))
    if answer.status_code < 400 or "json" in answer.headers.get("Content-Type", ""):
        return answer
    status = answer.status_code if answer.status_code in SAID else 400 if answer.status_code < 500 else 500
    code, says = SAID[status]
    told = problem(answer.status_code, code, str(says) % {"methods": answer.headers.get("Allow", "")})
    for name in KEPT:
        if name in answer.headers:
            told.headers[name] = answer.headers[name]
    return told


def _bare(answer: HttpResponse) -> HttpResponse:
    """The same without its body, whose length is said."""
    if answer.streaming:
        length = answer.headers.get("Content-Length")
        let_go(answer)
    else:
        length = str(len(answer.content))
    bare = HttpResponse(status=answer.status_code, headers=dict(answer.headers.items()))
    if length:
        bare.headers["Content-Length"] = length
    bare.cookies = answer.cookies
    return bare
