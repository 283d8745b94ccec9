from django.db import migrations, models


class Migration(migrations.Migration):
    """A class may stand between a major and its sub-classes."""

    dependencies = [("cases", "0032_one_name")]

    operations = [
        migrations.AddField(
            "category", "middle", models.CharField("中类代码", max_length=8, blank=True, default=""), preserve_default=False
        ),
        migrations.RemoveConstraint("category", "category_code"),
        migrations.AddConstraint(
            "category",
            models.UniqueConstraint(fields=["scheme", "kind", "major", "middle", "sub"], name="category_code"),
        ),
        migrations.AddConstraint(
            "category",
            models.CheckConstraint(name="category_one_level", condition=models.Q(middle="") | models.Q(sub="")),
        ),
        migrations.AlterModelOptions(
            "category", {"verbose_name": "问题类别", "ordering": ["scheme", "kind", "major", "middle", "sub"]}
        ),
    ]
