import django.db.models.deletion
from django.db import migrations, models

# Until now a session knew the last token it had named; of several the one that was seen last keeps it.
TIE = """
    UPDATE mobile_api_device d SET session_id = (
        SELECT s.id FROM usersessions_usersession s
        WHERE s.user_id = d.officer_id AND s.data->>'device' = d.token ORDER BY s.last_seen_at DESC, s.id DESC LIMIT 1
    )
"""


class Migration(migrations.Migration):
    dependencies = [
        ('mobile_api', '0005_hook_secret'),
        ('usersessions', '0001_initial'),
    ]

    operations = [
        migrations.AddField(
            model_name="device",
            name="session",
            field=models.ForeignKey(
                help_text="none: of before sessions were kept",
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="devices",
                to="usersessions.usersession",
            ),
        ),
        migrations.RunSQL(TIE, migrations.RunSQL.noop),
    ]
