"""The shape of the house: imports point down, and only the docket writes cases."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
LAYERS = (("grid",), ("cases",), ("mobile_api", "console"), ("backend",))  # each may use those before its own
DOORS = LAYERS[2]
ORDER = tuple(app for layer in LAYERS for app in layer)
WRITES = {"create", "get_or_create", "update_or_create", "bulk_create", "bulk_update", "update", "delete", "save"}
KEPT = {"Case", "CaseEvent", "Evidence", "case", "event"}


def sources(*apps: str) -> Iterator[Path]:
    for app in apps:
        yield from (path for path in sorted((ROOT / app).rglob("*.py")) if "migrations" not in path.parts)


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf8"))):
        if isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module or ""
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


@pytest.mark.parametrize("app", ORDER)
def test_imports_point_down(app: str) -> None:
    level = next(n for n, layer in enumerate(LAYERS) if app in layer)
    above = {other for layer in LAYERS[level:] for other in layer} - {app}
    wrong = [f"{path}: {name}" for path in sources(app) for name in imported(path) if name.split(".")[0] in above]
    assert wrong == []


def test_only_the_docket_writes_cases() -> None:
    wrong = []
    for path in sources(*ORDER):
        if path == ROOT / "cases/docket.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in WRITES:
                whose = ast.unparse(node.func.value).split(".")[0]
                if whose in KEPT:
                    wrong.append(f"{path}:{node.lineno} {ast.unparse(node)[:60]}")
    assert wrong == []


def test_doors_reach_cases_through_what_is_visible() -> None:
    around = [
        f"{path}:{node.lineno}"
        for path in sources(*DOORS)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf8")))
        if isinstance(node, ast.Attribute)
        and ast.unparse(node).startswith("Case.objects.")
        and not ast.unparse(node).startswith("Case.objects.visible_to")
    ]
    assert around == []


def test_time_is_asked_in_one_place() -> None:
    asking = {"timezone.now", "datetime.now", "datetime.utcnow", "date.today"}
    wrong = [
        f"{path}:{node.lineno}"
        for path in sources(*ORDER)
        if path != ROOT / "grid/moment.py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf8")))
        if isinstance(node, ast.Attribute) and ast.unparse(node) in asking
    ]
    assert wrong == []


@pytest.mark.parametrize("path", [*sources(*ORDER), *sources("tests", "bench", "deploy")], ids=str)
def test_no_file_swells(path: Path) -> None:
    assert path.read_text(encoding="utf8").count("\n") <= 400


def test_no_signals_and_no_drawers() -> None:
    for path in sources(*ORDER):
        text = path.read_text(encoding="utf8")
        assert "django.dispatch" not in text and "models.signals" not in text, path
        assert path.stem not in {"utils", "helpers", "common", "misc"}


def test_nothing_asks_whether_it_is_tested() -> None:
    """What a test finds, people find: no setting, no rule and no page is otherwise under the tests."""
    asks = re.compile(r"\bTESTING\b|pytest|PYTEST|sys\.modules|xdist")
    files = [
        *sources(*ORDER, "play"),
        *(ROOT / "console").rglob("*.html"),
        *(ROOT / "console/static/console").glob("*.js"),
    ]
    assert [str(path) for path in files if asks.search(path.read_text(encoding="utf8"))] == []
