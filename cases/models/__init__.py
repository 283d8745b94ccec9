"""What happens, and the rows that decide about it."""

from .bulletin import Issue
from .case import Case, CaseEvent, CaseQuerySet, Outbox
from .evaluation import Indicator, Publication, Result, Scheme, Trial
from .evidence import Evidence, Flag, Photo
from .export import Export
from .figures import Basis, Tally, Total
from .forecast import Outlook, Pace
from .hearing import Hearing
from .opinion import Opinion
from .policy import Edition, Holiday, Likeness, Policy, Rung, StageLimit, Timetable
from .recheck import Recheck, Sampling
from .taxonomy import Category, Condition, Duty, Kind
from .terms import Ground, Terms

__all__ = [
    "Basis",
    "Case",
    "CaseEvent",
    "CaseQuerySet",
    "Category",
    "Condition",
    "Duty",
    "Edition",
    "Evidence",
    "Export",
    "Flag",
    "Ground",
    "Hearing",
    "Holiday",
    "Indicator",
    "Issue",
    "Kind",
    "Likeness",
    "Opinion",
    "Outbox",
    "Outlook",
    "Pace",
    "Photo",
    "Policy",
    "Publication",
    "Recheck",
    "Result",
    "Rung",
    "Sampling",
    "Scheme",
    "StageLimit",
    "Tally",
    "Terms",
    "Timetable",
    "Total",
    "Trial",
]
