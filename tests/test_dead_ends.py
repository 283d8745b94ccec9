"""From every state that cases which hang together can reach, somebody can bring them to an end: walked, not by example.

Each state is reached by real moves of people who see the case, tried one by one and taken back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

from django.db import transaction

from cases import docket
from cases.flow import DONE, Facts, Purpose, Refused, Stage, Verb
from cases.models import Case, Terms
from grid.models import Officer

from . import city as town
from .acts import codes, last, move, passed, refused

State = tuple[Any, ...]
Try = tuple[Case, Verb, Officer, Facts]


class Walk:
    """All states that some cases reach from where they stand, and which lead to which."""

    def __init__(self, cases: list[Case], tries: Callable[[Case], Iterator[Try]], key: Callable[[list[Case]], State]):
        self.pks, self.tries, self.key = [case.pk for case in cases], tries, key
        self.paths: dict[State, list[str]] = {}
        self.leads: dict[State, set[State]] = {}
        self._enter([])

    def _enter(self, path: list[str]) -> None:
        cases = self.cases()
        here = self.key(cases)
        self.paths[here], self.leads[here] = path, set()
        for case in cases:
            for _case, verb, by, facts in self.tries(case):
                with transaction.atomic():
                    try:
                        docket.move(case.uuid, verb, by=by, facts=facts)
                    except (Refused, Case.DoesNotExist):
                        pass
                    else:
                        there = self.key(self.cases())
                        self.leads[here].add(there)
                        if there not in self.paths:
                            self._enter([*path, f"{verb} {self.pks.index(case.pk)}"])
                    transaction.set_rollback(True)

    def cases(self) -> list[Case]:
        found = Case.objects.select_related("holder", "department").in_bulk(self.pks)
        return [found[pk] for pk in self.pks]

    def stranded(self) -> list[str]:
        """The ways into states from which no way leads to an end."""
        ending = {state for state in self.paths if all(part[0] in DONE for part in state)}
        while more := {state for state, leads in self.leads.items() if leads & ending} - ending:
            ending |= more
        return [" > ".join(self.paths[state]) for state in self.paths if state not in ending]


def tries(city: SimpleNamespace, case: Case) -> Iterator[Try]:
    """What people may do that takes a case to another stage: the ways round that come back to the same one left out."""
    handler = {city.roads.pk: city.hugo, city.parks.pk: city.hana}.get(case.department_id or 0, city.otto)
    near, after = town.shown(city.ann, Purpose.NEAR), town.shown(city.ann, Purpose.AFTER)
    yield from {
        Stage.FILING: [
            (case, Verb.FILE, city.carl, Facts(condition=city.rattling.pk)),
            (case, Verb.VOID, city.sina, Facts(note="不是")),
        ],
        Stage.DISPATCH: [(case, Verb.DISPATCH, city.dora, Facts(department=city.roads.pk))],
        Stage.HANDLING: [
            (case, Verb.FINISH, handler, after),
            (case, Verb.VOID, city.sina, Facts(note="不是")),
            (case, Verb.DECLINE, city.dora, Facts(note="改派")),
        ],
        Stage.CHECK: [
            (case, Verb.PASS, case.holder or city.ivan, near),
            (case, Verb.REWORK, case.holder or city.ivan, Facts(note="没好")),
        ],
        Stage.CLOSING: [(case, Verb.CLOSE, city.carl, Facts())],
        Stage.CLOSED: [(case, Verb.REOPEN, city.sina, Facts(note="又来")), (case, Verb.UNLINK, city.sina, Facts())],
        Stage.LINKED: [(case, Verb.UNLINK, city.sina, Facts())],
    }.get(Stage(case.stage), [])


def test_two_cases_that_may_be_linked(city: SimpleNamespace, clock: Any) -> None:
    first, second = town.report(city), town.report(city)

    def linking(case: Case) -> Iterator[Try]:
        yield from tries(city, case)
        other = second if case.pk == first.pk else first
        if case.stage in (Stage.FILING, Stage.DISPATCH, Stage.HANDLING):
            yield case, Verb.LINK, city.carl, Facts(same_as=str(other.uuid))

    def key(cases: list[Case]) -> State:
        """The two are alike: which of them stands where makes no other state."""
        return tuple(sorted((case.stage, case.same_as_id is not None) for case in cases))

    walk = Walk([first, second], linking, key)
    assert walk.stranded() == []
    assert ((Stage.CLOSED, False), (Stage.CLOSED, True)) in walk.paths
    for state, path in walk.paths.items():
        linked = [stage for stage, to in state if to]
        masters = [stage for stage, to in state if not to]
        assert linked in ([], [Stage.LINKED], [Stage.CLOSED]), path
        assert not linked or Stage.VOID not in masters, f"closed for nothing: {path}"


def test_a_parent_and_its_child(city: SimpleNamespace, clock: Any) -> None:
    parent = town.report(city)
    move(parent, Verb.ASSIST, city.dora, department=city.parks.pk, note="协助")
    child = Case.objects.get(parent=parent)
    walk = Walk([parent, child], lambda case: tries(city, case), lambda cases: tuple((case.stage,) for case in cases))
    assert walk.stranded() == []
    assert len(walk.paths) > 20
    ended = {state for state in walk.paths if state[0][0] in DONE}
    assert ((Stage.CLOSED,), (Stage.HANDLING,)) not in ended, "a parent is closed after its children"


def test_a_duplicate_is_freed_when_its_master_was_reopened_and_voided(city: SimpleNamespace, clock: Any) -> None:
    master, double = town.report(city), town.report(city)
    move(double, Verb.LINK, city.carl, same_as=str(master.uuid))
    move(passed(town.finish(master, city.hugo), city.ivan), Verb.CLOSE, city.carl)
    assert refused(double, Verb.UNLINK, city.sina).code == "not_now"
    move(master, Verb.REOPEN, city.sina, note="又来")
    move(master, Verb.VOID, city.sina, note="不是")
    double.refresh_from_db()
    assert (double.stage, double.same_as, last(double).left) == (Stage.FILING, None, Stage.CLOSED)
    assert codes(last(double))[0] == "master_void"
    assert not Terms.objects.exists(), "the demo's terms narrow when, not whether"
    move(double, Verb.VOID, city.sina, note="不是")
