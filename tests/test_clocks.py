"""Limits on their clocks: what a limit says, when work is due, when alarms ring, what a pause costs.

The laws at the end hold for every calendar, not only for this city's.
"""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cases.calendar import Calendar, Season, SpecialDay, Unusable, Why
from cases.clock import SILENT, Deadline, Limit, Unit, Unread, deadline, elapsed, explain, late, left, parse
from tests.test_working_time import CITY, DAY, HOUR, SHANGHAI, TICK, at, notices

LADDER = (Decimal("0.8"), Decimal(1), Decimal(2))


def ends(start: str, limit: str, calendar: Calendar = CITY) -> datetime | None:
    read = parse(limit)
    return deadline(at(start), read.seconds(calendar), read.unit, calendar).due_at


# The words of a limit


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("4小时", 4, Unit.WORK_HOUR),
        ("4工作时", 4, Unit.WORK_HOUR),
        ("2紧急工作时", 2, Unit.URGENT_HOUR),
        ("2紧急工作日", 2, Unit.URGENT_DAY),
        ("15天", 15, Unit.WORK_DAY),
        ("3个工作日", 3, Unit.WORK_DAY),
        ("30分钟", 30, Unit.URGENT_MINUTE),
        ("１５天", 15, Unit.WORK_DAY),
        ("　2 紧急工作时 \n", 2, Unit.URGENT_HOUR),
        ("0.5天", Decimal("0.5"), Unit.WORK_DAY),
        ("１．５小时", Decimal("1.5"), Unit.WORK_HOUR),
        ("2 个小时", 2, Unit.WORK_HOUR),
    ],
)
def test_a_limit_is_read_as_cities_write_it(text: str, value: Decimal | int, unit: Unit) -> None:
    assert parse(text) == Limit(value, unit)


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("limit_unread", "1紧急工作时制止"),
        ("limit_unread", "种植季节N工作日"),
        ("limit_unread", "5"),
        ("limit_unread", "天"),
        ("limit_unread", "两天"),
        ("limit_unread", "-2天"),
        ("limit_unread", "2天3小时"),
        ("limit_unread", "2²天"),
        ("limit_unread", "3个月"),
        ("limit_unread", "1紧急工作时后5工作日"),
        ("limit_unread", "٢天"),  # digits of another script
        ("limit_unread", ".5天"),
        ("limit_empty", ""),
        ("limit_empty", " 　"),
        ("limit_not_positive", "0天"),
        ("limit_not_positive", "0.0小时"),
    ],
)
def test_a_limit_that_is_not_understood_is_refused_with_its_words(code: str, text: str) -> None:
    with pytest.raises(Unread) as refused:
        parse(text)
    assert (refused.value.code, refused.value.text) == (code, text)
    assert isinstance(refused.value, ValueError)


@pytest.mark.parametrize("value", [0, -1, Decimal("-0.5"), Decimal("NaN"), Decimal("Infinity")])
def test_a_limit_is_above_zero(value: Decimal | int) -> None:
    with pytest.raises(Unusable) as refused:
        Limit(value, Unit.WORK_DAY)
    assert refused.value.code == "limit_not_positive"


@pytest.mark.parametrize(
    ("limit", "seconds", "continuous"),
    [
        (Limit(30, Unit.URGENT_MINUTE), 1800, True),
        (Limit(2, Unit.URGENT_HOUR), 7200, True),
        (Limit(2, Unit.URGENT_DAY), 172_800, True),
        (Limit(4, Unit.WORK_HOUR), 14_400, False),
        (Limit(2, Unit.WORK_DAY), 57_600, False),
        (Limit(Decimal("0.5"), Unit.WORK_DAY), 14_400, False),
        (Limit(Decimal("0.7"), Unit.WORK_HOUR), 2520, False),
        (Limit(Decimal("0.333"), Unit.URGENT_MINUTE), 20, True),  # 19.98
    ],
)
def test_the_length_of_a_limit_on_its_own_clock(limit: Limit, seconds: int, continuous: bool) -> None:
    assert (limit.seconds(CITY), limit.continuous) == (seconds, continuous)


def test_a_work_day_is_worth_what_its_calendar_says() -> None:
    six = replace(CITY, day_s=6 * HOUR)
    assert (Limit(2, Unit.WORK_DAY).seconds(six), Limit(2, Unit.URGENT_DAY).seconds(six)) == (12 * HOUR, 48 * HOUR)


def test_stored_values_do_for_units() -> None:
    stored = Limit(Decimal("4.00"), "work_hour")  # type: ignore[arg-type]
    assert (stored, stored.continuous) == (Limit(4, Unit.WORK_HOUR), False)
    assert deadline(at("2025-03-10 09:00"), HOUR, "urgent_hour", CITY).due_at == at("2025-03-10 10:00")
    with pytest.raises(ValueError, match="fortnight"):
        deadline(at("2025-03-10 09:00"), HOUR, "fortnight", CITY)


