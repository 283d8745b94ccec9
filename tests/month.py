"""A month done by hand: what people did, and what it counts for the departments, day by day."""

from __future__ import annotations

from datetime import date, datetime
from types import SimpleNamespace
from typing import Any

from django.test import Client

from cases import alarm, docket, outbox, rechecks, tally
from cases.clock import Limit, Unit
from cases.flow import Facts, Purpose, Source, Verb
from cases.indicators import series
from cases.models import Case, Recheck, Sampling, Terms
from grid.models import Department

from . import city as town

STATS = "/api/mobile/v1/stats/departments"

# Cases of the roads department with two working days (16 hours of 08–12 and 14–18), but for `night`: two hours.
MONTH = """
    02 09:00 prompt   report
    02 10:00 tardy    report
    03 09:00 left     report             # never finished: overdue on the 5th
    03 16:00 prompt   finish             # due on the 4th, 09:00
    03 17:00 prompt   pass
    03 17:30 prompt   close
    06 11:00 tardy    finish             # due on the 4th, 10:00
    06 14:00 tardy    pass
    06 15:00 tardy    close
    09 09:00 twice    report
    09 11:00 twice    finish
    09 15:00 twice    rework             # 14 hours left: due on the 11th, 11:00
    10 10:00 twice    finish
    10 11:00 twice    rework             # 9 hours left: due on the 11th, 12:00
    12 09:00 twice    finish
    12 10:00 twice    pass
    12 11:00 twice    close
    13 22:30 night    report             # due on the 14th, 00:30
    14 00:10 night    finish             # in Greenwich this is still the 13th
    16 09:00 again    report
    16 11:00 again    finish
    16 14:00 again    pass
    16 15:00 again    close
    17 09:00 shelf    report
    17 17:00 shelf    shelve 26 09:00    # 10 hours left
    18 09:00 other    report
    18 09:30 vain     report
    18 10:00 vain     void
    19 09:00 ring     call               # a citizen calls
    19 09:05 ring     file               # due on the 23rd, 09:05; he is to be contacted until the 20th, 09:05
    19 11:00 ring     contact
    19 14:00 ring     finish
    19 15:00 ring     pass
    19 15:30 ring     close
    20 08:30 ring     recheck holds
    20 09:00 again    reopen             # due on the 24th, 09:00
    20 10:00 other    decline            # due on the 20th, 09:00
    20 10:30 other    dispatch
    23 09:00 again    finish
    23 09:10 again    pass
    23 09:20 again    close
    23 09:30 mercy    report
    23 09:40 limbo    report
    23 10:00 other    finish             # the parks department's
    24 08:00 ring     call_back unreached
    24 09:00 ring     call_back unsolved 2
    24 09:30 ring     reopen             # due on the 26th, 09:30
    24 10:00 mute     call
    24 10:05 mute     file               # due on the 26th, 10:05; to be contacted until the 25th, 10:05
    24 15:00 ring     finish
    24 16:00 ring     pass
    24 16:30 ring     close
    25 10:30 mute     contact            # too late
    25 11:00 mercy    extend             # due on the 25th, 09:30; now on the 27th
    25 15:00 limbo    shelve 27 09:00    # due on the 25th, 09:40; nothing left
    26 09:00 mercy    finish
    26 09:30 mute     finish
    26 10:20 mute     pass
    26 10:30 mute     close
    26 15:00 mute     call_back solved 2
    27 09:00 mute     recheck fails
    27 10:00 shelf    finish             # due on the 27th, 11:00: the alarm took it off the shelf
    27 15:00 limbo    finish
    30 09:00 ring     call_back solved 1 # a slip
    30 09:10 ring     call_back solved 5
    30 09:20 ring     call_back unreached
    30 10:00 mute     upheld             # reopened, due in April
    31 16:00 april    report             # due in April
"""

METRICS = ("dispatched", "finished", "on_time", "overdue", "rework", "closed")
ROADS = {
    2: (2, 0, 0, 0, 0, 0),
    3: (1, 1, 1, 0, 0, 1),
    4: (0, 0, 0, 1, 0, 0),
    5: (0, 0, 0, 1, 0, 0),
    6: (0, 1, 0, 0, 0, 1),
    9: (1, 1, 1, 0, 1, 0),
    10: (0, 1, 1, 0, 1, 0),
    11: (0, 0, 0, 1, 0, 0),
    12: (0, 1, 0, 0, 0, 1),
    13: (1, 0, 0, 0, 0, 0),
    14: (0, 1, 1, 0, 0, 0),
    16: (1, 1, 1, 0, 0, 1),
    17: (1, 0, 0, 0, 0, 0),
    18: (2, 0, 0, 0, 0, 0),
    19: (1, 1, 1, 0, 0, 1),
    20: (0, 0, 0, 1, 0, 0),
    23: (2, 1, 1, 0, 0, 1),
    24: (1, 1, 1, 0, 0, 1),
    25: (0, 0, 0, 2, 0, 0),
    26: (0, 2, 1, 0, 0, 1),
    27: (0, 2, 1, 0, 0, 0),
    31: (1, 0, 0, 0, 0, 0),
}
PARKS = {20: (1, 0, 0, 0, 0, 0), 23: (0, 1, 1, 0, 0, 0)}


