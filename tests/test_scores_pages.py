"""The pages of scores: rankings, one's own past, the cases behind a figure, what would be, what is published."""

from __future__ import annotations

import csv
import io
from datetime import date
from html import unescape
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

import pytest
from django.conf import settings
from django.http import QueryDict
from django.test import Client

from cases import docket, evaluation, exports, outbox, periods, tally
from cases.flow import Facts, Verb
from cases.loading import evaluation as loading
from cases.models import Export, Publication
from console import ranking
from grid.models import Area

from . import city as town
from .desk import Visit, desk, typed

APRIL = date(2026, 4, 15)
MARCH = {"scheme": "department", "span": "month", "day": "2026-03-15"}


@pytest.fixture
def april(city: SimpleNamespace, clock: Any) -> SimpleNamespace:
    return spring(city, clock)


def spring(city: SimpleNamespace, clock: Any) -> SimpleNamespace:
    """In March two cases were reported: one finished in time and closed, one not at all. Now it is April."""
    loading.load(Path(settings.BASE_DIR) / "fixtures/evaluation")
    city.done = town.report(city)
    city.late = town.report(city, lon=town.LON + 3.5 * town.STEP, by=city.ines)
    clock.move_to(town.MONDAY.replace(hour=11))
    town.finish(city.done, city.hugo)
    docket.move(city.done.uuid, Verb.PASS, by=city.ivan, facts=town.shown(city.ivan, "near"))
    docket.move(city.done.uuid, Verb.CLOSE, by=city.carl)
    clock.move_to(town.MONDAY.replace(month=4))
    docket.move(city.late.uuid, Verb.HASTEN, by=city.carl, facts=Facts(note="快"))
    outbox.drain()
    tally.night()
    return city


def page(client: Client, path: str, status: int = 200, **said: Any) -> str:
    answer = client.get(f"/scores/{path}", said)
    assert answer.status_code == status, answer.content.decode()
    return unescape(answer.content.decode())


def rows(told: str) -> dict[str, str]:
    """The lines of a table by what they begin with."""
    found = {}
    for line in told.partition("<tbody>")[2].partition("</tbody>")[0].split("<tr")[1:]:
        head = line.partition('<th scope="row">')[2].partition("</th>")[0]
        found[head.partition("</a>")[0].rpartition(">")[2]] = line
    return found


def test_a_ranking_with_grades_and_dashes(april: SimpleNamespace) -> None:
    """10 % × 100 + 30 % × 1/2 + 30 % × 1/2 + 30 % × (1 − 0) = 70: grade C. Who did nothing has no score."""
    told = page(desk(april.lena), "", **MARCH)
    found = rows(told)
    roads, parks = found[april.roads.name], found[april.parks.name]
    assert "70.00" in roads
    assert "hue-yellow" in roads
    assert "50.0%" in roads
    assert "grade-" not in parks
    assert "0.0%" not in parks
    assert "—" in parks
    assert "预览" in told


def test_its_own_past_stands_beside_it(april: SimpleNamespace, clock: Any) -> None:
    clock.move_to(town.MONDAY.replace(month=4, hour=15))
    more = town.report(april)
    town.finish(more, april.hugo)
    docket.move(more.uuid, Verb.PASS, by=april.ivan, facts=town.shown(april.ivan, "near"))
    docket.move(more.uuid, Verb.CLOSE, by=april.carl)
    outbox.drain()
    roads = rows(page(desk(april.lena), "", scheme="department", span="month", day="2026-04-10"))[april.roads.name]
    assert "▲30.00" in roads
    assert "▲50.0" in roads


def test_each_column_sorts(april: SimpleNamespace) -> None:
    lena = desk(april.lena)
    best = list(rows(page(lena, "", **MARCH, sort="assigned_count")))
    least = list(rows(page(lena, "", **MARCH, sort="-assigned_count")))
    assert best[0] in (april.roads.name, april.works.name)
    assert least[0] not in (april.roads.name, april.works.name)
    assert list(rows(page(lena, "", **MARCH, sort="nonsense"))) == list(rows(page(lena, "", **MARCH)))


def test_a_figure_opens_its_cases(april: SimpleNamespace) -> None:
    asked = {"kind": "department", "subject": april.roads.pk, "from": "2026-03-01", "to": "2026-03-31"}
    lena = desk(april.lena)
    both = page(lena, "cases/", indicator="handle_on_time", part="denominator", **asked)
    assert april.done.number in both
    assert april.late.number in both
    assert "50.0%" in both
    assert "不计入：时限未到的，申诉成立的。" in both
    above = page(lena, "cases/", indicator="handle_on_time", **asked)
    assert april.late.number not in above
    board = page(lena, "cases/", codes="on_time,overdue", kind="city", **{"from": "2026-03-01", "to": "2026-03-31"})
    assert april.late.number in board


