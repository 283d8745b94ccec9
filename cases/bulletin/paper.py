"""A bulletin as PDF, by WeasyPrint. Nothing is fetched: whatever it needs is in the text itself."""

from __future__ import annotations

import contextlib
import logging
from pathlib import Path

from django.template.loader import render_to_string
from django.utils.html import strip_tags
from django.utils.translation import get_language

from grid import fonts
from grid.models import Officer

from . import Reading, article

log = logging.getLogger(__name__)
CSS = Path(__file__).parent.parent / "static" / "cases" / "bulletin.css"


def write(reading: Reading, by: Officer, path: Path) -> None:
    """Write the file, in the language of the moment. It appears whole or not at all."""
    import weasyprint  # it loads fonts and libraries: only the worker that writes needs them
    from PIL import ImageFile
    from weasyprint.urls import URLFetcher

    ImageFile.LOAD_TRUNCATED_IMAGES = False  # as it sets it for the whole process, damaged evidence would pass
    said = render_to_string("bulletin/paper.html", article.context(reading, by) | {"language": get_language()})
    _warn_of_boxes(reading.bulletin.month, said)
    none = URLFetcher(allowed_protocols=())
    making = path.with_suffix(".making")
    paper = weasyprint.HTML(string=said, url_fetcher=none)
    paper.write_pdf(making, stylesheets=[weasyprint.CSS(string=CSS.read_text(encoding="utf8"), url_fetcher=none)])
    making.replace(path)


def _warn_of_boxes(month: str, said: str) -> None:
    with contextlib.suppress(OSError):  # manage.py check says it
        if missing := fonts.missing_characters([strip_tags(said)]):
            log.warning("bulletin of %s: no font has %s", month, fonts.listed(missing))
