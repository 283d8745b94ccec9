"""What would have been under other limits and duties, with nothing published and no case touched."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cases import alarm, docket, evaluation, indicators, outbox, rulebook, tally, whatif
from cases.flow import Refused, Verb
from cases.loading import evaluation as loading
from cases.models import Case, CaseEvent, Duty, Publication, Scheme, Trial
from cases.periods import of

from . import city as town

TRIALS = "/api/mobile/v1/stats/trials"
MARCH = of("month", town.MONDAY.date())


@pytest.fixture
def april(city: SimpleNamespace, clock) -> SimpleNamespace:
    """Three cases of the roads department in March, with two working days each: done after an hour, after one and a
    half days, and after three days; the second had another day granted. Now it is April."""
    loading.load(Path(settings.BASE_DIR) / "fixtures/evaluation")
    prompt, slow, late = (town.report(city, lon=town.LON + (n + 0.5) * town.STEP) for n in (0, 1, 2))
    for case, hours in ((prompt, 1), (slow, 29), (late, 72)):
        clock.move_to(town.MONDAY + timedelta(hours=hours))
        alarm.ring()
        town.finish(case, city.hugo)
    outbox.drain()
    clock.move_to(town.MONDAY.replace(month=4))
    tally.night()
    city.log = list(CaseEvent.objects.values_list().order_by("pk"))
    return city


def tried(city: SimpleNamespace, scheme: str = "department", **said: Any) -> dict[str, dict[str, int]]:
    """The figures that would be, by the code of the subject; nothing else has changed."""
    trial = whatif.begin(Scheme.objects.get(code=scheme), MARCH, said, city.lena)
    for _twice in range(2):
        whatif.reckon(trial.pk)
    trial.refresh_from_db()
    assert trial.finished_at and trial.done == trial.whole == 3
    assert list(CaseEvent.objects.values_list().order_by("pk")) == city.log
    assert not Publication.objects.exists()
    codes = ("dispatched", "finished", "on_time", "overdue")
    return {then.subject.code: {code: then.figures[code] for code in codes} for _now, then in whatif.beside(trial)}


def hours(city: SimpleNamespace, value: int, unit: str = "work_hour") -> dict[str, Any]:
    return {"limits": [{"condition": city.rattling.pk, "value": value, "unit": unit}]}


def test_as_it_is(april: SimpleNamespace) -> None:
    roads = indicators.figures("department", MARCH.since, MARCH.until)[april.roads.pk]
    assert (roads["on_time"], roads["overdue"]) == (2, 1)


def test_the_same_limit_changes_nothing(april: SimpleNamespace) -> None:
    assert tried(april, **hours(april, 2, "work_day"))["roads"] == {
        "dispatched": 3,
        "finished": 3,
        "on_time": 2,
        "overdue": 1,
    }


@pytest.mark.parametrize(
    ("value", "unit", "on_time", "overdue"),
    [
        (8, "work_hour", 1, 2),  # due on Tuesday at nine; the second was done at fourteen
        (24, "work_hour", 3, 0),  # due on Thursday at nine, when the last was done
        (4, "urgent_hour", 1, 2),
        (3, "urgent_day", 3, 0),
    ],
)
def test_another_limit(value: int, unit: str, on_time: int, overdue: int, april: SimpleNamespace) -> None:
    for code in ("roads", "works"):
        told = tried(april, **hours(april, value, unit))[code]
        assert told == {"dispatched": 3, "finished": 3, "on_time": on_time, "overdue": overdue}
    assert tried(april, "street", **hours(april, value, unit))["632701001"]["overdue"] == overdue


def test_another_duty(april: SimpleNamespace) -> None:
    told = tried(april, duties=[{"category": april.manhole.parent_id, "area": "", "department": april.parks.pk}])
    assert told["roads"] == {"dispatched": 0, "finished": 0, "on_time": 0, "overdue": 0}
    assert told["parks"] == {"dispatched": 3, "finished": 3, "on_time": 2, "overdue": 1}
    assert told["works"] == {"dispatched": 3, "finished": 3, "on_time": 2, "overdue": 1}


def test_work_under_way_counts_too(april: SimpleNamespace, clock) -> None:
    clock.move_to(town.MONDAY)
    case = town.report(april)
    clock.move_to(town.MONDAY.replace(month=4))
    docket.move(case.uuid, Verb.HASTEN, by=april.carl, facts=docket.Facts(note="快"))
    outbox.drain()
    april.log = list(CaseEvent.objects.values_list().order_by("pk"))
    trial = whatif.begin(Scheme.objects.get(code="department"), MARCH, hours(april, 100), april.lena)
    whatif.reckon(trial.pk)
    trial.refresh_from_db()
    assert trial.whole == 4
    now, then = next(pair for pair in whatif.beside(trial) if pair[0].subject.code == "roads")
    assert (now.figures["overdue"], then.figures["overdue"]) == (2, 1)  # the late one is in time, this one still not
    assert Case.objects.filter(stage="handling").count() == 1


@pytest.mark.parametrize(
    ("scheme", "said", "code"),
    [
        ("inspector", {"limits": [{"condition": 0, "value": 1, "unit": "work_day"}]}, "trial_unfit"),
        ("department", {}, "trial_unfit"),
        ("department", {"limits": [{"condition": 0, "value": 1, "unit": "work_day"}]}, "condition_unfit"),
        ("department", {"duties": [{"category": 0, "area": "", "department": 0}]}, "category_unknown"),
    ],
)
def test_what_makes_no_sense_is_refused(scheme: str, said: dict[str, Any], code: str, april: SimpleNamespace) -> None:
    with pytest.raises(Refused) as refused:
        whatif.begin(Scheme.objects.get(code=scheme), MARCH, said, april.lena)
    assert refused.value.code == code
    assert not Trial.objects.exists()


def test_it_is_reckoned_in_turns(april: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch a turn, so that alarms need not wait; what others do to the rules begins it anew."""
    whole = tried(april, **hours(april, 8))
    monkeypatch.setattr(whatif, "TURN_S", -1.0)
    monkeypatch.setattr(whatif, "BATCH", 1)
    trial = whatif.begin(Scheme.objects.get(code="department"), MARCH, hours(april, 8), april.lena)
    assert whatif.begin(trial.scheme, MARCH, hours(april, 8), april.lena) == trial

    def turn() -> int:
        whatif.reckon(trial.pk)
        trial.refresh_from_db()
        return trial.done

    assert [turn(), turn()] == [1, 2] and not trial.finished_at
    Duty.objects.filter(category=april.refuse).update(department=april.parks)
    assert [turn() for _n in range(4)] == [1, 2, 3, 3]
    assert trial.finished_at and trial.state["found"] == []
    roads = next(then for _now, then in whatif.beside(trial) if then.subject.code == "roads")
    assert {code: roads.figures[code] for code in whole["roads"]} == whole["roads"]


