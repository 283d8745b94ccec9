"""Working time: when the city works, and how much time lies between two moments.

The days are real: 2025-03-10 is a plain Monday, 2025-01-26 a working Sunday, and the holidays are those of the
State Council's notices for 2023 to 2026.
"""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings

from cases.calendar import Calendar, Continuous, OutOfReach, Season, SpecialDay, Unusable, Why

SHANGHAI = ZoneInfo("Asia/Shanghai")
HOUR = 3600
DAY = 8 * HOUR
TICK = timedelta(microseconds=1)


def notices(*years: int) -> dict[date, SpecialDay]:
    days: dict[date, SpecialDay] = {}
    for year in years:
        path = Path(__file__).parent.parent / "fixtures" / "holidays" / f"holiday-cn-{year}.json"
        for day in json.loads(path.read_text())["days"]:
            days[date.fromisoformat(day["date"])] = SpecialDay(day["isOffDay"], day["name"])
    return days


def hours(*periods: str, start: tuple[int, int] = (1, 1)) -> Season:
    """hours("08:00-12:00", "14:00-24:00")"""
    ends = [period.replace("24:00", "00:00").split("-") for period in periods]
    return Season(start, tuple((time.fromisoformat(opens), time.fromisoformat(closes)) for opens, closes in ends))


def at(text: str) -> datetime:
    """A moment by the clock on the wall."""
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


CITY = Calendar(
    zone=SHANGHAI,
    workdays=frozenset({1, 2, 3, 4, 5}),
    day_s=DAY,
    seasons=(hours("08:00-12:00", "14:00-18:00"),),
    exceptions=notices(2023, 2024, 2025, 2026),
    years=frozenset({2023, 2024, 2025, 2026}),
    name="玉树",
)
ALWAYS = replace(CITY, workdays=frozenset(range(1, 8)), exceptions={}, seasons=(hours("00:00-24:00"),), name="全年无休")


def due(start: str, seconds: int, calendar: Calendar = CITY) -> datetime:
    return calendar.add(at(start), seconds)[0]


# Where time begins, and where it is used up


@pytest.mark.parametrize(
    ("start", "seconds", "end"),
    [
        ("2025-03-10 09:00", HOUR, "2025-03-10 10:00"),
        ("2025-03-10 07:00", HOUR, "2025-03-10 09:00"),  # before work
        ("2025-03-10 08:00", HOUR, "2025-03-10 09:00"),
        ("2025-03-10 12:00", 1, "2025-03-10 14:00:01"),  # the lunch break has begun
        ("2025-03-10 12:00", HOUR, "2025-03-10 15:00"),
        ("2025-03-10 13:59:59", HOUR, "2025-03-10 15:00"),
        ("2025-03-10 14:00", HOUR, "2025-03-10 15:00"),
        ("2025-03-10 18:00", HOUR, "2025-03-11 09:00"),  # work is over
        ("2025-03-10 17:59:59", 1, "2025-03-10 18:00"),
        ("2025-03-10 17:59:59", 2, "2025-03-11 08:00:01"),
        ("2025-03-10 11:00", HOUR, "2025-03-10 12:00"),  # lands on the end of a period and stays
        ("2025-03-10 11:00", HOUR + 1, "2025-03-10 14:00:01"),
        ("2025-03-10 14:00", 4 * HOUR, "2025-03-10 18:00"),
        ("2025-03-10 08:00", DAY, "2025-03-10 18:00"),
        ("2025-03-10 08:00", DAY + 1, "2025-03-11 08:00:01"),
        ("2025-03-10 10:00", DAY, "2025-03-11 10:00"),
        ("2025-03-10 12:00", DAY, "2025-03-11 12:00"),
        ("2025-03-10 13:00", DAY, "2025-03-11 12:00"),
        ("2025-03-14 17:00", 2 * HOUR, "2025-03-17 09:00"),  # Friday to Monday
        ("2025-03-14 18:00", HOUR, "2025-03-17 09:00"),
        ("2025-03-15 00:00", HOUR, "2025-03-17 09:00"),
        ("2025-03-10 10:00", 5 * DAY, "2025-03-17 10:00"),
    ],
)
def test_time_counts_only_while_the_city_works(start: str, seconds: int, end: str) -> None:
    assert CITY.add(at(start), seconds) == (at(end), False)
    assert CITY.between(at(start), at(end)) == seconds


