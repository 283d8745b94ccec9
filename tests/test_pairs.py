"""Inspectors and departments whose checks look arranged: a list to look at, for few, with its reasons."""

from __future__ import annotations

import logging
import random
from datetime import timedelta
from math import comb, isclose
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cases import docket, outbox, pairing
from cases.flow import Facts, Purpose, Verb
from cases.models import Case, Flag, Photo, Recheck, Sampling
from cases.pairs import Bounds, Check, Fact, Finding, Pair, Sum, combined, compare, meeting, tail

from . import acts
from . import city as town
from .desk import desk

PAIRS = "/api/mobile/v1/stats/pairs"
BOUNDS = Bounds(least=10, quick_minutes=3, far_m=300, rate=0.05)


def checks(inspector: int, department: int, passed: int, reworked: int, **said: object) -> list[Check]:
    return [Check(0, inspector, department, n < passed, **said) for n in range(passed + reworked)]  # type: ignore[arg-type]


def finding(pair: Pair, fact: Fact) -> Finding:
    return next(found for found in pair.findings if found.fact == fact)


def listed(made: list[Check]) -> list[tuple[int, int]]:
    return [(pair.inspector, pair.department) for pair in compare(made, BOUNDS) if pair.stands_out]


# The formulas


@pytest.mark.parametrize(("k", "n", "marked", "total"), [(5, 5, 8, 20), (1, 4, 2, 30), (10, 12, 60, 100), (3, 9, 9, 9)])
def test_the_tail_is_fishers_exact_test(k: int, n: int, marked: int, total: int) -> None:
    by_hand = sum(comb(marked, i) * comb(total - marked, n - i) for i in range(k, n + 1)) / comb(total, n)
    if total > n:
        assert isclose(tail(Sum(k, n), Sum(marked - k, total - n)), by_hand, rel_tol=1e-9)
    else:
        assert tail(Sum(k, n), Sum()) == 1


def test_a_meeting_is_what_the_lots_give() -> None:
    assert isclose(meeting(2, [0.5, 0.5, 0.5]), 0.5)
    assert isclose(meeting(1, [0.5, 0.25]), 1 - 0.5 * 0.75)
    assert meeting(0, [0.5]) == 1
    assert isclose(meeting(4, [1e-4] * 4), 1e-16), "no rounding of one less nearly one"
    assert isclose(meeting(2, [1e-8] * 3), 3e-16 - 2e-24)


def test_chances_are_combined_by_fishers_method() -> None:
    assert combined([]) == 1
    assert isclose(combined([0.03]), 0.03)
    assert isclose(combined([0.1, 0.2]), 0.02 * (1 + 3.912023005428146), rel_tol=1e-9)  # p(1 − ln p)


# Who stands out


def test_who_passes_what_others_send_back_stands_out() -> None:
    others = [check for pk in (2, 3, 4) for check in checks(pk, 1, 30, 20)]
    assert listed([*checks(1, 1, 40, 0), *others]) == [(1, 1)]


def test_who_is_mild_with_everybody_does_not() -> None:
    strict = [check for pk in (2, 3, 4) for department in (1, 2) for check in checks(pk, department, 30, 20)]
    assert listed([*checks(1, 1, 40, 0), *checks(1, 2, 40, 0), *strict]) == []


def test_alike_is_never_listed() -> None:
    assert listed([check for pk in range(8) for check in checks(pk, 1, 30, 10)]) == []


def test_few_checks_are_not_judged() -> None:
    others = [check for pk in (2, 3, 4) for check in checks(pk, 1, 5, 45)]
    pair = next(pair for pair in compare([*checks(1, 1, 9, 0), *others], BOUNDS) if pair.inspector == 1)
    assert (pair.judged, pair.stands_out, pair.score) == (False, False, 0)


