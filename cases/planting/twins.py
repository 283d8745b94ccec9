"""Two lives that touch: a citizen calls about what an inspector has reported, and the clerk links the two."""

from __future__ import annotations

from datetime import datetime

from .. import docket, flow, links
from ..flow import Facts, Source, Stage, Verb
from ..models import Case
from .acts import Act, soon
from .lead import Lead
from .life import Birth, Life, World

READS = 6  # minutes until the clerk has seen that it is the same
NEWS = Act(Stage.FILING, Verb.VOID, f"{READS}m", {"note": "经核实，问题已经处置。"})


def live(world: World, birth: Birth) -> list[Life]:
    """The lives that a story comes to: its case, that of who assisted, and that of the citizen who called."""
    life = Lead(world, birth)
    if not life.open(birth.story.source):
        return []
    life.run()
    return [*life.all_lives, *(_called(world, birth.twin, life) if birth.twin else ())]


def _called(world: World, birth: Birth, master: Life) -> list[Life]:
    """Linked to the master while that is open, and ended with it; else void."""
    life = Life(world, birth)
    if birth.at >= world.until or not life.open(Source.HOTLINE):
        return []
    at = soon(birth.at, READS, world.days.zone)
    life.ring(min(at, world.until))
    if at < world.until and _open_at(master, at):
        _link(life, master, at)
        _end(life, master, at)
    elif at < world.until:
        life.do(NEWS, at)
    life.ring(world.until)
    return [life]


def _open_at(life: Life, at: datetime) -> bool:
    return [event for event in life.lines if event.at <= at][-1].entered in flow.OPEN


def _link(life: Life, master: Life, at: datetime) -> None:
    step = flow.move(life.case.stage, Verb.LINK)
    by = life.world.cast.who(life.case, step, life.birth.story.hand)
    if by:
        life.case.same_as_id = master.birth.pk
        why = ({"code": "linked_to", "number": master.birth.number},)
        life.step(step, by, Facts(same_as=str(master.birth.uuid), why=why), at)


def _end(life: Life, master: Life, since: datetime) -> None:
    """With its master, as the docket does it."""
    ends = next((event for event in master.lines if event.entered in flow.DONE and event.at > since), None)
    if ends and life.case.stage == Stage.LINKED:
        verb, facts = links.ending(Case(number=master.birth.number, stage=ends.entered))
        life.add(docket.own(life.world.book, life.case, verb, facts, ends.at))
