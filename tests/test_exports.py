"""Files that people order, and the worker writes."""

from __future__ import annotations

import csv
import io
import json
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote

import pytest
from django_q.models import OrmQ
from openpyxl import load_workbook

from cases import exports
from cases.exports import sheets
from cases.flow import Refused
from cases.models import Case, Export
from grid.typed_text import cleaned

from . import city as town
from .desk import desk

EXPORTS = "/api/mobile/v1/exports"


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small batches, and a batch a turn: as with many rows."""
    monkeypatch.setattr(sheets, "BATCH", 2)
    monkeypatch.setattr(exports, "TURN_S", -1.0)


def order(phone: Any, **said: Any) -> Any:
    return phone.post(EXPORTS, json.dumps({"sheet": "cases"} | said), content_type="application/json")


def work() -> None:
    """What the worker does, until nothing is under way."""
    while export := Export.objects.filter(status__in=exports.UNDER_WAY).first():
        exports.write(export.pk)


def table(phone: Any, export: str) -> list[list[str]]:
    answer = phone.get(f"{EXPORTS}/{export}/file")
    assert answer.status_code == 200, answer.content
    return list(csv.reader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig"))))


def test_i_order_a_file_and_fetch_it(city: SimpleNamespace, clock: Any) -> None:
    numbers = [town.report(city, text=f"第{n}件").number for n in range(5)]
    carl = town.phone(city.carl)
    answer = order(carl)
    assert answer.status_code == 202, answer.content
    said = answer.json()
    assert (said["status"]["code"], said["rows"], said["total"]) == ("waiting", 0, 5)
    assert carl.get(f"{EXPORTS}/{said['id']}/file").json()["code"] == "export_not_ready"
    exports.write(Export.objects.get().pk)
    half = carl.get(f"{EXPORTS}/{said['id']}").json()
    assert (half["status"]["code"], half["rows"]) == ("working", 2)
    work()
    heads, *rows = table(carl, said["id"])
    assert heads[:2] == ["案卷号", "问题来源"]
    assert [row[0] for row in rows] == numbers[::-1]
    assert rows[0][heads.index("责任单位")] == "市政所"
    assert rows[0][heads.index("上报时间")] == "2026-03-02 09:00:00"


def test_each_sees_in_the_file_what_he_sees_in_the_list(city: SimpleNamespace, clock: Any) -> None:
    town.report(city)
    heap = town.report(city, category=city.refuse.pk, condition=city.heap.pk)
    otto = town.phone(city.otto)
    export = order(otto).json()["id"]
    work()
    assert [row[0] for row in table(otto, export)[1:]] == [heap.number]
    assert town.phone(city.carl).get(f"{EXPORTS}/{export}").status_code == 404
    assert town.phone(city.adam).post(EXPORTS, "{}", content_type="application/json").status_code == 403


def test_a_file_is_narrowed_as_a_list_is(city: SimpleNamespace, clock: Any) -> None:
    town.report(city)
    clock.shift(timedelta(days=1))
    new = town.report(city)
    lena = town.phone(city.lena)
    since = (town.MONDAY + timedelta(hours=1)).isoformat()
    export = order(lena, cases={"since": since, "stage": ["handling"]}).json()
    assert export["total"] == 1
    work()
    assert [row[0] for row in table(lena, export["id"])[1:]] == [new.number]


def test_the_same_order_under_way_is_that_one(city: SimpleNamespace, clock: Any) -> None:
    town.report(city)
    carl = town.phone(city.carl)
    assert order(carl).json()["id"] == order(carl).json()["id"]
    assert order(carl, form="xlsx").json()["id"] != order(carl).json()["id"]
    assert Export.objects.count() == 2


def test_a_killed_worker_goes_on_where_it_was(city: SimpleNamespace, clock: Any) -> None:
    numbers = [town.report(city).number for _n in range(5)]
    carl = town.phone(city.carl)
    export = order(carl).json()["id"]
    row = Export.objects.get()
    exports.write(row.pk)
    row.refresh_from_db()
    with exports._part(row).open("ab") as part:
        part.write(b'["half a li')  # written, but not for good
    work()
    assert [line[0] for line in table(carl, export)[1:]] == numbers[::-1]
    assert OrmQ.objects.count() >= 3  # each turn orders the next
    exports.write(row.pk)  # a task that comes twice
    assert len(table(carl, export)) == 6


def test_killed_before_the_whole_file_is_said_to_be_there_it_begins_again(city: SimpleNamespace, clock: Any) -> None:
    numbers = [town.report(city).number for _n in range(5)]
    carl = town.phone(city.carl)
    export = order(carl).json()["id"]
    row = Export.objects.get()
    exports.write(row.pk)
    row.refresh_from_db()
    assert row.size
    exports._part(row).unlink()
    work()
    assert [line[0] for line in table(carl, export)[1:]] == numbers[::-1]


def test_a_sheet_that_breaks_says_so(city: SimpleNamespace, clock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    town.report(city)
    export = order(town.phone(city.carl)).json()["id"]
    broken = sheets.SHEETS["cases"].__class__(**{**vars(sheets.SHEETS["cases"]), "batch": lambda *_said: 1 / 0})
    monkeypatch.setitem(sheets.SHEETS, "cases", broken)
    work()
    assert town.phone(city.carl).get(f"{EXPORTS}/{export}").json()["status"]["code"] == "failed"


def test_what_a_spreadsheet_would_reckon_is_marked_as_text(city: SimpleNamespace, clock: Any) -> None:
    town.report(city, text='=HYPERLINK("http://evil")', place="+1")
    carl = town.phone(city.carl)
    export = order(carl).json()["id"]
    work()
    (_heads, row) = table(carl, export)
    assert '\'=HYPERLINK("http://evil")' in row and "'+1" in row


def test_a_workbook_opens(city: SimpleNamespace, clock: Any) -> None:
    case = town.report(city)
    carl = town.phone(city.carl)
    export = order(carl, form="xlsx").json()["id"]
    work()
    answer = carl.get(f"{EXPORTS}/{export}/file")
    page = load_workbook(io.BytesIO(b"".join(answer.streaming_content))).active
    assert page.cell(1, 1).value == "案卷号" and page.cell(2, 1).value == case.number
    assert page.cell(2, 11).value == pytest.approx(town.LON + town.STEP / 2)  # a number stays one


def test_too_many_rows_are_refused_at_once(city: SimpleNamespace, clock: Any, settings: Any) -> None:
    settings.EXPORT_ROWS = {"csv": 10, "xlsx": 1}
    town.report(city), town.report(city)
    answer = order(town.phone(city.carl), form="xlsx")
    assert (answer.status_code, answer.json()["code"]) == (422, "export_too_large")
    assert "CSV" in answer.json()["detail"]
    assert order(town.phone(city.carl)).status_code == 202


def test_i_stop_an_export(city: SimpleNamespace, clock: Any) -> None:
    for _n in range(3):
        town.report(city)
    carl = town.phone(city.carl)
    export = order(carl).json()["id"]
    row = Export.objects.get()
    exports.write(row.pk)
    assert carl.delete(f"{EXPORTS}/{export}").status_code == 204
    work()
    row.refresh_from_db()
    assert row.status == "stopped" and not exports._part(row).stat().st_size
    assert carl.delete(f"{EXPORTS}/{export}").status_code == 204


def test_files_are_thrown_away_in_time_and_the_order_stays(city: SimpleNamespace, clock: Any, settings: Any) -> None:
    town.report(city)
    carl = town.phone(city.carl)
    export = order(carl).json()["id"]
    work()
    clock.shift(timedelta(hours=settings.EXPORT_HOURS - 1))
    exports.tidy()
    assert len(table(town.phone(city.carl), export)) == 2
    clock.shift(timedelta(hours=2))
    exports.tidy()
    answer = town.phone(city.carl).get(f"{EXPORTS}/{export}/file")
    assert (answer.status_code, answer.json()["code"]) == (409, "export_not_ready")
    assert Export.objects.get().status == "gone" and not exports.file(Export.objects.get()).exists()


def test_each_fetch_is_logged(city: SimpleNamespace, clock: Any, caplog: pytest.LogCaptureFixture) -> None:
    town.report(city)
    carl = town.phone(city.carl)
    with caplog.at_level("INFO", "access"):
        export = order(carl).json()["id"]
        work()
        table(carl, export)
    assert f"fetched officer={city.carl.pk} rows=1" in caplog.text and "asked" in caplog.text


# Figures


def test_figures_are_exported(city: SimpleNamespace, clock: Any) -> None:
    from cases import outbox

    town.report(city)
    outbox.drain()
    lena = town.phone(city.lena)
    said = {"sheet": "figures", "kind": "street", "since": "2026-03-01", "until": "2026-03-31"}
    export = order(lena, **said).json()["id"]
    work()
    heads, row = table(lena, export)
    assert (row[0], row[heads.index("上报数")], row[heads.index("立案数")]) == (city.street.code, "1", "1")


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"kind": "planet"}, "kind_unknown"),
        ({"since": "2026-13-01"}, "bad_period"),
        ({"since": "2026-04-01"}, "bad_period"),
        ({"since": ""}, "bad_period"),
    ],
)
def test_figures_that_cannot_be_meant_are_refused(
    city: SimpleNamespace, clock: Any, wrong: dict[str, str], code: str
) -> None:
    said = {"sheet": "figures", "kind": "street", "since": "2026-03-01", "until": "2026-03-31"} | wrong
    answer = order(town.phone(city.lena), **said)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert not Export.objects.exists()


def test_a_file_of_figures_holds_what_its_reader_may_look_at(city: SimpleNamespace, clock: Any) -> None:
    from cases import outbox

    case = town.report(city)
    town.finish(case, city.hugo)
    outbox.drain()
    said = {"sheet": "figures", "since": "2026-03-01", "until": "2026-03-31"}

    def codes(officer: Any, kind: str) -> list[str]:
        phone = town.phone(officer)
        export = order(phone, **said, kind=kind).json()["id"]
        work()
        return [row[0] for row in table(phone, export)[1:]]

    assert codes(city.aude, "officer") == [row.username for row in (city.ann, city.hugo)]
    assert codes(city.hugo, "officer") == ["hugo"] and codes(city.hana, "officer") == []
    assert codes(city.aude, "department") == ["roads", "works"]
    assert codes(city.hugo, "department") == ["roads"] and codes(city.hedi, "department") == ["roads", "works"]
    answer = order(town.phone(city.hugo), **said, kind="street")
    assert (answer.status_code, answer.json()["code"]) == (403, "not_your_figures")
    with pytest.raises(Refused):
        exports.ask(city.adam, "figures", "csv", {})


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"sheet": "planets"}, "sheet"),
        ({"sheet": "cases", "form": "pdf"}, "form"),
        ({"sheet": "cases", "kind": "street"}, "kind"),
        ({"sheet": "cases", "cases": {"stage": ["nowhere"]}}, "cases.stage.0"),
        ({"sheet": "figures"}, "kind"),
        ({"sheet": "scores", "scheme": "street"}, "day"),
    ],
)
def test_an_order_of_another_shape_is_refused_at_its_field(
    city: SimpleNamespace, clock: Any, wrong: dict[str, Any], field: str
) -> None:
    answer = order(town.phone(city.lena), **wrong)
    assert (answer.status_code, answer.json()["field"]) == (422, field)


# At the desk


def test_the_list_at_the_desk_is_exported_as_it_is_narrowed(city: SimpleNamespace, clock: Any) -> None:
    town.report(city)
    heap = town.report(city, category=city.refuse.pk, condition=city.heap.pk)
    browser = desk(city.carl)
    answer = browser.post(f"/exports/cases/?category={city.refuse.pk}", {"form": "csv"})
    assert answer["Location"] == "/exports/"
    page = browser.get("/exports/").content.decode()
    assert "生成中" not in page and "排队中" in page and 'hx-trigger="every 2s"' in page
    work()
    part = browser.get("/exports/", headers={"HX-Request": "true"}).content.decode()
    assert "下载" in part and "hx-trigger" not in part and "<html" not in part
    export = Export.objects.get()
    body = b"".join(browser.get(f"/exports/{export.uuid}/file/").streaming_content).decode("utf-8-sig")
    assert heap.number in body and body.count("\n") == 2
    assert desk(city.dora).get(f"/exports/{export.uuid}/file/").status_code == 404
    browser.post(f"/exports/{export.uuid}/stop/")
    assert browser.get(f"/exports/{export.uuid}/file/").status_code == 409


# What stands in a file

BREAKING = ["表格\u000b换行", "删\u0008字", "甲\u000c乙", "红\u001b[31m字", "甲\ufffe乙", "半\ud83d个", "_x000B_"]


def fetched(phone: Any, **said: Any) -> bytes:
    """The bytes of the file of an order."""
    export = order(phone, **said).json()["id"]
    work()
    return b"".join(phone.get(f"{EXPORTS}/{export}/file").streaming_content)


def cells(body: bytes) -> dict[str, Any]:
    """The cells of the only row of a workbook, by head."""
    page = load_workbook(io.BytesIO(body)).active
    heads, row = page.iter_rows()
    return {head.value: cell for head, cell in zip(heads, row, strict=True)}


@pytest.mark.parametrize("text", BREAKING, ids=ascii)
def test_no_text_ends_a_file(city: SimpleNamespace, clock: Any, text: str) -> None:
    case = town.report(city, text="路面破损")
    # As it may have been kept before the doors cleaned texts; the database takes no surrogates.
    Case.objects.filter(pk=case.pk).update(text=cleaned(text) if "\ud83d" in text else text)
    carl = town.phone(city.carl)
    assert cells(fetched(carl, form="xlsx"))["问题描述"].value == cleaned(text)
    body = fetched(carl).decode("utf-8-sig")
    assert list(csv.reader(io.StringIO(body)))[1][8:10] == [case.place, cleaned(text)]


@pytest.mark.parametrize("text", ["-5℃路面结冰", "=1+1", "@某人", "+86", "#N/A", "440304001001001"])
def test_a_workbook_shows_a_text_as_it_is(city: SimpleNamespace, clock: Any, text: str) -> None:
    town.report(city, text=text)
    cell = cells(fetched(town.phone(city.carl), form="xlsx"))["问题描述"]
    assert (cell.value, cell.data_type, cell.number_format) == (text, "s", "@")


def test_a_workbook_keeps_dates_and_numbers_as_such(city: SimpleNamespace, clock: Any) -> None:
    case = town.report(city)
    answer = fetched(town.phone(city.carl), form="xlsx")
    found = cells(answer)
    assert found["上报时间"].is_date and found["上报时间"].value == datetime(2026, 3, 2, 9)
    assert found["上报时间"].number_format == "yyyy-mm-dd hh:mm:ss"
    assert found["单元网格"].value == case.cell.code and found["升级"].value == 0


def test_a_spreadsheet_keeps_the_digits_of_codes_where_one_asks_for_it(city: SimpleNamespace, clock: Any) -> None:
    case = town.report(city, text="=1+1")
    carl = town.phone(city.carl)
    plain = fetched(carl).decode()
    asked = fetched(carl, spreadsheet=True).decode()
    assert f",{case.cell.code}," in plain and "'=1+1" in plain
    assert f',"=""{case.cell.code}""",' in asked and "'=1+1" in asked


