"""Rules that were changed hold from the next call on, in every process; until then they are read once."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from types import SimpleNamespace

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from cases import rulebook
from cases.clock import Unit
from cases.models import Category, Condition, Duty, Holiday, Kind, Policy, Rung, StageLimit, Timetable
from cases.rulebook import Rulebook
from grid.models import Area, Department

from . import city as town

DAY = date(2026, 3, 2)


def limit(city: SimpleNamespace) -> int:
    """The limit of the rattling cover by the rules in force."""
    return int(rulebook.current().conditions[city.rattling.pk].limit_value)


def statements(act: Callable[[], object]) -> int:
    with CaptureQueriesContext(connection) as captured:
        act()
    return len(captured)


# Seen at once

CHANGES: dict[str, Callable[[SimpleNamespace], object]] = {
    "category": lambda city: Category.objects.filter(pk=city.manhole.pk).update(name="井盖"),
    "condition": lambda city: Condition.objects.filter(pk=city.missing.pk).update(limit_value=3),
    "duty": lambda city: Duty.objects.filter(area=None).delete(),
    "policy": lambda city: Policy.objects.update(automatic=False),
    "stage limit": lambda city: StageLimit.objects.create(stage="shelved", value=1, unit=Unit.WORK_DAY),
    "rung": lambda city: Rung.objects.order_by("pk")[0].delete(),
    "timetable": lambda city: Timetable.objects.update(day_s=6 * 3600),
    "holiday": lambda city: Holiday.objects.create(day=DAY, off=True, name="赛马节"),
    "area": lambda city: Area.objects.filter(pk=city.street.pk).update(name="结古街"),
    "department": lambda city: Department.objects.filter(pk=city.roads.pk).update(closed_on=DAY),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_seen_by_the_next_call(change: str, city: SimpleNamespace) -> None:
    before = rulebook.current()
    CHANGES[change](city)
    after = rulebook.current()
    assert after is not before
    assert after.version != before.version
    assert after != before


def test_a_report_is_judged_by_the_new_rule(city: SimpleNamespace, clock) -> None:
    assert town.report(city).allowed_s == 2 * 8 * 3600
    Condition.objects.filter(pk=city.rattling.pk).update(limit_value=3)
    Timetable.objects.update(day_s=7 * 3600)
    assert town.report(city).allowed_s == 3 * 7 * 3600


def test_a_change_that_was_taken_back_was_never_there(city: SimpleNamespace) -> None:
    before = rulebook.current()
    with transaction.atomic():
        Condition.objects.filter(pk=city.rattling.pk).update(limit_value=9)
        assert limit(city) == 9
        transaction.set_rollback(True)
    assert limit(city) == 2
    assert rulebook.current().version == before.version


def test_a_change_that_comes_while_the_rules_are_read_is_not_missed(city: SimpleNamespace, monkeypatch) -> None:
    read, reads = rulebook._read, []

    def slowly(version: object) -> Rulebook:
        book = read(version)  # type: ignore[arg-type]
        reads.append(book)
        if len(reads) == 1:
            Condition.objects.filter(pk=city.rattling.pk).update(limit_value=5)
        return book

    monkeypatch.setattr(rulebook, "_read", slowly)
    Holiday.objects.create(day=DAY, off=True, name="赛马节")
    assert (limit(city), len(reads)) == (5, 2)


@pytest.mark.django_db(transaction=True)
def test_a_change_by_another_connection_is_seen_when_it_is_committed(city: SimpleNamespace) -> None:
    def elsewhere(value: int) -> int:
        try:
            with transaction.atomic():
                Condition.objects.filter(pk=city.rattling.pk).update(limit_value=value)
                return here.submit(limit, city).result(timeout=20)  # what others see meanwhile
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as here, ThreadPoolExecutor(1) as there:
        assert here.submit(limit, city).result(timeout=20) == 2
        assert there.submit(elsewhere, 7).result(timeout=20) == 2
        assert here.submit(limit, city).result(timeout=20) == 7
        here.submit(lambda: connection.close()).result(timeout=20)  # noqa: PLW0108  the thread's own


PROCESS = """
import sys, django
from django.conf import settings
django.setup()
settings.DATABASES["default"]["NAME"] = sys.argv[1]
from cases import rulebook
for line in sys.stdin:
    print(int(rulebook.current().conditions[int(line)].limit_value), flush=True)
