"""A trial counts what the same acts would have counted, had they been lived under the other rules: pasts by lot that
take every path, each lived once for all tests here. LIVES=20 looks at so many, in place of two."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Mapping
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
import time_machine
from django.db import transaction

from cases import replay, rulebook, whatif
from cases.clock import Limit, Unit
from cases.flow import Stage, Verb
from cases.models import Case, CaseEvent, Rung, Scheme, StageLimit
from cases.periods import of
from cases.planting.hush import hush
from grid.moment import now

from . import city as town
from .lives import Counts, Life, Name, limit_to, ruled

SEEDS = range(int(os.environ.get("LIVES", "2")))
STEPS = 60
OTHERS = (("short", "duties"), ("by day and night", "long"))  # of every second life


def other(city: SimpleNamespace, name: str) -> dict[str, Any]:
    """What is tried."""

    def limits(rattling: tuple[int, str], heap: tuple[int, str]) -> dict[str, Any]:
        pairs = ((city.rattling.pk, rattling), (city.heap.pk, heap))
        return {"limits": [{"condition": pk, "value": value, "unit": unit} for pk, (value, unit) in pairs]}

    if name == "duties":
        parks = {"category": city.manhole.parent_id, "area": "", "department": city.parks.pk}
        roads = {"category": city.refuse.pk, "area": city.street.code, "department": city.roads.pk}
        return {**limits((10, "work_hour"), (2, "work_hour")), "duties": [parks, roads]}
    return {
        "short": limits((5, "work_hour"), (1, "work_hour")),
        "long": limits((5, "work_day"), (20, "work_hour")),
        "by day and night": limits((1, "urgent_day"), (40, "urgent_hour")),
    }[name]


@pytest.fixture(scope="module", params=SEEDS)
def past(request: pytest.FixtureRequest, for_all_here: None) -> SimpleNamespace:
    """A life, what trials say of it after all limits were edited, and the same acts lived under the other rules.

    In every second life a limit is edited in the middle too.
    """
    seed = request.param
    with time_machine.travel(town.MONDAY, tick=False) as clock, hush("lives"), transaction.atomic():
        city = town.build()
        StageLimit.objects.all().delete()  # the clocks of the centre ring no alarms here
        Rung.objects.exclude(share=1).delete()
        schemes = [_scheme(kind) for kind in ("department", "cell")]
        edits = {STEPS // 2: {city.rattling.pk: Limit(1, Unit.WORK_DAY)}} if seed % 2 else {}
        with transaction.atomic():
            life = Life(city, clock).by_lot(seed, STEPS, edits)
            found = SimpleNamespace(city=city, life=life, edited=bool(edits), names=life.named(), counts=life.counts())
            found.ended = now()
            found.lines, found.cases = _log(), Case.objects.in_bulk()
            for row in (city.rattling, city.heap):
                limit_to(row.pk, Limit(3, Unit.URGENT_HOUR))
            found.book = rulebook.current()
            for case in Case.objects.select_related("cell"):
                case.cell.area = found.book.areas[case.cell.area_id]
                found.cases[case.pk] = case
            found.said = {name: other(city, name) for name in OTHERS[seed % 2]}
            asked = found.said | {"as it was": as_it_was(found)}
            found.trials = {name: [_tried(scheme, said, city) for scheme in schemes] for name, said in asked.items()}
            transaction.set_rollback(True)
        found.lived = {name: _lived_again(city, clock, life, said) for name, said in found.said.items()}
        transaction.set_rollback(True)
    return found


def _scheme(kind: str) -> Scheme:
    said = {"items": [], "grades": []}
    return Scheme.objects.create(
        code=kind, version=1, name=kind, kind=kind, basis="flow", valid_from="2020-01-01", said=said
    )


def _log() -> dict[int, list[CaseEvent]]:
    lines = defaultdict(list)
    for line in CaseEvent.objects.order_by("id"):
        lines[line.case_id].append(line)
    return lines


def _tried(scheme: Scheme, said: Mapping[str, Any], city: SimpleNamespace) -> dict[str, dict[str, int]]:
    """What differs, by subject."""
    trial = whatif.begin(scheme, of("year", town.MONDAY.date()), said, city.lena)
    while not trial.finished_at:
        whatif.reckon(trial.pk)
        trial.refresh_from_db()
    assert not trial.failed
    return trial.found


def _lived_again(
    city: SimpleNamespace, clock: time_machine.Traveller, first: Life, said: Mapping[str, Any]
) -> tuple[dict[Name, Counts], set[int]]:
    """What the cases count that did not part, and which did."""
    with transaction.atomic():
        clock.move_to(town.MONDAY)
        ruled(said)
        life = Life(city, clock).again(first.acts)
        counts = life.counts()
        transaction.set_rollback(True)
    return counts, life.parted


def relived(past: SimpleNamespace, said: Mapping[str, Any]) -> dict[int, replay.Lines]:
    """The lines of each case under other rules."""
    change = whatif._change(past.book, said)
    return {pk: replay.relive(change, past.cases[pk], lines, past.ended) for pk, lines in past.lines.items()}


def counted(past: SimpleNamespace, lines: Mapping[int, replay.Lines]) -> dict[Name, Counts]:
    found = {past.names[pk]: Counter(replay.counted(own)) for pk, own in lines.items()}
    return {name: counts for name, counts in found.items() if counts}


def test_a_past_takes_its_ways(past: SimpleNamespace) -> None:
    took = Counter(line.verb for own in past.lines.values() for line in own)
    ways = {"extend", "shelve", "resume", "rework", "decline", "finish", "assist", "reopen"}
    assert len(ways & set(took)) >= 6, took


def test_lines_count_what_figures_count(past: SimpleNamespace) -> None:
    """The trial's own definition of a few metrics is that of all figures."""
    assert counted(past, past.lines) == past.counts


