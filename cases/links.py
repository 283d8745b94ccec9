"""Duplicates (并案): a case that was reported twice ends with the one that stays, its master.

A master is no duplicate itself: who links to a duplicate links to its master, and a case that others were linked to
is not linked. So there are no chains and no rings. Links are made one at a time, and a master is locked before its
duplicates: nobody waits for somebody who waits for him.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from grid.models import Officer

from . import cowork, flow
from .flow import DONE, Facts, Refused, Stage, Verb
from .models import Case, CaseQuerySet
from .rulebook import Rulebook

LINKING = 0x11CE  # the advisory lock of whoever makes a link


def master(by: Officer, facts: Facts) -> Case | None:
    """The master that a link names, locked; None if the officer sees no such case.

    Who names a duplicate names its master, and who names a child its parent.

    To be asked for before the case to be linked is locked.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LINKING])
    if not facts.same_as:
        return None
    named = Case.objects.visible_to(by).filter(uuid=facts.same_as).values_list("same_as", "parent", "pk").first()
    return Case.objects.select_for_update().get(pk=next(filter(None, named))) if named else None


def fit(book: Rulebook, case: Case, to: Case | None) -> Case:
    """The master, if the case may be linked to it. Raises Refused."""

    def no(code: str, sentence: str, **said: Any) -> Refused:
        return Refused(code, sentence % said, field="same_as", allowed=flow.at(case.stage))

    if to is None:
        raise no("same_as_unknown", _("没有这个案卷，或您无权查看。"))
    if to.pk == case.pk:
        raise no("same_as_itself", _("案卷不能并入自己，也不能并入已并入它的案卷。"))
    if to.stage in DONE:
        raise no("master_done", _("%(number)s 已经结束，不能并入。"), number=to.number)
    if book.classes(to.category_id)[-1] != book.classes(case.category_id)[-1]:
        raise no("class_differs", _("%(number)s 不属于同一大类，不能并入。"), number=to.number)
    if waiting(case).exists():
        raise no("has_duplicates", _("已有案卷并入本案，请把 %(number)s 并入本案。"), number=to.number)
    if open_ := [child.number for child in cowork.unfinished(case)]:
        raise no("children_open", _("协办案卷 %(numbers)s 尚未办结，不能并案。"), numbers=_("、").join(open_))
    return to


def waiting(case: Case) -> CaseQuerySet:
    """The duplicates that wait for a case."""
    found: CaseQuerySet = case.duplicates.filter(stage=Stage.LINKED).order_by("pk")
    return found


def ending_with(case: Case) -> CaseQuerySet:
    """The duplicates for which the end of a case means something: of a void one also those that were closed with it.

    A case is void after it was closed once it was reopened: what had been found done was no case, and its duplicates
    were closed for nothing.
    """
    if case.stage != Stage.VOID:
        return waiting(case)
    found: CaseQuerySet = case.duplicates.filter(stage__in=(Stage.LINKED, Stage.CLOSED)).order_by("pk")
    return found


def ending(case: Case) -> tuple[Verb, Facts]:
    """What happens to the duplicates of a case that has ended: they are closed with it, or, if it is void, freed."""
    verb, code = (Verb.CLOSE, "with_master") if case.stage == Stage.CLOSED else (Verb.UNLINK, "master_void")
    return verb, Facts(why=({"code": code, "number": case.number},))


def back(book: Rulebook, case: Case) -> Iterator[tuple[Verb, Facts]]:
    """The steps that bring a case which a person unlinked to where it stood when it was linked."""
    link, why = case.events.filter(verb=Verb.LINK).latest("id"), ({"code": "stood_before"},)
    if link.left in (Stage.DISPATCH, Stage.HANDLING):
        yield Verb.FILE, Facts(condition=case.condition_id, why=why)
    if link.left == Stage.HANDLING and (department := book.heir(link.department_id)):
        yield Verb.DISPATCH, Facts(department=department.pk, why=why)
