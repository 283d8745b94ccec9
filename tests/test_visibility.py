"""Who sees what: what is unseen looks like what does not exist."""

from __future__ import annotations

from collections.abc import Iterable
from types import SimpleNamespace
from uuid import uuid4

import pytest
from django.contrib.gis.geos import Polygon

from cases import docket
from cases.flow import Source, Verb
from cases.models import Case
from grid.models import Area, Cell, Department, Officer
from grid.roles import Role

from . import acts
from . import city as town
from .acts import move


@pytest.fixture
def cases(city: SimpleNamespace, clock) -> dict[str, Case]:
    """Four cases by the names of their places: on ann's beat, on ines's, without a department, in another street."""
    other = Area.objects.create(code="632701002", name="扎西科街道", parent=city.street.parent)
    place = Area.objects.create(code="632701002001", name="西社区", parent=other)
    lon, lat = town.LON + 10 * town.STEP, town.LAT
    Cell.objects.create(
        code="632701002001001",
        area=place,
        shape=Polygon.from_bbox((lon, lat, lon + town.STEP, lat + town.STEP)),
        area_m2=10_000,
    )
    half = town.STEP / 2
    return {
        "beat": town.report(city),
        "street": town.report(
            city, by=city.ines, category=city.refuse.pk, condition=city.heap.pk, lon=town.LON + 2.5 * town.STEP
        ),
        "nobody": town.report(city, category=city.orphan.pk, condition=city.smoke.pk),
        "far": town.report(city, by=city.carl, source=Source.HOTLINE, lon=lon + half, lat=lat + half),
    }


def seen(cases: dict[str, Case], officer: Officer) -> set[str]:
    pks = set(Case.objects.visible_to(officer).values_list("pk", flat=True))
    return {name for name, case in cases.items() if case.pk in pks}


def newcomer(city: SimpleNamespace, *roles: Role, **more: object) -> Officer:
    return Officer.objects.create(
        username=f"new{uuid4().hex[:8]}", roles=list(roles), password=city.ann.password, **more
    )


# Each post


@pytest.mark.parametrize(
    ("who", "sees"),
    [
        ("ann", {"beat", "nobody"}),
        ("ivan", {"beat", "nobody"}),
        ("ines", {"street"}),
        ("hugo", {"beat"}),
        ("hana", set()),
        ("otto", {"street"}),
        ("hedi", {"beat"}),
        ("adam", set()),
        *((who, {"beat", "street", "nobody", "far"}) for who in ("carl", "sina", "dora", "lena", "aude")),
    ],
)
def test_each_post_sees_its_own(who: str, sees: set[str], cases: dict[str, Case], city: SimpleNamespace) -> None:
    assert seen(cases, getattr(city, who)) == sees


def test_an_inspector_sees_what_he_reported_anywhere(cases: dict[str, Case], city: SimpleNamespace) -> None:
    cases["abroad"] = town.report(city, lon=town.LON + 3.5 * town.STEP)
    assert seen(cases, city.ann) == {"beat", "nobody", "abroad"}
    assert seen(cases, city.ivan) == {"beat", "nobody"}


def test_an_errand_shows_its_case_as_long_as_it_lasts(cases: dict[str, Case], city: SimpleNamespace) -> None:
    move(cases["far"], Verb.ORDER_VERIFY, city.carl, holder=city.ivan.pk)
    assert seen(cases, city.ivan) == {"beat", "nobody", "far"}
    move(cases["far"], Verb.VERIFY, city.ivan, photos=town.shown(city.ivan, "near").photos, verdict="true")
    assert seen(cases, city.ivan) == {"beat", "nobody"}


def test_a_beat_drawn_anew_shows_its_cases(cases: dict[str, Case], city: SimpleNamespace) -> None:
    city.cells[2].beats.get().officers.add(city.ann)
    assert seen(cases, city.ann) == {"beat", "nobody", "street"}


@pytest.mark.parametrize("role", [Role.CLERK, Role.SHIFT_LEADER, Role.DISPATCHER, Role.LEADER, Role.AUDITOR])
@pytest.mark.parametrize(
    ("code", "sees"),
    [
        ("632701", {"beat", "street", "nobody", "far"}),
        ("632701001", {"beat", "street", "nobody"}),
        ("632701001001", {"beat", "street", "nobody"}),
        ("632701002", {"far"}),
        ("632701002001", {"far"}),
    ],
)
def test_a_post_of_the_centre_sees_its_territory(
    role: Role, code: str, sees: set[str], cases: dict[str, Case], city: SimpleNamespace
) -> None:
    assert seen(cases, newcomer(city, role, area=Area.objects.get(code=code))) == sees


def test_a_handler_sees_his_own_department_alone(cases: dict[str, Case], city: SimpleNamespace) -> None:
    assert seen(cases, newcomer(city, Role.HANDLER, department=city.works)) == set()
    assert seen(cases, newcomer(city, Role.HANDLER)) == set()


def test_a_head_sees_the_departments_below_at_any_depth(cases: dict[str, Case], city: SimpleNamespace) -> None:
    above = city.works
    for n in range(3):
        top = Department.objects.create(code=f"top{n}", name="上级")
        above.parent = top
        above.save()
        above = top
    assert seen(cases, newcomer(city, Role.HEAD, department=above)) == {"beat"}
    assert seen(cases, newcomer(city, Role.HEAD, department=city.parks)) == set()
    assert seen(cases, newcomer(city, Role.HEAD)) == set()


