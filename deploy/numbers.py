"""Numbers that the environment says to the processes themselves, before there are Django's settings."""

from __future__ import annotations

import math
import os

from deploy.process import Failed
from deploy.tongue import told

PORTS = (1, 65_535)
# Each with its least and its most, both allowed. docs/operations.md says what they are.
BOUNDS = {
    "PORT": PORTS,
    "LIVE_PORT": PORTS,
    "LIVE_PLACES": (1, 100_000),
    "WEB_WORKERS": (1, 64),
    "WEB_THREADS": (1, 256),
    "WORKER_STILL_S": (1, 86_400),
}


def number(name: str, default: float) -> float:
    """Raises Failed where it is none, or out of its bounds."""
    return bounded(name, os.environ.get(name) or str(default))


def whole(name: str, default: int) -> int:
    return int(number(name, default))


def bounded(name: str, said: str, shown: str = "") -> float:
    """`shown`: how the person said it, where it is not NAME=value."""
    least, most = BOUNDS[name]
    try:
        value = float(said)
    except ValueError:
        value = math.nan
    if not least <= value <= most or (name != "WORKER_STILL_S" and value != int(value)):
        wrong = shown or f"{name}={said}"
        raise Failed(told("{wrong}: a number from {least} to {most} is needed.", wrong=wrong, least=least, most=most))
    return value


def check() -> None:
    """Raises Failed at the first number that makes no sense, before anything is started."""
    for name in BOUNDS:
        if said := os.environ.get(name):
            bounded(name, said)
