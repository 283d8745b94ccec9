"""What an officer writes is counted, whatever the operation: none writes without limit (grid.quota)."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from grid import quota

from .auth import Request

V = TypeVar("V", bound=Callable[..., Any])
SAFE = {"GET", "HEAD", "OPTIONS"}


def counts_itself(view: V) -> V:
    """An operation that counts what it writes by a kind of its own."""
    view.counts_itself = True  # type: ignore[attr-defined]
    return view


def counting(view: Callable[..., Any]) -> Callable[..., Any]:
    """Around every other operation: one write is counted, whatever comes of it."""
    if getattr(view, "counts_itself", False):
        return view

    @wraps(view)
    def counted(request: Request, *args: Any, **kwargs: Any) -> Any:
        if request.method not in SAFE:
            quota.spend(request.auth, quota.Kind.WRITES)
        return view(request, *args, **kwargs)

    return counted
