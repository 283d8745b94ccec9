"""The year (年历): which days are worked, at a look; a click on one changes it."""

from __future__ import annotations

import calendar
from datetime import date
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from cases import rulebook
from cases.calendar import Calendar, Plan, Unusable
from cases.models import Holiday
from cases.retiming import after_change
from grid import changes, vocabulary
from grid.keeping import kept_by
from grid.models import Department
from grid.moment import today
from grid.roles import Role
from grid.vocabulary import whole

from ..door import Request, desk
from ..settings.fields import WEEKDAYS
from .settings import KEEPERS

FIRST, LAST = 2000, 2100  # years that are shown
READERS = (*KEEPERS, Role.SHIFT_LEADER, Role.DISPATCHER, Role.LEADER, Role.AUDITOR, Role.HEAD)


@desk(*READERS)
def year(request: Request, year: int | None = None) -> HttpResponseBase:
    """A year of the city's working time, or of the department in `department`."""
    shown = year or today().year
    if not FIRST <= shown <= LAST:
        raise Http404
    book = rulebook.current()
    department = whole(request.GET.get("department"))
    own = kept_by(request.user, Department.objects.filter(pk__in=[pk for pk in book.calendars if pk]))
    try:
        kept = book.calendar(department if department in book.departments else None)
    except Unusable as unusable:
        messages.warning(request, str(unusable))
        return redirect("console:setting", slug="timetables")
    months = [_month(kept, shown, month) for month in range(1, 13)]
    days = [plan for _name, weeks in months for week in weeks for plan in week if plan]
    return render(
        request,
        "console/settings/year.html",
        {
            "year": shown,
            "months": months,
            "today": today(),
            "weekdays": WEEKDAYS,
            "calendar": kept,
            "departments": own,
            "department": department,
            "worked": sum(plan.why.counts for plan in days),
            "hours": sum(plan.seconds for plan in days) // 3600,
            "known": days[0].known,
            "keeps": request.user.holds(*KEEPERS),
        },
    )


def _month(kept: Calendar, year: int, month: int) -> tuple[date, list[list[Plan | None]]]:
    weeks = calendar.Calendar().monthdatescalendar(year, month)
    return date(year, month, 1), [[kept.plan(day) if day.month == month else None for day in week] for week in weeks]


@desk(*KEEPERS)
@require_POST
def day(request: Request) -> HttpResponseBase:
    """Make a day one of rest, or of work, or leave it to the week again."""
    on = vocabulary.day(request.POST.get("day"))
    if on is None or not FIRST <= on.year <= LAST:
        return HttpResponse(_("没有这一天。"), status=422)
    row, kind = Holiday.objects.filter(day=on).first(), request.POST.get("kind")
    if kind == "week":
        if row:
            changes.remove(row, by=request.user)
            after_change([row])
    elif kind in ("off", "work"):
        row = row or Holiday(day=on, statutory=False)
        row.off, row.name = kind == "off", _name(request, kind)
        changes.keep(row, by=request.user)
        after_change([row])
    messages.success(request, _("%(day)s 已改。受影响的时限由系统重算。") % {"day": on})
    return redirect(f"{reverse('console:year_of', args=[on.year])}#d{on}")


def _name(request: Request, kind: Any) -> str:
    return request.POST.get("name", "").strip()[:40] or (_("休息") if kind == "off" else _("调休上班"))
