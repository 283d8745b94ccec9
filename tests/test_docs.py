"""The docs keep step with the code."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.utils.translation import override
from django.utils.translation.template import templatize

from backend import settings as source
from cases import dictionary, drawing
from cases.loading import evaluation
from cases.photos import refused
from mobile_api import problems
from mobile_api.api import api
from play import pictures

ROOT = Path(settings.BASE_DIR)
APPS = ("backend", "grid", "cases", "mobile_api", "console", "deploy")


def test_the_drawn_flow_is_the_table() -> None:
    with override("zh-hans"):
        assert (ROOT / "docs/flow.md").read_text(encoding="utf8") == drawing.page(), "run ./dev docs"


def test_the_dictionary_of_figures_is_the_code_s_and_the_rows() -> None:
    page = (ROOT / "docs/figures.md").read_text(encoding="utf8")
    assert page == dictionary.page(page, evaluation.dictionary(ROOT / "fixtures/evaluation")), "run ./dev docs"
    assert dictionary.BEGINS in page


def test_every_setting_is_documented() -> None:
    tree = ast.parse(Path(source.__file__).read_text(encoding="utf8"))
    readers = {"allowance", "text", "translated", "yes", "number", "whole", "words"}
    names = {
        node.args[0].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in readers
        and isinstance(node.args[0], ast.Constant)
    }
    documented = set(re.findall(r"^\| `([A-Z0-9_]+)`", (ROOT / "docs/settings.md").read_text(encoding="utf8"), re.M))
    assert names == documented


def test_every_operation_is_documented() -> None:
    page = (ROOT / "docs/api.md").read_text(encoding="utf8")
    operations = {
        f"{method.upper()} {path.removeprefix('/api/mobile/v1/')}"
        for path, item in api.get_openapi_schema()["paths"].items()
        for method in item
    }
    documented = set(re.findall(r"^\| `((?:GET|POST|PUT|DELETE) (?!/)[^`]+)`", page, re.M))
    assert operations == documented


def test_every_error_code_is_documented() -> None:
    page = (ROOT / "docs/api.md").read_text(encoding="utf8")
    documented = set(re.findall(r"`([a-z_]+)`", page.partition("| code | status | when |")[2]))
    assert codes() - documented == set()
    assert problems.MESSAGES.keys() - documented == set(), "of a field"


def codes() -> set[str]:
    """The codes of every refusal, as they stand in the source."""
    found = set(problems.STATUS) | set(problems.PHOTO_STATUS) | set(refused.SENTENCES)
    for path in [*(ROOT / "cases").glob("*.py"), *(ROOT / "mobile_api").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("Refused", "no", "super().__init__"):
                found |= {argument.value for argument in node.args[:1] if isinstance(argument, ast.Constant)}
    return {code for code in found if isinstance(code, str) and code.islower()}


def test_the_readme_is_short_and_its_links_lead_somewhere() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf8")
    assert text.count("\n") < 150
    for link in re.findall(r"\]\((?!http|#)([^)#]+)", text):
        assert (ROOT / link).exists(), link


PAGES = sorted(
    [*ROOT.glob("*.md"), *(page for folder in ("docs", "deploy", "bench") for page in (ROOT / folder).rglob("*.md"))]
)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_a_page_and_to_a_section_of_it(page: Path) -> None:
    for link in re.findall(r"\]\((?!http)([^)\s]+)\)", page.read_text(encoding="utf8")):
        file, _, section = link.partition("#")
        led_to = page.parent / file if file else page
        assert led_to.exists(), link
        assert not section or section in sections(led_to), link


def sections(page: Path) -> set[str]:
    """How the headings of a page are linked to."""
    heads = re.findall(r"^#+ (.*)", page.read_text(encoding="utf8"), re.M)
    return {re.sub(r"[^\w\- ]", "", head).strip().lower().replace(" ", "-") for head in heads}


def test_every_picture_is_small_and_in_use() -> None:
    """That each one named is there, the test of links says."""
    told = "".join(page.read_text(encoding="utf8") for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
    files = set((ROOT / "docs").rglob("*.png"))
    assert {path.stem for path in files} == {picture.name for picture in pictures.PICTURES}, "run ./dev pictures"
    assert not [path.name for path in files if f"pictures/{path.name})" not in told]
    assert not [path.name for path in files if path.stat().st_size > 200_000]


def test_every_word_for_people_has_its_english() -> None:
    said, told = set(), catalogue(ROOT / "locale/en/LC_MESSAGES/django.po")
    for app in APPS:
        for path in (ROOT / app).rglob("*.py"):
            said |= messages(path.read_text(encoding="utf8"))
        for path in (ROOT / app).rglob("templates/**/*.*"):
            said |= messages(calls(path))
    assert not said - told.keys(), "run manage.py makemessages -l en and translate"
    assert not [word for word in said if not told[word]]


def test_an_english_sentence_takes_the_same_parameters() -> None:
    holes = re.compile(r"%\(\w+\)[-+#0 .\d]*[a-z]|\{\w*\}")
    for chinese, english in catalogue(ROOT / "locale/en/LC_MESSAGES/django.po").items():
        assert sorted(set(holes.findall(chinese))) == sorted(set(holes.findall(english))), chinese


def calls(template: Path) -> str:
    """The calls of gettext that a template makes, a line each."""
    found = re.findall(r"\b(n?gettext\(.*?['\"](?:, count)?\))", templatize(template.read_text(encoding="utf8")))
    return "\n".join(call.replace("gettext(u'", "gettext('") for call in found)


def messages(source: str) -> set[str]:
    """The literals that Python code hands to gettext."""
    names = {"_", "gettext", "gettext_lazy", "ngettext", "ngettext_lazy"}
    return {
        argument.value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names
        for argument in node.args[:1]
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    }


def catalogue(path: Path) -> dict[str, str]:
    """msgid → msgstr (the first form of a plural) of a .po file; fuzzy ones count as none."""
    found: dict[str, str] = {}
    for entry in path.read_text(encoding="utf8").split("\n\n"):
        if "#, fuzzy" in entry:
            continue
        parts = {
            field: "".join(ast.literal_eval(line) for line in re.findall(r'"(?:[^"\\]|\\.)*"', lines))
            for field, lines in re.findall(r'^(msgid|msgstr(?:\[0\])?) ((?:"(?:[^"\\]|\\.)*"\n?)+)', entry, re.M)
        }
        if parts.get("msgid"):
            found[parts["msgid"]] = parts.get("msgstr") or parts.get("msgstr[0]", "")
    return found