"""


@pytest.mark.django_db(transaction=True)
def test_a_change_is_seen_by_another_process(city: SimpleNamespace) -> None:
    name = str(connection.settings_dict["NAME"])
    process = subprocess.Popen(
        [sys.executable, "-c", PROCESS, name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=settings.BASE_DIR,
    )
    with process as other:
        assert other.stdin and other.stdout

        def told() -> int:
            print(city.rattling.pk, file=other.stdin, flush=True)
            return int(other.stdout.readline())  # type: ignore[union-attr]

        assert (told(), told()) == (2, 2)
        Condition.objects.filter(pk=city.rattling.pk).update(limit_value=8)
        assert told() == 8
        other.stdin.close()
    assert other.returncode == 0


# Read once


def test_unchanged_rules_cost_one_statement(city: SimpleNamespace) -> None:
    book = rulebook.current()
    assert statements(rulebook.current) == 1
    assert rulebook.current() is book


def test_other_rows_are_no_rules(city: SimpleNamespace, clock) -> None:
    book = rulebook.current()
    town.report(city)
    city.ann.name = "安"
    city.ann.save()
    city.cells[0].region_class = "A"
    city.cells[0].save()
    assert rulebook.current() is book


def test_a_large_city_costs_no_more_statements(city: SimpleNamespace, clock) -> None:
    def read() -> None:
        Policy.objects.update(note="新")
        rulebook.current()

    few = statements(read)
    streets = Area.objects.bulk_create(Area(code=f"6327011{n:02d}", name="街道") for n in range(40))
    Area.objects.bulk_create(
        Area(code=f"{street.code}{n:03d}", name="社区", parent=street) for street in streets for n in range(10)
    )
    event = {"scheme": town.SCHEME, "kind": Kind.EVENT}
    majors = Category.objects.bulk_create(Category(**event, major=f"{n}", name="大类") for n in range(30, 40))
    subs = [
        Category(**event, major=major.major, sub=f"{n:02d}", parent=major, name="小类")
        for major in majors
        for n in range(30)
    ]
    Category.objects.bulk_create(subs)
    Condition.objects.bulk_create(
        Condition(category=sub, no=n, text="", limit_value=1, limit_unit=Unit.WORK_DAY, valid_from=DAY)
        for sub in subs
        for n in (1, 2, 3)
    )
    Duty.objects.bulk_create(
        Duty(category=major, area=street, department=city.roads) for major in majors for street in streets
    )
    assert statements(read) == few
    book = rulebook.current()
    assert len(book.conditions) == 4 + 900
    assert statements(lambda: [row.category.parent for row in book.conditions.values()]) == 0
    assert statements(lambda: [(row.area, row.department.name) for row in book.duties.values()]) == 0


# What holds


def versions(city: SimpleNamespace) -> None:
    """Two further versions of the rattling cover's condition, and one of its own for region A."""
    for region, valid_from, closed_on, value in (
        ("", date(2026, 1, 1), None, 3),
        ("", date(2026, 3, 3), None, 4),
        ("A", date(2021, 1, 1), date(2026, 3, 5), 5),
    ):
        Condition.objects.create(
            category=city.manhole,
            no=2,
            region_class=region,
            text="",
            limit_value=value,
            limit_unit=Unit.WORK_DAY,
            valid_from=valid_from,
            closed_on=closed_on,
        )


@pytest.mark.parametrize(
    ("on", "region", "value"),
    [
        (date(2025, 12, 31), "", 2),
        (date(2026, 1, 1), "", 3),
        (date(2026, 3, 2), "", 3),
        (date(2026, 3, 3), "", 4),
        (date(2026, 3, 3), "B", 4),
        (date(2026, 3, 4), "A", 5),  # the region's own, though older
        (date(2026, 3, 5), "A", 4),
        (date(2019, 12, 31), "", None),
    ],
)
def test_the_version_of_the_day_and_the_region_holds(on: date, region: str, value: int, city: SimpleNamespace) -> None:
    versions(city)
    found = {row.no: row for row in rulebook.current().in_force(city.manhole.pk, on, region)}
    assert sorted(found) == ([1, 2] if value else [])
    assert value is None or found[2].limit_value == value


def test_a_department_works_by_the_nearest_hours_above_it(city: SimpleNamespace) -> None:
    hours = {"workdays": [1], "seasons": [{"start": "01-01", "periods": [["09:00", "10:00"]]}]}
    Timetable.objects.create(name="城管局作息", department=city.works, day_s=3600, **hours)
    book = rulebook.current()
    assert [book.calendar(row.pk).name for row in (city.works, city.roads, city.parks, city.office)] == [
        "城管局作息",
        "城管局作息",
        "城管局作息",
        "全市作息",
    ]
    assert book.calendar().name == "全市作息"


def test_a_circle_of_departments_is_walked_once(city: SimpleNamespace) -> None:
    Department.objects.filter(pk=city.works.pk).update(parent=city.roads)
    book = rulebook.current()
    assert book.upward(city.parks.pk) == [city.parks.pk, city.works.pk, city.roads.pk]
    assert book.calendar(city.parks.pk).name == "全市作息"
    assert timedelta(seconds=book.calendar().day_s) == timedelta(hours=8)