# When work is due


@pytest.mark.parametrize(
    ("limit", "due"),
    [
        ("30分钟", "2025-03-14 17:30"),
        ("2紧急工作时", "2025-03-14 19:00"),
        ("2紧急工作日", "2025-03-16 17:00"),
        ("4工作时", "2025-03-17 11:00"),
        ("1工作时", "2025-03-14 18:00"),
        ("2工作日", "2025-03-18 17:00"),
    ],
)
def test_due_from_a_friday_afternoon(limit: str, due: str) -> None:
    assert ends("2025-03-14 17:00", limit) == at(due)


def test_defect_urgent_limits_do_not_wait_for_office_hours() -> None:
    """Read as working time, a missing manhole cover found on Friday night would have waited for Monday."""
    assert parse("2紧急工作时").unit == Unit.URGENT_HOUR
    assert parse("2紧急工作日").unit == Unit.URGENT_DAY
    assert ends("2025-03-14 23:00", "2紧急工作时") == at("2025-03-15 01:00")
    assert ends("2025-09-30 23:00", "2紧急工作日") == at("2025-10-02 23:00")
    assert ends("2025-03-14 23:00", "2工作时") == at("2025-03-17 10:00")


def test_a_deadline_of_nothing_is_now() -> None:
    for unit in Unit:
        saturday = at("2025-03-15 03:00")
        assert deadline(saturday, 0, unit, CITY, rungs=LADDER) == Deadline(saturday, saturday, False)


def test_done_cases_are_silent() -> None:
    assert Deadline(None, None, False) == SILENT


def test_an_unknown_year_makes_the_deadline_provisional_until_it_is_loaded() -> None:
    autumn = replace(CITY, exceptions=notices(2025), years=frozenset({2025}))
    since = at("2025-12-31 10:00")
    assert deadline(since, DAY, Unit.WORK_DAY, autumn) == Deadline(at("2026-01-01 10:00"), None, True)
    assert deadline(since, DAY, Unit.WORK_DAY, CITY) == Deadline(at("2026-01-04 10:00"), None, False)
    assert not deadline(since, 86400, Unit.URGENT_DAY, autumn).provisional


def test_an_alarm_in_an_unknown_year_is_provisional_too() -> None:
    autumn = replace(CITY, exceptions=notices(2025), years=frozenset({2025}))
    level = {
        n: deadline(at("2025-12-31 10:00"), 4 * HOUR, Unit.WORK_HOUR, autumn, rungs=LADDER, level=n) for n in (1, 2)
    }
    assert (level[1].provisional, level[2].provisional) == (False, True)


# The ladder of alarms


@pytest.mark.parametrize(
    ("unit", "level", "alarm"),
    [
        (Unit.WORK_HOUR, 0, "2025-03-14 17:24"),  # 80 % of 4 hours: 3 h 12 min
        (Unit.WORK_HOUR, 1, "2025-03-17 08:12"),
        (Unit.WORK_HOUR, 2, "2025-03-17 14:12"),
        (Unit.URGENT_HOUR, 0, "2025-03-14 17:24"),
        (Unit.URGENT_HOUR, 1, "2025-03-14 18:12"),
        (Unit.URGENT_HOUR, 2, "2025-03-14 22:12"),
    ],
)
def test_each_rung_rings_when_its_share_is_used_up(unit: Unit, level: int, alarm: str) -> None:
    found = deadline(at("2025-03-14 14:12"), 4 * HOUR, unit, CITY, rungs=LADDER, level=level)
    assert found.alarm_at == at(alarm)
    assert found.due_at == deadline(at("2025-03-14 14:12"), 4 * HOUR, unit, CITY).due_at


@pytest.mark.parametrize(("rungs", "level"), [((), 0), (LADDER, 3), (LADDER, 99)])
def test_past_the_last_rung_no_alarm_is_left(rungs: tuple[Decimal, ...], level: int) -> None:
    found = deadline(at("2025-03-10 09:00"), HOUR, Unit.WORK_HOUR, CITY, rungs=rungs, level=level)
    assert found == Deadline(at("2025-03-10 10:00"), None, False)


def test_a_share_is_the_number_that_was_written() -> None:
    """As a binary fraction 0.29 of 100 is 28.999…"""
    found = deadline(at("2025-03-10 09:00"), 100, Unit.WORK_HOUR, CITY, rungs=(0.29,))
    assert found.alarm_at == at("2025-03-10 09:00:29")


def test_there_is_no_rung_below_the_first() -> None:
    with pytest.raises(ValueError, match="rung"):
        deadline(at("2025-03-10 09:00"), HOUR, Unit.WORK_HOUR, CITY, rungs=LADDER, level=-1)


