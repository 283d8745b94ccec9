"""A heat map of closings counts by cell, which the index of closings answers alone."""

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # the log is large where this runs late
    dependencies = [("cases", "0023_hear_of_help")]

    operations = [
        RemoveIndexConcurrently("caseevent", "event_closed"),
        AddIndexConcurrently(
            "caseevent",
            models.Index(
                fields=["at"], include=["case", "cell"], name="event_closed", condition=models.Q(verb="close")
            ),
        ),
    ]
