"""What ./dev says at the terminal: in its language, in sentences, and before anything is started that cannot be."""

from __future__ import annotations

import ast
import os
import pty
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from deploy import __main__ as commands
from deploy import database, running, tongue
from deploy.process import ROOT

CJK = re.compile(r"[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]")
SPEAKERS = [*(ROOT / "deploy").glob("*.py"), *(ROOT / "play").glob("*.py"), ROOT / "manage.py"]
HOLES = re.compile(r"\{(\w+)\}")


def dev(*words: str, folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """`./dev`, once it has its packages."""
    silent = {name: said for name, said in os.environ.items() if name not in ("DATABASE_URL", "DATABASE_OWNER_URL")}
    given = silent | {"DATA_DIR": str(folder), "WANGGE_LANG": "en"} | more
    command = [sys.executable, "-m", "deploy", *words]
    return subprocess.run(command, cwd=ROOT, env=given, capture_output=True, text=True, check=False, timeout=120)


def sentence(told: subprocess.CompletedProcess[str], code: int = 1) -> str:
    """The one line that is all it said."""
    assert told.returncode == code, told.stderr
    (line,) = told.stderr.splitlines()
    return line


@contextmanager
def listening() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as door:
        yield door.getsockname()[1]


# Which language


@pytest.mark.parametrize(
    ("said", "language"),
    [
        ({}, "en"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh-hans"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "en_US.UTF-8"}, "en"),
        ({"LANG": "en_US.UTF-8", "LC_MESSAGES": "zh_CN"}, "zh-hans"),
        ({"LANG": "zh_CN.UTF-8", "WANGGE_LANG": "en"}, "en"),
        ({"LC_ALL": "C", "WANGGE_LANG": "zh"}, "zh-hans"),
        ({"LC_ALL": "", "LANG": "zh_CN.UTF-8"}, "zh-hans"),
    ],
)
def test_the_terminal_speaks_the_language_of_its_locale(said: dict[str, str], language: str) -> None:
    assert tongue.language(said) == language
    bash = f"{_functions('chinese')}\nif chinese; then echo zh-hans; else echo en; fi"
    told = subprocess.run(["bash", "-c", bash], env=said, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == language, "dev and deploy/tongue.py differ"


def test_every_sentence_has_its_chinese_and_nothing_else_has() -> None:
    said = {sentence for path in SPEAKERS for sentence in _told(path)} | set(_counted())
    assert said == set(tongue.CHINESE)
    for english, chinese in tongue.CHINESE.items():
        assert sorted(HOLES.findall(english)) == sorted(HOLES.findall(chinese)), english
        assert not CJK.search(english) and CJK.search(chinese), english


def _told(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "told":
            if isinstance(node.args[0], ast.Constant):
                yield node.args[0].value
            else:
                assert path.name == "saying.py", f"{path.name}: a sentence that no test can read"


def _counted() -> tuple[str, ...]:
    from play.saying import OURS

    return OURS


def test_nothing_is_said_or_printed_in_deploy_that_has_no_chinese() -> None:
    for path in (ROOT / "deploy").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("say", "Failed"):
                (words,) = node.args
                plain = isinstance(words, ast.Constant | ast.JoinedStr)
                assert not plain or path.name == "process.py", f"{path.name}: {ast.unparse(node)}"


def test_the_help_names_the_same_commands_in_both_languages(tmp_path: Path) -> None:
    english, chinese = str(commands.__doc__), tongue.HELP
    names = [re.findall(r"^  \./dev (\w+)", said, re.M) for said in (english, chinese)]
    assert names[0] == names[1]
    assert set(names[0]) == {*commands.COMMANDS, "lock"}
    assert dev("help", folder=tmp_path, WANGGE_LANG="zh").stdout.strip() == chinese.strip()
    for language, said in (("en", english), ("zh", chinese)):  # and without any Python
        told = subprocess.run(
            ["bash", "-c", f"{_functions('chinese', 'help')}\nhelp"],
            cwd=ROOT,
            env={"PATH": "/usr/bin:/bin", "WANGGE_LANG": language},
            capture_output=True,
            text=True,
            check=True,
        )
        assert told.stdout.strip() == said.strip()


def _functions(*names: str) -> str:
    """Functions of ./dev by their names."""
    source = (ROOT / "dev").read_text(encoding="utf8")
    found = [re.search(rf"^{name}\(\) {{.*?^}}$", source, re.M | re.S) for name in names]
    return "\n".join(match[0] for match in found if match)


# What cannot be


def test_a_command_that_is_unknown_is_named_with_those_near_to_it(tmp_path: Path) -> None:
    told = dev("playy", folder=tmp_path / "none")
    assert sentence(told, 2) == "./dev playy: there is no such command. Near to it: ./dev play"
    assert "There are: ./dev up, ./dev play" in sentence(dev("nonsense", folder=tmp_path / "none"), 2)
    chinese = sentence(dev("hisotry", folder=tmp_path / "none", WANGGE_LANG="zh"), 2)
    assert chinese == "./dev hisotry：没有这个命令。相近的有：./dev history"
    assert not (tmp_path / "none").exists()


def test_nothing_is_installed_for_a_command_that_is_unknown(tmp_path: Path) -> None:
    """./dev itself asks first: here in a folder where it would have all to install."""
    (tmp_path / "dev").write_bytes((ROOT / "dev").read_bytes())
    (tmp_path / "deploy").symlink_to(ROOT / "deploy")
    told = subprocess.run(
        ["bash", tmp_path / "dev", "nonsense"],
        env=os.environ | {"WANGGE_LANG": "en"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "there is no such command" in sentence(told, 2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["deploy", "dev"]


@pytest.mark.parametrize("said", ["99999", "0", "-1", "80.5", "http", "nan"])
def test_a_port_that_is_none_is_told_before_anything_is_started(said: str, tmp_path: Path) -> None:
    told = sentence(dev("up", f"--port={said}", folder=tmp_path))
    assert told == f"--port {said}: a number from 1 to 65535 is needed."
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("PORT", "99999"),
        ("PORT", "65535"),  # the waiting room has the next one
        ("LIVE_PORT", "x"),
        ("WEB_WORKERS", "inf"),
        ("WEB_THREADS", "0"),
        ("LIVE_PLACES", "nan"),
        ("WORKER_STILL_S", "1e9"),
    ],
)
def test_a_number_that_makes_no_sense_is_told_before_anything_is_started(name: str, said: str, tmp_path: Path) -> None:
    told = sentence(dev("up", folder=tmp_path, **{name: said}))
    wrong = "LIVE_PORT=65536" if said == "65535" else f"{name}={said}"
    assert told.startswith(f"{wrong}: a number from ")
    assert not (tmp_path / "pg").exists()


def test_a_port_in_use_is_told_before_anything_is_started(tmp_path: Path) -> None:
    with listening() as port:
        told = sentence(dev("up", f"--port={port}", folder=tmp_path))
        assert told.startswith(f"127.0.0.1:{port} cannot be used (Address already in use). Another: ./dev up --port ")
        room = sentence(dev("up", folder=tmp_path, PORT=str(_free()), LIVE_PORT=str(port)))
        assert room.startswith(f"127.0.0.1:{port}, where open apps are to wait for messages, cannot be used")
        assert "LIVE_PORT=" in room
    assert not (tmp_path / "pg").exists()


def _free() -> int:
    with listening() as port:
        return port


def test_a_database_that_is_away_is_a_sentence(tmp_path: Path) -> None:
    away = f"postgis://wangge:secret-word@127.0.0.1:{_free()}/wangge"
    told = dev("up", f"--port={_free()}", folder=tmp_path, DATABASE_URL=away)
    assert sentence(told).startswith(f"The database {away.split('@')[1]} does not answer: connection to server at ")
    assert "secret-word" not in told.stdout + told.stderr
    managed = dev("manage", "migrate", folder=tmp_path, DATABASE_URL=away)
    assert "does not answer" in sentence(managed) or "did not answer" in sentence(managed)
    assert "没有应答" in sentence(dev("manage", "migrate", folder=tmp_path, DATABASE_URL=away, WANGGE_LANG="zh"))


def test_an_address_that_only_django_reads_is_left_to_it() -> None:
    assert database.silence("postgis://wangge@127.0.0.1/wangge?conn_max_age=5") == ""


def test_a_folder_that_cannot_be_written_to_is_a_sentence(tmp_path: Path) -> None:
    if os.geteuid():
        pytest.skip("only root can mount a folder that nobody may write to")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", tmp_path], check=True)
    try:
        told = sentence(dev("up", f"--port={_free()}", folder=tmp_path / "data"))
    finally:
        subprocess.run(["umount", "--lazy", tmp_path], check=True)
    assert told.startswith(f"{tmp_path}/data: Read-only file system. ./dev writes into ")


# While `up` starts


HOLDS = """
import sys, fcntl
lock = open(sys.argv[1], "a+")
fcntl.flock(lock, fcntl.LOCK_EX)
print("held", flush=True)
for line in sys.stdin:
    lock.seek(0); lock.truncate(); lock.write(line); lock.flush(); print("said", flush=True)
"""


@contextmanager
def held(folder: Path) -> Iterator[Any]:
    """Another process holds the lock of `up`; gives what makes it write a line there."""
    command = [sys.executable, "-c", HOLDS, folder / "up.lock"]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as holder:
        assert holder.stdout.readline() == "held\n"

        def write(line: str) -> None:
            holder.stdin.write(f"{line}\n")
            holder.stdin.flush()
            assert holder.stdout.readline() == "said\n"

        yield write
        holder.stdin.close()


def test_play_waits_for_an_up_that_is_starting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    """From the moment in which its lock is still empty."""
    monkeypatch.setattr(running, "DATA", tmp_path)
    asked = iter(["7 http://127.0.0.1:1 starting", "7 http://127.0.0.1:1 starting", "7 http://127.0.0.1:1 ready"])
    with held(tmp_path) as write:
        monkeypatch.setattr(time, "sleep", lambda seconds: write(next(asked)))
        assert running.ready("none runs") == running.Up(7, "http://127.0.0.1:1", ready=True)
    assert next(asked, None) is None
    said = capsys.readouterr().out
    assert len(said.splitlines()) == 1 and said.startswith("-> ")


def test_play_says_so_where_none_runs_or_it_ends_before_it_is_ready(tmp_path: Path) -> None:
    assert sentence(dev("play", folder=tmp_path)).startswith("Nothing to play with: start ./dev up")
    assert sentence(dev("pictures", folder=tmp_path)).startswith("Nothing to take pictures of: start ./dev up")


def test_a_second_up_names_the_first_and_leaves_its_line(tmp_path: Path) -> None:
    with held(tmp_path) as write:
        write("7 http://127.0.0.1:1 starting")
        told = sentence(dev("up", f"--port={_free()}", folder=tmp_path))
        assert told.startswith("./dev up runs here already, at http://127.0.0.1:1.") and told.endswith("kill 7")
        assert (tmp_path / "up.lock").read_text() == "7 http://127.0.0.1:1 starting\n"


# Steps


STEPS = """
import os
from deploy.steps import step
step("good", ("sh", "-c", "echo many; echo words >&2"), os.environ)
step("bad", ("sh", "-c", "for n in $(seq 40); do echo line $n >&2; done; exit 3"), os.environ)
"""


def test_a_step_is_one_line_and_its_words_go_to_the_log(tmp_path: Path) -> None:
    given = os.environ | {"DATA_DIR": str(tmp_path), "WANGGE_LANG": "en"}
    told = subprocess.run(
        [sys.executable, "-c", STEPS], cwd=ROOT, env=given, capture_output=True, text=True, check=False
    )
    assert told.stdout == "-> good\n-> bad\n"
    first, second, third = told.stderr.splitlines()[-3:]
    assert (first, second) == ("line 39", "line 40")
    assert f"ended with 3. The whole log: {tmp_path}/log/start.log" in third
    log = (tmp_path / "log/start.log").read_text()
    assert "words\nmany\n" in log and "line 1\n" in log


def test_on_a_terminal_a_step_counts_its_seconds(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    script = "from deploy.steps import doing\nwith doing('slow'): input()"
    given = os.environ | {"DATA_DIR": str(tmp_path)}
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": theirs}
    seen = b""
    with subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, env=given, **pipes) as child:
        os.close(theirs)
        while b"slow 1 s" not in seen:
            seen += os.read(ours, 4096)
        child.stdin.write(b"\n")
        child.stdin.close()
        while b"\n" not in seen:
            seen += os.read(ours, 4096)
    os.close(ours)
    assert re.search(rb"\r\x1b\[K-> slow \(\d+ s\)\r\n$", seen)
    assert seen.count(b"\n") == 1
