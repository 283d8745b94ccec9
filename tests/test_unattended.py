"""Nobody's work: listed to who can appoint somebody; and whatever is reorganised, no case is left without people."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest
import time_machine
from django.contrib.gis.geos import Polygon
from django.core.cache import cache
from django.core.management import call_command
from django.test import Client

from cases import audience, docket, handover, rulebook, unattended
from cases.flow import NOTHING, OPEN, OWED, Refused, Stage, Verb
from cases.models import Case, Policy
from grid import leave
from grid.keeping import departments_below
from grid.models import Beat, Cell, Department, Officer
from grid.moment import now, today
from grid.roles import DEPARTMENT, SUPERVISION, Role

from . import city as town
from . import log
from .acts import move
from .desk import desk
from .histories import wander

# Listed


def test_a_case_that_nobody_can_move_is_listed(city: SimpleNamespace, clock: Any, client: Client) -> None:
    cache.clear()
    case = town.report(city)
    town.report(city, category=city.refuse.pk, condition=city.heap.pk)
    assert unattended.numbers() == []
    Officer.objects.filter(pk__in=[city.hugo.pk, city.hedi.pk]).update(is_active=False)
    assert unattended.numbers() == [case.number]
    assert client.get("/healthz").json()["unattended"] == 1
    out = StringIO()
    call_command("check", databases=["default"], stdout=out, stderr=out)
    assert f"1 件在办案卷没有在岗的人能办理：{case.number}" in out.getvalue()
    assert case.number in desk(city.adam).get("/settings/").content.decode()
    cache.clear()


@pytest.mark.parametrize(
    ("act", "gone", "listed"),
    [
        (None, "hugo", False),  # the head above him may
        (None, "hugo hedi", True),
        ("finish", "ann ivan", True),
        ("finish", "carl", False),
        ("link", "carl", False),
        ("link", "carl sina", True),
        ("decline", "dora", True),
    ],
)
def test_whose_work_it_is(act: str | None, gone: str, listed: bool, city: SimpleNamespace, clock: Any) -> None:
    case = town.report(city)
    if act == "finish":
        town.finish(case, city.hugo)
    if act == "link":
        move(case, Verb.LINK, city.carl, same_as=str(town.report(city, by=city.ann).uuid))
    if act == "decline":
        move(case, Verb.DECLINE, city.dora, note="改派")
    Officer.objects.filter(username__in=gone.split()).update(is_active=False)
    assert (case.number in unattended.numbers()) == listed


def test_who_is_away_is_not_there_unless_somebody_stands_in(city: SimpleNamespace, clock: Any) -> None:
    case = town.report(city)
    colleague = Officer.objects.create(username="hilda", name="Hilda", roles=[Role.HANDLER], department=city.roads)
    Officer.objects.filter(pk=city.hedi.pk).update(is_active=False)
    span = {"since": now(), "until": now() + timedelta(days=3)}
    for officer in (city.hugo, colleague):
        leave.set_leave(officer, by=city.adam, stand_in=None, **span)
    assert unattended.numbers() == [case.number]
    clock.shift(timedelta(days=3))
    assert unattended.numbers() == []


# By chance


def reorganisations(city: SimpleNamespace, chance: Random) -> list[Callable[[], object]]:
    """What an administrator may do, so that each post is still somebody's."""
    people = {"ann", "ivan", "hugo", "hana"}
    someone = Officer.objects.get(username=chance.choice(sorted(people)))
    units = [city.roads, city.parks, city.office, city.works]

    def keep(row: Any, **said: object) -> Callable[[], object]:
        def save() -> None:
            for name, value in said.items():
                setattr(row, name, value)
            row.save()

        return save

    def close() -> None:
        open_units = list(Department.objects.filter(closed_on=None).order_by("code"))
        if len(open_units) > 1:
            closed = chance.choice(open_units)
            below = set(departments_below(closed.pk))
            if heirs := [unit for unit in open_units if unit.pk not in below]:
                keep(closed, closed_on=today(), heir=chance.choice(heirs))()

    def split() -> None:
        old = chance.choice(list(Cell.objects.current().order_by("code")))
        west, south, east, north = old.shape.extent
        middle = (west + east) / 2
        for left, right in ((west, middle), (middle, east)):
            shape = Polygon.from_bbox((left, south, right, north))
            code = f"{old.area.code}{Cell.objects.count() + 100:03d}"
            half = Cell.objects.create(code=code, area=old.area, shape=shape, area_m2=old.area_m2 / 2)
            chance.choice(list(Beat.objects.order_by("code"))).cells.add(half)
        keep(old, closed_on=today())()
        old.beats.clear()

    return [
        keep(someone, is_active=not someone.is_active),
        keep(someone, department=chance.choice(units)),
        keep(someone, roles=[chance.choice((Role.HANDLER, Role.INSPECTOR, Role.CLERK))]),
        lambda: Beat.objects.get(code="B1").officers.set(chance.sample([city.ann, city.ivan, city.ines], 2)),
        close,
        split,
    ]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_no_reorganisation_leaves_a_case_to_nobody(seed: int, db: None) -> None:
    with time_machine.travel(town.MONDAY, tick=False) as clock:
        city, chance = town.build(), Random(seed)
        # In each post somebody stays; ines walks both beats, and a head stands above all departments.
        top = Department.objects.create(code="city", name="市政府")
        Department.objects.filter(pk__in=[city.works.pk, city.office.pk]).update(parent=top)
        Officer.objects.create(username="hero", name="Hero", roles=[Role.HEAD], department=top)
        for beat in Beat.objects.all():
            beat.officers.add(Officer.objects.create(username=f"walker-{beat}", roles=[Role.INSPECTOR]))
        wander(city, clock, seed, steps=25)
        for _ in range(12):
            chance.choice(reorganisations(city, chance))()
            handover.settle(ground=True)
            assert not handover.settle(ground=True)
            assert unattended.numbers() == []
            assert log.flaws() == []
            _everybody_hears_and_may()
            clock.shift(timedelta(minutes=chance.choice((10, 300, 1500))))
            _something_comes_back(city, chance)


def _everybody_hears_and_may() -> None:
    """Of each open case somebody hears who sees it, and finds it in his to-do or may unlink it."""
    for case in Case.objects.filter(stage__in=OPEN):
        assert case.department is None or case.department.closed_on is None or case.stage != Stage.HANDLING
        assert case.cell.closed_on is None
        doing = Officer.objects.filter(
            is_active=True, roles__overlap=[*SUPERVISION, *DEPARTMENT, "inspector", "dispatcher"]
        )
        may = {one.pk for one in doing if Case.objects.visible_to(one).owed_by(one).filter(pk=case.pk).exists()}
        if case.stage not in OWED:
            continue
        said = docket.own(rulebook.current(), case, Verb.HASTEN, NOTHING, now())
        said.pk = 0
        hears = audience.of(said)
        assert hears & may, f"{case.number} {case.stage}: heard by {hears}, owed by {may}"


def _something_comes_back(city: SimpleNamespace, chance: Random) -> None:
    """A closed case is reopened: it goes to whoever has its department's work now."""
    closed = list(Case.objects.filter(stage=Stage.CLOSED).order_by("pk"))
    if closed and Policy.objects.exists():
        try:
            move(chance.choice(closed), Verb.REOPEN, city.sina, note="又来")
        except Refused:
            return
