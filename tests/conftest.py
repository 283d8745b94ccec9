"""The world of the tests: one tiny city, and time that stands where a test puts it."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import pytest
import time_machine
from django.core.management import call_command

from . import city as town


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
