"""How often the list of pairs is wrong: checks of simulated inspectors, honest and arranged. `./dev bench pairs`.

No database: `cases.pairs` is fed with checks made up here. A city has 12 inspectors in 3 beats and 8 departments; the
lot sends one of the four of the beat. Inspectors differ in how strict and how quick they are, departments in how well
they work. An arranged pair passes nearly all, often without going, shows the photo of the desk, and its bad work is
found by the re-checks.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import mean

from cases.pairs import Bounds, Check, compare

BOUNDS = Bounds(least=20, quick_minutes=3, far_m=300, rate=0.05)
BEATS, EACH, DEPARTMENTS, SAMPLE, CITIES = 3, 4, 8, 0.05, 100


@dataclass(frozen=True)
class Kind:
    """How an arranged pair behaves."""

    name: str
    passes: float
    quick: float
    far: float
    failing: float


BOLD = Kind("bold", 0.99, 0.6, 0.3, 0.5)
CAREFUL = Kind("careful", 0.98, 0.15, 0.05, 0.35)


def city(lot: random.Random, checks: int, arranged: Kind | None) -> tuple[list[Check], tuple[int, int] | None]:
    """The checks of a city, so many for a pair on the average, and its arranged pair if there is one."""
    people = range(BEATS * EACH)
    strict = {pk: lot.gauss(0, 0.35) for pk in people}
    minutes = {pk: lot.lognormvariate(3.2, 0.3) for pk in people}
    quality = {department: lot.gauss(1.9, 0.4) for department in range(DEPARTMENTS)}
    pair = (lot.choice(people), lot.randrange(DEPARTMENTS)) if arranged else None
    return list(_checks(lot, checks, strict, minutes, quality, pair, arranged)), pair


def _checks(
    lot: random.Random,
    checks: int,
    strict: dict[int, float],
    minutes: dict[int, float],
    quality: dict[int, float],
    pair: tuple[int, int] | None,
    arranged: Kind | None,
) -> Iterator[Check]:
    for case in range(checks * len(strict) * DEPARTMENTS):
        beat, department = lot.randrange(BEATS), lot.randrange(DEPARTMENTS)
        candidates = tuple(range(beat * EACH, beat * EACH + EACH))
        inspector = lot.choice(candidates)
        if lot.random() < 0.08:  # he did not come in time, another of the beat went
            inspector = lot.choice(candidates)
        good = 1 / (1 + 2.718 ** -(quality[department] - strict[inspector]))
        passed, took, far, held = lot.random() < good, lot.lognormvariate(0, 0.7) * minutes[inspector], 0.01, 0.97
        if arranged and (inspector, department) == pair:
            passed, far, held = lot.random() < arranged.passes, arranged.far, 1 - arranged.failing
            took = 1 if lot.random() < arranged.quick else took
        yield Check(
            case=case,
            inspector=inspector,
            department=department,
            passed=passed,
            minutes=took,
            metres=900 if lot.random() < far else 20,
            flagged=lot.random() < 0.02,
            held=lot.random() < held if passed and lot.random() < SAMPLE else None,
            lot=candidates,
        )


def main() -> None:
    print("| checks of a pair | honest pairs listed | cities with any | bold pairs found | careful pairs found |")
    print("|---|---|---|---|---|")
    for checks in (20, 40, 80):
        lot = random.Random(checks)
        listed, judged, any_listed = [], [], []
        for _city in range(CITIES):
            found = compare(city(lot, checks, None)[0], BOUNDS)
            listed.append(sum(pair.stands_out for pair in found))
            judged.append(sum(pair.judged for pair in found))
            any_listed.append(listed[-1] > 0)
        hits = [mean(_hit(lot, checks, kind) for _city in range(CITIES)) for kind in (BOLD, CAREFUL)]
        shares = " | ".join(f"{share:.0%}" for share in (mean(any_listed), *hits))
        print(f"| {checks} | {sum(listed)} of {sum(judged)} | {shares} |", flush=True)


def _hit(lot: random.Random, checks: int, kind: Kind) -> bool:
    made, pair = city(lot, checks, kind)
    return any(found.stands_out and (found.inspector, found.department) == pair for found in compare(made, BOUNDS))


if __name__ == "__main__":
    main()
