"""Servers on loopback that answer a byte at a time and never come to an end: no pause between two is long."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

PAUSE_S = 0.1


class Dripping(socketserver.ThreadingTCPServer):
    """Says `begin` at once, or after the first bytes it hears, and then `drop` again and again."""

    daemon_threads = allow_reuse_address = True

    def __init__(self, begin: bytes = b"HTTP/1.1 200 OK\r\n", drop: bytes = b"x", *, speaks_first: bool = False):
        server = self
        self.called, self.over = threading.Event(), threading.Event()

        class Speaking(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                if not speaks_first:
                    self.request.recv(65_536)
                server.called.set()
                with suppress(OSError):
                    self.request.sendall(begin)
                    while not server.over.wait(PAUSE_S):
                        self.request.sendall(drop)

        super().__init__(("127.0.0.1", 0), Speaking)
        self.url = f"http://127.0.0.1:{self.server_address[1]}/wangge"

    @contextmanager
    def listening(self) -> Iterator[Dripping]:
        thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield self
        finally:
            self.over.set()
            self.shutdown()
            thread.join()
            self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever called has left."""
