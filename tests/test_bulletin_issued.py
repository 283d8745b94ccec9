"""What a bulletin says once it is issued stays said, and is compared with what was issued; nobody innocent is named."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from cases import bulletin, docket, evaluation, outbox
from cases.bulletin import article, overdue
from cases.flow import Facts, Verb
from cases.indicators import Figures
from cases.models import Issue, Scheme

from . import city as town
from .test_scores_pages import spring

MONTH = "2026-03"


@pytest.fixture
def april(city: SimpleNamespace, clock: Any) -> SimpleNamespace:
    return spring(city, clock)


def end(city: SimpleNamespace) -> None:
    """The late case is done and closed after all, and its department is exempted."""
    town.finish(city.late, city.hugo)
    docket.move(city.late.uuid, Verb.PASS, by=city.ines, facts=town.shown(city.ines, "near"))
    docket.move(city.late.uuid, Verb.CLOSE, by=city.carl)
    docket.move(city.late.uuid, Verb.ASK, by=city.hugo, facts=Facts(asks=Verb.EXEMPT, note="断路"))
    docket.move(city.late.uuid, Verb.EXEMPT, by=city.sina, facts=Facts(note="属实"))
    outbox.drain()


def test_the_month_before_stands_as_it_was_issued_and_published(april: SimpleNamespace) -> None:
    """55 as published is 55 in the next month's: here 70, and live it would be more."""
    scheme = Scheme.objects.filter(kind="department", code="department").latest("version")
    evaluation.publish(scheme, bulletin.period_of(MONTH), april.lena)
    bulletin.issue(MONTH, april.lena)
    end(april)
    live = evaluation.standings(scheme, *_days())
    assert next(row.score.points for row in live if row.subject.code == "roads") != 70
    told = bulletin.compose("2026-04")
    ranking = next(each for each in told.rankings if each.name == scheme.name)
    assert next(place.before for place in ranking.places if place.code == "roads") == 70
    roads = next(line for line in told.departments if line.code == "roads")
    for line in (told.city, roads):
        assert (line.before["unclosed"], line.before["exempt"]) == (told.city.before["unclosed"], 0)
    assert (told.city.before["unclosed"], dict(told.run)[MONTH]["unclosed"]) == (1, 1)
    assert bulletin.compose(MONTH).city.now["unclosed"] == 0


def _days() -> tuple[Any, Any]:
    period = bulletin.period_of(MONTH)
    return period.since, period.until


def test_the_late_cases_stay_those_of_the_day_it_was_issued(april: SimpleNamespace, clock: Any) -> None:
    issue = bulletin.issue(MONTH, april.lena)
    period = bulletin.period_of(MONTH)
    before = overdue.listed(period, issue, april.lena)
    assert [(row.event.case.number, row.exempt) for row in before] == [(april.late.number, False)]
    clock.shift(timedelta(days=3))
    end(april)
    kept = overdue.listed(period, Issue.objects.get(), april.lena)
    assert [(row.key, row.exempt, row.late) for row in kept] == [(row.key, row.exempt, row.late) for row in before]
    (now,) = overdue.listed(period, None, april.lena)
    assert now.exempt
    assert now.late and before[0].late and now.late.own_s > before[0].late.own_s
    assert overdue.listed(period, issue, april.hana) == []
    assert overdue.listed(period, Issue(said={}), april.lena)[0].late == now.late, "an older issue has none"


def test_nobody_is_named_for_what_was_exempted(april: SimpleNamespace) -> None:
    told = bulletin.compose(MONTH)
    assert "超期最多的单位是市政所，1 件次。" in article.facts(told)
    end(april)
    assert not [line for line in article.facts(bulletin.compose(MONTH)) if "超期最多" in line]


def test_a_class_rises_though_it_is_none_of_the_ten(april: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulletin, "CLASSES", 0)
    told = bulletin.compose(MONTH)
    assert not told.classes
    assert told.risen and told.risen.code.endswith(april.manhole.code)
    more = replace(told.risen, now=Figures(filed=5), before=Figures(filed=2))
    assert "增加最多的问题是上水井盖，由 2 件增至 5 件。" in article.facts(replace(told, risen=more))
    assert bulletin.thaw(bulletin.issue(MONTH, april.lena).said).risen == told.risen
