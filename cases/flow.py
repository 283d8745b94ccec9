"""The life of a case, as one table. Nothing here touches the database.

A case is always in exactly one stage. A stage names the work that is owed; the case says by whom and until when.
To add a verb without a special rule, add one line to MOVES: the phone's buttons, the drawn flow in docs/flow.md,
the exhaustive test and the start-up check follow it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from django.db.models import TextChoices
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from grid.roles import DEPARTMENT, SUPERVISION, Role

# What moves are made of is read from here by everybody.
from .facts import NOTHING as NOTHING
from .facts import Facts as Facts
from .facts import Outcome as Outcome
from .facts import Purpose as Purpose
from .facts import Rating as Rating
from .facts import Verdict as Verdict


class Stage(TextChoices):
    """Which work is owed (环节)."""

    FILING = "filing", gettext_lazy("待立案")
    VERIFY = "verify", gettext_lazy("待核实")
    DISPATCH = "dispatch", gettext_lazy("待派遣")
    HANDLING = "handling", gettext_lazy("待处置")
    SHELVED = "shelved", gettext_lazy("挂账中")
    LINKED = "linked", gettext_lazy("已并案")
    FEEDBACK = "feedback", gettext_lazy("待派核查")
    CHECK = "check", gettext_lazy("待核查")
    CLOSING = "closing", gettext_lazy("待结案")
    CLOSED = "closed", gettext_lazy("已结案")
    VOID = "void", gettext_lazy("已作废")


DONE = (Stage.CLOSED, Stage.VOID)
OPEN = tuple(stage for stage in Stage if stage not in DONE)

# Whose work each open stage is.
OWED_BY: Mapping[Stage, tuple[Role, ...]] = {
    Stage.FILING: (Role.CLERK, Role.SHIFT_LEADER),
    Stage.VERIFY: (Role.INSPECTOR,),
    Stage.DISPATCH: (Role.DISPATCHER,),
    Stage.HANDLING: DEPARTMENT,
    Stage.SHELVED: (Role.DISPATCHER,),
    Stage.FEEDBACK: (Role.CLERK,),
    Stage.CHECK: (Role.INSPECTOR,),
    Stage.CLOSING: (Role.CLERK, Role.SHIFT_LEADER),
}
OWED = tuple(OWED_BY)  # a linked case waits for its master: nobody owes it, nothing presses it


class Source(TextChoices):
    """Where a report came from (问题来源)."""

    INSPECTOR = "inspector", gettext_lazy("监督员上报")
    HOTLINE = "hotline", gettext_lazy("热线举报")
    PUBLIC = "public", gettext_lazy("公众上报")
    DIRECTIVE = "directive", gettext_lazy("领导批示")
    SENSOR = "sensor", gettext_lazy("物联感知")
    VIDEO = "video", gettext_lazy("视频发现")


CALLERS = (Source.HOTLINE, Source.PUBLIC)  # behind these reports is a citizen who can be asked


class Verb(TextChoices):
    """What people, and the system, do to a case (操作)."""

    REPORT = "report", gettext_lazy("上报")
    FILE = "file", gettext_lazy("立案")
    ORDER_VERIFY = "order_verify", gettext_lazy("派核实")
    VERIFY = "verify", gettext_lazy("核实")
    SELF_HANDLE = "self_handle", gettext_lazy("自处置")
    VOID = "void", gettext_lazy("作废")
    DISPATCH = "dispatch", gettext_lazy("派遣")
    ACCEPT = "accept", gettext_lazy("签收")
    ASK = "ask", gettext_lazy("申请")
    REFUSE = "refuse", gettext_lazy("驳回")
    DECLINE = "decline", gettext_lazy("回退")
    EXTEND = "extend", gettext_lazy("延期")
    SHELVE = "shelve", gettext_lazy("挂账")
    RESUME = "resume", gettext_lazy("恢复")
    FINISH = "finish", gettext_lazy("处置")
    ORDER_CHECK = "order_check", gettext_lazy("派核查")
    RECALL = "recall", gettext_lazy("收回任务")
    PASS = "pass", gettext_lazy("核查通过")
    REWORK = "rework", gettext_lazy("返工")
    CLOSE = "close", gettext_lazy("结案")
    CONTACT = "contact", gettext_lazy("联系")
    CALL_BACK = "call_back", gettext_lazy("回访")
    ASSIST = "assist", gettext_lazy("协办")
    LINK = "link", gettext_lazy("并案")
    UNLINK = "unlink", gettext_lazy("撤销并案")
    REOPEN = "reopen", gettext_lazy("重启")
    SUPERVISE = "supervise", gettext_lazy("督办")
    REPLY = "reply", gettext_lazy("回复")
    REMIND = "remind", gettext_lazy("催复")
    EXPIRE = "expire", gettext_lazy("超期")
    ESCALATE = "escalate", gettext_lazy("升级")
    HASTEN = "hasten", gettext_lazy("催办")
    EXEMPT = "exempt", gettext_lazy("免责")
    ANSWER = "answer", gettext_lazy("核验")
    DRAW = "draw", gettext_lazy("抽中复查")
    DOUBT = "doubt", gettext_lazy("复查存疑")
    RECHECK = "recheck", gettext_lazy("复查")
    RETIME = "retime", gettext_lazy("重算时限")
    HAND_OVER = "hand_over", gettext_lazy("移交")


SEALED = (Verb.DRAW, Verb.DOUBT)  # lines that nobody reads in a log: `CaseEvent.objects` leaves them out

# What may be asked for, and by whom; the grant is the move itself.
ASKERS: Mapping[Verb, tuple[Role, ...]] = {
    Verb.DECLINE: DEPARTMENT,
    Verb.EXTEND: DEPARTMENT,
    Verb.SHELVE: DEPARTMENT,
    Verb.ASSIST: DEPARTMENT,
    Verb.EXEMPT: DEPARTMENT,
    Verb.VOID: (Role.CLERK, Role.DISPATCHER),
}
ASKABLE = tuple(ASKERS)


ALWAYS = ("note", "photos", "origin", "why")  # go with every move


@dataclass(frozen=True)
class Move:
    """One line of the table. `to` None: the case stays where it is. `by` empty: the system alone.

    `needs` names Facts without which the move is refused, `takes` those that may be said beside them and ALWAYS;
    `apart` names verbs whose hand may not make this move.
    """

    verb: Verb
    at: tuple[Stage, ...]
    to: Stage | None
    by: tuple[Role, ...]
    needs: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    apart: tuple[Verb, ...] = ()


REPORT = Move(
    Verb.REPORT, (), Stage.FILING, (Role.INSPECTOR, Role.CLERK, Role.SHIFT_LEADER, Role.LEADER), ("point", "category")
)

# A child begins with its dispatch, made by the hand that calls for its assistance.
TASK = Move(Verb.DISPATCH, (), Stage.HANDLING, (Role.DISPATCHER, Role.LEADER), ("department", "note"), ("limit",))

# Who may register a report of which source. Machines report without an officer.
REPORTERS: Mapping[Source, tuple[Role, ...]] = {
    Source.INSPECTOR: (Role.INSPECTOR,),
    Source.HOTLINE: (Role.CLERK, Role.SHIFT_LEADER),
    Source.PUBLIC: (Role.CLERK, Role.SHIFT_LEADER),
    Source.DIRECTIVE: (Role.CLERK, Role.SHIFT_LEADER, Role.LEADER),
    Source.SENSOR: (),
    Source.VIDEO: (),
}

MOVES = (
    Move(Verb.FILE, (Stage.FILING,), Stage.DISPATCH, (Role.CLERK, Role.SHIFT_LEADER), ("condition",)),
    Move(Verb.ORDER_VERIFY, (Stage.FILING,), Stage.VERIFY, (Role.CLERK,), takes=("holder",)),
    Move(Verb.VERIFY, (Stage.VERIFY,), Stage.FILING, (Role.INSPECTOR,), ("photos", "verdict")),
    Move(Verb.SELF_HANDLE, (Stage.FILING,), Stage.CLOSING, (Role.INSPECTOR,), ("before", "after")),
    Move(Verb.VOID, (Stage.FILING,), Stage.VOID, (Role.CLERK, Role.SHIFT_LEADER), ("note",), ("ground",)),
    # Once filed, a case is voided only with approval: somebody asks, the shift leader does it.
    Move(Verb.VOID, (Stage.DISPATCH, Stage.HANDLING), Stage.VOID, (Role.SHIFT_LEADER,), ("note",), ("ground",)),
    # What was handled on the spot and is reopened was never filed: its condition is chosen with its department.
    Move(Verb.DISPATCH, (Stage.DISPATCH,), Stage.HANDLING, (Role.DISPATCHER,), ("department",), ("condition",)),
    Move(Verb.ACCEPT, (Stage.HANDLING,), None, DEPARTMENT),
    # Somebody asks; whoever may make the move asked for grants by making it, or refuses.
    Move(
        Verb.ASK,
        (Stage.DISPATCH, Stage.HANDLING, Stage.CLOSED),
        None,
        (*DEPARTMENT, Role.CLERK, Role.DISPATCHER),
        ("asks", "note"),
        ("limit", "until", "ground", "department"),
    ),
    Move(
        Verb.REFUSE,
        (Stage.DISPATCH, Stage.HANDLING, Stage.CLOSED),
        None,
        (Role.DISPATCHER, Role.SHIFT_LEADER, Role.LEADER),
        ("note",),
    ),
    Move(Verb.DECLINE, (Stage.HANDLING,), Stage.DISPATCH, (Role.DISPATCHER, Role.LEADER), ("note",), ("ground",)),
    Move(Verb.EXTEND, (Stage.HANDLING,), None, (Role.DISPATCHER,), ("note", "limit")),
    Move(Verb.SHELVE, (Stage.HANDLING,), Stage.SHELVED, (Role.DISPATCHER,), ("note", "until"), ("ground",)),
    Move(Verb.RESUME, (Stage.SHELVED,), Stage.HANDLING, (Role.DISPATCHER,)),
    Move(Verb.RESUME, (Stage.CLOSING,), Stage.CLOSING, ()),  # its children are over: now it is the clerk's time
    Move(Verb.FINISH, (Stage.HANDLING,), Stage.FEEDBACK, DEPARTMENT, ("after",)),
    Move(Verb.ORDER_CHECK, (Stage.FEEDBACK,), Stage.CHECK, (Role.CLERK,), takes=("holder",)),
    # An errand that somebody else should run: taken back, it is given out anew.
    Move(Verb.RECALL, (Stage.VERIFY,), Stage.FILING, (Role.CLERK,), ("note",)),
    Move(Verb.RECALL, (Stage.CHECK,), Stage.FEEDBACK, (Role.CLERK,), ("note",)),
    Move(Verb.PASS, (Stage.CHECK,), Stage.CLOSING, (Role.INSPECTOR,), ("photos",), apart=(Verb.FINISH,)),
    Move(Verb.REWORK, (Stage.CHECK,), Stage.HANDLING, (Role.INSPECTOR,), ("note",), apart=(Verb.FINISH,)),
    Move(Verb.CLOSE, (Stage.CLOSING,), Stage.CLOSED, SUPERVISION, apart=(Verb.FINISH, Verb.SELF_HANDLE, Verb.PASS)),
    # Who called hears from the department first; in the end the centre asks how it was. The latest answer stands.
    Move(
        Verb.CONTACT,
        (Stage.HANDLING, Stage.SHELVED, Stage.FEEDBACK, Stage.CHECK, Stage.CLOSING),
        None,
        DEPARTMENT,
        ("note",),
    ),
    Move(
        Verb.CALL_BACK,
        (Stage.CLOSED,),
        None,
        SUPERVISION,
        ("outcome",),
        ("rating",),
        apart=(Verb.FINISH, Verb.SELF_HANDLE, Verb.PASS),
    ),
    # Other departments help: each has a child, a case of its own, and the parent is closed after them.
    Move(
        Verb.ASSIST,
        (Stage.DISPATCH, Stage.HANDLING),
        None,
        (Role.DISPATCHER, Role.LEADER),
        ("department", "note"),
        ("condition", "limit"),
    ),
    # A duplicate waits for its master and ends with it.
    Move(Verb.LINK, (Stage.FILING, Stage.DISPATCH, Stage.HANDLING), Stage.LINKED, SUPERVISION, ("same_as",)),
    Move(Verb.UNLINK, (Stage.LINKED,), Stage.FILING, (Role.CLERK, Role.SHIFT_LEADER)),
    Move(Verb.CLOSE, (Stage.LINKED,), Stage.CLOSED, ()),
    Move(Verb.UNLINK, (Stage.CLOSED,), Stage.FILING, ()),  # it was closed with a master that was reopened and voided
    # An appeal against "overdue" is asked for; granted, the scores leave it out and the fact stays.
    Move(Verb.EXEMPT, (Stage.CLOSED,), None, (Role.SHIFT_LEADER,), ("note",)),
    # A flag on the evidence is answered by another hand than the evidence's.
    Move(
        Verb.ANSWER,
        (*OWED, Stage.CLOSED),
        None,
        (Role.CLERK, Role.SHIFT_LEADER),
        ("flag", "note"),
        ("accepted",),
        apart=(Verb.FINISH, Verb.SELF_HANDLE, Verb.PASS),
    ),
    # A blind re-check is the system's: the first two lines are sealed, the third tells what came of it.
    Move(Verb.DRAW, (Stage.CLOSED,), None, ()),
    Move(Verb.DOUBT, (Stage.CLOSED,), None, ()),
    Move(Verb.RECHECK, tuple(Stage), None, ()),
    Move(Verb.REOPEN, (Stage.CLOSED,), Stage.HANDLING, (Role.CLERK, Role.SHIFT_LEADER), ("note",)),
    Move(Verb.SUPERVISE, OWED, None, (Role.LEADER,), ("note",), ("until",)),
    Move(Verb.HASTEN, OWED, None, (Role.CLERK, Role.SHIFT_LEADER, Role.DISPATCHER, Role.LEADER), ("note",)),
    Move(
        Verb.REPLY,
        OWED,
        None,
        (Role.CLERK, Role.SHIFT_LEADER, Role.DISPATCHER, Role.INSPECTOR, *DEPARTMENT),
        ("note",),
    ),
    Move(Verb.REMIND, OWED, None, ()),
    Move(Verb.EXPIRE, tuple(stage for stage in OWED if stage != Stage.SHELVED), None, ()),  # a due moment has passed
    Move(Verb.ESCALATE, OWED, None, ()),
    Move(Verb.RETIME, OWED, None, ()),
    # People left, a unit was closed, a cell was redrawn: the work goes to whoever has it now, and its clock goes on.
    Move(Verb.HAND_OVER, OPEN, None, ()),
)

_AT = {(stage, move.verb): move for move in MOVES for stage in move.at}


class Refused(Exception):
    """A move that is not to be made. Nothing was written.

    code: stable, for machines. detail: a sentence for the person. field: the fact it is about, if one.
    allowed: the moves that are possible at the case's stage now, each with who may make it.
    flags: by primary key, those on the evidence that are to be answered first.
    """

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        field: str = "",
        allowed: Collection[Move] = (),
        flags: Collection[int] = (),
    ):
        super().__init__(detail)
        self.flags = tuple(flags)
        self.code, self.detail, self.field, self.allowed = code, detail, field, tuple(allowed)


def move(stage: str, verb: str) -> Move:
    """The move of that verb at that stage. Raises Refused (not_now)."""
    try:
        return _AT[Stage(stage), Verb(verb)]
    except (KeyError, ValueError):
        raise not_now(stage, verb) from None


def move_of_people(stage: str, verb: str) -> Move:
    """The same for a person: what only the system does at this stage, and people at another, is not to be made now."""
    step = move(stage, verb)
    if not step.by and any(other.by for other in MOVES if other.verb == step.verb):
        raise not_now(stage, verb)
    return step


def not_now(stage: str, verb: str) -> Refused:
    """The refusal of a move at the wrong stage."""
    label = Verb(verb).label if verb in Verb.values else verb
    sentence = _("案卷处于“%(stage)s”，不能“%(verb)s”。") % {"stage": Stage(stage).label, "verb": label}
    return Refused("not_now", sentence, allowed=at(stage))


def at(stage: str) -> list[Move]:
    """The moves that people can make at a stage."""
    return [move for move in MOVES if stage in move.at and move.by]


def askable(stage: str) -> tuple[Verb, ...]:
    """What may be asked for at a stage: the askable moves that are possible there."""
    return tuple(verb for verb in ASKABLE if (stage, verb) in _AT)


def answers(roles: Collection[str]) -> tuple[Verb, ...]:
    """Which wishes wait for an officer of these roles: the post named first in a move's line decides it."""
    return tuple(verb for verb in ASKABLE if any(move.by[0] in roles for move in MOVES if move.verb == verb))


