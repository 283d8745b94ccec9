"""A bulletin as PDF, by WeasyPrint. Nothing is fetched: whatever it needs is in the text itself."""

from __future__ import annotations

from pathlib import Path

from django.template.loader import render_to_string
from django.utils.translation import get_language

from grid.models import Officer

from . import Reading, article

CSS = Path(__file__).parent.parent / "static" / "cases" / "bulletin.css"


def write(reading: Reading, by: Officer, path: Path) -> None:
    """Write the file, in the language of the moment. It appears whole or not at all."""
    import weasyprint  # it loads fonts and libraries: only the worker that writes needs them
    from PIL import ImageFile
    from weasyprint.urls import URLFetcher

    ImageFile.LOAD_TRUNCATED_IMAGES = False  # as it sets it for the whole process, damaged evidence would pass
    said = article.context(reading, by) | {"language": get_language()}
    none = URLFetcher(allowed_protocols=())
    making = path.with_suffix(".making")
    paper = weasyprint.HTML(string=render_to_string("bulletin/paper.html", said), url_fetcher=none)
    paper.write_pdf(making, stylesheets=[weasyprint.CSS(string=CSS.read_text(encoding="utf8"), url_fetcher=none)])
    making.replace(path)
