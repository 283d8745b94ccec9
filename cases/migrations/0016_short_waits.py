"""What waits to be sorted into the index of words is sorted in sooner: fewer cases to look through, and shorter stops."""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('cases', '0015_opinions'),
        ('grid', '0003_duty'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    "ALTER INDEX case_words SET (gin_pending_list_limit = 256)",
                    "ALTER INDEX case_words RESET (gin_pending_list_limit)",
                )
            ],
            state_operations=[
                migrations.RemoveIndex(
                    model_name='case',
                    name='case_words',
                ),
                migrations.AddIndex(
                    model_name='case',
                    index=django.contrib.postgres.indexes.GinIndex(models.Func('text', 'place', function='word_pairs', output_field=django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), size=None)), gin_pending_list_limit=256, name='case_words'),
                ),
            ],
        ),
    ]
