"""A city small enough to hold in the head: one street, four cells in a row, three departments, ten people.

Four square cells lie side by side at 33° N; cell 0 and 1 are ann's and ivan's beat, 2 and 3 are ines's. Work is done
from 8 to 12 and from 14 to 18 on weekdays; no holidays are loaded but those of 2026.
"""

from __future__ import annotations

from copy import copy
from datetime import date, datetime
from functools import cache
from types import SimpleNamespace
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.hashers import PBKDF2PasswordHasher, make_password
from django.contrib.gis.geos import Polygon
from django.test import Client

from cases import docket
from cases.clock import Unit
from cases.flow import Facts, Purpose, Source, Stage, Verb
from cases.loading import policies
from cases.loading.reading import Refusals
from cases.models import (
    Case,
    Category,
    Condition,
    Duty,
    Hearing,
    Holiday,
    Kind,
    Likeness,
    Photo,
    Policy,
    Rung,
    StageLimit,
    Timetable,
)
from grid.models import Area, Beat, Cell, Component, Department, Officer
from grid.moment import now
from grid.roles import Role

SCHEME = "gbt30428-2013"
CHINA = ZoneInfo("Asia/Shanghai")
MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=CHINA)  # a working morning
PASSWORD = "mani-wall-97-north"
LON, LAT, STEP = 97.0, 33.0, 0.001
SHA = "5f" * 32
HEARINGS = next(table for table in policies.TABLES if table.model is Hearing)
QUARTERS = (Stage.FILING, Stage.DISPATCH, Stage.FEEDBACK)  # of an hour, for each of them


class QuickHasher(PBKDF2PasswordHasher):
    """As shipped, but quick: the web server that ships takes its hashes, and makes them anew at the first sign-in."""

    iterations = 1


def build() -> SimpleNamespace:
    """The whole city. Its attributes are the names by which the tests speak."""
    city = SimpleNamespace()
    _ground(city)
    _departments(city)
    _taxonomy(city)
    _rules()
    _hearings()
    _people(city)
    return city


def _ground(city: SimpleNamespace) -> None:
    county = Area.objects.create(code="632701", name="玉树市")
    city.street = Area.objects.create(code="632701001", name="结古街道", parent=county)
    city.community = Area.objects.create(code="632701001001", name="民主社区", parent=city.street)
    city.cells = Cell.objects.bulk_create(
        Cell(
            code=f"632701001001{n + 1:03d}",
            area=city.community,
            shape=Polygon.from_bbox((LON + n * STEP, LAT, LON + (n + 1) * STEP, LAT + STEP)),
            area_m2=10_000,
        )
        for n in range(4)
    )


def _departments(city: SimpleNamespace) -> None:
    def make(code: str, name: str, **kwargs: object) -> Department:
        return Department(code=code, name=name, name_en=code, **kwargs)

    city.works = make("works", "城管局")
    city.works.save()
    city.roads = make("roads", "市政所", parent=city.works)
    city.parks = make("parks", "园林所", parent=city.works)
    city.office = make("office", "结古街道办", area=city.street)
    Department.objects.bulk_create([city.roads, city.parks, city.office])
    timetable()
    Holiday.objects.create(day=date(2026, 10, 1), off=True, name="国庆节", year=2026)


def timetable() -> None:
    """The city's working time."""
    Timetable.objects.create(
        name="全市作息",
        workdays=[1, 2, 3, 4, 5],
        day_s=8 * 3600,
        seasons=[{"start": "01-01", "periods": [["08:00", "12:00"], ["14:00", "18:00"]]}],
    )


def _taxonomy(city: SimpleNamespace) -> None:
    def make(kind: str, major: str, sub: str, name: str, **kwargs: object) -> Category:
        return Category(scheme=SCHEME, kind=kind, major=major, sub=sub, name=name, name_en=name, **kwargs)

    def condition(category: Category, no: int, value: float, unit: str, **kwargs: object) -> Condition:
        return Condition(
            category=category,
            no=no,
            text=f"{category.name}条件{no}",
            limit_value=value,
            limit_unit=unit,
            valid_from=date(2020, 1, 1),
            **kwargs,
        )

    utilities = make(Kind.COMPONENT, "01", "", "公用设施")
    appearance = make(Kind.EVENT, "01", "", "市容环境")
    nobodys = make(Kind.EVENT, "09", "", "无主")
    Category.objects.bulk_create([utilities, appearance, nobodys])
    city.manhole = make(Kind.COMPONENT, "01", "01", "上水井盖", parent=utilities)
    city.refuse = make(Kind.EVENT, "01", "10", "暴露生活垃圾", parent=appearance)
    city.orphan = make(Kind.EVENT, "01", "20", "焚烧垃圾", parent=nobodys)
    Category.objects.bulk_create([city.manhole, city.refuse, city.orphan])
    city.missing = condition(city.manhole, 1, 2, Unit.URGENT_HOUR)
    city.rattling = condition(city.manhole, 2, 2, Unit.WORK_DAY)
    city.heap = condition(city.refuse, 1, 4, Unit.WORK_HOUR)
    city.smoke = condition(city.orphan, 1, 2, Unit.URGENT_HOUR)
    Condition.objects.bulk_create([city.missing, city.rattling, city.heap, city.smoke])
    duties = [
        Duty(category=utilities, department=city.roads),
        Duty(category=appearance, department=city.parks),
        Duty(category=city.refuse, area=city.street, department=city.office),
    ]
    Duty.objects.bulk_create(duties)
    city.component = Component.objects.create(
        code="6327010101000001",
        name="上水井盖",
        scheme=SCHEME,
        major="01",
        sub="01",
        shape=f"SRID=4326;POINT({LON + STEP / 2} {LAT + STEP / 2})",
        cell=city.cells[0],
        owner=city.parks,
    )


