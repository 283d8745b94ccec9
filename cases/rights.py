"""What the application needs of the tables of cases, and of the worker's queue: see grid/rights.py."""

from __future__ import annotations

from grid.rights import EDITED, FREE, KEPT, Rights, columns, give

from . import models, stint

give(
    {
        # What happened
        models.CaseEvent: KEPT,
        models.Evidence: KEPT,
        models.Case: Rights(add=True, change=columns(models.Case, stint.CHANGING)),
        models.Photo: Rights(add=True, change=("looks", "bands", "shrunk_at")),
        models.Flag: Rights(add=True, change=("answered_by_id", "answered_at", "note", "accepted"), remove=True),
        models.Recheck: EDITED,
        models.Outbox: FREE,
        # What is reckoned of it
        models.Tally: FREE,
        models.Total: FREE,
        models.Pace: FREE,
        models.Outlook: FREE,
        models.Trial: Rights(
            add=True, change=("done", "whole", "found", "state", "failed", "finished_at"), remove=True
        ),
        models.Export: Rights(add=True, change=("status", "rows", "cursor", "size", "ended_at")),
        # What is published
        models.Publication: KEPT,
        models.Result: KEPT,
        models.Issue: KEPT,
        # Rules that administrators keep; a scheme is locked, and kept by a trigger
        models.Category: EDITED,
        models.Condition: EDITED,
        models.Scheme: Rights(add=True, change=("code",), remove=True),
        models.Edition: EDITED,
        **dict.fromkeys(
            (
                *(models.Duty, models.Ground, models.Hearing, models.Holiday, models.Likeness, models.Opinion),
                *(models.Policy, models.Rung, models.Sampling, models.StageLimit, models.Terms, models.Timetable),
            ),
            FREE,
        ),
        # The worker's queue
        "django_q_ormq": FREE,
        "django_q_schedule": FREE,
        "django_q_task": FREE,
    }
)
