"""What a map and a board count by: open work by its ground, cases by their day, closings by theirs."""

import django.contrib.postgres.indexes
from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models

OPEN = ("filing", "verify", "dispatch", "handling", "shelved", "linked", "feedback", "check", "closing")


class Migration(migrations.Migration):
    atomic = False  # the tables are large where this runs late
    dependencies = [("cases", "0016_short_waits"), ("grid", "0005_road")]

    operations = [
        RemoveIndexConcurrently("case", "case_on_beat"),
        AddIndexConcurrently(
            "case",
            models.Index(
                fields=["cell", "due_at", "id"],
                include=["stage", "department", "level"],
                name="case_on_beat",
                condition=models.Q(stage__in=OPEN),
            ),
        ),
        AddIndexConcurrently(
            "case",
            django.contrib.postgres.indexes.BrinIndex(
                fields=["reported_at"], name="case_reported", autosummarize=True, pages_per_range=32
            ),
        ),
        AddIndexConcurrently(
            "caseevent",
            models.Index(fields=["at"], include=["case"], name="event_closed", condition=models.Q(verb="close")),
        ),
    ]
