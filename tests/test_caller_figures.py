"""What callers say counts: contacted in time, solved, satisfied."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.conf import settings

from cases import indicators, outbox, tally
from cases.flow import Outcome, Verb
from cases.loading import evaluation as loading
from cases.models import Terms
from grid.moment import today

from . import city as town
from . import test_callers
from .acts import move
from .test_callers import DAY, asked, ended, phoned

rules = test_callers.rules


def counted(city: SimpleNamespace, *codes: str) -> tuple[int, ...]:
    """The roads department's figures of this month, by way of the worker; counted from nothing they are the same."""
    outbox.drain()
    days = (town.MONDAY.date(), today())
    assert tally.rebuild(*days) == 0
    figures = indicators.figures("department", *days).get(city.roads.pk, indicators.Figures())
    return tuple(figures[code] for code in codes)


def behind(city: SimpleNamespace, indicator: str, part: str) -> list[tuple[str, str]]:
    """The number and the verb of each line behind a rate of the roads department."""
    asked = {"kind": "department", "subject": city.roads.pk, "indicator": indicator, "part": part}
    days = {"from": "2026-03-01", "to": "2026-03-31"}
    answer = town.phone(city.lena).get("/api/mobile/v1/stats/cases", asked | days)
    assert answer.status_code == 200, answer.content
    return [(item["number"], item["verb"]) for item in answer.json()["items"]]


def test_the_three_rates_open_their_cases(rules: SimpleNamespace, clock) -> None:
    loading.load(Path(settings.BASE_DIR) / "fixtures/evaluation")
    good, poor, silent = (phoned(rules) for _n in range(3))
    move(good, Verb.CONTACT, rules.hugo, note="已约")
    clock.shift(2 * DAY)
    move(poor, Verb.CONTACT, rules.hugo, note="迟了")
    for case in (good, poor, silent):
        ended(case, rules)
    asked(good, rules.carl)
    asked(poor, rules.carl, rating=1, note="太慢")
    move(silent, Verb.CALL_BACK, rules.carl, outcome=Outcome.UNREACHED)
    codes = ("contacts_due", "contacted", "to_call", "called_back", "solved", "satisfied")
    assert counted(rules, *codes) == (3, 1, 3, 2, 2, 1)
    told = {code: [number for number, _verb in behind(rules, code, "numerator")] for code in RATES}
    assert told == {
        "contact_on_time": [good.number],
        "solve_rate": [poor.number, good.number],
        "satisfy_rate": [good.number],
    }
    assert behind(rules, "solve_rate", "denominator") == [(poor.number, "call_back"), (good.number, "call_back")]
    assert {number for number, _verb in behind(rules, "contact_on_time", "denominator")} == {
        case.number for case in (good, poor, silent)
    }


RATES = ("contact_on_time", "solve_rate", "satisfy_rate")


def test_where_nobody_is_to_be_called_back_nobody_is_missed(rules: SimpleNamespace, clock) -> None:
    """What was closed before the row began to hold wants no call either."""
    Terms.objects.filter(verb=Verb.CALL_BACK).delete()
    ended(phoned(rules), rules)
    assert counted(rules, "to_call") == (0,)


def test_of_one_closing_the_latest_answer_counts(rules: SimpleNamespace, clock) -> None:
    case = ended(phoned(rules), rules)
    codes = ("called_back", "solved", "satisfied")
    asked(case, rules.carl, outcome="unsolved", rating=1, note="记错了")
    assert counted(rules, *codes) == (1, 0, 0)
    clock.shift(DAY)
    asked(case, rules.carl)
    assert counted(rules, *codes) == (1, 1, 1)
    move(case, Verb.CALL_BACK, rules.carl, outcome=Outcome.UNREACHED)
    assert counted(rules, *codes) == (1, 1, 1)


def test_each_closing_is_asked_about_for_itself(rules: SimpleNamespace, clock) -> None:
    case = ended(phoned(rules), rules)
    asked(case, rules.carl, outcome="unsolved", rating=1, note="没修好")
    move(case, Verb.REOPEN, rules.carl, note="返修")
    clock.shift(DAY)
    asked(ended(case, rules), rules.carl)
    assert counted(rules, "to_call", "called_back", "solved", "satisfied") == (2, 2, 1, 1)


@pytest.mark.parametrize("late", [False, True], ids=["in time", "late"])
@pytest.mark.parametrize("verb", [Verb.DECLINE, Verb.VOID, Verb.LINK])
def test_whose_case_was_taken_back_in_time_need_not_have_called(
    verb: Verb, late: bool, rules: SimpleNamespace, clock
) -> None:
    master, case = town.report(rules), phoned(rules)
    clock.shift(DAY + timedelta(hours=1 if late else -1))
    by, said = {
        Verb.DECLINE: (rules.dora, {"note": "改派"}),
        Verb.VOID: (rules.sina, {"note": "重复"}),
        Verb.LINK: (rules.carl, {"same_as": str(master.uuid)}),
    }[verb]
    assert counted(rules, "contacts_due") == (1,)
    move(case, verb, by, **said)
    assert counted(rules, "contacts_due", "contacted") == (int(late), 0)
