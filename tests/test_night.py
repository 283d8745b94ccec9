"""The night's work: step after step, each a task of its own, with signs of life however long one takes."""

from __future__ import annotations

from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings
from django_q.models import OrmQ

from cases import nightly, schedules


def waiting() -> list[tuple[str, tuple[Any, ...], int]]:
    tasks = [row.task for row in OrmQ.objects.order_by("pk")]
    return [(task["func"], task["args"], task.get("timeout", 0)) for task in tasks]


def take() -> None:
    """What the worker does with the first task."""
    row = OrmQ.objects.earliest("pk")
    task = row.task
    row.delete()
    nightly.step(*task["args"])


def test_each_step_is_a_task_of_its_own_and_orders_the_next(
    city: SimpleNamespace, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    monkeypatch.setattr(nightly, "STEPS", (lambda: done.append("a"), lambda: done.append("b")))
    nightly.begin()
    assert (waiting(), done) == ([("cases.nightly.step", (0,), schedules.LONGEST_S)], [])
    take()
    assert (waiting(), done) == ([("cases.nightly.step", (1,), schedules.LONGEST_S)], ["a"])
    take()
    assert (waiting(), done) == ([], ["a", "b"])


def test_a_step_that_fails_keeps_the_others_not(
    city: SimpleNamespace, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(nightly, "STEPS", (fails, lambda: None))
    nightly.begin()
    with pytest.raises(ZeroDivisionError):
        take()
    assert [args for _func, args, _timeout in waiting()] == [(1,)]


def test_the_clock_orders_the_night() -> None:
    assert "cases.nightly.begin" in schedules.SCHEDULES


def test_a_long_step_gives_signs_of_life(monkeypatch: pytest.MonkeyPatch) -> None:
    beaten = Event()
    file = Path(settings.DATA_DIR, "worker.beat")
    monkeypatch.setattr(schedules, "AGAIN_S", 0.01)
    with schedules.busy():
        monkeypatch.setattr(schedules, "alive", beaten.set)
        assert beaten.wait(20), "nobody would know that it lives"
    assert file.exists()


def test_who_hangs_for_ever_is_taken_for_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    signs: list[int] = []
    monkeypatch.setattr(schedules, "AGAIN_S", 0.01)
    monkeypatch.setattr(schedules, "LONGEST_S", -1)
    monkeypatch.setattr(schedules, "alive", lambda: signs.append(1))
    with schedules.busy():
        pass
    assert len(signs) == 2, "at its beginning and its end alone"
