"""Names in Tibetan, Mongolian, Uyghur, Yi: drawn whole, in their own direction, and told where no font has them."""

from __future__ import annotations

import re
import subprocess
import unicodedata
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.checks import run_checks
from django.utils.translation import override

from cases import bulletin, docket
from cases.bulletin import article, draw, paper
from cases.flow import Verb
from grid import fonts
from grid.models import Department, Officer
from grid.words import isolated

from . import city as town
from .desk import Visit, desk
from .test_scores_pages import spring

MONTH = "2026-03"
TIBETAN, MONGOLIAN, UYGHUR, YI = "སྐྱེ་དགུ་མདོ", "ᠵᠠᠮ", "ئىدارە", "ꆈꌠ"
FONTLESS = "\U0010fffd"  # private use
PLACE = """(element, words) => {
  const texts = document.createTreeWalker(element, NodeFilter.SHOW_TEXT)
  while (!texts.nextNode().data.includes(words));
  const text = texts.currentNode, at = text.data.indexOf(words), seen = document.createRange()
  seen.setStart(text, at)
  seen.setEnd(text, at + words.length)
  return seen.getBoundingClientRect().toJSON()
}"""


@pytest.fixture
def april(city: SimpleNamespace, clock: Any) -> SimpleNamespace:
    named = spring(city, clock)
    for row, name in ((named.street, TIBETAN), (named.manhole, MONGOLIAN), (named.roads, UYGHUR)):
        row.name, row.name_en = name, ""
        row.save()
    Officer.objects.filter(pk=named.lena.pk).update(name=YI)
    named.lena.refresh_from_db()
    return named


def tool(*words: str | Path) -> str:
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def issued(april: SimpleNamespace, tmp_path: Path) -> Path:
    bulletin.issue(MONTH, april.lena)
    path = tmp_path / "month.pdf"
    paper.write(bulletin.read(MONTH), april.lena, path)
    return path


def test_each_script_is_set_in_a_font_that_has_it(issued: Path) -> None:
    used = tool("pdffonts", issued)
    for font in ("Noto-Serif-Tibetan", "Noto-Sans-Mongolian", "Noto-Sans-Arabic", "Noto-Sans-Yi", "Noto-Sans-CJK-SC"):
        assert font in used
    text = tool("pdftotext", "-raw", issued, "-")
    # A stack of Tibetan letters is one glyph with signs around it, which a reader of PDF may list in another order.
    assert {letter for letter in TIBETAN if letter.isalpha()} <= set(text)
    assert [name for name in (MONGOLIAN, UYGHUR, YI) if name not in text] == []


def test_letters_that_join_are_joined_in_charts_as_well(issued: Path) -> None:
    """Set letter by letter, as WeasyPrint sets the text of an SVG, they would stand alone, the last one first."""
    assert tool("pdftotext", "-raw", issued, "-").count(UYGHUR) == 6


def test_a_figure_behind_a_uyghur_name_stays_behind_it(issued: Path) -> None:
    """As it stands on paper, from left to right."""
    seen = unicodedata.normalize(
        "NFKC", "".join(re.findall(r">([^<]*)</word>", tool("pdftotext", "-bbox", issued, "-")))
    )
    assert f"超期最多的单位是{UYGHUR[::-1]},1" in seen
    assert f"{UYGHUR[::-1]}、城管局,70.00" in seen


def test_and_on_the_page(visit: Visit) -> None:
    city = town.build()
    Department.objects.filter(pk=city.roads.pk).update(name=UYGHUR, name_en="")
    Officer.objects.filter(pk=city.hugo.pk).update(name="110")
    case = town.report(city)
    docket.move(case.uuid, Verb.ACCEPT, by=city.hugo)
    owes = visit(city.carl, f"/case/{case.number}/").locator(".owes")
    assert owes.inner_text() == f"\u2068{UYGHUR}\u2069 · 110"
    name, figure = (owes.evaluate(PLACE, words) for words in (UYGHUR, "110"))
    assert name["right"] < figure["left"]


def test_only_what_needs_it_is_isolated(april: SimpleNamespace) -> None:
    assert isolated(UYGHUR) == f"\u2068{UYGHUR}\u2069"
    assert [isolated(name) for name in (TIBETAN, MONGOLIAN, YI, "结古街道", "Roads 3")] == [
        *(TIBETAN, MONGOLIAN, YI, "结古街道", "Roads 3")
    ]
    with override("en"):
        said = article.facts(bulletin.compose(MONTH))
    assert [line for line in said if UYGHUR in line] == [line for line in said if f"\u2068{UYGHUR}\u2069" in line] != []


def test_a_long_name_is_cut_between_letters() -> None:
    cut = draw.bars("t", "d", [(TIBETAN * 5, 1, 1)]).partition("<bdi>")[2].partition("…</bdi>")[0]
    assert (TIBETAN * 5).startswith(cut)
    assert not unicodedata.category((TIBETAN * 5)[len(cut)]).startswith("M")


def test_fonts_are_asked_for_each_character() -> None:
    names = [TIBETAN, MONGOLIAN, UYGHUR, YI, "结古街道", "A\n b\u200b\u2068"]
    assert fonts.missing_characters(names) == []
    assert fonts.missing_characters([*names, f"阿{FONTLESS}{FONTLESS}"]) == [FONTLESS]


def test_who_issues_is_told_what_would_be_a_box(april: SimpleNamespace) -> None:
    lena = desk(april.lena)
    path = f"/scores/bulletin/{MONTH}/"
    assert "unprintable" not in lena.get(path).content.decode()
    april.street.name += FONTLESS
    april.street.save()
    told = lena.get(path).content.decode()
    assert f"PDF 里会印成方框：{FONTLESS} (U+10FFFD)" in told
    english = desk(april.lena, **{"Accept-Language": "en"}).get(path).content.decode()
    assert "(U+10FFFD). Ask the administrator" in english
    bulletin.issue(MONTH, april.lena)
    assert "unprintable" not in desk(april.hana).get(path).content.decode()  # it is not theirs to mend


def test_the_check_names_them_too(april: SimpleNamespace) -> None:
    def warned() -> list[str]:
        return [str(found.msg) for found in run_checks(databases=["default"]) if found.id == "cases.W011"]

    assert warned() == []
    april.street.name += FONTLESS
    april.street.save()
    assert warned() == [f"没有字体能显示 1 个字符（{FONTLESS} (U+10FFFD)），月报里会印成方框：{april.street.name}"]


def test_the_check_says_where_fonts_cannot_be_asked_for(april: SimpleNamespace, monkeypatch: Any) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert "cases.W012" in {found.id for found in run_checks(databases=["default"])}
    assert desk(april.lena).get(f"/scores/bulletin/{MONTH}/").status_code == 200


def test_the_worker_writes_down_what_is_a_box(april: SimpleNamespace, tmp_path: Path, caplog: Any) -> None:
    april.street.name += FONTLESS
    april.street.save()
    paper.write(bulletin.read(MONTH, live=True), april.lena, tmp_path / "month.pdf")
    assert [said.getMessage() for said in caplog.records if said.name == paper.__name__] == [
        f"bulletin of {MONTH}: no font has {FONTLESS} (U+10FFFD)"
    ]