def test_a_file_says_what_it_is(city: SimpleNamespace, clock: Any) -> None:
    from cases import outbox

    town.report(city)
    outbox.drain()
    lena, browser = town.phone(city.lena), desk(city.lena)
    browser.post(
        f"/exports/cases/?since=2026-03-01&until=2026-03-31&stage=handling&area={city.street.code}&q=%2F甲%20乙",
        {"form": "xlsx"},
    )
    order(lena, sheet="figures", kind="street", since="2026-03-01", until="2026-03-07")
    order(lena, sheet="cases", cases={"late": True, "department": 0}, spreadsheet=True)
    work()
    assert [row["name"] for row in lena.get(EXPORTS).json()] == [
        "案卷_尚未派遣_已超时_20260302-0900.csv",
        "统计数_街道_2026-03-01–2026-03-07_按发生日_20260302-0900.csv",
        "案卷_2026-03_待处置_结古街道_甲-乙_20260302-0900.xlsx",
    ]
    page = browser.get("/exports/").content.decode()
    assert "2026-03 · 待处置 · 结古街道 · /甲 乙" in page and "尚未派遣 · 已超时" in page
    first = Export.objects.earliest("pk")
    for answer in (browser.get(f"/exports/{first.uuid}/file/"), lena.get(f"{EXPORTS}/{first.uuid}/file")):
        assert unquote(answer["Content-Disposition"].partition("''")[2]) == exports.name(first)
        assert b"".join(answer.streaming_content)
