from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [('mobile_api', '0004_digest')]

    operations = [
        migrations.AddField(
            model_name="hook",
            name="old_secret",
            field=models.CharField(
                blank=True, default="", help_text="the one before: signs too, until old_until", max_length=64
            ),
            preserve_default=False,
        ),
        migrations.AddField(model_name="hook", name="old_until", field=models.DateTimeField(null=True)),
    ]
