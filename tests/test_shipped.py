"""What ships is what is tested: the files, the server, its settings and its role in the database."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from django.db import connection

from deploy.process import ROOT
from deploy.serve import static_files

from . import city as town
from . import shipped
from .desk import SHIPPED, Visit

Shelf = dict[Path, tuple[int, int]]
STATIC = re.compile(r'(?:src|href)="(/static/[^"]+)"')


@pytest.fixture(scope="module")
def collect(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Shelf]:
    """The step of ./dev up, in a folder of its own. Gives what lies there then, with moment and size."""
    folder = tmp_path_factory.mktemp("ships")
    said = os.environ | {"DATA_DIR": str(folder), "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}

    def collect() -> Shelf:
        static_files(said)
        found = {path: path.stat() for path in (folder / "static").rglob("*") if path.is_file()}
        return {path: (told.st_mtime_ns, told.st_size) for path, told in found.items()}

    collect()
    return collect


def test_a_second_start_writes_nothing(collect: Callable[[], Shelf]) -> None:
    first = collect()
    assert collect() == first


def test_what_was_taken_away_or_half_written_is_made_again(collect: Callable[[], Shelf]) -> None:
    first = collect()
    gone = next(path for path in first if re.fullmatch(r"desk\.\w+\.js", path.name))
    gone.unlink()
    assert collect().keys() == first.keys()


def test_each_file_has_one_name_and_no_map(collect: Callable[[], Shelf]) -> None:
    shelf = [path for path in collect() if path.suffix not in (".br", ".gz")]
    assert [path.name for path in shelf if not SHIPPED.search(path.name)] == ["staticfiles.json"] + licences(shelf)
    texts = {path: path.read_text() for path in shelf if path.suffix in (".js", ".mjs", ".css")}
    assert [path for path, text in texts.items() if re.search(r"^(//|/\*)# sourceMappingURL", text, re.M)] == []
    kinds = {path.suffix for path in shelf}
    assert ".map" not in kinds and {".js", ".mjs", ".css", ".svg"} <= kinds


def licences(shelf: list[Path]) -> list[str]:
    """They have no suffix: their hash stands last."""
    found = [path.name for path in shelf if path.name.startswith(("LICENSE", "NOTICE")) and not path.suffixes[1:]]
    assert len(found) >= 4
    return found


def test_what_compresses_is_sent_compressed_and_kept_for_ever(transactional_db: None, address: str) -> None:
    with httpx.Client(base_url=address, headers={"Accept-Encoding": "br"}, trust_env=False, timeout=60) as browser:
        page = browser.get("/account/login/")
        assert "default-src 'self'" in page.headers["Content-Security-Policy"]
        asked = [browser.get(path) for path in STATIC.findall(page.text)]
        assert len(asked) >= 4
        for answer in asked:
            assert (answer.status_code, answer.headers["Content-Encoding"]) == (200, "br"), answer.url
            assert "immutable" in answer.headers["Cache-Control"]
        assert browser.get("/static/console/desk.js").status_code == 404  # by its other name


def test_the_server_is_no_owner(transactional_db: None, address: str) -> None:
    with httpx.Client(base_url=address, trust_env=False, timeout=60) as browser:
        assert browser.get("/healthz").json()["status"] == "ok"
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT usename FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
        assert {role for (role,) in cursor.fetchall()} == {shipped.role()}
    assert shipped.role() != connection.settings_dict["USER"]


def test_what_is_otherwise_has_its_reason(db: None) -> None:
    said = shipped.environment()
    assert {name for name in said if said[name] != os.environ.get(name)} == shipped.OTHERWISE.keys()
    assert {name for name in os.environ if name not in said} == set()
    named = re.findall(r"^(\w+):", (ROOT / "deploy/Procfile").read_text(), re.M)
    assert set(named) - shipped.processes().keys() == shipped.LEFT_OUT.keys()
    assert all(len(reason.split()) > 4 for reason in (*shipped.OTHERWISE.values(), *shipped.LEFT_OUT.values()))


def test_a_form_of_a_list_is_sent(visit: Visit) -> None:
    """Lists, board and map load modules of their own, each with what it imports."""
    city = town.build()
    for path in ("/queue/file/", "/map/", "/cases/"):
        page = visit(city.carl, path)
        page.get_by_role("button", name="English").click()
        page.get_by_role("button", name="中文").wait_for()


def test_a_second_start_of_the_desk_undoes_nothing(visit: Visit) -> None:
    city = town.build()
    page = visit(city.carl, "/queue/file/")
    again = page.locator("script[src*='console/desk.']").get_attribute("src")
    said = page.evaluate("url => import(url).then(() => 'started', (error) => error.message)", f"{again}#again")
    assert said == "desk.js was started twice"
    page.get_by_role("button", name="English").click()
    page.get_by_role("button", name="中文").wait_for()
