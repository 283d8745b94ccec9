"""Holidays are loaded by the year, and deadlines that were counted without them are counted again."""

from __future__ import annotations

import json
from datetime import date, datetime
from importlib import import_module
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection

from cases.flow import Verb
from cases.loading import holidays
from cases.loading.reading import NotLoaded
from cases.models import Holiday

from . import city as town

FIXTURES = sorted((settings.BASE_DIR / "fixtures" / "holidays").glob("*.json"))
NEW_YEAR = [("2027-01-01", True), ("2027-01-02", True), ("2027-01-03", True), ("2027-01-09", False)]


def write(folder: Path, days: Any, year: Any = 2027, name: str = "2027.json") -> Path:
    entries = [{"date": on, "isOffDay": off, "name": "元旦"} for on, off in days]
    (folder / name).write_text(json.dumps({"year": year, "papers": [], "days": entries}))
    return folder / name


def loaded(*paths: Path) -> dict[str, int]:
    return vars(holidays.load(paths).counts)


def test_the_shipped_years_load_and_load_again(db: None) -> None:
    assert loaded(*FIXTURES)["added"] == 142
    assert loaded(*FIXTURES) == {"added": 0, "changed": 0, "retired": 0, "unchanged": 142}
    makeup = Holiday.objects.get(day=date(2025, 1, 26))
    assert (makeup.off, makeup.name, makeup.statutory) == (False, "春节", True)


def test_one_year_takes_nothing_from_the_years_beside_it(db: None) -> None:
    loaded(*FIXTURES)
    for path in FIXTURES:
        assert loaded(path)["retired"] == 0


def test_a_corrected_notice_moves_days(tmp_path: Path, db: None) -> None:
    loaded(write(tmp_path, NEW_YEAR))
    path = write(tmp_path, [("2027-01-01", True), ("2027-01-02", False), ("2027-01-09", True)])
    counts, since = holidays.load([path])
    assert vars(counts) == {"added": 0, "changed": 2, "retired": 1, "unchanged": 1}
    assert since == date(2027, 1, 2)
    assert not Holiday.objects.filter(day=date(2027, 1, 3)).exists()


def test_a_day_that_is_taken_back_is_withdrawn(tmp_path: Path, db: None) -> None:
    """Also one after the last that the notice names now."""
    loaded(*FIXTURES, write(tmp_path, NEW_YEAR))
    extra = write(tmp_path, [*NEW_YEAR, ("2027-12-01", True)])
    assert loaded(extra)["added"] == 1
    counts, since = holidays.load([write(tmp_path, NEW_YEAR)])
    assert (counts.retired, since) == (1, date(2027, 12, 1))
    assert not Holiday.objects.filter(day=date(2027, 12, 1)).exists()
    assert loaded(*FIXTURES)["unchanged"] == 142


def test_a_year_is_known_by_its_notice_in_any_country(tmp_path: Path, db: None) -> None:
    """And by no day of it that the notice of the year beside it names."""
    assert Holiday.objects.known_years() == set()
    loaded(write(tmp_path, [("2026-12-31", True), ("2027-01-01", True), ("2027-06-17", True)]))
    assert Holiday.objects.known_years() == {2027}


def test_days_that_were_loaded_before_get_the_year_of_their_notice(db: None) -> None:
    loaded(*FIXTURES)
    before = list(Holiday.objects.values_list("day", "year"))
    Holiday.objects.update(year=None)
    with connection.cursor() as cursor:
        cursor.execute(import_module("cases.migrations.0036_years_of_days").FILL)
    assert list(Holiday.objects.values_list("day", "year")) == before


def test_a_day_that_the_city_set_for_itself_stays(tmp_path: Path, db: None) -> None:
    Holiday.objects.create(day=date(2027, 1, 9), off=True, name="赛马节", statutory=False)
    assert loaded(write(tmp_path, NEW_YEAR))["added"] == 3
    assert Holiday.objects.get(day=date(2027, 1, 9)).name == "赛马节"


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        ({"date": "2027-02-30", "isOffDay": True, "name": "x"}, "not_a_day"),
        ({"date": "2030-01-01", "isOffDay": True, "name": "x"}, "year_other"),
        ({"date": "2027-01-01", "isOffDay": True, "name": "x"}, "duplicate"),
        ({"date": "2027-01-04", "isOffDay": 1, "name": "x"}, "not_a_holiday"),
        ({"date": "2027-01-04", "isOffDay": True}, "not_a_holiday"),
        ({"date": "2027-01-04", "isOffDay": True, "name": "长" * 41}, "unfit"),
        ("2027-01-04", "not_a_holiday"),
    ],
)
def test_an_odd_day_is_refused_by_its_place(tmp_path: Path, db: None, entry: Any, code: str) -> None:
    days = [{"date": "2027-01-01", "isOffDay": True, "name": "元旦"}, entry]
    (tmp_path / "2027.json").write_text(json.dumps({"year": 2027, "days": days}))
    with pytest.raises(NotLoaded) as caught:
        loaded(tmp_path / "2027.json")
    assert [(found.row, found.code) for found in caught.value.refusals] == [(2, code)]
    assert not Holiday.objects.exists()


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ('{"year": 2027, "days": []}', "year_empty"),
        ('{"days": [1]}', "not_holidays"),
        ("[]", "not_holidays"),
        ("year: 2027", "not_json"),
    ],
)
def test_what_is_no_year_is_refused(tmp_path: Path, db: None, said: str, code: str) -> None:
    """A year whose list is still empty would count as known, and every deadline in it as certain."""
    (tmp_path / "2027.json").write_text(said)
    with pytest.raises(NotLoaded) as caught:
        loaded(tmp_path / "2027.json")
    assert [found.code for found in caught.value.refusals] == [code]


def test_deadlines_counted_without_the_year_are_counted_again(
    tmp_path: Path, city: SimpleNamespace, clock: time_machine.Traveller
) -> None:
    clock.move_to(datetime(2026, 12, 31, 9, 0, tzinfo=town.CHINA))
    case = town.report(city)
    assert (case.provisional, case.due_at.astimezone(town.CHINA).date()) == (True, date(2027, 1, 4))
    said = StringIO()
    call_command(
        "load_holidays",
        write(tmp_path, [("2027-01-01", True), ("2027-01-04", True), ("2027-10-01", True)]),
        stdout=said,
    )
    case.refresh_from_db()
    assert (case.provisional, case.due_at.astimezone(town.CHINA).date()) == (False, date(2027, 1, 6))
    assert "1 个案卷" in said.getvalue()
    assert case.events.filter(verb=Verb.RETIME).count() == 1
    call_command("load_holidays", tmp_path / "2027.json", stdout=said)
    assert case.events.filter(verb=Verb.RETIME).count() == 1


def test_the_command_ends_with_a_sentence(tmp_path: Path, db: None) -> None:
    with pytest.raises(CommandError, match=r"2027\.json \[year_empty\]"):
        call_command("load_holidays", write(tmp_path, []))
