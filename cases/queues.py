"""The queues of the posts: what waits for whom. Each is a name in a URL, a heading, and a narrowing of cases.

What a queue holds is seen through `visible_to` like everything else; a queue adds whose work it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, Func, IntegerField, OuterRef
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from grid.models import Officer
from grid.moment import now
from grid.roles import DEPARTMENT, SUPERVISION, Role

from . import flow
from .flow import OPEN, Stage, Verb
from .models import Case, CaseQuerySet, Flag, Recheck

MANY = 999  # beyond it, nobody needs to know how many exactly
Narrow = Callable[[CaseQuerySet, Officer], CaseQuerySet]


@dataclass(frozen=True)
class Queue:
    """A queue. `empty` says what would fill it; `bulk` is the verb that is safe for many of its cases at once."""

    name: str
    label: Promise
    roles: tuple[Role, ...]
    narrow: Narrow
    empty: Promise
    bulk: Verb | None = None
    due: str = "due_at"  # by which of a case's moments it is sorted


def _at(*stages: Stage) -> Narrow:
    return lambda found, officer: found.filter(stage__in=stages)


def _mine(*stages: Stage) -> Narrow:
    return lambda found, officer: found.owed_by(officer).filter(stage__in=stages)


def _asking(found: CaseQuerySet, officer: Officer) -> CaseQuerySet:
    return found.filter(asks__in=flow.answers(officer.roles))


def _flagged(found: CaseQuerySet, officer: Officer) -> CaseQuerySet:
    """Unanswered, and the case is not over: what is void, or waits for its master, is nobody's doubt any more."""
    asked = Exists(Flag.objects.filter(case=OuterRef("pk"), answered_at=None))
    return found.filter(asked, stage__in=flow.OWED)


def _doubted(found: CaseQuerySet, officer: Officer) -> CaseQuerySet:
    """A re-check did not hold, and nobody has decided what follows."""
    return found.filter(
        Exists(Recheck.objects.filter(case=OuterRef("pk"), verdict=Recheck.Verdict.FAILS, over_at=None))
    )


def _supervised(found: CaseQuerySet, officer: Officer) -> CaseQuerySet:
    pressed = found.filter(supervised_at__isnull=False, stage__in=flow.OWED)
    return pressed if officer.holds(Role.LEADER) else pressed.owed_by(officer)


QUEUES = (
    Queue("file", _("待立案"), SUPERVISION, _at(Stage.FILING), _("有新的上报、又没有自动立案时，会出现在这里。")),
    Queue(
        "dispatch",
        _("待派遣"),
        (Role.DISPATCHER,),
        _at(Stage.DISPATCH),
        _("已立案而系统没有找到唯一责任单位的案卷，会出现在这里。"),
        Verb.DISPATCH,
    ),
    Queue("verify", _("待核实"), (Role.INSPECTOR,), _mine(Stage.VERIFY), _("受理员派您核实的案卷，会出现在这里。")),
    Queue("handle", _("待处置"), DEPARTMENT, _mine(Stage.HANDLING), _("派遣给本单位的案卷，会出现在这里。")),
    Queue(
        "order-check",
        _("待派核查"),
        (Role.CLERK,),
        _at(Stage.FEEDBACK),
        _("责任单位处置完毕、又没有自动派核查的案卷，会出现在这里。"),
        Verb.ORDER_CHECK,
    ),
    Queue("check", _("待核查"), (Role.INSPECTOR,), _mine(Stage.CHECK), _("派您核查处置结果的案卷，会出现在这里。")),
    Queue(
        "close",
        _("待结案"),
        SUPERVISION,
        _at(Stage.CLOSING),
        _("核查通过、等待结案的案卷，会出现在这里。"),
        Verb.CLOSE,
    ),
    Queue(
        "asks",
        _("待答复的申请"),
        (Role.DISPATCHER, Role.SHIFT_LEADER, Role.LEADER),
        _asking,
        _("责任单位申请延期、挂账、回退，或有人申请作废、免责时，会出现在这里。"),
    ),
    Queue(
        "call-back",
        _("待回访"),
        SUPERVISION,
        lambda found, officer: found.to_call(now()),
        _("热线、公众反映的案卷结案后，来电人还没有回访到的，会出现在这里。"),
        due="call_by",
    ),
    Queue("flags", _("待核验的疑点"), SUPERVISION, _flagged, _("照片或位置有疑点的案卷，结案前会出现在这里。")),
    Queue("doubts", _("复查疑问"), SUPERVISION, _doubted, _("复查认为不属实的已结案卷，会出现在这里。")),
    Queue(
        "supervised",
        _("督办待回复"),
        (*SUPERVISION, Role.DISPATCHER, *DEPARTMENT, Role.LEADER),
        _supervised,
        _("领导督办、等待回复的案卷，会出现在这里。"),
    ),
    Queue(
        "escalated",
        _("已升级"),
        (Role.LEADER,),
        lambda found, officer: found.filter(stage__in=OPEN, level__gt=0),
        _("临近或超过时限而逐级上报的案卷，会出现在这里。"),
    ),
    Queue(
        "shelved", _("挂账中"), (Role.DISPATCHER,), _at(Stage.SHELVED), _("准予挂账、等待恢复的案卷，会出现在这里。")
    ),
)


def of(officer: Officer) -> list[Queue]:
    """The queues of an officer's posts."""
    return [queue for queue in QUEUES if officer.holds(*queue.roles)]


def within(queue: Queue, officer: Officer) -> CaseQuerySet:
    """The cases of a queue that the officer may see."""
    return queue.narrow(Case.objects.visible_to(officer), officer)


def counts(officer: Officer) -> dict[str, int]:
    """How many cases wait in each of an officer's queues, MANY + 1 standing for more. One statement."""
    mine = of(officer)
    if not mine:
        return {}
    counted = {f"n{n}": _count(within(queue, officer)) for n, queue in enumerate(mine)}
    row: dict[str, int] = Officer.objects.filter(pk=officer.pk).values(**counted).get()  # type: ignore[assignment]
    return {queue.name: row[f"n{n}"] for n, queue in enumerate(mine)}


def _count(found: CaseQuerySet) -> Func:
    some = ArraySubquery(found.order_by().values("pk")[: MANY + 1])
    counted = "COALESCE(CARDINALITY(%(expressions)s::bigint[]), 0)"  # of what can hold nothing Django makes NULL
    return Func(some, template=counted, output_field=IntegerField())
