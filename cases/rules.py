"""What the system decides by itself, and why: which condition, which department, which limit, which next step.

Plain functions of a Rulebook and a case in memory; nothing here touches the database. Each answer comes with
its reasons, also for what did not apply. Where no rule answers, a person decides, and the reason says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date

from django.conf import settings

from grid.models import Area, Department

from .clock import Limit, Unit
from .flow import Facts, Stage, Verb
from .models import Case, Category, Condition, Kind
from .reasons import Reason
from .rulebook import Rulebook

Why = tuple[Reason, ...]


def condition(book: Rulebook, case: Case, on: date) -> tuple[Condition | None, Why]:
    """The condition under which a case is to be filed: the one chosen, or the only one that applies.

    A condition chosen that is not in force for the category, or not in this region, counts as not chosen.
    """
    category = book.categories[case.category_id]
    possible = book.in_force(category.pk, on, case.cell.region_class)
    chosen = next((row for row in possible if row.pk == case.condition_id), None)
    if chosen:
        return chosen, (
            {"code": "condition_chosen", "no": chosen.no, **both("text", chosen, "text")},
            *_regional(chosen),
        )
    if len(possible) == 1:
        reason = {"code": "condition_only", **both("category", category), **both("text", possible[0], "text")}
        return possible[0], (reason, *_regional(possible[0]))
    code = "condition_open" if possible else "condition_none"
    return None, ({"code": code, **both("category", category), "count": len(possible)},)


def _regional(row: Condition) -> Why:
    return ({"code": "condition_region", "region_class": row.region_class},) if row.region_class else ()


def route(book: Rulebook, case: Case) -> tuple[Department | None, Why]:
    """The department that answers for a case.

    Asked in the order of settings.ROUTE_COMPONENT or ROUTE_EVENT; in each step the more particular comes first.
    The reasons tell every step up to the one that answered.
    """
    category = book.categories[case.category_id]
    steps = settings.ROUTE_COMPONENT if category.kind == Kind.COMPONENT else settings.ROUTE_EVENT
    why: list[Reason] = []
    for step in steps:
        for department, reason in STEPS[step](book, case, category):
            if reason not in why:  # owner and maintainer of no component at all
                why.append(reason)
            if department is None:
                continue
            if department.closed_on is None:
                return department, tuple(why)
            why.append({"code": "department_closed", **both("department", department)})
            if heir := book.heir(department.pk):
                return heir, (*why, {"code": "heir_asked", **both("was", department), **both("department", heir)})
    return None, (*why, {"code": "nobody"})


Candidates = Iterator[tuple[Department | None, Reason]]


def _registered(post: str) -> Callable[[Rulebook, Case, Category], Candidates]:
    """Whom the register of components names: its owner, maintainer or supervisor."""

    def ask(book: Rulebook, case: Case, category: Category) -> Candidates:
        if case.component is None:
            yield None, {"code": "component_none"}
            return
        department = book.departments.get(getattr(case.component, f"{post}_id"))
        if department is None:
            yield None, {"code": f"{post}_none", "component": case.component.code}
        else:
            yield department, {"code": post, "component": case.component.code, **both("department", department)}

    return ask


def _territory(book: Rulebook, case: Case, category: Category) -> Candidates:
    """The duties of the community, then of its street, then of the district."""
    areas = list(lineage(case.cell.area))
    found = False
    for area in areas:
        for department, reason in _duties(book, category, area.code, "territory"):
            found = True
            yield department, reason
    if not found:
        names = {"areas": [area.name for area in areas], "areas_en": [area.name_en or area.name for area in areas]}
        yield None, {"code": "territory_none", **names, **both("category", category)}


def _competent(book: Rulebook, case: Case, category: Category) -> Candidates:
    """The duties that hold everywhere."""
    answers = list(_duties(book, category, "", "competent"))
    yield from answers or [(None, {"code": "competent_none", **both("category", category)})]


def _duties(book: Rulebook, category: Category, area: str, code: str) -> Candidates:
    for pk in book.classes(category.pk):
        if duty := book.duties.get((pk, area)):
            yield (
                book.departments[duty.department_id],
                {
                    "code": code,
                    "duty": duty.pk,
                    **both("area", duty.area),
                    **both("category", book.categories[pk]),
                    **both("department", duty.department),
                },
            )


STEPS: dict[str, Callable[[Rulebook, Case, Category], Candidates]] = {
    "owner": _registered("owner"),
    "maintainer": _registered("maintainer"),
    "supervisor": _registered("supervisor"),
    "territory": _territory,
    "competent": _competent,
}


def lineage(area: Area | None) -> Iterator[Area]:
    """An area and those above it, the nearest first."""
    while area is not None:
        yield area
        area = area.parent


def automatic(book: Rulebook, verb: Verb, case: Case) -> tuple[bool, Reason]:
    """Whether the system makes a move by itself: the policy of the nearest area wins, there the source's own."""
    for area in (*lineage(case.cell.area), None):
        for source in (case.source, ""):
            if policy := book.policies.get((verb, source, area.code if area else "")):
                code = "policy_yes" if policy.automatic else "policy_no"
                return policy.automatic, {
                    "code": code,
                    "verb": verb,
                    "policy": policy.pk,
                    "source": source,
                    **both("area", area),
                }
    return False, {"code": "policy_none", "verb": verb}


