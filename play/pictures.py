"""./dev pictures: the pictures of the docs, taken of a demo city that was planted and played, by Debian's Chromium.

They show what a reader would see who did the same: nothing is staged. Few colours keep them small.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from deploy.tongue import told

CHROMIUM = "/usr/bin/chromium" if Path("/usr/bin/chromium").exists() else None  # None: the one of its driver
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--use-angle=swiftshader",  # draws maps without a graphics card
    "--enable-unsafe-swiftshader",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
PASSWORD = "wangge-demo-2026"  # noqa: S105  of the demo's accounts, as ./dev up prints it
FOLDER = Path(__file__).parent.parent / "docs/pictures"
DESK, MAP, WALL, PHONE = (1280, 900), (1024, 720), (1920, 1080), (390, 844)
COLOURS = (256, 128, 64)
MOST = 200_000  # bytes
WAIT_MS = 5000  # maps and charts draw themselves in it


@dataclass(frozen=True)
class Picture:
    """What `who` sees at `path`, or after the steps `then` there; in Chinese unless the name ends in -en.

    A step is what to click, the first of its kind, or `field := words`; " >> " stands between two.
    """

    name: str
    who: str
    path: str
    size: tuple[int, int] = DESK
    then: str = ""

    @property
    def language(self) -> str:
        return "en-GB" if self.name.endswith("-en") else "zh-CN"


ROW = "[data-row] a"
BEFORE = "a[rel=prev]"  # the period before: the present one may have just begun
TRIAL = (
    "[name=q] := 非机动车乱停放 >> [value=find] >> #found button >> [name$=-value] := 0.5"
    " >> [value=start] >> a[href*='only=1']"
)
PICTURES = (
    Picture("board", "ft_leader01", "/board/"),
    Picture("board-en", "ft_leader01", "/board/"),
    Picture("wall", "ft_leader01", "/board/?wall=1", WALL),
    Picture("late", "ft_leader01", "/board/", then=".one[href*='late=1']"),
    Picture("behind", "ft_leader01", "/board/", then=".one[href*='on_time']"),
    Picture("case", "ft_clerk01", "/cases/?stage=closed&sort=new", then=ROW),
    Picture("case-en", "ft_clerk01", "/cases/?stage=closed&sort=new", then=ROW),
    Picture("queue-en", "ft_leader01", "/cases/?open=1"),
    Picture("map", "ft_leader01", "/map/", MAP),
    Picture("map-en", "ft_leader01", "/map/?hue=late", MAP),
    Picture("scores", "ft_chief01", "/scores/?scheme=department", then=BEFORE),
    Picture("scores-en", "ft_leader01", "/scores/?scheme=department", then=BEFORE),
    Picture(
        "subject",
        "ft_leader01",
        "/scores/?scheme=department",
        then=f"{BEFORE} >> .ranking th a:has-text('环境卫生管理所')",
    ),
    Picture("trial", "ft_chief01", "/scores/trials/new/?scheme=department", then=TRIAL),
    Picture("bulletin", "ft_chief01", "/scores/bulletin/"),
    Picture("settings", "ft_admin01", "/settings/"),
    Picture("scheme-en", "ft_admin01", "/settings/schemes/", then="main tbody a"),
    Picture("year-en", "ft_admin01", "/settings/year/"),
    Picture("phone-queue", "ft_handler_street901", "/", PHONE),
    Picture("phone-case-en", "ft_handler_street901", "/", PHONE, then=ROW),
    Picture("phone-finish", "ft_handler_street901", "/", PHONE, then=f"{ROW} >> #act a.main"),
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="./dev pictures", description=__doc__)
    parser.add_argument("--url", default=f"http://127.0.0.1:{os.environ.get('PORT', '8000')}")
    parser.add_argument("names", nargs="*", help="some of them; all where none is named")
    said = parser.parse_args()
    try:
        httpx.get(f"{said.url}/healthz")
    except httpx.TransportError:
        print(told("{url} does not answer: is ./dev up ready there?", url=said.url), file=sys.stderr)
        return 1
    FOLDER.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for picture in PICTURES:
            if not said.names or picture.name in said.names:
                path = take(browser, said.url, picture)
                print(f"{path.stat().st_size // 1024:4} kB  {path.name}")
        browser.close()
    return 0


def take(browser: Browser, url: str, picture: Picture) -> Path:
    """The picture's file."""
    width, height = picture.size
    viewport = {"width": width, "height": height}
    context = browser.new_context(base_url=url, locale=picture.language, viewport=viewport)  # type: ignore[arg-type]
    page = context.new_page()
    sign_in(page, picture.who)
    page.goto(picture.path)
    for step in filter(None, picture.then.split(" >> ")):
        found, fills, words = step.partition(" := ")
        page.locator(found).first.fill(words) if fills else page.locator(found).first.click()
        page.wait_for_load_state()
    page.wait_for_timeout(WAIT_MS)
    path = FOLDER / f"{picture.name}.png"
    path.write_bytes(small(page.screenshot()))
    context.close()
    return path


def sign_in(page: Page, who: str) -> None:
    page.goto("/account/login/")
    page.fill("[name=login]", who)
    page.fill("[name=password]", PASSWORD)
    page.click("main button.main")
    page.wait_for_load_state()


def small(shot: bytes) -> bytes:
    """The shot in as many colours as let it be small. The page's own stay what they are, photos share the others."""
    image = Image.open(io.BytesIO(shot)).convert("RGB")
    if image.width > DESK[0]:
        image = image.resize((DESK[0], image.height * DESK[0] // image.width), Image.Resampling.LANCZOS)
    for colours in COLOURS:
        file = io.BytesIO()
        image.quantize(palette=_palette(image, colours), dither=Image.Dither.NONE).save(file, "PNG", optimize=True)
        if file.tell() < MOST:
            break
    return file.getvalue()


def _palette(image: Image.Image, colours: int) -> Image.Image:
    """The colours that most of the image has, and a median cut of all."""
    counted: Any = image.getcolors(image.width * image.height)
    own = [colour for _n, colour in sorted(counted, reverse=True)[: colours // 3]]
    cut = image.quantize(colours - len(own), Image.Quantize.MEDIANCUT).getpalette() or []
    palette = Image.new("P", (1, 1))
    palette.putpalette([part for colour in own for part in colour] + cut)
    return palette


if __name__ == "__main__":
    raise SystemExit(main())
