"""What a page owes to whoever reads it: with a screen reader, with weak eyes, on a phone, in his own language."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

from playwright.sync_api import Page

from cases.models import Category, Condition, Holiday, Timetable
from grid.models import Area, Department

ASKS = (Path(__file__).parent / "audit.js").read_text(encoding="utf8")
WORDS = """() => {
  const told = [document.title];
  for (const node of document.querySelectorAll("[placeholder], [aria-label], [title], [alt]")) {
    for (const name of ["placeholder", "aria-label", "title", "alt"]) told.push(node.getAttribute(name) ?? "");
  }
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let text = walker.nextNode(); text; text = walker.nextNode()) {
    if (!text.parentElement.closest("script, [lang]:not(html), option[value=zh-hans]")) told.push(text.textContent);
  }
  return told.map((words) => words.trim()).filter(Boolean);
}"""
CHINESE = re.compile(r"[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]")
ENGLISH = re.compile(r"(?:\b[A-Za-z][a-z]+ ){2,}[A-Za-z][a-z]+")  # three words of it: names and codes have fewer


def lacks(page: Page) -> list[str]:
    """What the page lacks; empty is well."""
    return [f"{page.url}: {one}" for one in page.evaluate(ASKS)]


def foreign(page: Page, language: str) -> list[str]:
    """The words of the page in another language than its reader's."""
    other = CHINESE if language == "en" else ENGLISH
    return [f"{page.url}: {words[:80]}" for words in page.evaluate(WORDS) if other.search(words)]


def speak_english(city: SimpleNamespace) -> None:
    """Name all that is the city's own in English, so that a page in English has no reason for Chinese."""
    for model, field in ((Area, "name"), (Department, "name"), (Category, "name"), (Condition, "text")):
        for row in model.objects.all():
            said = f"{model.__name__} {row.pk}"
            model.objects.filter(pk=row.pk).update(**{field: said, f"{field}_en": said})
    Timetable.objects.update(name="Everybody")
    Holiday.objects.update(name="National Day")
    for name in ("works", "roads", "parks", "office", "street", "community", "manhole", "refuse"):
        getattr(city, name).refresh_from_db()
