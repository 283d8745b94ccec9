"""The demonstration: two cities with people who can log in. It exists only where settings.DEMO says so."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from copy import copy
from datetime import date
from pathlib import Path

from django.conf import settings
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX, check_password, make_password
from django.core.cache import cache
from django.db import transaction
from django.utils.translation import gettext as _

from grid import changes, sessions
from grid import loading as grid_loading
from grid.models import Officer
from grid.moment import today
from grid.roles import Role
from grid.words import english

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


@transaction.atomic
def close() -> list[str]:
    """Take the demo's password, which everybody knows, from whoever still has it; gives their names.

    Their sessions end. Each is written down among the changes of settings. Where nobody has it, one statement is all.
    """
    names = [row["username"] for folder in CITIES for row in people(folder)]
    officers = Officer.objects.select_for_update().filter(username__in=names).order_by("username")
    enabled = list(officers.exclude(password__startswith=UNUSABLE_PASSWORD_PREFIX))
    known = {secret for secret in {officer.password for officer in enabled} if check_password(PASSWORD, secret)}
    closed = [officer for officer in enabled if officer.password in known]
    before = [copy(officer) for officer in closed]
    for officer in closed:
        officer.set_unusable_password()
        officer.save(update_fields=["password"])
    if closed:
        changes.note(zip(before, closed, strict=True), by=None)
        sessions.end_all(closed)
        cache.delete(STAMP)
    return [officer.username for officer in closed]


def name(folder: Path) -> str:
    """The city's, as its folder says, in the reader's language."""
    said = json.loads((folder / "city.json").read_text(encoding="utf-8"))
    return str((english() and said.get("name_en")) or said["name"])


def people(folder: Path) -> list[Mapping[str, str]]:
    """The officers of a city, as its folder lists them."""
    with (folder / "officers.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def login(folder: Path, role: Role) -> str:
    """Who is shown for a post: the first on the list."""
    return next((row["username"] for row in people(folder) if role in row["roles"].split("|")), "")
