"""How settings are read from the environment: each word within its bounds, or a sentence that names it.

All raise ImproperlyConfigured. Nothing here knows which settings there are.
"""

from __future__ import annotations

import math
import os
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured


def text(name: str, default: str = "") -> str:
    """The environment's word, or what the file named by NAME_FILE says."""
    if path := os.environ.get(f"{name}_FILE"):
        try:
            return Path(path).read_text(encoding="utf8").strip()
        except (OSError, UnicodeDecodeError) as trouble:
            raise ImproperlyConfigured(f"{name}_FILE={path} cannot be read: {trouble}") from None
    return os.environ.get(name, default)


def yes(name: str, default: bool = False) -> bool:
    said = text(name, str(int(default))).lower()
    if said not in ("1", "0", "true", "false", "yes", "no"):
        raise ImproperlyConfigured(f"{name}={said!r}: say 1 or 0")
    return said in ("1", "true", "yes")


def number(name: str, default: float, *, least: float = 0, most: float = math.inf) -> float:
    """A number within its bounds, both allowed; a test asks that each setting has an upper one."""
    try:
        said = float(text(name, str(default)))
    except ValueError:
        raise ImproperlyConfigured(f"{name}={text(name)!r} is not a number") from None
    if not math.isfinite(said):
        raise ImproperlyConfigured(f"{name}={said} is not a number that one can count with")
    if said < least:
        raise ImproperlyConfigured(f"{name}={said:.12g}: at least {least:.12g}")
    if said > most:
        raise ImproperlyConfigured(f"{name}={said:.12g}: at most {most:.12g}")
    return said


def whole(name: str, default: int, *, least: int = 0, most: float = math.inf) -> int:
    said = number(name, default, least=least, most=most)
    if said != int(said):
        raise ImproperlyConfigured(f"{name}={said:g} is not a whole number")
    return int(said)


def words(name: str, default: str = "") -> list[str]:
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def translated(name: str, *, of: int) -> list[tuple[str, str]]:
    """So many words, each with its English where it has one behind a bar, as in Concelho,Zona|Zone; or none at all."""
    found = [(own.strip(), english.strip()) for own, _bar, english in (word.partition("|") for word in words(name))]
    if found and (len(found) != of or not all(own for own, _english in found)):
        raise ImproperlyConfigured(f"{name}={text(name)!r}: say {of} words, from the top, as in Concelho,Zona|Zone")
    return found


def port(said: str) -> int:
    if not (said.isascii() and said.isdecimal() and 0 < int(said) < 65_536):
        raise ImproperlyConfigured(f"HOOK_PORTS: {said!r} is no port")
    return int(said)


def allowance(name: str, default: str) -> tuple[int, int]:
    """ "300/1000": so many in ten minutes, and so many a day, each at least 1."""
    lately, _, today = text(name, default).partition("/")
    if not (lately.isdecimal() and today.isdecimal() and 0 < int(lately) <= int(today) < 10**9):
        raise ImproperlyConfigured(f"{name}={text(name)!r}: say 300/1000, at most so many in ten minutes and a day")
    return int(lately), int(today)
