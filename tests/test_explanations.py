"""Why the system did what it did: each reason in a sentence, each deadline to the second."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings
from django.utils import translation

from cases import alarm, docket, reasons, rulebook, stint
from cases.clock import Limit, Unit
from cases.flow import Source, Verb
from cases.models import Case, Category, Condition, Duty, Holiday, Policy, Rung, StageLimit
from grid.models import Component, Officer

from . import acts
from . import city as town
from .acts import move

HOUR = 3600


# What is said


def test_a_limit_is_told_in_the_singular_and_the_plural() -> None:
    with translation.override("en"):
        assert reasons.limit(1, Unit.URGENT_HOUR) == "1 urgent hour"
        assert reasons.limit("2", Unit.WORK_DAY) == "2 working days"
        assert reasons.limit("0.5", Unit.WORK_HOUR) == "0.5 working hours"
    with translation.override("zh-hans"):
        assert reasons.limit(1, Unit.URGENT_HOUR) == "1 紧急工作时"
        place = {"code": "territory", "duty": 3, "area": "福田区", "category": "道路破损", "department": "市政所"}
        assert reasons.say(place) == "责任清单第 3 条：福田区的“道路破损”由市政所负责。"


def told(case: Case) -> dict[str, str]:
    """Every reason in the log of a case: its code, and its sentence in Chinese."""
    with translation.override("zh-hans"):
        return {
            reason["code"]: reasons.say(reason)
            for event in case.events.order_by("id")
            for name in ("why", "waits")
            for reason in event.facts.get(name, ())
        }


def stories(city: SimpleNamespace, clock: Any) -> Iterator[Case]:
    """Lives of cases that between them give every reason there is."""
    yield from filed(city)
    yield from routed(city)
    yield from timed(city, clock)
    yield from woken(city, clock)


def filed(city: SimpleNamespace) -> Iterator[Case]:
    yield town.report(city)  # the condition was chosen
    yield town.report(city, condition=None)  # there are two
    yield town.report(city, category=city.refuse.pk, condition=None)  # there is one alone
    yield town.report(city, by=city.carl, source=Source.HOTLINE)  # a policy leaves it to a clerk
    yield acts.passed(town.finish(town.report(city), city.hugo), city.ivan)  # no policy for its closing
    Policy.objects.create(verb=Verb.CLOSE, automatic=True)
    doubtful = town.report(city, origin={"mock": True})  # the phone says that its position is made up
    yield acts.passed(town.finish(doubtful, city.hugo), city.ivan)
    yield move(town.report(city), Verb.DECLINE, city.dora, note="不属市政")
    Condition.objects.filter(pk=city.smoke.pk).update(closed_on=date(2026, 1, 1))
    yield town.report(city, category=city.orphan.pk, condition=None)  # there is none
    city.rattling.region_class = city.cells[0].region_class = "A"
    city.rattling.save()
    city.cells[0].save()
    yield town.report(city)


def routed(city: SimpleNamespace) -> Iterator[Case]:
    for keeper in ("owner", "maintainer", "supervisor", None):
        posts = {post: city.roads if post == keeper else None for post in ("owner", "maintainer", "supervisor")}
        Component.objects.filter(pk=city.component.pk).update(**posts)
        yield town.report(city, component=city.component.code)
    yield town.report(city, category=city.refuse.pk, condition=city.heap.pk)  # the street answers
    city.office.closed_on = "2026-01-01"
    city.office.save()
    yield town.report(city, category=city.refuse.pk, condition=city.heap.pk)  # and is closed
    city.office.heir = city.parks
    city.office.save()
    yield town.report(city, category=city.refuse.pk, condition=city.heap.pk)  # for an heir
    Duty.objects.all().delete()
    yield town.report(city)  # nobody


def timed(city: SimpleNamespace, clock: Any) -> Iterator[Case]:
    Duty.objects.create(category=city.manhole.parent, department=city.roads)
    StageLimit.objects.create(stage="filing", source=Source.HOTLINE, value=2, unit=Unit.URGENT_HOUR)
    yield town.report(city, by=city.carl, source=Source.HOTLINE)
    Category.objects.filter(pk=city.refuse.pk).update(urgent=True)
    for source in ("", Source.HOTLINE):
        StageLimit.objects.create(stage="filing", source=source, urgent=True, value=1, unit=Unit.URGENT_HOUR)
        heap = {"category": city.refuse.pk, "condition": city.heap.pk}
        yield town.report(city, by=city.carl, source=Source.HOTLINE, **heap)
    StageLimit.objects.filter(stage="closing").delete()
    case = town.finish(town.report(city), city.hugo)
    move(case, Verb.REWORK, city.ivan, note="仍响动")
    yield acts.passed(town.finish(case, city.hugo), city.ivan)
    case = town.finish(town.report(city), city.hugo)
    for _time in range(settings.REWORK_GRANTS):
        town.finish(move(case, Verb.REWORK, Case.objects.get(pk=case.pk).holder, note="仍响动"), city.hugo)
    yield move(case, Verb.REWORK, Case.objects.get(pk=case.pk).holder, note="还响")
    case = move(town.report(city), Verb.DECLINE, city.dora, note="不属市政")
    yield move(case, Verb.DISPATCH, city.dora, department=city.roads.pk)
    case = town.report(city)
    move(case, Verb.ASSIST, city.dora, department=city.parks.pk, note="清理树根", limit=Limit(1, Unit.WORK_DAY))
    yield case.children.get()
    yield acts.passed(town.finish(case, city.hugo), city.ivan)
    case = move(town.report(city), Verb.EXTEND, city.dora, note="缺材料", limit=Limit(1, Unit.WORK_DAY))
    move(case, Verb.SHELVE, city.dora, note="待料", until=town.MONDAY + timedelta(days=9))
    yield move(case, Verb.RESUME, city.dora)
    Holiday.objects.create(day=date(2026, 3, 3), off=True, name="赛马节", statutory=False)
    docket.retime(date(2026, 3, 3))


def woken(city: SimpleNamespace, clock: Any) -> Iterator[Case]:
    Officer.objects.filter(pk=city.hedi.pk).update(is_active=False)  # somebody above stands in
    case = town.report(city)
    for level, at_night in ((1, True), (2, False)):
        Rung.objects.filter(level=level).update(at_night=at_night)
    clock.shift(timedelta(days=40))
    alarm.ring()
    yield case
    Officer.objects.exclude(pk__in=(city.ann.pk, city.carl.pk)).update(is_active=False)  # nobody is left
    case = town.report(city)
    clock.shift(timedelta(days=40))
    alarm.ring()
    yield case
    Condition.objects.filter(pk=city.missing.pk).update(limit_value=3000)  # 200 % of it no calendar reaches
    Condition.objects.filter(pk=city.missing.pk).update(limit_unit=Unit.URGENT_DAY)
    case = town.report(city, condition=city.missing.pk)
    clock.move_to(case.due_at)
    alarm.ring()
    yield case


@pytest.fixture
def everybody_asked(settings: Any) -> None:
    """All that a component's record may name, one after the other."""
    settings.ROUTE_COMPONENT = ["owner", "maintainer", "supervisor", "territory", "competent"]


