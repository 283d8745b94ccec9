"""Every button and link of every page of the desk, pressed by each post: none is dead, and no module runs twice."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.urls import Resolver404, resolve
from playwright.sync_api import Error, Page, Route

from . import city as town
from . import tour
from .desk import Visit

WATCH, PRESS = (
    (Path(__file__).parent / name).read_text(encoding="utf8") for name in ("crawl_watch.js", "crawl_press.js")
)
LINKS = "() => [...document.querySelectorAll('a[href]')].map((link) => link.href)"
LOADED = "() => performance.getEntriesByType('resource').map((one) => new URL(one.name).pathname)"
HASH = re.compile(r"\.[0-9a-f]{12}(?=\.\w+$)")
PATIENCE_MS = 10_000  # only what is dead takes so long
MOST = 120  # pages of one post
LOOKS = {"wall", "scheme", "only"}  # words of a query that make another page
KINDS = {"verb", "slug", "name"}  # parts of a path that do
FILES = {"photo", "export_file"}
POSTS = ("", "carl", "sina", "dora", "hugo", "hedi", "ivan", "lena", "aude", "adam")

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("who", "language"), [(who, ("zh-hans", "en")[n % 2]) for n, who in enumerate(POSTS)])
def test_nothing_is_dead(visit: Visit, who: str, language: str) -> None:
    city = tour.plant(language)
    officer = getattr(city, who) if who else None
    page = visit(officer, "/healthz", language=language)
    page.context.add_init_script(WATCH)
    page.context.route("**/*", _reads_only)
    paths = [path for one, paths in tour.pages(city) if one == officer for path in paths]
    wrong = list(crawl(page, ["/", *paths]))
    assert not wrong, "\n".join(wrong)


def crawl(page: Page, begin: Iterable[str]) -> Iterable[str]:
    """What is wrong with the pages that one reaches from there, each kind of page once."""
    waiting, seen = deque((path, False) for path in begin), set[object]()
    while waiting:
        path, linked = waiting.popleft()
        if (kind := _kind(path)) is None or kind in seen:
            continue
        seen.add(kind)
        assert len(seen) <= MOST, "pages without end"
        if (status := _open(page, path)) is None:
            continue
        if status >= (400 if linked else 500):
            yield f"{path}: {status}"
        yield from (f"{path}: dead: {one}" for one in page.evaluate(PRESS, PATIENCE_MS))
        yield from (f"{path}: loaded twice: {one}" for one in _twice(page.evaluate(LOADED)))
        waiting.extend((link, True) for link in page.evaluate(LINKS))


def _open(page: Page, path: str) -> int | None:
    """Its status; nothing where it is a file to save."""
    try:
        answer = page.goto(path)
    except Error as error:
        if "Download is starting" in error.message or "ERR_ABORTED" in error.message:
            return None
        raise
    return answer.status if answer else None


def _kind(address: str) -> object:
    """What is the same for pages that are made alike; None for what is no page of the desk."""
    where = urlsplit(address)
    try:
        found = resolve(where.path)
    except Resolver404:
        return "nowhere" if where.path == "/nowhere/" else None
    if where.path.startswith("/api/") or found.url_name in FILES:
        return None
    parts = [value for name, value in found.kwargs.items() if name in KINDS or found.url_name == "case"]
    looks = [pair for pair in parse_qsl(where.query) if pair[0] in LOOKS]
    return (found.route, *map(str, parts), *map(str, looks))


def _twice(loaded: list[str]) -> set[str]:
    """The static files that the page has loaded under two names."""
    plain = [HASH.sub("", path) for path in set(loaded) if path.startswith("/static/")]
    return {path for path in plain if plain.count(path) > 1}


def _reads_only(route: Route) -> None:
    """What would write is answered, but not sent: all pages are of one state of the city."""
    if route.request.method == "GET":
        route.fallback()
    else:
        route.fulfill(status=204)


def test_what_is_dead_is_noticed(visit: Visit) -> None:
    """On a page whose forms are never sent, each button that sends one is named, and nothing else."""
    city = town.build()
    town.report(city, by=city.carl, source="hotline")
    page = visit(city.sina, "/healthz")
    page.add_init_script(WATCH)
    page.add_init_script("addEventListener('submit', (event) => event.preventDefault())")
    page.goto("/cases/")
    dead = page.evaluate(PRESS, 300)
    named = [re.sub("<[^>]+>", "", one).strip() for one in dead]
    assert sorted(named) == sorted(["English", "退出登录", "导出 CSV", "XLSX", "关闭", "筛选"])
