"""Who changed post stands in the ranking of the month in which he worked in the old one."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace

from django.conf import settings

from cases import evaluation, outbox
from cases.loading import evaluation as loading
from cases.models import Scheme
from grid import changes
from grid.models import Officer
from grid.roles import Role

from . import city as town

MARCH, APRIL = (date(2026, 3, 1), date(2026, 3, 31)), (date(2026, 4, 1), date(2026, 4, 30))


def test_who_is_a_clerk_now_was_an_inspector_then(city: SimpleNamespace, clock) -> None:
    loading.load(Path(settings.BASE_DIR) / "fixtures/evaluation")
    scheme = Scheme.objects.filter(kind=Scheme.Kind.INSPECTOR).first()
    assert scheme
    town.report(city)
    outbox.drain()
    before = {row.subject.code: row for row in evaluation.standings(scheme, *MARCH)}
    assert before["ann"].rank == 1
    clock.shift(timedelta(days=18))
    changes.keep(_now(city.ann, Role.CLERK), by=city.adam)
    changes.keep(_now(city.ines, Role.CLERK), by=city.adam)  # she did nothing
    after = {row.subject.code: row for row in evaluation.standings(scheme, *MARCH)}
    assert (after["ann"].figures, after["ann"].score, after["ann"].rank) == (
        before["ann"].figures,
        before["ann"].score,
        before["ann"].rank,
    )
    assert after.keys() == {"ann", "ivan"}
    assert {row.subject.code for row in evaluation.standings(scheme, *APRIL)} == {"ivan"}


def _now(officer: Officer, *roles: Role) -> Officer:
    officer = Officer.objects.get(pk=officer.pk)
    officer.roles = list(roles)
    return officer
