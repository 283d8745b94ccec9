"""A city that is not Chinese: codes and names of its own, islands, and its main job in English."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.hashers import make_password
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import translation

from backend.environment import translated
from cases import rulebook
from cases.exports.sheets import SHEETS
from cases.loading import duties, taxonomy
from cases.loading.reading import NotLoaded
from cases.models import Case, Category, Condition, Likeness, Rung, Scheme
from grid import levels, loading
from grid.models import Area, Cell, Officer
from grid.moment import today

from . import city as town
from . import pictures
from .desk import desk
from .folders import HERE, city, edit, refusals

ILHA = HERE / "cities" / "ilha"
CHINESE = re.compile("[\u3000-\u303f\u4e00-\u9fff]")
ISLAND = {"lon": -24.9895, "lat": 16.9055, "crs": "wgs84", "accuracy_m": 8}  # the second part of its cell


@pytest.fixture
def widths(settings: Any) -> None:
    """Codes of two, five and seven signs, words of the city's own for their levels, and its own classes."""
    settings.AREA_WIDTHS = [2, 5, 7]
    settings.AREA_WORDS = [("concelho", "municipality"), ("freguesia", "parish"), ("zona", "")]
    settings.CATEGORY_SCHEME = "ilha"


@pytest.fixture
def ilha(widths: None, db: None, tmp_path: Path) -> dict[str, Client]:
    """The city as its operator loads it, by the commands; the phones of its people."""
    quiet, policies = StringIO(), tmp_path / "template" / "policies"
    call_command("new_city", policies.parent, name="x", code="XX", centre=(0.0, 0.0), stdout=quiet)
    call_command("load_taxonomy", ILHA / "taxonomy", stdout=quiet)
    call_command("load_city", ILHA, stdout=quiet)
    call_command("load_duties", ILHA / "duties.csv", stdout=quiet)
    call_command("load_policies", policies, stdout=quiet)
    people = Officer.objects.filter(username__startswith="ilha_")
    people.update(password=make_password(town.PASSWORD))
    return {row.username: town.phone(row, **{"Accept-Language": "en"}) for row in people}


def said(answer: Any) -> Any:
    """What an answer says, in which nobody finds a Chinese word."""
    text = json.dumps(answer.json(), ensure_ascii=False)
    assert answer.status_code in (200, 201), text
    assert not CHINESE.search(text), CHINESE.findall(text)
    return answer.json()


def report(phone: Client, category: Category, **more: Any) -> Any:
    condition = category.conditions.first()
    body = {
        "id": str(uuid4()),
        "category": category.pk,
        "point": ISLAND,
        "condition": condition and condition.pk,
        **more,
    }
    return phone.post("/api/mobile/v1/cases", json.dumps(body), content_type="application/json")


def move(phone: Client, case: str, verb: str, **more: Any) -> Any:
    body = json.dumps({"verb": verb, **more})
    return said(phone.post(f"/api/mobile/v1/cases/{case}/moves", body, content_type="application/json"))


def photo(phone: Client, colour: str, purpose: str) -> list[dict[str, str]]:
    body = pictures.saved(pictures.plain(colour))
    sha256 = hashlib.sha256(body).hexdigest()
    assert phone.put(f"/api/mobile/v1/photos/{sha256}", body, content_type="image/jpeg").status_code == 201
    return [{"sha256": sha256, "purpose": purpose}]


def test_it_loads_with_its_own_codes_and_names_alone(ilha: dict[str, Client]) -> None:
    assert [levels.name(row.code) for row in Area.objects.order_by("code")] == [
        "district",
        "street",
        "community",
        "community",
    ]
    island = Cell.objects.get(code="IC-NO-1-002")
    assert (island.shape.geom_type, island.shape.num_geom, island.area.code) == ("MultiPolygon", 2, "IC-NO-1")
    assert island.area_m2 == pytest.approx(2 * 106.5 * 110.7, rel=0.01)
    assert set(Category.objects.values_list("name", "name_en").filter(sub="C1")) == {("Candeeiro", "")}
    assert loading.load(ILHA).touched == 0, "loading again changes nothing"


