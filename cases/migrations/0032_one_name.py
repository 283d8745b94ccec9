from django.db import migrations, models


class Migration(migrations.Migration):
    """A name in the city's own language is enough, and codes of classes may be longer than the standard's."""

    dependencies = [("cases", "0031_lists_of_their_own")]

    operations = [
        *(
            migrations.AlterField(model, "name_en", models.CharField(max_length=100, blank=True))
            for model in ("category", "ground", "indicator", "scheme")
        ),
        migrations.AlterField("indicator", "counted_by_en", models.CharField(max_length=200, blank=True)),
        migrations.AlterField("category", "major", models.CharField("大类代码", max_length=8)),
        migrations.AlterField("category", "sub", models.CharField("小类代码", max_length=8, blank=True)),
    ]
