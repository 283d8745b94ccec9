"""Once a day each is told what waits for him and is late, or will be within a day."""

from __future__ import annotations

import smtplib
from datetime import time, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.core import mail as post
from django.core.mail.backends.locmem import EmailBackend

from cases.models import Case
from grid.models import Officer
from mobile_api import digest
from mobile_api.models import Digest, Preference

from . import city as town

DIGEST = "/api/mobile/v1/digest"


@pytest.fixture
def office(city: SimpleNamespace, clock: Any, settings: Any) -> SimpleNamespace:
    """It is nine. Hugo, who has an address, has a case that is late, one due in an hour, and one due in three days."""
    settings.EMAIL_URL, settings.DIGEST_HOUR = "smtp://mail.example.org", 8
    Officer.objects.filter(username="hugo").update(email="hugo@example.org")
    city.late, city.soon, city.far = (town.report(city) for _ in range(3))
    for case, hours in ((city.late, -5), (city.soon, 1), (city.far, 72)):
        Case.objects.filter(pk=case.pk).update(due_at=town.MONDAY + timedelta(hours=hours))
    return city


def test_an_officer_asks_what_is_late_or_will_be(office: SimpleNamespace) -> None:
    told = town.phone(office.hugo).get(DIGEST).json()
    assert (told["late"], told["soon"]) == (1, 1)
    assert [item["number"] for item in told["items"]] == [office.late.number, office.soon.number]
    assert town.phone(office.hana).get(DIGEST).json()["items"] == []


def test_he_is_written_to_once_a_day(office: SimpleNamespace, clock: Any) -> None:
    digest.run()
    digest.run()
    (letter,) = post.outbox
    assert (letter.to, letter.subject) == (["hugo@example.org"], "网格：1 件超期，1 件将在一天内到期")
    assert f"{office.late.number}  上水井盖  已超期，时限 2026-03-02 04:00" in letter.body
    assert f"{office.soon.number}  上水井盖  时限 2026-03-02 10:00" in letter.body
    assert office.far.number not in letter.body
    clock.shift(timedelta(days=1))
    digest.run()
    assert len(post.outbox) == 2


def test_not_before_its_hour(office: SimpleNamespace, settings: Any, clock: Any) -> None:
    settings.DIGEST_HOUR = 10
    digest.run()
    assert post.outbox == []
    clock.shift(timedelta(hours=1))
    digest.run()
    assert len(post.outbox) == 1


def test_in_his_language(office: SimpleNamespace) -> None:
    Officer.objects.filter(username="hugo").update(language="en")
    digest.run()
    assert post.outbox[0].subject == "Wangge: 1 late, 1 due within a day"


@pytest.mark.parametrize("wish", [{"mail": False}, {"digest": False}])
def test_who_says_no_gets_none(wish: dict, office: SimpleNamespace) -> None:
    Preference.objects.create(officer=office.hugo, **wish)
    digest.run()
    assert post.outbox == []


def test_who_wants_quiet_has_it_afterwards(office: SimpleNamespace, clock: Any) -> None:
    Preference.objects.create(officer=office.hugo, quiet_from=time(8), quiet_to=time(10))
    digest.run()
    assert post.outbox == []
    clock.shift(timedelta(hours=1))
    digest.run()
    assert len(post.outbox) == 1


def test_nothing_to_tell_is_not_told(office: SimpleNamespace) -> None:
    Officer.objects.filter(username="hana").update(email="hana@example.org")
    digest.run()
    assert [letter.to for letter in post.outbox] == [["hugo@example.org"]]


def test_a_server_out_of_reach_loses_nothing(office: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(self: EmailBackend, messages: Any) -> int:
        raise smtplib.SMTPServerDisconnected

    with monkeypatch.context() as gone:
        gone.setattr(EmailBackend, "send_messages", away)
        digest.run()
    assert not Digest.objects.filter(officer=office.hugo).exists()
    digest.run()
    assert len(post.outbox) == 1


def test_without_mail_nothing_is_written(office: SimpleNamespace, settings: Any) -> None:
    settings.EMAIL_URL = ""
    digest.run()
    assert (post.outbox, Digest.objects.count()) == ([], 0)
