"""./dev's private PostgreSQL: nobody else gets in, the last one out stops it, a killed user does not count."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy import cluster as clusters
from deploy import serve, worker
from deploy.cluster import APP, OWNER, Cluster, throwaway
from deploy.process import ROOT, Failed, start

from .cluster import burying


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANGGE_LANG", "en")


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """As `up` has it: what it makes is nobody else's, but the server gets through."""
    before = os.umask(0o077)
    made = Cluster(tmp_path / "made", durable=False)
    yield made
    made.stop()
    made.remove()
    os.umask(before)


def test_a_throwaway_cluster_is_gone_after_its_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clusters, "DATA", tmp_path)
    with throwaway() as made:
        assert made.sql("SELECT current_setting('listen_addresses') || '.'") == ".\n"
        assert (
            made.sql(f"SELECT pg_has_role('{OWNER}', '{APP}', 'member'), pg_has_role('{APP}', '{OWNER}', 'member')")
            == "t|f\n"
        )
        files, socket = made.files, made.socket
        assert socket.stat().st_mode & 0o077 == 0
    assert not made.runs()
    assert not (files / "pg").exists()
    assert not socket.exists()
    assert list(tmp_path.iterdir()) == []


def test_the_last_one_out_stops_it(cluster: Cluster) -> None:
    with cluster.running():
        with Cluster(cluster.folder, durable=False).running():
            assert cluster.runs()
        assert cluster.runs()
        with pytest.raises(Failed, match="in use"):
            cluster.remove()
    assert not cluster.runs()


def test_what_was_committed_is_there_after_the_next_start(cluster: Cluster) -> None:
    with cluster.running():
        cluster.sql("CREATE TABLE kept AS SELECT 7 AS seven")
    with cluster.running():
        assert cluster.sql("SELECT seven FROM kept") == "7\n"


def test_a_killed_user_does_not_count(cluster: Cluster) -> None:
    holds = (
        "from deploy.cluster import Cluster, Path\n"
        f"with Cluster(Path({str(cluster.folder)!r}), False).running(): print(1, flush=True); input()"
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", holds], cwd=ROOT, **pipes) as user:  # type: ignore[call-overload]
        assert user.stdout.readline() == b"1\n"
        user.kill()
    assert cluster.runs()
    with cluster.running():
        pass
    assert not cluster.runs()


def test_a_server_that_was_killed_lives_again_with_what_was_committed(cluster: Cluster) -> None:
    with cluster.running():
        cluster.sql("CREATE TABLE kept AS SELECT 7 AS seven")
        kill_the_server(cluster)
        assert not cluster.runs()
        cluster.revive()
        assert cluster.sql("SELECT seven FROM kept") == "7\n"


def test_a_server_that_will_not_live_again_says_why(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clusters, "REVIVE_S", 0)
    with cluster.running():
        kill_the_server(cluster)
        control = cluster.files / "pg/global/pg_control"
        control.write_bytes(b"")
        with pytest.raises(Failed, match=r"(?s)does not start again.*pg_control.*The whole log: "):
            serve._revive(cluster)


def kill_the_server(cluster: Cluster) -> None:
    """SIGKILL to the postmaster alone; its children notice and go."""
    head = int((cluster.files / "pg/postmaster.pid").read_text().split()[0])
    os.kill(head, signal.SIGKILL)
    until = time.monotonic() + 30
    while cluster.runs():
        assert time.monotonic() < until, "it lives on"
        time.sleep(0.01)


def test_a_dead_server_that_nobody_buries_is_dead(cluster: Cluster) -> None:
    """In a container whose first process buries nobody, it stays in the table of processes."""
    with burying(), cluster.running():
        head = int((cluster.files / "pg/postmaster.pid").read_text().split()[0])
        kill_the_server(cluster)
        assert Path(f"/proc/{head}").exists(), "somebody buried it: nothing is shown"
        cluster.revive()
        assert cluster.sql("SELECT 1") == "1\n"


def test_a_path_too_long_for_a_socket_gets_a_short_one(tmp_path: Path) -> None:
    long = Cluster(tmp_path / ("a" * 100), durable=False)
    try:
        with long.running():
            assert long.sql("SELECT 1") == "1\n"
    finally:
        long.remove()


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], worker.Watched]:
    """A program that is watched, in the place of the worker's."""

    def begin(program: str) -> worker.Watched:
        monkeypatch.setattr(worker, "DATA", tmp_path)
        monkeypatch.setattr(worker, "start", lambda command, *args, **more: start((*program.split(),), {}, **more))
        return worker.Watched("hands", "sign")

    return begin


def test_a_still_worker_is_noticed(watched: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "STILL_S", 0.05)
    program = watched("sleep 60")
    program.sign.touch()
    try:
        assert program.trouble() == ""
        while not (why := program.trouble()):
            pass
        assert "no sign of life" in why and not program.stillborn
    finally:
        worker.end((program.process,))


def test_a_worker_that_ended_by_itself_is_not_started_again(watched: Any) -> None:
    program = watched("false")
    program.process.wait()
    assert "ended with 1" in program.trouble() and program.stillborn
    program.sign.touch()
    assert not program.stillborn, "it lived"


def test_a_worker_deaf_to_the_word_is_ended_with_its_children(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "GENTLE_S", 0.1)
    deaf = ("sh", "-c", "trap '' TERM; sleep 60 & echo $!; wait; wait")
    with start(deaf, {"PATH": "/usr/bin:/bin"}, apart=True, stdout=subprocess.PIPE) as cluster:
        assert cluster.stdout
        child = int(cluster.stdout.readline())
        worker.end((cluster,))
    until = time.monotonic() + 5
    while Path(f"/proc/{child}/cmdline").exists() and Path(f"/proc/{child}/cmdline").read_bytes():
        assert time.monotonic() < until, "the child lives on"
        time.sleep(0.01)


def test_a_folder_is_served_by_the_version_that_made_it(cluster: Cluster) -> None:
    """Also after an upgrade of the system, which brings a newer one."""
    with cluster.running():
        kept = cluster.sql("SHOW server_version_num")
    assert cluster.version == int((cluster.files / "pg" / "PG_VERSION").read_text()) == int(kept) // 10_000


def test_a_folder_whose_version_is_gone_says_so_and_can_be_given_up(cluster: Cluster) -> None:
    with cluster.running():
        pass
    (cluster.files / "pg" / "PG_VERSION").write_text("11\n")
    with pytest.raises(Failed, match=r"made by PostgreSQL 11, which is no longer installed"), cluster.running():
        pytest.fail("started by another version")
    cluster.remove()
    assert not (cluster.files / "pg").exists()


def test_the_newest_version_with_postgis_makes_new_folders(monkeypatch: pytest.MonkeyPatch) -> None:
    assert clusters.newest_version() >= clusters.OLDEST
    monkeypatch.setattr(clusters, "OLDEST", 99)
    with pytest.raises(Failed, match="apt-get install postgresql-postgis"):
        clusters.newest_version()