# Time used, left and late

FRIDAY, MONDAY = at("2025-03-14 16:00"), at("2025-03-17 09:00")


@pytest.mark.parametrize(
    ("unit", "seconds"),
    [
        (Unit.URGENT_MINUTE, 65 * HOUR),
        (Unit.URGENT_HOUR, 65 * HOUR),
        (Unit.URGENT_DAY, 65 * HOUR),
        (Unit.WORK_HOUR, 3 * HOUR),
        (Unit.WORK_DAY, 3 * HOUR),
    ],
)
def test_time_over_a_weekend_on_each_clock(unit: Unit, seconds: int) -> None:
    assert elapsed(FRIDAY, MONDAY, unit, CITY) == seconds
    assert elapsed(MONDAY, FRIDAY, unit, CITY) == 0
    assert left(FRIDAY, 100 * HOUR, MONDAY, unit, CITY) == 100 * HOUR - seconds
    assert left(FRIDAY, HOUR, MONDAY, unit, CITY) == 0
    assert late(FRIDAY, MONDAY, unit, CITY) == seconds
    assert late(FRIDAY, FRIDAY, unit, CITY) == late(MONDAY, FRIDAY, unit, CITY) == 0


def test_lateness_does_not_grow_while_nobody_works() -> None:
    due = at("2025-03-14 18:00")
    assert late(due, at("2025-03-15 12:00"), Unit.WORK_HOUR, CITY) == 0
    assert late(due, at("2025-03-17 08:00:01"), Unit.WORK_HOUR, CITY) == 1
    assert late(due, at("2025-03-15 12:00"), Unit.URGENT_HOUR, CITY) == 18 * HOUR


# Pauses


def test_defect_a_pause_is_measured_on_the_clock_of_its_limit() -> None:
    """Taken off as wall-clock seconds, a shelved weekend made the time used too small."""
    since, shelved, resumed = at("2025-03-14 15:00"), at("2025-03-14 17:00"), at("2025-03-17 09:00")
    remains = left(since, DAY, shelved, Unit.WORK_DAY, CITY)
    assert remains == 6 * HOUR
    assert deadline(resumed, remains, Unit.WORK_DAY, CITY).due_at == at("2025-03-17 17:00")
    assert elapsed(since, shelved, Unit.WORK_DAY, CITY) + remains == DAY


def test_shelving_over_a_weekend_costs_nothing_and_gives_nothing() -> None:
    since, shelved, resumed = at("2025-03-14 15:00"), at("2025-03-14 18:00"), at("2025-03-17 08:00")
    remains = left(since, DAY, shelved, Unit.WORK_HOUR, CITY)
    unshelved = deadline(since, DAY, Unit.WORK_HOUR, CITY)
    assert deadline(resumed, remains, Unit.WORK_HOUR, CITY) == unshelved


def test_an_urgent_limit_is_paused_in_real_time() -> None:
    remains = left(at("2025-03-14 23:00"), 2 * HOUR, at("2025-03-14 23:30"), Unit.URGENT_HOUR, CITY)
    assert remains == 90 * 60
    assert deadline(at("2025-03-16 03:00"), remains, Unit.URGENT_HOUR, CITY).due_at == at("2025-03-16 04:30")


# Explanations


def test_an_urgent_limit_is_explained_in_one_line() -> None:
    (line,) = explain(at("2025-03-14 23:00"), 2 * HOUR, Unit.URGENT_HOUR, CITY)
    assert (line.day, line.since, line.until) == (date(2025, 3, 14), at("2025-03-14 23:00"), at("2025-03-15 01:00"))
    assert (line.seconds, line.why) == (2 * HOUR, Why.CONTINUOUS)


def test_a_work_limit_is_explained_day_by_day() -> None:
    lines = explain(at("2025-03-14 17:00"), 2 * HOUR, Unit.WORK_HOUR, CITY)
    assert [(line.day.day, line.seconds, line.why) for line in lines] == [
        (14, HOUR, Why.WORK),
        (15, 0, Why.REST),
        (16, 0, Why.REST),
        (17, HOUR, Why.WORK),
    ]


# Laws

law = settings(derandomize=True, deadline=None, max_examples=80)
moments = st.datetimes(datetime(2023, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))
lengths = st.integers(0, 100_000)
units = st.sampled_from(Unit)