def moves(stage: str, roles: Collection[str]) -> list[Move]:
    """The moves that an officer of these roles may make at a stage: what a phone shows as buttons."""
    return [move for move in at(stage) if not set(move.by).isdisjoint(roles)]


def flaws(table: Iterable[Move] = MOVES) -> list[str]:
    """What is wrong with the table; empty when every case can reach an end."""
    table = list(table)
    pairs = [(stage, move.verb) for move in table for stage in move.at]
    arrows = [(stage, move.to) for move in table for stage in move.at if move.to]
    forward = _closure({Stage.FILING}, arrows)
    backward = _closure(set(DONE), [(to, at) for at, to in arrows])
    used = {move.verb for move in table}
    return [
        *(f"{verb} stands twice at {stage}" for stage, verb in sorted(set(pairs)) if pairs.count((stage, verb)) > 1),
        *(f"no way into {stage}" for stage in Stage if stage not in forward),
        *(f"no way out of {stage}" for stage in OPEN if stage not in backward),
        *(f"{verb} is in no move" for verb in Verb if verb != Verb.REPORT and verb not in used),
        *(
            f"{move.verb} needs {need}, which nobody can say"
            for move in table
            for need in (*move.needs, *move.takes)
            if not hasattr(NOTHING, need)
        ),
    ]


def _closure(known: set[Stage], arrows: Collection[tuple[Stage, Stage]]) -> set[Stage]:
    while more := {b for a, b in arrows if a in known} - known:
        known = known | more
    return known