def test_its_main_job_is_done_in_english(ilha: dict[str, Client], clock: Any) -> None:
    """A case lies on the second island of a cell; everybody reads English and the city's own names."""
    ana, rui, luz, sal = (ilha[f"ilha_{name}"] for name in ("ana", "rui", "luz", "sal"))
    told = said(ana.get("/api/mobile/v1/city"))
    assert "Candeeiro" in json.dumps(told, ensure_ascii=False)

    told = said(report(ana, Category.objects.get(sub="C1"), text="apagado"))
    assert told["where"]["cell"] == "IC-NO-1-002"
    assert [area["name"] for area in told["where"]["areas"]] == ["Praia Branca", "Freguesia do Norte", "Ilha Clara"]
    assert (told["department"]["name"], told["stage"]["label"]) == ("Iluminação Pública", "To handle")

    case = told["id"]
    move(luz, case, "accept")
    move(luz, case, "finish", photos=photo(luz, "green", "after"))
    if said(sal.get(f"/api/mobile/v1/cases/{case}"))["stage"]["code"] == "feedback":
        holder = Officer.objects.get(username="ilha_rui").pk
        move(sal, case, "order_check", holder=holder)
    move(rui, case, "pass", photos=photo(rui, "blue", "near"))
    if said(sal.get(f"/api/mobile/v1/cases/{case}"))["stage"]["code"] == "closing":
        move(sal, case, "close")
    assert Case.objects.get().stage == "closed"
    assert [line["verb"]["code"] for line in said(sal.get(f"/api/mobile/v1/cases/{case}"))["log"]][-1] == "close"


def test_what_was_seen_before_the_conditions_came_has_one(ilha: dict[str, Client]) -> None:
    assert {str(day) for day in Condition.objects.values_list("valid_from", flat=True)} == {"2000-01-01"}


def test_its_pages_map_and_board_show_it(ilha: dict[str, Client], clock: Any) -> None:
    said(report(ilha["ilha_ana"], Category.objects.get(sub="L1")))
    dom = Officer.objects.get(username="ilha_dom")
    browser = desk(dom)
    browser.defaults["HTTP_ACCEPT_LANGUAGE"] = "en"
    number = Case.objects.get().number
    page = browser.get(f"/case/{number}/")
    assert page.status_code == 200
    assert page.content.decode().count('<polygon class="cell"') == 2
    for path in ("/board/", "/map/", "/cases/", "/scores/"):
        assert browser.get(path).status_code == 200, path
    board = browser.get("/board/").content.decode()
    assert "Praia Branca" in board or "Freguesia do Norte" in board
    told = said(ilha["ilha_ana"].get("/api/mobile/v1/city"))
    shapes = {row["properties"]["code"]: row["geometry"]["type"] for row in told["cells"]["features"]}
    assert shapes["IC-NO-1-002"] == "MultiPolygon"


# Three levels of classes: a lamp stands in a middle, the board of its cables right below the major.


def test_phones_and_pages_tell_the_middle_class(ilha: dict[str, Client], clock: Any) -> None:
    lamp, middle = Category.objects.get(sub="C1"), Category.objects.get(middle="EXT")
    told = {row["sub"]: row for row in said(ilha["ilha_ana"].get("/api/mobile/v1/city"))["categories"]}
    assert told["C1"]["middle"] == {"id": middle.pk, "code": "EXT", "name": "Exterior"}
    assert [(told[sub]["middle"], told[sub]["major_name"]) for sub in ("C2", "L1")] == [
        (None, "Iluminação"),
        (None, "Via pública"),
    ]
    assert report(ilha["ilha_ana"], middle).json()["code"] == "category_unknown"
    said(report(ilha["ilha_ana"], lamp))
    browser = desk(Officer.objects.get(username="ilha_dom"), **{"Accept-Language": "en"})
    page = browser.get(f"/case/{Case.objects.get().number}/").content.decode()
    assert "Component · Iluminação · Exterior · Candeeiro" in page


