"""The demonstration: two cities with people who can log in. It exists only where settings.DEMO says so."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from pathlib import Path

from django.conf import settings
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX, make_password
from django.core.cache import cache
from django.utils.translation import gettext as _

from grid import loading as grid_loading
from grid.models import Officer
from grid.moment import today
from grid.roles import Role

from .. import docket
from ..models import Condition
from . import duties, evaluation, holidays, policies, taxonomy
from .reading import NotLoaded

FIXTURES = settings.BASE_DIR / "fixtures"
CITIES = (FIXTURES / "cities" / "futian", FIXTURES / "cities" / "yushu")
PASSWORD = "wangge-demo-2026"  # noqa: S105 (of the invented people alone, and only in a demonstration)
WHOLE = "ft_chief01"  # an account without an area: it looks at both cities, and publishes
OPENED = date(2024, 1, 1)
"""Since when the sample conditions are in force: before anything that a demonstration plays."""

STAMP = "demo"
Tell = Callable[[str], object]


def load(tell: Tell) -> bool:
    """Load everything, unless these very files are loaded already; gives whether it did. `tell` hears each step.

    Officers without a password get the demo's; whoever has chosen one keeps it. Raises `NotLoaded`.
    """
    digest = _digest()
    if cache.get(STAMP) == digest and Officer.objects.exists():
        return False
    tell(_("分类体系与立案条件"))
    taxonomy.load(FIXTURES / "taxonomy", valid_from=today() if Condition.objects.exists() else OPENED)
    tell(_("节假日"))
    docket.retime(holidays.load(sorted((FIXTURES / "holidays").glob("*.json"))).since)
    for folder in CITIES:
        tell(name(folder))
        _load_city(folder)
    policies.load(FIXTURES / "policies")
    evaluation.load(FIXTURES / "evaluation")
    _let_in(row["username"] for folder in CITIES for row in people(folder))
    cache.set(STAMP, digest, timeout=None)
    return True


def _digest() -> str:
    """Of all that is loaded, by name and content."""
    folders = (FIXTURES / "taxonomy", FIXTURES / "holidays", FIXTURES / "policies", FIXTURES / "evaluation", *CITIES)
    digest = hashlib.sha256(PASSWORD.encode())
    for path in sorted(path for folder in folders for path in folder.rglob("*") if path.is_file()):
        digest.update(f"{path.relative_to(FIXTURES)} {path.stat().st_size} ".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _load_city(folder: Path) -> None:
    if refusals := grid_loading.load(folder).refusals:
        raise NotLoaded(refusals)
    duties.load(folder / "duties.csv")


def _let_in(usernames: Iterable[str]) -> None:
    """One hash for all: sixty would take as many times as long, and they are one known password."""
    without = Officer.objects.filter(username__in=list(usernames), password__startswith=UNUSABLE_PASSWORD_PREFIX)
    without.update(password=make_password(PASSWORD))


def name(folder: Path) -> str:
    """The city's, as its folder says."""
    return str(json.loads((folder / "city.json").read_text(encoding="utf-8"))["name"])


def people(folder: Path) -> list[Mapping[str, str]]:
    """The officers of a city, as its folder lists them."""
    with (folder / "officers.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def login(folder: Path, role: Role) -> str:
    """Who is shown for a post: the first on the list."""
    return next((row["username"] for row in people(folder) if role in row["roles"].split("|")), "")
