"""The commands of `./dev`. Each docstring's first line is its help."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable

from deploy import serve
from deploy.cluster import BIN, DATA, Cluster, passable, throwaway
from deploy.process import ROOT, Failed, Stopped, heed_signals, run, say
from deploy.serve import MANAGE, PYTHON, as_owner, environment, prepare


def up(arguments: list[str]) -> int:
    """[--port 8000]  everything, in the foreground: database, demo cities, web server, worker"""
    parser = argparse.ArgumentParser(prog="./dev up")
    parser.add_argument("--port", type=int, default=int(os.environ.get("PORT", "8000")))
    serve.up(parser.parse_args(arguments).port)


def play(arguments: list[str]) -> int:
    """[options]      a day in the city, through the HTTP interface of the running ./dev up"""
    if not (here := serve.serving()):
        raise Failed("Nothing to play with: start ./dev up in another terminal first.")
    with environment(Cluster(DATA).running()) as given:
        return run((*MANAGE, "play", *arguments), given | {"ADDRESS": here[1]})


def test(arguments: list[str]) -> int:
    """[options]      the tests, on a database of their own; the options go to pytest"""
    serve.words()
    with environment(throwaway()) as given:
        return run((PYTHON, "-m", "pytest", *arguments), as_owner(given))


def lint(arguments: list[str]) -> int:
    """ruff and mypy"""
    checks = (("ruff", "check"), ("ruff", "format", "--check"), ("mypy",))
    return max([run((PYTHON, "-m", *check), os.environ) for check in checks])


def bench(arguments: list[str]) -> int:
    """NAME           measure: bench/NAME.py, on a durable database of its own that holds the demo cities"""
    names = sorted(path.stem for path in (ROOT / "bench").glob("[!_]*.py"))
    if not arguments or arguments[0] not in names:
        raise Failed(f"Which bench? There are: {', '.join(names) or 'none yet'}")
    with environment(throwaway(durable=True)) as given:
        prepare(given)
        return run((PYTHON, "-m", f"bench.{arguments[0]}", *arguments[1:]), given)


def manage(arguments: list[str]) -> int:
    """COMMAND        a command of manage.py, as the owner of the tables"""
    with environment(Cluster(DATA).running()) as given:
        return run((*MANAGE, *arguments), as_owner(given))


def psql(arguments: list[str]) -> int:
    """[options]      the database's own prompt, as the owner of the tables"""
    with environment(Cluster(DATA).running()) as given:
        url = given["DATABASE_OWNER_URL"].replace("postgis://", "postgresql://", 1)
        return run((BIN / "psql", url, *arguments), given)


def docs(arguments: list[str]) -> int:
    """write the documents that are drawn from the code: docs/flow.md"""
    return manage(["flow"])


def reset(arguments: list[str]) -> int:
    """[--yes]        stop everything and delete the database, the photos and the keys of this folder"""
    if arguments != ["--yes"] and input(f"Delete everything in {DATA}? Type yes: ") != "yes":
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
    command.__name__: command for command in (up, play, test, lint, bench, manage, psql, docs, reset)
}


def usage() -> str:
    lines = (f"  ./dev {name:7}{command.__doc__}" for name, command in COMMANDS.items())
    return "\n".join(["Wangge on one machine.", *lines])


def main(name: str = "help", *arguments: str) -> int:
    if name not in COMMANDS:
        print(usage())
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