def _rules() -> None:
    policies = [
        *(Policy(verb=verb, source=Source.INSPECTOR, automatic=True) for verb in (Verb.FILE, Verb.DISPATCH)),
        Policy(verb=Verb.DISPATCH, automatic=True),
        Policy(verb=Verb.FILE, source=Source.HOTLINE, automatic=False),
        Policy(verb=Verb.ORDER_VERIFY, source=Source.PUBLIC, automatic=True),
        Policy(verb=Verb.ORDER_CHECK, automatic=True),
    ]
    Policy.objects.bulk_create(policies)
    limits = [
        *(StageLimit(stage=stage, value=15, unit=Unit.URGENT_MINUTE) for stage in QUARTERS),
        *(StageLimit(stage=stage, value=30, unit=Unit.URGENT_MINUTE) for stage in (Stage.VERIFY, Stage.CHECK)),
        StageLimit(stage=Stage.CLOSING, value=1, unit=Unit.URGENT_HOUR),
    ]
    StageLimit.objects.bulk_create(limits)
    Likeness.objects.create(metres=50, days=30)
    chain = ((0.8, Role.HEAD), (1, Role.DISPATCHER), (2, Role.LEADER))
    Rung.objects.bulk_create(Rung(level=n, share=share, role=role) for n, (share, role) in enumerate(chain, start=1))


def _hearings() -> None:
    """Who hears of what, as shipped."""
    HEARINGS.write([copy(row) for row in _shipped_hearings()])


@cache
def _shipped_hearings() -> list[Hearing]:
    return list(HEARINGS.rows(settings.BASE_DIR / "fixtures" / "policies", Refusals()))


def _people(city: SimpleNamespace) -> None:
    password = make_password(PASSWORD)

    def make(name: str, *roles: Role, **kwargs: object) -> None:
        officer = Officer(username=name, name=name.title(), roles=list(roles), password=password, **kwargs)
        setattr(city, name, officer)
        people.append(officer)

    people: list[Officer] = []
    for name in ("ann", "ivan", "ines"):
        make(name, Role.INSPECTOR)
    make("carl", Role.CLERK)
    make("sina", Role.SHIFT_LEADER)
    make("dora", Role.DISPATCHER)
    make("hugo", Role.HANDLER, department=city.roads)
    make("hana", Role.HANDLER, department=city.parks)
    make("otto", Role.HANDLER, department=city.office)
    make("hedi", Role.HEAD, department=city.works)
    make("lena", Role.LEADER)
    make("aude", Role.AUDITOR)
    make("adam", Role.ADMINISTRATOR)
    Officer.objects.bulk_create(people)
    beats = [Beat(code=code, name=code) for code in ("B1", "B2")]
    Beat.objects.bulk_create(beats)
    for beat, walkers, cells in zip(
        beats, ((city.ann, city.ivan), (city.ines,)), (city.cells[:2], city.cells[2:]), strict=True
    ):
        beat.officers.through.objects.bulk_create(
            beat.officers.through(beat=beat, officer=officer) for officer in walkers
        )
        beat.cells.through.objects.bulk_create(beat.cells.through(beat=beat, cell=cell) for cell in cells)


def seen(city: SimpleNamespace, **kwargs: object) -> docket.Report:
    """A missing manhole cover in cell 0, unless said otherwise."""
    said = {
        "category": city.manhole.pk,
        "condition": city.rattling.pk,
        "lon": LON + STEP / 2,
        "lat": LAT + STEP / 2,
        "text": "井盖响动",
    }
    return docket.Report(**(said | kwargs))  # type: ignore[arg-type]


def report(city: SimpleNamespace, by: Officer | None = None, uuid: UUID | None = None, **kwargs: object) -> Case:
    """A case as ann reports it: filed and dispatched to the roads department at once."""
    return docket.report(uuid or uuid4(), seen(city, **kwargs), by=by or city.ann)[0]


def photo(by: Officer, sha: str = SHA) -> str:
    """A photo that has arrived, as far as the case is concerned."""
    Photo.objects.get_or_create(
        pk=sha, defaults={"uploader": by, "received_at": now(), "kind": "jpeg", "size": 1, "width": 1, "height": 1}
    )
    return sha


def shown(by: Officer, *purposes: str) -> Facts:
    """Facts with one photo for each purpose, no two of them the same."""
    return Facts(photos=tuple((photo(by, uuid4().hex * 2), purpose) for purpose in purposes or (Purpose.AFTER,)))


def finish(case: Case, by: Officer) -> Case:
    return docket.move(case.uuid, Verb.FINISH, by=by, facts=shown(by, Purpose.AFTER))


def phone(officer: Officer, **headers: str) -> Client:
    """A phone on which the officer has logged in, as the apps do it."""
    answer = Client().post(
        "/api/auth/app/v1/auth/login",
        {"username": officer.username, "password": PASSWORD},
        content_type="application/json",
    )
    return Client(headers={"X-Session-Token": answer.json()["meta"]["session_token"], **headers})
