"""Two lives of one matter: a department assists the one that has the case, which waits until that is over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from .. import cowork, docket, flow, refusals, reporting
from ..flow import Facts, Refused, Verb
from .acts import Act, act
from .life import Life

RETURNS = timedelta(minutes=20)  # after which the lead department goes on


@dataclass
class Lead(Life):
    """A life in which somebody may call for assistance, once."""

    aid: Life | None = None

    @property
    def all_lives(self) -> Iterator[Life]:
        yield self
        if self.aid:
            yield self.aid

    @property
    def ready_at(self) -> datetime:
        if self.aid is None:
            return super().ready_at
        over = self.aid.last_at + RETURNS if self.aid.case.stage in flow.DONE else self.world.until
        return max(super().ready_at, over)

    def do(self, act: Act, at: datetime) -> bool:
        return self._assist(act, at) if act.verb == Verb.ASSIST else super().do(act, at)

    def _assist(self, said: Act, at: datetime) -> bool:
        """Open the case of the other department, and live it: nothing that the lead does ends it before."""
        world, case, birth = self.world, self.case, self.birth.aid
        try:
            step = flow.move(case.stage, said.verb)
        except Refused:
            return False
        by = world.cast.who(case, step, self.birth.story.hand)
        other = world.cast.answering(world.book, case, {case.department_id}, self.birth.story.hand)
        if self.aid or birth is None or by is None or other in (None, case.department_id):
            return False
        if refusals.standing(world.book, case, step, by, [], at):
            return False
        number = reporting.numbered(at, birth.count)
        facts = Facts(department=other, note=said.said["note"])
        child = cowork.child(world.book, case, facts, number, at)
        child.uuid, child.parent_id = birth.uuid, self.birth.pk
        self.step(step, by, replace(facts, why=({"code": "child_opened", "number": number},)), at)
        acts = tuple(act(*each) for each in said.said["acts"])
        self.aid = Life(world, replace(birth, at=at, number=number, story=replace(birth.story, acts=acts)))
        self.aid.case, self.aid.said, child.lived = child, self.said, self.aid.lines
        self.aid.add(docket.take(world.book, child, flow.TASK, by=by, facts=cowork.task(case, facts), at=at))
        self.aid.run()
        return True
