"""Settings that make no sense are refused at start, with a sentence; the ranges of all numbers stand in the docs."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from backend import settings as source
from deploy.process import ROOT


def numeric() -> dict[str, tuple[str, dict[str, Any]]]:
    """By the name of each setting that is a number: which function reads it, its default and its bounds."""
    found = {}
    for node in ast.walk(ast.parse(Path(source.__file__).read_text(encoding="utf8"))):
        reads = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("number", "whole")
        if reads and isinstance(node.args[0], ast.Constant):
            said = {word.arg: ast.literal_eval(word.value) for word in node.keywords}
            found[node.args[0].value] = node.func.id, said | {"default": ast.literal_eval(node.args[1])}
    return found


NUMERIC = numeric()


def read(name: str) -> float:
    reader, said = NUMERIC[name]
    return float(getattr(source, reader)(name, **said))


def test_there_are_numbers() -> None:
    assert len(NUMERIC) > 35 and "DIGEST_HOUR" in NUMERIC


@pytest.mark.parametrize("name", NUMERIC)
def test_a_number_has_bounds_and_nothing_beyond_them_passes(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _reader, said = NUMERIC[name]
    assert "most" in said, f"{name} has no upper bound"
    least, most = said.get("least", 0), said["most"]
    monkeypatch.delenv(name, raising=False)
    assert least <= read(name) <= most
    for good in (least, most):
        monkeypatch.setenv(name, f"{good:.12g}")
        assert read(name) == good
    for bad in (least - 1, most + 1, "nan", "inf", "-inf", "1e400", "seven", "", " "):
        monkeypatch.setenv(name, str(bad))
        with pytest.raises(ImproperlyConfigured, match=f"^{name}="):
            read(name)


@pytest.mark.parametrize("name", NUMERIC)
def test_the_range_of_a_number_is_documented(name: str) -> None:
    _reader, said = NUMERIC[name]
    page = (ROOT / "docs/settings.md").read_text(encoding="utf8")
    row = re.search(rf"^\| `{name}` \| (\S+) \((\S+) – (\S+)\) \|", page, re.M)
    assert row, f"{name} has no row that tells its range"
    assert [float(part) for part in row.groups()] == [said["default"], said.get("least", 0), said["most"]]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DIGEST_HOUR", "99"),
        ("SHIFT_HOURS", "nan"),
        ("REWORK_SHARE", "inf"),
        ("EMAIL_URL", "smtp://mail.example.org:99999"),
        ("EMAIL_URL", "smtp://[::1"),
        ("SECRET_KEY_FILE", "/nowhere/key"),
        ("DEMO", "perhaps"),
    ],
)
def test_nonsense_is_told_in_one_sentence(name: str, value: str) -> None:
    given = os.environ | {"SECRET_KEY": "enough to read the settings", name: value}
    told = subprocess.run(
        [sys.executable, "manage.py", "flow"], cwd=ROOT, env=given, capture_output=True, text=True, check=False
    )
    assert told.returncode == 1
    assert told.stdout == ""
    (sentence,) = told.stderr.splitlines()
    assert name.removesuffix("_FILE") in sentence
