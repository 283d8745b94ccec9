"""The same statements without the application: pgbench says what the application said, as the database's log has it.

Nothing here is written by hand, so that it cannot fall behind the code. What a report finds out on its way (the ids
and the number that the database gave) is found out again; its UUID is another each time. All else stays as said.
"""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from deploy.cluster import APP, Cluster, newest_version, programs

RELOAD_S = 0.5
SAID = re.compile(rf"^[-\d]+ [:.\d]+ \w+ \[\d+\] {APP} LOG:  statement: (.*(?:\n\t.*)*)", re.MULTILINE)

# Where ids begin while we listen: unmistakable in a statement. The last three digits of an event count from 0.
CASE, EVENT = 7_000_000_000, 8_000_000_000
CASE_ID, EVENT_ID = re.compile(r"\b7\d{9}\b"), re.compile(r"\b8\d{6}(\d{3})\b")


@dataclass(frozen=True)
class Told:
    """What one report made the application say to the database."""

    statements: Sequence[str]
    uuid: str
    number: str

    def script(self, *, bare: bool = False) -> str:
        """A pgbench script that says the same. `bare`: only the inserts, in one transaction."""
        kept = ("BEGIN", "INSERT", "COMMIT") if bare else ("",)
        said = [self._again(said, bare) for said in self.statements if said.startswith(kept)]
        return "\n".join(("\\set u random(1, 4611686018427387904)", *said, ""))

    def _again(self, said: str, bare: bool) -> str:
        count = f"lpad({'nextval' if bare else 'currval'}('case_number')::text, 6, '0')"
        said = said.replace("\n", " ").replace(f"'{self.uuid}'::uuid", "md5('report :u')::uuid")
        said = said.replace(f"'{self.number}'", f"'{self.number[:-6]}' || {count}")
        said, cases = CASE_ID.subn("currval('cases_case_id_seq')", said)
        said = EVENT_ID.sub(lambda found: f":event{int(found[1])}", said)
        if not said.startswith('INSERT INTO "cases_caseevent"'):
            return f"{said};"
        ids = ", ".join(f"(array_agg(id ORDER BY id))[{n + 1}] AS event{n}" for n in range(cases))
        return f"WITH added AS ({said}) SELECT {ids} FROM added \\gset"  # noqa: S608 (what the application said)


class Listener:
    """Hears what the application says."""

    def __init__(self, cluster: Cluster, log: TextIO):
        self.cluster, self.log, self.heard = cluster, log, 0
        self.log.seek(0, os.SEEK_END)

    def ready(self) -> None:
        """Before each report."""
        self.heard += 1
        self.cluster.sql(f"ALTER SEQUENCE cases_case_id_seq RESTART {CASE + self.heard}")
        self.cluster.sql(f"ALTER SEQUENCE cases_caseevent_id_seq RESTART {EVENT + 1000 * self.heard}")
        self.log.read()

    def told(self, uuid: str, number: str) -> Told:
        """After it."""
        said = [said.replace("\n\t", "\n") for said in SAID.findall(self.log.read())]
        return Told(said, uuid, number)


@contextmanager
def listening(cluster: Cluster) -> Iterator[Listener]:
    """While the block lasts, every statement is written to the database's log."""
    _set(cluster, "SET log_statement = 'all'")
    with cluster.log.open() as log:
        try:
            yield Listener(cluster, log)
        finally:
            _set(cluster, "RESET log_statement")


def _set(cluster: Cluster, what: str) -> None:
    cluster.sql(f"ALTER SYSTEM {what};\nSELECT pg_reload_conf();")
    time.sleep(RELOAD_S)


def pgbench(url: str, scripts: Sequence[Path], clients: int, seconds: int) -> float:
    """Transactions per second. Raises CalledProcessError where a statement fails."""
    files = [f"--file={script}" for script in scripts]
    pgbench = programs(newest_version()) / "pgbench"
    command = [pgbench, "-n", "-M", "simple", f"-c{clients}", "-j2", f"-T{seconds}", *files, url]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    tps = re.search(r"^tps = ([.\d]+)", said, re.MULTILINE)
    assert tps, said
    return float(tps[1])


LOOK_UP = re.compile(r"ST_MakePoint\(([-.\d]+, [-.\d]+)\)")


def look_up_ms(cluster: Cluster, told: Sequence[Told]) -> tuple[float, float]:
    """Milliseconds to plan and to execute the look-up of a point's cell, the medians over these reports."""
    asked = [next(said for said in one.statements if "ST_Covers" in said) for one in told]
    points = [found[1] for said in asked if (found := LOOK_UP.search(said))]
    prepared = LOOK_UP.sub("ST_MakePoint($1, $2)", asked[0]).replace("\n", " ")
    explain = "\n".join(f"EXPLAIN (ANALYZE, SUMMARY) EXECUTE cell({point});" for point in points)
    planned = "\n".join(f"EXPLAIN (SUMMARY) {said};".replace("\n", " ") for said in asked)
    executing = cluster.sql(f"PREPARE cell(float, float) AS {prepared};\n{explain}")
    return _median("Planning Time", cluster.sql(planned)), _median("Execution Time", executing)


def _median(name: str, said: str) -> float:
    return statistics.median(map(float, re.findall(rf"{name}: ([.\d]+) ms", said)))
