"""The waiting room without a web server: whose pages it lets in, and who asks first."""

from __future__ import annotations

import asyncio
import importlib
from types import SimpleNamespace
from typing import Any

import httpx
import pytest


def test_who_was_not_rung_waits_while_the_web_server_is_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Idle streams look for rings that were lost only when it has time; whoever was rung asks at once."""
    monkeypatch.setenv("DATABASE_URL", "postgis:///nobody")
    live = importlib.import_module("deploy.live")
    monkeypatch.setattr(live, "KEEP_S", 0.001)
    monkeypatch.setattr(live, "PAUSE_S", 0)
    web = SimpleNamespace(port=1, asking=live.AT_ONCE, asked=0)
    kept: list[Any] = []

    async def ask(path: str, headers: dict[str, str], **query: Any) -> httpx.Response:
        web.asked += 1
        kept.append(kept.count("here"))
        return httpx.Response(200 if web.asked < 4 else 401, json={"items": [], "last": 0, "reset": False})

    async def visit() -> None:
        bell, left = asyncio.Event(), asyncio.Event()

        async def send(said: Any) -> None:
            if said.get("body") == b": here\n\n":
                kept.append("here")
                if kept.count("here") == 3:
                    bell.set()
                if kept.count("here") == 6:
                    web.asking = 0

        async def receive() -> dict[str, str]:
            await left.wait()
            return {"type": "http.disconnect"}

        web.ask = ask
        scope = {"headers": [], "query_string": b""}
        guest = live.Visit(scope, receive, send, web)
        await guest.stream(bell)
        guest.gone.cancel()

    asyncio.run(visit())
    assert [n for n in kept if n != "here"] == [0, 3, 6, 7]
