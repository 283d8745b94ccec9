"""Why a move is refused: each with a stable code, a sentence, and what is possible now and by whom.

standing()  what can be known before anything is said: posts, hands, what was asked. A phone shows the rest as buttons.
facts()     what is wrong with what was said.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from copy import copy
from datetime import datetime

from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from grid import levels
from grid.models import Officer
from grid.moment import local_day
from grid.roles import DEPARTMENT, Role
from grid.words import in_sentence

from . import callers, cowork, flags, flow, inspectors, photos, stale, stint, succession, terms
from .flow import Facts, Move, Refused, Verb, Verdict
from .models import Case, CaseEvent, Flag, Terms
from .rulebook import Rulebook

NEEDS: dict[str, Callable[[], str]] = {
    "note": lambda: _("说明"),
    "photos": lambda: _("照片"),
    "before": lambda: _("处置前照片"),
    "after": lambda: _("处置后照片"),
    "condition": lambda: _("立案条件"),
    "department": lambda: _("责任单位"),
    "asks": lambda: _("申请事项"),
    "limit": lambda: _("延长的时限"),
    "until": lambda: _("截止时间"),
    "verdict": lambda: _("核实结论"),
    "outcome": lambda: _("回访结果"),
    "rating": lambda: _("满意度"),
    "holder": lambda: _("承办的监督员"),
    "cell": lambda: _("单元网格"),
    "ground": lambda: _("理由"),
    "flag": lambda: _("疑点"),
    "accepted": lambda: _("是否认可"),
    "same_as": lambda: _("主案"),
}


def roles(step: Move, case: Case | None = None) -> str:
    """Who may make a move, in words; of a case also in which department, where it is a department's move."""
    posts = _posts(step)
    if case and case.department and set(step.by) <= set(DEPARTMENT):
        return _("%(department)s的%(roles)s") % {"department": in_sentence(case.department), "roles": posts}
    return posts


def _posts(step: Move) -> str:
    return _("、").join(str(Role(role).label) for role in step.by) or _("系统")


def acting(case: Case, by: Officer) -> Officer:
    """The officer with those of his posts alone from which he works on the case.

    Who keeps a beat and works in a department sees on his beat what is not his department's to handle, and a lead
    department sees what others do to help it. One statement for each post; none for an officer who has a single one,
    if the case is not a child.
    """
    if len(by.roles) < 2 and case.parent_id is None:
        return by
    officer = copy(by)
    officer.roles = Case.objects.filter(pk=case.pk).posts_of(by)
    return officer


def recalls(step: Move) -> bool:
    """Whether a move depends on what was done before: only then is the log to be read."""
    return bool(step.apart) or step.verb in (*Terms.GOVERNED, Verb.ASK)


def examine(
    book: Rulebook, case: Case, step: Move, by: Officer, said: Facts, log: Collection[CaseEvent], at: datetime
) -> None:
    """Raise Refused if this officer may not make this move with these facts now. `log` as `recalls` asks for."""
    by = acting(case, by)
    if refusal := standing(book, case, step, by, log, at):
        raise stale.outrun(case, step, by, refusal) or refusal
    facts(book, case, step, said, at)
    if step.verb == Verb.ASK:
        terms.asking(book, case, Verb(said.asks), by, log, at)


def standing(
    book: Rulebook, case: Case, step: Move, by: Officer, log: Collection[CaseEvent], at: datetime
) -> Refused | None:
    """Why this officer may not make this move, whatever he says; None if he may."""

    def no(code: str, sentence: str) -> Refused:
        asked = flags.unanswered(case) if code == "flags_open" else ()
        return Refused(code, sentence, allowed=flow.at(case.stage), flags=[flag.pk for flag in asked])

    if not by.holds(*step.by):
        return no(
            "not_your_post", _("“%(verb)s”由%(roles)s办理。") % {"verb": step.verb.label, "roles": roles(step, case)}
        )
    done = next((event for event in log if event.by_id == by.pk and event.verb in step.apart), None)
    if done:
        said = {"done": Verb(done.verb).label, "verb": step.verb.label}
        return no("same_hand", _("您已办理“%(done)s”，“%(verb)s”须由他人办理。") % said)
    if step.verb in HELD and _held(book, case, at) and case.holder_id != by.pk:
        return no("held_by_another", _("该案卷已指定由%(holder)s办理。") % {"holder": case.holder})
    if step.verb == Verb.ACCEPT and _able(book, case):
        return no("already_accepted", _("该案卷已由%(holder)s签收。") % {"holder": case.holder})
    rule = STANDING.get(step.verb)
    refusal = (rule(case, by) if rule else None) or terms.standing(book, case, step, by, log, at)
    return no(*refusal) if refusal else None


