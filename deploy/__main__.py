"""Wangge on one machine.

  ./dev up [--port 8000]  everything, in the foreground: database, demo cities, web server, worker
  ./dev play [OPTIONS]    a day in the city, through the HTTP interface of the running ./dev up
  ./dev history [OPTIONS] more months of past cases for the demo, before those that it begins with
  ./dev pictures [NAME …] the pictures of the docs, of the running ./dev up after play
  ./dev test [OPTIONS]    the tests, on a database of their own; the options go to pytest
  ./dev lint              ruff and mypy
  ./dev bench NAME        measure: bench/NAME.py, on a durable database of its own that holds the demo cities
  ./dev manage COMMAND    a command of manage.py, as the owner of the tables
  ./dev psql [OPTIONS]    the database's own prompt, as the owner of the tables
  ./dev run [PROGRAM]     any program, or a shell, with DATABASE_URL of the owner and all the settings of `up`
  ./dev docs              write the documents that are drawn from the code
  ./dev lock [OPTIONS]    requirements.txt anew from requirements.in; the options go to uv
  ./dev reset [--yes]     stop everything; delete the database, the photos and the keys of this folder

What is missing is installed first. DATABASE_URL, where set, names a server of one's own. See docs/operations.md.
"""

from __future__ import annotations

import argparse
import difflib
import errno
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable

from deploy import numbers, running, serve
from deploy.cluster import DATA, Cluster, passable, throwaway
from deploy.process import ROOT, Failed, Stopped, heed_signals, run, say
from deploy.serve import MANAGE, PYTHON, as_owner, environment, prepare
from deploy.steps import step
from deploy.tongue import HELP, language, told


def up(arguments: list[str]) -> int:
    """Serve until a signal ends it."""
    parser = argparse.ArgumentParser(prog="./dev up")
    parser.add_argument("--port", help="8000; or PORT. The waiting room has the next one, or LIVE_PORT")
    numbers.check()
    said = parser.parse_args(arguments).port
    serve.up(int(numbers.bounded("PORT", said, f"--port {said}")) if said else numbers.whole("PORT", 8000))


def play(arguments: list[str]) -> int:
    """Needs a running `up`, and the clock that both read."""
    here = running.ready(told("Nothing to play with: start ./dev up in another terminal first."))
    with environment(Cluster(DATA).running()) as given:
        quiet = {"LOG_LEVEL": "WARNING"} | given  # the progress bar has the terminal
        return run((PYTHON, "-m", "play", "--url", here.address, *arguments), quiet)


def history(arguments: list[str]) -> int:
    """Needs a city, as ./dev up loads it, but not that anything runs."""
    with environment(Cluster(DATA).running()) as given:
        return run((PYTHON, "-m", "play.history", *arguments), {"LOG_LEVEL": "WARNING"} | given)


def pictures(arguments: list[str]) -> int:
    """Needs a running `up` that was played: pictures of an empty city show nothing."""
    here = running.ready(
        told("Nothing to take pictures of: start ./dev up in another terminal, and let ./dev play end.")
    )
    return run((PYTHON, "-m", "play.pictures", "--url", here.address, *arguments), dict(os.environ))


def test(arguments: list[str]) -> int:
    """pytest's exit code is ours."""
    serve.words()
    with environment(throwaway()) as given:
        serve.static_files(given)
        tests = as_owner(given) | {"DATABASE_APP_URL": given["DATABASE_URL"]}  # that is for the web server
        if not os.environ.get("DATABASE_URL"):  # a server of one's own is left as it is
            step(told("tables"), (*MANAGE, "migrate", "--no-input"), tests)
            tests["TEMPLATE_URL"] = tests["DATABASE_URL"]  # the databases of the tests are copies of it
        return run((PYTHON, "-m", "pytest", *arguments), tests)


def lint(arguments: list[str]) -> int:
    """All three speak, even if the first complains."""
    checks = (("ruff", "check"), ("ruff", "format", "--check"), ("mypy",))
    given = os.environ | {"SECRET_KEY": "enough to read the settings"}
    return max([run((PYTHON, "-m", *check), given) for check in checks])


TIRELESS = {f"LIMIT_{what}": "999999999/999999999" for what in ("REPORTS", "MOVES", "TRACK", "EXPORTS", "WRITES")}
"""What one account of a bench does, hundreds of people would do: counted as for any other, and refused to none."""