def test_the_nearest_class_s_duty_wins(ilha: dict[str, Client], clock: Any) -> None:
    owes = {
        sub: said(report(ilha["ilha_ana"], Category.objects.get(sub=sub)))["department"]["name"] for sub in ("C1", "C2")
    }
    assert owes == {"C1": "Iluminação Pública", "C2": "Obras Públicas"}


def test_a_list_is_filtered_by_a_class_of_any_level(ilha: dict[str, Client], clock: Any) -> None:
    numbers = {
        sub: said(report(ilha["ilha_ana"], Category.objects.get(sub=sub)))["number"] for sub in ("C1", "C2", "L1")
    }
    browser = desk(Officer.objects.get(username="ilha_dom"), **{"Accept-Language": "en"})
    offered = browser.get("/cases/").content.decode()
    assert "Exterior · all" in offered
    assert "\u3000Candeeiro" in offered
    for level, subs in (("LUZ", ["C1", "C2"]), ("EXT", ["C1"]), ("C2", ["C2"])):
        category = next(row for row in Category.objects.all() if level in (row.middle, row.sub) or level == row.code)
        page = browser.get("/cases/", {"category": category.pk}).content.decode()
        assert [sub for sub, number in numbers.items() if number in page] == subs, level
        found = said(ilha["ilha_sal"].get("/api/mobile/v1/cases", {"view": "all", "category": category.pk}))
        assert {row["number"] for row in found["items"]} == {numbers[sub] for sub in subs}, level


def test_a_file_of_cases_has_a_column_more(ilha: dict[str, Client], clock: Any) -> None:
    for sub in ("C1", "L1"):
        said(report(ilha["ilha_ana"], Category.objects.get(sub=sub)))
    with translation.override("en"):
        heads = [str(head) for head in SHEETS["cases"].heads({})]
        rows, _more = SHEETS["cases"].batch(Officer.objects.get(username="ilha_dom"), {}, "")
    told = [dict(zip(heads, row, strict=True)) for row in rows]
    assert [(row["Major"], row["Middle class"], row["Sub-class"]) for row in told] == [
        ("Via pública", "", "Lixo na praia"),
        ("Iluminação", "Exterior", "Candeeiro"),
    ]


def test_rules_are_said_for_a_middle_class_too(ilha: dict[str, Client], clock: Any) -> None:
    lamp, middle = Category.objects.get(sub="C1"), Category.objects.get(middle="EXT")
    Rung.objects.create(category=middle, level=1, share=1, role="leader")
    Likeness.objects.update(by_major=True)
    said(report(ilha["ilha_ana"], lamp))
    book = rulebook.current()
    assert [rung.category_id for rung in book.ladder(Case.objects.get())] == [middle.pk]
    assert book.same_class(lamp.pk, book.alike(lamp.pk)) == [
        row.pk for row in Category.objects.filter(major="LUZ").exclude(sub="").order_by("sub")
    ]


def test_a_sub_class_is_moved_to_another_middle_and_stays_itself(ilha: dict[str, Client], tmp_path: Path) -> None:
    shutil.copytree(ILHA / "taxonomy", tmp_path / "taxonomy")
    file, lamp = tmp_path / "taxonomy" / "categories.csv", Category.objects.get(sub="C1")
    edit(file, ("EXT,Exterior,C1", "RUA,Ruas,C1"))
    call_command("load_taxonomy", tmp_path / "taxonomy", stdout=StringIO())
    lamp.refresh_from_db()
    assert (lamp.parent.name, lamp.parent.parent.name) == ("Ruas", "Iluminação")
    assert Category.objects.get(middle="EXT").closed_on


