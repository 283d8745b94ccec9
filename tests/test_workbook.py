"""A city's workbook of filing conditions is read as it is meant, or refused by sheet and row."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from io import StringIO
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from django.core.management import CommandError, call_command
from openpyxl import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from cases.loading import conditions, parts, workbook
from cases.loading.reading import NotLoaded, Refusals
from cases.models import Category, Condition, Kind

SCHEME = "city"
OPENED, LATER = date(2026, 1, 1), date(2026, 6, 1)
HEADING = ["大类代码", "大类名称", "小类代码", "小类名称", "立案条件", "处置时限", "结案条件", "监管主体", "采集要求"]
COVERS = [
    [1, "公用设施", 1, "上水井盖", "丢失", "2紧急工作时", "补齐", "市政", "近景远景各一张"],
    [None, None, None, None, "响动", "2天", None, None, None],
    [None, None, 2, "污水井盖", "破损", "4小时", None, None, None],
]
STREETS = [["04", "街面秩序", "01", "无照经营游商", "占道摆卖", "2紧急工作时", "劝离", "城管", None]]

Fill = Callable[[Worksheet], None]


@pytest.fixture
def taxonomy(db: None) -> None:
    for kind, major, name, subs in (
        (Kind.COMPONENT, "01", "公用设施", ("上水井盖", "污水井盖")),
        (Kind.EVENT, "04", "街面秩序", ("无照经营游商", "店外经营")),
    ):
        parent = Category.objects.create(scheme=SCHEME, kind=kind, major=major, name=name, name_en=name)
        for number, sub in enumerate(subs, 1):
            Category.objects.create(
                scheme=SCHEME, kind=kind, major=major, sub=f"{number:02}", name=sub, name_en=sub, parent=parent
            )


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Path]:
    """A workbook with these rows of components; its rows of events are sound unless said otherwise."""

    def made(
        *components: list[Any], heading: list[Any] = HEADING, events: Any = STREETS, fill: Fill | None = None
    ) -> Path:
        book = Workbook()
        first = book.active
        assert isinstance(first, Worksheet)
        first.title = "附件1 部件"
        for row in (heading, *components):
            first.append(row)
        if fill:
            fill(first)
        second = book.create_sheet("事件")
        for row in (HEADING, *events):
            second.append(row)
        book.create_sheet("说明").append(["本表自公布之日起施行"])
        book.save(tmp_path / "conditions.xlsx")
        return tmp_path / "conditions.xlsx"

    return made


def load(path: Path, valid_from: date = OPENED, **asked: Any) -> dict[str, int]:
    return vars(conditions.load(path, scheme=SCHEME, valid_from=valid_from, **asked)[0])


def refused(path: Path, **asked: Any) -> list[tuple[str, int, str]]:
    with pytest.raises(NotLoaded) as caught:
        load(path, **asked)
    assert not Condition.objects.exists()
    return [(found.file, found.row, found.code) for found in caught.value.refusals]


def written() -> list[tuple[str, int, str, float, str]]:
    rows = Condition.objects.order_by("category__kind", "category__sub", "no").select_related("category")
    return [(row.category.name, row.no, row.text, float(row.limit_value), row.limit_unit) for row in rows]


SOUND = [
    ("上水井盖", 1, "丢失", 2.0, "urgent_hour"),
    ("上水井盖", 2, "响动", 2.0, "work_day"),
    ("污水井盖", 1, "破损", 4.0, "work_hour"),
    ("无照经营游商", 1, "占道摆卖", 2.0, "urgent_hour"),
]


def test_both_sheets_load_with_the_words_of_the_document(make: Callable[..., Path], taxonomy: None) -> None:
    assert load(make(*COVERS))["added"] == 4
    assert written() == SOUND
    row = Condition.objects.get(text="丢失")
    assert (row.original, row.closing, row.guidance, row.valid_from) == (
        "2紧急工作时",
        "补齐",
        "近景远景各一张",
        OPENED,
    )


def test_the_same_workbook_again_changes_nothing(make: Callable[..., Path], taxonomy: None) -> None:
    load(make(*COVERS))
    assert load(make(*COVERS), LATER) == {"added": 0, "changed": 0, "retired": 0, "unchanged": 4}


def test_a_new_limit_holds_from_its_day(make: Callable[..., Path], taxonomy: None) -> None:
    load(make(*COVERS))
    softer = [[*row[:5], "3天" if row[5] == "2天" else row[5], *row[6:]] for row in COVERS]
    assert load(make(*softer), LATER) == {"added": 0, "changed": 1, "retired": 0, "unchanged": 3}
    old, new = Condition.objects.filter(text="响动").order_by("valid_from")
    assert (old.original, old.closed_on, new.original, new.valid_from) == ("2天", LATER, "3天", LATER)


def test_a_class_that_the_workbook_does_not_name_keeps_its_conditions(
    make: Callable[..., Path], taxonomy: None
) -> None:
    load(make(*COVERS))
    load(make(*COVERS[:2]), LATER)
    assert Condition.objects.get(text="破损").closed_on is None
    load(make(*COVERS[:1], *COVERS[2:]), LATER)
    assert Condition.objects.get(text="响动").closed_on == LATER


@pytest.mark.parametrize("code", [1, 1.0, "1", "01", "001", " 01 ", "１", "1.0"])
def test_codes_come_as_numbers_and_as_text(make: Callable[..., Path], taxonomy: None, code: object) -> None:
    load(make([code, None, code, None, "丢失", "2天"]))
    assert written()[0] == ("上水井盖", 1, "丢失", 2.0, "work_day")


def test_merged_cells_hold_for_the_rows_that_they_cover(make: Callable[..., Path], taxonomy: None) -> None:
    def merge(sheet: Worksheet) -> None:
        for cells in ("A2:A4", "B2:B4", "C2:C3", "D2:D3", "I2:I4", "F2:F3"):
            sheet.merge_cells(cells)

    load(make(*COVERS, fill=merge))
    assert written()[:3] == [SOUND[0], ("上水井盖", 2, "响动", 2.0, "urgent_hour"), SOUND[2]]
    assert {row.guidance for row in Condition.objects.filter(category__major="01")} == {"近景远景各一张"}


def test_a_title_above_and_a_heading_in_two_rows_are_understood(make: Callable[..., Path], taxonomy: None) -> None:
    def fill(sheet: Worksheet) -> None:
        sheet.insert_rows(1, 2)
        sheet["A1"] = "某市城市管理部件立案、处置和结案条件"
        sheet.merge_cells("A1:I1")
        for column, cell in enumerate(["大 类", None, "小 类", None, *HEADING[4:]], 1):
            sheet.cell(2, column, cell)
        for cells in ("A2:B2", "C2:D2", "E2:E3", "F2:F3", "G2:G3", "H2:H3", "I2:I3"):
            sheet.merge_cells(cells)

    load(make(*COVERS, heading=["代码", "名称", "代码", "名称", *[None] * 5], fill=fill))
    assert written() == SOUND


def test_other_headings_and_their_order_are_understood(make: Callable[..., Path], taxonomy: None) -> None:
    heading = ["小类\n编码", "大类编码", "立案标准", "处理时限", "备注栏"]
    load(make([1, 1, "丢失", "2紧急工作时", "x"], heading=heading, events=[]))
    assert written() == [SOUND[0]]


def test_notes_and_headings_between_the_rows_are_passed_over(make: Callable[..., Path], taxonomy: None) -> None:
    def fill(sheet: Worksheet) -> None:
        sheet.append([])
        sheet.append(["注：1. 本表时限自派遣起计。"])
        sheet.append([None, "2. 工作日按本市作息。"])
        sheet.merge_cells("B7:I7")

    load(make(*COVERS[:2], HEADING, [1, None, *COVERS[2][2:]], fill=fill))
    assert written() == SOUND


def test_a_formula_counts_by_its_result(make: Callable[..., Path], taxonomy: None, tmp_path: Path) -> None:
    """openpyxl writes formulas without results; what a spreadsheet program stores is put in by hand."""

    def fill(sheet: Worksheet) -> None:
        sheet["C4"] = "=C2+1"

    path = make(*COVERS, fill=fill)
    assert refused(path) == [("附件1 部件", 4, "formula")]
    edit(path, "xl/worksheets/sheet1.xml", "<v></v>", "<v>2</v>")
    edit(path, "xl/worksheets/sheet1.xml", "<v />", "<v>2</v>")
    load(path)
    assert written() == SOUND


def edit(path: Path, part: str, old: str, new: str) -> None:
    with ZipFile(path) as parts:
        kept = {name: parts.read(name) for name in parts.namelist()}
    kept[part] = kept[part].replace(old.encode(), new.encode())
    with ZipFile(path, "w", ZIP_DEFLATED) as parts:
        for name, said in kept.items():
            parts.writestr(name, said)


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ([1, None, 1, None, "种植", "种植季节N工作日"], "limit_unread"),
        ([1, None, 1, None, "搭建", "1紧急工作时制止"], "limit_unread"),
        ([1, None, 1, None, "丢失", 4], "limit_unread"),
        ([1, None, 1, None, "丢失", "0天"], "limit_not_positive"),
        ([1, None, 1, None, "丢失", None], "limit_empty"),
        ([1, None, 1, None, None, "2天"], "text_blank"),
        ([1, None, 9, None, "丢失", "2天"], "category_unknown"),
        ([1, None, 1, "雨水井盖", "丢失", "2天"], "name_differs"),
        ([1, "园林绿化", 1, None, "丢失", "2天"], "name_differs"),
        ([1, None, "1a", None, "丢失", "2天"], "code_invalid"),
        ([1, None, "0101", None, "丢失", "2天"], "code_invalid"),
        ([1, None, 1.5, None, "丢失", "2天"], "code_invalid"),
        ([1, None, None, None, "丢失", "2天"], "code_blank"),
        ([1, None, None, "上水井盖", "丢失", "2天"], "code_blank"),
        ([None, None, None, None, "丢失", "2天"], "code_blank"),
        ([1, None, datetime(2026, 1, 1), None, "丢失", "2天"], "cell_date"),
        ([1, None, True, None, "丢失", "2天"], "cell_yes_no"),
        ([1, None, 1, None, "丢失", "#REF!"], "cell_error"),
        ([1, None, 1, None, "丢失", "12345天"], "unfit"),
    ],
)
def test_what_is_not_understood_is_refused_by_its_row(
    make: Callable[..., Path], taxonomy: None, row: list[Any], code: str
) -> None:
    assert refused(make(row)) == [("附件1 部件", 2, code)]


def test_a_blank_row_after_a_refused_one_is_not_put_to_the_class_above_it(
    make: Callable[..., Path], taxonomy: None
) -> None:
    rows = [COVERS[0], [1, None, "x", None, "破损", "2天"], [None, None, None, None, "缺失", "3天"]]
    assert refused(make(*rows)) == [("附件1 部件", 3, "code_invalid"), ("附件1 部件", 4, "code_blank")]


def test_a_new_major_does_not_continue_the_sub_class_above(make: Callable[..., Path], taxonomy: None) -> None:
    assert refused(make(*COVERS, [2, None, None, None, "破损", "2天"])) == [("附件1 部件", 5, "code_blank")]


def test_a_condition_that_stands_twice_is_refused(make: Callable[..., Path], taxonomy: None) -> None:
    assert refused(make(*COVERS, [1, None, 1, None, "响动", "5天"])) == [("附件1 部件", 5, "condition_twice")]


def test_everything_that_is_wrong_is_told_at_once(make: Callable[..., Path], taxonomy: None) -> None:
    bad = [[*COVERS[0][:5], "马上"], *COVERS[1:]]
    events = [[*STREETS[0][:5], "尽快"]]
    assert refused(make(*bad, events=events)) == [("附件1 部件", 2, "limit_unread"), ("事件", 2, "limit_unread")]


def test_a_workbook_of_the_other_generation_is_not_taken_in(make: Callable[..., Path], taxonomy: None) -> None:
    """04 is emergencies there: its codes exist here and mean other things."""
    events = [["04", "突发事件", "01", "路面塌陷", "塌陷", "2紧急工作时"]]
    assert refused(make(*COVERS, events=events)) == [("事件", 2, "name_differs")]


def test_a_part_may_be_loaded_by_whole_classes(make: Callable[..., Path], taxonomy: None) -> None:
    """Else the conditions behind the refused one would take its number."""
    path = make([*COVERS[0][:5], "马上"], *COVERS[1:])
    counts, refusals = conditions.load(path, scheme=SCHEME, valid_from=OPENED, partial=True)
    assert (counts.added, [found.code for found in refusals]) == (2, ["limit_unread"])
    assert written() == SOUND[2:]


def test_a_dry_run_says_and_writes_nothing(make: Callable[..., Path], taxonomy: None) -> None:
    assert load(make(*COVERS), dry_run=True)["added"] == 4
    assert not Condition.objects.exists()


def test_region_classes_have_conditions_of_their_own(make: Callable[..., Path], taxonomy: None) -> None:
    heading = ["大类代码", "小类代码", "区域分类", "立案条件", "处置时限"]
    load(make([1, 1, "一类", "丢失", "2小时"], [1, 1, "二类", "丢失", "4小时"], heading=heading, events=[]))
    assert [(row.region_class, row.no) for row in Condition.objects.order_by("pk")] == [("一类", 1), ("二类", 1)]


def test_what_is_no_workbook_is_refused(tmp_path: Path, taxonomy: None) -> None:
    (tmp_path / "old.xls").write_bytes(b"\xd0\xcf\x11\xe0 an older format")
    assert refused(tmp_path / "old.xls") == [("old.xls", 0, "not_xlsx")]
    assert refused(tmp_path / "none.xlsx") == [("none.xlsx", 0, "file_missing")]
    with ZipFile(tmp_path / "zip.xlsx", "w") as whole:
        whole.writestr("hello.txt", "a zip, and no workbook")
    assert refused(tmp_path / "zip.xlsx") == [("zip.xlsx", 0, "not_xlsx")]


def test_a_sheet_without_its_headings_or_its_kind_is_refused(make: Callable[..., Path], taxonomy: None) -> None:
    assert refused(make(heading=["大类", "小类", "立案条件"])) == [("附件1 部件", 0, "headings")]
    assert refused(make(heading=[*HEADING, "时限"])) == [("附件1 部件", 0, "heading_twice")]


def test_a_workbook_without_the_two_kinds_is_refused(tmp_path: Path, taxonomy: None) -> None:
    book = Workbook()
    book.save(tmp_path / "empty.xlsx")
    assert refused(tmp_path / "empty.xlsx") == [("empty.xlsx", 0, "sheets")]


def test_a_long_sheet_is_refused(make: Callable[..., Path], taxonomy: None) -> None:
    assert refused(make(*COVERS), rows=3) == [("conditions.xlsx", 0, "sheet_long")]


def test_a_workbook_that_unpacks_to_too_much_is_not_opened(make: Callable[..., Path], taxonomy: None) -> None:
    path = make(*COVERS)
    with ZipFile(path, "a", ZIP_DEFLATED) as whole:
        whole.writestr("xl/bomb.xml", b" " * (parts.UNPACKED + 1))
    assert path.stat().st_size < 100_000
    assert refused(path) == [("conditions.xlsx", 0, "file_large")]


@pytest.mark.parametrize(("cells", "code"), [("A1:XFD1048576", "merged_large"), ("A1:A999999999999", "not_xlsx")])
def test_a_merge_over_the_whole_sheet_costs_nothing(
    make: Callable[..., Path], taxonomy: None, cells: str, code: str
) -> None:
    path = make(*COVERS, fill=lambda sheet: sheet.merge_cells("A2:A4"))
    edit(path, "xl/worksheets/sheet1.xml", "A2:A4", cells)
    assert refused(path) == [("conditions.xlsx", 0, code)]


def test_the_bounds_that_a_sheet_declares_are_not_believed(make: Callable[..., Path], taxonomy: None) -> None:
    path = make(*COVERS)
    edit(path, "xl/worksheets/sheet1.xml", 'ref="A1:I4"', 'ref="A1:B2"')
    load(path)
    assert written() == SOUND


def test_reading_alone_touches_no_database(make: Callable[..., Path]) -> None:
    refusals = Refusals()
    book = workbook.read(make(*COVERS), refusals)
    assert [(line.row, line.stands.sub) for line in book.lines] == [(2, 1), (3, 1), (4, 2), (2, 1)]
    assert not refusals


def test_the_command_tells_counts_and_refusals(make: Callable[..., Path], taxonomy: None) -> None:
    said = StringIO()
    path = make([*COVERS[0][:5], "马上"], *COVERS[1:])
    with pytest.raises(CommandError, match=r"附件1 部件:2 \[limit_unread\]"):
        call_command("load_conditions", path, scheme=SCHEME)
    with pytest.raises(CommandError, match="limit_unread") as caught:
        call_command("load_conditions", path, "--partial", "--dry-run", scheme=SCHEME, stdout=said)
    assert caught.value.returncode == 2
    assert "新增 2" in said.getvalue()
    assert not Condition.objects.exists()