def test_a_batch_costs_two_statements(april: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(value: int) -> int:
        trial = whatif.begin(Scheme.objects.get(code="department"), MARCH, hours(april, value), april.lena)
        with CaptureQueriesContext(connection) as queries:
            whatif.reckon(trial.pk)
        return len(queries)

    together = asked(8)
    monkeypatch.setattr(whatif, "BATCH", 1)
    assert asked(9) == together + 2 * 2


def test_a_trial_begun_by_an_older_version_begins_anew(april: SimpleNamespace) -> None:
    """It went by lines, and had found some already."""
    said = hours(april, 8)
    trial = whatif.begin(Scheme.objects.get(code="department"), MARCH, said, april.lena)
    edition = str(rulebook.current().version)
    found = [[april.cells[0].pk, april.roads.pk, {"overdue": 7}]]
    Trial.objects.update(state={"edition": edition, "within": "", "line": 1, "case": 0, "found": found})
    assert tried(april, **said)["roads"]["overdue"] == 2
    assert Trial.objects.get() == trial


def test_a_trial_that_breaks_says_so(april: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    trial = whatif.begin(Scheme.objects.get(code="department"), MARCH, hours(april, 8), april.lena)
    monkeypatch.setattr(whatif, "_lives", lambda *_said: 1 / 0)
    whatif.reckon(trial.pk)
    told = town.phone(april.lena).get(f"{TRIALS}/{trial.pk}").json()
    assert (told["failed"], told["changes"]) == ("broken", []) and told["finished_at"]


def test_it_is_asked_for_and_watched(april: SimpleNamespace) -> None:
    """10 % × 100 + 30 % × (closing as it is) …: the ranking beside what it would be."""
    lena = town.phone(april.lena)
    body = {"scheme": "department", "span": "month", "day": "2026-03-02", **hours(april, 24)}
    answer = lena.post(TRIALS, json.dumps(body), content_type="application/json")
    assert (answer.status_code, answer.json()["finished_at"], answer.json()["changes"]) == (202, None, [])
    path = f"{TRIALS}/{answer.json()['id']}"
    whatif.reckon(answer.json()["id"])
    told = lena.get(path).json()
    assert (told["done"], told["whole"]) == (3, 3)
    roads = next(row for row in told["changes"] if row["subject"]["code"] == "roads")
    standing = evaluation.standings(Scheme.objects.get(code="department"), MARCH.since, MARCH.until)
    now = next(row for row in standing if row.subject.code == "roads").score.points
    assert now is not None and (roads["points"], roads["points_if"]) == (float(now), float(now) + 10)
    assert (roads["overdue"], roads["overdue_if"], roads["on_time_rate_if"]) == (1, 0, 1.0)
    assert told["limits"] == [{"condition": april.rattling.pk, "value": "24", "unit": "work_hour"}]
    (mine,) = lena.get(TRIALS).json()
    assert mine["id"] == told["id"] and town.phone(april.dora).get(TRIALS).json() == []
    assert town.phone(april.dora).get(path).status_code == 404
    assert town.phone(april.hugo).get(path).status_code == 403
