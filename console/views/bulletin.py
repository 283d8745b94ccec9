"""The monthly bulletin (月报): as a page, as PDF, and issued."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponseBase
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils.html import strip_tags
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from cases import bulletin, looking
from cases.bulletin import article
from cases.looking import PUBLISHERS
from cases.models import Issue
from grid import fonts
from grid.moment import today
from grid.roles import CENTRE, DEPARTMENT
from grid.vocabulary import COUNT_MOST, whole

from .. import ranking
from ..door import Request, desk, told

READERS = (*CENTRE, *DEPARTMENT)


@require_safe
@desk(*READERS)
def last(request: Request) -> HttpResponseBase:
    """To the last that was issued; for the centre, where none was, to the month before this one."""
    issue = Issue.objects.first()
    if issue is None and not looking.everywhere(request.user):
        says = _("还没有发布过月报；月报由负责全市的值班长或督办领导发布。")
        return told(request, says, 200, title=_("月报"))  # the bar leads here: an empty place, and nothing amiss
    before = bulletin.period_of(f"{today():%Y-%m}").before
    return redirect("console:bulletin", f"{issue.since if issue else before.since:%Y-%m}")


@require_safe
@desk(*READERS)
def page(request: Request, month: str) -> HttpResponseBase:
    """A month: as issued, a `revision` of it, or `live`."""
    said = request.GET
    revision = whole(said.get("revision"), most=COUNT_MOST)
    try:
        if not bulletin.may_read(request.user, month, revision=revision, live="live" in said):
            return told(request, _("这个月的月报还没有发布；草稿供负责全市的中心岗位查看。"), 403)
        reading = bulletin.read(month, revision=revision, live="live" in said)
    except ValueError:
        return told(request, _("没有找到，或您无权查看。"), 404)
    period, everywhere = reading.bulletin.period, looking.everywhere(request.user)
    more: dict[str, Any] = {
        "month": month,
        "before": f"{period.before.since:%Y-%m}",
        "next": f"{period.next.since:%Y-%m}" if period.next.since <= today() else "",
        "may_draft": everywhere,
        "issues": Issue.objects.filter(since=period.since),
        "may_issue": everywhere and request.user.holds(*PUBLISHERS) and period.until < today(),
    }
    more |= ranking.places(request.user)
    more |= article.context(reading, request.user)
    more["body"] = render_to_string("bulletin/article.html", more)
    if everywhere:
        more["unprintable"] = _unprintable(more["body"])
    return render(request, "console/bulletin.html", more)


def _unprintable(body: SafeString) -> str:
    """Characters that would be boxes in the PDF, for those who issue it."""
    try:
        return fonts.listed(fonts.missing_characters([strip_tags(body)]))
    except OSError:
        return ""  # manage.py check says it


@require_POST
@desk(*PUBLISHERS)
def issue(request: Request, month: str) -> HttpResponseBase:
    """Freeze a month's bulletin; again with a reason."""
    try:
        made = bulletin.issue(month, request.user, request.POST.get("reason", "").strip()[:200])
    except ValueError:
        return told(request, _("没有找到，或您无权查看。"), 404)
    says = _("已发布，第 %(n)d 次修订。") % {"n": made.revision} if made.revision else _("已发布。")
    messages.success(request, says)
    return redirect("console:bulletin", month)
