"""Who comes to the waiting room, as his headers say it."""

from __future__ import annotations

import pytest

from deploy import visitor


def test_the_origins_that_are_said_are_the_only_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    assert visitor.ours("https://city.example", "city.example", 8000)  # behind nginx, which has the same port
    assert visitor.ours("http://city.example:8000", "city.example:8001", 8000)
    assert not visitor.ours("http://city.example:8002", "city.example:8001", 8000)
    monkeypatch.setattr(visitor, "ORIGINS", frozenset({"https://desk.example"}))
    assert visitor.ours("https://desk.example", "city.example:8001", 8000)
    assert not visitor.ours("http://city.example:8000", "city.example:8001", 8000)
