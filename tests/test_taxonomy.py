"""Loading what can be wrong and who answers for it: classes of both generations, conditions by date, duties."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from cases.loading import duties, taxonomy
from cases.loading.reading import NotLoaded
from cases.models import Category, Condition, Duty
from grid.models import Department

from . import city as town

FIXTURES = settings.BASE_DIR / "fixtures" / "taxonomy"
OPENED, LATER = date(2026, 1, 1), date(2026, 6, 1)

HEADING = "scheme,kind,major_code,major_zh,major_en,sub_code,sub_zh,sub_en,urgent,basis\n"
ORDER = "new,event,04,街面秩序,Street order,"
CLASSES = f"""{HEADING}{ORDER}01,无照经营游商,Unlicensed vending,0,
{ORDER}02,店外经营,Trading outside,1,
new,component,01,公用设施,Utilities,01,上水井盖,Water cover,0,
new,component,05,其他部件,Other components,,,,,
"""
OLD = f"{HEADING}old,event,04,突发事件,Emergencies,01,路面塌陷,Road collapse,1,\n"
CONDITIONS = """scheme,kind,major,sub,no,text,text_en,limit_value,limit_unit,closing,closing_en
new,event,04,01,1,占道摆卖,Vending,2,urgent_hour,已劝离,Gone
new,event,04,02,1,占道经营,Trading,4,work_hour,,
new,event,04,02,2,越门摆放,Goods outside,1,work_day,,
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "categories.csv").write_text(CLASSES)
    (tmp_path / "categories_old.csv").write_text(OLD)
    (tmp_path / "conditions.csv").write_text(CONDITIONS)
    return tmp_path


def rewrite(folder: Path, name: str, old: str, new: str) -> None:
    said = (folder / name).read_text()
    assert old in said
    (folder / name).write_text(said.replace(old, new))


def load(folder: Path, valid_from: date = OPENED) -> tuple[dict[str, int], dict[str, int]]:
    classes, conditions = taxonomy.load(folder, valid_from=valid_from)
    return vars(classes), vars(conditions)


def refused(folder: Path, valid_from: date = LATER) -> list[tuple[str, int, str]]:
    before = Category.objects.count(), Condition.objects.count()
    with pytest.raises(NotLoaded) as caught:
        taxonomy.load(folder, valid_from=valid_from)
    assert (Category.objects.count(), Condition.objects.count()) == before
    return [(found.file, found.row, found.code) for found in caught.value.refusals]


def the(sub: str, scheme: str = "new", kind: str = "event", major: str = "04") -> Category:
    return Category.objects.get(scheme=scheme, kind=kind, major=major, sub=sub)


def test_both_generations_load_and_one_code_names_two_things(folder: Path, db: None) -> None:
    load(folder)
    assert (the("01").name, the("01", "old").name) == ("无照经营游商", "路面塌陷")
    assert (the("01").parent, the("01", "old").parent) == (the(""), the("", "old"))


def test_loading_again_changes_nothing(folder: Path, db: None) -> None:
    load(folder)
    kept = set(Category.objects.values_list("pk", flat=True)) | set(Condition.objects.values_list("pk", flat=True))
    classes, conditions = load(folder, LATER)
    assert classes == {"added": 0, "changed": 0, "retired": 0, "unchanged": 8}
    assert conditions == {"added": 0, "changed": 0, "retired": 0, "unchanged": 3}
    assert kept == set(Category.objects.values_list("pk", flat=True)) | set(
        Condition.objects.values_list("pk", flat=True)
    )


def test_a_class_that_vanished_is_closed_and_comes_back(folder: Path, db: None) -> None:
    load(folder)
    rewrite(folder, "categories.csv", f"{ORDER}02,店外经营,Trading outside,1,\n", "")
    rewrite(folder, "conditions.csv", "new,event,04,02,1,占道经营,Trading,4,work_hour,,\n", "")
    rewrite(folder, "conditions.csv", "new,event,04,02,2,越门摆放,Goods outside,1,work_day,,\n", "")
    assert load(folder)[0]["retired"] == 1
    assert the("02").closed_on
    (folder / "categories.csv").write_text(CLASSES)
    load(folder)
    assert the("02").closed_on is None


