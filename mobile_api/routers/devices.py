"""My phone: where push reaches me."""

from __future__ import annotations

from typing import Annotated, Literal

from django.conf import settings
from django.utils.translation import get_supported_language_variant
from ninja import Path, Router, Status
from pydantic import Field

from grid.moment import now

from ..auth import Request, officer, session_of
from ..models import Device
from ..problems import Problem
from ..schemas import Said

router = Router(tags=["devices"])
REFUSALS = {401: Problem, 422: Problem}


Token = Annotated[str, Field(min_length=1, max_length=512, pattern=r"^[\x21-\x7e]+$")]


class DeviceIn(Said):
    """A phone that wants to be rung."""

    token: Token = Field(
        description="the registration token that FCM gave to this phone",
        examples=["dQw4w9WgXcQ:APA91bHun4MxP5egoKMwt2KZFBaFUH-1RYqx"],
    )
    platform: Literal["android", "ios", "web"]
    language: str = Field("", max_length=35, description="of its messages; none: the officer's", examples=["zh-CN"])


@router.put("devices", auth=officer(), response={204: None, **REFUSALS})
def register(request: Request, body: DeviceIn) -> Status[None]:
    """Push reaches me here from now on. Say it at each start, and whenever FCM gives the phone a new token.

    A token belongs to whoever said it last, and to the session that did; the same again is no harm. It is forgotten
    when that session ends (log-out, revocation, another password), with all others that the session named, and when FCM
    no longer knows it. An officer has at most PUSH_DEVICES of them: the one that was said longest ago goes.
    """
    device = Device(
        officer=request.auth,
        session=session_of(request),
        token=body.token,
        platform=body.platform,
        language=_spoken(body.language),
        seen_at=now(),
    )
    Device.objects.bulk_create(
        [device],
        update_conflicts=True,
        unique_fields=["token"],
        update_fields=["officer", "session", "platform", "language", "seen_at"],
    )
    mine = Device.objects.filter(officer=request.auth)
    newest = mine.exclude(token=body.token).order_by("-seen_at", "-pk").values_list("pk", flat=True)
    mine.filter(pk__in=list(newest[settings.PUSH_DEVICES - 1 :])).delete()
    return Status(204, None)


@router.delete("devices/{token}", auth=officer(), response={204: None, **REFUSALS})
def forget(request: Request, token: Path[Token]) -> Status[None]:
    """Push reaches me here no more. A token that is not mine is left alone, and nothing says whether there is one."""
    Device.objects.filter(officer=request.auth, token=token).delete()
    return Status(204, None)


def _spoken(language: str) -> str:
    """The language of ours that is nearest; none if there is none."""
    try:
        return get_supported_language_variant(language)
    except LookupError:
        return ""
