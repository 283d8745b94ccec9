"""案卷号: the city's local day and a counter, never twice and never wrapping."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from uuid import uuid4

import pytest
from django.db import connection, transaction

from cases import docket
from cases.flow import Refused
from cases.models import Case

from . import city as town


@pytest.fixture
def counter(city: SimpleNamespace) -> Iterator[None]:
    """The counter is a sequence: what a test did to it outlives the test, unless it is put back."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT last_value, is_called FROM case_number")
        before = cursor.fetchone()
        yield
        cursor.execute("SELECT setval('case_number', %s, %s)", before)


def stand(at: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT setval('case_number', %s)", [at])


def counted(case: Case) -> int:
    found = re.fullmatch(r"WG(\d{8})(\d{6,})", case.number)
    assert found, case.number
    return int(found[2])


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        (datetime(2026, 3, 2, 15, 59, 59, 999_999, tzinfo=UTC), "20260302"),  # 23:59:59 in the city
        (datetime(2026, 3, 2, 16, 0, tzinfo=UTC), "20260303"),  # midnight
        (datetime(2026, 3, 2, 23, 59, 59, tzinfo=UTC), "20260303"),
        (datetime(2026, 3, 3, 0, 0, tzinfo=UTC), "20260303"),  # midnight in Greenwich
        (datetime(2026, 12, 31, 16, 0, tzinfo=UTC), "20270101"),
    ],
    ids=str,
)
def test_the_day_is_the_city_s(moment: datetime, day: str, city: SimpleNamespace, clock) -> None:
    clock.move_to(moment)
    assert town.report(city).number[2:10] == day


def test_the_counter_goes_on_over_midnight(city: SimpleNamespace, clock) -> None:
    clock.move_to(datetime(2026, 3, 2, 23, 59, 59, tzinfo=town.CHINA))
    before = town.report(city)
    clock.move_to(datetime(2026, 3, 3, tzinfo=town.CHINA))
    after = town.report(city)
    assert counted(after) == counted(before) + 1


def test_it_grows_a_digit_and_never_wraps(counter: None, city: SimpleNamespace, clock) -> None:
    stand(at=999_998)
    numbers = [town.report(city).number for _n in range(3)]
    assert numbers == ["WG20260302999999", "WG202603021000000", "WG202603021000001"]
    stand(at=10**13)
    assert town.report(city).number == f"WG20260302{10**13 + 1}"


def test_a_clock_set_back_gives_no_number_twice(city: SimpleNamespace, clock) -> None:
    clock.move_to(datetime(2026, 3, 3, 0, 1, tzinfo=town.CHINA))
    first = town.report(city)
    clock.move_to(datetime(2026, 3, 2, 23, 59, tzinfo=town.CHINA))
    second = town.report(city)
    assert counted(second) == counted(first) + 1
    assert (first.number[2:10], second.number[2:10]) == ("20260303", "20260302")


def test_a_report_that_fails_leaves_a_gap_and_no_more(city: SimpleNamespace, clock) -> None:
    first = town.report(city)
    with transaction.atomic():
        town.report(city)
        transaction.set_rollback(True)
    with pytest.raises(Refused):
        town.report(city, category=0)
    assert counted(town.report(city)) == counted(first) + 2


def test_the_same_report_again_takes_no_number(city: SimpleNamespace, clock) -> None:
    uuid = uuid4()
    first, again = town.report(city, uuid=uuid), town.report(city, uuid=uuid)
    assert again.number == first.number
    assert counted(town.report(city)) == counted(first) + 1


def test_the_prefix_is_the_city_s_own(city: SimpleNamespace, clock, settings) -> None:
    settings.CASE_PREFIX = "玉树-"
    assert town.report(city).number.startswith("玉树-20260302")
    assert docket.report(uuid4(), town.seen(city), by=city.ann)[0].number[:11] == "玉树-20260302"
