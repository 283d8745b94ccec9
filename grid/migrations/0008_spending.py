"""How much one account or one address has done of late."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("grid", "0007_any_codes")]

    operations = [
        migrations.CreateModel(
            name="Spending",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("who", models.CharField(max_length=120)),
                ("kind", models.CharField(max_length=20)),
                ("since", models.DateTimeField()),
                ("lately", models.BigIntegerField()),
                ("day", models.DateField()),
                ("today", models.BigIntegerField()),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("who", "kind"), name="one_spending")],
            },
        ),
        migrations.RunSQL("ALTER TABLE grid_spending SET (fillfactor = 50)", migrations.RunSQL.noop),
    ]