@pytest.mark.parametrize(
    ("start", "end", "seconds"),
    [
        ("2025-03-10 12:00", "2025-03-10 14:00", 0),
        ("2025-03-14 18:00", "2025-03-17 08:00", 0),
        ("2025-03-15 09:00", "2025-03-16 17:00", 0),
        ("2025-03-10 07:00", "2025-03-10 23:00", DAY),
        ("2025-03-10 09:30", "2025-03-10 09:30", 0),
        ("2025-03-10 10:00", "2025-03-10 09:00", 0),  # backwards is nothing
        ("2025-03-10 00:00", "2025-03-17 00:00", 5 * DAY),
        ("2025-03-10 11:59:59", "2025-03-10 14:00:01", 2),
    ],
)
def test_time_between_two_moments(start: str, end: str, seconds: int) -> None:
    assert CITY.between(at(start), at(end)) == seconds


@pytest.mark.parametrize("moment", ["2025-03-10 09:00", "2025-03-10 12:00", "2025-03-15 03:00", "2031-03-10 12:00"])
def test_no_time_after_a_moment_is_that_moment(moment: str) -> None:
    assert CITY.add(at(moment), 0) == (at(moment), False)
    assert CITY.explain(at(moment), 0) == []


def test_microseconds_of_a_start_are_kept() -> None:
    end = due("2025-03-10 11:00:00.250000", 2 * HOUR)
    assert end == at("2025-03-10 15:00:00.250000")
    assert CITY.between(at("2025-03-10 11:00:00.250000"), end - TICK) == 2 * HOUR - 1  # rounded down


def test_moments_come_out_in_utc_whatever_zone_they_came_in() -> None:
    tokyo = datetime(2025, 3, 10, 10, tzinfo=ZoneInfo("Asia/Tokyo"))  # 09:00 in Shanghai
    end, _ = CITY.add(tokyo, HOUR)
    assert (end, end.tzinfo) == (at("2025-03-10 10:00"), UTC)
    assert all(span.since.tzinfo is span.until.tzinfo is UTC for span in CITY.explain(tokyo, DAY))


# Defects of systems that went before


def test_defect_a_start_on_a_day_off_keeps_no_time_of_day() -> None:
    """Skipping the weekend by whole days made of Saturday 16:30 Monday 16:30, and lost a day."""
    assert due("2025-03-15 16:30", 2 * HOUR) == at("2025-03-17 10:00")
    assert due("2025-10-01 16:30", 2 * HOUR) == at("2025-10-09 10:00")


def test_defect_time_is_not_stepped_in_whole_hours() -> None:
    """Stepping by hours was up to an hour off."""
    assert due("2025-03-10 11:20:30", HOUR) == at("2025-03-10 14:20:30")
    assert due("2025-03-10 17:01", 90 * 60) == at("2025-03-11 08:31")
    assert CITY.between(at("2025-03-10 11:20:30"), at("2025-03-10 14:00:01")) == 39 * 60 + 31


def test_defect_each_department_may_have_its_own_hours() -> None:
    """Hours were written into the program, or were one and the same for the whole city."""
    short = replace(CITY, seasons=(hours("09:00-11:00", "13:00-17:00"),), day_s=6 * HOUR, name="六小时")
    night = replace(CITY, seasons=(hours("00:00-06:00", "20:00-24:00"),), workdays=frozenset(range(1, 8)), name="夜班")
    start = "2025-03-14 16:00"
    assert due(start, 6 * HOUR) == at("2025-03-17 12:00")
    assert due(start, 6 * HOUR, short) == at("2025-03-17 16:00")
    assert due(start, 6 * HOUR, night) == at("2025-03-15 02:00")


# Holidays and make-up workdays


@pytest.mark.parametrize(("year", "days"), [(2023, 249), (2024, 251), (2025, 248), (2026, 248)])
def test_workdays_of_a_year(year: int, days: int) -> None:
    assert CITY.between(at(f"{year}-01-01"), at(f"{year + 1}-01-01")) == days * DAY


