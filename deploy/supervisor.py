"""Web server and worker under one supervisor: honcho, with a terminal that may be closed on it.

Both end when one of them does, when a signal comes, and when `./dev up` is killed.
"""

from __future__ import annotations

import contextlib
import os
import sys

from honcho.environ import parse_procfile
from honcho.manager import Manager
from honcho.printer import Message, Printer

from deploy.process import ROOT

PROCFILE = ROOT / "deploy" / "Procfile"


class Terminal(Printer):
    """Where the terminal is gone, there is nobody to tell; the children must be ended all the same."""

    def write(self, message: Message) -> None:
        with contextlib.suppress(OSError):
            super().write(message)


def main() -> int:
    manager = Manager(Terminal(sys.stdout, colour=sys.stdout.isatty()))
    for name, command in parse_procfile(PROCFILE.read_text()).processes.items():
        manager.add_process(name, command, env=os.environ)
    manager.loop()
    return int(manager.returncode)


if __name__ == "__main__":
    sys.exit(main())
