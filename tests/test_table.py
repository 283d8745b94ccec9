"""The table is the specification: every stage × verb × role. What it allows happens; all else leaves no trace."""

from __future__ import annotations

from datetime import timedelta
from itertools import product
from types import SimpleNamespace

import pytest
from django.db import IntegrityError, transaction
from django.db.utils import DataError, InternalError

from cases import alarm, docket, flow
from cases.clock import Limit, Unit
from cases.flow import Facts, Purpose, Refused, Source, Stage, Verb
from cases.models import Case, CaseEvent, Flag
from grid.models import Officer
from grid.moment import now
from grid.roles import Role

from . import city as town

STANDING = {  # what else must be so for a verb to make sense
    Verb.REFUSE: {"asks": Verb.EXTEND},
    Verb.REPLY: {"supervised_at": "now"},
    Verb.EXEMPT: {"asks": Verb.EXEMPT},
}


def officers(city: SimpleNamespace) -> dict[Role, Officer]:
    """One of each post; department people are of the roads department, which has the case."""
    city.hedi.department = city.roads
    city.hedi.save()
    return {
        Role.INSPECTOR: city.ivan,
        Role.CLERK: city.carl,
        Role.SHIFT_LEADER: city.sina,
        Role.DISPATCHER: city.dora,
        Role.HANDLER: city.hugo,
        Role.HEAD: city.hedi,
        Role.LEADER: city.lena,
        Role.AUDITOR: city.aude,
        Role.ADMINISTRATOR: city.adam,
    }


def everything(city: SimpleNamespace) -> dict[str, object]:
    sha = town.photo(city.ann)
    return {
        "note": "n",
        "photos": tuple((sha, purpose) for purpose in Purpose.values),
        "condition": city.rattling.pk,
        "department": city.parks.pk,
        "asks": Verb.EXTEND,
        "limit": Limit(1, Unit.WORK_DAY),
        "until": now() + timedelta(days=2),
        "verdict": "true",
        "outcome": "unreached",
        "flag": 1,
        "same_as": str(town.report(city).uuid),
    }


def needed(verb: Verb, facts: dict[str, object]) -> Facts:
    """A note, photos of every purpose, and what else the verb needs."""
    needs = {need for move in flow.MOVES if move.verb == verb for need in move.needs}
    return Facts(**{name: fact for name, fact in facts.items() if name in {"note", "photos", *needs}})


def put(case: Case, stage: Stage, city: SimpleNamespace, **more: object) -> None:
    """Stand the case at a stage, as no officer could."""
    done = stage in flow.DONE
    silent = stage not in flow.OWED or stage == Stage.SHELVED
    fields = {
        "stage": stage,
        "department": city.roads,
        "holder": None,
        "asks": "",
        "supervised_at": None,
        "same_as": Case.objects.exclude(pk=case.pk).first() if stage == Stage.LINKED else None,
        "clock": "" if silent else Unit.WORK_DAY,
        "allowed_s": None if silent else 57_600,
        "due_at": None if done or stage == Stage.LINKED else now() + timedelta(days=3),
        "alarm_at": None,
        "entered_at": now(),
    }
    fields |= {name: now() if value == "now" else value for name, value in more.items()}
    Case.objects.filter(pk=case.pk).update(**fields)


def allowed(stage: Stage, verb: Verb, role: Role) -> bool:
    if verb == Verb.REPLY:
        return role in flow.OWED_BY.get(stage, ())
    if verb == Verb.SELF_HANDLE:
        return False  # ivan did not report it
    if verb in (Verb.ASK, Verb.REFUSE) and Verb.EXTEND not in flow.askable(stage):
        return False  # an extension is what is asked for here
    if verb == Verb.ASK:
        return role in flow.ASKERS[Verb.EXTEND]
    if verb == Verb.REFUSE:
        return role in flow.move(stage, Verb.EXTEND).by
    return any(verb == move.verb for move in flow.moves(stage, [role]))


