"""An open app hears at once, without FCM: over real HTTP, from real processes as deploy/Procfile starts them."""

from __future__ import annotations

import json
import os
import socket
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client

from cases import outbox
from cases.models import Case
from grid.models import Officer
from mobile_api.models import Message

from . import city as town
from . import cluster
from .cluster import Server, until
from .shipped import free_port, processes

INBOX = "/api/mobile/v1/inbox"
PATIENCE_S = 20


@pytest.fixture(scope="module")
def server(django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with django_db_blocker.unblock(), cluster.durable(tmp_path_factory.mktemp("live")) as made:
        yield made


@pytest.fixture(scope="module")
def address(server: Server) -> Iterator[str]:
    """Web server and waiting room. The web server has one process of two threads: whoever waits in it is noticed."""
    with serving(server) as address:
        yield address


@contextmanager
def serving(server: Server) -> Iterator[str]:
    lines, port, live = processes(), free_port(), free_port()
    said = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PORT": str(port),
        "LIVE_PORT": str(live),
        "LIVE_URL": f":{live}",
        "WEB_WORKERS": "1",
        "WEB_THREADS": "2",
    }
    with (
        server.victim("sh", "-c", lines["web"], **said) as web,
        server.victim("sh", "-c", lines["live"], **said) as room,
    ):
        until(lambda: _answers(port, "/healthz", 200), "the web server answers", web)
        until(lambda: _answers(live, INBOX, 401), "the waiting room is open", room)
        yield f"http://127.0.0.1:{port}"


def _answers(port: int, path: str, status: int) -> bool:
    with suppress(httpx.TransportError), httpx.Client(trust_env=False) as http:
        return http.get(f"http://127.0.0.1:{port}{path}", timeout=5).status_code == status
    return False


@pytest.fixture
def city(server: Server) -> SimpleNamespace:
    cluster.turn_out()
    call_command("flush", interactive=False, verbosity=0)
    return town.build()


@contextmanager
def app(address: str, officer: Officer) -> Iterator[httpx.Client]:
    """An open app, as the phone's HTTP library speaks: it follows redirects."""
    token = str(town.phone(officer).defaults["HTTP_X_SESSION_TOKEN"])
    headers = {"X-Session-Token": token, "Accept-Language": "en"}
    with httpx.Client(
        base_url=address, headers=headers, follow_redirects=True, trust_env=False, timeout=PATIENCE_S
    ) as http:
        yield http


@contextmanager
def hearing(http: httpx.Client, **asked: Any) -> Iterator[Iterator[dict[str, Any]]]:
    """The messages of a stream as they come."""
    with http.stream("GET", f"{INBOX}/stream", **asked) as answer:
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/event-stream")
        yield (json.loads(said["data"]) for said in events(answer) if said["event"] == "message")


def events(answer: httpx.Response) -> Iterator[dict[str, str]]:
    """The events of a stream, each with its fields."""
    fields: dict[str, str] = {}
    for line in answer.iter_lines():
        if not line and fields:
            yield fields
            fields = {}
        elif line and not line.startswith(":"):
            name, _colon, said = line.partition(": ")
            fields[name] = said


def listeners() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'wangge live'")
        return int(cursor.fetchone()[0])


def happens(city: SimpleNamespace) -> Case:
    """A report for hugo, whose debts are paid."""
    case = town.report(city)
    outbox.drain()
    return case


def test_a_long_poll_is_answered_when_something_happens(address: str, city: SimpleNamespace) -> None:
    until(lambda: listeners() == 1, "the line to the database stands")
    with app(address, city.hugo) as hugo, ThreadPoolExecutor() as pool:
        waiting = pool.submit(hugo.get, INBOX, params={"since": 0, "wait": 15})
        until(lambda: room_asked(hugo), "it waits")
        assert not waiting.done()
        case = happens(city)
        answer = waiting.result(PATIENCE_S)
    assert [item["case_number"] for item in answer.json()["items"]] == [case.number]
    assert answer.elapsed.total_seconds() < 15
    assert answer.json()["items"][0]["verb"]["label"] == "Dispatch"