@pytest.mark.parametrize(
    ("file", "old", "new", "code"),
    [
        ("taxonomy/categories.csv", ",,,C2", ",EXT,Interior,C2", "middle_renamed"),
        ("taxonomy/categories.csv", ",,,C2", ",INT,Interior,C1", "duplicate"),
        ("taxonomy/categories.csv", ",,,C2", ",INT,,C2", "cell_blank"),
        ("taxonomy/categories.csv", ",,,C2", ",,Interior,C2", "cell_blank"),
        ("duties.csv", "LUZ,EXT,,", "LUZ,EXT,C2,", "category_unknown"),
        ("duties.csv", "LUZ,EXT,,", "LUZ,INT,,", "category_unknown"),
    ],
)
def test_a_middle_that_does_not_fit_is_refused(
    ilha: dict[str, Client], tmp_path: Path, file: str, old: str, new: str, code: str
) -> None:
    loads = duties.load if file == "duties.csv" else partial(taxonomy.load, valid_from=today())
    shutil.copytree(ILHA, tmp_path / "ilha")
    edit(tmp_path / "ilha" / file, (old, new))
    with pytest.raises(NotLoaded) as caught:
        loads(tmp_path / "ilha" / Path(file).parts[0])
    assert [(found.file, found.row, found.code) for found in caught.value.refusals] == [(Path(file).name, 3, code)]


# Words for the levels of areas


def test_its_pages_call_areas_what_the_city_calls_them(ilha: dict[str, Client], clock: Any) -> None:
    said(report(ilha["ilha_ana"], Category.objects.get(sub="L1")))
    dom = desk(Officer.objects.get(username="ilha_dom"), **{"Accept-Language": "en"})
    assert '<h2 id="by-area">Zona</h2>' in dom.get("/board/").content.decode()
    choices = re.findall(r"<option value=.(?:community|street)..*?>(\w+)<", dom.get("/map/table/").content.decode())
    assert choices == ["Zona", "Parish"]
    with translation.override("en"):
        assert [str(kind.label) for kind in (Scheme.Kind.DISTRICT, Scheme.Kind.STREET)] == ["Municipality", "Parish"]
        assert {"Parish", "Zona"} < {str(head) for head in SHEETS["cases"].heads({})}
        assert levels.word_in_sentence("street") == "parish"
    with translation.override("zh-hans"):
        kinds = [str(kind.label) for kind in (Scheme.Kind.DISTRICT, Scheme.Kind.STREET, Scheme.Kind.COMMUNITY)]
    assert kinds == ["Concelho", "Freguesia", "Zona"]


def test_a_city_says_nothing_and_gets_the_usual_words(settings: Any) -> None:
    for tongue, words in (("zh-hans", ["区", "街道", "社区"]), ("en", ["District", "Street", "Community"])):
        with translation.override(tongue):
            assert [levels.word(name) for name in ("district", "street", "community")] == words
    settings.AREA_WIDTHS, settings.AREA_WORDS = [2, 5], [("Ilha", ""), ("Zona", "")]
    assert levels.word("street") == "Ilha", "what is right above the communities stands for it"


