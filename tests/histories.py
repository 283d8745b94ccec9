"""Some days in the city by chance, the same for the same seed: people do whatever the table lets them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from random import Random
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import time_machine

from cases import alarm, docket, outbox, tally
from cases.behind import Counted, Figure, behind
from cases.clock import Limit, Unit
from cases.flow import Facts, Purpose, Refused, Source, Verb
from cases.models import Case, Tally, Terms, Total
from grid.models import Officer
from grid.moment import now, today

from . import city as town


def wander(city: SimpleNamespace, clock: time_machine.Traveller, seed: int, steps: int = 60) -> list[Case]:
    """So many acts, minutes to days apart, with a worker who comes now and then, and at the end."""
    Terms.objects.create(verb=Verb.CONTACT, within_value=4, within_unit=Unit.WORK_HOUR)
    chance, cases = Random(seed), [_report(city, Random(seed))]
    for _ in range(steps):
        clock.shift(timedelta(minutes=chance.choice((1, 10, 60, 300, 1500))))
        alarm.ring()
        if chance.random() < 0.25:
            cases.append(_report(city, chance))
        else:
            _act(city, chance, chance.choice(cases))
        if chance.random() < 0.3:
            outbox.drain()
    outbox.drain()
    tally.night()
    return cases


def _report(city: SimpleNamespace, chance: Random) -> Case:
    where = {"lon": town.LON + (chance.randrange(4) + 0.5) * town.STEP}
    what = chance.choice(({"condition": city.rattling.pk}, {"category": city.refuse.pk, "condition": city.heap.pk}))
    source, by = chance.choice(
        (
            (Source.INSPECTOR, city.ann),
            (Source.INSPECTOR, city.ines),
            (Source.HOTLINE, city.carl),
            (Source.PUBLIC, city.carl),
            (Source.DIRECTIVE, city.sina),
        )
    )
    if source == Source.INSPECTOR and chance.random() < 0.2:
        photos = town.shown(by, Purpose.BEFORE, Purpose.AFTER).photos
        return town.report(city, by=by, source=source, handled=True, photos=photos, **where, **what)
    return town.report(city, by=by, source=source, **where, **what)


def _act(city: SimpleNamespace, chance: Random, case: Case) -> None:
    """One move by somebody, at times in a case that helps with this one; what is refused did not happen."""
    verb, by, facts = chance.choice(_moves(city))
    if chance.random() < 0.3:
        case = Case.objects.filter(parent=case).first() or case
    handler = {city.roads.pk: city.hugo, city.parks.pk: city.hana}.get(
        Case.objects.values_list("department", flat=True).get(pk=case.pk), city.otto
    )
    doer = handler if by is None else by
    try:
        docket.move(case.uuid, verb, by=doer, facts=facts(doer), key=uuid4())
    except (Refused, Case.DoesNotExist):
        return


def _moves(city: SimpleNamespace) -> list[tuple[str, Officer | None, Callable[[Officer], Facts]]]:
    def say(**said: Any) -> Callable[[Officer], Facts]:
        return lambda by: Facts(**said)

    def show(*purposes: str) -> Callable[[Officer], Facts]:
        return lambda by: town.shown(by, *purposes)

    return [
        (Verb.FILE, city.carl, say(condition=city.rattling.pk)),
        (Verb.FILE, city.carl, say(condition=city.heap.pk)),
        (Verb.ORDER_VERIFY, city.carl, say()),
        (Verb.VERIFY, city.ivan, lambda by: Facts(photos=town.shown(by, Purpose.NEAR).photos, verdict="true")),
        (Verb.VOID, city.sina, say(note="不是")),
        (Verb.DISPATCH, city.dora, say(department=city.parks.pk)),
        (Verb.DISPATCH, city.dora, say(department=city.roads.pk)),
        (Verb.ASSIST, city.dora, say(department=city.office.pk, note="协助")),
        (Verb.ACCEPT, None, say()),
        (Verb.ASK, None, say(asks=Verb.DECLINE, note="非我")),
        (Verb.ASK, None, say(asks=Verb.EXEMPT, note="停电")),
        (Verb.REFUSE, city.dora, say(note="是你")),
        (Verb.DECLINE, city.dora, say(note="改派")),
        (Verb.EXTEND, city.dora, say(note="缺料", limit=Limit(1, Unit.WORK_DAY))),
        (Verb.SHELVE, city.dora, lambda by: Facts(note="待料", until=now() + timedelta(days=3))),
        (Verb.RESUME, city.dora, say()),
        (Verb.FINISH, None, show(Purpose.AFTER)),
        (Verb.FINISH, None, show(Purpose.AFTER)),
        (Verb.FINISH, None, show(Purpose.AFTER)),
        (Verb.PASS, city.ivan, show(Purpose.NEAR)),
        (Verb.PASS, city.ines, show(Purpose.NEAR)),
        (Verb.REWORK, city.ivan, say(note="没好")),
        (Verb.CLOSE, city.carl, say()),
        (Verb.CLOSE, city.sina, say()),
        (Verb.CONTACT, None, say(note="已约")),
        (Verb.CALL_BACK, city.carl, say(outcome="unreached")),
        (Verb.CALL_BACK, city.sina, say(outcome="solved", rating=4)),
        (Verb.CALL_BACK, city.carl, say(outcome="unsolved", rating=2, note="没好")),
        (Verb.EXEMPT, city.sina, say(note="属实")),
        (Verb.REOPEN, city.carl, say(note="又来")),
        (Verb.HASTEN, city.carl, say(note="快")),
        (Verb.SUPERVISE, city.lena, say(note="办")),
    ]


def days() -> tuple[date, date]:
    return town.MONDAY.date(), today() + timedelta(days=30)


def everything() -> list[tuple[object, ...]]:
    return sorted([*Tally.objects.values_list(), *Total.objects.values_list()], key=str)


def whole(figure: Figure, by: Officer, limit: int = 7) -> list[Counted]:
    """All pages of what stands behind a figure."""
    found, after = [], None
    while True:
        page, after = behind(figure, by, limit=limit, after=after)
        found += page
        if after is None:
            return found