def room_asked(http: httpx.Client) -> bool:
    """Whether another question by the same app was answered meanwhile."""
    return http.get("/api/mobile/v1/me").status_code == 200


def test_nothing_happens(address: str, city: SimpleNamespace) -> None:
    with app(address, city.hugo) as hugo:
        answer = hugo.get(INBOX, params={"since": 0, "wait": 1})
    assert (answer.status_code, answer.json()["items"], answer.json()["last"]) == (200, [], 0)


def test_what_is_there_needs_no_waiting(address: str, city: SimpleNamespace) -> None:
    happens(city)
    with app(address, city.hugo) as hugo:
        answer = hugo.get(INBOX, params={"since": 0, "wait": 15})
    assert answer.history == []
    assert len(answer.json()["items"]) == 1


def test_many_who_wait_keep_nobody_else_waiting(address: str, city: SimpleNamespace) -> None:
    with app(address, city.hugo) as hugo, ThreadPoolExecutor(40) as pool:
        waiting = [pool.submit(hugo.get, INBOX, params={"since": 0, "wait": 15}) for _ in range(40)]
        until(lambda: room_asked(hugo), "the web server answers")
        case = happens(city)
        heard = {item["case_number"] for one in waiting for item in one.result(PATIENCE_S).json()["items"]}
    assert heard == {case.number}


def test_a_stream_tells_of_each_message_as_it_comes(address: str, city: SimpleNamespace) -> None:
    happens(city)
    with app(address, city.hugo) as hugo, hearing(hugo) as messages:
        numbers = [happens(city).number for _ in range(3)]
        assert [next(messages)["case_number"] for _ in range(3)] == numbers


def test_a_stream_that_broke_goes_on_where_it_was(address: str, city: SimpleNamespace) -> None:
    numbers = [happens(city).number for _ in range(3)]
    first = Message.objects.order_by("number").values_list("number", flat=True)[0]
    with app(address, city.hugo) as hugo:
        with hearing(hugo, headers={"Last-Event-ID": str(first)}) as messages:
            assert [next(messages)["case_number"] for _ in range(2)] == numbers[1:]
        with hearing(hugo, params={"since": 0}) as messages:
            assert [next(messages)["case_number"] for _ in range(3)] == numbers


def test_a_browser_that_asks_again_hears_only_what_it_missed(address: str, city: SimpleNamespace) -> None:
    """It asks the same address again, and says in a header where it was."""
    numbers = [happens(city).number for _ in range(3)]
    first, second, _third = Message.objects.order_by("number").values_list("number", flat=True)
    for seen, asked, told in ((second, first, numbers[2:]), (first, second, numbers[2:]), ("", first, numbers[1:])):
        headers = {"Last-Event-ID": str(seen)}
        with app(address, city.hugo) as hugo, hearing(hugo, headers=headers, params={"since": asked}) as messages:
            assert [next(messages)["case_number"] for _ in told] == told
    with app(address, city.hugo) as hugo:
        assert hugo.get(f"{INBOX}/stream", params={"since": "x"}).status_code == 422


def test_a_stream_says_at_once_where_it_is(address: str, city: SimpleNamespace) -> None:
    happens(city)
    last = Message.objects.get().number
    with app(address, city.hugo) as hugo, hugo.stream("GET", f"{INBOX}/stream") as answer:
        ready = next(events(answer))
    assert (ready["event"], ready["id"], json.loads(ready["data"])) == ("ready", str(last), {"last": last})
    case = happens(city)  # while nobody listens
    headers = {"Last-Event-ID": ready["id"]}
    with app(address, city.hugo) as hugo, hearing(hugo, headers=headers) as messages:
        assert next(messages)["case_number"] == case.number