@pytest.mark.parametrize("said", ["Concelho,Zona", "Concelho,|Parish,Zona", "a,b,c,d"])
def test_words_for_other_levels_than_there_are_are_refused(monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    monkeypatch.setenv("AREA_WORDS", said)
    with pytest.raises(ImproperlyConfigured, match="AREA_WORDS"):
        translated("AREA_WORDS", of=3)
    monkeypatch.setenv("AREA_WORDS", "concelho, freguesia | parish ,zona")
    assert translated("AREA_WORDS", of=3) == [("concelho", ""), ("freguesia", "parish"), ("zona", "")]


@pytest.mark.django_db
@pytest.mark.parametrize("depths", [[2], [2, 5], [2, 5, 7], [2, 3, 5, 7]])
def test_a_city_may_have_one_to_four_levels(settings: Any, tmp_path: Path, depths: list[int]) -> None:
    settings.AREA_WIDTHS, settings.CATEGORY_SCHEME = depths, "own"
    settings.AREA_WORDS = [(f"Nível {n}", "") for n in range(len(depths))]
    folder = tmp_path / "bay"
    call_command("new_city", folder, name="Bay", code="BY", centre=(-25.0, 16.9), stdout=StringIO())
    assert loading.load(folder).refusals == []
    assert Area.objects.count() == len(depths)
    assert Cell.objects.first().area.code == Area.objects.order_by("-code").first().code
    Officer.objects.update(password=make_password(town.PASSWORD))
    leader = Officer.objects.get(username="by_dora")
    assert desk(leader).get("/board/").status_code == 200
    assert desk(leader).get("/map/").status_code == 200


# The wizard


@pytest.fixture
def bay(widths: None, db: None, tmp_path: Path) -> Path:
    folder = tmp_path / "bay"
    call_command("new_city", folder, name="Bay", code="BY", centre=(-25.0, 16.9), stdout=StringIO())
    return folder


def wizard(folder: Path, capsys: pytest.CaptureFixture[str]) -> list[str]:
    capsys.readouterr()
    call_command("new_city", folder)
    return capsys.readouterr().out.splitlines()


def test_the_templates_pass_every_step_and_load_nothing(bay: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = wizard(bay, capsys)
    assert [line[0] for line in told if line[0] in "✓✗"] == ["✓"] * 10
    assert [line.split()[2] for line in told[-4:]] == ["load_taxonomy", "load_city", "load_duties", "load_policies"]
    assert not Area.objects.exists()
    assert not Category.objects.exists()


def test_the_wizard_stops_at_the_first_step_that_is_not_good(bay: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(bay / "departments.csv", ("Works", ""))
    edit(bay / "officers.csv", ("handler|head", "boss"))
    with pytest.raises(CommandError):
        wizard(bay, capsys)
    told = capsys.readouterr().out.splitlines()
    assert [line[0] for line in told if line[0] in "✓✗"] == ["✓", "✓", "✗"]
    assert "departments.csv:2 [value_missing]" in told[-1]
    assert not Area.objects.exists()


def test_the_wizard_checks_classes_and_duties_too(bay: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(bay / "duties.csv", ("BY-works", "BY-parks"))
    with pytest.raises(CommandError):
        wizard(bay, capsys)
    assert "duties.csv:2 [department_unknown]" in capsys.readouterr().out


def test_the_wizard_writes_into_no_folder_that_is_used(widths: None, db: None, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(CommandError):
        call_command("new_city", tmp_path, name="Bay", code="BY", centre=(-25.0, 16.9))
    with pytest.raises(CommandError):
        call_command("new_city", tmp_path / "bay", name="Bay", code="BAY", centre=(-25.0, 16.9))
    with pytest.raises(CommandError):
        call_command("new_city", tmp_path / "bay")


@pytest.mark.parametrize(("tongue", "ending"), [("en", "Load it in this order:"), ("zh-hans", "依次载入：")])
def test_the_wizard_speaks_the_operator_s_language(bay: Path, tongue: str, ending: str, capsys: Any) -> None:
    with translation.override(tongue):  # as manage.py does
        told = wizard(bay, capsys)
    assert told[-5].endswith(ending)
    assert bool(CHINESE.search("".join(told))) == (tongue != "en")


def test_a_cell_whose_code_does_not_say_its_area_names_it(widths: None, db: None, tmp_path: Path) -> None:
    folder = tmp_path / "bay"
    call_command("new_city", folder, name="Bay", code="BY", centre=(-25.0, 16.9), stdout=StringIO())
    path, area = folder / "cells.geojson", "BY00101"
    text = path.read_text().replace(f'"{area}001"', f'"BY/A7", "area": "{area}"', 1)
    path.write_text(text)
    for name in ("components.csv", "beats.csv"):
        (folder / name).write_text((folder / name).read_text().replace(f"{area}001", "BY/A7"))
    assert [str(found) for found in loading.load(folder).refusals] == []
    assert Cell.objects.get(code="BY/A7").area.code == area
    path.write_text(text.replace(f'"area": "{area}"', '"area": "BY00109"'))
    assert ("cells.geojson", 1, "area_unknown") in refusals(loading.load(folder))
    city(folder, districts=["BYE"])
    assert refusals(loading.load(folder)) == [("city.json", 0, "city_invalid")]