def test_a_trial_counts_what_would_have_been_lived(past: SimpleNamespace) -> None:
    for name, (lived, parted) in past.lived.items():
        would = counted(past, relived(past, past.said[name]))
        assert {key: counts for key, counts in would.items() if key[0] not in parted} == lived, name
        assert lived, "there is something to compare"


def test_the_worker_adds_up_what_the_cases_say(past: SimpleNamespace) -> None:
    for name, said in past.said.items():
        difference: Counter[tuple[str, str]] = Counter()
        for pk, lines in relived(past, said).items():
            for sign, own in ((-1, past.lines[pk]), (1, lines)):
                for code, _department, _day in replay.counted(own):
                    difference[str(past.cases[pk].cell_id), code] += sign
        departments, cells = past.trials[name]
        told = {(cell, code): n for cell, counts in cells.items() for code, n in counts.items()}
        assert told == {key: n for key, n in difference.items() if n} and departments, name


def test_the_rules_of_that_time_change_nothing(past: SimpleNamespace) -> None:
    """Whatever the rules are now."""
    assert past.trials["as it was"] == [{}, {}]


def test_lived_again_each_line_freezes_what_it_froze(past: SimpleNamespace) -> None:
    """Sixteen hours are two days of eight: the clock is wound anew, and comes to the same."""
    again = relived(past, as_it_was(past, (16, "work_hour"), (Decimal("0.5"), "work_day")))
    assert any(lines is not past.lines[pk] for pk, lines in again.items())

    def frozen(line: CaseEvent) -> tuple[object, ...]:
        return line.verb, line.at, line.since, line.due_at, line.allowed_s, line.late_s, line.department_id

    for pk, own in past.lines.items():
        was, would = ([line for line in lines if line.left == Stage.HANDLING] for lines in (own, again[pk]))
        moving = [line for line in was if line.entered != line.left or line.verb == Verb.EXTEND]
        again_moving = [line for line in would if line.entered != line.left or line.verb == Verb.EXTEND]
        assert [frozen(line) for line in again_moving] == [frozen(line) for line in moving]


def as_it_was(
    past: SimpleNamespace, rattling: tuple[object, str] = (2, "work_day"), heap: tuple[object, str] = (4, "work_hour")
) -> dict[str, Any]:
    """The limits of that time; of one that was edited in the middle there is none."""
    rows = [(past.city.heap, heap), *([] if past.edited else [(past.city.rattling, rattling)])]
    return {"limits": [{"condition": row.pk, "value": value, "unit": unit} for row, (value, unit) in rows]}