def written(*modules: str) -> set[str]:
    """The codes that stand in the source of these modules as {"code": "…"}."""
    paths = [Path(settings.BASE_DIR, "cases", f"{module}.py") for module in modules]
    return {
        value.value
        for path in paths
        for node in ast.walk(ast.parse(path.read_text(encoding="utf8")))
        if isinstance(node, ast.Dict)
        for key, value in zip(node.keys, node.values, strict=True)
        if isinstance(key, ast.Constant) and key.value == "code" and isinstance(value, ast.Constant)
    }


def test_every_reason_has_a_sentence(city: SimpleNamespace, clock, everybody_asked: None) -> None:
    said: dict[str, str] = {}
    for case in list(stories(city, clock)):
        said |= told(case)
    assert set(said) <= set(reasons.SENTENCES)
    assert len(said) > 35
    assert written("rules", "stint", "alarm") <= set(said)  # the stories leave none of these out
    for code, sentence in said.items():
        assert "。" in sentence or "：" in sentence, code
        assert not [part for part in ("%(", "None", "{", "[]") if part in sentence], sentence


def test_every_code_that_is_written_is_known() -> None:
    found = written("rules", "stint", "docket", "alarm", "line", "succession", "handover", "links", "cowork")
    assert len(found) > 15
    assert found <= set(reasons.SENTENCES)


@pytest.mark.parametrize(
    ("reason", "sentence"),
    [
        (
            {"code": "policy_yes", "verb": "file", "policy": 7, "source": "inspector", "area": "结古街道"},
            "“立案”按自动流转规则 7 由系统完成（监督员上报，结古街道）。",
        ),
        (
            {"code": "policy_no", "verb": "file", "policy": 7, "source": "", "area": ""},
            "“立案”按自动流转规则 7 留待人工（所有来源，全市）。",
        ),
        (
            {"code": "territory_none", "areas": ["民主社区", "结古街道"], "category": "焚烧垃圾"},
            "民主社区、结古街道 都没有登记“焚烧垃圾”或其大类的属地责任。",
        ),
        (
            {"code": "limit_condition", "no": 2, "limit": {"value": "2.00", "unit": "work_day"}},
            "时限取自立案条件 2：2 工作日。",
        ),
        ({"code": "of a later edition"}, "of a later edition"),
    ],
    ids=lambda said: said["code"] if isinstance(said, dict) else "",
)
def test_what_a_reader_reads(reason: dict, sentence: str) -> None:
    with translation.override("zh-hans"):
        assert reasons.say(reason) == sentence