def bench(arguments: list[str]) -> int:
    """The database is as durable as in production, or the figures would flatter."""
    names = sorted(path.stem for path in (ROOT / "bench").glob("[!_]*.py"))
    if not arguments or arguments[0] not in names:
        raise Failed(told("Which bench? There are: {names}", names=", ".join(names)))
    with environment(throwaway(durable=True)) as given:
        prepare({**given, "DEMO_CASES": "0"})
        apart = {"DATABASE_APP_URL": given["DATABASE_URL"]}  # of the servers that it starts; it fills tables itself
        return run((PYTHON, "-m", f"bench.{arguments[0]}", *arguments[1:]), as_owner(given) | apart | TIRELESS)


def manage(arguments: list[str]) -> int:
    """By the owner, for migrations and loading are what one calls it for."""
    return program([*map(str, MANAGE), *arguments])


def psql(arguments: list[str]) -> int:
    """By the owner as well."""
    return program(["sh", "-c", 'psql "$DATABASE_OWNER_URL" "$@"', "psql", *arguments])


def program(arguments: list[str]) -> int:
    """Any program that wants DATABASE_URL: pg_dump, a script; a shell where none is named."""
    with environment(Cluster(DATA).running()) as given:
        return run(arguments or ["sh"], as_owner(given))


def docs(arguments: list[str]) -> int:
    """The drawn flow, the dictionary of figures, and the rights in the database."""
    return manage(["flow"]) or manage(["figures"]) or manage(["rights"])


def reset(arguments: list[str]) -> int:
    """Asks first. Leaves a server of one's own alone."""
    if arguments != ["--yes"]:
        print(told("Delete everything in {folder}? Type yes:", folder=DATA), end=" ", flush=True)
        if sys.stdin.readline().strip() != "yes":
            raise Failed(told("Nothing was deleted."))
    if here := running.serving():
        say(told("stopping ./dev up"))
        os.kill(here.process, signal.SIGTERM)
        while running.serving():
            time.sleep(0.1)
    for cluster in (*map(Cluster, DATA.glob("throwaway-*")), Cluster(DATA)):
        cluster.remove()
    for entry in DATA.iterdir():
        if entry.is_dir():
            shutil.rmtree(entry)
        else:
            entry.unlink()
    say(told("{folder} is empty", folder=DATA))
    return 0


COMMANDS: dict[str, Callable[[list[str]], int]] = {
    **{command.__name__: command for command in (up, play, history, pictures)},
    **{command.__name__: command for command in (test, lint, bench, manage, psql, docs, reset)},
    "run": program,
}


def main(name: str = "help", *arguments: str) -> int:
    if name in ("help", "-h", "--help"):
        print(__doc__ if language() == "en" else HELP)
        return 0
    if name not in COMMANDS:
        print(unknown(name), file=sys.stderr)
        return 2
    heed_signals()
    try:
        if passable(DATA).stat().st_uid != os.geteuid():
            raise Failed(told("{folder} belongs to {owner}: run ./dev as that user.", folder=DATA, owner=DATA.owner()))
        return COMMANDS[name](list(arguments))
    except Failed as sentence:
        print(sentence, file=sys.stderr)
        return 1
    except OSError as trouble:
        if trouble.errno not in MENDABLE:
            raise
        said = {"file": trouble.filename or DATA, "reason": trouble.strerror, "folder": DATA}
        print(
            told("{file}: {reason}. ./dev writes into {folder}; DATA_DIR names another folder for that.", **said),
            file=sys.stderr,
        )
        return 1
    except Stopped:
        say(told("stopped"))
        raise


MENDABLE = (errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOSPC, errno.EDQUOT)  # by who owns the machine


def unknown(name: str) -> str:
    """What is unknown, and what may have been meant."""
    known = [*COMMANDS, "lock", "help"]  # these two ./dev does by itself
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    meant = near or known
    said = ", ".join(f"./dev {command}" for command in meant)
    if near:
        return told("./dev {name}: there is no such command. Near to it: {commands}", name=name, commands=said)
    return told("./dev {name}: there is no such command. There are: {commands}", name=name, commands=said)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