def stage_limit(book: Rulebook, case: Case, stage: Stage) -> tuple[Limit | None, Reason]:
    """How long a stage may take: the handling by the case's condition, the others by the rows of their stage.

    Of these, a row of urgent categories goes before one of all, there the source's own before one of any source.
    """
    if stage == Stage.HANDLING and case.condition_id:
        row = book.conditions[case.condition_id]
        limit = Limit(row.limit_value, Unit(row.limit_unit))
        return limit, {"code": "limit_condition", "no": row.no, "limit": said(limit)}
    for urgent in (True, False) if book.categories[case.category_id].urgent else (False,):
        for source in (case.source, ""):
            if found := book.limits.get((stage, source, urgent)):
                code = "limit_stage" + ("_urgent" if urgent else "") + ("_source" if source else "")
                return found, {"code": code, **({"source": source} if source else {}), "limit": said(found)}
    return None, {"code": "limit_none"}


def both(name: str, row: object, field: str = "name") -> dict[str, str]:
    """A name in both tongues, for a reason: under `name` and `name`_en."""
    return {name: getattr(row, field, ""), f"{name}_en": getattr(row, f"{field}_en", "")}


def said(limit: Limit) -> dict[str, str]:
    return {"value": str(limit.value), "unit": str(limit.unit)}


def next_move(book: Rulebook, case: Case, after: Verb, on: date) -> tuple[Verb, Facts] | None:
    """What the system does by itself after a move, and with which facts; None leaves it to people."""
    decide = AFTER.get(after)
    return decide(book, case, on) if decide else None


def _after_report(book: Rulebook, case: Case, on: date) -> tuple[Verb, Facts] | None:
    yes, policy = automatic(book, Verb.FILE, case)
    if yes:
        row, why = condition(book, case, on)
        if row:
            return Verb.FILE, Facts(condition=row.pk, why=(policy, *why))
    yes, policy = automatic(book, Verb.ORDER_VERIFY, case)
    return (Verb.ORDER_VERIFY, Facts(why=(policy,))) if yes else None


def _after_file(book: Rulebook, case: Case, on: date) -> tuple[Verb, Facts] | None:
    yes, policy = automatic(book, Verb.DISPATCH, case)
    department, why = route(book, case) if yes else (None, ())
    return (Verb.DISPATCH, Facts(department=department.pk, why=(policy, *why))) if department else None


def directed(book: Rulebook, case: Case, on: date) -> tuple[Verb, Facts] | None:
    """The dispatch, by the policy of a filed case, of one that may never have been filed: then with its condition."""
    decided = _after_file(book, case, on)
    if decided is None or case.condition_id:
        return decided
    row, why = condition(book, case, on)
    verb, facts = decided
    return (verb, replace(facts, condition=row.pk, why=(*facts.why, *why))) if row else None


def _by_policy(verb: Verb) -> Callable[[Rulebook, Case, date], tuple[Verb, Facts] | None]:
    def decide(book: Rulebook, case: Case, on: date) -> tuple[Verb, Facts] | None:
        yes, policy = automatic(book, verb, case)
        return (verb, Facts(why=(policy,))) if yes else None

    return decide


AFTER: dict[Verb, Callable[[Rulebook, Case, date], tuple[Verb, Facts] | None]] = {
    Verb.REPORT: _after_report,
    Verb.FILE: _after_file,
    Verb.FINISH: _by_policy(Verb.ORDER_CHECK),
    Verb.PASS: _by_policy(Verb.CLOSE),
}


# Where the system might move a case by itself, by which verb, and what else it must find out to do so.
WAITS: dict[Stage, tuple[Verb, Callable[[Rulebook, Case, date], Why]]] = {
    Stage.FILING: (Verb.FILE, lambda book, case, on: condition(book, case, on)[1]),
    Stage.DISPATCH: (Verb.DISPATCH, lambda book, case, on: route(book, case)[1]),
    Stage.FEEDBACK: (Verb.ORDER_CHECK, lambda book, case, on: ()),
    Stage.CLOSING: (Verb.CLOSE, lambda book, case, on: ()),
}


def waiting(book: Rulebook, case: Case, after: Verb, on: date) -> Why:
    """Why a case waits, after a move, for a person at a stage where the system might have moved it."""
    if case.stage not in WAITS:
        return ()
    if after not in AFTER:
        return ({"code": "by_hand", "verb": after},)
    verb, find_out = WAITS[Stage(case.stage)]
    yes, policy = automatic(book, verb, case)
    return (policy, *find_out(book, case, on)) if yes else (policy,)