def test_who_has_heard_of_more_than_there_is_begins_anew(address: str, city: SimpleNamespace) -> None:
    """As after a restored backup: a phone that goes on from its own number would be deaf."""
    happens(city)
    last = Message.objects.get().number
    with app(address, city.hugo) as hugo:
        with hugo.stream("GET", f"{INBOX}/stream", params={"since": 99_999_999}) as answer:
            told = events(answer)
            reset = next(told)
            assert (reset["event"], reset["id"], json.loads(reset["data"])) == ("reset", str(last), {"last": last})
            case = happens(city)
            assert json.loads(next(told)["data"])["case_number"] == case.number
        last = Message.objects.latest("number").number
        for answer in (
            hugo.get(INBOX, params={"since": 99_999_999}),
            hugo.get(INBOX, params={"since": 99_999_999, "wait": 15}),
            hugo.post(f"{INBOX}/read", json={"upto": 99_999_999}),
        ):
            assert answer.history == []
            assert [answer.json()[name] for name in ("items", "last", "reset")] == [[], last, True]
        assert not hugo.get(INBOX, params={"since": last}).json()["reset"]


def test_each_hears_his_own(address: str, city: SimpleNamespace) -> None:
    with app(address, city.otto) as otto, hearing(otto) as messages:
        happens(city)  # for hugo
        heap = town.report(city, category=city.refuse.pk, condition=city.heap.pk)
        outbox.drain()
        assert next(messages)["case_number"] == heap.number


def test_a_stream_ends_with_its_session(address: str, city: SimpleNamespace) -> None:
    with app(address, city.hugo) as hugo, hearing(hugo) as messages:
        happens(city)
        next(messages)
        hugo.delete("/api/auth/app/v1/auth/session")
        happens(city)
        assert list(messages) == []


def test_a_broken_line_to_the_database_is_made_anew(address: str, city: SimpleNamespace) -> None:
    with app(address, city.hugo) as hugo, hearing(hugo) as messages:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'wangge live'"
            )
        case = happens(city)  # its ring is lost
        assert next(messages)["case_number"] == case.number


def test_a_stranger_is_refused(address: str, city: SimpleNamespace) -> None:
    with httpx.Client(base_url=address, trust_env=False, follow_redirects=True) as http:
        for path in (f"{INBOX}/stream", f"{INBOX}?since=0&wait=5"):
            answer = http.get(path)
            assert (answer.status_code, answer.json()["code"]) == (401, "not_logged_in")


def test_the_waiting_room_refuses_strangers_too(address: str, city: SimpleNamespace) -> None:
    with app(address, city.hugo) as hugo:
        stream = hugo.get(f"{INBOX}/stream", follow_redirects=False)
    assert stream.status_code == 307
    with httpx.Client(trust_env=False) as http:
        answer = http.get(stream.headers["location"], headers={"X-Session-Token": "nobody"})
        assert (answer.status_code, answer.json()["code"]) == (401, "not_logged_in")
        assert http.get(stream.headers["location"].replace("stream", "else")).status_code == 404


def room(address: str, officer: Officer) -> str:
    """Where the waiting room is, as a phone is told."""
    with app(address, officer) as http:
        return str(http.get(f"{INBOX}/stream", follow_redirects=False).headers["location"])


def browser(officer: Officer) -> dict[str, str]:
    """The cookie of somebody who has logged in on a page."""
    client = Client()
    client.force_login(officer)
    return {"Cookie": f"other=1; sessionid={client.cookies['sessionid'].value}"}


def test_a_page_of_our_own_hears_by_its_cookie(address: str, city: SimpleNamespace) -> None:
    stream = room(address, city.hugo)
    with (
        httpx.Client(headers=browser(city.hugo) | {"Origin": address}, trust_env=False, timeout=PATIENCE_S) as page,
        page.stream("GET", stream) as answer,
    ):
        assert answer.status_code == 200
        assert answer.headers["access-control-allow-origin"] == address
        assert answer.headers["access-control-allow-credentials"] == "true"
        assert answer.headers["vary"] == "origin"
        case = happens(city)
        said = next(said for said in events(answer) if said["event"] == "message")
    assert json.loads(said["data"])["case_number"] == case.number


