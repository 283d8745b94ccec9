"""Whether the database answers, asked before somebody depends on it."""

from __future__ import annotations

import time
from urllib.parse import urlsplit

from deploy.process import Failed, say
from deploy.tongue import told

ASK_AGAIN_S = 1.0


def silence(url: str) -> str:
    """Why the database at this address does not answer; nothing where it does, or where only Django can read that."""
    if not url:
        return ""
    import psycopg2  # type: ignore[import-untyped]  # of the virtual environment: `./dev help` does without

    try:
        psycopg2.connect(url.replace("postgis://", "postgresql://", 1), connect_timeout=10).close()
    except psycopg2.ProgrammingError:  # words of Django's in the address
        return ""
    except psycopg2.Error as trouble:
        return (str(trouble).strip() or type(trouble).__name__).splitlines()[0]
    return ""


def need(url: str) -> None:
    """Raises Failed where the database does not answer."""
    if reason := silence(url):
        raise Failed(told("The database {place} does not answer: {reason}", place=place(url), reason=reason))


def wait(url: str) -> None:
    """Return when the database answers; say so when that takes a while. No address: nothing to wait for."""
    if reason := silence(url):
        say(told("the database {place} does not answer ({reason}): waiting for it", place=place(url), reason=reason))
        while silence(url):
            time.sleep(ASK_AGAIN_S)
        say(told("the database answers"))


def place(url: str) -> str:
    """Without the password."""
    parts = urlsplit(url)
    return f"{(parts.hostname or '')}{f':{parts.port}' if parts.port else ''}{parts.path}"
