"""What the project stands on: Python's packages with their hashes, the distribution's packages in one list."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
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


FILES = ("requirements", "requirements-test")


@pytest.mark.parametrize("name", FILES)
def test_the_lock_has_what_is_asked_for(name: str) -> None:
    locked, asked = pins(f"{name}.txt"), pins(f"{name}.in")
    assert {package: locked.get(package) for package in asked} == asked, "run ./dev lock"


@pytest.mark.parametrize("name", FILES)
def test_every_locked_package_is_a_promise_of_content(name: str) -> None:
    """And none says where it is to be had: that is the machine's own matter."""
    text = (ROOT / f"{name}.txt").read_text(encoding="utf8")
    entries = re.findall(r"^[A-Za-z].*(?:\n    .*)*", text, re.M)
    assert entries and {canonicalize_name(entry.partition("==")[0]) for entry in entries} == pins(f"{name}.txt").keys()
    assert [entry.partition(" ")[0] for entry in entries if "--hash=sha256:" not in entry] == []
    assert "://" not in text
    assert not re.search(r"^-", text, re.M)


def test_what_both_files_name_is_one_version() -> None:
    served, tested = pins("requirements.txt"), pins("requirements-test.txt")
    assert {name: tested[name] for name in tested.keys() & served} == {
        name: served[name] for name in tested.keys() & served
    }


def test_nothing_that_is_needed_is_missing() -> None:
    """pip installs what the files name and nothing else."""
    done = subprocess.run([sys.executable, "-m", "pip", "check"], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def listed(purpose: str = "") -> set[str]:
    said = subprocess.run([ROOT / "deploy/packages", purpose], check=True, capture_output=True, text=True)
    return set(said.stdout.split())


def test_a_city_set_up_by_the_book_has_what_dev_installs() -> None:
    """One list, read by both: neither names a package of its own that the application needs."""
    book, script = ((ROOT / name).read_text(encoding="utf8") for name in ("deploy/README.md", "dev"))
    named = re.findall(r"^apt-get install --no-install-recommends (.*?)(?:  +#.*)?$", book, re.M)
    assert named == ["git nginx", "$(deploy/packages)"]
    assert "$(deploy/packages" in script
    assert not [name for name in listed("test") if re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", book)]


@pytest.mark.parametrize("purpose", ["", "test"])
def test_what_is_listed_is_here(purpose: str) -> None:
    """Each name is one that this release knows, and what the tests stand on is not there by accident."""
    missing = {name for name in listed(purpose) if "installed" not in status(name)}
    assert missing <= {"postgresql-postgis"}  # met as well by a database from elsewhere: see dev


def status(package: str) -> str:
    asked = ("dpkg-query", "-W", "-f", "${db:Status-Status}", package)
    return subprocess.run(asked, check=False, capture_output=True, text=True).stdout


def test_the_list_names_no_version() -> None:
    assert not [
        name for name in listed("test") | listed("bench") if re.search(r"(?:postgresql-|python3\.|gdal)\d", name)
    ]


def test_dev_tells_its_commands_before_anything_is_installed(tmp_path: Path) -> None:
    """On a machine without Python, too."""
    told = subprocess.run([ROOT / "dev"], check=True, capture_output=True, text=True, env={"PATH": "/usr/bin:/bin"})
    assert "./dev up" in told.stdout and "./dev test" in told.stdout


def test_dev_says_that_a_python_is_too_old(tmp_path: Path) -> None:
    script = tmp_path / "dev"
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy")
    script.write_text((ROOT / "dev").read_text(encoding="utf8").replace("OLDEST=3.11", "OLDEST=99.1"))
    told = subprocess.run(["bash", script, "up"], check=False, capture_output=True, text=True)
    assert told.returncode == 1
    assert "needs Python 99.1 or later" in told.stderr
    assert told.stdout == ""


def test_the_yardstick_says_how_it_is_used() -> None:
    told = subprocess.run([ROOT / "tests/bare"], check=False, capture_output=True, text=True)
    assert told.returncode == 2
    assert "tests/bare SUITE test [OPTIONS]" in told.stdout
