from django.db import migrations, models


class Migration(migrations.Migration):
    """Of which year's notice a day is: a year is known by its notice, in any country."""

    dependencies = [("cases", "0034_photo_datum")]

    operations = [
        migrations.AddField(
            "holiday",
            "year",
            models.PositiveSmallIntegerField(
                "年份", null=True, blank=True, help_text="of the notice that names it"
            ),
        ),
    ]
