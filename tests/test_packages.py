"""What the project stands on: Python's packages with their hashes, the distribution's packages in one list."""

from __future__ import annotations

import re
from pathlib import Path

from django.conf import settings
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(settings.BASE_DIR)


def pins(file: str) -> dict[str, str]:
    """name → version of a file of requirements."""
    found = {}
    for line in (ROOT / file).read_text(encoding="utf8").splitlines():
        words = line.partition(" #")[0].rstrip(" \\")
        if re.match(r"[A-Za-z]", words):
            asked = Requirement(words)
            (only,) = asked.specifier
            assert only.operator == "==", line
            found[canonicalize_name(asked.name)] = only.version
    return found


def test_the_lock_has_what_is_asked_for() -> None:
    locked = pins("requirements.txt")
    asked = pins("requirements.in")
    assert {name: locked.get(name) for name in asked} == asked, "run ./dev lock"


def test_every_locked_package_is_a_promise_of_content() -> None:
    """And none says where it is to be had: that is the machine's own matter."""
    text = (ROOT / "requirements.txt").read_text(encoding="utf8")
    entries = re.findall(r"^[A-Za-z].*(?:\n    .*)*", text, re.M)
    assert len(entries) == len(pins("requirements.txt"))
    assert [entry.partition(" ")[0] for entry in entries if "--hash=sha256:" not in entry] == []
    assert "://" not in text
    assert not re.search(r"^-", text, re.M)
