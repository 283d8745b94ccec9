"""./dev bench report: how many complete reports a second, and how many the database alone would take.

Eight phones report over loopback without a pause: logged in, a fresh UUID and a real cell each, so that every report
is filed and dispatched: three events, their debts, the doorbell. Beside it, on the same cluster, pgbench says the very
statements that the application said, taken from the database's log; and then the inserts alone. The runs take turns,
each on an empty case table; the figures are medians.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any

import django
from tqdm import tqdm

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend.settings")
os.environ.setdefault("LOG_LEVEL", "WARNING")
django.setup()

from django.core.management import call_command  # noqa: E402
from django.utils.timezone import localdate  # noqa: E402

from bench._replay import Listener, Told, listening, look_up_ms, pgbench  # noqa: E402
from bench._reports import Street, send  # noqa: E402
from bench._server import Shape, busy_s, cpu_s, web, worker  # noqa: E402
from deploy.cluster import Cluster  # noqa: E402

CLIENTS = 8
CORES = os.cpu_count() or 1
WARM_S = 3
MOST = 1500  # reports a second that are made in advance
PAID_S = 60  # what the warm-up owes is paid before
RECORDED = 32  # reports whose statements pgbench repeats
CALM_MS = 75  # each phone's pause for some 100 reports a second
README = Path(__file__).with_name("README.md")
MARKS = "<!-- ./dev bench report --write: from here -->", "<!-- to here -->"
EMPTY = "TRUNCATE cases_case, django_q_ormq CASCADE;\nCHECKPOINT;"
LATE = """
    SELECT percentile_disc(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY extract(epoch FROM written_at - at) * 1000)
    FROM mobile_api_message AS message JOIN cases_caseevent AS event ON event.id = message.event_id
"""


@dataclass(frozen=True)
class Setting:
    """What is measured: a web server, and whether the worker runs beside it."""

    shape: Shape
    works: bool

    def __str__(self) -> str:
        return f"{self.shape}{', worker running' if self.works else ''}"


@dataclass(frozen=True)
class Run:
    """One measurement. Milliseconds are per report: latency, and processor time of web server, database, worker."""

    rate: float
    p50: float
    p95: float
    p99: float
    web: float
    database: float
    worker: float
    others: float  # share of the processors that was not ours


class Bench:
    def __init__(self, seconds: int, folder: Path):
        self.cluster = Cluster(Path(os.environ["DATA_DIR"]))
        if not self.cluster.runs():
            raise SystemExit("The log of the bench's own cluster is needed: unset DATABASE_URL.")
        self.seconds, self.folder = seconds, folder
        self.postmaster = int((self.cluster.files / "pg" / "postmaster.pid").read_text().split()[0])

    def listen(self, shape: Shape) -> list[Told]:
        """Log the inspectors in, and note what their reports make the application say."""
        with web(shape) as (address, _process):
            self.street = Street(address)
            reports = self.street.reports()
            self._wrk(address, 0, WARM_S)
            with listening(self.cluster) as listener:
                return [hear(listener, address, *report) for report in islice(reports, RECORDED)]

    def run(self, setting: Setting, pause_ms: int = 0) -> Run:
        """Warm up, empty the case table, measure."""
        with web(setting.shape) as (address, process), worker() if setting.works else nullcontext(0) as working:
            self._wrk(address, pause_ms, WARM_S)
            if working:
                self._until_paid()
            self.cluster.sql(EMPTY)
            heads = (process, self.postmaster, working, os.getpid())
            before, busy, began = cpu_s(*heads), busy_s(), time.monotonic()
            found = self._wrk(address, pause_ms, self.seconds)
            used, busy = [after - was for after, was in zip(cpu_s(*heads), before, strict=True)], busy_s() - busy
        others = max(0.0, busy - used[1] - used[3]) / (time.monotonic() - began) / CORES
        ms = [seconds * 1000 / found["good"] for seconds in used]
        latency = {name: found[name] / 1000 for name in ("p50", "p95", "p99")}
        rate = found["good"] / found["seconds"]
        return Run(rate, **latency, web=ms[0], database=ms[1], worker=ms[2], others=others)

    def _wrk(self, address: str, pause_ms: int, seconds: int) -> dict[str, float]:
        """Raises SystemExit unless every answer was 201 and every case stands at handling."""
        reports = self.folder / "reports"
        self.street.write(reports, seconds * MOST)
        load = ("wrk", "-t1", f"-c{CLIENTS}", f"-d{seconds}s", "--timeout", "20s", "-s", "bench/report.lua", address)
        answer = subprocess.run([*load, "--", reports, str(pause_ms)], check=True, capture_output=True, text=True)
        found = json.loads(answer.stdout.splitlines()[-1])
        if found["bad"] or not found["good"]:
            raise SystemExit(f"{found['bad']} of {found['bad'] + found['good']} reports failed. {answer.stderr}")
        return {name: float(figure) for name, figure in found.items()}

    def _until_paid(self) -> None:
        """Nothing is taken away while the worker has it in hand."""
        until = time.monotonic() + PAID_S
        while time.monotonic() < until and self.cluster.sql("SELECT 1 FROM cases_outbox LIMIT 1"):
            time.sleep(0.2)

    def replay(self, told: Sequence[Told], *, bare: bool = False) -> float:
        """Transactions per second of pgbench with the statements of these reports."""
        scripts = [self.folder / f"{n}.sql" for n in range(len(told))]
        for script, one in zip(scripts, told, strict=True):
            script.write_text(one.script(bare=bare))
        self.cluster.sql(EMPTY)
        return pgbench(os.environ["DATABASE_URL"], scripts, CLIENTS, self.seconds)

    def cells(self) -> str:
        return self.cluster.sql("SELECT count(*) FROM grid_cell WHERE closed_on IS NULL").strip()

    def late_ms(self) -> str:
        """From a report's moment to its message in the inbox, p50 and p95."""
        p50, p95 = json.loads(self.cluster.sql(LATE).strip().replace("{", "[").replace("}", "]"))
        return f"{p50:.0f} and {p95:.0f} ms"


