"""Lists of many cases: by due moment, by the end of a number, by words of the text and place."""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.functions.text
from django.conf import settings
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


PAIRS = """
CREATE OR REPLACE FUNCTION word_pairs(text, text) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT COST 3000 AS $$
    SELECT coalesce(array_agg(one || two), '{}')
    FROM unnest(
        string_to_array(lower($1 || ' ' || $2), NULL), (string_to_array(lower($1 || ' ' || $2), NULL))[2:]
    ) AS neighbours (one, two)
    WHERE two IS NOT NULL
$$
"""


class Migration(migrations.Migration):
    atomic = False  # as building an index beside the writers asks

    dependencies = [
        ('cases', '0012_tallies'),
        ('grid', '0003_duty'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RunSQL(PAIRS, "DROP FUNCTION word_pairs(text, text)"),
        AddIndexConcurrently(
            model_name='case',
            index=models.Index(fields=['due_at', 'id'], name='case_due'),
        ),
        AddIndexConcurrently(
            model_name='case',
            index=models.Index(django.contrib.postgres.indexes.OpClass(django.db.models.functions.text.Reverse('number'), name='text_pattern_ops'), name='case_number_end'),
        ),
        AddIndexConcurrently(
            model_name='case',
            index=django.contrib.postgres.indexes.GinIndex(models.Func('text', 'place', function='word_pairs', output_field=django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), size=None)), name='case_words'),
        ),
        migrations.RunSQL("ANALYZE cases_case", migrations.RunSQL.noop),  # for the indexes on expressions
    ]