@st.composite
def seasons(draw: st.DrawFn, start: tuple[int, int]) -> Season:
    quarters = sorted(draw(st.sets(st.integers(0, 96), min_size=2, max_size=6)))
    clocks = [time(quarter // 4 % 24, quarter % 4 * 15) for quarter in quarters]
    return Season(start, tuple(zip(clocks[::2], clocks[1::2], strict=False)))


@st.composite
def calendars(draw: st.DrawFn) -> Calendar:
    starts = draw(st.lists(st.tuples(st.integers(1, 12), st.integers(1, 28)), min_size=1, max_size=3, unique=True))
    special = st.builds(SpecialDay, st.booleans(), st.just("节"))
    return Calendar(
        zone=SHANGHAI,
        workdays=draw(st.frozensets(st.integers(1, 7), min_size=1)),
        day_s=draw(st.integers(1, 86400)),
        seasons=tuple(draw(seasons(start)) for start in starts),
        exceptions=draw(st.dictionaries(st.dates(date(2023, 1, 1), date(2027, 1, 1)), special, max_size=20)),
        years=draw(st.frozensets(st.integers(2023, 2030))),
        name="任意",
    )


def ended(since: datetime, seconds: int, unit: Unit, calendar: Calendar) -> datetime:
    due_at = deadline(since, seconds, unit, calendar).due_at
    assert due_at is not None
    return due_at


@law
@given(calendars(), units, moments, lengths)
def test_law_the_limit_is_what_has_passed_and_no_earlier_moment_would_do(
    c: Calendar, unit: Unit, since: datetime, s: int
) -> None:
    due = ended(since, s, unit, c)
    assert elapsed(since, due, unit, c) == s
    assert s == 0 or elapsed(since, due - TICK, unit, c) == s - 1


@law
@given(calendars(), units, moments, moments, lengths, lengths)
def test_law_later_starts_and_longer_limits_end_no_earlier(
    c: Calendar, unit: Unit, a: datetime, b: datetime, s: int, more: int
) -> None:
    a, b = min(a, b), max(a, b)
    assert a <= ended(a, s, unit, c) <= ended(b, s, unit, c)
    assert ended(a, s, unit, c) <= ended(a, s + more, unit, c)


@law
@given(calendars(), units, moments, lengths, lengths)
def test_law_two_limits_in_a_row_are_one(c: Calendar, unit: Unit, since: datetime, s: int, t: int) -> None:
    assert ended(ended(since, s, unit, c), t, unit, c) == ended(since, s + t, unit, c)


@law
@given(calendars(), units, moments, lengths, st.integers(0, 10**9), st.timedeltas(timedelta(0), timedelta(days=60)))
def test_law_a_pause_neither_costs_nor_gives(
    c: Calendar, unit: Unit, since: datetime, s: int, micros: int, pause: timedelta
) -> None:
    shelved = since + timedelta(microseconds=micros)
    remains = left(since, s, shelved, unit, c)
    due = ended(shelved + pause, remains, unit, c)
    used = elapsed(since, shelved, unit, c)
    assert remains == max(0, s - used)
    assert elapsed(shelved + pause, due, unit, c) == remains


@law
@given(calendars(), units, moments, lengths)
def test_law_alarms_climb_and_the_one_at_the_whole_is_the_deadline(
    c: Calendar, unit: Unit, since: datetime, s: int
) -> None:
    found = [deadline(since, s, unit, c, rungs=LADDER, level=level) for level in range(3)]
    alarms = [each.alarm_at for each in found if each.alarm_at]
    assert len(alarms) == 3 and alarms == sorted(alarms)
    assert alarms[1] == found[0].due_at


@law
@given(calendars(), units, moments, lengths)
def test_law_an_explanation_adds_up(c: Calendar, unit: Unit, since: datetime, s: int) -> None:
    lines = explain(since, s, unit, c)
    found = deadline(since, s, unit, c)
    assert sum(line.seconds for line in lines) == s
    assert any(line.provisional for line in lines) == found.provisional
    assert all(line.since < line.until for line in lines)
    assert all(before.until <= after.since for before, after in pairwise(lines))
    assert not lines or (lines[0].since >= since and lines[-1].until == found.due_at)


@settings(law, max_examples=40)
@given(calendars(), moments, st.integers(0, 8 * 24 * 60))
def test_law_the_same_as_counting_minutes_by_the_wall_clock(c: Calendar, start: datetime, minutes: int) -> None:
    start = start.replace(second=0, microsecond=0)
    wall = start.astimezone(SHANGHAI).replace(tzinfo=None)
    worked = sum(at_work(c, wall + timedelta(minutes=n)) for n in range(minutes))
    assert c.between(start, start + timedelta(minutes=minutes)) == worked * 60


def at_work(c: Calendar, wall: datetime) -> bool:
    """The rules once more, in the plainest words."""
    day, clock = wall.date(), wall.time()
    special = c.exceptions.get(day)
    if special.off if special else day.isoweekday() not in c.workdays:
        return False
    starts = {season.start: season for season in c.seasons}
    while (day.month, day.day) not in starts:
        day -= timedelta(days=1)
    return any(
        opens <= clock and (clock < closes or closes == time()) for opens, closes in starts[day.month, day.day].periods
    )
