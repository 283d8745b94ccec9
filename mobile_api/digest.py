"""晨报: once a day each officer is told what waits for him and is late, or will be within a day."""

from __future__ import annotations

import logging
import smtplib
import time
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db.models import Q, QuerySet
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from cases.models import Case
from cases.models.case import CaseQuerySet
from cases.outbox import TURN_S
from grid.models import Officer
from grid.moment import now, today
from grid.words import in_sentence

from . import mail, quiet
from .models import Digest

logger = logging.getLogger("mail")

SOON = timedelta(days=1)
MOST = 50  # lines in a letter
KEPT = timedelta(days=7)
EVERY_S = 600.0


def of(officer: Officer, at: datetime) -> CaseQuerySet:
    """What waits for an officer's hand and is due before `at` + SOON, the longest late first."""
    return Case.objects.visible_to(officer).owed_by(officer).filter(due_at__lt=at + SOON).order_by("due_at", "id")


def run() -> bool:
    """Write today's digests that have not been written, and say whether some are left for lack of time.

    May run at any time, and twice at once; nobody gets two. In no order, so that nobody is always behind the same bad
    letter.
    """
    if not settings.EMAIL_URL or timezone.localtime(now()).hour < settings.DIGEST_HOUR:
        return False
    Digest.objects.filter(day__lt=today() - KEPT).delete()
    server, ends = get_connection(), time.monotonic() + TURN_S
    try:
        for officer in _people().order_by("?"):
            if time.monotonic() >= ends:
                server.close()
                return True
            _tell(officer, server)
        server.close()
    except (smtplib.SMTPException, OSError) as error:
        logger.warning("the mail server: %r; the digests that are left wait", error)
    return False


def _people() -> QuerySet[Officer]:
    unwilling = Q(preference__mail=False) | Q(preference__digest=False)
    told = Digest.objects.filter(day=today()).values("officer")
    people = Officer.objects.filter(is_active=True).exclude(email="").exclude(unwilling).exclude(pk__in=told)
    return people.select_related("preference")


def _tell(officer: Officer, server: BaseEmailBackend) -> None:
    """Claim the day and write, unless he wants quiet now. Raises what is wrong with the server; no claim then."""
    at = now()
    wish = getattr(officer, "preference", None)
    if wish and quiet.free(wish, officer, at) > at:
        return
    cases = list(of(officer, at).select_related("category"))
    claim, new = Digest.objects.get_or_create(officer=officer, day=today())
    if not new or not cases:
        return
    try:
        taken = mail.taken(letter(officer, cases, at), officer, server)
    except (smtplib.SMTPException, OSError):
        claim.delete()
        raise
    if not taken:
        claim.delete()


def letter(officer: Officer, cases: Sequence[Case], at: datetime) -> EmailMessage:
    """The cases, a line each, in the officer's language."""
    late = sum(case.due_at < at for case in cases if case.due_at)
    with translation.override(officer.language or None):
        subject = _("网格：%(late)d 件超期，%(soon)d 件将在一天内到期") % {"late": late, "soon": len(cases) - late}
        lines = [_line(case, at) for case in cases[:MOST]]
        if len(cases) > MOST:
            lines.append(_("另有 %(count)d 件。") % {"count": len(cases) - MOST})
        body = "\n".join([*lines, "", _("详情请在网格应用中查看。")])
    return EmailMessage(subject, body, to=[officer.email])


def _line(case: Case, at: datetime) -> str:
    assert case.due_at  # of() asks for it
    due = timezone.localtime(case.due_at).strftime("%Y-%m-%d %H:%M")
    said = _("已超期，时限 %(due)s") if case.due_at < at else _("时限 %(due)s")
    return f"{case.number}  {in_sentence(case.category)}  {said % {'due': due}}"
