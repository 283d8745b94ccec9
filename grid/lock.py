"""Wrong passwords, and wrong codes of the second factor, close an account for a while, from wherever they come.

An account has LOGIN_FAILURES chances. Each attempt takes one before the password is looked at, so that a crowd of
attempts at one moment has no more of them than a queue has. The right password gives all of them back; a wrong one is
forgotten after LOGIN_LOCK_MINUTES. When the last chance is wasted, the account is closed for LOGIN_LOCK_MINUTES,
also to the right password; attempts meanwhile do not prolong that. Phones that are logged in stay so.
Codes have chances of their own, as many: the right password does not give those back. Closed by either, it is closed.
The chances lie in the cache, which all processes share. `manage.py unlock` opens an account early.

An address, as a rule a whole office, has ADDRESS_FAILURES chances. Without them it is closed for LOGIN_LOCK_MINUTES
from the first on, but not to an account that signed in there before: it has its own few chances.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import sha256
from ipaddress import ip_address, ip_network
from math import ceil
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from . import quota
from .models import Spending
from .moment import now

PASSWORD, CODE = "login", "code"
FAILED, SIGNED_IN = "login_failed", "signed_in"  # kinds of Spending
MANY = 10**9


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
    return _told(_("账号已锁定，请在 %(minutes)d 分钟后（%(at)s）再试。"), until(name) or now())


def address_until(address: str, name: str) -> datetime | None:
    """When an address opens again to an account; None if it is open, or knows the account."""
    opens = quota.opens_at(_address(address), FAILED, _address_limit())
    return opens if opens and not Spending.objects.filter(who=_pair(address, name), kind=SIGNED_IN).exists() else None


def missed(address: str) -> None:
    """A wrong password came from there."""
    quota.take(_address(address), FAILED, _address_limit())


def remember(address: str, name: str) -> None:
    """An account has signed in there: the address knows it from now on, for quota.KEPT_DAYS."""
    quota.take(_pair(address, name), SIGNED_IN, quota.Limit(MANY, MANY))


def open_address(address: str) -> None:
    """Give an address its chances back."""
    Spending.objects.filter(who=_address(address), kind=FAILED).delete()


def address_closed(opens: datetime) -> ValidationError:
    """What whoever comes from a closed address is told."""
    says = _("从此网络登录失败的次数过多，请在 %(minutes)d 分钟后（%(at)s）再试。此前在这里登录过的账号不受影响。")
    return _told(says, opens)


def _told(says: str, opens: datetime) -> ValidationError:
    """The sentence with the moment; `opens` goes with it for Retry-After."""
    at = f"{opens.astimezone(ZoneInfo(settings.TIME_ZONE)):%H:%M}"
    said = {"minutes": max(1, ceil((opens - now()) / timedelta(minutes=1))), "at": at, "opens": opens}
    return ValidationError(says, code="too_many_login_attempts", params=said)


def _address(address: str) -> str:
    """Of IPv6 the network: its hosts take a new address whenever they like."""
    try:
        host = ip_address(address)
    except ValueError:
        return f"address:{address[:60]}"
    return f"address:{ip_network((host, 64), strict=False) if host.version == 6 else host}"


def _pair(address: str, name: str) -> str:
    return f"{_address(address)} {sha256(name.lower().encode()).hexdigest()[:32]}"


def _address_limit() -> quota.Limit:
    return quota.Limit(settings.ADDRESS_FAILURES, MANY, _seconds())


def _chances(name: str, kind: str) -> list[str]:
    """The cache's keys. Case does not matter in a name, as it does not to allauth; unknown names have chances too."""
    account = sha256(name.lower().encode()).hexdigest()
    return [f"{kind}:{account}:{n}" for n in range(settings.LOGIN_FAILURES)]


def _end() -> datetime:
    return now() + timedelta(minutes=settings.LOGIN_LOCK_MINUTES)


def _seconds() -> int:
    return int(settings.LOGIN_LOCK_MINUTES) * 60
