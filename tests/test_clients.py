"""The OpenAPI document, read by other people's programs: a validator, and two generators of clients that then work."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from enum import Enum
from pathlib import Path
from typing import Any, get_args

import pytest
from django.conf import settings
from openapi_spec_validator import OpenAPIV31SpecValidator
from pydantic import BaseModel
from pytest_django.live_server_helper import LiveServer

from cases.models import Case
from mobile_api.api import api
from mobile_api.operations import OPERATION_IDS

from . import city as town

WALKS = Path(__file__).parent / "clients"
PHOTOS = [Path(settings.BASE_DIR) / f"fixtures/photos/landscape_{n}.jpg" for n in (1, 3, 6)]
PLACE = (str(town.LON + town.STEP / 2), str(town.LAT + town.STEP / 2))
BIN = Path(sys.executable).parent


def run(*command: str | Path, cwd: Path | None = None) -> str:
    """A program's words; the test fails with them where it does."""
    given = os.environ | {"PATH": f"{BIN}:{os.environ['PATH']}"}
    done = subprocess.run(list(map(str, command)), check=False, capture_output=True, text=True, env=given, cwd=cwd)
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"[-5000:]
    return done.stdout


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The document as it is served."""
    path = tmp_path_factory.mktemp("openapi") / "openapi.json"
    path.write_text(json.dumps(api.get_openapi_schema()), encoding="utf8")
    return path


@pytest.fixture(scope="module")
def node_modules() -> Path:
    """What package-lock.json names, installed once for each of its contents."""
    lock = (WALKS / "package-lock.json").read_bytes()
    home = Path(sys.prefix) / "clients" / hashlib.sha256(lock).hexdigest()[:12]
    home.mkdir(parents=True, exist_ok=True)
    with (home / "lock").open("w") as door:
        fcntl.flock(door, fcntl.LOCK_EX)
        if not (home / "done").exists():
            for name in ("package.json", "package-lock.json"):
                shutil.copy(WALKS / name, home)
            run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", home)
            (home / "done").touch()
    return home / "node_modules"


def test_the_document_is_valid() -> None:
    errors = OpenAPIV31SpecValidator(json.loads(json.dumps(api.get_openapi_schema()))).iter_errors()
    assert [f"{list(error.absolute_path)}: {error.message}" for error in errors] == []


def test_operations_have_short_names_that_stay() -> None:
    names = [told["operationId"] for item in api.get_openapi_schema()["paths"].values() for told in item.values()]
    assert sorted(names) == sorted(OPERATION_IDS.values()), "name it in mobile_api/operations.py; never rename one"
    assert len(set(names)) == len(names)
    assert [name for name in names if not re.fullmatch(r"[a-z]+(_[a-z]+)+", name)] == []
    assert api.title.isascii(), "generators name their packages after it"


def test_no_two_models_share_a_name() -> None:
    """In the document one would take the other's place, and tell another shape than is sent."""
    found: dict[str, set[type]] = defaultdict(set)
    for router in api._get_bound_routers():
        for view in router.path_operations.values():
            for operation in view.operations:
                models = [*operation.models, *(model for model in operation.response_models.values() if model)]
                for model in models:
                    _collect(model, found)
    assert len(found) > 80
    assert {name: types for name, types in found.items() if len(types) > 1} == {}


def _collect(kind: Any, found: dict[str, set[type]]) -> None:
    """A model or an enumeration, and all that its fields are made of."""
    for part in get_args(kind):
        _collect(part, found)
    if not isinstance(kind, type) or not issubclass(kind, BaseModel | Enum) or kind in found[kind.__name__]:
        return
    if kind.__module__.partition(".")[0] in ("mobile_api", "cases", "grid"):
        found[kind.__name__].add(kind)
    if issubclass(kind, BaseModel):
        for field in kind.model_fields.values():
            _collect(field.annotation, found)


def test_a_generated_python_client_does_the_main_job(
    transactional_db: None, live_server: LiveServer, document: Path, tmp_path: Path
) -> None:
    said = run(
        "openapi-python-client", "generate", "--path", document, "--output-path", tmp_path / "made", "--meta", "none",
        "--config", _config(tmp_path),
    )  # fmt: skip
    assert "error" not in said.lower()
    package = tmp_path / "wangge_client"
    (tmp_path / "made").rename(package)
    left_out = [name for name in OPERATION_IDS.values() if not list(package.glob(f"api/*/{name}.py"))]
    assert left_out == [], said
    shutil.copy(WALKS / "walk.py", tmp_path)
    run(sys.executable, "-m", "mypy", "--strict", "--config-file=", "--cache-dir", tmp_path / "mypy", "walk.py",
        "wangge_client", cwd=tmp_path)  # fmt: skip
    town.build()
    ends = run(sys.executable, "walk.py", live_server.url, *PLACE, town.PASSWORD, *PHOTOS, cwd=tmp_path)
    assert ends == "closed" and Case.objects.get().stage == "closed"


def test_types_for_typescript_hold_and_work(
    transactional_db: None, live_server: LiveServer, document: Path, node_modules: Path, tmp_path: Path
) -> None:
    for name in ("walk.ts", "tsconfig.json", "package.json"):
        shutil.copy(WALKS / name, tmp_path)
    run("node", node_modules / "openapi-typescript/bin/cli.js", document, "-o", tmp_path / "api.ts")
    run("node", node_modules / "typescript/bin/tsc", "-p", tmp_path)
    town.build()
    assert run("node", tmp_path / "out/walk.js", live_server.url, *PLACE, town.PASSWORD) == "handling"
    assert Case.objects.get().stage == "handling"


def _config(folder: Path) -> Path:
    path = folder / "config.yaml"
    path.write_text("package_name_override: wangge_client\npost_hooks: []\n", encoding="utf8")
    return path
