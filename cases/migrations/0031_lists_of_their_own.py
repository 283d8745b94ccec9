"""Indexes of what waits for a reply, of the checks of some days, and of all that happened in them.

The first holds next to no case and the second next to no line of a report; the third is the worker's.
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [('cases', '0030_trial_turns')]

    operations = [
        migrations.AddIndex(
            model_name="case",
            index=models.Index(
                fields=["due_at", "id"], name="case_supervised", condition=models.Q(supervised_at__isnull=False)
            ),
        ),
        migrations.AddIndex(
            model_name="caseevent",
            index=models.Index(
                fields=["at"], name="event_checked", condition=models.Q(verb__in=["pass", "rework"])
            ),
        ),
        migrations.AddIndex(model_name="tally", index=models.Index(fields=["day"], name="tally_of_days")),
    ]
