"""One deadline for a whole exchange with somebody else's server: connection, greeting, TLS, headers, body.

A timeout of a socket begins anew with every byte, so a server that sends one every few seconds is waited for as long as
it likes. Here a clock runs beside the exchange: when its time is over it shuts the sockets down, wherever the exchange
is, and whoever reads from them is told that the line broke.

    with Deadline(7) as deadline:
        connect(); deadline.watch(sock)

Sockets that a library makes out of sight are watched by the connections of this module: `watch` finds the deadline of
its thread.
"""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from types import TracebackType
from typing import Any

import urllib3.connection
import urllib3.connectionpool
from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from requests.exceptions import ReadTimeout

_here = threading.local()


class Deadline:
    """Runs while its block lasts, for the thread that entered it. `over` tells whether it struck."""

    def __init__(self, seconds: float):
        self.over = False
        self._seconds = seconds
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._clock = threading.Timer(seconds, self._strike)
        self._clock.daemon = True

    def __enter__(self) -> Deadline:
        self._before = getattr(_here, "deadline", None)
        _here.deadline = self
        self._clock.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._clock.cancel()
        _here.deadline = self._before
        with self._lock:
            self._sockets.clear()

    def watch(self, sock: socket.socket | None) -> None:
        """Shut this one down too when time is over; at once if it is already."""
        if sock is None:
            return
        with self._lock:
            if not self.over:
                self._sockets.append(sock)
                return
        _shut(sock)

    def _strike(self) -> None:
        with self._lock:
            self.over = True
            for sock in self._sockets:
                _shut(sock)


def watch(sock: socket.socket | None) -> None:
    """Put a socket under the deadline of this thread, if there is one."""
    if deadline := getattr(_here, "deadline", None):
        deadline.watch(sock)


def _shut(sock: socket.socket) -> None:
    """Below TLS, for that has words to say at the end and would wait for the answer."""
    with suppress(OSError):
        socket.socket.shutdown(sock, socket.SHUT_RDWR)


class PlainConnection(urllib3.connection.HTTPConnection):
    """An HTTP connection under the deadline of whoever uses it."""

    def connect(self) -> None:
        super().connect()
        watch(self.sock)

    def request(self, *args: Any, **kwargs: Any) -> None:
        watch(self.sock)
        super().request(*args, **kwargs)


class SafeConnection(PlainConnection, urllib3.connection.HTTPSConnection):
    """The same with TLS, whose handshake as a whole has the timeout of connecting."""


class _PlainPool(urllib3.connectionpool.HTTPConnectionPool):
    ConnectionCls = PlainConnection


class _SafePool(urllib3.connectionpool.HTTPSConnectionPool):
    ConnectionCls = SafeConnection


class TimedAdapter(HTTPAdapter):
    """For requests: each exchange, with the whole body of its answer, ends within `whole_s`; connecting within
    `connect_s`. One try."""

    def __init__(self, connect_s: float, whole_s: float, at_once: int = 1):
        super().__init__(pool_connections=1, pool_maxsize=at_once, max_retries=0)
        self._timeout, self._whole_s = (connect_s, whole_s), whole_s
        self.poolmanager.pool_classes_by_scheme = {"http": _PlainPool, "https": _SafePool}

    def send(self, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:
        """Raises requests' own errors, as ever."""
        with Deadline(self._whole_s) as deadline:
            answer = super().send(request, *args, **kwargs | {"stream": True, "timeout": self._timeout})
            answer.content  # noqa: B018  read it while time runs
        if deadline.over:  # what has no length looks whole when it is cut
            raise ReadTimeout(f"no end after {self._whole_s:g} s", request=request)
        return answer