def hear(listener: Listener, address: str, token: str, said: dict[str, Any]) -> Told:
    """Send one report and note what it made the application say."""
    listener.ready()
    case = send(address, token, said)
    return listener.told(said["id"], case["number"])


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev bench report", description=__doc__)
    parser.add_argument("--seconds", type=int, default=10, choices=range(1, 61), metavar="1..60", help="of each run")
    parser.add_argument("--runs", type=int, default=3, choices=range(1, 11), metavar="1..10")
    parser.add_argument("--shapes", type=shapes, default="granian:2x4,gunicorn:2x4", help="SERVER:WORKERSxTHREADS,…")
    parser.add_argument("--write", action="store_true", help=f"put the figures into {README.name}")
    return parser.parse_args()


def shapes(said: str) -> list[Shape]:
    found = re.findall(r"(granian|gunicorn):(\d+)x(\d+)(?:,|$)", said)
    if ",".join(f"{server}:{workers}x{threads}" for server, workers, threads in found) != said:
        raise argparse.ArgumentTypeError(f"{said!r}: like granian:2x4,gunicorn:1x8")
    return [Shape(server, int(workers), int(threads)) for server, workers, threads in found]


def main() -> int:
    said = arguments()
    settings = [Setting(shape, works) for shape in said.shapes for works in (False, True)]
    call_command("collectstatic", interactive=False, verbosity=0)
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(said.seconds, Path(folder))
        told = bench.listen(said.shapes[0])
        taken = [round_of(bench, settings, told) for _n in tqdm(range(said.runs), unit="round")]
        calm = bench.run(Setting(said.shapes[0], works=True), CALM_MS)
        text = "\n".join((*head(bench, said), *table(settings, taken), *rest(bench, told, taken, calm)))
    print(text)
    if said.write:
        write(text)
    return 0


Round = tuple[dict[Setting, Run], float, float]


def round_of(bench: Bench, settings: Sequence[Setting], told: Sequence[Told]) -> Round:
    """Each setting once, then pgbench with all statements and with the inserts alone."""
    return {one: bench.run(one) for one in settings}, bench.replay(told), bench.replay(told, bare=True)


def head(bench: Bench, said: argparse.Namespace) -> Iterator[str]:
    server, postgis = bench.cluster.sql("SHOW server_version;\nSELECT postgis_lib_version();").split("\n")[:2]
    cpu = next(line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name"))
    names = ("Django", "django-ninja", "psycopg2-binary", "granian", "gunicorn")
    yield f"`./dev bench report{''.join(f' {word}' for word in sys.argv[1:] if word != '--write')}`, {localdate()}: "
    yield f"medians of {said.runs} runs of {said.seconds} s with {CLIENTS} connections."
    yield f"{CORES} cores ({cpu.partition(': ')[2]}), PostgreSQL {server.split()[0]}, PostGIS {postgis},"
    yield f"Python {platform.python_version()}, {', '.join(f'{name} {version(name)}' for name in names)}.\n"


def table(settings: Sequence[Setting], taken: Sequence[Round]) -> Iterator[str]:
    yield "| web server | reports/s | p50 | p95 | p99 | ms of web | of database | of worker | others' share |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for setting in settings:
        runs = [found[setting] for found, _whole, _bare in taken]
        each = {name: median(getattr(run, name) for run in runs) for name in runs[0].__dataclass_fields__}
        least, most = min(run.rate for run in runs), max(run.rate for run in runs)
        latency = " | ".join(f"{each[name]:.0f} ms" for name in ("p50", "p95", "p99"))
        used = " | ".join(f"{each[name]:.2f}" for name in ("web", "database", "worker"))
        rate = f"{each['rate']:.0f} ({least:.0f} to {most:.0f})"
        yield f"| {setting} | {rate} | {latency} | {used} | {each['others']:.0%} |"


def rest(bench: Bench, told: Sequence[Told], taken: Sequence[Round], calm: Run) -> Iterator[str]:
    rate = median(next(iter(found.values())).rate for found, _whole, _bare in taken)
    whole, bare = median(found[1] for found in taken), median(found[2] for found in taken)
    counts = sorted({len(one.statements) for one in told})
    plan, execute = look_up_ms(bench.cluster, told)
    yield ""
    yield f"- statements of a report, from the database's log: {' or '.join(map(str, counts))}"
    yield f"- pgbench, the same statements: {whole:.0f}/s; the first line above is {rate / whole:.2f} of it"
    yield f"- pgbench, the inserts alone: {bare:.0f}/s; {rate / bare:.2f}"
    yield f"- a point's cell among {bench.cells()}: planned in {plan:.3f} ms, found in {execute:.3f} ms"
    yield f"- from a report to its handlers' inbox, at {calm.rate:.0f} reports/s: p50 and p95 {bench.late_ms()}"


def median(figures: Iterable[float]) -> float:
    return statistics.median(figures)


def write(text: str) -> None:
    """Put the figures between the marks of the README."""
    before, _mark, rest = README.read_text().partition(MARKS[0])
    _old, _mark, after = rest.partition(MARKS[1])
    README.write_text(f"{before}{MARKS[0]}\n{text}\n{MARKS[1]}{after}")


if __name__ == "__main__":
    sys.exit(main())
