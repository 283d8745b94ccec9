"""Calls to other people's servers, and where they may not go.

An address that an administrator types must not lead into the city's own network: https goes to public addresses and
the ports of HOOK_PORTS; http, other ports, and addresses of a private network, only to hosts that HOOK_HOSTS names. A
name is looked up once, and the call goes to the very address that was judged. No redirect is followed, no proxy is
used, the answer's body is not read. Whatever a server does, a call ends within NAME_S + WHOLE_S.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLong
from dataclasses import dataclass
from functools import cache
from http.client import HTTPException
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import SplitResult

import certifi
import urllib3
from django.conf import settings
from django.utils.translation import gettext as _

from cases.flow import Refused
from grid.vocabulary import web_address

from .deadline import Deadline, PlainConnection, SafeConnection

NAME_S, CONNECT_S, WHOLE_S = 2, 2, 7  # to look up a name; to connect, and for TLS; for all but the name
LOOKING = ThreadPoolExecutor(8, thread_name_prefix="names")  # the system's resolver knows no deadline
UNICAST = IPv6Network("2000::/3")  # all of IPv6 that is given out
TRANSLATED = IPv6Network("64:ff9b::/96")  # NAT64: leads to the IPv4 address in its last four bytes
CLOSED = tuple(
    ip_network(net)
    for net in (
        *("2001::/32", "2002::/16"),  # Teredo, 6to4: tunnels to whatever IPv4 address they name
        *("2001:db8::/32", "3fff::/20"),  # examples in documents; Python knows the second only from 3.14 on
        *("192.0.0.0/24", "192.88.99.0/24"),  # protocols' own, not a host's
    )
)


@dataclass(frozen=True)
class Answer:
    """What came of a call. `code` is None where nobody answered; `note` then says why."""

    code: int | None
    seconds: float
    note: str = ""

    @property
    def well(self) -> bool:
        return self.code is not None and 200 <= self.code < 300


def address_parts(url: str) -> SplitResult:
    """The parts of a URL that could be called, wherever it leads. Raises Refused (url_unfit)."""
    parts = web_address(url)
    if parts is None or parts.username:
        raise _unfit(_("须为完整的 https 地址，且不含用户名和密码。"))
    return parts


def judge(url: str) -> tuple[SplitResult, str]:
    """The parts of a URL that may be called, and the address behind its name. Raises Refused (url_unfit)."""
    parts = address_parts(url)
    host, port = parts.hostname or "", _port(parts)
    named = not {host, f"{host}:{port}"}.isdisjoint(settings.HOOK_HOSTS)
    if parts.scheme == "http" and not named:
        raise _unfit(_("须用 https；只有 HOOK_HOSTS 中列出的主机可用 http。"))
    if port not in settings.HOOK_PORTS and not named:
        ports = _("、").join(map(str, settings.HOOK_PORTS))
        raise _unfit(_("端口只能是 %(ports)s；其他端口须由运维列入 HOOK_PORTS。") % {"ports": ports})
    addresses = _addresses(host, port)
    if not named and not all(map(public, addresses)):
        raise _unfit(_("主机“%(host)s”在内部网络中，须先由运维列入 HOOK_HOSTS。") % {"host": host})
    return parts, addresses[0]


def _addresses(host: str, port: int) -> list[str]:
    """What is behind a name. Raises Refused where there is nothing, or no answer in time."""
    try:
        found = LOOKING.submit(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM).result(NAME_S)
    except (OSError, UnicodeError, ValueError, TooLong):
        raise _unfit(_("找不到主机“%(host)s”。") % {"host": host}) from None
    return [str(address[0]) for *_more, address in found]


def public(address: str) -> bool:
    """Whether an address is somebody's out there: global unicast, also after mapping to the IPv4 address it leads to.

    Of IPv6 only what is given out at all counts, so that unique local, link local, site local, mapped and translated
    addresses, and kinds that are yet to be invented, need no list.
    """
    found = _led_to(ip_address(address.partition("%")[0]))
    if isinstance(found, IPv6Address) and found not in UNICAST:
        return False
    odd = found.is_multicast or found.is_reserved or any(found in net for net in CLOSED if net.version == found.version)
    return found.is_global and not odd


def _led_to(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that an IPv6 one stands for, where it does so in the open internet."""
    if isinstance(address, IPv4Address):
        return address
    if address in TRANSLATED:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address


def post(url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
    """Send a body. Never raises: what goes wrong is the answer's note. Takes NAME_S + WHOLE_S at most."""
    began = time.monotonic()
    try:
        parts, address = judge(url)
        code, note = _exchange(parts, address, body, headers)
    except Refused as refused:
        code, note = None, refused.detail
    return Answer(code, time.monotonic() - began, note[:200])


def _exchange(parts: SplitResult, address: str, body: bytes, headers: Mapping[str, str]) -> tuple[int | None, str]:
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    line = _line(parts, address)
    code, note = None, ""
    with Deadline(WHOLE_S) as deadline:
        try:
            line.connect()
            line.timeout = WHOLE_S
            line.request("POST", path, body=body, headers={**headers, "Host": parts.netloc}, preload_content=False)
            code = line.getresponse().status
        except (urllib3.exceptions.HTTPError, OSError, ValueError, HTTPException) as error:
            note = f"{type(error).__name__}: {error}"
        finally:
            line.close()
    if deadline.over:  # headers that were cut look whole
        return None, _("%(seconds)s 秒内没有答完。") % {"seconds": WHOLE_S}
    return code, note


def _line(parts: SplitResult, address: str) -> PlainConnection | SafeConnection:
    host, port = parts.hostname, _port(parts)
    if parts.scheme == "http":
        return PlainConnection(address, port, timeout=CONNECT_S)
    return SafeConnection(
        address, port, timeout=CONNECT_S, server_hostname=host, assert_hostname=host, ssl_context=_trust()
    )


@cache
def _trust() -> ssl.SSLContext:
    """The system's authorities, where a city keeps its own, and Mozilla's."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


def _port(parts: SplitResult) -> int:
    """Raises KeyError or ValueError for what has none."""
    return {"https": 443, "http": 80}[parts.scheme] if parts.port is None else parts.port


def _unfit(sentence: str) -> Refused:
    return Refused("url_unfit", sentence, field="url")