@pytest.mark.parametrize("stage", list(Stage))
def test_every_verb_and_role_at(stage: Stage, city: SimpleNamespace, clock) -> None:
    case, facts, posts = town.report(city, by=city.carl, source=Source.HOTLINE), everything(city), officers(city)
    tried = made = 0
    for verb, (role, officer) in product(Verb, posts.items()):
        tried += 1
        with transaction.atomic():
            put(case, stage, city, **STANDING.get(verb, {}))
            _history(case, verb)
            before = CaseEvent.objects.count()
            visible = Case.objects.visible_to(officer).filter(pk=case.pk).exists()
            refusal = attempt(case, verb, officer, needed(verb, facts))
            assert (refusal is None) == allowed(stage, verb, role), f"{verb} at {stage} by {role}: {refusal}"
            assert visible != isinstance(refusal, Case.DoesNotExist)
            assert (CaseEvent.objects.count() > before) == (refusal is None)
            made += refusal is None
            transaction.set_rollback(True)
    assert tried == len(Verb) * len(Role)
    assert made == sum(allowed(stage, verb, role) for verb in Verb for role in posts)


def attempt(case: Case, verb: Verb, by: Officer, facts: Facts) -> Exception | None:
    try:
        docket.move(case.uuid, verb, by=by, facts=facts)
    except (Refused, Case.DoesNotExist) as refusal:
        return refusal
    return None


def _history(case: Case, verb: Verb) -> None:
    """What a resumed, reworked or unlinked case must have behind it."""
    if verb == Verb.ANSWER:
        Flag.objects.create(pk=1, case=case, code=Flag.Code.MOCK, raised_at=now())
    behind = {Verb.RESUME: Verb.SHELVE, Verb.REWORK: Verb.FINISH, Verb.UNLINK: Verb.LINK}.get(verb)
    if behind:
        CaseEvent.objects.create(
            case=case,
            cell=case.cell,
            at=now(),
            verb=behind,
            left=Stage.HANDLING,
            department=case.department,
            entered=Stage.FEEDBACK,
            since=now(),
            clock=Unit.WORK_DAY,
            allowed_s=57_600,
        )


def test_the_table_has_no_flaws() -> None:
    assert flow.flaws() == []


@pytest.mark.parametrize(
    ("without", "flaw"),
    [
        (Verb.RESUME, "no way out of shelved"),
        (Verb.VOID, "no way into void"),
        (Verb.CLOSE, "no way out of closing"),
        (Verb.ESCALATE, "escalate is in no move"),
    ],
)
def test_a_missing_line_is_found(without: Verb, flaw: str) -> None:
    assert flaw in flow.flaws([move for move in flow.MOVES if move.verb != without])


def test_a_double_line_and_an_unsayable_need_are_found() -> None:
    double = flow.Move(Verb.CLOSE, (Stage.CLOSING,), Stage.VOID, (Role.CLERK,), needs=("luck",))
    flaws = flow.flaws([*flow.MOVES, double])
    assert "close stands twice at closing" in flaws
    assert "close needs luck, which nobody can say" in flaws


@pytest.mark.parametrize("stage", flow.OWED)
def test_an_alarm_rings_at_every_stage_owed(stage: Stage, city: SimpleNamespace, clock) -> None:
    case = town.report(city)
    put(case, stage, city, alarm_at="now")
    _history(case, Verb.RESUME)
    assert alarm.ring() == 1
    last = case.events.latest("id")
    assert (last.verb, last.by) == (Verb.RESUME if stage == Stage.SHELVED else Verb.ESCALATE, None)


def test_the_database_refuses_a_done_case_with_a_deadline(city: SimpleNamespace, clock) -> None:
    case = town.report(city)
    with pytest.raises(IntegrityError, match="case_done_is_silent"), transaction.atomic():
        Case.objects.filter(pk=case.pk).update(stage=Stage.CLOSED)


@pytest.mark.parametrize("act", ["update", "delete"])
def test_the_database_refuses_to_change_the_log(act: str, city: SimpleNamespace, clock) -> None:
    events = town.report(city).events.all()
    with pytest.raises((IntegrityError, InternalError, DataError), match="never changed"), transaction.atomic():
        events.update(verb=Verb.VOID) if act == "update" else events._raw_delete("default")
    assert events.count() == 3


def test_a_case_with_a_log_is_not_deleted(city: SimpleNamespace, clock) -> None:
    case = town.report(city)
    with pytest.raises(IntegrityError):
        case.delete()
