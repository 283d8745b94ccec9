"""The monthly bulletin: a small month by hand, as a page, as PDF, issued and revised."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from html import unescape
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.test import Client
from django.utils.translation import override

from cases import bulletin, docket, exports, outbox
from cases.bulletin import article, draw, paper
from cases.flow import Refused, Verb
from cases.indicators import Figures
from cases.models import Export, Issue
from cases.photos import PhotoRefused, picture

from . import city as town
from . import pictures
from .desk import Visit, desk
from .test_scores_pages import spring

MONTH = "2026-03"


@pytest.fixture
def april(city: SimpleNamespace, clock: Any) -> SimpleNamespace:
    return spring(city, clock)


def page(client: Client, month: str = MONTH, status: int = 200, **said: Any) -> str:
    answer = client.get(f"/scores/bulletin/{month}/", said)
    assert answer.status_code == status, answer.content.decode()
    return unescape(answer.content.decode())


def end(city: SimpleNamespace) -> None:
    """The late case is done and closed after all."""
    town.finish(city.late, city.hugo)
    docket.move(city.late.uuid, Verb.PASS, by=city.ines, facts=town.shown(city.ines, "near"))
    docket.move(city.late.uuid, Verb.CLOSE, by=city.carl)
    outbox.drain()


def test_the_month_by_hand(april: SimpleNamespace) -> None:
    """Two reported and filed, one finished and closed in time, one overdue and not closed by its promise."""
    told = bulletin.compose(MONTH)
    counts = {code: told.city.now[code] for code in ("reports", "filed", "on_time", "overdue", "closed", "unclosed")}
    assert counts == {"reports": 2, "filed": 2, "on_time": 1, "overdue": 1, "closed": 1, "unclosed": 1}
    assert not told.city.before
    assert [(line.code, line.now["filed"]) for line in told.streets] == [(april.street.code, 2)]
    assert {line.code: line.now["overdue"] for line in told.departments} == {"roads": 1}
    assert [line.now["filed"] for line in told.classes] == [2]
    assert told.communities == {april.community.code: 2}
    assert told.run[-1] == (MONTH, told.city.now)
    assert [month for month, _counts in told.run][:2] == ["2025-04", "2025-05"]
    departments = next(each for each in told.rankings if each.kind == "department")
    roads = next(place for place in departments.places if place.code == "roads")
    assert (roads.rank, roads.points, roads.grade, roads.before) == (1, 70.0, "C", None)
    assert departments.revision is None


def test_the_figures_in_words(april: SimpleNamespace) -> None:
    told = bulletin.compose(MONTH)
    said = article.facts(told)
    assert said[:3] == [
        "本月立案 2 件，结案 1 件。",
        "按期处置率 50.0%（1 ÷ 2）。",
        "立案最多的街道是结古街道，2 件，占 100.0%。",
    ]
    with override("en"):
        assert article.facts(told)[1] == "Handled on time: 50.0% (1 ÷ 2)."
    on_time, closed, rework = article.measures(told.city)[4:]
    assert (closed.value, rework.value) == ("50.0%", "0.0%")
    assert (on_time.value, on_time.before, on_time.last_year) == ("50.0%", "—", "—")
    assert (article.grown(3, 2), article.grown(2, 2), article.grown(2, 0)) == ("+50.0%", "持平", "—")
    assert article.moved(0.75, 0.5) == "+25.0 个百分点"


def test_grades_are_those_of_the_scheme(april: SimpleNamespace) -> None:
    """Named are those in the lower half of its grades, shown in its colours, whatever the letters are."""
    told = bulletin.compose(MONTH)
    departments = next(each for each in told.rankings if each.kind == "department")
    assert departments.grades[2] == ("C", "yellow")
    assert 'class="badge hue-yellow">C<' in page(desk(april.lena), MONTH)
    for grades, named in (((("优", "green"), ("C", "red")), True), ((("C", "green"), ("差", "red")), False)):
        lines = article.facts(replace(told, rankings=(replace(departments, grades=grades),)))
        assert any("得 C 等的" in line for line in lines) is named


def test_what_callers_say_is_told_where_anybody_did(april: SimpleNamespace) -> None:
    told = bulletin.compose(MONTH)
    assert not [line for line in article.facts(told) if "回访" in line]
    asked = Figures(told.city.now | {"contacts_due": 4, "contacted": 3, "called_back": 3, "solved": 2, "satisfied": 1})
    said = article.facts(replace(told, city=replace(told.city, now=asked)))
    assert said[2] == "回访到来电人 3 位：响应率 75.0%，解决率 66.7%，满意率 33.3%。"


def test_the_month_after_stands_beside_the_month_before(april: SimpleNamespace) -> None:
    end(april)
    april_ = bulletin.compose("2026-04")
    assert (april_.city.before["filed"], april_.city.now["filed"]) == (2, 0)
    assert "比上月 -100.0%" in article.facts(april_)[0]


def test_a_month_without_anything(city: SimpleNamespace, clock: Any) -> None:
    assert article.facts(bulletin.compose("2026-01")) == ["本月没有记录。"]
    told = page(desk(city.lena), "2026-01")
    assert "0.0%" not in told.partition("<article")[2]
    assert "—" in told


def test_a_page_in_two_languages(april: SimpleNamespace) -> None:
    told = page(desk(april.lena))
    assert "预览" in told
    assert april.late.number in told
    assert "2026年3月" in told
    assert 'role="img"' in told
    assert " style=" not in told.partition("<main")[2]
    english = page(desk(april.lena, **{"Accept-Language": "en"}))
    body = english.partition("<article")[2].partition("</article>")[0]
    assert "March 2026" in body
    known = re.sub(r"Noto Sans CJK SC|[^一-鿿]", "", body)
    for name in (april.street.name, april.community.name):
        known = known.replace(name, "")
    assert set(known) <= set(
        "".join(row.name for row in (april.roads, april.works, april.parks, april.office)) + "上水井盖公用设施玉树市"
    )


def test_an_issue_is_frozen_and_a_revision_needs_its_reason(april: SimpleNamespace) -> None:
    lena = desk(april.lena)
    assert lena.post(f"/scores/bulletin/{MONTH}/issue/").status_code == 302
    end(april)
    assert bulletin.read(MONTH).bulletin.city.now["unclosed"] == 1
    assert bulletin.read(MONTH, live=True).bulletin.city.now["unclosed"] == 0
    assert bulletin.read(MONTH).bulletin == bulletin.thaw(Issue.objects.get().said)
    assert lena.post(f"/scores/bulletin/{MONTH}/issue/").status_code == 409
    assert lena.post(f"/scores/bulletin/{MONTH}/issue/", {"reason": "迟到的结案"}).status_code == 302
    told = page(lena)
    assert "第 1 次修订" in told
    assert "迟到的结案" in told
    assert "迟到的结案" not in page(lena, revision=0).partition("<article")[2]
    assert bulletin.read(MONTH, revision=0).bulletin.city.now["unclosed"] == 1
    with pytest.raises(Refused, match="尚未结束"):
        bulletin.issue("2026-04", april.lena)


def test_the_database_keeps_what_was_issued(april: SimpleNamespace) -> None:
    made = bulletin.issue(MONTH, april.lena)
    with pytest.raises(DatabaseError), transaction.atomic():
        Issue.objects.filter(pk=made.pk).update(said={})
    with pytest.raises(DatabaseError), transaction.atomic():
        made.delete()


def test_in_the_api(april: SimpleNamespace) -> None:
    def get(officer: Any, **said: Any) -> Any:
        return town.phone(officer).get("/api/mobile/v1/stats/bulletin", {"month": MONTH} | said)

    told = get(april.lena).json()
    assert (told["revision"], told["said"]["city"]["now"]["overdue"]) == (None, 1)
    assert told["facts"][1] == "按期处置率 50.0%（1 ÷ 2）。"
    assert (get(april.hana).status_code, get(april.hana).json()["code"]) == (403, "not_issued")
    bulletin.issue(MONTH, april.lena)
    assert get(april.hana).json()["revision"] == 0
    assert get(april.lena, revision=7).status_code == 404
    assert get(april.lena, month="2026-13").status_code == 422


def test_who_reads_what(april: SimpleNamespace) -> None:
    """A draft is for the centre; an issue for departments too, with their own cases alone."""
    page(desk(april.hana), status=403)
    page(desk(april.ann), status=403)
    page(desk(april.adam), status=403)
    answer = desk(april.hana).get("/scores/bulletin/")
    assert answer.status_code == 200 and "还没有发布过月报" in answer.content.decode()
    assert desk(april.dora).post(f"/scores/bulletin/{MONTH}/issue/").status_code == 403
    bulletin.issue(MONTH, april.lena)
    assert april.late.number not in page(desk(april.hana))
    assert april.late.number in page(desk(april.hugo))
    page(desk(april.hana), status=403, live=1)
    page(desk(april.hana), status=403, revision=7)
    assert desk(april.hana).get("/scores/bulletin/").url == f"/scores/bulletin/{MONTH}/"


@pytest.mark.parametrize("month", ["2026-13", "2026-1", "x", "0000-01", "2026-00", "20260301"])
def test_what_is_no_month_is_not_found(april: SimpleNamespace, month: str) -> None:
    page(desk(april.lena), month, status=404)


def test_damaged_evidence_is_refused_after_a_bulletin_was_set(april: SimpleNamespace, tmp_path: Path) -> None:
    """WeasyPrint lets Pillow take damaged pictures, in all of the process."""
    paper.write(bulletin.read(MONTH, live=True), april.lena, tmp_path / "month.pdf")
    with pytest.raises(PhotoRefused):
        picture.look(pictures.png(100, 100, bytes(300 * 99)))


def test_as_pdf_with_its_characters(april: SimpleNamespace) -> None:
    lena = desk(april.lena)
    for language, words in (
        ("zh-hans", ("城市管理月报", "按期处置率", april.late.number)),
        ("en", ("Monthly bulletin", "March 2026")),
    ):
        client = desk(april.lena, **{"Accept-Language": language})
        assert client.post("/exports/bulletin/", {"form": "pdf", "month": MONTH, "live": "1"}).status_code == 302
        export = Export.objects.first() if language == "zh-hans" else Export.objects.order_by("-id").first()
        assert export
        exports.write(export.pk)
        path = exports.file(export)
        assert path.read_bytes().startswith(b"%PDF-")
        text = _text(path)
        assert [word for word in words if word not in text] == []
    hana = desk(april.hana)
    assert hana.post("/exports/bulletin/", {"form": "pdf", "month": MONTH}).status_code == 409
    assert lena.post("/exports/bulletin/", {"form": "csv", "month": MONTH}).status_code == 409
    assert lena.post("/exports/bulletin/", {"form": "pdf", "month": "x"}).status_code == 409


def _text(path: Path) -> str:
    tool = shutil.which("pdftotext")
    if tool is None:
        pytest.skip("poppler-utils is not installed")
    return subprocess.run([tool, str(path), "-"], check=True, capture_output=True, text=True).stdout


def test_drawings_tell_who_does_not_see_them() -> None:
    drawn = draw.bars("<题>", "说明", [("一", 4, 2), ("二", 0, 0)])
    assert 'role="img" aria-label="&lt;题&gt; 说明"' in drawn
    gap = draw.lines("l", "t", "d", ["1", "2", "3"], [("s", [10, None, 30])], percent=True)
    assert len(re.findall(r"M[\d.]+ [\d.]+", gap)) == 2
    assert '<title id="l-t">t</title><desc id="l-d">d</desc>' in gap
    bounds = draw.shades([0, 1, 2, 3, 4, 5])
    assert [draw.shade(n, bounds) for n in range(6)] == [None, 0, 1, 2, 3, 4]
    assert draw.shades([]) == []


def test_it_reads_no_cases_but_the_late_ones(april: SimpleNamespace, django_assert_max_num_queries: Any) -> None:
    with django_assert_max_num_queries(45):
        bulletin.compose(MONTH)


def test_in_a_browser(visit: Visit) -> None:
    city = town.build()
    tab = visit(city.lena, f"/scores/bulletin/{MONTH}/", language="en-US", width=390)
    assert tab.locator("article.bulletin svg").count() > 0
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390
