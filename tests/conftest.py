"""The world of the tests: one tiny city, and time that stands where a test puts it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import time_machine
from django.conf import settings
from django.core.management import call_command

from . import city as town


def pytest_configure(config: pytest.Config) -> None:
    """Files of the tests are kept apart, and thrown away at the end."""
    settings.PASSWORD_HASHERS = [
        "django.contrib.auth.hashers.MD5PasswordHasher"
    ]  # quick; the real one is slow by design
    settings.DATA_DIR = Path(tempfile.mkdtemp(prefix="wangge-tests-"))
    settings.STATIC_ROOT = settings.DATA_DIR / "static"
    settings.STATIC_ROOT.mkdir()
    settings.MEDIA_ROOT = settings.DATA_DIR / "media"
    settings.STORAGES["default"]["OPTIONS"]["location"] = settings.MEDIA_ROOT


def pytest_unconfigure(config: pytest.Config) -> None:
    shutil.rmtree(settings.DATA_DIR, ignore_errors=True)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: object) -> None:
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        call_command("createcachetable")


@pytest.fixture
def city(db: None) -> SimpleNamespace:
    return town.build()


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """Time stands on a Monday at nine; clock.move_to() and clock.shift() move it."""
    with time_machine.travel(town.MONDAY, tick=False) as traveller:
        yield traveller
