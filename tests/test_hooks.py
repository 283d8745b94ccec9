"""Programs of the city hear of events: signed, at least once, and never inside the city's own network."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta as td
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client

from cases import outbox
from cases.flow import Verb
from cases.models import Outbox
from grid.moment import now
from mobile_api import hooks, outside
from mobile_api.models import Delivery, Hook

from . import acts
from . import city as town

HOOKS = "/api/mobile/v1/hooks"
LATER = 2 * outbox.LEASE * 2**outbox.LONGEST


class Receiver:
    """A program at an address of its own. It answers with `code`, and keeps what it was sent."""

    def __init__(self) -> None:
        self.code, self.sent = 200, []
        receiver = self

        class Answering(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.sent.append((dict(self.headers), body))
                self.send_response(receiver.code)
                self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args: Any) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
        self.url = f"http://127.0.0.1:{self.http.server_port}/wangge?of=city"

    @contextmanager
    def listening(self) -> Iterator[Receiver]:
        thread = threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield self
        finally:
            self.http.shutdown()
            thread.join()
            self.http.server_close()

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _headers, body in self.sent]


@pytest.fixture
def receiver(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    settings.HOOKS, settings.HOOK_HOSTS = True, ["127.0.0.1"]
    monkeypatch.setitem(outbox.CONSUMERS, "hooks", outbox.Consumer(hooks.deliver, lambda event: True))
    with Receiver().listening() as receiver:
        yield receiver


@pytest.fixture
def adam(city: SimpleNamespace, clock: Any) -> Client:
    return town.phone(city.adam)


def say(phone: Client, path: str = HOOKS, method: str = "post", **body: Any) -> Any:
    return getattr(phone, method)(path, json.dumps(body), content_type="application/json")


def make(adam: Client, receiver: Receiver, **body: Any) -> Hook:
    answer = say(adam, **{"name": "OA", "url": receiver.url} | body)
    assert answer.status_code == 201, answer.content
    return Hook.objects.get(pk=answer.json()["id"])


def owed() -> int:
    return Outbox.objects.filter(consumer="hooks").count()


def statuses(hook: Hook) -> list[str]:
    return list(hook.deliveries.order_by("id").values_list("status", flat=True))


# What a program hears


def test_a_program_hears_what_happened_to_which_case(adam: Client, city: SimpleNamespace, receiver: Receiver) -> None:
    hook = make(adam, receiver, verbs=["dispatch"])
    case = town.report(city)
    outbox.drain()
    (said,) = receiver.bodies
    assert (said["verb"], said["entered"], said["case"]["number"]) == ("dispatch", "handling", case.number)
    assert said["case"]["department"] == "roads"
    assert (statuses(hook), owed()) == (["delivered"], 0)


def test_what_is_sent_is_signed(adam: Client, city: SimpleNamespace, receiver: Receiver) -> None:
    answer = say(adam, name="OA", url=receiver.url)
    secret = answer.json()["secret"].encode()
    town.report(city)
    outbox.drain()
    for headers, body in receiver.sent:
        t, v1 = (part.partition("=")[2] for part in headers["X-Wangge-Signature"].split(","))
        assert v1 == hmac.new(secret, t.encode() + b"." + body, hashlib.sha256).hexdigest()
        assert headers["X-Wangge-Delivery"] == json.loads(body)["delivery"]


def test_nothing_is_said_about_people_or_places(adam: Client, city: SimpleNamespace, receiver: Receiver) -> None:
    make(adam, receiver)
    case = town.report(city, text="李四家门口", place="民主路 8 号")
    acts.move(case, Verb.SUPERVISE, city.lena, note="请找李四")
    outbox.drain()
    said = b"".join(body for _headers, body in receiver.sent).decode()
    assert len(receiver.sent) == 4
    assert not any(word in said for word in ("李四", "民主路", "Ann", "Lena", "97.0", "33.0"))


def test_a_program_hears_only_what_it_asked_for(adam: Client, city: SimpleNamespace, receiver: Receiver) -> None:
    make(adam, receiver, department=city.parks.pk)
    make(adam, receiver, verbs=["close"])
    make(adam, receiver, area=city.street.code, verbs=["file"])
    town.report(city)
    outbox.drain()
    assert [said["verb"] for said in receiver.bodies] == ["file"]


# When it does not answer


@pytest.mark.parametrize("code", [301, 404, 500])
def test_it_is_tried_again_under_the_same_key(
    code: int, adam: Client, city: SimpleNamespace, receiver: Receiver, clock: Any
) -> None:
    hook = make(adam, receiver, verbs=["dispatch"])
    receiver.code = code
    town.report(city)
    outbox.drain()
    outbox.drain()
    assert (len(receiver.sent), statuses(hook), owed()) == (1, ["owed"], 1)
    receiver.code = 204
    clock.shift(td(minutes=2))
    outbox.drain()
    assert len(receiver.sent) == 2
    assert len({headers["X-Wangge-Delivery"] for headers, _body in receiver.sent}) == 1
    assert (statuses(hook), owed()) == (["delivered"], 0)


def test_one_that_does_not_answer_spares_the_others(adam: Client, city: SimpleNamespace, receiver: Receiver) -> None:
    dead = make(adam, receiver, url="http://127.0.0.1:1/", verbs=["dispatch"])
    make(adam, receiver, verbs=["dispatch"])
    for _ in range(20):
        town.report(city)
    outbox.drain()
    assert len(receiver.sent) == 20
    dead.refresh_from_db()
    assert dead.resting_until == now() + hooks.REST
    assert set(outbox.away()) == {"hooks"}
    assert dead.deliveries.filter(tries=1).count() == hooks.AT_ONCE  # it rests after the first few
    assert "NewConnectionError" in dead.deliveries.filter(tries=1)[0].note


def test_one_event_that_is_refused_leaves_the_hook_to_the_others(
    adam: Client, city: SimpleNamespace, receiver: Receiver, clock: Any
) -> None:
    hook = make(adam, receiver, verbs=["dispatch"])
    receiver.code = 422
    town.report(city)
    outbox.drain()
    hook.refresh_from_db()
    assert hook.resting_until is None
    receiver.code = 200
    town.report(city)
    outbox.drain()
    assert sorted(statuses(hook)) == ["delivered", "owed"]


def test_a_program_that_was_down_for_hours_hears_of_everything_after(
    adam: Client, city: SimpleNamespace, receiver: Receiver, clock: Any
) -> None:
    """The longer it is away, the rarer it is called; and nothing is given up before a day."""
    hook = make(adam, receiver, verbs=["dispatch"])
    receiver.code, calls = 503, []
    for _minute in range(120):
        if len(calls) < 20:
            town.report(city)
        outbox.drain()
        calls.append(len(receiver.sent))
        clock.shift(td(minutes=1))
    assert calls[-1] - calls[59] < calls[59]
    assert calls[-1] < 20 * hooks.AT_ONCE
    receiver.code = 200
    receiver.sent.clear()
    clock.shift(hooks.LONGEST_REST)
    outbox.drain()
    assert (statuses(hook), owed()) == (["delivered"] * 20, 0)
    keys = [headers["X-Wangge-Delivery"] for headers, _body in receiver.sent]
    assert sorted(keys) == sorted(str(key) for key in hook.deliveries.values_list("key", flat=True))


def test_in_the_end_it_is_given_up_and_the_log_says_so(
    adam: Client, city: SimpleNamespace, receiver: Receiver, clock: Any
) -> None:
    hook = make(adam, receiver, verbs=["dispatch"])
    receiver.code = 500
    town.report(city)
    until = now() + hooks.FRESH
    while now() < until:
        outbox.drain()
        assert statuses(hook) == ["owed"]
        clock.shift(LATER)
    outbox.drain()
    assert (statuses(hook), owed()) == (["given_up"], 0)
    (row,) = adam.get(f"{HOOKS}/{hook.pk}/deliveries", {"status": "given_up"}).json()
    assert (row["tries"], row["code"], row["status"]["code"]) == (len(receiver.sent), 500, "given_up")


def test_what_is_owed_to_a_disabled_hook_is_given_up(adam: Client, city: SimpleNamespace, receiver: Receiver) -> None:
    hook = make(adam, receiver, verbs=["dispatch"])
    receiver.code = 500
    town.report(city)
    outbox.drain()
    answer = say(adam, f"{HOOKS}/{hook.pk}", "put", name="OA", url=receiver.url, active=False)
    assert (answer.status_code, statuses(hook)) == (200, ["given_up"])
    Outbox.objects.update(due_at=now())
    outbox.drain()
    assert (len(receiver.sent), owed()) == (1, 0)


# Who makes them


def test_the_secret_is_shown_once(adam: Client, receiver: Receiver) -> None:
    hook = make(adam, receiver)
    for answer in (adam.get(HOOKS), say(adam, f"{HOOKS}/{hook.pk}/test"), adam.get(f"{HOOKS}/{hook.pk}/deliveries")):
        assert hook.secret not in answer.content.decode()


def signers(receiver: Receiver, **secrets: str) -> set[str]:
    """By whose secrets the last call was signed."""
    headers, body = receiver.sent[-1]
    t, *v1 = (part.partition("=")[2] for part in headers["X-Wangge-Signature"].split(","))
    macs = {
        hmac.new(key.encode(), t.encode() + b"." + body, hashlib.sha256).hexdigest(): who
        for who, key in secrets.items()
    }
    return {macs[one] for one in v1}


def test_a_secret_that_is_replaced_signs_for_a_while(
    adam: Client, receiver: Receiver, clock: Any, settings: Any
) -> None:
    hook = make(adam, receiver)
    old = hook.secret
    answer = say(adam, f"{HOOKS}/{hook.pk}/secret")
    new = answer.json()["secret"]
    assert answer.status_code == 200
    assert new != old
    for shift, by in ((td(), {"old", "new"}), (td(hours=settings.HOOK_OVERLAP_HOURS), {"new"})):
        clock.shift(shift)
        hook.refresh_from_db()
        hooks.attempt(hook, [Delivery.objects.create(hook=hook, made_at=now())])
        assert signers(receiver, old=old, new=new) == by


def test_a_secret_that_others_know_ends_at_once(adam: Client, receiver: Receiver) -> None:
    hook = make(adam, receiver)
    new = say(adam, f"{HOOKS}/{hook.pk}/secret", at_once=True).json()["secret"]
    say(adam, f"{HOOKS}/{hook.pk}/test")
    assert signers(receiver, old=hook.secret, new=new) == {"new"}


def test_only_administrators_replace_secrets(city: SimpleNamespace, adam: Client, receiver: Receiver) -> None:
    hook = make(adam, receiver)
    assert say(town.phone(city.lena), f"{HOOKS}/{hook.pk}/secret").status_code == 403
    assert say(adam, f"{HOOKS}/0/secret").status_code == 404
    assert Hook.objects.get().secret == hook.secret


def test_a_trial_tells_at_once_what_came_of_it(adam: Client, receiver: Receiver) -> None:
    hook = make(adam, receiver)
    assert say(adam, f"{HOOKS}/{hook.pk}/test").json()["status"]["code"] == "delivered"
    assert receiver.bodies[0]["verb"] == "test"
    receiver.code = 403
    told = say(adam, f"{HOOKS}/{hook.pk}/test").json()
    assert (told["status"]["code"], told["code"], told["tries"]) == ("given_up", 403, 1)
    assert Delivery.objects.count() == 2


def test_only_administrators_make_hooks(city: SimpleNamespace, clock: Any, receiver: Receiver) -> None:
    lena = town.phone(city.lena)
    assert lena.get(HOOKS).status_code == 403
    assert say(lena, name="OA", url=receiver.url).status_code == 403


def test_where_hooks_are_off_none_is_made(adam: Client) -> None:
    answer = say(adam, name="OA", url="https://oa.example.org/")
    assert (answer.status_code, answer.json()["code"]) == (409, "hooks_off")


@pytest.mark.parametrize(
    "url",
    [
        "http://93.184.216.34/",  # not encrypted
        "https://10.0.0.8/",
        "https://127.0.0.2/",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/",
        "https://[::ffff:10.0.0.8]/",
        "https://224.0.1.1/",
        "https://me:secret@93.184.216.34/",
        "https://93.184.216.34:99999/",
        "file:///etc/passwd",
        "nonsense",
    ],
)
def test_a_hook_leads_nowhere_inside(adam: Client, receiver: Receiver, url: str) -> None:
    answer = say(adam, name="OA", url=url)
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (422, "url_unfit", "url")


def test_an_address_is_judged_again_at_each_call(adam: Client, receiver: Receiver, settings: Any) -> None:
    hook = make(adam, receiver)
    settings.HOOK_HOSTS = []
    told = say(adam, f"{HOOKS}/{hook.pk}/test").json()
    assert (told["code"], receiver.sent) == (None, []) and told["note"]
    assert outside.judge("https://93.184.216.34/")[1] == "93.184.216.34"
