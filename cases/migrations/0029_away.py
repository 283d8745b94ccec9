"""Debts say whether they wait for a server that does not answer. A default of the database's: no row is rewritten."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [('cases', '0028_what_callers_say')]

    operations = [
        migrations.AddField(
            "outbox",
            "away",
            models.BooleanField(
                default=False, db_default=False, help_text="put off: whoever is to hear is out of reach"
            ),
        ),
    ]