@pytest.mark.parametrize("origin", ["https://elsewhere.example", "http://127.0.0.1:9", "null", "http://127.0.0.1:no"])
def test_a_page_of_others_cannot_use_the_cookie(address: str, city: SimpleNamespace, origin: str) -> None:
    with httpx.Client(headers=browser(city.hugo) | {"Origin": origin}, trust_env=False) as page:
        answer = page.get(room(address, city.hugo))
        asked = page.options(room(address, city.hugo))
    assert (answer.status_code, answer.json()["code"]) == (401, "not_logged_in")
    assert "access-control-allow-origin" not in answer.headers
    assert "access-control-allow-origin" not in asked.headers


def test_a_cookie_that_is_no_session_is_refused(address: str, city: SimpleNamespace) -> None:
    for cookie in ("sessionid=nobody", "sessionid=", ";;=", "sessionid"):
        with httpx.Client(headers={"Cookie": cookie}, trust_env=False) as page:
            assert page.get(room(address, city.hugo)).status_code == 401


def test_words_typed_as_they_are_break_neither_door(address: str, city: SimpleNamespace) -> None:
    """curl and cheap phones send Chinese as it is typed, in addresses and in names of devices."""
    with app(address, city.carl) as carl:
        token = carl.headers["X-Session-Token"]
        for path, status in (("/healthz?next=网", 200), ("/api/mobile/v1/cases?view=all&q=垃圾", 200)):
            assert _typed(carl.base_url.port, path, token) == status
        port = urlsplit(room(address, city.carl)).port
        assert _typed(port, f"{INBOX}?since=0", token) == 200
        for word in ("path", "headers", "self"):
            assert _typed(port, f"{INBOX}?{word}=x", token) == 422
        assert _typed(port, f"{INBOX}?since=0", "标记") == 401


def _typed(port: int | None, path: str, token: str) -> int:
    with socket.create_connection(("127.0.0.1", port or 80), timeout=PATIENCE_S) as line:
        said = [f"GET {path} HTTP/1.1", "Host: 127.0.0.1", f"X-Session-Token: {token}", "User-Agent: 小米"]
        line.sendall("\r\n".join([*said, "Connection: close", "", ""]).encode())
        return int(line.makefile("rb").readline().split()[1])


def test_a_browser_may_ask_whether_it_may_send_a_header(address: str, city: SimpleNamespace) -> None:
    with httpx.Client(headers={"Origin": address}, trust_env=False) as page:
        answer = page.options(room(address, city.hugo))
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (204, address)
    assert "x-session-token" in answer.headers["access-control-allow-headers"]


def test_where_nobody_waits_a_phone_is_told_to_poll(db: None) -> None:
    hugo = town.phone(town.build().hugo)
    answer = hugo.get(INBOX, {"since": 0, "wait": 20})
    assert (answer.status_code, answer["Retry-After"], answer.json()["items"]) == (200, "2", [])
    answer = hugo.get(f"{INBOX}/stream")
    assert (answer.status_code, answer["Retry-After"], answer.json()["code"]) == (503, "2", "not_live")


def test_invented_tokens_never_stand_before_a_known_one(address: str, city: SimpleNamespace) -> None:
    """Hundreds of strangers at the door: they are refused, few by a question, and an officer hears as ever."""
    limits = httpx.Limits(max_connections=40)
    with (
        app(address, city.hugo) as hugo,
        hearing(hugo) as messages,
        ThreadPoolExecutor(40) as crowd,
        httpx.Client(trust_env=False, timeout=PATIENCE_S, limits=limits) as http,
    ):
        where = room(address, city.hugo)

        def knock(_: int) -> httpx.Response:
            return http.get(where, headers={"X-Session-Token": uuid4().hex})

        knocking = [crowd.submit(knock, n) for n in range(600)]
        case = happens(city)
        assert next(messages)["case_number"] == case.number
        told = Counter(answer.result().status_code for answer in knocking)
        again = knock(0)
    assert set(told) == {401, 429}
    assert told[401] <= 20 + 2  # what an address may ask about, and what was under way
    assert (again.status_code, again.headers["retry-after"]) == (429, "30")
