"""Loading the rows by which the system decides."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django_q.models import OrmQ

from cases import alarm, docket, rulebook
from cases import clock as clock_of
from cases.flow import Stage, Verb
from cases.loading import policies
from cases.loading.reading import NotLoaded
from cases.models import Policy, Rung, StageLimit, Timetable
from cases.rulebook import EVERYBODY
from grid.models import Area, Change, Department

from . import city as town

POLICIES = "verb,source,area,automatic,note\nfile,inspector,,1,\nfile,,,0,\n"
LIMITS = "stage,source,value,unit\nfiling,,15,urgent_minute\nclosing,,1,urgent_hour\n"
RUNGS = "level,share,role\n1,0.8,head\n2,1.00,dispatcher\n"
HOURS = {
    "name": "作息",
    "workdays": [1, 2, 3, 4, 5],
    "day_s": 28800,
    "seasons": [{"start": "01-01", "periods": [["08:00", "12:00"], ["14:00", "18:00"]]}],
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path, POLICIES, LIMITS, RUNGS, [HOURS])
    return tmp_path


def write(folder: Path, policy: str = "", limits: str = "", rungs: str = "", timetables: Any = None) -> None:
    """What is said replaces its file; the other files stay."""
    for name, said in (("policies.csv", policy), ("stage_limits.csv", limits), ("rungs.csv", rungs)):
        if said:
            (folder / name).write_text(said)
    if timetables is not None:
        (folder / "timetables.json").write_text(json.dumps(timetables))


def refused(folder: Path) -> list[tuple[str, int, str]]:
    with pytest.raises(NotLoaded) as caught:
        policies.load(folder)
    assert not any(model.objects.exists() for model in (Policy, StageLimit, Rung, Timetable))
    return [(found.file, found.row, found.code) for found in caught.value.refusals]


def test_all_tables_load_and_load_again(folder: Path, db: None) -> None:
    assert {file: counts.added for file, counts in policies.load(folder).items()} == {
        "policies.csv": 2,
        "stage_limits.csv": 2,
        "rungs.csv": 2,
        "timetables.json": 1,
    }
    assert all(counts.touched == 0 for counts in policies.load(folder).values())


def test_a_file_is_the_whole_truth_about_its_table_and_no_other(folder: Path, db: None) -> None:
    policies.load(folder)
    kept = Policy.objects.get(source="")
    write(folder, POLICIES.replace("file,inspector,,1,\n", ""))
    (folder / "rungs.csv").unlink()
    assert policies.load(folder)["policies.csv"].retired == 1
    assert list(Policy.objects.all()) == [kept]
    assert Rung.objects.count() == 2


def test_the_rulebook_reads_what_was_loaded(folder: Path, db: None) -> None:
    Department.objects.create(code="632701", name="环卫队")
    write(folder, timetables=[HOURS, {**HOURS, "department": "632701", "workdays": [*range(1, 8)]}])
    policies.load(folder)
    book = rulebook.current()
    sunday = datetime(2026, 3, 1, 1, 0, tzinfo=UTC)
    assert book.calendar(None).between(sunday, sunday.replace(hour=3)) == 0
    assert book.calendar(Department.objects.get().pk).between(sunday, sunday.replace(hour=3)) == 7200
    assert (book.limits[Stage.FILING, "", False].value, len(book.everybodys)) == (15, 2)
    assert book.policies[Verb.FILE, "inspector", ""].automatic


def test_a_policy_may_be_an_areas_own(folder: Path, db: None) -> None:
    Area.objects.create(code="632701", name="玉树市")
    write(folder, POLICIES + "file,inspector,632701,0,\n")
    policies.load(folder)
    assert Policy.objects.get(area__code="632701").automatic is False


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("finish,,,1,", "unfit"),
        ("file,friend,,1,", "unfit"),
        ("file,hotline,632799,1,", "code_unknown"),
        ("file,hotline,,perhaps,", "not_yes_or_no"),
        ("file,inspector,,0,", "duplicate"),
    ],
)
def test_an_odd_policy_is_refused_by_its_row(folder: Path, db: None, line: str, code: str) -> None:
    write(folder, POLICIES + line + "\n")
    assert refused(folder) == [("policies.csv", 4, code)]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("lunch,,15,urgent_minute", "unfit"),
        ("check,,15,minute", "unit_unknown"),
        ("check,,0,urgent_minute", "limit_not_positive"),
    ],
)
def test_an_odd_stage_limit_is_refused_by_its_row(folder: Path, db: None, line: str, code: str) -> None:
    write(folder, limits=LIMITS + line + "\n")
    assert refused(folder) == [("stage_limits.csv", 4, code)]


@pytest.mark.parametrize(
    ("line", "row", "code"),
    [
        ("4,3.00,leader", 0, "rung_levels"),
        ("3,0.90,leader", 0, "rung_shares"),
        ("3,-2,leader", 4, "rung_shares"),
        ("3,2.00,mayor", 4, "unfit"),
    ],
)
def test_a_ladder_that_cannot_be_climbed_is_refused(folder: Path, db: None, line: str, row: int, code: str) -> None:
    write(folder, rungs=RUNGS + line + "\n")
    assert refused(folder) == [("rungs.csv", row, code)]


def test_a_rung_may_say_whether_it_rings_at_night(folder: Path, db: None) -> None:
    write(folder, rungs="level,share,role,at_night\n1,0.8,head,0\n2,1,dispatcher,\n3,2,leader,1\n")
    policies.load(folder)
    assert list(Rung.objects.values_list("at_night", flat=True)) == [False, None, True]
    write(folder, rungs=RUNGS)
    assert policies.load(folder)["rungs.csv"].changed == 1


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"workdays": [0]}, "calendar_workdays"),
        ({"workdays": 5}, "timetable_invalid"),
        ({"day_s": 0}, "calendar_day"),
        ({"day_s": "8h"}, "timetable_invalid"),
        ({"seasons": []}, "calendar_seasons"),
        ({"seasons": [{"start": "13-01", "periods": [["08:00", "12:00"]]}]}, "season_start"),
        ({"seasons": [{"start": "spring", "periods": []}]}, "timetable_invalid"),
        ({"seasons": [{"start": "01-01", "periods": [["18:00", "08:00"]]}]}, "period_order"),
        ({"seasons": [{"start": "01-01", "periods": [["8am", "noon"]]}]}, "timetable_invalid"),
        ({"department": "nobody"}, "code_unknown"),
    ],
)
def test_hours_that_make_no_calendar_are_refused(folder: Path, db: None, change: dict[str, Any], code: str) -> None:
    write(folder, timetables=[HOURS | change])
    assert refused(folder) == [("timetables.json", 1, code)]


def test_what_a_file_changes_is_written_down(folder: Path, db: None) -> None:
    """Before and after, of the rows that changed alone; the first filling changes nothing."""
    policies.load(folder)
    assert not Change.objects.exists()
    write(folder, rungs="level,share,role\n1,0.8,handler\n2,1,dispatcher\n3,2,leader\n")
    write(folder, POLICIES.replace("file,inspector,,1,\n", ""))
    policies.load(folder)
    told = {
        (change.what, change.before and change.before.get("role"), (change.after or {}).get("role"))
        for change in Change.objects.all()
    }
    assert told == {("cases.rung", "head", "handler"), ("cases.rung", None, "leader"), ("cases.policy", None, None)}
    changed = Change.objects.get(what="cases.rung", before__isnull=False)
    assert (changed.before, changed.after, changed.by) == ({"role": "head"}, {"role": "handler"}, None)
    assert Change.objects.get(what="cases.policy").after is None
    policies.load(folder)
    assert Change.objects.count() == 3


def test_a_folder_without_rules_is_refused(tmp_path: Path, db: None) -> None:
    assert [code for _file, _row, code in refused(tmp_path)] == ["file_missing"]


def test_the_shipped_rules_alarm_at_the_deadline(db: None) -> None:
    shipped = settings.BASE_DIR / "fixtures" / "policies"
    for code in ("632701D00", "440304D02"):
        Department.objects.create(code=code, name=code)
    call_command("load_policies", shipped, stdout=StringIO())
    ladders = rulebook.current().ladders
    assert set(ladders) == {EVERYBODY, (None, True, None)}
    assert all(1 in [rung.share for rung in rungs] for rungs in ladders.values())
    for row in Timetable.objects.all():
        for season in row.seasons:
            hours = [datetime.fromisoformat(f"2026-01-01T{at}") for period in season["periods"] for at in period]
            worked = sum((hours[n + 1] - hours[n]).seconds for n in range(0, len(hours), 2))
            assert worked == row.day_s, f"{row}: a working day of a limit is one day's work"


# What follows for open work


def retimed() -> None:
    """As the worker does it."""
    for task in OrmQ.objects.all():
        if task.func() == "cases.docket.retime":
            docket.retime(*task.task["args"])
            task.delete()


def test_other_hours_count_at_once_for_open_work(tmp_path: Path, city: SimpleNamespace, clock) -> None:
    """As when they are changed in the settings: what is due and its own explanation agree."""
    case = town.report(city)
    write(tmp_path, timetables=[HOURS | {"seasons": [{"start": "01-01", "periods": [["08:00", "14:00"]]}]}])
    policies.load(tmp_path)
    retimed()
    case.refresh_from_db()
    assert case.due_at == town.MONDAY + timedelta(days=2, hours=4), "5, 6 and 5 hours"
    calendar = rulebook.current().calendar(case.department_id)
    assert clock_of.explain(case.entered_at, case.allowed_s or 0, case.clock, calendar)[-1].until == case.due_at


def test_a_rung_that_comes_later_rings_for_what_is_late_already(tmp_path: Path, city: SimpleNamespace, clock) -> None:
    Rung.objects.all().delete()
    case = town.report(city)
    clock.move_to(town.MONDAY + timedelta(days=30))
    assert alarm.ring() == 1, "that it is late is a line, and climbs nothing"
    write(tmp_path, rungs=RUNGS)
    policies.load(tmp_path)
    retimed()
    assert alarm.ring() == 2
    case.refresh_from_db()
    assert case.level == 2


def test_where_nothing_changes_nothing_is_reckoned(folder: Path, city: SimpleNamespace, clock) -> None:
    policies.load(folder)
    town.report(city)
    OrmQ.objects.all().delete()
    policies.load(folder)
    assert not [task for task in OrmQ.objects.all() if task.func() == "cases.docket.retime"]
