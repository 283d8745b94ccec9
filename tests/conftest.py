"""The world of the tests: one tiny city, and time that stands where a test puts it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import hypothesis
import pytest
import time_machine
from django.conf import settings
from django.core.cache import caches
from django.core.management import call_command
from django.db import connections, transaction
from django.utils import translation
from playwright.sync_api import Browser

from . import city as town
from . import desk, shipped


def pytest_configure(config: pytest.Config) -> None:
    """Files of the tests are kept apart, and thrown away at the end; the static files are those of ./dev test."""
    if template := os.environ.get("TEMPLATE_URL"):
        connections["default"].settings_dict["TEST"]["TEMPLATE"] = urlsplit(template).path[1:]
    hypothesis.settings.register_profile("any", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
    hypothesis.settings.load_profile("any")  # how fast an example is depends on the machine
    settings.PASSWORD_HASHERS = ["tests.city.QuickHasher"]
    settings.DATA_DIR = Path(tempfile.mkdtemp(prefix="wangge-tests-"))
    (settings.DATA_DIR / "static").symlink_to(settings.STATIC_ROOT)
    settings.MEDIA_ROOT = settings.DATA_DIR / "media"
    settings.STORAGES["default"]["OPTIONS"]["location"] = settings.MEDIA_ROOT


def pytest_unconfigure(config: pytest.Config) -> None:
    shutil.rmtree(settings.DATA_DIR, ignore_errors=True)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: object) -> None:
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        call_command("createcachetable")


@pytest.fixture(scope="module")
def for_all_here(django_db_setup: None, django_db_blocker: object) -> Iterator[None]:
    """What a fixture of a whole file plants stands until the last test of it; each test gives back what it adds."""
    with django_db_blocker.unblock(), transaction.atomic():  # type: ignore[attr-defined]
        yield
        transaction.set_rollback(True)


@pytest.fixture(autouse=True)
def fresh_tiles() -> None:
    """What one test saw on the map, no other does."""
    caches["tiles"].clear()


@pytest.fixture
def city(db: None) -> SimpleNamespace:
    return town.build()


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """Time stands on a Monday at nine; clock.move_to() and clock.shift() move it."""
    with time_machine.travel(town.MONDAY, tick=False) as traveller:
        yield traveller


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for all tests of a file."""
    with desk.chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def address(django_db_setup: None, django_db_blocker: object) -> Iterator[str]:
    """Of the web server that ships, on the tests' database."""
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        shipped.grant()
    with shipped.serving() as address:
        yield address


@pytest.fixture
def visit(transactional_db: None, address: str, chromium: Browser) -> Iterator[desk.Visit]:
    """Open the desk in a real browser: visit(officer, path) gives the page. Build the city with `town.build()`."""
    caches["default"].clear()  # the tables are emptied after each test, this is none of them
    with desk.visits(chromium, address) as visit:
        yield visit
    shipped.settle()


@pytest.fixture(autouse=True)
def tongue() -> Iterator[None]:
    """A request in English leaves its thread speaking English: each test begins in Chinese."""
    with translation.override(settings.LANGUAGE_CODE):
        yield