def _held(book: Rulebook, case: Case, at: datetime) -> bool:
    """Whether the errand is one inspector's alone: until it is due, and while he can run it."""
    return _able(book, case) and not (case.due_at and case.due_at < at)


def _able(book: Rulebook, case: Case) -> bool:
    """Whether the case has a holder who can act on it."""
    return case.holder is not None and succession.able(book, case.holder, case.stage, case.department_id)


HELD = (Verb.VERIFY, Verb.PASS, Verb.REWORK)  # an inspector's own errand
Refusal = tuple[str, str] | None


def _asked(case: Case, by: Officer) -> Refusal:
    if case.asks:
        return "already_asked", _("已有“%(asks)s”申请待答复。") % {"asks": Verb(case.asks).label}
    if not any(by.holds(*flow.ASKERS[verb]) for verb in askable(case)):
        return "not_askable", _("在“%(stage)s”，您的岗位没有可以申请的事项。") % {"stage": flow.Stage(case.stage).label}
    return None


def askable(case: Case) -> tuple[Verb, ...]:
    """What may be asked for now: who assists is not assisted."""
    return tuple(verb for verb in flow.askable(case.stage) if verb != Verb.ASSIST or case.parent_id is None)


def _nothing_asked() -> Refusal:
    return "nothing_asked", _("没有待答复的申请。")


def _not_to_answer(case: Case, by: Officer) -> Refusal:
    if not case.asks:
        return _nothing_asked()
    granting = flow.move(case.stage, case.asks)
    if not by.holds(*granting.by):
        return "not_your_turn", _("“%(verb)s”申请由%(roles)s答复。") % {
            "verb": granting.verb.label,
            "roles": roles(granting),
        }
    return None


def _not_appealed(case: Case, by: Officer) -> Refusal:
    return None if case.asks == Verb.EXEMPT else _nothing_asked()


def _not_supervised(case: Case, by: Officer) -> Refusal:
    if case.supervised_at is None:
        return "not_supervised", _("没有待回复的督办。")
    if not by.holds(*flow.OWED_BY[flow.Stage(case.stage)]):
        return "not_your_turn", _("督办由当前环节的责任人回复。")
    return None


def _not_reporter(case: Case, by: Officer) -> Refusal:
    return None if case.reporter_id == by.pk else ("not_reporter", _("自处置由上报的监督员办理。"))


def _not_to_close(case: Case, by: Officer) -> Refusal:
    if children := list(cowork.unfinished(case).select_related("department")):
        return "children_open", _("结案前须先办结协办案卷：%(words)s。") % {"words": _("；").join(map(_owed, children))}
    if asked := flags.unanswered(case):
        words = _("、").join(dict.fromkeys(str(Flag.Code(flag.code).label) for flag in asked))
        return "flags_open", _("结案前须先核验这些疑点：%(words)s。") % {"words": words}
    return None


def _owed(child: Case) -> str:
    """A child, where it stands, and who owes it until when."""
    stage = flow.Stage(child.stage)
    posts = _("、").join(str(role.label) for role in flow.OWED_BY.get(stage, ()))
    who = in_sentence(child.department) if child.department and stage == flow.Stage.HANDLING else posts
    until = f"{localtime(child.due_at):%Y-%m-%d %H:%M}" if child.due_at else "—"
    said = {"number": child.number, "stage": stage.label, "who": who, "until": until}
    return _("%(number)s（%(stage)s，%(who)s，%(until)s 到期）") % said


def _not_flagged(case: Case, by: Officer) -> Refusal:
    return None if flags.unanswered(case) else ("nothing_flagged", _("没有待核验的疑点。"))


