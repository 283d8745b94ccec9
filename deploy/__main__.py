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
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable

from deploy import serve
from deploy.cluster import DATA, Cluster, passable, throwaway
from deploy.process import ROOT, Failed, Stopped, heed_signals, run, say
from deploy.serve import MANAGE, PYTHON, as_owner, environment, prepare


def up(arguments: list[str]) -> int:
    """Serve until a signal ends it."""
    parser = argparse.ArgumentParser(prog="./dev up")
    parser.add_argument("--port", type=int, default=int(os.environ.get("PORT", "8000")))
    serve.up(parser.parse_args(arguments).port)


def play(arguments: list[str]) -> int:
    """Needs a running `up`, and the clock that both read."""
    if not (here := serve.serving()):
        raise Failed("Nothing to play with: start ./dev up in another terminal first.")
    with environment(Cluster(DATA).running()) as given:
        quiet = {"LOG_LEVEL": "WARNING"} | given  # the progress bar has the terminal
        return run((PYTHON, "-m", "play", "--url", here[1], *arguments), quiet)


def history(arguments: list[str]) -> int:
    """Needs a city, as ./dev up loads it, but not that anything runs."""
    with environment(Cluster(DATA).running()) as given:
        return run((PYTHON, "-m", "play.history", *arguments), {"LOG_LEVEL": "WARNING"} | given)


def pictures(arguments: list[str]) -> int:
    """Needs a running `up` that was played: pictures of an empty city show nothing."""
    if not (here := serve.serving()):
        raise Failed("Nothing to take pictures of: start ./dev up in another terminal, and let ./dev play end.")
    return run((PYTHON, "-m", "play.pictures", "--url", here[1], *arguments), dict(os.environ))


def test(arguments: list[str]) -> int:
    """pytest's exit code is ours."""
    serve.words()
    with environment(throwaway()) as given:
        serve.static_files(given)
        served = {"DATABASE_APP_URL": given["DATABASE_URL"]}  # for the web server; the tests own the tables
        return run((PYTHON, "-m", "pytest", *arguments), as_owner(given) | served)


def lint(arguments: list[str]) -> int:
    """All three speak, even if the first complains."""
    checks = (("ruff", "check"), ("ruff", "format", "--check"), ("mypy",))
    given = os.environ | {"SECRET_KEY": "enough to read the settings"}
    return max([run((PYTHON, "-m", *check), given) for check in checks])


def bench(arguments: list[str]) -> int:
    """The database is as durable as in production, or the figures would flatter."""
    names = sorted(path.stem for path in (ROOT / "bench").glob("[!_]*.py"))
    if not arguments or arguments[0] not in names:
        raise Failed(f"Which bench? There are: {', '.join(names) or 'none yet'}")
    with environment(throwaway(durable=True)) as given:
        prepare({**given, "DEMO_CASES": "0"})
        apart = {"DATABASE_APP_URL": given["DATABASE_URL"]}  # of the servers that it starts; it fills tables itself
        return run((PYTHON, "-m", f"bench.{arguments[0]}", *arguments[1:]), as_owner(given) | apart)


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
        print(f"Delete everything in {DATA}? Type yes:", end=" ", flush=True)
        if sys.stdin.readline().strip() != "yes":
            raise Failed("Nothing was deleted.")
    if here := serve.serving():
        say("stopping ./dev up")
        os.kill(here[0], signal.SIGTERM)
        while serve.serving():
            time.sleep(0.1)
    for cluster in (*map(Cluster, DATA.glob("throwaway-*")), Cluster(DATA)):
        cluster.remove()
    for entry in DATA.iterdir():
        if entry.is_dir():
            shutil.rmtree(entry)
        else:
            entry.unlink()
    say(f"{DATA} is empty")
    return 0


COMMANDS: dict[str, Callable[[list[str]], int]] = {
    **{command.__name__: command for command in (up, play, history, pictures)},
    **{command.__name__: command for command in (test, lint, bench, manage, psql, docs, reset)},
    "run": program,
}


def main(name: str = "help", *arguments: str) -> int:
    if name not in COMMANDS:
        print(__doc__)
        return 0 if name in ("help", "-h", "--help") else 2
    heed_signals()
    try:
        if passable(DATA).stat().st_uid != os.geteuid():
            raise Failed(f"{DATA} belongs to {DATA.owner()}: run ./dev as that user.")
        return COMMANDS[name](list(arguments))
    except Failed as sentence:
        print(sentence, file=sys.stderr)
        return 1
    except Stopped:
        say("stopped")
        raise


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
