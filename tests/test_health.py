"""/healthz: well when people can work and somebody sees to what is owed; else it says which part is late."""

from __future__ import annotations

import shutil
import time
from collections import namedtuple
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from . import city as town

Usage = namedtuple("Usage", "total used free")


def look(client: Client) -> dict[str, Any]:
    answer = client.get("/healthz")
    assert answer.status_code == 200
    return answer.json()


@pytest.mark.parametrize(
    ("free", "late", "setting"), [(50, [], 5), (6, [], 5), (5, ["disk"], 5), (1, ["disk"], 5), (5, [], 4), (1, [], 0)]
)
def test_health_is_late_before_the_disk_is_full(
    free: int, late: list[str], setting: int, db: None, client: Client, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DISK_FREE_PERCENT = setting
    monkeypatch.setattr(shutil, "disk_usage", lambda place: Usage(110, 100 - free, free))  # ten are root's alone
    told = client.get("/healthz").json()
    assert (told["disk_free_percent"], told["late"], told["status"]) == (free, late, "late" if late else "ok")


def test_it_says_which_part_nobody_sees_to(city: SimpleNamespace, client: Client, clock: Any) -> None:
    call_command("install")
    assert (look(client)["status"], look(client)["late"]) == ("ok", [])
    town.report(city)
    clock.shift(timedelta(minutes=4))
    assert (look(client)["status"], look(client)["late"]) == ("late", ["debts", "schedules"])


def test_what_lay_there_while_nothing_ran_is_not_late_as_soon_as_the_doors_open(
    city: SimpleNamespace, client: Client, clock: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`ready` means well; but who has not come to it after three minutes is late."""
    call_command("install")
    town.report(city)
    clock.shift(timedelta(days=1))
    settings.OPENED_AT = 1000
    for passed, late in ((0, []), (179, []), (181, ["debts", "schedules"])):
        monkeypatch.setattr(time, "monotonic", lambda passed=passed: 1000 + passed)
        told = look(client)
        assert (told["late"], told["schedule_late_s"], told["oldest_debt_s"]) == (late, passed, 86400)


def test_the_first_minutes_excuse_no_full_disk(
    db: None, client: Client, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.OPENED_AT = time.monotonic()
    monkeypatch.setattr(shutil, "disk_usage", lambda place: Usage(100, 99, 1))
    assert look(client)["late"] == ["disk"]
