"""The dry run of a duty: what it would have done to the cases of late."""

from __future__ import annotations

from copy import copy
from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_POST

from cases import rerouting
from cases.models import Duty
from grid.keeping import kept_by
from grid.moment import now
from grid.vocabulary import whole

from ..door import Request, desk
from ..settings.forms import DutyForm
from .settings import KEEPERS


@desk(*KEEPERS)
@require_POST
def dry(request: Request) -> HttpResponse:
    """Try the duty in the form in place of the row in `row`, or beside the others. Nothing is written."""
    pk = whole(request.GET.get("row"))
    old = get_object_or_404(kept_by(request.user, Duty.objects.select_related("area")), pk=pk) if pk else None
    form = DutyForm(request.POST, instance=copy(old), keeper=request.user)
    said: dict[str, Any] = {"form": form, "days": rerouting.DAYS}
    if form.is_valid():
        said["rerouting"] = rerouting.of(form.instance, old, now())
    return render(request, "console/settings/rerouting.html", said)
