"""Figures follow the ground of whoever looks: as many as the cases behind them that he can open."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import date, timedelta
from html import unescape
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote

import pytest
from django.conf import settings

from cases import behind, bulletin, docket, evaluation, exports, looking, outbox, periods, tally, whatif
from cases.behind import Figure
from cases.flow import Facts, Refused, Verb
from cases.loading import evaluation as loading
from cases.metrics import CODES
from cases.models import Export, Scheme
from cases.periods import Span
from grid.models import Area, Beat, Officer
from grid.moment import today
from grid.roles import Role

from . import city as town
from .desk import desk
from .histories import wander

STATS = "/api/mobile/v1/stats"


def split(city: SimpleNamespace) -> None:
    """Cells 2 and 3 are another street's. `lea` leads the first street, `cleo` is a clerk of the second's community,
    `dean` leads the whole district."""
    county = city.street.parent
    city.far = Area.objects.create(code="632701002", name="扎西科街道", parent=county)
    city.hamlet = Area.objects.create(code="632701002001", name="扎西社区", parent=city.far)
    for cell in city.cells[2:]:
        cell.area = city.hamlet
        cell.save(update_fields=["area"])
    for name, role, area in (
        ("lea", Role.LEADER, city.street),
        ("cleo", Role.CLERK, city.hamlet),
        ("dean", Role.SHIFT_LEADER, county),
    ):
        officer = Officer.objects.create(
            username=name, name=name.title(), roles=[role], area=area, password=city.ann.password
        )
        setattr(city, name, officer)


@pytest.fixture
def halves(city: SimpleNamespace, clock: Any) -> SimpleNamespace:
    split(city)
    return city


@pytest.fixture
def lived(halves: SimpleNamespace, clock: Any) -> SimpleNamespace:
    wander(halves, clock, 5)
    return halves


@pytest.fixture
def april(halves: SimpleNamespace, clock: Any) -> SimpleNamespace:
    """In March one case in each street, the first one handled in time. Now it is April."""
    loading.load(Path(settings.BASE_DIR) / "fixtures/evaluation")
    halves.near = town.report(halves)
    town.finish(halves.near, halves.hugo)
    halves.away = town.report(halves, lon=town.LON + 3.5 * town.STEP, by=halves.ines)
    clock.move_to(town.MONDAY.replace(month=4))
    docket.move(halves.away.uuid, Verb.HASTEN, by=halves.carl, facts=Facts(note="快"))
    outbox.drain()
    tally.night()
    return halves


def days() -> tuple[date, date]:
    return town.MONDAY.date(), today() + timedelta(days=30)


def get(officer: Officer, path: str, **said: Any) -> Any:
    answer = town.phone(officer).get(f"{STATS}/{path}", said)
    assert answer.status_code == 200, answer.content
    return answer.json()


def refused(officer: Officer, path: str, **said: Any) -> tuple[int, str]:
    answer = town.phone(officer).get(f"{STATS}/{path}", said)
    return answer.status_code, answer.json()["code"]


MARCH = {"from": "2026-03-01", "to": "2026-03-31"}
THEN = {"span": "month", "day": "2026-03-15"}


@pytest.mark.parametrize("who", ["lea", "cleo", "dean", "lena"])
def test_behind_each_figure_stand_so_many_that_he_can_open(who: str, lived: SimpleNamespace) -> None:
    by: Officer = getattr(lived, who)
    within, span = looking.ground(by), days()
    seen = 0
    for kind in ("city", "district", "street", "community", "cell", "beat", "department", "officer", "inspector"):
        try:
            only = looking.looked_at(by, kind)
        except Refused:
            continue  # he is refused the figures of more than he sees
        found = evaluation.counted(kind, "flow", *span, CODES, only, within=within)
        for subject, told in found.items():
            own = kind != "inspector"  # what his beats add is told apart
            counts = {code: n for code, n in told.items() if own or code not in evaluation.GROUND}
            codes = tuple(counts)
            if not codes:
                continue
            rows, more = behind.behind(Figure(codes, kind, subject, *span, within=within), by, limit=9999)
            assert more is None
            assert Counter(row.metric for row in rows) == counts, (kind, subject)
            seen += len(rows)
    assert seen > 50


def test_the_halves_of_a_department_make_it_whole(lived: SimpleNamespace) -> None:
    whole = evaluation.counted("department", "flow", *days(), CODES)
    halves = [
        evaluation.counted("department", "flow", *days(), CODES, within=area.code) for area in (lived.street, lived.far)
    ]
    assert all(halves)
    for pk, counts in whole.items():
        assert Counter(counts) == sum((Counter(half.get(pk, {})) for half in halves), Counter()), pk


def test_what_lies_elsewhere_is_refused_with_whose_it_is(april: SimpleNamespace) -> None:
    assert [row["subject"]["code"] for row in get(april.lea, "figures", kind="street", **MARCH)["items"]] == [
        april.street.code
    ]
    for kind, subject in (("city", 0), ("street", april.far.pk), ("cell", april.cells[3].pk)):
        assert refused(april.lea, "figures", kind=kind, subject=subject) == (403, "not_your_ground")
        assert refused(april.lea, "series", kind=kind, subject=subject) == (403, "not_your_ground")
        said = {"kind": kind, "subject": subject, "metric": "reports", **MARCH}
        assert refused(april.lea, "cases", **said) == (403, "not_your_ground")
    said = {"kind": "street", "subject": april.far.pk, "codes": "reports", **MARCH}
    answer = desk(april.lea).get("/scores/cases/", said)
    assert answer.status_code == 403
    assert "结古街道" in answer.content.decode() and "负责全市的岗位" in answer.content.decode()
    assert get(april.lena, "figures", kind="city", **MARCH)["items"][0]["figures"]["reports"] == 2


def test_an_area_that_is_the_whole_city_narrows_nothing(april: SimpleNamespace) -> None:
    assert get(april.dean, "figures", kind="city", **MARCH)["items"][0]["figures"]["reports"] == 2
    Area.objects.create(code="440304", name="福田区")
    assert refused(april.dean, "figures", kind="city", **MARCH) == (403, "not_your_ground")


def test_departments_and_people_are_told_of_what_they_did_there(april: SimpleNamespace) -> None:
    def dispatched(officer: Officer) -> int:
        (row,) = get(officer, "departments", **MARCH)["items"]
        return int(row["filed"])

    assert (dispatched(april.lena), dispatched(april.lea), dispatched(april.cleo)) == (2, 1, 1)
    assert [row["department"]["code"] for row in get(april.hugo, "departments", **MARCH)["items"]] == ["roads"]
    assert get(april.hana, "departments", **MARCH)["items"] == []
    (ann,) = get(april.lea, "figures", kind="inspector", **MARCH)["items"]
    assert ann["subject"]["code"] == "ann"
    trend = get(april.lea, "series", kind="department", subject=april.roads.pk, day="2026-03-15", last=1)
    assert trend["items"][0]["figures"]["dispatched"] == 1


def test_the_board_and_what_its_figures_open(april: SimpleNamespace, clock: Any) -> None:
    clock.move_to(town.MONDAY + timedelta(hours=2))
    page = unescape(desk(april.lea).get("/board/").content.decode())
    assert "今日立案</span><b>1<" in page
    row = page.partition("市政所")[2].partition("</tr>")[0]
    assert ">1<" in row and ">2<" not in row
    page = unescape(desk(april.dean).get("/board/").content.decode())
    assert "今日立案</span><b>2<" in page


def test_a_handler_looks_at_his_department_alone_its_head_at_those_below(april: SimpleNamespace) -> None:
    handler = Officer.objects.create(
        username="wang", roles=["handler"], department=april.works, password=april.ann.password
    )
    asked = {"kind": "department", "subject": april.works.pk, **MARCH}
    assert get(handler, "figures", **asked)["items"] == []
    (row,) = get(april.hedi, "figures", **asked)["items"]
    assert row["figures"]["dispatched"] == 2
    assert len(get(april.hedi, "cases", metric="dispatched", **asked)["items"]) == 2
    assert get(handler, "cases", metric="dispatched", **asked)["items"] == []


def test_what_went_to_another_department_is_counted_and_said_to_be_closed(
    april: SimpleNamespace, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    docket.move(april.away.uuid, Verb.DECLINE, by=april.dora, facts=Facts(note="改派"))
    docket.move(april.away.uuid, Verb.DISPATCH, by=april.dora, facts=Facts(department=april.parks.pk))
    outbox.drain()
    said = {"kind": "department", "subject": april.roads.pk, "codes": "dispatched", **MARCH}
    page = desk(april.hugo).get("/scores/cases/", said).content.decode()
    assert april.near.number in page and april.away.number not in page and "另有 1 条" in page
    assert "另有" not in desk(april.lena).get("/scores/cases/", said).content.decode()
    monkeypatch.setattr("console.views.behind.PAGE", 1)
    town.report(april)
    outbox.drain()
    first = desk(april.hugo).get("/scores/cases/", said | {"to": today().isoformat()}).content.decode()
    (cursor,) = set(re.findall(r"cursor=([\w%-]+)", first))
    page = desk(april.hugo).get("/scores/cases/", said | {"to": today().isoformat(), "cursor": unquote(cursor)})
    assert "另有" not in first and "另有 1 条" in page.content.decode(), "only the last page knows"


# Rankings


def test_a_live_ranking_is_of_ones_ground(april: SimpleNamespace) -> None:
    def codes(officer: Officer, scheme: str) -> list[str]:
        return [row["subject"]["code"] for row in get(officer, "scores", scheme=scheme, **THEN)["items"]]

    assert codes(april.lea, "street") == [april.street.code]
    assert sorted(codes(april.lena, "street")) == [april.street.code, april.far.code]
    assert codes(april.lea, "inspector") == ["ann"]
    roads = {
        who: next(row for row in get(getattr(april, who), "scores", scheme="department", **THEN)["items"])
        for who in ("lena", "lea", "cleo")
    }
    assert [roads[who]["figures"]["dispatched"] for who in ("lena", "lea", "cleo")] == [2, 1, 1]
    assert roads["lea"]["figures"].get("overdue", 0) == 0 and roads["cleo"]["figures"]["overdue"] == 1
    assert codes(april.hugo, "street") == []
    assert codes(april.hugo, "department") == ["roads"]


def test_a_published_ranking_is_for_all_its_details_are_not(april: SimpleNamespace) -> None:
    for kind in ("street", "department", "inspector"):
        scheme = Scheme.objects.get(code=kind)
        evaluation.publish(scheme, periods.of(Span.MONTH, date(2026, 3, 15)), april.lena)
    ids = {row["scheme"]: row["id"] for row in get(april.lea, "publications")}
    streets = {row["subject"]["code"]: row for row in get(april.lea, f"publications/{ids['street']}")["results"]}
    assert streets[april.far.code]["points"] is not None and streets[april.far.code]["lines"] == []
    assert streets[april.street.code]["lines"]
    roads = next(row for row in get(april.lea, f"publications/{ids['department']}")["results"])
    assert roads["points"] is not None and roads["lines"] == []
    people = {row["subject"]["code"] for row in get(april.lea, f"publications/{ids['inspector']}")["results"]}
    assert people == {"ann", "ivan"}
    page = desk(april.lea).get("/scores/", {"scheme": "street", **THEN}).content.decode()
    assert "扎西科街道" in page and "明细供本单位和负责它的中心岗位查看" in page


def test_the_whole_city_is_published_by_whoever_answers_for_it(april: SimpleNamespace) -> None:
    said = json.dumps({"scheme": "street", **THEN})
    answer = town.phone(april.lea).post(f"{STATS}/publications", said, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (403, "not_your_ground")
    assert "发布这一期" not in desk(april.lea).get("/scores/", {"scheme": "street", **THEN}).content.decode()
    assert "发布这一期" in desk(april.dean).get("/scores/", {"scheme": "street", **THEN}).content.decode()
    with pytest.raises(Refused):
        bulletin.issue("2026-03", april.lea)


def test_a_draft_of_the_bulletin_is_for_whoever_sees_the_city(april: SimpleNamespace) -> None:
    assert desk(april.lea).get("/scores/bulletin/2026-03/").status_code == 403
    empty = desk(april.lea).get("/scores/bulletin/")
    assert empty.status_code == 200 and "还没有发布过月报" in empty.content.decode()
    assert refused(april.lea, "bulletin", month="2026-03") == (403, "not_issued")
    bulletin.issue("2026-03", april.lena)
    page = desk(april.lea).get("/scores/bulletin/2026-03/").content.decode()
    assert "扎西科街道" in page and "live=1" not in page
    assert desk(april.lea).get("/scores/bulletin/2026-03/?live=1").status_code == 403


def test_what_would_be_is_of_ones_ground(april: SimpleNamespace) -> None:
    said = json.dumps({"scheme": "street", **THEN})
    answer = town.phone(april.lea).post(f"{STATS}/scores/what-if", said, content_type="application/json")
    assert [row["subject"]["code"] for row in answer.json()] == [april.street.code]
    limits = [{"condition": april.rattling.pk, "value": 1, "unit": "work_day"}]
    said = json.dumps({"scheme": "department", "limits": limits, **THEN})
    answer = town.phone(april.lea).post(f"{STATS}/trials", said, content_type="application/json")
    whatif.reckon(answer.json()["id"])
    told = town.phone(april.lea).get(f"{STATS}/trials/{answer.json()['id']}").json()
    roads = next(row for row in told["changes"] if row["subject"]["code"] == "roads")
    assert (told["whole"], roads["overdue"]) == (1, 0)


def test_a_trial_of_another_ground_is_closed_to_who_moved(april: SimpleNamespace) -> None:
    limits = [{"condition": april.rattling.pk, "value": 1, "unit": "work_day"}]
    said = json.dumps({"scheme": "department", "limits": limits, **THEN})
    pk = town.phone(april.lena).post(f"{STATS}/trials", said, content_type="application/json").json()["id"]
    whatif.reckon(pk)
    assert len(get(april.lena, f"trials/{pk}")["changes"]) == 4
    Officer.objects.filter(pk=april.lena.pk).update(area=april.street)
    assert refused(april.lena, f"trials/{pk}") == (403, "not_your_ground")
    assert desk(april.lena).get(f"/scores/trials/{pk}/").status_code == 404


# Files


def export(officer: Officer, sheet: str, **terms: Any) -> list[list[Any]]:
    made = exports.ask(officer, sheet, "csv", terms)
    exports.write(made.pk)
    lines = exports.fetch(Export.objects.get(pk=made.pk)).read_text(encoding="utf-8-sig").splitlines()
    return [line.split(",") for line in lines]


def test_a_file_holds_what_the_page_shows(april: SimpleNamespace) -> None:
    span = {"since": "2026-03-01", "until": "2026-03-31"}
    heads, roads, _works = export(april.lea, "figures", kind="department", **span)
    assert (roads[0], roads[heads.index("派遣数")]) == ("roads", "1")
    assert [row[0] for row in export(april.lea, "figures", kind="street", **span)[1:]] == [april.street.code]
    assert [row[0] for row in export(april.hugo, "figures", kind="department", **span)[1:]] == ["roads"]
    wang = Officer.objects.create(username="wang", roles=["handler"], department=april.works)
    assert export(wang, "figures", kind="department", **span)[1:] == []
    assert [row[1] for row in export(april.lea, "scores", scheme="street", **THEN)[1:]] == [april.street.code]
    with pytest.raises(Refused) as refusal:
        exports.ask(april.hugo, "figures", "csv", {"kind": "street", **span})
    assert refusal.value.code == "not_your_figures"


def test_a_beat_is_told_as_far_as_it_lies_here(april: SimpleNamespace) -> None:
    Beat.objects.get(code="B1").cells.add(april.cells[3])
    (row,) = get(april.lea, "figures", kind="beat", **MARCH)["items"]
    assert row["figures"]["reports"] == 1
    (beat,) = (
        row for row in get(april.lena, "figures", kind="beat", **MARCH)["items"] if row["subject"]["code"] == "B1"
    )
    assert beat["figures"]["reports"] == 2