def _not_to_reopen(case: Case, by: Officer) -> Refusal:
    if case.same_as:
        return "is_duplicate", _("该案已并入 %(number)s，请重启主案。") % {"number": case.same_as.number}
    if case.parent and case.parent.stage not in flow.OWED:
        return "parent_done", _("主办案卷 %(number)s 已经结束，请重启主办案卷。") % {"number": case.parent.number}
    return None


def _child(case: Case, by: Officer) -> Refusal:
    if case.parent is None:
        return None
    return "is_child", _("这是协办案卷，请在主办案卷 %(number)s 上办理。") % {"number": case.parent.number}


def _not_called(case: Case, by: Officer) -> Refusal:
    if callers.called(case) or case.parent_id:
        return _child(case, by)
    sources = _("、").join(str(source.label) for source in flow.CALLERS)
    return "no_caller", _("只有%(sources)s的案卷有来电人可以联系、回访。") % {"sources": sources}


STANDING: dict[Verb, Callable[[Case, Officer], Refusal]] = {
    Verb.ASK: _asked,
    Verb.REFUSE: _not_to_answer,
    Verb.REPLY: _not_supervised,
    Verb.SELF_HANDLE: _not_reporter,
    Verb.EXEMPT: _not_appealed,
    Verb.CLOSE: _not_to_close,
    Verb.ANSWER: _not_flagged,
    Verb.REOPEN: _not_to_reopen,
    Verb.ASSIST: _child,
    Verb.LINK: _child,
    Verb.CONTACT: _not_called,
    Verb.CALL_BACK: _not_called,
}


def facts(book: Rulebook, case: Case, step: Move, said: Facts, at: datetime) -> None:
    """Raise Refused if a fact is missing or wrong."""
    needed(case, step, said)
    _nothing_else(case, step, said)
    for rule in FACTS:
        rule(book, case, step, said, at)


def needed(case: Case, step: Move, said: Facts) -> None:
    """Raise Refused (facts_missing) if a move lacks a fact. A condition chosen earlier need not be said again."""
    missing = [need for need in step.needs if not getattr(said, need)]
    if case.condition_id and "condition" in missing:
        missing.remove("condition")
    if missing:
        names = _("、").join(NEEDS[need]() for need in missing)
        sentence = _("“%(verb)s”还需要：%(names)s。") % {"verb": step.verb.label, "names": names}
        raise Refused("facts_missing", sentence, field=missing[0], allowed=flow.at(case.stage))


def _nothing_else(case: Case, step: Move, said: Facts) -> None:
    """A fact that a move does not use is a mistake: kept in the log, it would pass for something that was done."""
    fits = {*flow.ALWAYS, *step.needs, *step.takes}
    if stray := [name for name in said.said() if name not in fits]:
        names = _("、").join(NEEDS[name]() for name in stray)
        sentence = _("“%(verb)s”与这些内容无关：%(names)s。") % {"verb": step.verb.label, "names": names}
        raise Refused("fact_unfit", sentence, field=stray[0], allowed=flow.at(case.stage))


def _condition(book: Rulebook, case: Case, step: Move, said: Facts, at: datetime) -> None:
    possible = book.in_force(case.category_id, local_day(at), case.cell.region_class)
    if step.verb == Verb.DISPATCH and case.condition_id is None and possible and not said.condition:
        sentence = _("该案卷没有立案条件，派遣时须一并选定。")
        raise Refused("facts_missing", sentence, field="condition", allowed=flow.at(case.stage))
    if step.verb == Verb.DISPATCH and case.condition_id and said.condition:
        raise Refused("fact_unfit", _("该案卷已有立案条件，派遣时不再选定。"), field="condition")
    if said.condition and said.condition not in {row.pk for row in possible}:
        raise condition_unfit()


def condition_unfit() -> Refused:
    return Refused("condition_unfit", _("该立案条件不属于这个小类，或已失效。"), field="condition")


def _department(book: Rulebook, case: Case, step: Move, said: Facts, at: datetime) -> None:
    if said.department:
        department = book.departments.get(said.department)
        if department is None or department.closed_on:
            raise Refused("department_unknown", _("没有这个责任单位，或已撤销。"), field="department")


