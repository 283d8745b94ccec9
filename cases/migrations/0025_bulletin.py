"""Bulletins as they were issued."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


KEPT = """
CREATE TRIGGER published_is_kept BEFORE UPDATE OR DELETE ON cases_issue
    FOR EACH ROW EXECUTE FUNCTION published_is_kept();
"""


class Migration(migrations.Migration):
    dependencies = [
        ('cases', '0024_closings'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Issue",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("since", models.DateField(help_text="the first of the month", verbose_name="月份")),
                ("revision", models.PositiveSmallIntegerField(help_text="0 is the first", verbose_name="修订号")),
                ("reason", models.CharField(blank=True, max_length=200, verbose_name="修订理由")),
                ("said", models.JSONField(help_text="the bulletin, as cases.bulletin writes it down")),
                ("at", models.DateTimeField()),
                (
                    "by",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "月报",
                "ordering": ["-since", "-revision"],
                "constraints": [
                    models.UniqueConstraint(fields=("since", "revision"), name="issue_once"),
                    models.CheckConstraint(
                        condition=models.Q(("revision", 0), models.Q(("reason", ""), _negated=True), _connector="OR"),
                        name="issue_revised_why",
                    ),
                ],
            },
        ),
        migrations.RunSQL(KEPT, "DROP TRIGGER published_is_kept ON cases_issue"),
    ]