@pytest.mark.parametrize(
    ("start", "days", "end"),
    [
        ("2025-01-24 10:00", 1, "2025-01-26 10:00"),  # Friday; the Sunday before Spring Festival is worked
        ("2025-01-27 10:00", 1, "2025-02-05 10:00"),  # eight days of Spring Festival
        ("2025-02-07 10:00", 1, "2025-02-08 10:00"),  # a working Saturday
        ("2025-09-27 10:00", 1, "2025-09-28 18:00"),  # Saturday off, Sunday worked
        ("2025-09-30 10:00", 1, "2025-10-09 10:00"),  # National Day and Mid-Autumn in one
        ("2025-09-30 10:00", 4, "2025-10-13 10:00"),  # 9, 10, the working Saturday 11, then Monday 13
        ("2026-02-13 17:00", 1, "2026-02-14 17:00"),  # the Saturday before Spring Festival 2026
        ("2026-02-14 17:00", 1, "2026-02-24 17:00"),  # nine days off
        ("2025-12-31 17:00", 1, "2026-01-04 17:00"),  # over the New Year to a working Sunday
        ("2023-01-20 17:00", 1, "2023-01-28 17:00"),
        ("2024-05-10 17:00", 1, "2024-05-11 17:00"),
    ],
)
def test_holidays_rest_and_make_up_days_work(start: str, days: int, end: str) -> None:
    assert CITY.add(at(start), days * DAY) == (at(end), False)
    assert CITY.between(at(start), at(end)) == days * DAY


def test_a_notice_also_speaks_of_the_december_before() -> None:
    day = date(2022, 12, 31)
    assert CITY.exceptions[day] == SpecialDay(off=True, name="元旦")
    everyday = replace(CITY, workdays=frozenset(range(1, 8)))
    assert everyday.between(at("2022-12-31"), at("2023-01-01")) == 0


def test_the_city_adds_a_day_of_its_own() -> None:
    races = replace(CITY, exceptions={**CITY.exceptions, date(2025, 7, 25): SpecialDay(off=True, name="玉树赛马节")})
    assert due("2025-07-24 17:00", 2 * HOUR, races) == at("2025-07-28 09:00")


# Summer and winter

YUSHU = replace(
    CITY,
    seasons=(
        hours("09:00-12:00", "14:30-18:00", start=(5, 1)),
        hours("09:30-12:00", "14:00-17:30", start=(10, 1)),
    ),
)


@pytest.mark.parametrize(
    ("day", "seconds"),
    [
        ("2025-04-30", 6 * HOUR),
        ("2025-05-06", 6 * HOUR + 1800),
        ("2025-09-30", 6 * HOUR + 1800),
        ("2025-10-09", 6 * HOUR),
        ("2025-01-02", 6 * HOUR),  # winter goes on through the New Year
    ],
)
def test_hours_follow_the_season(day: str, seconds: int) -> None:
    assert YUSHU.between(at(f"{day} 00:00"), at(f"{day} 23:59:59")) == seconds


def test_a_limit_that_crosses_into_winter_takes_both_hours() -> None:
    assert due("2025-09-30 17:00", 2 * HOUR, YUSHU) == at("2025-10-09 10:30")
    assert due("2025-04-30 17:00", 2 * HOUR, YUSHU) == at("2025-05-06 10:30")


def test_seasons_may_be_given_in_any_order() -> None:
    assert replace(YUSHU, seasons=YUSHU.seasons[::-1]) == YUSHU


def test_a_season_may_start_on_the_leap_day() -> None:
    leap = replace(CITY, seasons=(hours("08:00-09:00", start=(2, 29)), hours("08:00-10:00", start=(12, 1))))
    assert leap.between(at("2024-02-29"), at("2024-03-01")) == HOUR
    assert leap.between(at("2025-02-28"), at("2025-03-01")) == 2 * HOUR
    assert leap.between(at("2025-03-03"), at("2025-03-04")) == HOUR


# A year that nobody has published yet


