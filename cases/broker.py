"""The queue of django-q2 in our own tables, whose sign of life is a task that was crossed off.

That stands behind nothing, however long the queue: a task is crossed off when a hand has done it and the monitor knows.
Where either is dead, or waits for ever for a lock that a dead one held, nothing is crossed off, and no sign is given.
"""

from __future__ import annotations

from typing import Any

from django_q.brokers.orm import ORM

from .schedules import alive


class Broker(ORM):  # type: ignore[misc]
    """django-q2's own, but for the sign."""

    def acknowledge(self, task_id: int) -> Any:
        super().acknowledge(task_id)
        alive()