def test_a_circle_of_departments_ends(cases: dict[str, Case], city: SimpleNamespace) -> None:
    Department.objects.filter(pk=city.works.pk).update(parent=city.roads)
    assert seen(cases, city.hedi) == {"beat"}


def test_a_department_loses_sight_of_what_it_sent_back(cases: dict[str, Case], city: SimpleNamespace) -> None:
    move(cases["beat"], Verb.DECLINE, city.dora, note="不属市政")
    assert (seen(cases, city.hugo), seen(cases, city.hedi)) == (set(), set())


def test_posts_add_up_in_what_they_see(cases: dict[str, Case], city: SimpleNamespace) -> None:
    street = Area.objects.get(code="632701002")
    both = newcomer(city, Role.CLERK, Role.HANDLER, area=street, department=city.roads)
    assert seen(cases, both) == {"far", "beat"}


def test_posts_do_not_add_up_in_what_they_may(cases: dict[str, Case], city: SimpleNamespace) -> None:
    """Her territory is the other street; what she handles in this one she may not make void."""
    street = Area.objects.get(code="632701002")
    both = newcomer(city, Role.CLERK, Role.HANDLER, area=street, department=city.roads)
    assert acts.refused(cases["beat"], Verb.VOID, both, note="重复").code == "not_your_post"
    assert acts.can(town.phone(both), cases["beat"]) == {"accept", "ask", "finish"}
    assert acts.can(town.phone(both), cases["far"]) == {"file", "hasten", "link", "order_verify", "void"}


# Unseen and unknown


def told(phone, path: str) -> tuple[int, dict]:
    answer = phone.get(path)
    return answer.status_code, {name: said for name, said in answer.json().items() if name != "instance"}


def test_unseen_looks_like_unknown(cases: dict[str, Case], city: SimpleNamespace) -> None:
    hugo, unseen, unknown = town.phone(city.hugo), cases["far"], Case(uuid=uuid4())
    for path in ("", "?crs=gcj02"):
        first = told(hugo, f"{acts.CASES}/{unseen.uuid}{path}")
        assert first == told(hugo, f"{acts.CASES}/{unknown.uuid}{path}")
        assert (first[0], first[1]["code"]) == (404, "not_found")
    for verb in ("finish", "void", "escalate"):
        answers = [acts.say(hugo, case, verb=verb) for case in (unseen, unknown)]
        assert [answer.status_code for answer in answers] == [404, 404]
        assert answers[0].content == answers[1].content


def test_the_case_of_another_is_moved_by_nobody(cases: dict[str, Case], city: SimpleNamespace) -> None:
    before = cases["far"].events.count()
    for officer in (city.ann, city.hugo, city.hedi, city.adam):
        for verb in Verb:
            with pytest.raises(Case.DoesNotExist):
                docket.move(cases["far"].uuid, verb, by=officer)
    assert cases["far"].events.count() == before


def test_an_administrator_keeps_the_system_and_not_the_cases(cases: dict[str, Case], city: SimpleNamespace) -> None:
    adam = town.phone(city.adam)
    for path in (acts.CASES, f"{acts.CASES}?view=all", f"{acts.CASES}/{cases['beat'].uuid}"):
        status, problem = told(adam, path)
        assert (status, problem["code"]) == (403, "not_your_post")
    assert acts.say(adam, cases["beat"], verb="void", note="x").status_code == 403
    assert adam.get("/api/mobile/v1/me").status_code == 200


def test_without_a_session_there_is_nothing(cases: dict[str, Case], client) -> None:
    for path in (acts.CASES, f"{acts.CASES}/{cases['beat'].uuid}", "/api/mobile/v1/inbox"):
        status, problem = told(client, path)
        assert (status, problem["code"]) == (401, "not_logged_in")


def test_what_was_taken_away_is_gone_at_once(cases: dict[str, Case], city: SimpleNamespace) -> None:
    hugo, path = town.phone(city.hugo), f"{acts.CASES}/{cases['beat'].uuid}"
    assert hugo.get(path).status_code == 200
    Officer.objects.filter(pk=city.hugo.pk).update(department=city.parks)
    assert hugo.get(path).status_code == 404
    Officer.objects.filter(pk=city.hugo.pk).update(is_active=False)
    assert hugo.get(path).status_code == 401


def numbers(answer) -> set[str]:
    return {line["number"] for line in answer.json()["items"]}


@pytest.mark.parametrize("who", ["ann", "ines", "hugo", "hana", "hedi", "carl", "dora", "lena", "aude"])
def test_lists_and_searches_find_no_more_than_is_seen(who: str, cases: dict[str, Case], city: SimpleNamespace) -> None:
    officer = getattr(city, who)
    phone, mine = town.phone(officer), {cases[name].number for name in seen(cases, officer)}
    queries: Iterable[dict] = (
        {"view": "all"},
        {"view": "all", "q": "WG"},
        {"view": "all", "q": "井盖响动"},
        {"view": "all", "area": "632701"},
        {"view": "all", "sort": "new"},
    )
    assert numbers(phone.get(acts.CASES, {"view": "all"})) == mine
    for query in queries:
        assert numbers(phone.get(acts.CASES, query)) <= mine, query
    for number in {case.number for case in cases.values()} - mine:
        assert numbers(phone.get(acts.CASES, {"view": "all", "q": number})) == set()