def _assisting(book: Rulebook, case: Case, step: Move, said: Facts, at: datetime) -> None:
    if step.verb != Verb.ASSIST:
        return
    if said.department == case.department_id:
        raise Refused("assists_itself", _("主办单位不能协办自己的案卷。"), field="department")
    if other := cowork.unfinished(case).filter(department=said.department).first():
        sentence = _("该单位正在办理协办案卷 %(number)s。") % {"number": other.number}
        raise Refused("already_assists", sentence, field="department")


def _holder(book: Rulebook, case: Case, step: Move, said: Facts, at: datetime) -> None:
    if said.holder:
        holder = Officer.objects.filter(pk=said.holder, is_active=True).first()
        if holder is None or not holder.holds(Role.INSPECTOR):
            raise Refused("holder_unknown", _("没有这位监督员，或已停用。"), field="holder")
        if not inspectors.of_district(case).filter(pk=holder.pk).exists():
            there = levels.top(case.cell.area.code)
            area = next((in_sentence(area) for area in book.areas.values() if area.code == there), there)
            sentence = _("%(holder)s不是%(area)s的监督员：只能指定责任网格或辖区在%(area)s的监督员。")
            raise Refused("holder_unfit", sentence % {"holder": holder, "area": area}, field="holder")
        if case.events.filter(by=holder, verb__in=barring(step)).exists():
            raise Refused(
                "holder_unfit", _("%(holder)s办理过该案卷，须由他人核查。") % {"holder": holder}, field="holder"
            )


def barring(step: Move) -> set[Verb]:
    """The verbs whose hand may not do the errand that a step sends its holder on."""
    errands = [move for move in flow.MOVES if step.to in move.at and move.verb in HELD]
    return {verb for move in errands for verb in move.apart}


def _asks(book: Rulebook, case: Case, step: Move, said: Facts, at: datetime) -> None:
    if said.asks and said.asks not in (possible := askable(case)):
        words = _("、").join(str(verb.label) for verb in possible)
        raise Refused("not_askable", _("可以申请的有：%(words)s。") % {"words": words}, field="asks")


def _verdict(book: Rulebook, case: Case, step: Move, said: Facts, at: datetime) -> None:
    if said.verdict and said.verdict not in Verdict.values:
        words = _("、").join(str(verdict.label) for verdict in Verdict)
        raise Refused("verdict_unknown", _("核实结论只能是：%(words)s。") % {"words": words}, field="verdict")


def _called_back(book: Rulebook, case: Case, step: Move, said: Facts, at: datetime) -> None:
    if step.verb == Verb.CALL_BACK:
        callers.fit(said)


def _limit(book: Rulebook, case: Case, step: Move, said: Facts, at: datetime) -> None:
    if said.limit and Verb.ASSIST not in (step.verb, said.asks):  # what is helped with may run otherwise
        stint.same_clock(case, said.limit)


def _until(book: Rulebook, case: Case, step: Move, said: Facts, at: datetime) -> None:
    if said.until and said.until <= at:
        raise Refused("until_unfit", _("截止时间须晚于现在。"), field="until")


def _supervised(book: Rulebook, case: Case, step: Move, said: Facts, at: datetime) -> None:
    if step.verb == Verb.SUPERVISE and case.supervised_at and not said.until:
        sentence = _("已有督办待回复；再次督办须写明新的回复期限。")
        raise Refused("already_supervised", sentence, field="until")


def _flag(book: Rulebook, case: Case, step: Move, said: Facts, at: datetime) -> None:
    if said.flag and said.flag not in {flag.pk for flag in flags.unanswered(case)}:
        raise Refused("flag_unknown", _("该案卷没有这个待核验的疑点。"), field="flag")


def _photos(book: Rulebook, case: Case, step: Move, said: Facts, at: datetime) -> None:
    if absent := photos.missing([sha for sha, _shows in said.photos]):
        sentence = _("有 %(count)s 张照片尚未上传，请上传后重试：%(shas)s") % {
            "count": len(absent),
            "shas": " ".join(absent),
        }
        raise Refused("photos_missing", sentence, field="photos")


SAID = (
    _condition,
    _department,
    _assisting,
    _holder,
    _asks,
    _verdict,
    _called_back,
    _limit,
    _until,
    _supervised,
    terms.facts,
)
"""Rules that ask the database nothing, but for an assistance and for who is named to run an errand."""

FACTS = (*SAID, _flag, _photos)