@pytest.mark.parametrize(
    "wrong",
    [{"kind": "moon"}, {"codes": "nothing"}, {"from": "x"}, {"subject": "x"}, {"to": "2020-01-01"}, {"basis": "x"}],
    ids=str,
)
def test_a_figure_that_cannot_be_meant_is_not_found(april: SimpleNamespace, wrong: dict[str, str]) -> None:
    good = {"codes": "closed", "kind": "city", "from": "2026-03-01", "to": "2026-03-31"}
    page(desk(april.lena), "cases/", **good)
    page(desk(april.lena), "cases/", 404, **{**good, **wrong})


def test_who_sees_what(april: SimpleNamespace) -> None:
    """Once published, departments are ranked for all to see, with details of one's own; people of a post see
    themselves."""
    hana = desk(april.hana)
    assert list(rows(page(hana, "", **MARCH))) == [april.parks.name]
    desk(april.lena).post("/scores/publish/", MARCH)
    told = page(hana, "", **MARCH)
    assert "70.00" in rows(told)[april.roads.name]
    assert "50.0%" not in rows(told)[april.roads.name]
    assert "明细供本单位和负责它的中心岗位查看" in rows(told)[april.roads.name]
    page(hana, f"subject/{april.roads.pk}/", 403, **MARCH)
    page(hana, f"subject/{april.parks.pk}/", **MARCH)
    asked = {"codes": "overdue", "from": "2026-03-01", "to": "2026-03-31"}
    page(hana, "cases/", 403, kind="department", subject=april.roads.pk, **asked)
    page(hana, "cases/", 403, kind="city", **asked)
    ann = page(desk(april.ann), "", scheme="inspector", span="month", day="2026-03-15")
    assert "Ann" in rows(ann)
    assert "Ines" not in rows(ann)
    assert "Ines" in rows(page(desk(april.lena), "", scheme="inspector", span="month", day="2026-03-15"))
    page(hana, "what-if/", 403, **MARCH)
    page(desk(april.adam), "", 403)
    assert desk(april.dora).post("/scores/publish/", MARCH).status_code == 403
    assert Publication.objects.count() == 1


def test_a_department_opens_on_what_it_may_see(april: SimpleNamespace) -> None:
    """Streets come first, and none was published: its own figures, and once they are published, the whole ranking."""
    for officer in (april.hana, april.hugo):
        assert list(rows(page(desk(officer), ""))) == [officer.department.name]
    desk(april.lena).post("/scores/publish/", MARCH)
    for officer in (april.hana, april.hugo):
        told = page(desk(officer), "")
        assert '<span class="muted">2026年3月</span>' in told and "已发布" in told
        assert {april.parks.name, april.roads.name} <= set(rows(told))
    assert "没有您可以查看的对象" in page(desk(april.hana), "", scheme="street")


def test_a_trend_of_twelve_periods(april: SimpleNamespace) -> None:
    told = page(desk(april.lena), f"subject/{april.roads.pk}/", scheme="department", span="week", day="2026-03-04")
    assert len(rows(told)) == 12
    assert '"values": [null' in told
    page(desk(april.lena), "subject/999999/", 404, **MARCH)


def test_publishing_freezes_and_a_revision_needs_its_reason(april: SimpleNamespace) -> None:
    lena = desk(april.lena)
    assert lena.post("/scores/publish/", MARCH).status_code == 302
    assert "与发布时一致" in page(lena, "", **MARCH, changed="1")
    town.finish(april.late, april.hugo)
    docket.move(april.late.uuid, Verb.PASS, by=april.ines, facts=town.shown(april.ines, "near"))
    docket.move(april.late.uuid, Verb.CLOSE, by=april.carl)
    outbox.drain()
    frozen = page(lena, "", **MARCH)
    assert "70.00" in rows(frozen)[april.roads.name]
    assert "与发布时不同的行数：2" in page(lena, "", **MARCH, changed="1")
    assert "85.00" in rows(page(lena, "", **MARCH, live=1))[april.roads.name]
    again = lena.post("/scores/publish/", MARCH)
    assert again.status_code == 409
    assert "修订理由" in again.content.decode()
    assert lena.post("/scores/publish/", MARCH | {"reason": "申诉"}).status_code == 302
    assert "第 1 次修订" in page(lena, "", **MARCH)
    assert "申诉" in page(lena, "", **MARCH)
    assert "第 1 次修订" not in page(lena, "", **MARCH, revision=0).partition('<p class="small">')[0]
    assert "预览" in page(lena, "", **MARCH, live=1)
    assert lena.post("/scores/publish/", MARCH | {"day": "2026-04-01"}).status_code == 409
    assert [row.revision for row in Publication.objects.all()] == [1, 0]