def test_an_unknown_year_is_provisional_and_comes_right_once_loaded() -> None:
    autumn = replace(CITY, exceptions=notices(2023, 2024, 2025), years=frozenset({2023, 2024, 2025}))
    assert autumn.add(at("2025-12-31 17:00"), HOUR) == (at("2025-12-31 18:00"), False)  # not one step too far
    assert autumn.add(at("2025-12-31 17:00"), DAY) == (at("2026-01-01 17:00"), True)  # a plain Thursday
    spans = autumn.explain(at("2025-12-31 17:00"), DAY)
    assert [(span.day.year, span.provisional) for span in spans] == [(2025, False), (2026, True), (2026, True)]
    late_start = replace(CITY, years=frozenset({2024, 2026}))
    assert late_start.add(at("2025-12-31 17:00"), DAY) == (at("2026-01-04 17:00"), True)  # unknown only at first
    loaded = replace(autumn, exceptions=CITY.exceptions, years=CITY.years)
    assert loaded.add(at("2025-12-31 17:00"), DAY) == (at("2026-01-04 17:00"), False)


def test_a_calendar_keeps_its_days_to_itself() -> None:
    specials = dict(CITY.exceptions)
    calendar = replace(CITY, exceptions=specials)
    specials[date(2025, 3, 10)] = SpecialDay(off=True, name="后来加的")
    assert due("2025-03-10 09:00", HOUR, calendar) == at("2025-03-10 10:00")
    assert due("2025-03-10 09:00", HOUR, replace(calendar, exceptions=specials)) == at("2025-03-11 09:00")


# Explanations


def test_an_explanation_names_every_day_and_why() -> None:
    lines = [
        (f"{s.day:%m-%d}", f"{s.since.astimezone(SHANGHAI):%H:%M}", f"{s.until.astimezone(SHANGHAI):%H:%M}")
        + (s.seconds, s.why, s.name)
        for s in CITY.explain(at("2025-01-24 18:30"), 12 * HOUR)
    ]
    assert lines == [
        ("01-24", "18:30", "00:00", 0, Why.OFF_HOURS, ""),
        ("01-25", "00:00", "00:00", 0, Why.REST, ""),
        ("01-26", "08:00", "12:00", 4 * HOUR, Why.MAKEUP, "春节"),
        ("01-26", "14:00", "18:00", 4 * HOUR, Why.MAKEUP, "春节"),
        ("01-27", "08:00", "12:00", 4 * HOUR, Why.WORK, ""),
    ]
    assert [(s.why, s.name) for s in CITY.explain(at("2025-10-08 20:00"), 1)] == [
        (Why.HOLIDAY, "国庆节、中秋节"),
        (Why.WORK, ""),
    ]


def test_an_explanation_of_a_start_within_a_second_adds_up() -> None:
    spans = CITY.explain(at("2025-03-10 11:00:00.250000"), 2 * HOUR)
    assert [span.seconds for span in spans] == [HOUR - 1, HOUR + 1]  # whole seconds, as they fill up


def test_an_explanation_ends_with_the_deadline_even_at_midnight() -> None:
    night = replace(CITY, seasons=(hours("20:00-24:00"),))
    spans = night.explain(at("2025-03-10 19:00"), 4 * HOUR)
    assert [(s.day, s.seconds) for s in spans] == [(date(2025, 3, 10), 4 * HOUR)]
    assert spans[-1].until == at("2025-03-11 00:00") == due("2025-03-10 19:00", 4 * HOUR, night)


# What is refused


