"""Who is on duty, and the tracks: by month, so that old ones are thrown away at once."""

import django.contrib.gis.db.models.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

# The application may neither make nor drop tables: this function does it for it, and nothing else.
TRACKS = """
CREATE TABLE grid_track (
    shift_id bigint NOT NULL REFERENCES grid_shift DEFERRABLE INITIALLY DEFERRED,
    at timestamptz NOT NULL,
    point geometry(Point, 4326) NOT NULL,
    accuracy_m double precision,
    PRIMARY KEY (shift_id, at)
) PARTITION BY RANGE (at);
CREATE TABLE grid_track_other PARTITION OF grid_track DEFAULT;

CREATE FUNCTION grid_track_keep(oldest timestamptz) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    begins date;
    part record;
BEGIN
    FOR begins IN SELECT generate_series(date_trunc('month', now()), now() + interval '1 month', interval '1 month') LOOP
        IF to_regclass('grid_track_' || to_char(begins, 'YYYYMM')) IS NULL
            AND NOT EXISTS (SELECT FROM grid_track_other WHERE at >= begins AND at < begins + interval '1 month') THEN
            EXECUTE format('CREATE TABLE %I PARTITION OF grid_track FOR VALUES FROM (%L) TO (%L)',
                'grid_track_' || to_char(begins, 'YYYYMM'), begins, begins + interval '1 month');
        END IF;
    END LOOP;
    FOR part IN SELECT relname FROM pg_class JOIN pg_inherits ON inhrelid = pg_class.oid
        WHERE inhparent = 'grid_track'::regclass AND relname ~ '^grid_track_[0-9]{6}$' LOOP
        IF to_date(right(part.relname, 6), 'YYYYMM') + interval '1 month' <= oldest THEN
            EXECUTE format('DROP TABLE %I', part.relname);
        END IF;
    END LOOP;
    DELETE FROM grid_track WHERE at < oldest;
END $$;
DO $$ BEGIN EXECUTE format('ALTER FUNCTION grid_track_keep(timestamptz) SET search_path = %I, pg_temp', current_schema()); END $$;
SELECT grid_track_keep(now() - interval '1 year');
"""


class Migration(migrations.Migration):

    dependencies = [
        ('grid', '0002_leave'),
    ]

    operations = [
        migrations.CreateModel(
            name='Shift',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('since', models.DateTimeField(verbose_name='上岗时间')),
                ('until', models.DateTimeField(null=True, verbose_name='离岗时间')),
                ('forgotten', models.BooleanField(default=False, help_text='he did not say that he left: the system ended it')),
                ('point', django.contrib.gis.db.models.fields.PointField(help_text='where he was last', null=True, spatial_index=False, srid=4326)),
                ('seen_at', models.DateTimeField(help_text='when he was there', null=True)),
                ('officer', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='shifts', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': '考勤',
            },
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(TRACKS, "DROP FUNCTION grid_track_keep(timestamptz); DROP TABLE grid_track"),
            ],
            state_operations=[
                migrations.CreateModel(
                    name='Track',
                    fields=[
                        ('pk', models.CompositePrimaryKey('shift_id', 'at', blank=True, editable=False, primary_key=True, serialize=False)),
                        ('at', models.DateTimeField()),
                        ('point', django.contrib.gis.db.models.fields.PointField(spatial_index=False, srid=4326)),
                        ('accuracy_m', models.FloatField(null=True)),
                        ('shift', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='track', to='grid.shift')),
                    ],
                    options={
                        'verbose_name': '轨迹',
                    },
                ),
            ],
        ),
        migrations.AddIndex(
            model_name='shift',
            index=models.Index(fields=['officer', '-since'], name='shift_of'),
        ),
        migrations.AddConstraint(
            model_name='shift',
            constraint=models.UniqueConstraint(condition=models.Q(('until', None)), fields=('officer',), name='shift_one_at_a_time'),
        ),
        migrations.AddConstraint(
            model_name='shift',
            constraint=models.CheckConstraint(condition=models.Q(('until', None), ('until__gte', models.F('since')), _connector='OR'), name='shift_has_time'),
        ),
    ]