def test_a_scheme_that_is_not_in_the_folder_is_left_alone(folder: Path, db: None) -> None:
    load(folder)
    (folder / "categories_old.csv").unlink()
    load(folder)
    assert the("01", "old").closed_on is None


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("new,event,,,,01,无主,Orphan,0,", "cell_blank"),
        ("new,event,04,突发事件,Emergencies,03,改名,Renamed,0,", "major_renamed"),
        (ORDER + "01,又一个,Again,0,", "duplicate"),
        (ORDER + "79,自设,Own,0,local-extension", "local_code"),
        (ORDER + "099,太宽,Wide,0,", "code_width"),
        (ORDER + "9,太窄,Narrow,0,", "code_invalid"),
        (ORDER + "x-1,符号,Signs,0,", "code_invalid"),
        (ORDER + "03,,,0,", "cell_blank"),
        (ORDER + "03,急不急,Urgent,maybe,", "not_yes_or_no"),
        ("new,matter,04,街面秩序,Street order,03,种类,Kind,0,", "unfit"),
        (ORDER + "03,少一格,Short,0", "cell_count"),
    ],
)
def test_an_odd_class_is_refused_by_its_row(folder: Path, db: None, line: str, code: str) -> None:
    with (folder / "categories.csv").open("a") as file:
        file.write(line + "\n")
    assert refused(folder) == [("categories.csv", 6, code)]


def test_a_local_class_in_the_local_range_is_taken(folder: Path, db: None) -> None:
    with (folder / "categories.csv").open("a") as file:
        file.write(ORDER + "80,自设,Own,0,local-extension\n")
    assert load(folder)[0]["added"] == 9


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("new,event,04,01,2,条件,Condition,2,week,,", "unit_unknown"),
        ("new,event,04,01,2,条件,Condition,two,work_day,,", "not_a_number"),
        ("new,event,04,01,2,条件,Condition,0,work_day,,", "limit_not_positive"),
        ("new,event,04,01,2,条件,Condition,1.125,work_day,,", "unfit"),
        ("new,event,04,01,1.5,条件,Condition,1,work_day,,", "not_whole"),
        ("new,event,04,01,2,,Condition,1,work_day,,", "cell_blank"),
        ("new,event,04,07,1,条件,Condition,1,work_day,,", "category_unknown"),
        ("old,event,04,02,1,条件,Condition,1,work_day,,", "category_unknown"),
        ("new,event,04,01,1,条件,Condition,1,work_day,,", "duplicate"),
    ],
)
def test_an_odd_condition_is_refused_by_its_row(folder: Path, db: None, line: str, code: str) -> None:
    with (folder / "conditions.csv").open("a") as file:
        file.write(line + "\n")
    assert refused(folder) == [("conditions.csv", 5, code)]


def test_all_that_is_wrong_is_told_at_once(folder: Path, db: None) -> None:
    rewrite(folder, "conditions.csv", "2,urgent_hour", "2,hours")
    rewrite(folder, "conditions.csv", "1,work_day", "-1,work_day")
    assert refused(folder) == [("conditions.csv", 2, "unit_unknown"), ("conditions.csv", 4, "limit_not_positive")]


def test_a_file_that_is_no_csv_in_utf_8_is_refused(folder: Path, db: None) -> None:
    (folder / "categories.csv").write_bytes(CLASSES.encode("gb18030"))
    assert refused(folder) == [("categories.csv", 0, "not_utf8")]
    (folder / "categories.csv").write_text(CLASSES.replace("sub_code", "sub_number"))
    assert refused(folder) == [("categories.csv", 0, "column_missing")]


def test_a_changed_limit_is_a_new_condition_from_its_day(folder: Path, db: None) -> None:
    load(folder)
    rewrite(folder, "conditions.csv", "4,work_hour", "2,work_hour")
    assert load(folder, LATER)[1] == {"added": 0, "changed": 1, "retired": 0, "unchanged": 2}
    old, new = Condition.objects.filter(category=the("02"), no=1).order_by("valid_from")
    assert (old.limit_value, old.valid_from, old.closed_on) == (4, OPENED, LATER)
    assert (new.limit_value, new.valid_from, new.closed_on) == (2, LATER, None)
    assert new.text_en == "Trading"


def test_a_better_translation_is_no_new_condition(folder: Path, db: None) -> None:
    load(folder)
    rewrite(folder, "conditions.csv", "Goods outside", "Goods beyond the door")
    assert load(folder, LATER)[1] == {"added": 0, "changed": 1, "retired": 0, "unchanged": 2}
    assert Condition.objects.get(category=the("02"), no=2).text_en == "Goods beyond the door"


def test_a_condition_that_vanished_ends_and_does_not_come_back(folder: Path, db: None) -> None:
    load(folder)
    rewrite(folder, "conditions.csv", "new,event,04,02,2,越门摆放,Goods outside,1,work_day,,\n", "")
    assert load(folder, LATER)[1]["retired"] == 1
    assert load(folder, date(2026, 7, 1))[1]["retired"] == 0
    assert Condition.objects.get(category=the("02"), no=2).closed_on == LATER