def test_what_would_be(april: SimpleNamespace) -> None:
    """All weight on rework: roads would have 100, grade A. Nothing is written, and nothing stands in the address."""
    lena = desk(april.lena)
    path = f"/scores/what-if/?{urlencode(MARCH)}"
    shown = typed(lena.get(path))
    order = [shown[f"items-{n}-indicator"] for n in range(4)]
    assert order == ["assigned_count", "close_rate", "handle_on_time", "rework_rate"]

    def tried(**said: str) -> Any:
        return lena.post(path, {**shown, **{name.replace("_", "-", 2): n for name, n in said.items()}, "do": "try"})

    told = tried(items_1_weight="10", items_2_weight="10", items_3_weight="70").content.decode()
    roads = rows(told)[april.roads.name]
    assert "70.00" in roads
    assert "90.00" in roads
    assert "moved" in roads.partition("<th")[0]
    assert "100%，现为 101.0%" in tried(items_1_weight="31").content.decode()
    for nonsense in ("1/0", "1e999999999", "十", "-30", "NaN"):
        answer = tried(items_1_weight=nonsense)
        assert answer.status_code == 422 and 'id="id_items-1-weight_error"' in answer.content.decode()
    answer = tried(items_0_bands="0 x")
    assert answer.status_code == 422 and "看不懂“0 x”" in answer.content.decode()
    more = lena.post(path, {**shown, "do": "more.items"})
    assert typed(more)["items-TOTAL_FORMS"] == "5"
    assert "70.00" in page(lena, "", **MARCH)


def test_the_dictionary_says_how_in_words(april: SimpleNamespace) -> None:
    assert "按期处置数 + 超期处置数 − 免责数" in page(desk(april.hugo), "dictionary/")
    english = page(desk(april.hugo, **{"Accept-Language": "en"}), "dictionary/")
    assert "Finished on time + Overdue − Overdue, exempted on appeal" in english
    assert "词" not in english.partition("<main")[2]


def test_who_writes_schemes_reads_what_their_figures_are(april: SimpleNamespace) -> None:
    """A scheme leads there. The rankings are not theirs, and no link says so."""
    told = page(desk(april.adam), "dictionary/")
    assert "按期处置数" in told and 'href="/scores/"' not in told
    assert 'href="/scores/"' in page(desk(april.lena), "dictionary/")


def test_a_city_without_schemes(city: SimpleNamespace) -> None:
    assert "还没有评分方案" in page(desk(city.lena), "")
    assert "还没有指标" in page(desk(city.lena), "dictionary/")
    assert "还没有评分方案" in page(desk(city.lena), "what-if/")


def test_addresses_that_say_nonsense_show_what_most_people_want(april: SimpleNamespace) -> None:
    told = page(desk(april.lena), "", scheme="x", span="x", day="0001-01-01", basis="x", page="x", revision="x")
    assert "街道评价" in told


def test_a_month_that_has_nothing_yet_opens_on_the_last_that_has(april: SimpleNamespace) -> None:
    """In April somebody was hastened, but nothing happened that a scheme rates."""
    lena = desk(april.lena)
    told = page(lena, "", scheme="department")
    assert "2026年4月还没有数据，这里是最近有数据的一期。" in told
    assert '<span class="muted">2026年3月</span>' in told
    assert '<td class="num points">70.00' in rows(told)[april.roads.name]
    address = told.partition("这里是最近有数据的一期。")[2].partition('href="?')[2].partition('"')[0]
    present = page(lena, "", **QueryDict(address).dict())
    assert '<span class="muted">2026年4月</span>' in present and "还没有数据" not in present
    assert '<td class="num points">70.00' not in rows(present)[april.roads.name]
    town.report(april)
    outbox.drain()
    assert '<span class="muted">2026年4月</span>' in page(lena, "", scheme="department")