@pytest.mark.parametrize(
    ("fact", "said"),
    [
        (Fact.QUICK, {"minutes": 1.0}),
        (Fact.FAR, {"metres": 900.0}),
        (Fact.FLAGGED, {"flagged": True}),
        (Fact.FAILED, {"held": False}),
    ],
)
def test_each_fact_alone_can_tell(fact: Fact, said: dict[str, object]) -> None:
    usual = {"minutes": 30.0, "metres": 10.0, "held": True}
    others = [check for pk in (2, 3, 4) for check in checks(pk, 1, 30, 10, **usual)]
    made = [*checks(1, 1, 30, 10, **(usual | said)), *others]
    assert listed(made) == [(1, 1)]
    found = next(pair for pair in compare(made, BOUNDS) if pair.stands_out)
    assert [reason.fact for reason in found.findings if reason.telling] == [fact]


def test_who_meets_more_often_than_the_lot_would_have_it_stands_out() -> None:
    lot = (1, 2, 3, 4)
    made = [*checks(1, 1, 30, 10, lot=lot), *(check for pk in (2, 3, 4) for check in checks(pk, 1, 6, 2, lot=lot))]
    assert listed(made) == [(1, 1)]
    met = finding(compare(made, BOUNDS)[0], Fact.MET)
    assert (met.own, met.expected) == (Sum(40, 64), 16)


def test_simulated_honest_people_are_hardly_ever_listed_and_arranged_ones_are() -> None:
    from bench.pairs import BOLD, BOUNDS, city

    wrong = [pair for seed in range(3) for pair in compare(city(random.Random(seed), 40, None)[0], BOUNDS)]
    assert sum(pair.stands_out for pair in wrong) <= 1
    made, arranged = city(random.Random(1), 40, BOLD)
    first = compare(made, BOUNDS)[0]
    assert (first.inspector, first.department) == arranged
    assert first.stands_out


# From the log


@pytest.fixture
def few(settings, city: SimpleNamespace, clock) -> SimpleNamespace:
    settings.PAIR_LEAST = 2
    return city


def checked(city: SimpleNamespace, clock: object, verb: str, minutes: int, point: str | None = None) -> Case:
    """Finished by hugo, and checked by ivan after so many minutes."""
    case = town.finish(town.report(city), city.hugo)
    clock.shift(timedelta(minutes=minutes))  # type: ignore[attr-defined]
    facts = town.shown(city.ivan, Purpose.NEAR)
    Photo.objects.filter(pk=facts.photos[0][0]).update(point=point)
    return docket.move(case.uuid, verb, by=city.ivan, facts=Facts(photos=facts.photos, note="查"))


def test_the_log_says_what_a_check_was(few: SimpleNamespace, clock) -> None:
    near, far = f"SRID=4326;POINT({town.LON} {town.LAT})", "SRID=4326;POINT(97.1 33.0)"
    quick, sent_back = checked(few, clock, Verb.PASS, 1, near), checked(few, clock, Verb.REWORK, 20, far)
    Flag.objects.create(case=quick, code="photo_same", photo=quick.evidence.latest("id").photo, raised_at=town.MONDAY)
    one, other = pairing.checks(town.MONDAY, town.MONDAY + timedelta(days=1), Case.objects.all())
    assert (one.case, one.inspector, one.department) == (quick.pk, few.ivan.pk, few.roads.pk)
    assert (one.passed, one.minutes, one.flagged, one.lot) == (True, 1, True, (few.ivan.pk,))
    assert (other.case, other.passed, other.minutes, other.flagged) == (sent_back.pk, False, 20, False)
    assert one.metres is not None
    assert other.metres is not None
    assert one.metres < 100 < 9_000 < other.metres


