"""./dev bench looks: rankings of 40,000 cells by page, and the comparison of all checks of a month."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import date, timedelta

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend.settings")
os.environ.setdefault("LOG_LEVEL", "WARNING")
django.setup()

from django.conf import settings  # noqa: E402 (needs the settings)
from django.http import QueryDict  # noqa: E402

from bench import _town  # noqa: E402
from bench.tiles import processor_ms  # noqa: E402
from cases import evaluation, pairing, periods  # noqa: E402
from cases.loading import evaluation as loading  # noqa: E402
from cases.models import Publication  # noqa: E402
from console import ranking  # noqa: E402
from console.views.scores import PAGE  # noqa: E402
from grid.models import Officer  # noqa: E402
from grid.moment import today  # noqa: E402
from grid.roles import Role  # noqa: E402

LOOKS = 3
HEAD = "| look | s | Python's processor, s | database's, s |\n|---|---|---|---|"


def leader() -> Officer:
    return Officer.objects.get_or_create(username="looker", defaults={"roles": [Role.LEADER, Role.AUDITOR]})[0]


def tell(what: str, look: Callable[[], object]) -> None:
    """The mean of some looks, after one that warms up."""
    look()
    began, python, database = time.perf_counter(), time.process_time(), processor_ms()
    for _n in range(LOOKS):
        look()
    spent = time.perf_counter() - began, time.process_time() - python, (processor_ms() - database) / 1000
    print(f"| {what} | {' | '.join(f'{seconds / LOOKS:.2f}' for seconds in spent)} |", flush=True)


def rankings() -> None:
    """A page of last month's ranking of all cells: live, and as it is published."""
    loading.load(settings.BASE_DIR / "fixtures" / "evaluation")
    last = periods.of("month", today()).before
    print(HEAD)
    for what, more in (("live", ""), ("live, by its change", "&sort=change")):
        tell(what, lambda more=more: _page(last.since, f"{more}&live=1"))  # type: ignore[misc]
    if not Publication.objects.exists():
        evaluation.publish(evaluation.in_force("cell", last.until), last, leader())
    made = Publication.objects.get()
    for what, more in (("published", ""), ("published, by an indicator", "&sort=close_rate")):
        tell(what, lambda more=more: _page(last.since, more))  # type: ignore[misc]
    tell("what has changed since", lambda: evaluation.drift(made))


def _page(day: date, more: str) -> object:
    said = QueryDict(f"scheme=cell&span=month&day={day}{more}")
    asked = ranking.chosen(said, leader())
    assert asked
    return ranking.ranking(asked, leader(), said).rows[:PAGE]


def pairs() -> None:
    """All checks of thirty days, compared."""
    settings.PAIR_MOST = 10**9
    since = today() - timedelta(days=29)
    found = pairing.look(since, today(), by=leader())
    print(HEAD)
    many = f"{sum(len(pair.checks) for pair in found):,} checks, {len(found):,} pairs"
    tell(many, lambda: pairing.look(since, today(), by=leader()))


def main() -> None:
    parser = _town.parser("looks", __doc__)
    parser.add_argument("--checks", type=int, default=80_000)
    given = parser.parse_args()
    _town.fill(open=given.open, closed=given.closed, checked=given.checks)
    rankings()
    pairs()


if __name__ == "__main__":
    main()
