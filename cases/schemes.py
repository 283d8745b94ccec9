"""评分方案的版本: a scheme is changed by a new version that holds from a day on. No version is edited, for periods were
judged by it; one that has not begun may be withdrawn.
"""

from __future__ import annotations

from datetime import date, timedelta

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from grid import changes
from grid.models import Change, Officer
from grid.moment import today

from . import evaluation
from .flow import Refused
from .models import Publication, Scheme


def newest(code: str) -> Scheme | None:
    """The last version of a scheme, in force or still to come."""
    return Scheme.objects.filter(code=code).order_by("-version").first()


def earliest(code: str) -> date | None:
    """The first day from which a further version may hold: after the newest began, and after all that was published.

    None where there is no such scheme yet. A period is judged by the version that holds on its last day, so what was
    published is never judged anew by a later version.
    """
    last = newest(code)
    if last is None:
        return None
    published = Publication.objects.filter(code=code).aggregate(until=Max("until"))["until"]
    return max(last.valid_from, published or last.valid_from) + timedelta(days=1)


def begun(row: Scheme) -> bool:
    """Whether a version has judged anything, or may have."""
    return row.valid_from <= today() or row.publications.exists()


@transaction.atomic
def renew(row: Scheme, *, after: Scheme | None, by: Officer) -> Change:
    """Add a version behind the newest, or a new scheme, and write down in what it differs.

    Raises Refused (version_followed where somebody was first, version_early, and what a plan refuses) and
    ValidationError.
    """
    evaluation.plan_of(row)
    evaluation.one_by_one()
    last = Scheme.objects.select_for_update().filter(code=row.code).order_by("-version").first()
    if (last and last.pk) != (after and after.pk):
        raise Refused("version_followed", _("刚刚有人写了新的版本，请先看那一版。"), field="valid_from")
    first = earliest(row.code)
    if first and row.valid_from < first:
        raise Refused(
            "version_early",
            _("生效日期不能早于 %(day)s：在此之前已有版本生效，或已发布考核结果。") % {"day": first.isoformat()},
            field="valid_from",
        )
    row.pk, row.version = None, last.version + 1 if last else 1
    return changes.follow(row, last, by=by)


@transaction.atomic
def withdraw(row: Scheme, *, by: Officer) -> Change:
    """Take back a version that has not begun. Raises Refused (version_begun)."""
    held = Scheme.objects.select_for_update().get(pk=row.pk)
    if begun(held) or newest(held.code) != held:
        raise Refused("version_begun", _("这一版已经生效或用于发布，不能撤回；要改请写新的版本。"))
    return changes.remove(held, by=by)
