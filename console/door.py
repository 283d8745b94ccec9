"""Who comes in: the officer behind a browser's session, and the posts a page is for."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, cast
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from grid import quota
from grid.models import Officer
from grid.roles import Role

P = ParamSpec("P")
STAFF = tuple(role for role in Role if role != Role.ADMINISTRATOR)  # who has to do with cases


class Request(HttpRequest):
    """A request that has passed `desk()`."""

    user: Officer


Page = Callable[Concatenate[Request, P], HttpResponseBase]
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


def desk(*roles: Role) -> Callable[[Page[P]], View[P]]:
    """A page for officers with one of these roles; none named, for every logged-in officer."""

    def dressed(page: Page[P]) -> View[P]:
        @wraps(page)
        def entered(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if not isinstance(request.user, Officer):
                return to_login(request)
            if roles and not request.user.holds(*roles):
                return not_yours(request, *roles)
            if request.method == "POST":
                quota.spend(request.user, quota.Kind.WRITES)
            answer = page(cast(Request, request), *args, **kwargs)
            answer.headers.setdefault("Cache-Control", "private, no-store")
            return answer

        entered.roles = roles  # type: ignore[attr-defined]  # a test asks every page for whom it is
        return cast(View[P], entered)

    return dressed


def to_login(request: HttpRequest) -> HttpResponse:
    """The way to the login page and back here; a part of a page sends the whole page there.

    A form that a part sends stays where it is: its page tells how to go on, and what is typed is kept.
    """
    part = "HX-Request" in request.headers
    back = request.headers.get("HX-Current-URL", "/") if part else request.get_full_path()
    there = f"{reverse('account_login')}?{urlencode({'next': back})}"
    if part and request.method == "POST":
        return HttpResponse(status=401)
    return HttpResponse(status=401, headers={"HX-Redirect": there}) if part else HttpResponseRedirect(there)


def onward(request: HttpRequest, url: str) -> HttpResponse:
    """On to another page; from a part of a page, with the whole page. What htmx followed it would put into the part."""
    part = "HX-Request" in request.headers
    return HttpResponse(status=204, headers={"HX-Redirect": url}) if part else HttpResponseRedirect(url)


def not_yours(request: HttpRequest, *roles: Role) -> HttpResponse:
    """The page that says whose page it is."""
    posts = _("、").join(str(role.label) for role in roles)
    says = _("这个页面供以下岗位使用：%(posts)s。") % {"posts": posts}
    return told(request, says, 403)


def told(request: HttpRequest, says: str, status: int, *, title: str = "") -> HttpResponse:
    """A page with one sentence: why it is not shown, or not done. A part of a page hears the sentence alone."""
    titles = {
        400: _("请求有误"),
        403: _("没有权限"),
        404: _("没有找到"),
        409: _("现在不能这样办"),
        413: _("内容过大"),
        429: _("请求太频繁"),
    }
    if "HX-Request" in request.headers:
        return HttpResponse(says, status=status, content_type="text/plain; charset=utf-8")
    return render(request, "console/refused.html", {"says": says, "title": title or titles[status]}, status=status)
