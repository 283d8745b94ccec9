"""Calls to other people's servers, and where they may not go.

An address that an administrator types must not lead into the city's own network: https goes to public addresses;
http, and addresses of a private network, only to hosts that HOOK_HOSTS names. A name is looked up once, and the call
goes to the very address that was judged. No redirect is followed, no proxy is used, the answer's body is not read.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

import certifi
import urllib3
from django.conf import settings
from django.utils.translation import gettext as _

from cases.flow import Refused

CONNECT_S, ANSWER_S = 2, 5


@dataclass(frozen=True)
class Answer:
    """What came of a call. `code` is None where nobody answered; `note` then says why."""

    code: int | None
    seconds: float
    note: str = ""

    @property
    def well(self) -> bool:
        return self.code is not None and 200 <= self.code < 300


def judge(url: str) -> tuple[SplitResult, str]:
    """The parts of a URL that may be called, and the address behind its name. Raises Refused (url_unfit)."""
    parts = urlsplit(url)
    host, named = parts.hostname or "", parts.hostname in settings.HOOK_HOSTS
    if not host or parts.username or parts.scheme not in ("https", "http"):
        raise _unfit(_("须为完整的 https 地址，且不含用户名和密码。"))
    if parts.scheme == "http" and not named:
        raise _unfit(_("须用 https；只有 HOOK_HOSTS 中列出的主机可用 http。"))
    try:
        found = socket.getaddrinfo(host, _port(parts), type=socket.SOCK_STREAM)
    except (OSError, UnicodeError, ValueError):
        raise _unfit(_("找不到主机“%(host)s”。") % {"host": host}) from None
    addresses = [str(address[0]) for *_more, address in found]
    if not named and not all(map(_public, addresses)):
        raise _unfit(_("主机“%(host)s”在内部网络中，须先由运维列入 HOOK_HOSTS。") % {"host": host})
    return parts, addresses[0]


def post(url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
    """Send a body. Never raises: what goes wrong is the answer's note. Takes some CONNECT_S + ANSWER_S at most."""
    began = time.monotonic()
    try:
        parts, address = judge(url)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        with _line(parts, address) as line:
            answer = line.urlopen(
                "POST",
                path,
                body=body,
                headers={**headers, "Host": parts.netloc},
                redirect=False,
                preload_content=False,
            )
            answer.close()
        return Answer(answer.status, time.monotonic() - began)
    except Refused as refused:
        return Answer(None, time.monotonic() - began, refused.detail[:200])
    except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        return Answer(None, time.monotonic() - began, f"{type(error).__name__}: {error}"[:200])


def _line(parts: SplitResult, address: str) -> urllib3.HTTPConnectionPool:
    timeout, host, port = urllib3.Timeout(connect=CONNECT_S, read=ANSWER_S), parts.hostname, _port(parts)
    if parts.scheme == "http":
        return urllib3.HTTPConnectionPool(address, port, timeout=timeout, retries=False)
    return urllib3.HTTPSConnectionPool(
        address,
        port,
        timeout=timeout,
        retries=False,
        server_hostname=host,
        assert_hostname=host,
        ssl_context=_trust(),
    )


@cache
def _trust() -> ssl.SSLContext:
    """The system's authorities, where a city keeps its own, and Mozilla's."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


def _port(parts: SplitResult) -> int:
    return parts.port or {"https": 443, "http": 80}[parts.scheme]


def _public(address: str) -> bool:
    found = ip_address(address.partition("%")[0])
    found = getattr(found, "ipv4_mapped", None) or found
    return found.is_global and not found.is_multicast


def _unfit(sentence: str) -> Refused:
    return Refused("url_unfit", sentence, field="url")
