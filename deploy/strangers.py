"""Tokens that the waiting room does not know: refused cheaply, and never before those that it knows."""

from __future__ import annotations

import asyncio
from math import inf
from time import monotonic

import httpx

KNOWN = 20_000  # tokens whose officer is remembered
REFUSED_S = 30  # so long a token that was refused is refused again without a question
AT_A_TIME = 2  # questions at once about tokens that are not known; known ones have AT_ONCE beside these
QUEUE = 500  # of those who wait to be asked about
WRONG = 20  # tokens of one address that may be refused in REFUSED_S; more strangers from there come again later


class Strangers:
    """Tokens that nobody knows yet, and those that were refused of late. Used from the event loop alone."""

    def __init__(self) -> None:
        self.refused: dict[bytes, tuple[float, httpx.Response]] = {}  # oldest first
        self.wrong: dict[str, tuple[float, int]] = {}  # by address: since when, how many
        self.turn = asyncio.Semaphore(AT_A_TIME)
        self.waiting = 0

    def answer(self, token: bytes, address: str) -> httpx.Response | None:
        """What is known without a question; None: ask."""
        since, answer = self.refused.get(token, (-inf, None))
        if since > monotonic() - REFUSED_S:
            return answer
        since, wrong = self.wrong.get(address, (-inf, 0))
        if (since > monotonic() - REFUSED_S and wrong >= WRONG) or self.waiting >= QUEUE:
            return httpx.Response(429, headers={"Retry-After": str(REFUSED_S)})
        return None

    def refuse(self, token: bytes, address: str, answer: httpx.Response) -> None:
        """That was nobody's token."""
        if len(self.refused) >= KNOWN:
            del self.refused[next(iter(self.refused))]
        self.refused[token] = (monotonic(), answer)
        since, wrong = self.wrong.get(address, (-inf, 0))
        fresh = since <= monotonic() - REFUSED_S
        if len(self.wrong) >= KNOWN:
            del self.wrong[next(iter(self.wrong))]
        self.wrong[address] = (monotonic(), 1) if fresh else (since, wrong + 1)
