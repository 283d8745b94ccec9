"""My preferences: when I may be rung, and by which ways."""

from __future__ import annotations

from django.utils.translation import gettext as _
from ninja import Router, Schema
from pydantic import Field

from cases.flow import Refused

from ..auth import Request, officer
from ..models import Preference
from ..problems import Problem
from ..schemas import Said
from ..vocabulary import ClockTime

router = Router(tags=["me"])
REFUSALS = {401: Problem, 403: Problem, 422: Problem}


class PreferenceIn(Said):
    """When and how I want to be rung. Emergencies ring at any time; the inbox has everything at once."""

    quiet_from: ClockTime | None = Field(None, description="by the city's clock; may lie after `quiet_to`")
    quiet_to: ClockTime | None = None
    working_time: bool = Field(False, description="only in my department's working time")
    mail: bool = Field(True, description="by e-mail too, where the city sends any")
    digest: bool = Field(True, description="each morning by e-mail what is late or will be")


class PreferenceOut(Schema):
    """When and how I am rung."""

    quiet_from: ClockTime | None
    quiet_to: ClockTime | None
    working_time: bool
    mail: bool
    digest: bool


@router.get("me/preferences", auth=officer(), response={200: PreferenceOut, **REFUSALS})
def preferences(request: Request) -> Preference:
    """When and how I am rung. Until I say otherwise: at any time, by every way there is."""
    return Preference.objects.filter(officer=request.auth).first() or Preference(officer=request.auth)


@router.put("me/preferences", auth=officer(), response={200: PreferenceOut, **REFUSALS})
def prefer(request: Request, body: PreferenceIn) -> Preference:
    """Say it anew, as a whole. It counts for what happens from now on."""
    if (body.quiet_from is None) != (body.quiet_to is None) or (body.quiet_from and body.quiet_from == body.quiet_to):
        raise Refused("quiet_unfit", _("免打扰时段须有先后不同的起止时间。"), field="quiet_to")
    wish, _new = Preference.objects.update_or_create(officer=request.auth, defaults=body.model_dump())
    return wish
