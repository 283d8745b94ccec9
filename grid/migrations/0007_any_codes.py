from django.db import migrations, models


class Migration(migrations.Migration):
    """Codes of areas and classes as a city has them; longer than the standard's."""

    dependencies = [("grid", "0006_islands")]

    operations = [
        migrations.AlterField(
            "area",
            "code",
            models.CharField("代码", max_length=16, unique=True, help_text="as long as settings.AREA_WIDTHS says"),
        ),
        migrations.AlterField(
            "road", "district", models.CharField(max_length=16, help_text="of the city that it was loaded with")
        ),
        migrations.AlterField("component", "major", models.CharField(max_length=8)),
        migrations.AlterField("component", "sub", models.CharField(max_length=8)),
    ]
