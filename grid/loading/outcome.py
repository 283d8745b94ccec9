"""What a load found and did. Nothing here touches the database."""

from __future__ import annotations

from dataclasses import dataclass, field


class Refused(Exception):
    """A row, or a whole file, that cannot be loaded: a stable code, and a sentence that says what to do."""

    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Finding:
    """A refusal or a warning. `row` is the line of a CSV file, the place of a feature in other files; 0: all of it."""

    file: str
    row: int
    code: str
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.row}" if self.row else self.file
        return f"{place} [{self.code}] {self.message}"


@dataclass
class Counts:
    added: int = 0
    changed: int = 0
    retired: int = 0
    unchanged: int = 0

    @property
    def touched(self) -> int:
        return self.added + self.changed + self.retired


@dataclass
class Outcome:
    """What was found, and what was loaded, or would have been where `written` is false: counts by kind."""

    city: str = ""
    written: bool = False
    counts: dict[str, Counts] = field(default_factory=dict)
    refusals: list[Finding] = field(default_factory=list)
    warnings: list[Finding] = field(default_factory=list)

    @property
    def touched(self) -> int:
        return sum(counts.touched for counts in self.counts.values())
