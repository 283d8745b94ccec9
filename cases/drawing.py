"""docs/flow.md, drawn from the table. Nothing here touches the database."""

from __future__ import annotations

from collections.abc import Iterator

from . import flow
from .flow import DONE, MOVES, OWED_BY, REPORT, TASK, Move, Stage

HEAD = """\
# The life of a case

Drawn from `cases/flow.py` by `./dev docs`; a test fails when the two differ. Do not edit.

A case is always in one stage. A stage is work owed by somebody until some moment. Every arrow is one line in the
case's log, and many lines where the system goes on by itself.
"""


def page() -> str:
    """The whole page, in Markdown with a Mermaid picture."""
    return "\n".join([HEAD, "## Picture", "", "```mermaid", *picture(), "```", "", *stages(), "", *verbs(), ""])


def picture() -> Iterator[str]:
    """The stages and the moves between them."""
    yield "stateDiagram-v2"
    for stage in Stage:
        yield f"    {stage.value}: {stage.label} {stage.name}"
    for move in (REPORT, TASK, *MOVES):
        for at in move.at or ("[*]",):
            if move.to:
                yield f"    {at} --> {move.to.value}: {_name(move)}"
    for stage in DONE:
        yield f"    {stage.value} --> [*]"


def stages() -> Iterator[str]:
    """Each stage and who owes its work."""
    yield from ("## Stages", "", "| stage | | owed by |", "|---|---|---|")
    for stage in Stage:
        owed = ", ".join(role.value for role in OWED_BY.get(stage, ())) or "–"
        yield f"| {stage.name} | {stage.label} | {owed} |"


def verbs() -> Iterator[str]:
    """The table itself."""
    yield from ("## Moves", "", "| verb | | at | to | by | needs | may say | not the hand of |", "|" + "---|" * 8)
    for move in (REPORT, TASK, *MOVES):
        at = "every stage owed" if set(move.at) == set(flow.OWED) else ", ".join(stage.name for stage in move.at) or "–"
        to = move.to.name if move.to else "stays"
        by = ", ".join(role.value for role in move.by) or "the system alone"
        told = (move.verb.value, str(move.verb.label), at, to, by, *map(_list, (move.needs, move.takes, move.apart)))
        yield f"| {' | '.join(told)} |"


def _name(move: Move) -> str:
    return f"{move.verb.value} {move.verb.label}"


def _list(words: tuple[str, ...]) -> str:
    return ", ".join(str(word) for word in words) or "–"
