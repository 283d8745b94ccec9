"""Firebase Cloud Messaging on loopback: a real HTTP server that speaks its protocol, for the tests of push.

It gives access tokens for a service account's signed assertion (OAuth 2.0, RFC 7523), takes messages at
/v1/projects/{project}/messages:send, and refuses as FCM does: shapes and words of the errors are those of
https://firebase.google.com/docs/cloud-messaging/error-codes. What a phone gets stands in `delivered`.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from typing import Any
from urllib.parse import parse_qs

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth import jwt

PROJECT = "wangge-test"
ACCOUNT = "push@wangge-test.iam.gserviceaccount.com"
AUDIENCE = "https://oauth2.googleapis.com/token"  # google-auth names it wherever the endpoint is
FCM_ERROR = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
BAD_REQUEST = "type.googleapis.com/google.rpc.BadRequest"


@dataclass(frozen=True)
class Answer:
    """What FCM says to a message. Seconds are waited before."""

    status: int
    body: dict[str, Any]
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0


def error(http: int, status: str, message: str, code: str = "", *details: dict[str, Any], **headers: str) -> Answer:
    said = [{"@type": FCM_ERROR, "errorCode": code}] if code else []
    body = {"error": {"code": http, "message": message, "status": status, "details": [*said, *details]}}
    return Answer(http, body, {name.replace("_", "-"): value for name, value in headers.items()})


def violation(name: str, description: str) -> dict[str, Any]:
    return {"@type": BAD_REQUEST, "fieldViolations": [{"field": name, "description": description}]}


UNREGISTERED = error(404, "NOT_FOUND", "Requested entity was not found.", "UNREGISTERED")
MALFORMED = error(
    400, "INVALID_ARGUMENT", "The registration token is not a valid FCM registration token", "INVALID_ARGUMENT"
)
MALFORMED_TOO = error(
    400,
    "INVALID_ARGUMENT",
    "Request contains an invalid argument.",
    "INVALID_ARGUMENT",
    violation("message.token", "Invalid registration token"),
)
BAD_MESSAGE = error(
    400,
    "INVALID_ARGUMENT",
    "Invalid value at 'message.data[0].value' (TYPE_STRING), 12",
    "",
    violation("message.data[0].value", "Invalid value at 'message.data[0].value' (TYPE_STRING), 12"),
)
OTHER_SENDER = error(403, "PERMISSION_DENIED", "SenderId mismatch", "SENDER_ID_MISMATCH")
QUOTA = error(429, "RESOURCE_EXHAUSTED", "Quota exceeded.", "QUOTA_EXCEEDED")
UNAVAILABLE = error(503, "UNAVAILABLE", "The service is currently unavailable.", "UNAVAILABLE", Retry_After="120")
INTERNAL = error(500, "INTERNAL", "Internal error encountered.", "INTERNAL")
SLOW = Answer(200, {}, seconds=1.5)


@cache
def key() -> rsa.RSAPrivateKey:
    """The service account's key, made for this run."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class Fcm:
    """The server. `refuse(token, …)` says how messages to a token are answered, in turn, the last for ever."""

    def __init__(self) -> None:
        self.delivered: list[dict[str, Any]] = []
        self.asked: Counter[str] = Counter()  # requests for each registration token
        self.grants = 0  # access tokens given
        self.trusts = True  # whether the service account is still good
        self.meanwhile: Callable[[], None] = lambda: None  # called while the client waits for an answer
        self._scripts: dict[str, list[Answer]] = {}
        self._access: set[str] = set()
        self._lock = Lock()
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def refuse(self, token: str, *answers: Answer) -> None:
        self._scripts[token] = list(answers)

    def relent(self) -> None:
        self._scripts.clear()

    def titles(self, token: str) -> list[str]:
        """What the phone with this token showed."""
        return [message["notification"]["title"] for message in self.delivered if message["token"] == token]

    def service_account(self, folder: Path) -> Path:
        """The key file that the Firebase console would give, but with our token endpoint."""
        pem = key().private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        path = folder / f"{self._server.server_port}.json"
        path.write_text(
            json.dumps(
                {
                    "type": "service_account",
                    "project_id": PROJECT,
                    "private_key_id": "k1",
                    "private_key": pem.decode(),
                    "client_email": ACCOUNT,
                    "client_id": "1",
                    "token_uri": f"{self.url}/token",
                }
            )
        )
        return path

    # The two things that FCM does

    def grant(self, form: dict[str, list[str]]) -> Answer:
        """POST /token: an access token for an assertion that the account's key has signed."""
        public = (
            key().public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        )
        try:
            assert form["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
            claims = jwt.decode(form["assertion"][0], certs=public, audience=AUDIENCE)
            assert claims["iss"] == ACCOUNT and claims["scope"].endswith("/firebase.messaging") and self.trusts
        except (AssertionError, KeyError, ValueError) as refused:
            return Answer(400, {"error": "invalid_grant", "error_description": str(refused)})
        with self._lock:
            self.grants += 1
            token = f"access-{self.grants}"
            self._access.add(token)
        return Answer(200, {"access_token": token, "expires_in": 3600, "token_type": "Bearer"})

    def send(self, authorization: str, said: dict[str, Any]) -> Answer:
        """POST /v1/projects/{project}/messages:send."""
        self.meanwhile()
        if authorization.removeprefix("Bearer ") not in self._access:
            return error(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.")
        message = said.get("message", {})
        token = message.get("token", "")
        with self._lock:
            self.asked[token] += 1
            number = self.asked.total()
            script = self._scripts.get(token, [])
            answer = script.pop(0) if len(script) > 1 else script[0] if script else None
        if not token:
            return error(400, "INVALID_ARGUMENT", "Recipient of the message is not set.", "INVALID_ARGUMENT")
        if not all(isinstance(value, str) for value in message.get("data", {}).values()):
            return BAD_MESSAGE
        if answer and answer.status != 200:
            return answer
        with self._lock:
            self.delivered.append(message)
        name = {"name": f"projects/{PROJECT}/messages/{number}"}
        return Answer(200, name, seconds=answer.seconds if answer else 0)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # callers at one moment


def _handler(fcm: Fcm) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path == "/token":
                answer = fcm.grant(parse_qs(body.decode()))
            elif self.path == f"/v1/projects/{PROJECT}/messages:send":
                answer = fcm.send(self.headers.get("Authorization", ""), json.loads(body))
            else:
                answer = error(404, "NOT_FOUND", "no such path")
            time.sleep(answer.seconds)
            self._say(answer)

        def _say(self, answer: Answer) -> None:
            said = json.dumps(answer.body).encode()
            self.send_response(answer.status)
            headers = {"Content-Type": "application/json", "Content-Length": str(len(said))} | answer.headers
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler


@contextmanager
def running() -> Iterator[Fcm]:
    """The server, listening on a free port of loopback."""
    fcm = Fcm()
    thread = Thread(target=fcm._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield fcm
    finally:
        fcm._server.shutdown()
        fcm._server.server_close()
        thread.join()