def test_a_re_check_that_did_not_hold_is_a_fact_unless_it_was_dismissed(few: SimpleNamespace, clock) -> None:
    Sampling.objects.create(share=1, days=7, value=1, unit="urgent_day")
    held = []
    for verdict, upheld in (("holds", None), ("fails", True), ("fails", False), ("", None)):
        case = acts.move(checked(few, clock, Verb.PASS, 9), Verb.CLOSE, few.carl)
        outbox.drain()
        Recheck.objects.filter(case=case).update(
            verdict=verdict, done_at=town.MONDAY if verdict else None, upheld=upheld, over_at=town.MONDAY
        )
        held.append(
            pairing.checks(town.MONDAY, town.MONDAY + timedelta(days=1), Case.objects.filter(pk=case.pk))[0].held
        )
    assert held == [True, False, True, None]


def test_the_list_tells_its_reasons_and_the_cases(few: SimpleNamespace, clock, monkeypatch: pytest.MonkeyPatch) -> None:
    cases = [checked(few, clock, Verb.PASS, 1) for _n in range(3)]
    real = pairing.checks

    def with_others(*said: object) -> list[Check]:
        strangers = [
            check for pk in (few.ann.pk, few.ines.pk) for check in checks(pk, few.roads.pk, 20, 60, minutes=30.0)
        ]
        return [*real(*said), *strangers]  # type: ignore[arg-type]

    monkeypatch.setattr(pairing, "checks", with_others)
    said = town.phone(few.aude).get(PAIRS).json()
    (line,) = said["items"]
    assert (said["compared"], said["too_few"], line["checks"]) == (3, 0, 3)
    assert (line["inspector"]["name"], line["department"]["name"]) == ("Ivan", "市政所")
    assert line["reasons"] == [
        "3 次核查通过 3 次；其他监督员对该单位的通过率为 25%。",
        "3 次通过中有 3 次紧接着处置完成；其他监督员为 0%。",
    ]
    assert {case["number"] for case in line["cases"]} == {case.number for case in cases}
    assert line["cases"][0]["marks"] == ["quick"]
    assert line["score"] > 2


def test_each_look_is_logged_and_few_may(few: SimpleNamespace, clock, caplog: pytest.LogCaptureFixture) -> None:
    checked(few, clock, Verb.PASS, 1)
    with caplog.at_level(logging.INFO, "access"):
        for officer, status in ((few.aude, 200), (few.sina, 200), (few.lena, 200), (few.carl, 403), (few.ivan, 403)):
            assert town.phone(officer).get(PAIRS).status_code == status
    looks = [line for line in caplog.messages if line.startswith("pairs officer=")]
    assert looks == [
        f"pairs officer={pk} since=2025-12-03T00:00:00+08:00 until=2026-03-03T00:00:00+08:00"
        for pk in (few.aude.pk, few.sina.pk, few.lena.pk)
    ]


def test_a_period_must_be_one(few: SimpleNamespace) -> None:
    refusal = town.phone(few.aude).get(PAIRS, {"from": "2026-03-02", "to": "2026-03-01"})
    assert (refusal.status_code, refusal.json()["code"]) == (422, "bad_period")


def test_more_checks_than_are_compared_at_once_are_refused(few: SimpleNamespace, clock, settings: Any) -> None:
    checked(few, clock, Verb.PASS, 5)
    settings.PAIR_MOST = 1
    assert town.phone(few.aude).get(PAIRS).status_code == 200
    checked(few, clock, Verb.PASS, 5)
    refusal = town.phone(few.aude).get(PAIRS)
    assert (refusal.status_code, refusal.json()["code"]) == (422, "too_many_checks")
    answer = desk(few.aude).get("/oversight/pairs/")
    assert answer.status_code == 422
    assert "请缩短时间" in answer.content.decode()


def test_all_checks_are_read_by_one_statement(few: SimpleNamespace, clock) -> None:
    for _n in range(3):
        checked(few, clock, Verb.PASS, 5)
    with CaptureQueriesContext(connection) as asked:
        assert len(pairing.checks(town.MONDAY, town.MONDAY + timedelta(days=1), Case.objects.all())) == 3
    assert len(asked) == 1
