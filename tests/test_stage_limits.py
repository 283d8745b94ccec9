"""How long a stage may take: the more particular row wins, and the log says which."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cases.clock import Unit
from cases.flow import Source
from cases.loading import policies
from cases.loading.reading import NotLoaded
from cases.models import Category, StageLimit

from . import acts
from . import city as town

ROWS = (
    # whether the row is of urgent categories, whose source, minutes
    (False, Source.HOTLINE, 20),
    (True, "", 10),
    (True, Source.HOTLINE, 5),
)


@pytest.mark.parametrize(
    ("urgent", "rows", "minutes", "code"),
    [
        (False, ROWS[:0], 15, "limit_stage"),
        (False, ROWS, 20, "limit_stage_source"),
        (False, ROWS[1:], 15, "limit_stage"),
        (True, ROWS[:1], 20, "limit_stage_source"),
        (True, ROWS[:2], 10, "limit_stage_urgent"),
        (True, ROWS, 5, "limit_stage_urgent_source"),
    ],
)
def test_urgency_goes_before_the_source_and_that_before_any(
    urgent: bool, rows: Any, minutes: int, code: str, city: SimpleNamespace, clock: Any
) -> None:
    Category.objects.filter(pk=city.manhole.pk).update(urgent=urgent)
    for of_urgent, source, value in rows:
        StageLimit.objects.create(stage="filing", source=source, urgent=of_urgent, value=value, unit=Unit.URGENT_MINUTE)
    case = town.report(city, by=city.carl, source=Source.HOTLINE)
    assert (case.stage, case.allowed_s, acts.codes(acts.last(case))) == ("filing", minutes * 60, [code])


def test_the_promise_reckons_with_the_urgent_rows(city: SimpleNamespace, clock: Any) -> None:
    Category.objects.filter(pk=city.manhole.pk).update(urgent=True)
    before = town.report(city)
    StageLimit.objects.create(stage="check", urgent=True, value=10, unit=Unit.URGENT_MINUTE)
    after = town.report(city)
    assert (before.promise_at - after.promise_at).total_seconds() == 20 * 60


LINES = "stage,source,urgent,value,unit\ncheck,,,30,urgent_minute\ncheck,,1,10,urgent_minute\n"


def load(folder: Path, text: str) -> None:
    (folder / "stage_limits.csv").write_text(text)
    policies.load(folder)


def test_the_rows_come_from_a_file(tmp_path: Path, db: None) -> None:
    load(tmp_path, LINES)
    assert sorted(StageLimit.objects.values_list("stage", "urgent", "value")) == [
        ("check", False, 30),
        ("check", True, 10),
    ]
    load(tmp_path, "stage,source,value,unit\ncheck,,20,urgent_minute\n")
    assert StageLimit.objects.get().urgent is False


@pytest.mark.parametrize(
    ("line", "code"),
    [("check,,1,5,urgent_minute", "duplicate"), ("closed,,,5,work_day", "unfit"), ("shelved,,,5,work_day", "unfit")],
)
def test_a_row_that_no_clock_runs_by_is_refused(tmp_path: Path, db: None, line: str, code: str) -> None:
    with pytest.raises(NotLoaded) as caught:
        load(tmp_path, LINES + line + "\n")
    assert [(found.row, found.code) for found in caught.value.refusals] == [(4, code)]
    assert not StageLimit.objects.exists()
