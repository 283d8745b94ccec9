"""A city's sign-on, small: OpenID Connect over real HTTP on loopback, with code, PKCE and a signed token."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
CLIENT, SECRET = "wangge", "a-secret-of-the-test"


def signed(claims: dict[str, Any]) -> str:
    """As an honest provider signs."""
    return jwt.encode(claims, KEY, "RS256", headers={"kid": "1"})


class Provider(ThreadingHTTPServer):
    """Whoever comes is the person of `claims`; `asked` counts what was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.claims: dict[str, Any] = {"sub": "1", "preferred_username": "carl"}
        self.token_claims: dict[str, Any] = {}  # what the id_token says beside them, or instead
        self.user_info: Any = None  # instead of the claims
        self.sign: Callable[[dict[str, Any]], str] = signed
        self.codes: dict[str, dict[str, str]] = {}

    def app(self) -> dict[str, Any]:
        """How the city configures it."""
        return {
            "provider_id": "city",
            "name": "统一身份认证",
            "client_id": CLIENT,
            "secret": SECRET,
            "settings": {"server_url": self.url, "oauth_pkce_enabled": True},
        }

    def configuration(self) -> dict[str, Any]:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "userinfo_endpoint": f"{self.url}/userinfo",
            "jwks_uri": f"{self.url}/keys",
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
        }

    def token(self, said: dict[str, str]) -> dict[str, Any]:
        """The tokens for a code; raises KeyError for one that is unknown, used, or not this caller's."""
        asked = self.codes.pop(said["code"])
        proof = base64.urlsafe_b64encode(hashlib.sha256(said["code_verifier"].encode()).digest()).decode().rstrip("=")
        if (said["client_id"], said["client_secret"], proof) != (CLIENT, SECRET, asked["code_challenge"]):
            raise KeyError("another caller")
        now = int(time.time())
        term = {"iss": self.url, "aud": CLIENT, "exp": now + 60, "iat": now, "nonce": asked["nonce"]}
        claims = {name: said for name, said in (self.claims | term | self.token_claims).items() if said is not None}
        return {
            "access_token": "look",
            "token_type": "Bearer",
            "id_token": self.sign(claims),
        }


class Handler(BaseHTTPRequestHandler):
    server: Provider

    def do_GET(self) -> None:
        where = urlsplit(self.path)
        asked = {name: said for name, (said, *_more) in parse_qs(where.query).items()}
        match where.path:
            case "/.well-known/openid-configuration":
                self._say(self.server.configuration())
            case "/keys":
                self._say({"keys": [json.loads(RSAAlgorithm.to_jwk(KEY.public_key())) | {"kid": "1", "alg": "RS256"}]})
            case "/userinfo" if self.headers["Authorization"] == "Bearer look":
                self._say(self.server.claims if self.server.user_info is None else self.server.user_info)
            case "/authorize":
                self.server.codes["once"] = asked
                self.send_response(302)
                self.send_header(
                    "Location", f"{asked['redirect_uri']}?{urlencode({'code': 'once', 'state': asked['state']})}"
                )
                self.end_headers()
            case _:
                self._say({}, 404)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        try:
            self._say(self.server.token({name: said for name, (said, *_more) in parse_qs(body).items()}))
        except KeyError:
            self._say({"error": "invalid_grant"}, 400)

    def _say(self, said: Any, status: int = 200) -> None:
        body = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Says nothing."""


@contextmanager
def provider() -> Iterator[Provider]:
    with Provider() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()