def moment(day: str, clock: str) -> datetime:
    return datetime.fromisoformat(f"2026-03-{day}T{clock}+08:00")


def act(city: SimpleNamespace, case: Case | None, name: str, verb: str, more: list[str]) -> Case:
    if verb == "report":
        return town.report(city, condition=(city.missing if name == "night" else city.rattling).pk)
    if verb == "call":
        return town.report(city, by=city.carl, source=Source.HOTLINE)
    assert case
    if verb in ("recheck", "upheld"):
        return looked_again(city, case, more)
    if verb == "call_back":
        said = Facts(note="来电人说", outcome=more[0], rating=int(more[1]) if more[1:] else None)
        return docket.move(case.uuid, verb, by=city.carl, facts=said)
    handler = city.hugo if case.department == city.roads else city.hana
    by, facts = {
        "finish": (handler, town.shown(handler)),
        "pass": (city.ivan, town.shown(city.ivan, Purpose.NEAR)),
        "rework": (city.ivan, Facts(note="仍响动")),
        "close": (city.carl, Facts()),
        "reopen": (city.carl, Facts(note="又响了")),
        "void": (city.sina, Facts(note="重复")),
        "decline": (city.dora, Facts(note="不属市政")),
        "dispatch": (city.dora, Facts(department=city.parks.pk)),
        "extend": (city.dora, Facts(note="缺材料", limit=Limit(2, Unit.WORK_DAY))),
        "shelve": (city.dora, Facts(note="待料", until=moment(*more) if more else None)),
        "file": (city.carl, Facts()),
        "contact": (handler, Facts(note="已联系")),
    }[verb]
    return docket.move(case.uuid, verb, by=by, facts=facts)


def looked_again(city: SimpleNamespace, case: Case, verdict: list[str]) -> Case:
    """A re-check of the last closing by whoever the lot gave it to; without a verdict, its doubt is upheld."""
    rechecks.pay([case.events.filter(verb=Verb.CLOSE).latest("id")])
    recheck = Recheck.objects.filter(case=case).latest("pk")
    if verdict:
        shown = town.shown(recheck.inspector, Purpose.NEAR).photos
        rechecks.answer(recheck.pk, by=recheck.inspector, verdict=verdict[0], shown=shown, note="仍响动")
    else:
        rechecks.decide(recheck.pk, by=city.sina, upheld=True, note="属实")
    return Case.objects.get(pk=case.pk)


def live(city: SimpleNamespace, clock: Any, *, drain_each: bool = True) -> dict[str, Case]:
    """Let the month pass, with a worker that comes before each act."""
    Terms.objects.create(verb=Verb.CONTACT, within_value=1, within_unit=Unit.WORK_DAY)
    Terms.objects.create(verb=Verb.CALL_BACK, within_value=15, within_unit=Unit.URGENT_DAY)
    Sampling.objects.create(source=Source.HOTLINE, share=1, days=30, value=30, unit=Unit.URGENT_DAY)
    cases: dict[str, Case] = {}
    for line in MONTH.strip().splitlines():
        day, hour, name, verb, *more = line.partition("#")[0].split()
        clock.move_to(moment(day, hour))
        alarm.ring()
        cases[name] = act(city, cases.get(name), name, verb, more)
        if drain_each:
            outbox.drain()
    outbox.drain()
    tally.night()
    return cases


def counted(department: Department) -> dict[int, tuple[int, ...]]:
    """What the product counted in March, as the tables above say it."""
    days = series(
        "department", date(2026, 3, 1), date(2026, 3, 31), subjects=[department.pk], tree=False, codes=METRICS
    )
    return {day.day: tuple(row[code] for code in METRICS) for day, row in sorted(days.get(department.pk, {}).items())}


def figures(phone: Client, **days: str) -> dict[str, dict[str, Any]]:
    """The endpoint's figures by the name of the department."""
    answer = phone.get(STATS, days)
    assert answer.status_code == 200, answer.content
    return {item.pop("department")["name"]: item for item in answer.json()["items"]}
