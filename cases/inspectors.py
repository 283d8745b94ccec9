"""Which inspectors may be sent to a case: those of its district, or of the city above it where there is one.

Whoever is named, offered or drawn for an errand is one of them: an errand shows its holder the whole case.
"""

from __future__ import annotations

from django.db.models import Q, QuerySet

from grid import levels
from grid.models import Beat, Officer
from grid.roles import Role

from .models import Case


def of_district(case: Case) -> QuerySet[Officer]:
    """Who walks a beat there or has his area there; who has neither lies nowhere, unless his unit does."""
    there = levels.top(case.cell.area.code)
    walks = Q(pk__in=Beat.objects.filter(cells__area__code__startswith=there).values("officers"))
    kept = Q(area__code__startswith=there)
    placed = Q(pk__in=Beat.objects.filter(cells__isnull=False, officers__isnull=False).values("officers"))
    unit = Q(department=None) | Q(department__area=None) | Q(department__area__code__startswith=there)
    nowhere = Q(area=None) & unit & ~placed
    return Officer.objects.filter(walks | kept | nowhere, is_active=True, roles__contains=[str(Role.INSPECTOR)])