def test_what_a_case_was_judged_by_is_never_rewritten(folder: Path, city: SimpleNamespace) -> None:
    """Not by the same day's file either: the condition has been used."""
    case = town.report(city)
    used = case.condition
    assert used
    (folder / "categories.csv").write_text(
        f"{HEADING}{town.SCHEME},component,01,公用设施,Utilities,01,上水井盖,Water cover,0,\n"
    )
    (folder / "conditions.csv").write_text(
        "scheme,kind,major,sub,no,text,limit_value,limit_unit\n"
        f"{town.SCHEME},component,01,01,1,丢失,1,urgent_hour\n{town.SCHEME},component,01,01,2,响动,3,work_day\n"
    )
    assert refused(folder, used.valid_from) == [("conditions.csv", 3, "valid_from_too_early")]
    load(folder, LATER)
    used.refresh_from_db()
    assert (used.text, used.limit_value, used.closed_on) == ("上水井盖条件2", 2, LATER)


def test_what_nobody_used_may_still_be_corrected_on_its_day(folder: Path, db: None) -> None:
    load(folder)
    rewrite(folder, "conditions.csv", "4,work_hour", "2,work_hour")
    load(folder)
    assert [row.limit_value for row in Condition.objects.filter(category=the("02"), no=1)] == [2]


def test_the_shipped_taxonomy_gives_every_class_a_condition(db: None) -> None:
    call_command("load_taxonomy", FIXTURES, "--valid-from", "2024-01-01", verbosity=0)
    classes = Category.objects.filter(scheme=settings.CATEGORY_SCHEME).exclude(sub="")
    assert classes.count() >= 236
    assert not classes.filter(conditions=None).exists()


def test_the_command_ends_with_sentences(folder: Path, db: None) -> None:
    rewrite(folder, "conditions.csv", "urgent_hour", "hours")
    with pytest.raises(CommandError, match=r"conditions\.csv:2 \[unit_unknown\]"):
        call_command("load_taxonomy", folder)


@pytest.fixture
def city(city: SimpleNamespace) -> SimpleNamespace:
    """Its departments bear the district's code, as load_city asks of them."""
    for department in (city.works, city.roads, city.parks, city.office):
        department.code = f"632701-{department.code}"
        department.save()
    return city


def write_duties(path: Path, *lines: str) -> Path:
    path.write_text("scheme,kind,major,sub,area,department\n" + "\n".join(lines) + "\n")
    return path


MAJOR = f"{town.SCHEME},component,01,,,632701-roads"
STREET = f"{town.SCHEME},event,01,10,632701001,632701-office"


def test_the_duties_of_a_city_are_replaced(tmp_path: Path, city: SimpleNamespace) -> None:
    kept = Duty.objects.get(department=city.roads)
    file = write_duties(tmp_path / "duties.csv", MAJOR, f"{town.SCHEME},event,01,,632701,632701-parks", STREET)
    assert vars(duties.load(file)) == {"added": 1, "changed": 0, "retired": 1, "unchanged": 2}
    assert kept in Duty.objects.all()
    assert vars(duties.load(file)) == {"added": 0, "changed": 0, "retired": 0, "unchanged": 3}


def test_a_duty_given_to_another_keeps_its_row(tmp_path: Path, city: SimpleNamespace) -> None:
    duty = Duty.objects.get(department=city.office)
    file = write_duties(tmp_path / "duties.csv", MAJOR, STREET.replace("office", "parks"), STREET.replace(",10,", ",,"))
    duties.load(file)
    duty.refresh_from_db()
    assert duty.department == city.parks


def test_another_city_keeps_its_duties(tmp_path: Path, city: SimpleNamespace) -> None:
    other = Department.objects.create(code="elsewhere", name="外市城管局")
    theirs = Duty.objects.create(category=city.orphan, department=other)
    duties.load(write_duties(tmp_path / "duties.csv", MAJOR, STREET))
    assert theirs in Duty.objects.all()
    with pytest.raises(NotLoaded, match="外市城管局"):
        duties.load(write_duties(tmp_path / "duties.csv", MAJOR, f"{town.SCHEME},event,01,20,,632701-parks"))


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (MAJOR.replace("01,,", "01,99,"), "category_unknown"),
        (MAJOR.replace(town.SCHEME, "cjt214-2007"), "category_unknown"),
        (STREET.replace("632701001", "632701999"), "area_unknown"),
        (STREET.replace("office", "nobody"), "department_unknown"),
        (STREET.replace("632701-office", ""), "cell_blank"),
        (MAJOR, "duty_twice"),
    ],
)
def test_an_odd_duty_is_refused_by_its_row(tmp_path: Path, city: SimpleNamespace, line: str, code: str) -> None:
    before = set(Duty.objects.values_list("pk", flat=True))
    with pytest.raises(NotLoaded) as caught:
        duties.load(write_duties(tmp_path / "duties.csv", MAJOR, line))
    assert [(found.row, found.code) for found in caught.value.refusals] == [(3, code)]
    assert set(Duty.objects.values_list("pk", flat=True)) == before


def test_an_empty_list_of_duties_is_refused(tmp_path: Path, city: SimpleNamespace) -> None:
    with pytest.raises(NotLoaded):
        duties.load(write_duties(tmp_path / "duties.csv"))
