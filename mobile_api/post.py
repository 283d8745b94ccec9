"""E-mail by SMTP, where each letter and each greeting of the server has a deadline as a whole."""

from __future__ import annotations

import smtplib
import socket
from collections.abc import Sequence
from typing import Any

from django.core.mail import EmailMessage
from django.core.mail.backends import smtp

from .deadline import Deadline, watch

LETTER_S = 10  # from the connection to "taken"


class Plain(smtplib.SMTP):
    """SMTP over a line that is under the deadline of whoever uses it; also once it has turned to TLS."""

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        line: socket.socket = super()._get_socket(host, port, timeout)  # type: ignore[misc]
        watch(line)
        return line

    def starttls(self, *args: Any, **kwargs: Any) -> Any:
        said = super().starttls(*args, **kwargs)
        watch(self.sock)
        return said


class Safe(smtplib.SMTP_SSL):
    """The same with TLS from the first byte."""

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        line: socket.socket = super()._get_socket(host, port, timeout)  # type: ignore[misc]
        watch(line)
        return line


class EmailBackend(smtp.EmailBackend):
    """Django's own. Raises SMTPException or OSError, as ever, when time is over."""

    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        return Safe if self.use_ssl else Plain

    def open(self) -> bool | None:
        with Deadline(LETTER_S):
            opened = super().open()
        watch(getattr(self.connection, "sock", None))  # under the deadline of the letter that it was opened for
        return opened

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        with Deadline(LETTER_S * len(email_messages)):
            watch(getattr(self.connection, "sock", None))
            return super().send_messages(email_messages)

    def close(self) -> None:
        with Deadline(LETTER_S):
            watch(getattr(self.connection, "sock", None))
            super().close()
