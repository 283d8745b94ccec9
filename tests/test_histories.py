"""Whatever happens, the figures hold together: pasts by lot, each lived once for all tests here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
import time_machine
from django.db import transaction

from cases import indicators, tally
from cases.behind import Figure
from cases.metrics import CODES
from cases.models import Basis, Case, Tally, Total
from grid.models import Area

from . import city as town
from .histories import days, everything, wander, whole

SEEDS = (1, 2, 3)


@pytest.fixture(scope="module", params=SEEDS)
def past(request: pytest.FixtureRequest, for_all_here: None) -> Iterator[SimpleNamespace]:
    with time_machine.travel(town.MONDAY, tick=False) as clock, transaction.atomic():
        city = town.build()
        wander(city, clock, request.param)
        yield city
        transaction.set_rollback(True)


@pytest.fixture
def lived(past: SimpleNamespace, db: None) -> SimpleNamespace:
    return past


def test_counted_from_nothing_it_is_the_same(lived: SimpleNamespace) -> None:
    since, until = days()
    before = everything()
    assert tally.rebuild(since, until) == 0
    Tally.objects.all().delete()
    Total.objects.all().delete()
    assert tally.rebuild(since, until) > 0
    assert everything() == before


@pytest.mark.parametrize("basis", Basis.values)
def test_the_parts_make_the_whole(basis: str, lived: SimpleNamespace) -> None:
    since, until = days()
    city = indicators.figures("city", since, until, basis=basis)[0]
    assert city["reports"] == Case.objects.filter(parent=None).count()
    for kind in ("cell", "community", "street", "district", "officer", "category"):
        parts: Counter[str] = Counter()
        for counts in indicators.figures(kind, since, until, basis=basis).values():
            parts.update(counts)
        assert dict(parts) == city, kind
    own = indicators.figures("department", since, until, basis=basis, tree=False)
    tree = indicators.figures("department", since, until, basis=basis)
    below = [lived.works, lived.roads, lived.parks]
    for code in CODES:
        assert sum(counts[code] for counts in own.values()) == city[code], code
        assert sum(own[row.pk][code] for row in below if row.pk in own) == tree[lived.works.pk][code], code
    flow, cohort = (
        indicators.figures("city", since, until, basis=each, codes=["reports", "finished", "closed", "overdue"])
        for each in Basis.values
    )
    assert flow == cohort, "over all time both count the same"


@pytest.mark.parametrize("basis", Basis.values)
def test_behind_each_figure_stand_so_many(basis: str, lived: SimpleNamespace) -> None:
    since, until = days()
    street = Area.objects.get(code="632701001")
    for kind, subject in (
        ("city", 0),
        ("street", street.pk),
        ("cell", lived.cells[0].pk),
        ("department", lived.works.pk),
        ("officer", lived.carl.pk),
        ("category", lived.manhole.pk),
    ):
        counts = indicators.figures(kind, since, until, subjects=[subject], basis=basis).get(subject, {})
        listed = whole(Figure(CODES, kind, subject, since, until, basis), lived.lena)
        assert Counter(each.metric for each in listed) == counts, kind
        assert [each.key for each in listed] == sorted((each.key for each in listed), reverse=True)
