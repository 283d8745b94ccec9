from collections.abc import Callable
from functools import partial
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core import checks


def _heard_by(channel: str) -> Callable[[Any], bool]:
    """Whether an event is owed to a channel."""
    from cases import audience

    return partial(audience.heard, by=channel)


class MobileApiConfig(AppConfig):
    name = "mobile_api"
    verbose_name = "移动端"

    def ready(self) -> None:
        from cases.schedules import OURS

        from . import inbox  # noqa: F401  registers its consumer

        OURS.append("mobile_api.")
        if settings.FCM_CREDENTIALS:
            self._push()
        if settings.HOOKS:
            self._hooks()
        if settings.SMS_URL:
            self._sms()
        if settings.EMAIL_URL:
            self._mail()

    def _sms(self) -> None:
        from cases import outbox

        from . import sms

        outbox.consumer("sms", _heard_by("sms"))(sms.send)

    def _mail(self) -> None:
        from cases import outbox
        from cases.hands import HANDS, Hand

        from . import digest, mail

        outbox.consumer("mail", _heard_by("mail"))(mail.send)
        HANDS["digest"] = Hand(digest.run, digest.EVERY_S)

    def _hooks(self) -> None:
        from cases import outbox
        from cases.flow import SEALED

        from . import hooks

        outbox.consumer("hooks", lambda event: event.verb not in SEALED)(hooks.deliver)

    def _push(self) -> None:
        """Without credentials nothing is owed to phones."""
        from cases import outbox

        from . import push

        outbox.consumer("push", _heard_by("push"))(push.ring)
        checks.register(push.check)
