"""统计项: what is counted, each thing defined once, as SQL. Nothing here touches the database.

A metric says of a line of the log `e`, its case `c`, and what is KNOWN `k` from the case's other lines, whether it
counts (`sql`), on which of its moments (`when`), and for which officer; the department is whom the line concerns.
`tally` counts with it and `behind` lists with it what was counted, so that a figure and the cases behind it cannot
differ. A metric is a column of Tally and of Total: a new one is a line here and a migration.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from .flow import CALLERS, OPEN

When = Literal["at", "due_at", "promise_at"]

NOBODY = "NULL::bigint"
HAND = "e.by_id"
REPORTER = "c.reporter_id"
# Whose work the stage was: who had taken it on; where nobody had, who did it.
WORKER = 'CASE WHEN e.entered <> e."left" THEN coalesce(e.holder_id, e.by_id) ELSE e.holder_id END'
FINISHER = "k.finisher"
CHECKER = "k.checker"


def _some(which: str) -> str:
    """Whether the case has such another line `o`."""
    return f"EXISTS (SELECT FROM cases_caseevent o WHERE o.case_id = e.case_id AND {which})"


# What the case's other lines say, asked only for the lines that want to know it.
KNOWN: Mapping[str, str] = {
    # A stint that was late stays so, once: extended afterwards, or shelved and resumed with nothing left.
    "once": '(e.late OR e.entered <> e."left") AND e.allowed_s IS DISTINCT FROM 0 AND NOT '
    + _some('o.id < e.id AND o.since = e.since AND o."left" = e."left" AND o.late'),
    "filed": "e.verb = 'file' AND NOT " + _some("o.id < e.id AND o.verb = 'file'"),
    "linked": "e.verb = 'link' AND NOT " + _some("o.id > e.id AND o.verb = 'unlink'"),
    "stayed": "e.verb = 'dispatch' AND NOT "
    + _some("o.id > e.id AND o.verb = 'dispatch' AND o.department_id <> e.department_id"),
    "again": "e.verb = 'decline' AND " + _some("o.id < e.id AND o.verb = 'decline'"),
    # An appeal exempts what its department was late with until then: not what another was, nor what comes later.
    "appealed": "e.late AND " + _some("o.verb = 'exempt' AND o.id > e.id AND o.department_id = e.department_id"),
    # What became of the contact that a dispatch asks for: kept, missed, or spared by who took the case back in time.
    "contact": """CASE WHEN e.verb = 'dispatch' AND e.facts ? 'contact_due_at' THEN coalesce((
        SELECT CASE WHEN o.verb = 'contact' THEN CASE o.facts->>'contact_kept' WHEN 'true' THEN 'kept' ELSE 'missed' END
                    WHEN o.at <= (e.facts->>'contact_due_at')::timestamptz THEN 'spared' END
        FROM cases_caseevent o
        WHERE o.case_id = e.case_id AND o.id > e.id AND o.verb IN ('contact', 'decline', 'void', 'link')
        ORDER BY o.id LIMIT 1
    ), 'missed') END""",
    # A caller said how it was; of one closing the latest word counts.
    "answered": "e.verb = 'call_back' AND e.facts->>'outcome' <> 'unreached' AND NOT "
    + _some("o.id > e.id AND o.since = e.since AND o.verb = 'call_back' AND o.facts->>'outcome' <> 'unreached'"),
    "checker": """CASE WHEN e.verb = 'recheck' THEN (
        SELECT o.by_id FROM cases_caseevent o
        WHERE o.case_id = e.case_id AND o.verb IN ('pass', 'self_handle') AND o.id < e.id ORDER BY o.id DESC LIMIT 1
    ) END""",
    "finisher": """CASE WHEN e.verb = 'rework' THEN (
        SELECT coalesce(o.holder_id, o.by_id) FROM cases_caseevent o
        WHERE o.case_id = e.case_id AND o.verb = 'finish' AND o.id < e.id ORDER BY o.id DESC LIMIT 1
    ) END""",
}


@dataclass(frozen=True)
class Metric:
    """One counted thing. `at`: on the day of the line; `due_at`: on the day the line's stint fell due; `promise_at`:
    on the day the open case was promised by, once that day is over, for the line that set the promise.

    `ground`: it is nobody's act; an inspector's count is that of the cells in his beats.
    """

    code: str
    name: str
    name_en: str
    sql: str
    officer: str = NOBODY
    when: When = "at"
    ground: bool = False


def _verb(*verbs: str) -> str:
    return f"e.verb IN ({', '.join(repr(verb) for verb in verbs)})"


def _in_time(stage: str) -> str:
    """The stint at a stage ended, by its due moment."""
    return f'e."left" = \'{stage}\' AND e.entered <> e."left" AND e.late IS NOT TRUE AND k.once'


def _late(stage: str) -> str:
    """The first line that shows a stint at a stage to be late, whatever else it says."""
    return f"e.late AND e.\"left\" = '{stage}' AND k.once"


_FILED = "k.filed"
_TOLD = f"{_FILED} AND c.source IN ({', '.join(repr(str(source)) for source in CALLERS)})"
_WHOLE = "c.parent_id IS NULL"  # what helps with a case is its department's work, and no case more of the region's
_CLOSED = f"{_verb('close')} AND e.\"left\" <> 'linked' AND {_WHOLE}"
OPEN_CASES = ", ".join(repr(str(stage)) for stage in OPEN)
_PASSED = "e.verb = 'refuse' AND e.facts->>'refuses' = 'decline' OR k.again"


_RECHECKED = f"{_verb('recheck')} AND e.facts->>'verdict' IN ('holds', 'fails')"


def _rung(number: int, *, above: bool = False) -> str:
    return f"{_verb('escalate')} AND e.level + 1 {'>=' if above else '='} {number}"


METRICS = (
    Metric("reports", "上报数", "Reports", _verb("report"), HAND),
    Metric("valid", "有效上报数", "Valid reports", f"({_FILED}) OR {_verb('self_handle')}", REPORTER),
    Metric("tips", "监督举报核实数", "Public reports filed", _TOLD, HAND),
    Metric(
        "missed",
        "漏报数",
        "Missed by the patrol",
        f"{_FILED} AND c.source IN ('hotline', 'public', 'directive')",
        ground=True,
    ),
    Metric(
        "duplicates",
        "并案数",
        "Duplicates",
        "k.linked",
        HAND,
    ),
    Metric("self_handled", "自处置数", "Handled on the spot", _verb("self_handle"), HAND),
    Metric(
        "accepted",
        "受理数",
        "Accepted by a clerk",
        'e."left" = \'filing\' AND e.entered <> e."left" AND e.since = c.reported_at AND e.by_id IS NOT NULL'
        " AND e.verb <> 'self_handle'",
        HAND,
    ),
    Metric("filed", "立案数", "Filed", _FILED, HAND),
    Metric("filed_in_time", "按时立案数", "Filed in time", f"{_FILED} AND e.late IS NOT TRUE", HAND),
    Metric("filed_rightly", "准确立案数", "Filed, not voided later", f"{_FILED} AND c.stage <> 'void'", HAND),
    Metric("void", "作废数", "Voided", f"{_verb('void')} AND {_WHOLE}", HAND),
    Metric("verify_in_time", "按时核实数", "Verified in time", f"{_verb('verify')} AND {_in_time('verify')}", WORKER),
    Metric("verify_late", "超期核实数", "Verifications overdue", _late("verify"), WORKER, "due_at"),
    Metric("verify_orders", "核实派发数", "Verifications ordered", _verb("order_verify"), HAND),
    Metric(
        "verify_orders_in_time",
        "核实按时派发数",
        "Verifications ordered in time",
        f"{_verb('order_verify')} AND e.late IS NOT TRUE",
        HAND,
    ),
    Metric("dispatched", "派遣数", "Dispatched", _verb("dispatch"), HAND),
    Metric(
        "dispatched_in_time",
        "按时派遣数",
        "Dispatched in time",
        f"{_verb('dispatch')} AND e.late IS NOT TRUE",
        HAND,
    ),
    Metric(
        "dispatched_rightly",
        "准确派遣数",
        "Dispatched, not to another department later",
        "k.stayed",
        HAND,
    ),
    Metric("finished", "处置数", "Finished", _verb("finish"), WORKER),
    Metric("on_time", "按期处置数", "Finished on time", f"{_verb('finish')} AND {_in_time('handling')}", WORKER),
    Metric("overdue", "超期处置数", "Overdue", _late("handling"), WORKER, "due_at"),
    Metric(
        "exempt",
        "免责数",
        "Overdue, exempted on appeal",
        f"{_late('handling')} AND k.appealed",
        WORKER,
        "due_at",
    ),
    Metric("rework", "返工数", "Sent back after a check", _verb("rework"), FINISHER),
    Metric("passed", "推诿数", "Buck-passing", _PASSED),
    Metric("declines", "回退数", "Declined", _verb("decline")),
    Metric("extensions", "延期数", "Extended", _verb("extend")),
    Metric("shelved", "挂账数", "Shelved", _verb("shelve")),
    Metric("check_orders", "核查派发数", "Checks ordered", _verb("order_check"), HAND),
    Metric(
        "check_orders_in_time",
        "核查按时派发数",
        "Checks ordered in time",
        f"{_verb('order_check')} AND e.late IS NOT TRUE",
        HAND,
    ),
    Metric(
        "check_in_time", "按时核查数", "Checked in time", f"{_verb('pass', 'rework')} AND {_in_time('check')}", WORKER
    ),
    Metric("check_late", "超期核查数", "Checks overdue", _late("check"), WORKER, "due_at"),
    Metric("closed", "结案数", "Closed", _CLOSED, HAND),
    Metric(
        "closed_on_time",
        "按期结案数",
        "Closed within the promise",
        f"{_CLOSED} AND coalesce(e.facts->>'promise_kept', 'true') = 'true'",
        HAND,
    ),
    Metric(
        "closing_in_time",
        "按时办结数",
        "Closed within the limit of closing",
        f"{_CLOSED} AND e.late IS NOT TRUE",
        HAND,
    ),
    Metric(
        "unclosed",
        "超期未结案数",
        "Not closed, promise past",
        f"c.stage IN ({OPEN_CASES})",
        when="promise_at",
    ),
    Metric("reopened", "重启数", "Reopened", f"{_verb('reopen')} AND {_WHOLE}"),
    Metric("contacts_due", "应联系数", "Callers to be contacted", "k.contact IN ('kept', 'missed')"),
    Metric("contacted", "按时联系数", "Callers contacted in time", "k.contact = 'kept'"),
    Metric("to_call", "应回访数", "Callers to be called back", f"{_verb('close')} AND e.facts ? 'call_by'"),
    Metric("called_back", "有效回访数", "Callers who said how it was", "k.answered", HAND),
    Metric("solved", "解决数", "Solved, says the caller", "k.answered AND e.facts->>'outcome' = 'solved'", HAND),
    Metric("satisfied", "满意数", "The caller is satisfied", "k.answered AND e.facts->>'satisfied' = 'true'", HAND),
    Metric("rechecked", "复查数", "Checked again, blind", _RECHECKED, CHECKER),
    Metric(
        "recheck_failed",
        "复查不合格数",
        "Re-checks that failed, upheld",
        f"{_RECHECKED} AND e.facts->>'accepted' = 'true'",
        CHECKER,
    ),
    Metric("appeals", "申诉数", "Appeals", f"{_verb('ask')} AND e.facts->>'asks' = 'exempt'", HAND),
    Metric("granted", "申诉成立数", "Appeals granted", _verb("exempt")),
    Metric("supervised", "督办数", "Supervised", _verb("supervise")),
    Metric("hastened", "催办数", "Hastened", _verb("hasten")),
    Metric("rung_1", "一级升级数", "First rung", _rung(1)),
    Metric("rung_2", "二级升级数", "Second rung", _rung(2)),
    Metric("rung_3", "三级升级数", "Third rung", _rung(3)),
    Metric("rung_4", "四级及以上升级数", "Fourth rung and above", _rung(4, above=True)),
)

METRIC: Mapping[str, Metric] = {metric.code: metric for metric in METRICS}
CODES = tuple(METRIC)


def facts(metrics: Iterable[Metric]) -> str:
    """To be joined to lines `e` with their cases `c`: each of these metrics that the line counts in, the `n`th of them
    from 1 on, with the moment by which it counts, and the officer, 0 for nobody.

    An array, for rows of VALUES are compiled anew for each line; OFFSET keeps `k` from being asked for each metric.
    """
    asked = tuple(metrics)
    known = ", ".join(f"{sql} AS {name}" for name, sql in KNOWN.items())
    codes, moments = (", ".join(map(repr, names)) for names in ([m.code for m in asked], [m.when for m in asked]))
    officers = ", ".join(f"CASE WHEN {m.sql} THEN coalesce({m.officer}, 0) END" for m in asked)
    return f"""
        LATERAL (SELECT {known} OFFSET 0) AS k,
        LATERAL (
            SELECT n, (ARRAY[{codes}])[n] AS metric, (ARRAY[{moments}])[n] AS moment, officer
            FROM unnest(ARRAY[{officers}]::bigint[]) WITH ORDINALITY AS each (officer, n) WHERE officer IS NOT NULL
        ) AS fact
    """  # noqa: S608 (our own names alone)