def test_names_are_told_in_the_reader_s_language() -> None:
    reason = {"code": "nobody", "department": "市政所", "department_en": "Roads"}
    owner = reason | {"code": "owner", "component": "6327010101000001"}
    with translation.override("en"):
        assert "Roads" in reasons.say(owner)
        assert "市政所" not in reasons.say(owner)
    with translation.override("zh-hans"):
        assert reasons.say(owner) == "部件 6327010101000001 的权属单位是市政所。"


def test_what_was_explained_once_stays_explained(city: SimpleNamespace, clock) -> None:
    """The log keeps the names of its day, whatever the rules are called today."""
    case = town.report(city)
    before = told(case)
    city.roads.name = "市政养护中心"
    city.roads.save()
    Policy.objects.all().delete()
    Condition.objects.filter(pk=city.rattling.pk).update(text="别的")
    assert told(case) == before


# To the second


def explained(case: Case) -> tuple[int, datetime]:
    """The seconds that count in the trace of a deadline, and where it ends."""
    spans = stint.explain(rulebook.current(), case)
    return sum(span.seconds for span in spans), spans[-1].until


def rung(city: SimpleNamespace) -> Case:
    case = town.report(city)
    alarm.ring()
    return Case.objects.get(pk=case.pk)


DEADLINES: dict[str, Callable[[SimpleNamespace], Case]] = {
    "work days": town.report,
    "work hours": lambda city: town.report(city, category=city.refuse.pk, condition=city.heap.pk),
    "urgent hours": lambda city: town.report(city, condition=city.missing.pk),
    "minutes": lambda city: town.report(city, condition=None),
    "extended": lambda city: move(
        town.report(city), Verb.EXTEND, city.dora, note="缺材料", limit=Limit(4, Unit.WORK_HOUR)
    ),
    "reworked": lambda city: move(town.finish(town.report(city), city.hugo), Verb.REWORK, city.ivan, note="仍响动"),
    "resumed": lambda city: move(
        move(town.report(city), Verb.SHELVE, city.dora, note="待料", until=town.MONDAY + timedelta(days=99)),
        Verb.RESUME,
        city.dora,
    ),
    "escalated": rung,
}


STARTS = ((2, 9, 0, 0), (2, 12, 0, 0), (6, 17, 59, 59), (7, 3, 4, 5), (31, 23, 59, 59))  # in March


@pytest.mark.parametrize("start", STARTS, ids=str)
def test_the_lines_of_a_deadline_add_up(start: tuple[int, ...], city: SimpleNamespace, clock) -> None:
    clock.move_to(datetime(2026, 3, *start, 123_456, tzinfo=town.CHINA))
    for name, make in DEADLINES.items():
        case = make(city)
        assert explained(case) == (case.allowed_s, case.due_at), name


def test_a_phone_is_told_the_same(city: SimpleNamespace, clock) -> None:
    Holiday.objects.create(day=date(2026, 3, 3), off=True, name="赛马节", statutory=False)
    case, ann = town.report(city), town.phone(city.ann)
    deadline = acts.seen(ann, case)["deadline"]
    assert sum(span["seconds"] for span in deadline["trace"]) == deadline["allowed_s"] == 16 * HOUR
    assert deadline["trace"][-1]["until"] == deadline["due_at"] == "2026-03-05T01:00:00Z"
    assert {(span["day"], span["why"]["label"], span["name"]) for span in deadline["trace"] if not span["seconds"]} == {
        ("2026-03-03", "节假日", "赛马节")
    }
    assert deadline["why"] == [{"code": "limit_condition", "says": "时限取自立案条件 2：2 工作日。"}]


def test_every_stage_of_a_life_can_be_read(city: SimpleNamespace, clock, everybody_asked: None) -> None:
    cases = list(stories(city, clock))
    carl = town.phone(city.carl)  # the sessions of the years before are over
    for case in cases:
        log = acts.seen(carl, case)["log"]
        assert len(log) == case.events.count()
        assert all(reason["says"] for line in log for reason in (*line["why"], *line["waits"]))
