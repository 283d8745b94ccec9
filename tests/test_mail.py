"""Who has an address is written to: one letter for all that is new, in his language, and nothing about people."""

from __future__ import annotations

import smtplib
from datetime import time, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.core import mail as post
from django.core.mail.backends.locmem import EmailBackend

from cases import audience, outbox
from cases.flow import Verb
from cases.models import Case, Outbox
from grid.models import Officer
from mobile_api import mail
from mobile_api.models import Preference

from . import acts
from . import city as town


@pytest.fixture(autouse=True)
def sending(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(outbox.CONSUMERS, "mail", outbox.Consumer(mail.send, audience.heard))


@pytest.fixture
def office(city: SimpleNamespace, clock: Any) -> SimpleNamespace:
    """Hugo and Hedi have addresses."""
    for name in ("hugo", "hedi"):
        Officer.objects.filter(username=name).update(email=f"{name}@example.org", department=city.roads)
    return city


def letters(to: str) -> list[Any]:
    return [letter for letter in post.outbox if letter.to == [f"{to}@example.org"]]


def refusing(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def send(self: EmailBackend, messages: Any) -> int:
        raise error

    monkeypatch.setattr(EmailBackend, "send_messages", send)


def owed() -> int:
    return Outbox.objects.filter(consumer="mail").count()


def test_a_letter_tells_of_a_new_task(office: SimpleNamespace) -> None:
    case = town.report(office)
    outbox.drain()
    (letter,) = letters("hugo")
    assert letter.subject == f"派遣 {case.number}"
    assert f"派遣  {case.number}  上水井盖  时限 2026-03-04 09:00" in letter.body
    assert owed() == 0


def test_what_comes_together_is_one_letter(office: SimpleNamespace) -> None:
    numbers = [town.report(office).number for _ in range(3)]
    outbox.drain()
    (letter,) = letters("hugo")
    assert letter.subject == "网格：3 条新消息"
    assert all(number in letter.body for number in numbers)


def test_each_is_written_to_in_his_language(office: SimpleNamespace) -> None:
    Officer.objects.filter(username="hedi").update(language="en")
    town.report(office), town.report(office)
    outbox.drain()
    assert letters("hugo")[0].subject == "网格：2 条新消息"
    assert letters("hedi")[0].subject == "Wangge: 2 new messages"


def test_a_letter_says_nothing_about_people_or_places(office: SimpleNamespace) -> None:
    case = town.report(office, text="李四家门口", place="民主路 8 号")
    acts.move(case, Verb.SUPERVISE, office.lena, note="请找李四")
    outbox.drain()
    said = "".join(letter.subject + letter.body for letter in post.outbox)
    assert said and not any(word in said for word in ("李四", "民主路", "Ann", "Lena", "Hugo"))


def test_who_refuses_mail_or_has_left_gets_none(office: SimpleNamespace) -> None:
    Preference.objects.create(officer=office.hugo, mail=False)
    Officer.objects.filter(username="hedi").update(is_active=False)
    town.report(office)
    outbox.drain()
    assert (post.outbox, owed()) == ([], 0)


def test_who_wants_quiet_has_it_afterwards_and_nobody_twice(office: SimpleNamespace, clock: Any) -> None:
    Preference.objects.create(officer=office.hugo, quiet_from=time(8), quiet_to=time(12))
    town.report(office), town.report(office)
    outbox.drain()
    assert (len(letters("hugo")), len(letters("hedi"))) == (0, 1)
    clock.shift(timedelta(hours=3))
    outbox.drain()
    assert (len(letters("hugo")), len(letters("hedi")), owed()) == (1, 1, 0)


@pytest.mark.parametrize("error", [ConnectionRefusedError(), smtplib.SMTPServerDisconnected(), TimeoutError()])
def test_a_server_out_of_reach_loses_nothing(
    error: Exception, office: SimpleNamespace, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as away:
        refusing(away, error)
        town.report(office), town.report(office)
        outbox.drain()
    assert (post.outbox, owed()) == ([], 2)
    assert set(outbox.away()) == {"mail"}
    clock.shift(mail.AGAIN)
    outbox.drain()
    assert (len(letters("hugo")), len(letters("hedi")), owed()) == (1, 1, 0)


def test_an_address_refused_for_good_is_given_up(office: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    refusing(monkeypatch, smtplib.SMTPRecipientsRefused({"hugo@example.org": (550, b"no such user")}))
    town.report(office)
    outbox.drain()
    assert owed() == 0


def test_an_address_refused_for_now_is_tried_again(office: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    refusing(monkeypatch, smtplib.SMTPRecipientsRefused({"hugo@example.org": (450, b"busy")}))
    town.report(office)
    outbox.drain()
    assert owed() == 1


def test_one_refused_letter_holds_up_no_other(office: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    send = EmailBackend.send_messages

    def refuse_one(self: EmailBackend, messages: Any) -> Any:
        if messages[0].to == ["hugo@example.org"]:
            raise smtplib.SMTPDataError(451, b"later")
        return send(self, messages)

    monkeypatch.setattr(EmailBackend, "send_messages", refuse_one)
    town.report(office)
    outbox.drain()
    assert (len(letters("hedi")), owed()) == (1, 1)


def test_old_news_is_not_mailed(office: SimpleNamespace, clock: Any) -> None:
    town.report(office)
    clock.shift(timedelta(days=1, minutes=1))
    outbox.drain()
    assert (post.outbox, owed()) == ([], 0)


def test_a_letter_that_the_server_chokes_on_does_not_stand_in_the_way_for_ever(
    office: SimpleNamespace, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = EmailBackend.send_messages

    def choke(self: EmailBackend, messages: Any) -> Any:
        if messages[0].to == ["hugo@example.org"]:
            raise smtplib.SMTPServerDisconnected
        return send(self, messages)

    monkeypatch.setattr(EmailBackend, "send_messages", choke)
    town.report(office)
    for _ in range(60):
        outbox.drain()
        clock.shift(mail.AGAIN)
    assert len(letters("hedi")) == 1


def test_a_letter_said_again_is_the_same_letter(office: SimpleNamespace, clock: Any) -> None:
    town.report(office)
    outbox.drain()
    (debt,) = post.outbox[:1]
    event = Case.objects.get().events.get(verb=Verb.DISPATCH)
    again = mail.letter(Officer.objects.get(email=debt.to[0]), [event])
    assert again.message()["Message-ID"] == debt.message()["Message-ID"]
    assert len({letter.message()["Message-ID"] for letter in post.outbox}) == 2
