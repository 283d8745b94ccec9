"""The way out by e-mail: what a run of the worker brings for an officer is one letter, in his language.

A letter says what was done and to which case: no person, no text, no place. Paid at least once; while the mail server
is out of reach nothing is lost and nothing is tried for a while. No transaction is open during SMTP.
"""

from __future__ import annotations

import logging
import random
import smtplib
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from email.utils import parseaddr
from hashlib import sha256

from django.conf import settings
from django.core.cache import cache
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from cases import audience, rulebook
from cases.flow import Verb
from cases.models import CaseEvent, Hearing
from cases.outbox import TURN_S, Unpaid
from grid.models import Officer
from grid.moment import now
from grid.words import in_sentence

from . import quiet

logger = logging.getLogger("mail")

FRESH = timedelta(days=1)
AGAIN = timedelta(minutes=5)
FOR_GOOD, BAD_ADDRESS = range(500, 600), 553  # SMTP's answers that stay what they are, and one of them

Letters = Mapping[Officer, Sequence[CaseEvent]]


def send(events: Sequence[CaseEvent]) -> None:
    """The consumer "mail". Raises Unpaid for the events of letters that are still to go."""
    hearers = _hearers(events)
    waiting = quiet.waiting((event, officer) for officer, heard in hearers.items() for event in heard)
    letters = {
        officer: [event for event in heard if (event.pk, officer.pk) not in waiting]
        for officer, heard in hearers.items()
    }
    owed, again = _post({officer: heard for officer, heard in letters.items() if heard})
    late = {event.pk: again for heard in owed.values() for event in heard}
    until = quiet.earliest(waiting) | late
    if until:
        raise Unpaid(until.keys(), until, away=late if again > now() else ())


def _hearers(events: Sequence[CaseEvent]) -> Letters:
    """Who is to be written to, of what: fresh events of which he has not had a letter."""
    heard: dict[int, list[CaseEvent]] = defaultdict(list)
    fresh = sorted((event for event in events if event.at > now() - FRESH), key=lambda event: event.pk)
    for event, officers in audience.hearers(fresh, Hearing.Channel.MAIL).items():
        for officer in officers:
            heard[officer].append(event)
    people = Officer.objects.filter(pk__in=heard, is_active=True).exclude(email="").exclude(preference__mail=False)
    found = {officer: heard[officer.pk] for officer in people}
    had = cache.get_many([_key(event, officer) for officer, events in found.items() for event in events])
    left = {to: [event for event in events if _key(event, to) not in had] for to, events in found.items()}
    return {officer: events for officer, events in left.items() if events}


def _key(event: CaseEvent, officer: Officer) -> str:
    return f"mail:{event.pk}:{officer.pk}"


def _post(letters: Letters) -> tuple[Letters, datetime]:
    """Send them over one connection. Gives those that are still to go, and when: all the rest when the server is away.

    In no order, so that nobody is always behind the same letter that the server chokes on. Each is noted when it is
    gone: a worker that dies now repeats the one in its hand.
    """
    owed: dict[Officer, Sequence[CaseEvent]] = {}
    server, left, ends = get_connection(), dict(letters), time.monotonic() + TURN_S
    try:
        for officer in random.sample(list(letters), len(letters)):
            if time.monotonic() >= ends:
                server.close()
                return owed | left, now()
            events = left[officer]
            if taken(letter(officer, events), officer, server):
                cache.set_many(dict.fromkeys((_key(event, officer) for event in events), True), FRESH.total_seconds())
            else:
                owed[officer] = events
            del left[officer]
        server.close()
    except (smtplib.SMTPException, OSError) as error:
        logger.warning("the mail server: %r", error)
    return owed | left, now() + AGAIN


def taken(said: EmailMessage, officer: Officer, server: BaseEmailBackend) -> bool:
    """Whether nothing is left to do for a letter: it went, or will never go. Raises what is wrong with the server."""
    said.connection = server
    try:
        said.send()
    except smtplib.SMTPRecipientsRefused as refused:
        return _given_up(officer, min(code for code, _said in refused.recipients.values()))
    except smtplib.SMTPDataError as refused:
        return _given_up(officer, refused.smtp_code)
    except ValueError:  # an address that is none
        return _given_up(officer, BAD_ADDRESS)
    return True


def _given_up(officer: Officer, code: int) -> bool:
    logger.warning("a letter to officer %d was refused: %d", officer.pk, code)
    return code in FOR_GOOD


def letter(officer: Officer, events: Sequence[CaseEvent]) -> EmailMessage:
    """What happened, a line each, in the officer's language. Needs event.case."""
    with translation.override(officer.language or None):
        if len(events) == 1:
            subject = f"{Verb(events[0].verb).label} {events[0].case.number}"
        else:
            subject = _("网格：%(count)d 条新消息") % {"count": len(events)}
        body = "\n".join([*map(_line, events), "", _("详情请在网格应用中查看。")])
    said = sha256(" ".join(_key(event, officer) for event in events).encode()).hexdigest()[:32]
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or "localhost"
    headers = {"Message-ID": f"<{said}@{domain}>"}  # the same letter again has the same
    return EmailMessage(subject, body, to=[officer.email], headers=headers)


def _line(event: CaseEvent) -> str:
    case = event.case
    said = f"{Verb(event.verb).label}  {case.number}  {in_sentence(rulebook.current().categories[case.category_id])}"
    if case.due_at:
        due = timezone.localtime(case.due_at).strftime("%Y-%m-%d %H:%M")
        said += "  " + _("时限 %(due)s") % {"due": due}
    return said
