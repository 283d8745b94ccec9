"""Wrong passwords close an account for a while, from wherever they come.

An account has LOGIN_FAILURES chances. Each attempt takes one before the password is looked at, so that a crowd of
attempts at one moment has no more of them than a queue has. The right password gives all of them back; a wrong one is
forgotten after LOGIN_LOCK_MINUTES. When the last chance is wasted, the account is closed for LOGIN_LOCK_MINUTES,
also to the right password; attempts meanwhile do not prolong that. Phones that are logged in stay so.
The chances lie in the cache, which all processes share. `manage.py unlock` opens an account early.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import sha256

from django.conf import settings
from django.core.cache import cache

from grid.moment import now


def take(name: str) -> bool:
    """Take one of the account's chances; False when none is left. Atomic between processes."""
    return any(cache.add(chance, _end(), _seconds()) for chance in _chances(name))


def wasted(name: str) -> bool:
    """The chance taken was a wrong password. True when it was the last: the account is closed from this moment on."""
    if until(name) is None:
        return False
    cache.set_many(dict.fromkeys(_chances(name), _end()), _seconds())
    return True


def until(name: str) -> datetime | None:
    """When the account opens again; None if it is open."""
    taken = cache.get_many(_chances(name))
    return min(taken.values()) if len(taken) == settings.LOGIN_FAILURES else None


def clear(name: str) -> None:
    """Give all chances back."""
    cache.delete_many(_chances(name))


def _chances(name: str) -> list[str]:
    """The cache's keys. Case does not matter in a name, as it does not to allauth; unknown names have chances too."""
    account = sha256(name.lower().encode()).hexdigest()
    return [f"login:{account}:{n}" for n in range(settings.LOGIN_FAILURES)]


def _end() -> datetime:
    return now() + timedelta(minutes=settings.LOGIN_LOCK_MINUTES)


def _seconds() -> int:
    return int(settings.LOGIN_LOCK_MINUTES) * 60