@pytest.mark.parametrize(
    ("code", "start", "periods"),
    [
        ("season_empty", (1, 1), ()),
        ("season_start", (2, 30), ((time(8), time(12)),)),
        ("season_start", (13, 1), ((time(8), time(12)),)),
        ("period_order", (1, 1), ((time(12), time(8)),)),
        ("period_order", (1, 1), ((time(8), time(8)),)),
        ("period_order", (1, 1), ((time(22), time(6)),)),  # crosses midnight
        ("period_overlap", (1, 1), ((time(8), time(12)), (time(11, 59, 59), time(18)))),
        ("period_overlap", (1, 1), ((time(14), time(18)), (time(8), time(12)))),
        ("period_overlap", (1, 1), ((time(14), time(0)), (time(22), time(23)))),
        ("period_precision", (1, 1), ((time(8), time.max),)),
        ("period_precision", (1, 1), ((time(8), time(12, tzinfo=UTC)),)),
    ],
)
def test_hours_that_cannot_be_meant(code: str, start: tuple[int, int], periods: tuple[tuple[time, time], ...]) -> None:
    with pytest.raises(Unusable) as refused:
        Season(start, periods)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("calendar_workdays", {"workdays": frozenset({0, 1})}),
        ("calendar_day", {"day_s": 0}),
        ("calendar_seasons", {"seasons": ()}),
        ("calendar_seasons", {"seasons": (hours("08:00-12:00"), hours("09:00-12:00"))}),
    ],
)
def test_a_calendar_that_cannot_be_meant(code: str, change: dict[str, Any]) -> None:
    with pytest.raises(Unusable) as refused:
        replace(CITY, **change)
    assert refused.value.code == code


def test_periods_may_touch() -> None:
    touching = replace(CITY, seasons=(hours("08:00-12:00", "12:00-24:00"),))
    assert touching.between(at("2025-03-10"), at("2025-03-11")) == 16 * HOUR


@pytest.mark.parametrize("calendar", [CITY, Continuous(SHANGHAI)])
def test_a_moment_needs_its_zone_and_time_runs_forward(calendar: Calendar | Continuous) -> None:
    naive = datetime(2025, 3, 10, 9)
    for ask in (calendar.add, calendar.explain):
        with pytest.raises(ValueError, match="time zone"):
            ask(naive, 0)
        with pytest.raises(ValueError, match="backwards"):
            ask(at("2025-03-10"), -1)
    for start, end in ((naive, at("2025-03-10")), (at("2025-03-10"), naive)):
        with pytest.raises(ValueError, match="time zone"):
            calendar.between(start, end)


@pytest.mark.parametrize(
    "idle",
    [
        replace(CITY, workdays=frozenset(), exceptions={}),
        replace(CITY, workdays=frozenset(), exceptions={date(2025, 5, 1): SpecialDay(off=False, name="唯一")}),
    ],
)
def test_a_calendar_without_work_says_so(idle: Calendar) -> None:
    with pytest.raises(OutOfReach) as refused:
        idle.add(at("2025-03-10 09:00"), DAY + 1)
    assert refused.value.code == "out_of_reach"


def test_nothing_is_due_after_more_than_ten_years() -> None:
    for calendar in (CITY, Continuous(SHANGHAI)):
        with pytest.raises(OutOfReach):
            calendar.add(at("2025-03-10 09:00"), 10**12)


@pytest.mark.skipif(not settings.configured, reason="words need a language")
def test_refusals_are_sentences() -> None:
    with pytest.raises(Unusable) as refused:
        Season((2, 30), ((time(8), time(12)),))
    assert "30" in str(refused.value) and "%" not in str(refused.value)


# Zones


@pytest.mark.parametrize("start", ["2024-02-28 23:59:59", "2025-03-30 01:30", "2025-10-26 02:30", "2025-12-31 12:00"])
@pytest.mark.parametrize("seconds", [1, HOUR, 24 * HOUR, 100 * 24 * HOUR])
def test_a_city_that_never_rests_runs_on_the_continuous_clock(start: str, seconds: int) -> None:
    """Shanghai time has no summer time to trip over."""
    end = at(start) + timedelta(seconds=seconds)
    assert ALWAYS.add(at(start), seconds)[0] == Continuous(SHANGHAI).add(at(start), seconds)[0] == end


def test_a_day_that_loses_an_hour_has_an_hour_less() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    everyday = replace(ALWAYS, zone=berlin)
    spring = datetime(2025, 3, 30, tzinfo=berlin)
    assert everyday.between(spring, datetime(2025, 3, 31, tzinfo=berlin)) == 23 * HOUR
    assert everyday.add(spring, 24 * HOUR)[0] == datetime(2025, 3, 31, 1, tzinfo=berlin)
