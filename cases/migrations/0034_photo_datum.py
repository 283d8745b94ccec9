from django.db import migrations, models


class Migration(migrations.Migration):
    """Photos that came before name no datum: either reading of their position is taken for the better."""

    dependencies = [("cases", "0033_middle_classes")]

    operations = [
        migrations.AddField(
            "photo",
            "datum",
            models.CharField(
                max_length=8,
                blank=True,
                default="",
                help_text="in which the EXIF says its position, where it says so",
            ),
        ),
    ]
