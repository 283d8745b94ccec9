"""Web server and worker under one supervisor: honcho, with a terminal that may be closed on it.

Both end when one of them does, when a signal comes, and when `./dev up` is killed.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys

from honcho.environ import parse_procfile
from honcho.manager import Manager
from honcho.printer import Message, Printer

from deploy.process import ROOT

HOLD = "--hold"  # the terminal's lines, until SIGUSR1
PROCFILE = ROOT / "deploy" / "Procfile"


class Terminal(Printer):
    """Says nothing until the doors are open: a start is one line each step. What was held back is told at a bad end.

    Where the terminal is gone, there is nobody to tell; the children must be ended all the same.
    """

    held: list[Message] | None = None

    def hold(self) -> None:
        self.held = []

    def speak(self) -> None:
        """All is well: what was held back is of no interest any more."""
        self.held = None

    def confess(self) -> None:
        """It ended before all was well."""
        held, self.held = self.held or [], None
        for message in held:
            self.write(message)

    def write(self, message: Message) -> None:
        if self.held is not None:
            self.held.append(message)
            return
        with contextlib.suppress(OSError):
            super().write(message)


def main() -> int:
    terminal = Terminal(sys.stdout, colour=sys.stdout.isatty())
    if HOLD in sys.argv:
        terminal.hold()
        signal.signal(signal.SIGUSR1, lambda number, frame: terminal.speak())
    manager = Manager(terminal)
    for name, command in parse_procfile(PROCFILE.read_text()).processes.items():
        manager.add_process(name, command, env=os.environ)
    manager.loop()
    terminal.confess()
    return int(manager.returncode)


if __name__ == "__main__":
    sys.exit(main())
