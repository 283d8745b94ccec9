"""One row that makes no sense stops nothing else; and what runs day and night needs no hours."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from cases import alarm, docket, rulebook
from cases.calendar import Unusable
from cases.checks import the_rules_have_no_holes
from cases.clock import Limit, Unit
from cases.flow import Facts, Stage, Verb
from cases.models import Case, StageLimit, Timetable

from . import acts
from . import city as town

SPOILT = [{"start": "spring", "periods": [["08:00", "noon"]]}]
HOURS = [{"start": "01-01", "periods": [["08:00", "12:00"], ["14:00", "18:00"]]}]


def holes() -> set[str | None]:
    return {message.id for message in the_rules_have_no_holes(None, databases=["default"])}


@pytest.fixture
def no_hours(city: SimpleNamespace, clock: Any) -> SimpleNamespace:
    """The city has lost its timetable."""
    Timetable.objects.all().delete()
    return city


# A bad row


def test_a_department_s_bad_hours_are_passed_over_for_those_above_it(city: SimpleNamespace, clock: Any) -> None:
    before = holes()
    Timetable.objects.create(name="坏作息", department=city.roads, workdays=[1], day_s=60, seasons=SPOILT)
    assert rulebook.current().calendar(city.roads.pk).name == "全市作息"
    assert town.report(city).allowed_s == 2 * 8 * 3600
    assert holes() - before == {"cases.W010"}


def test_a_bad_row_is_named_by_the_check_and_the_log(city: SimpleNamespace, caplog: Any) -> None:
    Timetable.objects.create(name="坏作息", department=city.roads, workdays=[1], day_s=60, seasons=SPOILT)
    StageLimit.objects.create(stage=Stage.CHECK, source="video", value=1, unit="fortnight")
    said = [str(message.msg) for message in the_rules_have_no_holes(None, databases=["default"])]
    assert [sentence for sentence in said if "坏作息" in sentence]
    assert [sentence for sentence in said if "fortnight" in sentence]
    assert ["timetable" in record.message or "stagelimit" in record.message for record in caplog.records] == [True] * 2
    assert (Stage.CHECK, "", False) in rulebook.current().limits


def test_the_city_s_bad_hours_stop_what_needs_hours_alone(no_hours: SimpleNamespace) -> None:
    Timetable.objects.create(name="坏作息", workdays=[1], day_s=60, seasons=SPOILT)
    assert "cases.W010" in holes()
    assert town.report(no_hours, condition=no_hours.missing.pk).stage == Stage.HANDLING
    with pytest.raises(Unusable) as refused:
        town.report(no_hours)
    assert refused.value.code == "calendar_missing"


@pytest.mark.parametrize(
    "said",
    [{"seasons": SPOILT}, {"seasons": []}, {"seasons": {}}, {"seasons": [1]}, {"day_s": 0}, {"workdays": [8]}],
)
def test_bad_hours_are_refused_by_a_form(said: dict[str, Any], db: None) -> None:
    with pytest.raises(ValidationError):
        Timetable(**{"name": "作息", "workdays": [1], "day_s": 60, "seasons": HOURS} | said).full_clean()


@pytest.mark.parametrize("said", [{"day_s": 0}, {"workdays": [8]}, {"workdays": [0, 1]}])
def test_the_worst_are_refused_by_the_database_too(said: dict[str, Any], db: None) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Timetable.objects.create(**{"name": "作息", "workdays": [1], "day_s": 60, "seasons": HOURS} | said)


# No hours


def test_an_emergency_needs_no_hours(no_hours: SimpleNamespace, clock: Any) -> None:
    """From the report to the closing, late, extended, shelved and promised."""
    city = no_hours
    case = town.report(city, condition=city.missing.pk)
    assert case.promise_at == town.MONDAY + timedelta(minutes=120 + 15 + 30 + 60)
    clock.move_to(case.alarm_at)
    assert alarm.ring() == 1
    case = acts.move(case, Verb.EXTEND, city.dora, note="缺材料", limit=Limit(1, Unit.URGENT_HOUR))
    assert case.due_at == town.MONDAY + timedelta(hours=3)
    clock.move_to(case.due_at + timedelta(minutes=1))
    alarm.ring()
    case = acts.passed(town.finish(case, city.hugo), city.ivan)
    assert acts.move(case, Verb.CLOSE, city.carl).stage == Stage.CLOSED
    assert case.events.get(verb=Verb.FINISH).late_s == 60


def test_its_page_opens_without_hours(no_hours: SimpleNamespace) -> None:
    """Though the window of declining is counted in working time."""
    case = town.report(no_hours, condition=no_hours.missing.pk)
    assert "finish" in acts.can(town.phone(no_hours.hugo), case)


def test_the_page_of_work_whose_hours_were_lost_opens(city: SimpleNamespace, clock: Any) -> None:
    case = town.report(city)
    Timetable.objects.all().delete()
    told = acts.seen(town.phone(city.hugo), case)
    assert (told["deadline"]["due_at"], told["deadline"]["trace"]) == ("2026-03-04T01:00:00Z", [])


def test_work_whose_hours_were_lost_is_put_off_and_no_other(city: SimpleNamespace, clock: Any) -> None:
    slow, quick = town.report(city), town.report(city, condition=city.missing.pk)
    Timetable.objects.all().delete()
    clock.move_to(slow.alarm_at)
    assert alarm.ring() == 3, "all rungs of the emergency"
    assert acts.codes(acts.last(slow)) == ["alarm_put_off"]
    assert Case.objects.get(pk=quick.pk).level == 3
    town.timetable()
    clock.shift(timedelta(hours=1))
    assert alarm.ring() >= 1
    docket.move(slow.uuid, Verb.HASTEN, by=city.carl, facts=Facts(note="请尽快"))
