"""Every page, for everybody: read aloud, in pale light, on a phone, in either language, and on paper."""

from __future__ import annotations

import pytest

from . import audit
from .desk import Visit
from .tour import pages, plant


@pytest.mark.parametrize(("language", "width"), [("en", 390), ("zh-hans", 1280)])
def test_no_page_lacks_what_it_owes(visit: Visit, language: str, width: int) -> None:
    city = plant(language)
    lacks: list[str] = []
    for officer, paths in pages(city):
        page = visit(officer, "/healthz", language=language, width=width)
        for path in paths:
            page.goto(path)
            lacks += audit.lacks(page) + audit.foreign(page, language)
        page.context.close()
    assert not lacks, "\n".join(lacks)