def test_a_ranking_as_a_file(april: SimpleNamespace) -> None:
    lena = desk(april.lena)
    assert lena.post("/exports/scores/", {"form": "csv", **MARCH}).status_code == 302
    export = Export.objects.get()
    exports.write(export.pk)
    answer = lena.get(f"/exports/{export.uuid}/file/")
    table = list(csv.reader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig"))))
    roads = next(row for row in table if row[1] == "roads")
    assert table[0][:5] == ["名次", "代码", "名称", "得分", "等级"]
    assert (roads[0], roads[3:6], roads[7:]) == ("1", ["70.0", "C", ""], ["0.5", "0.5", "0.0"])
    hana = desk(april.hana)
    hana.post("/exports/scores/", {"form": "csv", **MARCH})
    theirs = Export.objects.get(officer=april.hana)
    exports.write(theirs.pk)
    told = b"".join(hana.get(f"/exports/{theirs.uuid}/file/").streaming_content).decode("utf-8-sig")
    assert [row[1] for row in csv.reader(io.StringIO(told))] == ["代码", "parks"]
    assert lena.post("/exports/scores/", {"form": "csv", "scheme": "x", "day": "2026-03-01"}).status_code == 409


def test_more_subjects_cost_no_more_statements(april: SimpleNamespace, django_assert_max_num_queries: Any) -> None:
    for n in range(30):
        Area.objects.create(code=f"632701{n + 100}", name=f"街道{n}", parent=Area.objects.get(code="632701"))
    lena = desk(april.lena)
    with django_assert_max_num_queries(24):
        page(lena, "", scheme="street", span="month", day="2026-03-15")


def test_what_has_changed_since_is_counted_beside_the_page(april: SimpleNamespace) -> None:
    lena = desk(april.lena)
    assert lena.post("/scores/publish/", MARCH).status_code == 302
    told = page(lena, "", **MARCH)
    assert "正在按现在的数据重算" in told
    beside = told.partition('<span hx-get="')[2].partition('"')[0]
    assert "与发布时一致" in unescape(lena.get(f"/scores/{beside}").content.decode())
    docket.move(april.late.uuid, Verb.VOID, by=april.sina, facts=Facts(note="错报"))
    outbox.drain()
    assert "不同的行数：2" in unescape(lena.get(f"/scores/{beside}").content.decode())


@pytest.mark.parametrize("published", [False, True])
@pytest.mark.parametrize(
    "column", ["", "name", "points", "change", "before", "last_year", "handle_on_time", "rework_rate", "nothing"]
)
def test_any_part_of_a_ranking_is_that_part_of_the_whole(
    column: str, published: bool, april: SimpleNamespace, clock: Any
) -> None:
    """Whichever column it is sorted by: what is there by size, what is not at the end, each line the same by itself."""
    clock.move_to(town.MONDAY.replace(month=4, hour=15))
    town.finish(town.report(april), april.hugo)
    clock.move_to(town.MONDAY.replace(month=5))
    outbox.drain()
    said = MARCH | {"day": "2026-04-15"}
    if published:
        evaluation.publish(evaluation.in_force("department", date(2026, 4, 30)), periods.of("month", APRIL), april.lena)
    for sort in (column, f"-{column}"):
        asked = QueryDict(urlencode(said | {"sort": sort}))
        chosen = ranking.chosen(asked, april.lena)
        assert chosen
        found = ranking.ranking(chosen, april.lena, asked)
        assert bool(found.publication) == published
        whole = found.rows[:]
        assert len(found.rows) == len(whole) > 3
        assert [found.rows[n] for n in range(len(whole))] == whole
        if column not in ("", "name", "nothing"):
            values = [told(row, column) for row in whole]
            some = [value for value in values if value is not None]
            assert some == sorted(some, reverse=not sort.startswith("-"))
            assert values == some + [None] * (len(values) - len(some))
            assert bool(some) == (column != "last_year")


def told(row: ranking.Row, column: str) -> Any:
    if hasattr(row, column):
        return getattr(row, column)
    return next(cell.value for cell in row.cells if cell.code == column)


def test_some_are_judged_as_they_are_among_all(april: SimpleNamespace) -> None:
    for code in ("department", "cell", "street", "inspector", "clerk"):
        scheme = evaluation.in_force(code, date(2026, 3, 31))
        for row in evaluation.standings(scheme, date(2026, 3, 1), date(2026, 3, 31)):
            some = evaluation.scored(scheme, date(2026, 3, 1), date(2026, 3, 31), [row.subject.pk])
            assert some == {row.subject.pk: row.score}


def test_in_a_browser(visit: Visit) -> None:
    """Nobody is told anything by the console: no script or style is refused by the policy."""
    city = town.build()
    loading.load(Path(settings.BASE_DIR) / "fixtures/evaluation")
    town.report(city)
    outbox.drain()
    tab = visit(city.lena, "/scores/?scheme=department")
    tab.get_by_role("link", name=city.roads.name).click()
    tab.wait_for_selector("#rates svg")
    assert tab.locator("#points svg").count() == 1
