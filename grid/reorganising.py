"""What the apps above do when people, units or the map change: in the same transaction, and told to who changed it.

`grid` knows who is who, not what they have to do. An app that gives people work says here what becomes of it, in its
ready(). Nothing here touches the database.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Follower:
    """`settle` puts right what nobody can carry any more, `ground` where the map was changed, and tells it by code and
    sentence; `owed` says in words, by primary key, what departments have that needs an heir."""

    settle: Callable[[bool], Iterable[tuple[str, str]]]
    owed: Callable[[Collection[int]], dict[int, str]]


FOLLOWERS: list[Follower] = []


def settle(*, ground: bool) -> list[tuple[str, str]]:
    """Have everybody put right what is theirs. In the caller's transaction."""
    return [told for follower in FOLLOWERS for told in follower.settle(ground)]


def owed(departments: Collection[int]) -> dict[int, list[str]]:
    """What departments have that needs an heir, in words; those that have nothing are left out."""
    found: dict[int, list[str]] = {}
    for follower in FOLLOWERS:
        for pk, words in follower.owed(departments).items():
            found.setdefault(pk, []).append(words)
    return found
