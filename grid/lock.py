"""Wrong passwords, and wrong codes of the second factor, close an account for a while, from wherever they come.

An account has LOGIN_FAILURES chances. Each attempt takes one before the password is looked at, so that a crowd of
attempts at one moment has no more of them than a queue has. The right password gives all of them back; a wrong one is
forgotten after LOGIN_LOCK_MINUTES. When the last chance is wasted, the account is closed for LOGIN_LOCK_MINUTES,
also to the right password; attempts meanwhile do not prolong that. Phones that are logged in stay so.
Codes have chances of their own, as many: the right password does not give those back. Closed by either, it is closed.
The chances lie in the cache, which all processes share. `manage.py unlock` opens an account early.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import sha256
from math import ceil

from django.conf import settings
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from grid.moment import now

PASSWORD, CODE = "login", "code"


def take(name: str, kind: str = PASSWORD) -> bool:
    """Take one of the account's chances; False when none is left. Atomic between processes."""
    return any(cache.add(chance, _end(), _seconds()) for chance in _chances(name, kind))


def wasted(name: str, kind: str = PASSWORD) -> bool:
    """The chance taken was a wrong one. True when it was the last: the account is closed from this moment on."""
    if _until(name, kind) is None:
        return False
    cache.set_many(dict.fromkeys(_chances(name, kind), _end()), _seconds())
    return True


def until(name: str) -> datetime | None:
    """When the account opens again; None if it is open."""
    return max(filter(None, (_until(name, kind) for kind in (PASSWORD, CODE))), default=None)


def _until(name: str, kind: str) -> datetime | None:
    taken = cache.get_many(_chances(name, kind))
    return min(taken.values()) if len(taken) == settings.LOGIN_FAILURES else None


def clear(name: str, *kinds: str) -> None:
    """Give chances back; none named, all."""
    cache.delete_many([chance for kind in kinds or (PASSWORD, CODE) for chance in _chances(name, kind)])


def closed(name: str) -> ValidationError:
    """What a locked account is told."""
    opens = until(name)
    minutes = ceil((opens - now()) / timedelta(minutes=1)) if opens else 1
    says = _("账号已锁定，请在 %(minutes)d 分钟后再试。")
    return ValidationError(says, code="too_many_login_attempts", params={"minutes": minutes})


def _chances(name: str, kind: str) -> list[str]:
    """The cache's keys. Case does not matter in a name, as it does not to allauth; unknown names have chances too."""
    account = sha256(name.lower().encode()).hexdigest()
    return [f"{kind}:{account}:{n}" for n in range(settings.LOGIN_FAILURES)]


def _end() -> datetime:
    return now() + timedelta(minutes=settings.LOGIN_LOCK_MINUTES)


def _seconds() -> int:
    return int(settings.LOGIN_LOCK_MINUTES) * 60
